"""Minute bars as the prints of a session."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pandas as pd

from alphalib.errors import InputError
from alphalib.gateway.orders import Print
from alphalib.sessions import Day, calendar, require_session

MINUTE = timedelta(minutes=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

Bars: TypeAlias = Mapping[str, pd.DataFrame]
"""By symbol: `time` (start of the minute, UTC), open, high, low, close [currency], volume, NaN for unknown [shares]."""


@dataclass(frozen=True)
class Bar:
    """A bar: when it began, its prices and its volume. [currency, shares]"""

    at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Moment:
    """An instant of the session: what trades then, and what is published then; the same without a delay."""

    at: datetime
    traded: tuple[Print, ...]
    told: tuple[Print, ...]


class Playback:
    """A session of minute bars.

    Parameters
    ----------
    day : Day
        The session; rows of other days are left out.
    bars : Bars
        Minute bars.
    daily : Bars, optional
        Daily bars of earlier sessions, `time` being the session's date: for historical requests and the close before.
    delay : float
        Of publication, as delayed data has it: orders fill at true prices, ticks come later. [minutes]

    Raises
    ------
    InputError
        When a bar's prices are not above 0 and in order, times repeat, or there is no bar of the session at all.
    """

    def __init__(self, day: Day, bars: Bars, *, daily: Bars | None = None, delay: float = 0.0) -> None:
        session = require_session(day)
        self.session = session
        self.opened: datetime = calendar().session_open(session).to_pydatetime()
        self.closed: datetime = calendar().session_close(session).to_pydatetime()
        self.delay = timedelta(minutes=delay)
        of_day = {symbol: _bars(symbol, bars[symbol], self.opened, self.closed) for symbol in sorted(bars)}
        self._minutes = {symbol: found for symbol, found in of_day.items() if found}
        if not self._minutes:
            raise InputError(f"there are no minute bars of {session:%Y-%m-%d} in what is to be played")
        midnight = datetime(session.year, session.month, session.day, tzinfo=UTC)
        self._days = {symbol: _bars(symbol, table, LONG_AGO, midnight) for symbol, table in (daily or {}).items()}

    def moments(self) -> Iterator[Moment]:
        """The session from the opening print to the last publication, by time; prints of an instant by symbol."""
        traded: defaultdict[datetime, list[Print]] = defaultdict(list)
        for symbol, found in self._minutes.items():
            for bar in found:
                for each in prints(symbol, bar):
                    traded[each.at].append(each)
        told = {at + self.delay: group for at, group in traded.items()}
        for at in sorted({*traded, *told}):
            yield Moment(at, tuple(traded.get(at, ())), tuple(told.get(at, ())))

    def minutes(self, symbol: str, until: datetime) -> list[Bar]:
        """Minute bars that are complete and published at `until`."""
        last = until - self.delay - MINUTE
        found = self._minutes.get(symbol, [])
        return found[: bisect_right(found, last, key=lambda bar: bar.at)]

    def days(self, symbol: str, until: datetime) -> list[Bar]:
        """Daily bars before the session, and the session's own as far as it has gone at `until`."""
        before = self._days.get(symbol, [])
        seen = self.minutes(symbol, until)
        if not seen:
            return before
        midnight = datetime(self.session.year, self.session.month, self.session.day, tzinfo=UTC)
        high, low = max(bar.high for bar in seen), min(bar.low for bar in seen)
        return [*before, Bar(midnight, seen[0].open, high, low, seen[-1].close, sum(bar.volume for bar in seen))]


def prints(symbol: str, bar: Bar) -> list[Print]:
    """Trades of a minute: open, the two extremes, close; low first when it closes no lower than it opened.

    An extreme that repeats the price before it is left out. Volumes add up to the bar's.
    """
    extremes = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    path = [(0.5, bar.open)]
    path += [(at, price) for at, price, before in _middle(bar.open, extremes) if price != before]
    path.append((55.0, bar.close))
    part = bar.volume // len(path)
    sizes = [part] * (len(path) - 1) + [bar.volume - part * (len(path) - 1)]
    return [
        Print(symbol, price, size, bar.at + timedelta(seconds=seconds), opens=number == 0)
        for number, ((seconds, price), size) in enumerate(zip(path, sizes, strict=True))
    ]


def _middle(opened: float, extremes: tuple[float, float]) -> tuple[tuple[float, float, float], ...]:
    first, second = extremes
    return (20.0, first, opened), (40.0, second, first)


def _bars(symbol: str, table: pd.DataFrame, begin: datetime, end: datetime) -> list[Bar]:
    """Rows from `begin` until before `end`, by time."""
    rows = table.assign(time=pd.to_datetime(table["time"], utc=True), volume=table["volume"].fillna(0.0))
    rows = rows[(rows["time"] >= begin) & (rows["time"] < end)].sort_values("time", ignore_index=True)
    prices = rows[["open", "high", "low", "close"]]
    sound = (prices > 0).all(axis=1) & (prices.max(axis=1) <= rows["high"]) & (prices.min(axis=1) >= rows["low"])
    sound &= ~rows["time"].duplicated() & (rows["volume"] >= 0)
    if not sound.all():
        wrong = rows[~sound].iloc[0]
        raise InputError(
            f"{symbol}: the bar at {wrong['time']:%Y-%m-%d %H:%M} UTC cannot be played: open {wrong['open']}, "
            f"high {wrong['high']}, low {wrong['low']}, close {wrong['close']}, volume {wrong['volume']}; prices must "
            "be above 0, high the highest, low the lowest, and each minute there once"
        )
    columns = (rows[name].tolist() for name in ("open", "high", "low", "close", "volume"))
    return [Bar(*row) for row in zip(pd.DatetimeIndex(rows["time"]).to_pydatetime(), *columns, strict=True)]
