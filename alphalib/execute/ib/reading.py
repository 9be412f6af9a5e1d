"""What one reading of the truth collects, and what it says in the end: pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from alphalib.execute.broker import Fill, Held, Report, State
from alphalib.execute.ib import heard


@dataclass
class Reading:
    """What came since all was asked for.

    Parameters
    ----------
    number : int
        Orders heard of bear it.
    fills : dict
        By execution id.
    held : dict
        By the broker's number of the contract.
    values : dict
        Account values by tag and currency.
    overtaken : bool
        Something was filled meanwhile: the parts may not fit together.
    unreadable : bool
        A message could not be read.
    """

    number: int
    fills: dict[str, Fill] = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    overtaken: bool = False
    unreadable: bool = False


def currency(reading: Reading) -> str:
    """What the account is kept in; empty when it was not said."""
    return next((money for tag, money in reading.values if tag == "NetLiquidation"), "")


def values(reading: Reading) -> tuple[float, float, float]:
    """NAV, cash, and what is accrued, in the account's currency; NaN where it was not said. [currency]"""
    money = currency(reading)

    def value(tag: str, default: str) -> float:
        try:
            return float(reading.values.get((tag, money), default))
        except ValueError:
            return math.nan

    return (
        value("NetLiquidation", "nan"),
        value("TotalCashValue", "nan"),
        value("AccruedCash", "0") + value("AccruedDividend", "0"),
    )


def positions(reading: Reading) -> Iterator[Held]:
    """One position a ticker."""
    for ticker in dict.fromkeys(held.ticker for held in reading.held.values()):
        parts = [held for held in reading.held.values() if held.ticker == ticker]
        shares = sum(held.shares for held in parts)
        if shares:
            yield Held(ticker, shares, sum(held.shares * held.cost for held in parts) / shares)


def reports(orders: heard.Orders, number: int, *, listed: bool) -> Iterator[Report]:
    """Orders as the reading of this number leaves them; `listed` when the open orders came to an end."""
    for known in orders:
        if not known.report.state.over and known.listed < number:
            known.report = replace(known.report, state=State.UNKNOWN, reason="not among the open orders")
            if listed:
                continue
        yield known.report
