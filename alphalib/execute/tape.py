"""Minute bars out of the session's own ticks, and which prices may be decided on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from alphalib.execute.broker import Tick
from alphalib.sessions import calendar, require_session, session_minutes

NEW_YORK = ZoneInfo("America/New_York")
STALE = timedelta(minutes=5)
"""A price older than this is no longer one that anything is decided on."""
ANEW = 0.5
"""A day's volume that falls below this share of what it was has begun anew; a smaller fall is a trade taken back."""


class Bar(NamedTuple):
    """One minute of a name: its number in the session, from 0 at the open, and what traded. [currency, shares]"""

    minute: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Hours:
    """Regular hours of a session, by the exchange's calendar: half-days are short.

    Parameters
    ----------
    opened, closed : datetime
        UTC.
    minutes : int
        390, or 210 on a half-day. [minutes]
    """

    opened: datetime
    closed: datetime
    minutes: int

    @staticmethod
    def of(session: str | pd.Timestamp) -> Hours:
        """Of a session of the exchange."""
        day = require_session(session)
        opened, closed = calendar().session_open(day), calendar().session_close(day)
        return Hours(opened.to_pydatetime(), closed.to_pydatetime(), session_minutes(day))

    def until(self, closed: datetime) -> Hours:
        """The same session with an earlier close; whole minutes of it."""
        closed = max(min(closed, self.closed), self.opened)
        return Hours(self.opened, closed, (closed - self.opened) // timedelta(minutes=1))

    def open_at(self, now: datetime) -> bool:
        """Whether the exchange trades."""
        return self.opened <= now < self.closed

    def minute(self, at: datetime) -> int:
        """Number of the minute that an instant lies in; negative before the open."""
        return math.floor((at - self.opened) / timedelta(minutes=1))

    def boundary(self, minute: int) -> datetime:
        """Where a minute begins."""
        return self.opened + timedelta(minutes=minute)


class Tape:
    """Prices of one session as they were printed, kept a name.

    A minute is the one in which its ticks arrived, so with delayed data it tells of a quarter of an hour before. A
    minute in which a name did not trade has no bar. Volume is counted from what was seen: after a gap of one's own,
    what was traded meanwhile belongs to no minute.

    Parameters
    ----------
    hours : Hours
        Of the session.
    """

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._closed = 0  # minutes before this one are over
        self._names: dict[str, _Name] = {}
        self._late = False

    def gap(self, at: datetime) -> None:
        """Ticks were missed up to now: volume is counted from the next one on."""
        self._late = at > self._hours.opened
        for name in self._names.values():
            name.traded = None

    def take(self, tick: Tick) -> None:
        """One more tick."""
        name = self._names.setdefault(tick.ticker, _Name())
        name.halted = tick.halted
        name.price = tick.price if tick.price > 0 and math.isfinite(tick.price) else math.nan
        if not math.isnan(name.price):
            name.last, name.at = name.price, tick.at
        minute = self._hours.minute(tick.at)
        inside = 0 <= minute < self._hours.minutes
        volume = self._increment(name, tick.volume, inside=inside)
        if not inside or math.isnan(name.price):
            return
        if math.isnan(name.first):
            name.first = name.price
        minute = max(minute, self._closed)
        bar = name.bars.get(minute)
        low, high = (name.price, name.price) if bar is None else (min(bar.low, name.price), max(bar.high, name.price))
        opened, traded = (name.price, 0.0) if bar is None else (bar.open, bar.volume)
        name.bars[minute] = Bar(minute, opened, high, low, name.price, traded + volume)

    def minute(self, minute: int) -> dict[str, Bar]:
        """Bars of a minute that is over, by ticker, once; names that did not trade, or are halted, have none."""
        self._closed = minute + 1
        found = {ticker: name.bars.pop(minute, None) for ticker, name in self._names.items()}
        return {ticker: bar for ticker, bar in found.items() if bar is not None and not self._names[ticker].barred}

    def price(self, ticker: str, now: datetime) -> float:
        """Price that may be decided on; NaN when unknown, halted, or older than `STALE`. [currency]"""
        name = self._names.get(ticker)
        if name is None or name.halted or name.at is None or now - name.at > STALE:
            return math.nan
        return name.price

    def last(self, ticker: str) -> float:
        """Last price there was, however old; NaN before one. [currency]"""
        name = self._names.get(ticker)
        return math.nan if name is None else name.last

    def first(self, ticker: str) -> float:
        """First price of the session that was seen; NaN before one. [currency]"""
        name = self._names.get(ticker)
        return math.nan if name is None else name.first

    def marks(self, tickers: Iterable[str], now: datetime) -> dict[str, str]:
        """Why a price may not be decided on, by ticker; those that may are left out."""
        return {ticker: mark for ticker in tickers if (mark := self._mark(ticker, now))}

    def _mark(self, ticker: str, now: datetime) -> str:
        name = self._names.get(ticker)
        if name is None or name.at is None:
            return "no price yet"
        if name.halted:
            return "halted"
        if math.isnan(name.price):
            return "no valid price"
        return "stale" if now - name.at > STALE else ""

    def _increment(self, name: _Name, volume: float | None, *, inside: bool) -> float:
        """Shares traded since the tick before."""
        if volume is None or not math.isfinite(volume) or volume < 0:
            return 0.0
        before, name.traded = name.traded, volume
        if not inside:
            return 0.0
        if before is None:
            return 0.0 if self._late else volume
        if volume >= before:
            return volume - before
        return volume if volume < before * ANEW else 0.0


@dataclass
class _Name:
    """What the tape knows of a name."""

    price: float = math.nan
    last: float = math.nan
    first: float = math.nan
    at: datetime | None = None
    halted: bool = False
    traded: float | None = None
    bars: dict[int, Bar] = field(default_factory=dict)

    @property
    def barred(self) -> bool:
        """Whether its price may not be decided on."""
        return self.halted or math.isnan(self.price)
