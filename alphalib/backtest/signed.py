"""One session of a signed book, compiled: docs/strategies.md, "A simulated session"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alphalib.backtest import costs as costs_module
from alphalib.backtest import session as session_module
from alphalib.backtest.costs import Tariff, affordable, commission, slippage
from alphalib.backtest.result import Days
from alphalib.backtest.session import BORROW, DIVIDEND, FRACTION, Chance, Log, converted, next_fill, pay, with_room
from alphalib.compiled import Ints, Records, compiled, entry_point, stamp
from alphalib.decision.history import Bar
from alphalib.decision.shapes import Held, Name, Order, Rule
from alphalib.decision.strategies import standing
from alphalib.decision.strategies.standing import net_value
from alphalib.risk import drawdown
from alphalib.risk.drawdown import Tiers, drawdown_step
from alphalib.sessions import SESSIONS_PER_YEAR


@entry_point
def live_on(
    start: int,
    stop: int,
    sessions: Ints,
    names: Records,
    bars: Records,
    held: Records,
    exits: Records,
    entries: Records,
    asked: tuple[int, bool],
    memory: tuple[float, float, int, int, int],
    limits: tuple[Any, ...],
    costs: tuple[float, ...],
    logs: tuple[Records, Records],
    days: tuple[Any, ...],
    sources: int = stamp(session_module, costs_module, drawdown, standing),
) -> tuple[int, tuple[float, float, int, int, int], Records, Records]:
    """Live from row `start` on to the first close at which the strategy must be asked, or to row `stop`.

    Parameters
    ----------
    start, stop : int
        Rows; the session in row 0 only decides.
    sessions : array of int
        Numbers in the exchange calendar.
    names, bars : records of Name, of Bar, sessions × tickers
        The whole history's.
    held : records of Held
        Positions at the close before `start`; changed.
    exits, entries : records of Order
        What fills in `start`; shares signed as they are traded, in units of the close before.
    asked : tuple
        `rebalance_sessions`; whether the book is neutral, and so closed in a halt on any day.
    memory : tuple
        Cash, NAV peak, and the decisions halted, tiers fired and decisions under a tier as `shapes.Account` has them.
    limits, costs : tuple
        `Tiers`, `Tariff`.
    logs : tuple
        Records of Fill and of Payment to begin with; they are grown.
    days : tuple
        `Days`, written where nothing had to be asked.

    Returns
    -------
    tuple
        Row at whose close the strategy is asked, or `stop`; memory before that close's decision; fills; payments.
    """
    cash, peak, halted, fired, under = memory
    (period, neutral), tiers, tariff, table = asked, Tiers(*limits), Tariff(*costs), Days(*days)
    fills, payments = logs
    used = np.zeros(2, np.int64)
    for t in range(start, stop):
        if t > 0:
            fills = with_room(fills, used[0], len(held) + len(exits) + len(entries))
            payments = with_room(payments, used[1], 3 * len(held))
            log = Log(fills, payments, used)
            cash = trade_orders(sessions[t], bars[t], names[t - 1], held, exits, entries, cash, tariff, log)
            exits, entries = exits[:0], entries[:0]
        nav = net_value(names[t], held, cash)
        step = drawdown_step(nav, peak, halted, fired, under, False, tiers)
        closes = neutral and (step.multiplier == 0.0 or nav <= 0.0)
        if sessions[t] % period == 0 or step.forced_exits > 0 or closes:
            return t, (cash, peak, halted, fired, under), fills[: used[0]], payments[: used[1]]
        peak, halted, fired, under = step.peak, step.halted, step.fired, step.under
        table.nav[t], table.cash[t], table.multiplier[t] = nav, cash, step.multiplier
        table.positions[t], table.halted[t] = np.sum(held["shares"] != 0), halted > 0
    return stop, (cash, peak, halted, fired, under), fills[: used[0]], payments[: used[1]]


@compiled
def trade_orders(
    session: int,
    bars: Records,
    names: Records,
    held: Records,
    exits: Records,
    entries: Records,
    cash: float,
    tariff: Tariff,
    log: Log,
) -> float:
    """One session: actions and borrowing, then at the open sales, shorts, covers and purchases.

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
    tariff : Tariff
        Costs.
    log : Log
        With room for every name to be delisted, and for every order.

    Returns
    -------
    float
        Cash after the session. [currency]
    """
    for place in range(len(held)):
        if held[place].shares != 0:
            cash += carry(session, place, bars[place], names[place], held[place], tariff, log)
    for side in (-1, 1):
        for orders, closes in ((exits, True), (entries, False)):
            for order in orders:
                if side * order.shares > 0:
                    place = order.name
                    cash += fill_order(
                        session, order, bars[place], names[place], held[place], closes, cash, tariff, log
                    )
    return cash


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
            position.profit_taken = position.time_reduced = position.intraday_profit_taken = False
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
