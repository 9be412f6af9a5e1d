"""One simulated session, compiled: docs/rules.md, "A simulated session t+1, in this order"."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from alphalib.backtest.costs import FREE, Tariff, affordable, commission, slippage
from alphalib.backtest.triggers import (
    Levels,
    Protection,
    Trigger,
    bounds,
    entry_minute,
    first_stop,
    guarded,
    highest,
    on_guard,
    part_sold,
)
from alphalib.compiled import Ints, Records, compiled, record_type
from alphalib.decision.history import Bar
from alphalib.decision.shapes import Held, Name, Order, Orders, Rule, Verdict


class Fill:
    """What was bought or sold.

    Parameters
    ----------
    session, entered : int
        Numbers of the session it filled in, and of the position's entry, in the exchange calendar.
    name : int
        Place of the ticker.
    rule : int
        `Rule`: ENTRY, DELISTING, or the one that sold.
    shares : int
        Sales negative. [shares]
    bound : int
        `Rule` of the cap that bound an entry.
    trigger, minute : int
        `Trigger` of an entry, and the minute of a fill on minute bars, −1 on daily ones. [minutes from the open]
    price : float
        Half the spread and impact in it. [currency]
    cost, slippage : float
        Commission, and what spread and impact made of the fill. [currency]
    realised : float
        Of a sale: price over average cost − 1. [fraction]
    """

    session: int
    entered: int
    name: int
    rule: int
    shares: int
    bound: int
    trigger: int
    minute: int
    price: float
    cost: float
    slippage: float
    realised: float


class Payment:
    """Cash without a trade: `kind` DIVIDEND, FRACTION of a share paid out in a split, or BORROW, which shorts pay."""

    session: int
    name: int
    kind: int
    amount: float


FILL, PAYMENT = record_type(Fill), record_type(Payment)
DIVIDEND, FRACTION, BORROW = 0, 1, 2


class Log(NamedTuple):
    """Fills and payments, filled from the front; `used` has the two lengths."""

    fills: Records
    payments: Records
    used: Ints


class Tape(NamedTuple):
    """Minute bars of one session.

    Parameters
    ----------
    start, end : array of int, one a ticker
        Rows of `bars` that are a name's, the end not included; none where there are daily bars only.
    bars : records of Minute
        Of many names and sessions.
    length : int
        Of the session. [minutes]
    """

    start: Ints
    end: Ints
    bars: Records
    length: int


class Chance(NamedTuple):
    """Where an order fills.

    Parameters
    ----------
    price : float
        Before costs, NaN where it does not fill. [currency]
    high : float
        Highest price of the session from then on. [currency]
    minute, trigger : int
        As in `Fill`.
    """

    price: float
    high: float
    minute: int
    trigger: int


NEVER = Chance(math.nan, math.nan, -1, 0)


class Patience(NamedTuple):
    """What entries wait for: the trigger fields of `ExecutorParams`, under the same names."""

    pullback_pct: float
    vwap_discount_pct: float
    support_pct: float
    expiry_minutes_before_close: int


@compiled
def trade_session(
    session: int,
    bars: Records,
    names_before: Records,
    held: Records,
    cash: float,
    orders: Orders,
    verdict: Verdict,
    tape: Tape,
    patience: Patience,
    protection: Protection,
    tariff: Tariff,
    log: Log,
) -> float:
    """Live through one session; changes `held`, appends to `log`, returns the cash after it. [currency]

    Parameters
    ----------
    session : int
        Number of the session in the exchange calendar.
    bars : records of Bar
        Of this session.
    names_before : records of Name
        What was known at the close before.
    held : records of Held
        Positions at the close before, with their stops.
    cash : float
        At the close before. [currency]
    orders, verdict : Orders, Verdict
        What was decided then; a split converts the orders too.
    tape, patience, protection : Tape, Patience, Protection
        Minutes in which entries fill and what is held is guarded, where there are any.
    tariff : Tariff
        Costs.
    log : Log
        With room for three fills and two payments a name.
    """
    kept = orders.kept[: verdict.kept]
    for place in kept:
        cash += corporate_actions(session, bars[place], names_before[place], held[place], place, log)
    for order in orders.exits[: verdict.exits]:
        place = order.name
        cash += sell_at_open(session, order, bars[place], names_before[place], held[place], tariff, log)
    before = log.used[0]
    if verdict.entries > 0:
        cash -= enter(
            session, orders.entries[: verdict.entries], bars, names_before, held, cash, tape, patience, tariff, log
        )
    bought = log.fills[before : log.used[0]]
    cash = guard_held(session, kept, bars, names_before, held, cash, tape, protection, tariff, log)
    return guard_bought(session, bought, bars, names_before, held, cash, tape, protection, tariff, log)


@compiled
def guard_held(
    session: int,
    kept: Ints,
    bars: Records,
    names: Records,
    held: Records,
    cash: float,
    tape: Tape,
    protection: Protection,
    tariff: Tariff,
    log: Log,
) -> float:
    """Stops, and on minute bars the other exits, of what was held before; returns the cash. [currency]"""
    for place in kept:
        bar, name, position, minutes = bars[place], names[place], held[place], minutes_at(tape, place)
        if position.shares > 0 and position.stop > 0.0:
            if len(minutes) > 0:
                cash += sell_on_guard(
                    session, place, minutes, position.stop, bar.split, name, position, protection, tariff, log
                )
            elif bar.low <= position.stop and not math.isnan(bar.open):
                reached = Chance(min(bar.open, position.stop), math.nan, -1, 0)
                cash += sell(session, place, Rule.STOP.value, position.shares, reached, name, position, tariff, log)
        position.high_water = max(position.high_water, bar.high) if bar.high > 0.0 else position.high_water
    return cash


@compiled
def guard_bought(
    session: int,
    fills: Records,
    bars: Records,
    names: Records,
    held: Records,
    cash: float,
    tape: Tape,
    protection: Protection,
    tariff: Tariff,
    log: Log,
) -> float:
    """Exits, on minute bars, of what these fills bought in this session; returns the cash. [currency]"""
    for fill in fills:
        if fill.minute >= 0:
            place = fill.name
            split, name, minutes = bars[place].split, names[place], minutes_at(tape, place)
            row = row_of(minutes, fill.minute)
            close = minutes[row - 1].close if row > 0 else name.mark / split
            stop = first_stop(protection, close, name.atr / split)
            cash += sell_on_guard(
                session, place, minutes[row:], stop, split, name, held[place], protection, tariff, log
            )
    return cash


@compiled
def sell_on_guard(
    session: int,
    place: int,
    minutes: Records,
    stop: float,
    split: float,
    name: Name,
    position: Held,
    protection: Protection,
    tariff: Tariff,
    log: Log,
) -> float:
    """Sell a position at its stop, after a collapse, or in part after a gain, in these minutes; returns the cash."""
    waited = session - position.entered
    limits = bounds(protection, name.atr / split, position.cost, waited, position.intraday_profit_taken)
    guard, received = on_guard(stop), 0.0
    for bar in minutes:
        opened = Chance(bar.open, math.nan, bar.minute, 0)
        if guard.collapsed:
            rule = Rule.COLLAPSE.value
            return received + sell(session, place, rule, position.shares, opened, name, position, tariff, log)
        if guard.gained and not position.intraday_profit_taken:
            position.intraday_profit_taken = True
            rule, part = Rule.INTRADAY_PROFIT.value, part_sold(position.shares, protection.intraday_profit_fraction)
            received += sell(session, place, rule, part, opened, name, position, tariff, log)
            if position.shares == 0:
                break
        if bar.low <= guard.stop:
            rule, reached = Rule.STOP.value, Chance(min(bar.open, guard.stop), math.nan, bar.minute, 0)
            return received + sell(session, place, rule, position.shares, reached, name, position, tariff, log)
        guard = guarded(guard, bar, limits)
    return received


@compiled
def row_of(minutes: Records, minute: int) -> int:
    """Row of the bar of a minute."""
    row = 0
    while minutes[row].minute != minute:
        row += 1
    return row


@compiled
def minutes_at(tape: Tape, place: int) -> Records:
    """Minute bars of one name in this session; none where there are daily bars only."""
    return tape.bars[tape.start[place] : tape.end[place]]


@compiled
def corporate_actions(session: int, bar: Bar, name: Name, position: Held, place: int, log: Log) -> float:
    """Split, dividend and delisting of a held name; returns the cash that they bring. [currency]"""
    received = 0.0
    if bar.dividend > 0.0:
        received += pay(session, place, DIVIDEND, position.shares * bar.dividend, log)
    if bar.split != 1.0:
        whole, fraction = converted(position.shares, bar.split)
        if fraction > 0.0:
            received += pay(session, place, FRACTION, fraction * name.mark / bar.split, log)
        position.shares = whole
        position.cost /= bar.split
        position.high_water /= bar.split
        position.stop /= bar.split
    if position.shares > 0 and not math.isnan(bar.delisting):
        chance = Chance(name.mark / bar.split * (1.0 + bar.delisting), math.nan, -1, 0)
        received += sell(session, place, Rule.DELISTING.value, position.shares, chance, name, position, FREE, log)
    return received


@compiled
def converted(shares: int, ratio: float) -> tuple[int, float]:
    """Whole shares after a split, and the fraction of one left over, to 1e-9. [shares]"""
    exact = shares * ratio
    whole = math.floor(exact + 5e-10)
    return whole, exact - whole if exact - whole > 5e-10 else 0.0


@compiled
def sell_at_open(session: int, order: Order, bar: Bar, name: Name, position: Held, tariff: Tariff, log: Log) -> float:
    """An exit or a reduction; a name without an open stays. Returns what it brings. [currency]"""
    shares = position.shares
    if order.rule > Rule.DRAWDOWN_EXIT.value:
        shares = min(shares, converted(order.shares, bar.split)[0])
    if shares == 0 or math.isnan(bar.open):
        return 0.0
    position.profit_taken = position.profit_taken or order.rule == Rule.PROFIT_TAKE.value
    position.time_reduced = position.time_reduced or order.rule == Rule.TIME_REDUCE.value
    chance = Chance(bar.open, math.nan, -1, 0)
    return sell(session, order.name, order.rule, shares, chance, name, position, tariff, log)


@compiled
def enter(
    session: int,
    entries: Records,
    bars: Records,
    names: Records,
    held: Records,
    cash: float,
    tape: Tape,
    patience: Patience,
    tariff: Tariff,
    log: Log,
) -> float:
    """All entries, those at the open first, then by the minute they act in; returns what they cost. [currency]"""
    chances = [
        entry_chance(bars[order.name], names[order.name], minutes_at(tape, order.name), tape.length, patience)
        for order in entries
    ]
    spent = 0.0
    for number in np.argsort(np.array([chance.minute for chance in chances]), kind="mergesort"):
        order, chance = entries[number], chances[number]
        place = order.name
        spent += buy(session, order, bars[place].split, chance, names[place], held[place], cash - spent, tariff, log)
    return spent


@compiled
def entry_chance(bar: Bar, name: Name, minutes: Records, length: int, patience: Patience) -> Chance:
    """Where an entry fills: at the first minute after a trigger, or without minute bars at the open."""
    if not math.isnan(bar.delisting):
        return NEVER
    if len(minutes) == 0:
        return Chance(bar.open, bar.high, -1, Trigger.OPEN.value)
    levels = Levels(
        patience.pullback_pct,
        patience.vwap_discount_pct,
        patience.support_pct,
        name.low / bar.split,
        length - patience.expiry_minutes_before_close,
    )
    row, trigger = entry_minute(minutes, levels)
    if row < 0:
        return NEVER
    return Chance(minutes[row].open, highest(minutes, row), minutes[row].minute, trigger)


@compiled
def buy(
    session: int,
    order: Order,
    split: float,
    chance: Chance,
    name: Name,
    position: Held,
    cash: float,
    tariff: Tariff,
    log: Log,
) -> float:
    """An entry, as far as the cash reaches; none without a price. Returns what it costs. [currency]"""
    if math.isnan(chance.price):
        return 0.0
    wanted = converted(order.shares, split)[0]
    shares = affordable(wanted, cash, chance.price, name.adv, name.volatility, tariff)
    if shares <= 0:
        return 0.0
    price = chance.price * (1.0 + slippage(shares * chance.price, name.adv, name.volatility, tariff))
    position.shares, position.entered = shares, session
    position.cost = price
    position.high_water = max(price, chance.high) if chance.high > 0.0 else price
    position.profit_taken = position.time_reduced = position.intraday_profit_taken = False
    fill = next_fill(session, order.name, Rule.ENTRY.value, chance, log)
    fill.entered, fill.shares, fill.bound, fill.price, fill.realised = session, shares, order.bound, price, math.nan
    fill.cost, fill.slippage = commission(shares, shares * price, tariff), shares * (price - chance.price)
    return shares * price + fill.cost


@compiled
def sell(
    session: int,
    place: int,
    rule: int,
    shares: int,
    chance: Chance,
    name: Name,
    position: Held,
    tariff: Tariff,
    log: Log,
) -> float:
    """A sale at a price before costs; returns what it brings. [currency]"""
    price = chance.price * (1.0 - slippage(shares * chance.price, name.adv, name.volatility, tariff))
    fill = next_fill(session, place, rule, chance, log)
    fill.entered, fill.shares, fill.bound, fill.price = position.entered, -shares, 0, price
    fill.realised = price / position.cost - 1.0
    fill.cost, fill.slippage = commission(shares, shares * price, tariff), shares * (chance.price - price)
    position.shares -= shares
    if is_stop(rule):
        position.stopped = session
    return shares * price - fill.cost


@compiled
def is_stop(rule: int) -> bool:
    """Whether a name sold by this rule waits before it is bought again."""
    return (
        rule == Rule.STOP.value
        or rule == Rule.LOSS_FLOOR.value
        or rule == Rule.GAP_EXIT.value
        or rule == Rule.COLLAPSE.value
    )


@compiled
def next_fill(session: int, place: int, rule: int, chance: Chance, log: Log) -> Fill:
    """The next free place among the fills, with when and why it happened."""
    fill: Fill = log.fills[log.used[0]]
    log.used[0] += 1
    fill.session, fill.name, fill.rule = session, place, rule
    fill.trigger, fill.minute = chance.trigger, chance.minute
    return fill


@compiled
def pay(session: int, place: int, kind: int, amount: float, log: Log) -> float:
    """Note a payment; returns its amount. [currency]"""
    payment = log.payments[log.used[1]]
    payment.session, payment.name, payment.kind, payment.amount = session, place, kind, amount
    log.used[1] += 1
    return amount


@compiled
def with_room(records: Records, used: int, wanted: int) -> Records:
    """Records with room for `wanted` more; grown by doubling."""
    if used + wanted <= len(records):
        return records
    grown = np.empty(2 * (used + wanted), records.dtype)
    append(grown, 0, records, used)
    return grown


@compiled
def append(records: Records, used: int, more: Records, count: int) -> int:
    """Copy the first `count` of `more` behind the first `used` of `records`; returns how many are used then."""
    for place in range(count):
        records[used + place] = more[place]
    return used + count
