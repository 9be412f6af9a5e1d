"""Books of target weights, long and short, lived through day by day: docs/strategies.md, "A simulated session".

The decision is `decision.strategies`, the same for one day and for all; the session is compiled and shares the costs of
`backtest.session`. Shares are signed: what is short is negative and pays dividends and for being borrowed.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import BaseModel

from alphalib.backtest import costs as costs_module
from alphalib.backtest import session as session_module
from alphalib.backtest.costs import Costs, Tariff, affordable, commission, slippage
from alphalib.backtest.result import Backtest, Days, Logs
from alphalib.backtest.session import (
    BORROW,
    DIVIDEND,
    FILL,
    FRACTION,
    PAYMENT,
    Chance,
    Log,
    converted,
    next_fill,
    pay,
)
from alphalib.backtest.simulate import left_of
from alphalib.compiled import Records, compiled, entry_point, frozen, plain, stamp
from alphalib.decision.history import Bar, History
from alphalib.decision.shapes import HELD, ORDER, REFUSED, Account, Held, Name, Order, Rule
from alphalib.decision.strategies.params import Strategy
from alphalib.decision.strategies.rebalance import Ordered, strategy_orders
from alphalib.errors import InputError
from alphalib.sessions import SESSIONS_PER_YEAR


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
    if not cash > 0:
        raise InputError(f"cash must be above 0, got {cash}")
    costs, book = costs or Costs(), TargetBook(history, cash, params)
    for t in range(len(history.sessions)):
        book.live(t, costs.tariff)
        book.order(t, book.decide(t))
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

    def lived(self, cash: float, fills: Records, payments: Records) -> None:
        """Note a session: the cash after it [currency], and what happened."""
        self.account = self.account._replace(cash=cash)
        self._logs[2].append(fills)
        self._logs[3].append(payments)

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
        if t == 0:
            return
        tickers = len(self.held)
        fills = np.zeros(tickers + len(self._exits) + len(self._entries), FILL)
        payments = np.zeros(3 * tickers, PAYMENT)
        cash, n_fills, n_payments = trade_orders(
            int(self.history.moments.session[t]),
            frozen(self.history.bars[t]),
            frozen(self.history.names[t - 1]),
            self.held,
            frozen(self._exits),
            frozen(self._entries),
            float(self.account.cash),
            plain(tariff),
            fills,
            payments,
        )
        self.lived(cash, fills[:n_fills], payments[:n_payments])


@entry_point
def trade_orders(
    session: int,
    bars: Records,
    names: Records,
    held: Records,
    exits: Records,
    entries: Records,
    cash: float,
    costs: tuple[float, ...],
    fills: Records,
    payments: Records,
    sources: int = stamp(session_module, costs_module),
) -> tuple[float, int, int]:
    """One session of a signed book: actions and borrowing, then at the open sales, shorts, covers and purchases.

    Parameters
    ----------
    session : int
        Number of the session in the exchange calendar.
    bars, names : records of Bar, of Name
        Of this session, and as known at the close before.
    held : records of Held
        Positions at the close before; changed.
    exits, entries : records of Order
        Shares signed as they are traded, in units of the close before.
    cash : float
        At the close before. [currency]
    costs : tuple
        `Tariff`.
    fills, payments : records of Fill, of Payment
        Where to note what happens, from the front.

    Returns
    -------
    tuple
        Cash after the session [currency], fills and payments noted.
    """
    tariff, log = Tariff(*costs), Log(fills, payments, np.zeros(2, np.int64))
    for place in range(len(held)):
        if held[place].shares != 0:
            cash += carry(session, place, bars[place], names[place], held[place], tariff, log)
    for order in exits:
        if order.shares < 0:
            cash += fill_order(
                session, order, bars[order.name], names[order.name], held[order.name], True, cash, tariff, log
            )
    for order in entries:
        if order.shares < 0:
            cash += fill_order(
                session, order, bars[order.name], names[order.name], held[order.name], False, cash, tariff, log
            )
    for order in exits:
        if order.shares > 0:
            cash += fill_order(
                session, order, bars[order.name], names[order.name], held[order.name], True, cash, tariff, log
            )
    for order in entries:
        if order.shares > 0:
            cash += fill_order(
                session, order, bars[order.name], names[order.name], held[order.name], False, cash, tariff, log
            )
    return cash, log.used[0], log.used[1]


@compiled
def carry(session: int, place: int, bar: Bar, name: Name, position: Held, tariff: Tariff, log: Log) -> float:
    """Dividend, split, delisting and cost of borrowing of a position; returns the cash they bring. [currency]"""
    received = 0.0
    if bar.dividend > 0.0:
        received += pay(session, place, DIVIDEND, position.shares * bar.dividend, log)
    if position.shares < 0 and tariff.borrow > 0.0:
        lent = -position.shares * name.mark * tariff.borrow / SESSIONS_PER_YEAR
        received += pay(session, place, BORROW, -lent, log)
    if bar.split != 1.0:
        side = 1 if position.shares > 0 else -1
        whole, fraction = converted(abs(position.shares), bar.split)
        if fraction > 0.0:
            received += pay(session, place, FRACTION, side * fraction * name.mark / bar.split, log)
        position.shares = side * whole
        position.cost /= bar.split
        position.high_water /= bar.split
    if position.shares != 0 and not math.isnan(bar.delisting):
        price = name.mark / bar.split * (1.0 + bar.delisting)
        fill = next_fill(session, place, Rule.DELISTING.value, Chance(price, math.nan, -1, 0), log)
        fill.entered, fill.shares, fill.bound, fill.price = position.entered, -position.shares, 0, price
        fill.realised = realised(price, position)
        fill.cost = fill.slippage = 0.0
        received += position.shares * price
        position.shares = 0
    position.high_water = max(position.high_water, bar.high) if bar.high > 0.0 else position.high_water
    return received


@compiled
def fill_order(
    session: int,
    order: Order,
    bar: Bar,
    name: Name,
    position: Held,
    closes: bool,
    cash: float,
    tariff: Tariff,
    log: Log,
) -> float:
    """Fill an order at the open, a purchase of longs as far as the cash reaches; returns the cash it brings. [currency]

    None fills without an open, or after the name was delisted.
    """
    if math.isnan(bar.open) or not math.isnan(bar.delisting):
        return 0.0
    side = 1 if order.shares > 0 else -1
    shares = converted(abs(order.shares), bar.split)[0]
    if closes:
        shares = min(shares, abs(position.shares))
    elif side > 0:
        shares = affordable(shares, cash, bar.open, name.adv, name.volatility, tariff)
    if shares == 0:
        return 0.0
    price = bar.open * (1.0 + side * slippage(shares * bar.open, name.adv, name.volatility, tariff))
    fill = next_fill(session, order.name, order.rule, Chance(bar.open, math.nan, -1, 0), log)
    fill.shares, fill.bound, fill.price = side * shares, order.bound, price
    fill.cost, fill.slippage = commission(shares, shares * price, tariff), shares * abs(price - bar.open)
    fill.realised = realised(price, position) if closes else math.nan
    if not closes:
        before = abs(position.shares)
        if before == 0:
            position.entered = session
            position.high_water = max(price, bar.high) if bar.high > 0.0 else price
            position.profit_taken = position.time_reduced = False
            position.stop = math.nan
        position.cost = (before * position.cost + shares * price) / (before + shares)
    fill.entered = position.entered
    position.shares += side * shares
    return -side * shares * price - fill.cost


@compiled
def realised(price: float, position: Held) -> float:
    """What closing at a price makes of the average cost: of a short, its fall. [fraction]"""
    change = price / position.cost - 1.0
    return change if position.shares > 0 else -change
