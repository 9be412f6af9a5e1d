"""Books of target weights, long and short, lived through day by day: docs/strategies.md, "A simulated session".

The decision is that of `decision.strategies`, the same for one day and for all. In between, sessions are lived through
in one compiled loop, up to the next close at which the strategy must be asked.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel

from alphalib.backtest.costs import Costs, Tariff
from alphalib.backtest.result import Backtest, Days, Logs, left_of
from alphalib.backtest.session import FILL, PAYMENT
from alphalib.backtest.signed import live_on
from alphalib.compiled import Records, frozen, plain
from alphalib.decision.history import History
from alphalib.decision.limits import tiers
from alphalib.decision.shapes import HELD, ORDER, REFUSED, Account
from alphalib.decision.strategies.params import LongShort, Strategy
from alphalib.decision.strategies.rebalance import Ordered, strategy_orders
from alphalib.errors import InputError


def simulate_strategy(
    history: History, params: Strategy, *, costs: Costs | None = None, cash: float = 1_000_000.0
) -> Backtest:
    """Run a strategy over a whole history; `simulate` calls this.

    Parameters
    ----------
    history : History
        Made once; its `correlation_window` is the longest window a strategy may use.
    params : Strategy
        TopkDropout, DollarNeutral, BetaNeutral or MeanVariance.
    costs : Costs, optional
        The usual ones without it; `borrow_bps` is what shorts pay.
    cash : float
        To start with. [currency]

    Returns
    -------
    Backtest
        `orders` names a short sale `short` and its purchase back `cover`.

    Raises
    ------
    InputError
        Without cash, without predictions, or when the history is shorter-sighted than the strategy.
    """
    if not 0 < cash < np.inf:
        raise InputError(f"cash must be above 0 and finite, got {cash}")
    costs, book = costs or Costs(), TargetBook(history, cash, params)
    t = book.live_until_asked(0, costs.tariff)
    while t < len(history.sessions):
        book.order(t, book.decide(t))
        t = book.live_until_asked(t + 1, costs.tariff)
    return book.backtest(params, costs)


def require_percentiles(history: History, params: Strategy) -> None:
    """Refuse a history that predicts nothing: such a book would never trade, and say nothing of it."""
    if np.isnan(history.names["percentile"]).all():
        raise InputError(
            f"{type(params).__name__} trades on predictions, and the history has none; make it with percentile=…"
        )


class DailyBook:
    """A book on its way through a history in Python: what it holds, what it has ordered, what it has noted so far."""

    def __init__(self, history: History, cash: float) -> None:
        self.history = history
        self.held = np.zeros(len(history.tickers), HELD)
        self.account = Account(cash, cash, 0, 0, 0, False, False, np.nan)
        self._days = Days(*(np.zeros(len(history.sessions), kind) for kind in (float, float, float, int, bool)))
        self._logs: tuple[list[Records], ...] = tuple([np.zeros(0, kind)] for kind in (ORDER, REFUSED, FILL, PAYMENT))

    def ordered(self, t: int, orders: Ordered) -> None:
        """Note what was decided at the close of row `t`, and remember what the next decision must know."""
        step, days = orders.step, self._days
        self.account = Account(
            self.account.cash, step.peak, step.halted, step.fired, step.under, False, False, orders.nav
        )
        self._logs[0].extend([orders.exits, orders.entries])
        self._logs[1].append(orders.refused)
        days.nav[t], days.cash[t], days.multiplier[t] = orders.nav, self.account.cash, step.multiplier
        days.positions[t], days.halted[t] = (self.held["shares"] != 0).sum(), step.halted > 0

    def backtest(self, params: BaseModel, costs: Costs) -> Backtest:
        """What it did."""
        logs = Logs(*(np.concatenate(log) for log in self._logs))
        left = left_of(self.history, self.held)
        return Backtest(self.history.sessions, self.history.tickers, self._days, logs, params, costs, left)


class TargetBook(DailyBook):
    """The book of a strategy of target weights."""

    def __init__(self, history: History, cash: float, params: Strategy) -> None:
        super().__init__(history, cash)
        require_percentiles(history, params)
        self.params = params
        self._exits, self._entries = np.zeros(0, ORDER), np.zeros(0, ORDER)

    def decide(self, t: int) -> Ordered:
        """What the strategy wants after the close of row `t`."""
        return strategy_orders(self.history.day(t), self.held, self.account, self.params)

    def order(self, t: int, orders: Ordered) -> None:
        """Order it for the next session."""
        self._exits, self._entries = orders.exits, orders.entries
        self.ordered(t, orders)

    def live(self, t: int, tariff: Tariff) -> None:
        """The session in row `t`, in which the last orders fill; the first one has none."""
        self._live(t, t + 1, tariff, asked=(1, False))

    def live_until_asked(self, t: int, tariff: Tariff) -> int:
        """Live from row `t` on; returns the row at whose close the strategy decides, or the number of sessions."""
        asked = (self.params.rebalance_sessions, isinstance(self.params, LongShort))
        return self._live(t, len(self.history.sessions), tariff, asked=asked)

    def _live(self, start: int, stop: int, tariff: Tariff, *, asked: tuple[int, bool]) -> int:
        known, account = self.history, self.account
        row, memory, fills, payments = live_on(
            start,
            stop,
            frozen(known.moments.session),
            frozen(known.names),
            frozen(known.bars),
            self.held,
            frozen(self._exits),
            frozen(self._entries),
            asked,
            (account.cash, account.peak, account.halted, account.fired, account.under),
            plain(tiers(self.params)),
            plain(tariff),
            (np.zeros(16, FILL), np.zeros(16, PAYMENT)),
            plain(self._days),
        )
        cash, peak, halted, fired, under = memory
        self.account = Account(cash, peak, halted, fired, under, False, False, np.nan)
        self._logs[2].append(fills)
        self._logs[3].append(payments)
        return int(row)
