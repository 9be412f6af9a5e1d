"""What a session made of the account: the day's change, name by name, and what is left unexplained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alphalib.contracts.account import UNATTRIBUTED, NameDay
from alphalib.execute.account.round_trips import Sent
from alphalib.execute.actions import Actions
from alphalib.execute.broker import Side


@dataclass(frozen=True)
class Standing:
    """The account at a close.

    Parameters
    ----------
    nav, cash, accrued : float
        Net liquidation, cash, and interest and dividends accrued. [currency]
    shares : mapping of str to int
        Held. [shares]
    prices : mapping of str to float
        Last prices; NaN or left out where there is none. [currency]
    spy : float
        Last price of SPY; NaN when unknown. [currency]
    """

    nav: float
    cash: float
    accrued: float
    shares: Mapping[str, int]
    prices: Mapping[str, float]
    spy: float = math.nan

    @property
    def value(self) -> float:
        """Of everything that is in it, counted. [currency]"""
        return self.cash + self.accrued + sum(count * self.prices[ticker] for ticker, count in self.shares.items())


@dataclass(frozen=True)
class Day:
    """The day's change and its parts, which add up to it. [currency]

    Parameters
    ----------
    change : float
        Of the NAV, deposits and withdrawals not counted.
    interest : float
        Accrued or received.
    unattributed : float
        What none of the parts explains.
    names : dict of str to NameDay
        Every name that was held or traded.
    """

    change: float
    interest: float
    unattributed: float
    names: dict[str, NameDay]

    def total(self, part: str) -> float:
        """Sum of one field over the names. [currency]"""
        return float(sum(getattr(name, part) for name in self.names.values()))


def attributed(
    before: Standing,
    after: Standing,
    orders: Sequence[Sent],
    *,
    costs: Mapping[str, float],
    sectors: Mapping[str, str],
    actions: Actions,
    flow: float = 0.0,
) -> Day:
    """The change from one close to the next: held × (close − close before), fills against the close, and so on.

    Parameters
    ----------
    before, after : Standing
        At both closes; `prices` of `before` has every name held then, `after` every name held or traded.
    orders : sequence of Sent
        Of the session, with their fills.
    costs : mapping of str to float
        Average price paid, of what is held after. [currency]
    sectors : mapping of str to str
        By ticker.
    actions : Actions
        Effective in the session.
    flow : float
        Deposit, or withdrawal below 0. [currency]
    """
    traded = sorted({order.ticker for order in orders if order.fills})
    names = {
        ticker: _name(ticker, before, after, orders, costs.get(ticker), sectors.get(ticker, "Unknown"), actions)
        for ticker in sorted({*before.shares, *after.shares, *traded})
    }
    change = after.nav - before.nav - flow
    explained = sum(name.day for name in names.values())
    paid = sum(actions.cash(ticker, had, before.prices[ticker]) for ticker, had in before.shares.items())
    interest = _interest(before, after, orders, flow, paid)
    return Day(change, interest, change - explained - interest, names)


def too_much(unattributed: float, nav: float) -> bool:
    """Whether more of a day is unexplained than may be."""
    return abs(unattributed) > UNATTRIBUTED * nav


def by_sector(names: Mapping[str, NameDay], nav: float) -> dict[str, tuple[float, float, int]]:
    """Weight at the close, part of the NAV that the day brought or cost, and names held; by sector. [fraction]"""
    found: dict[str, tuple[float, float, int]] = {}
    for name in names.values():
        weight, contribution, held = found.get(name.sector, (0.0, 0.0, 0))
        found[name.sector] = (
            weight + name.value / nav,
            contribution + name.day / nav,
            held + (name.shares > 0),
        )
    return dict(sorted(found.items(), key=lambda row: -abs(row[1][1])))


def _name(
    ticker: str,
    before: Standing,
    after: Standing,
    orders: Sequence[Sent],
    cost: float | None,
    sector: str,
    actions: Actions,
) -> NameDay:
    price, count = after.prices[ticker], after.shares.get(ticker, 0)
    had = before.shares.get(ticker, 0)
    dividend = had * actions.dividends.get(ticker, 0.0)
    held = 0.0
    if had:
        paid = actions.cash(ticker, had, before.prices[ticker]) - dividend  # for a fraction, or the whole of it
        held = actions.held(ticker, had) * price + paid - had * before.prices[ticker]
    traded = commission = 0.0
    for order in orders:
        for fill in order.fills if order.ticker == ticker else ():
            traded += (1 if order.side is Side.BUY else -1) * fill.shares * (price - fill.price)
            commission += fill.commission
    return NameDay(
        sector=sector,
        shares=count,
        cost=cost,
        price=price,
        value=count * price,
        unrealized=count * (price - cost) if cost else 0.0,
        held=held,
        traded=traded,
        dividend=dividend,
        commission=commission,
        day=held + traded + dividend - commission,
    )


def _interest(before: Standing, after: Standing, orders: Sequence[Sent], flow: float, paid: float) -> float:
    """What came besides trades and corporate actions, as far as it is of the size of what is accrued; else the accrual.

    An interest payment moves what was accrued into cash; a deposit that nobody told of is far larger, and stays
    unattributed.
    """
    spent = sum(
        (1 if order.side is Side.BUY else -1) * fill.shares * fill.price + fill.commission
        for order in orders
        for fill in order.fills
    )
    came = after.cash - before.cash - flow + spent + after.accrued - before.accrued - paid
    most = abs(before.accrued) + abs(after.accrued)
    return came if abs(came) <= most else after.accrued - before.accrued
