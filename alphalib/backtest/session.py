"""One simulated session, compiled: docs/rules.md, "A simulated session t+1, in this order"."""

from __future__ import annotations

import math
from typing import NamedTuple

from alphalib.compiled import Ints, Records, compiled, record_type
from alphalib.decision.history import Bar
from alphalib.decision.shapes import Held, Order, Orders, Rule, Verdict


class Tariff(NamedTuple):
    """Costs as fractions."""

    slippage: float
    commission: float


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
    price : float
        Slippage in it. [currency]
    cost, slippage : float
        Commission, and what the slippage made of the fill. [currency]
    realised : float
        Of a sale: price over average cost − 1. [fraction]
    """

    session: int
    entered: int
    name: int
    rule: int
    shares: int
    bound: int
    price: float
    cost: float
    slippage: float
    realised: float


class Payment:
    """Cash that came in without a trade: `kind` DIVIDEND, or FRACTION of a share paid out in a split."""

    session: int
    name: int
    kind: int
    amount: float


FILL, PAYMENT = record_type(Fill), record_type(Payment)
DIVIDEND, FRACTION = 0, 1


class Log(NamedTuple):
    """Fills and payments, filled from the front; `used` has the two lengths."""

    fills: Records
    payments: Records
    used: Ints


@compiled
def trade_session(
    session: int,
    bars: Records,
    names_before: Records,
    held: Records,
    cash: float,
    orders: Orders,
    verdict: Verdict,
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
    tariff : Tariff
        Costs.
    log : Log
        With room for every name to be bought, sold at the open and sold at its stop.
    """
    kept = orders.kept[: verdict.kept]
    for place in kept:
        cash += corporate_actions(session, place, bars[place], names_before[place].mark, held[place], log)
    for order in orders.exits[: verdict.exits]:
        cash += sell_at_open(session, order, bars[order.name], held[order.name], tariff, log)
    for order in orders.entries[: verdict.entries]:
        cash -= buy_at_open(session, order, bars[order.name], held[order.name], cash, tariff, log)
    for place in kept:
        bar, position = bars[place], held[place]
        if position.shares > 0 and bar.low <= position.stop and not math.isnan(bar.open):
            price = min(bar.open, position.stop)
            cash += sell(session, place, Rule.STOP.value, position.shares, price, position, tariff, log)
        position.high_water = max(position.high_water, bar.high) if bar.high > 0.0 else position.high_water
    return cash


@compiled
def corporate_actions(session: int, place: int, bar: Bar, mark: float, position: Held, log: Log) -> float:
    """Split, dividend and delisting of a held name; returns the cash that they bring. [currency]"""
    received = 0.0
    if bar.dividend > 0.0:
        received += pay(session, place, DIVIDEND, position.shares * bar.dividend, log)
    if bar.split != 1.0:
        whole, fraction = converted(position.shares, bar.split)
        if fraction > 0.0:
            received += pay(session, place, FRACTION, fraction * mark / bar.split, log)
        position.shares = whole
        position.cost /= bar.split
        position.high_water /= bar.split
        position.stop /= bar.split
    if position.shares > 0 and not math.isnan(bar.delisting):
        price = mark / bar.split * (1.0 + bar.delisting)
        received += sell(session, place, Rule.DELISTING.value, position.shares, price, position, Tariff(0.0, 0.0), log)
    return received


@compiled
def converted(shares: int, ratio: float) -> tuple[int, float]:
    """Whole shares after a split, and the fraction of one left over, to 1e-9. [shares]"""
    exact = shares * ratio
    whole = math.floor(exact + 5e-10)
    return whole, exact - whole if exact - whole > 5e-10 else 0.0


@compiled
def sell_at_open(session: int, order: Order, bar: Bar, position: Held, tariff: Tariff, log: Log) -> float:
    """An exit or a reduction; a name without an open stays. Returns what it brings. [currency]"""
    shares = position.shares
    if order.rule > Rule.DRAWDOWN_EXIT.value:
        shares = min(shares, converted(order.shares, bar.split)[0])
    if shares == 0 or math.isnan(bar.open):
        return 0.0
    position.profit_taken = position.profit_taken or order.rule == Rule.PROFIT_TAKE.value
    position.time_reduced = position.time_reduced or order.rule == Rule.TIME_REDUCE.value
    return sell(session, order.name, order.rule, shares, bar.open, position, tariff, log)


@compiled
def buy_at_open(session: int, order: Order, bar: Bar, position: Held, cash: float, tariff: Tariff, log: Log) -> float:
    """An entry, as far as the cash reaches; none without an open. Returns what it costs. [currency]"""
    price = bar.open * (1.0 + tariff.slippage)
    one = price * (1.0 + tariff.commission)
    if math.isnan(one) or not math.isnan(bar.delisting):
        return 0.0
    shares = min(converted(order.shares, bar.split)[0], math.floor(cash / one))
    if shares <= 0:
        return 0.0
    position.shares, position.entered = shares, session
    position.cost = price
    position.high_water = max(price, bar.high) if bar.high > 0.0 else price
    position.profit_taken = position.time_reduced = False
    fill = next_fill(log)
    fill.session, fill.entered, fill.name, fill.rule = session, session, order.name, Rule.ENTRY.value
    fill.shares, fill.bound, fill.price, fill.realised = shares, order.bound, price, math.nan
    fill.cost, fill.slippage = shares * price * tariff.commission, shares * (price - bar.open)
    return min(shares * price + fill.cost, cash)  # rounding may ask for an ulp more than there is


@compiled
def sell(
    session: int, place: int, rule: int, shares: int, asked: float, position: Held, tariff: Tariff, log: Log
) -> float:
    """A sale at a price before costs; returns what it brings. [currency]"""
    price = asked * (1.0 - tariff.slippage)
    fill = next_fill(log)
    fill.session, fill.entered, fill.name, fill.rule = session, position.entered, place, rule
    fill.shares, fill.bound, fill.price, fill.realised = -shares, 0, price, price / position.cost - 1.0
    fill.cost, fill.slippage = shares * price * tariff.commission, shares * (asked - price)
    position.shares -= shares
    return shares * price - fill.cost


@compiled
def next_fill(log: Log) -> Fill:
    """The next free place among the fills."""
    fill: Fill = log.fills[log.used[0]]
    log.used[0] += 1
    return fill


@compiled
def pay(session: int, place: int, kind: int, amount: float, log: Log) -> float:
    """Note a payment; returns its amount. [currency]"""
    payment = log.payments[log.used[1]]
    payment.session, payment.name, payment.kind, payment.amount = session, place, kind, amount
    log.used[1] += 1
    return amount
