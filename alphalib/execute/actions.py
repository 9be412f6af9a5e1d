"""Splits, dividends and delistings of the session itself: what was planned at the close before, in its units.

Book, portfolio and guard are in units of the close before; broker and prices are in those of the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import pandas as pd

from alphalib.backtest.session import converted
from alphalib.contracts import OrderBook, PortfolioFile
from alphalib.contracts.base import Row
from alphalib.sources.stored import TABLES, read_table
from alphalib.store import Store

AnyRow = TypeVar("AnyRow", bound=Row)

_PRICES = ("current_price", "atr_value", "entry_price", "current_stop", "trail_atr", "high_water")
_LEVELS = ("support_level", "support_floor")


@dataclass(frozen=True)
class Actions:
    """Corporate actions of one session: shares for one old; cash for one share before the split; and the part of the
    last close that a delisted share still brings, less 1. [currency, fraction]
    """

    splits: Mapping[str, float] = field(default_factory=dict)
    dividends: Mapping[str, float] = field(default_factory=dict)
    delistings: Mapping[str, float] = field(default_factory=dict)

    def cash(self, ticker: str, shares: int, mark: float) -> float:
        """What a holding brings in before the open: dividends, a fraction of a share, a delisting. [currency]"""
        ratio = self.splits.get(ticker, 1.0)
        whole, fraction = converted(shares, ratio)
        left = fraction + whole * (1.0 + self.delistings[ticker]) if ticker in self.delistings else fraction
        return shares * self.dividends.get(ticker, 0.0) + (left * mark / ratio if left else 0.0)

    def held(self, ticker: str, shares: int) -> int:
        """What a holding is in the session. [shares]"""
        return 0 if ticker in self.delistings else converted(shares, self.splits.get(ticker, 1.0))[0]


def actions_in(table: pd.DataFrame, session: pd.Timestamp) -> Actions:
    """Those of a session, of a table of all."""
    today = table[table["date"] == session].drop_duplicates(["ticker", "kind", "value"])
    of = {kind: rows.groupby("ticker")["value"] for kind, rows in today.groupby("kind")}
    return Actions(
        of["split"].prod().to_dict() if "split" in of else {},
        of["dividend"].sum().to_dict() if "dividend" in of else {},
        of["delisting"].last().to_dict() if "delisting" in of else {},
    )


def actions_of(record: Store, bus: Store, session: pd.Timestamp) -> Actions:
    """Those that are known: to the bus by now, or to the world that a rehearsal is played in."""
    handed = record if record.exists(TABLES["actions"][0]) else bus
    return actions_in(read_table(handed, "actions"), session)


def book_in(book: OrderBook, actions: Actions) -> OrderBook:
    """An order book in units of its session; what has no whole share left, or is delisted, falls out."""
    parts = ("approved_entries", "urgent_exits", "active_stops")
    return book.model_copy(update={part: _rows(getattr(book, part), actions) for part in parts})


def portfolio_in(file: PortfolioFile, actions: Actions) -> PortfolioFile:
    """Positions in units of the session; cash as it was."""
    return file.model_copy(update={"positions": _rows(file.positions, actions)})


def marks_in(marks: Mapping[str, float], actions: Actions) -> dict[str, float]:
    """Last closes in units of the session. [currency]"""
    return {ticker: mark / actions.splits.get(ticker, 1.0) for ticker, mark in marks.items()}


def _rows(rows: list[AnyRow], actions: Actions) -> list[AnyRow]:
    moved = [_row(row, actions) for row in rows]
    return [row for row in moved if row.shares]  # type: ignore[attr-defined]


def _row(row: AnyRow, actions: Actions) -> AnyRow:
    ticker: str = row.ticker  # type: ignore[attr-defined]
    if ticker not in actions.splits and ticker not in actions.delistings:
        return row
    ratio = actions.splits.get(ticker, 1.0)
    update = {name: value / ratio for name in _PRICES if (value := getattr(row, name, None)) is not None}
    update["shares"] = actions.held(ticker, row.shares)  # type: ignore[attr-defined]
    if triggers := getattr(row, "triggers", None):
        levels = {name: value / ratio for name in _LEVELS if (value := getattr(triggers, name)) is not None}
        update["triggers"] = triggers.model_copy(update=levels)
    return row.model_copy(update=update)
