"""The morning's plan: what was known at the last close becomes the order book of the next session. Places nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from alphalib.contracts import Blocked, OrderBook, ParityReport, PortfolioFile, Predictions, Signals, require_fresh
from alphalib.decision import Day, Decision, Portfolio, day_of, decide, order_book
from alphalib.errors import InputError
from alphalib.execute.archive import Archive, write_archive
from alphalib.market import Market
from alphalib.params import ExecutorParams
from alphalib.sessions import sessions_from
from alphalib.store import Store, content_hash

SIGNALS_MAY_BE = 5
"""Age at which signals are still traded on. [sessions]"""


@dataclass(frozen=True)
class Inputs:
    """What a plan reads from the bus besides the market.

    Parameters
    ----------
    signals, predictions, portfolio
        Artefacts, checked for their age.
    read : dict
        Path of each to its content hash, for the order book.
    withheld : tuple of str
        Differences that nobody has acknowledged: while there is one, no entry is let through.
    """

    signals: Signals
    predictions: Predictions | None
    portfolio: Portfolio
    read: dict[str, str]
    withheld: tuple[str, ...] = ()


class Plan(NamedTuple):
    """A decision, its order book, and what was known."""

    decision: Decision
    book: OrderBook
    day: Day


def read_inputs(store: Store, *, asof: pd.Timestamp, cash: float) -> Inputs:
    """Signals at most five sessions old, predictions and portfolio of `asof`; a portfolio starts as cash.

    Parameters
    ----------
    store : Store
        The bus.
    asof : Timestamp
        Last session known.
    cash : float
        What a portfolio that was never recorded starts with. [currency]

    Raises
    ------
    InputError
        When there are no signals up to `asof`.
    ContractError
        When signals or portfolio are too old, or an artefact breaks its schema.
    """
    signals, paths = read_signals(store, asof=asof)
    predictions, found = read_predictions(store, asof=asof)
    portfolio, recorded = read_portfolio(store, asof=asof)
    return Inputs(
        signals,
        predictions,
        Portfolio.of_cash(cash) if portfolio is None else portfolio,
        {path: content_hash(store.read_bytes(path)) for path in [*paths, *found, *recorded]},
        withheld=unacknowledged(store, asof=asof),
    )


def read_signals(store: Store, *, asof: pd.Timestamp) -> tuple[Signals, list[str]]:
    """The signals in force, and their path."""
    found = store.latest(Signals.path, asof=asof)
    if found is None:
        raise InputError(f"there are no signals up to {asof:%Y-%m-%d}; run `python -m alphalib.pipeline weekly` first")
    signals = store.read(found[0], Signals)
    require_fresh(signals, asof=asof, within=SIGNALS_MAY_BE)
    return signals, [found[0]]


def read_predictions(store: Store, *, asof: pd.Timestamp) -> tuple[Predictions | None, list[str]]:
    """The predictions of a session and their path; None and nothing when it has none."""
    path = Predictions.path.format(date=f"{asof:%Y-%m-%d}")
    return (store.read(path, Predictions), [path]) if store.exists(path) else (None, [])


def read_portfolio(store: Store, *, asof: pd.Timestamp) -> tuple[Portfolio | None, list[str]]:
    """The portfolio of the close of `asof` and its path; None and nothing when none was ever recorded.

    An older one knows nothing of what filled, split or paid since, so that no order can be counted on it.
    """
    recorded = store.latest(PortfolioFile.path, asof=asof)
    if recorded is None:
        return None, []
    file = store.read(recorded[0], PortfolioFile)
    require_fresh(file, asof=asof, within=0)
    return Portfolio.of_file(file), [recorded[0]]


def unacknowledged(store: Store, *, asof: pd.Timestamp) -> tuple[str, ...]:
    """One sentence a parity report up to `asof` with a difference that nobody has acknowledged."""
    pattern = ParityReport.path
    before, after = pattern.split("{date}")
    found = []
    for path in store.paths(pattern.format(date="*")):
        if path.removeprefix(before).removesuffix(after) <= f"{asof:%Y-%m-%d}":
            report = store.read(path, ParityReport)
            found += [_sentence(report)] if report.blocks else []
    return tuple(found)


def _sentence(report: ParityReport) -> str:
    stages = ", ".join(dict.fromkeys(stage.stage for stage in report.differing))
    return (
        f"the order book of {report.date} differs in {stages}; "
        f"read {report.at()}, then `python -m alphalib acknowledge --date {report.date} --by … --reason …`"
    )


def planned(market: Market, inputs: Inputs, params: ExecutorParams) -> Plan:
    """Decide on the market's last close; pure.

    Parameters
    ----------
    market : Market
        Known up to the session before the one that is planned.
    inputs : Inputs
        As read from the bus.
    params : ExecutorParams
        The rules' numbers.
    """
    age = sessions_from(inputs.signals.date, market.last)
    notes = [
        f"signals of {inputs.signals.date}, {age} session{'s' * (age != 1)} old, by {inputs.signals.analyst}",
        "no predictions for this session: nothing is vetoed"
        if inputs.predictions is None
        else f"predictions by model {inputs.predictions.model_version}",
    ]
    if market.source.prices == "split-adjusted":
        notes.append("prices are split-adjusted: whole shares are counted on levels that know later splits")
    day = day_of(market, inputs.signals, inputs.predictions, params=params)
    return decided(day, inputs, params, notes=notes)


def decided(day: Day, inputs: Inputs, params: ExecutorParams, *, notes: Sequence[str] = ()) -> Plan:
    """Decide on a day that is made already; pure. Entries are withheld while a difference is unacknowledged.

    Parameters
    ----------
    day : Day
        What was known.
    inputs : Inputs
        Its portfolio, and what is shown beside the orders.
    params : ExecutorParams
        The rules' numbers.
    notes : sequence of str
        For people.
    """
    decision = decide(inputs.portfolio, day, params)
    book = order_book(
        decision, day, inputs.portfolio, params, predictions=inputs.predictions, inputs=inputs.read, notes=notes
    )
    return Plan(decision, withholding(book, inputs.withheld), day)


def withholding(book: OrderBook, reasons: Sequence[str]) -> OrderBook:
    """The book with every entry blocked under the rule `parity`, when there is a reason; exits and stops go on."""
    if not reasons:
        return book
    held_back = [
        Blocked(ticker=entry.ticker, rule="parity", detail="; ".join(reasons)) for entry in book.approved_entries
    ]
    notes = [f"no entries: {reason}" for reason in reasons]
    return book.model_copy(
        update={"approved_entries": [], "blocked": [*book.blocked, *held_back], "notes": [*notes, *book.notes]}
    )


def write_plan(store: Store, plan: Plan, market: Market, inputs: Inputs, params: ExecutorParams) -> None:
    """Write the order book, and beside it, in `inputs/{date}/`, everything it was decided from; all or none.

    Parameters
    ----------
    store : Store
        The bus.
    plan : Plan
        From `planned`.
    market, inputs, params
        From what.
    """
    archive = Archive(params, plan.day, inputs.portfolio, inputs.signals, inputs.predictions, plan.book)
    write_archive(store, archive, members=market.source.members, data_hash=market.data_hash, withheld=inputs.withheld)
