"""One simulated session, compiled: docs/rules.md, "A simulated session t+1, in this order"."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from alphalib.compiled import Floats, Ints, compiled
from alphalib.decision.history import Bars
from alphalib.decision.shapes import Held, Orders, Rule, Verdict


class Tariff(NamedTuple):
    """Costs as fractions."""

    slippage: float
    commission: float


class Fills(NamedTuple):
    """What happened in one session: lists as arrays, filled from the front.

    `counts` holds the number of fills and the number of payments. Sales have negative shares. `price` has the slippage
    in it; `cost` is the commission. Payments are dividends and, fractions of a share
    paid out in a split.
    """

    counts: Ints
    name: Ints
    rule: Ints
    shares: Ints
    price: Floats
    cost: Floats
    slippage: Floats
    bound: Ints
    entered: Ints
    gain: Floats
    paid_name: Ints
    paid_kind: Ints
    paid: Floats


DIVIDEND, FRACTION = 0, 1
"""Codes of `Fills.paid_kind`."""


def empty_fills(names: int) -> Fills:
    """Room for one session: a name is bought, sold at the open and sold at its stop at most once each."""
    room = 3 * names

    def integers() -> Ints:
        return np.zeros(room, dtype=np.int64)

    return Fills(
        counts=np.zeros(2, dtype=np.int64),
        name=integers(),
        rule=integers(),
        shares=integers(),
        price=np.zeros(room),
        cost=np.zeros(room),
        slippage=np.zeros(room),
        bound=integers(),
        entered=integers(),
        gain=np.zeros(room),
        paid_name=integers(),
        paid_kind=integers(),
        paid=np.zeros(room),
    )


@compiled
def trade_session(
    bars: Bars,
    before: Floats,
    session: int,
    held: Held,
    cash: float,
    orders: Orders,
    verdict: Verdict,
    tariff: Tariff,
    fills: Fills,
) -> float:
    """Live through one session; changes `held`, writes `fills`, returns the cash after it. [currency]

    Parameters
    ----------
    bars : Bars
        Of this session, an array over the tickers each.
    before : array
        What a share counted at the close before. [currency]
    session : int
        Number of this session in the exchange calendar.
    held : Held
        Positions at the close before.
    cash : float
        At the close before. [currency]
    orders, verdict : Orders, Verdict
        What was decided then.
    tariff : Tariff
        Costs.
    fills : Fills
        Where to write.
    """
    fills.counts[:] = 0
    cash += pay_dividends(bars, held, fills)
    cash += split_shares(bars, before, held, orders, verdict, fills)
    cash += delist(bars, before, held, fills)
    cash += sell_at_open(bars, held, orders, verdict, tariff, fills)
    cash -= buy_at_open(bars, session, held, cash, orders, verdict, tariff, fills)
    cash += sell_at_stops(bars, session, held, orders, tariff, fills)
    for name in range(len(held.shares)):
        if held.shares[name] > 0 and bars.high[name] > held.high_water[name]:
            held.high_water[name] = bars.high[name]
    return cash


@compiled
def pay_dividends(bars: Bars, held: Held, fills: Fills) -> float:
    """Dividends on the shares held at the close before; they are stated for a share before the day's split."""
    received = 0.0
    for name in range(len(held.shares)):
        if held.shares[name] > 0 and bars.dividend[name] > 0.0:
            received += pay(fills, name, DIVIDEND, held.shares[name] * bars.dividend[name])
    return received


@compiled
def split_shares(bars: Bars, before: Floats, held: Held, orders: Orders, verdict: Verdict, fills: Fills) -> float:
    """Convert positions and orders to the new shares; returns what is paid out for fractions of one."""
    received = 0.0
    for name in range(len(held.shares)):
        ratio = bars.split[name]
        if held.shares[name] > 0 and ratio != 1.0:
            whole, fraction = converted(held.shares[name], ratio)
            if fraction > 0.0:
                received += pay(fills, name, FRACTION, fraction * before[name] / ratio)
            held.shares[name] = whole
            held.cost[name] /= ratio
            held.high_water[name] /= ratio
            orders.stop[name] /= ratio
    for place in range(verdict.exits):
        orders.exit_shares[place] = converted(orders.exit_shares[place], bars.split[orders.exit_name[place]])[0]
    for place in range(verdict.entries):
        orders.entry_shares[place] = converted(orders.entry_shares[place], bars.split[orders.entry_name[place]])[0]
    return received


@compiled
def converted(shares: int, ratio: float) -> tuple[int, float]:
    """Whole shares after a split, and the fraction of one left over, rounded to 1e-9. [shares]"""
    exact = np.round(shares * ratio, 9)
    whole = math.floor(exact)
    return whole, exact - whole


@compiled
def delist(bars: Bars, before: Floats, held: Held, fills: Fills) -> float:
    """Turn delisted positions into what holders received."""
    received = 0.0
    for name in range(len(held.shares)):
        if held.shares[name] > 0 and not math.isnan(bars.delisting[name]):
            price = before[name] / bars.split[name] * (1.0 + bars.delisting[name])
            received += sell(held, fills, name, held.shares[name], Rule.DELISTING.value, price, 0.0, 0.0)
    return received


@compiled
def sell_at_open(bars: Bars, held: Held, orders: Orders, verdict: Verdict, tariff: Tariff, fills: Fills) -> float:
    """Exits and reductions; a name without an open stays."""
    received = 0.0
    for place in range(verdict.exits):
        name, rule = orders.exit_name[place], orders.exit_rule[place]
        whole = rule <= Rule.DRAWDOWN_EXIT.value
        shares = held.shares[name] if whole else min(orders.exit_shares[place], held.shares[name])
        if shares == 0 or math.isnan(bars.open[name]):
            continue
        held.profit_taken[name] |= rule == Rule.PROFIT_TAKE.value
        held.time_reduced[name] |= rule == Rule.TIME_REDUCE.value
        received += sell(held, fills, name, shares, rule, bars.open[name], tariff.slippage, tariff.commission)
    return received


@compiled
def buy_at_open(
    bars: Bars, session: int, held: Held, cash: float, orders: Orders, verdict: Verdict, tariff: Tariff, fills: Fills
) -> float:
    """Entries, as far as the cash reaches; returns what they cost. [currency]"""
    spent = 0.0
    for place in range(verdict.entries):
        name = orders.entry_name[place]
        price = bars.open[name] * (1.0 + tariff.slippage)
        one = price * (1.0 + tariff.commission)
        if math.isnan(one) or not math.isnan(bars.delisting[name]):
            continue
        shares = min(orders.entry_shares[place], math.floor((cash - spent) / one))
        if shares <= 0:
            continue
        held.shares[name] = shares
        held.cost[name] = price
        held.high_water[name] = price
        held.entered[name] = session
        held.profit_taken[name] = False
        held.time_reduced[name] = False
        slipped = shares * bars.open[name] * tariff.slippage
        record(
            fills,
            name,
            Rule.ENTRY.value,
            shares,
            price,
            tariff.commission,
            slipped,
            orders.entry_bound[place],
            session,
            math.nan,
        )
        spent += shares * price + shares * price * tariff.commission
    # The floor leaves room for every share; what rounding may still take too much is not a debt.
    return min(spent, cash)


@compiled
def sell_at_stops(bars: Bars, session: int, held: Held, orders: Orders, tariff: Tariff, fills: Fills) -> float:
    """Stops that the session's low reached, of what was held before it."""
    received = 0.0
    for name in range(len(held.shares)):
        old = held.shares[name] > 0 and held.entered[name] < session
        if old and bars.low[name] <= orders.stop[name] and not math.isnan(bars.open[name]):
            price = min(bars.open[name], orders.stop[name])
            received += sell(
                held, fills, name, held.shares[name], Rule.STOP.value, price, tariff.slippage, tariff.commission
            )
    return received


@compiled
def sell(
    held: Held, fills: Fills, name: int, shares: int, rule: int, price: float, slippage: float, commission: float
) -> float:
    """Sell at a price before costs; returns what is received. [currency]"""
    paid = price * (1.0 - slippage)
    gain = paid / held.cost[name] - 1.0
    record(fills, name, rule, -shares, paid, commission, shares * price * slippage, 0, held.entered[name], gain)
    held.shares[name] -= shares
    return shares * paid - shares * paid * commission


@compiled
def record(
    fills: Fills,
    name: int,
    rule: int,
    shares: int,
    price: float,
    commission: float,
    slipped: float,
    bound: int,
    entered: int,
    gain: float,
) -> None:
    """Note a fill."""
    place = fills.counts[0]
    fills.counts[0] += 1
    fills.name[place] = name
    fills.rule[place] = rule
    fills.shares[place] = shares
    fills.price[place] = price
    fills.cost[place] = abs(shares) * price * commission
    fills.slippage[place] = slipped
    fills.bound[place] = bound
    fills.entered[place] = entered
    fills.gain[place] = gain


@compiled
def pay(fills: Fills, name: int, kind: int, amount: float) -> float:
    """Note a payment; returns its amount. [currency]"""
    place = fills.counts[1]
    fills.counts[1] += 1
    fills.paid_name[place] = name
    fills.paid_kind[place] = kind
    fills.paid[place] = amount
    return amount
