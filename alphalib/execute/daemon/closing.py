"""The account at the close: what the broker states, with the prices that the session printed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from alphalib.execute.broker import Truth
from alphalib.execute.journal.journal import Kept, Statement
from alphalib.execute.tape import Bar, Tape

BENCHMARK = "SPY"


def statement(truth: Truth, tape: Tape, minutes: Mapping[str, Sequence[Bar]], *, session: str) -> Statement:
    """The statement of a session.

    Parameters
    ----------
    truth : Truth
        Read after the last fill.
    tape : Tape
        Of the session; what it did not see is taken from the journal.
    minutes : mapping of str to sequence of Bar
        The session's by ticker and time, from the journal.
    session : str
        As 2024-03-08.
    """

    def price(ticker: str) -> float | None:
        printed = tape.last(ticker)
        if math.isnan(printed):
            return minutes[ticker][-1].close if ticker in minutes else None
        return printed

    opened = minutes[BENCHMARK][0].open if BENCHMARK in minutes else _known(tape.first(BENCHMARK))
    kept = [Kept(held.ticker, held.shares, held.cost, price(held.ticker)) for held in truth.held if held.shares]
    return Statement(
        session=session,
        at=truth.at,
        account=truth.account,
        nav=truth.nav,
        cash=truth.cash,
        accrued=truth.accrued,
        positions=tuple(kept),
        spy_open=opened,
        spy_last=price(BENCHMARK),
    )


def _known(price: float) -> float | None:
    return None if math.isnan(price) else price
