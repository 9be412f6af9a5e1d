"""What clients may see of the market: ticks of a name, trading hours, historical bars, and how often they may ask."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeAlias

import pandas as pd

from alphalib.gateway.orders import Print
from alphalib.gateway.playback import Bar, Playback
from alphalib.gateway.replies import moment
from alphalib.gateway.requests import BarsWanted, NotUnderstood, instant
from alphalib.gateway.wire import ZONE, Field
from alphalib.sessions import Day, calendar, next_session, require_session

LIVE = {
    "bidSize": 0,
    "bid": 1,
    "ask": 2,
    "askSize": 3,
    "last": 4,
    "high": 6,
    "low": 7,
    "volume": 8,
    "close": 9,
    "open": 14,
    "halted": 49,
}
DELAYED = {
    "bid": 66,
    "ask": 67,
    "last": 68,
    "bidSize": 69,
    "askSize": 70,
    "high": 72,
    "low": 73,
    "volume": 74,
    "close": 75,
    "open": 76,
    "halted": 49,
}
"""Numbers of the ticks; which of the two a subscription gets depends on what the account pays for."""

QUOTED = 100.0  # shares behind a bid and an ask; nobody fills against them
MOST_LINES = 100
"""Names that one client may watch at a time."""

Change: TypeAlias = tuple[str, float, float]
"""A tick: its name, price and size; a volume has its number as price."""


class Quote:
    """A name's session so far, as its watchers see it.

    Parameters
    ----------
    close : float, optional
        Of the session before. [currency]
    spread_bps : float
        Between bid and ask. [bps]
    """

    def __init__(self, *, close: float | None = None, spread_bps: float = 0.0) -> None:
        self.close = close
        self.last: float | None = None
        self.halted = False
        self._spread = spread_bps / 2e4
        self._size = self._volume = 0.0
        self._open = self._high = self._low = 0.0

    def take(self, trade: Print) -> list[Change]:
        """What a trade changes; bid and ask follow it once a minute."""
        changes: list[Change] = []
        price = trade.price
        if self.last is None:
            self._open = self._high = self._low = price
            changes += [("open", price, 0.0), ("high", price, 0.0), ("low", price, 0.0)]
        self.last, self._size = price, trade.size
        self._volume += trade.size
        changes += [("last", price, trade.size), ("volume", self._volume, 0.0)]
        if price > self._high:
            self._high = price
            changes.append(("high", price, 0.0))
        if price < self._low:
            self._low = price
            changes.append(("low", price, 0.0))
        if trade.opens:
            changes += self._sides()
        return changes

    def known(self) -> list[Change]:
        """All there is to tell to somebody who begins to watch."""
        changes: list[Change] = [] if self.close is None else [("close", self.close, 0.0)]
        if self.last is not None:
            changes += [("open", self._open, 0.0), ("high", self._high, 0.0), ("low", self._low, 0.0)]
            changes += [("last", self.last, self._size), ("volume", self._volume, 0.0), *self._sides()]
        if self.halted:
            changes.append(("halted", 1.0, 0.0))
        return changes

    def _sides(self) -> list[Change]:
        assert self.last is not None
        bid, ask = self.last * (1 - self._spread), self.last * (1 + self._spread)
        return [("bid", round(bid, 4), QUOTED), ("ask", round(ask, 4), QUOTED)]


def ticks(request: int, changes: Iterable[Change], numbers: Mapping[str, int]) -> list[tuple[str, bytes]]:
    """Changes as messages, each with its name; made by hand, for a session has a hundred thousand of them."""
    made = []
    for name, price, size in changes:
        number = numbers[name]
        if name == "volume":
            kind, body = "tickSize", f"2\x006\0{request}\0{number}\0{price:.10g}\0"
        elif name == "halted":
            kind, body = "tickGeneric", f"45\x006\0{request}\0{number}\0{price:.0f}\0"
        else:
            kind, body = "tickPrice", f"1\x006\0{request}\0{number}\0{price}\0{size:.10g}\x000\0"
        made.append((kind, len(body).to_bytes(4, "big") + body.encode()))  # all of it is ASCII
    return made


def hours(day: Day, *, days: int = 5, extended: bool = False) -> str:
    """Trading hours of `days` days from `day` on, as contract details have them, New York time."""
    said = []
    date, session = require_session(day), require_session(day)
    for _ in range(days):
        if date == session:
            opens = calendar().session_open(session).tz_convert(ZONE)
            closes = calendar().session_close(session).tz_convert(ZONE)
            if extended:
                opens, closes = opens.replace(hour=4, minute=0), closes + pd.Timedelta(hours=4)
            said.append(f"{opens:%Y%m%d:%H%M}-{closes:%Y%m%d:%H%M}")
            session = next_session(session)
        else:
            said.append(f"{date:%Y%m%d}:CLOSED")
        date += pd.Timedelta(days=1)
    return ";".join(said)


SIZES = {
    **{f"{n} min{'s' if n > 1 else ''}": n for n in (1, 2, 3, 5, 10, 15, 20, 30)},
    **{f"{n} hour{'s' if n > 1 else ''}": 60 * n for n in (1, 2, 3, 4, 8)},
    "1 day": 0,
}
"""Sizes of historical bars, in minutes; 0 for a session."""


def historical_bars(playback: Playback, symbol: str, wanted: BarsWanted, now: datetime) -> list[tuple[Field, ...]]:
    """Date, open, high, low, close, volume, average and count of each bar that is asked for and published by now.

    Minute bars are those of the session that is played, however long the duration; days go back further.
    """
    if wanted.size not in SIZES:
        raise NotUnderstood(f"Historical bar size setting is invalid. Legal ones are: {', '.join(SIZES)}")
    end = min(instant(wanted.end), now) if wanted.end else now
    size = SIZES[wanted.size]
    begin, most = _begin(end, wanted.duration)
    bars = playback.minutes(symbol, end) if size else playback.days(symbol, end)
    if size:
        bars = [bar for bar in bars if bar.at >= begin]
        return [_row(bar, as_epoch=wanted.as_epoch) for bar in _longer(bars, size)]
    days = [bar for bar in bars if bar.at.date() >= begin.astimezone(ZONE).date()]
    return [_row(bar, daily=True) for bar in (days[-most:] if most else days)]


def _longer(bars: Iterable[Bar], minutes: int) -> list[Bar]:
    """Bars of some minutes, on the clock, from bars of one."""

    def start(bar: Bar) -> datetime:
        local = bar.at.astimezone(ZONE)
        past = (local.hour * 60 + local.minute) % minutes
        return local - timedelta(minutes=past)

    made = []
    for at, group in groupby(bars, key=start):
        of = list(group)
        high, low = max(bar.high for bar in of), min(bar.low for bar in of)
        made.append(Bar(at, of[0].open, high, low, of[-1].close, sum(bar.volume for bar in of)))
    return made


def _row(bar: Bar, *, daily: bool = False, as_epoch: bool = False) -> tuple[Field, ...]:
    if daily:
        date = f"{bar.at:%Y%m%d}"
    else:
        date = str(int(bar.at.timestamp())) if as_epoch else moment(bar.at)
    average = round((bar.high + bar.low + bar.close) / 3, 4)
    return (date, bar.open, bar.high, bar.low, bar.close, bar.volume, average, 1)


DAYS = {"D": 1, "W": 7, "M": 31, "Y": 366}


def _begin(end: datetime, duration: str) -> tuple[datetime, int]:
    """Where bars begin, and how many days there are at most; 0 for as many as there are."""
    count, _, unit = duration.partition(" ")
    if not count.isdigit() or unit not in ("S", *DAYS):
        raise NotUnderstood(f"Historical data bar duration is invalid: {duration}")
    steps = int(count)
    if unit == "S":
        return end - timedelta(seconds=steps), 0
    if unit == "D":  # sessions, not days
        return end - timedelta(days=2 * steps + 10), steps
    return end - timedelta(days=DAYS[unit] * steps), 0


class Pacing:
    """How often one client may ask.

    50 messages in a second; of historical bars the same within 15 seconds not at all, 5 of one name within 2 seconds,
    and 60 within 10 minutes.
    """

    MOST_MESSAGES = 50

    def __init__(self) -> None:
        self._messages: deque[float] = deque()
        self._asked: deque[tuple[float, str, BarsWanted]] = deque()

    def too_fast(self, now: float) -> int:
        """Messages of the last second where they are too many, this one included; else 0."""
        self._messages.append(now)
        while self._messages[0] <= now - 1:
            self._messages.popleft()
        return len(self._messages) if len(self._messages) > self.MOST_MESSAGES else 0

    def too_many_bars(self, now: float, symbol: str, wanted: BarsWanted) -> bool:
        """Whether a request for historical bars breaks one of the rules; if not, it counts."""
        while self._asked and self._asked[0][0] <= now - 600:
            self._asked.popleft()
        same = any(at > now - 15 and _alike(asked, wanted) for at, _, asked in self._asked)
        of_name = sum(at > now - 2 and name == symbol for at, name, _ in self._asked)
        if same or of_name >= 5 or len(self._asked) >= 60:
            return True
        self._asked.append((now, symbol, wanted))
        return False


def _alike(one: BarsWanted, other: BarsWanted) -> bool:
    def asked(wanted: BarsWanted) -> tuple[object, ...]:
        contract = wanted.wanted
        return (contract.con_id or contract.symbol, wanted.end, wanted.size, wanted.duration, wanted.what)

    return asked(one) == asked(other)
