"""What is held, what the broker holds, and what it is worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from alphalib.contracts import Holding
from alphalib.execute.broker import Fill, Side, Truth
from alphalib.execute.desk.orders import Orders
from alphalib.execute.journal.journal import Record
from alphalib.execute.refs import foreign
from alphalib.execute.tape import Tape


class Holdings:
    """Positions by our count and by the broker's, and cash.

    Ours are those of the portfolio file and what this session's fills made of them. Where the broker says another
    number twice in a row, the smaller is what may be traded.

    Parameters
    ----------
    base : iterable of Holding
        Positions at the close before.
    orders : Orders
        Of the session.
    tape : Tape
        Prices.
    marks : mapping of str to float
        Last closes. [currency]
    """

    def __init__(self, base: Iterable[Holding], orders: Orders, tape: Tape, marks: Mapping[str, float]) -> None:
        self.base = {row.ticker: row for row in base}
        self._orders, self._tape, self._marks = orders, tape, marks
        self._truth: Truth | None = None
        self._gaps: dict[str, float] = {}
        self._suspected: dict[str, float] = {}
        self._others_sell: dict[str, float] = {}  # what somebody else's working orders still sell
        self.cash = math.nan

    def ours(self, ticker: str) -> int:
        """By our count. [shares]"""
        base = self.base.get(ticker)
        return (base.shares if base else 0) + self._orders.change(ticker)

    def at_broker(self, ticker: str) -> float:
        """By the broker's, the fills since its last truth in it. [shares]"""
        return self.ours(ticker) + self._gaps.get(ticker, self._suspected.get(ticker, 0.0))

    def traded(self, ticker: str) -> int:
        """What may be covered and sold: the smaller of both, less what others are selling; never below 0. [shares]"""
        beyond = self._gaps.get(ticker, 0.0) - self._others_sell.get(ticker, 0.0)
        return max(math.floor(self.ours(ticker) + min(beyond, 0.0)), 0)

    def differs(self, ticker: str) -> bool:
        """Whether both counts differ, or seemed to once."""
        return ticker in self._gaps or ticker in self._suspected

    @property
    def suspected(self) -> frozenset[str]:
        """Names of which the two counts differed in the last truth only: it is read once more."""
        return frozenset(self._suspected)

    def cost(self, ticker: str) -> float:
        """Average of what is held, NaN for nothing. [currency]"""
        base, bought = self.base.get(ticker), self._orders.bought(ticker)
        shares = (base.shares if base else 0) + sum(fill.shares for fill in bought)
        paid = (base.shares * base.entry_price if base else 0.0) + sum(fill.shares * fill.price for fill in bought)
        return paid / shares if shares else math.nan

    def mark(self, ticker: str) -> float:
        """Last price there is: printed, of the close before, or paid. [currency]"""
        known = (self._tape.last(ticker), self._marks.get(ticker, math.nan), self.cost(ticker))
        return next((price for price in known if price > 0), 0.0)

    @property
    def nav(self) -> float:
        """Cash and everything at the broker, at the last prices; NaN before the first truth. [currency]"""
        if self._truth is None:
            return math.nan
        mine = self._orders.tickers | self.base.keys()
        values = [self.at_broker(ticker) * self.mark(ticker) for ticker in mine]
        others = [held.shares * held.cost for held in self._truth.held if held.ticker not in mine]
        return self.cash + sum(values) + sum(others)

    # Told

    def filled(self, fill: Fill, now: datetime) -> list[Record]:
        """An execution of ours."""
        before = self._orders.fills.get(fill.root)
        records = self._orders.filled(fill, now)
        if records:
            self.cash += _brought(fill) - (_brought(before) if before else 0.0)
        return records

    def strangely_filled(self, fill: Fill) -> bool:
        """Somebody else's execution; returns whether it concerns a name of ours and is news."""
        if not self._orders.strangely_filled(fill):
            return False
        self.cash += _brought(fill)
        if fill.ticker not in self._orders.tickers | self.base.keys():
            return False
        shares = fill.shares if fill.side is Side.BUY else -fill.shares
        self._gaps[fill.ticker] = self._gaps.get(fill.ticker, 0.0) + shares
        self._others_sell[fill.ticker] = max(self._others_sell.get(fill.ticker, 0.0) + min(shares, 0.0), 0.0)
        return True

    def learned(self, truth: Truth, tickers: Iterable[str]) -> list[tuple[str, str]]:
        """Compare with the truth, whose fills are known already; returns what a person must know, a name.

        A difference counts when two truths in a row show the same: a fill between the reading of positions and of
        executions looks like one.
        """
        self._truth = truth
        if not math.isnan(truth.cash):
            self.cash = truth.cash
        if "open orders" not in truth.missing:
            self._others_sell = _sold_by_others(truth)
        if "positions" in truth.missing:
            return []
        held = {row.ticker: row.shares for row in truth.held}
        before, self._suspected = self._suspected | self._gaps, {}
        news = []
        for ticker in tickers:
            difference = held.get(ticker, 0.0) - self.ours(ticker)
            conceded, difference = self._orders.settle(ticker, difference)
            news += [(ticker, f"{order.ref} has filled, and no execution says at what price") for order in conceded]
            known = self._gaps.pop(ticker, 0.0)
            if difference and before.get(ticker) == difference:
                self._gaps[ticker] = difference
                if known != difference:
                    news.append((ticker, self._words(ticker, held.get(ticker, 0.0))))
            elif difference:
                self._suspected[ticker] = difference
        return news

    def _words(self, ticker: str, shares: float) -> str:
        return (
            f"{ticker}: the broker holds {shares:g}, we count {self.ours(ticker)}; no more than "
            f"{self.traded(ticker)} are covered and sold, none are bought"
        )


def _sold_by_others(truth: Truth) -> dict[str, float]:
    """What orders that are not ours may still sell, by ticker. [shares]"""
    sales: dict[str, float] = {}
    for order in truth.orders:
        if order.side is Side.SELL and foreign(order.ref) and not order.state.over:
            sales[order.ticker] = sales.get(order.ticker, 0.0) + order.shares - order.filled
    return sales


def _brought(fill: Fill) -> float:
    """What an execution did to the cash, its charge not counted. [currency]"""
    return fill.shares * fill.price * (-1.0 if fill.side is Side.BUY else 1.0)
