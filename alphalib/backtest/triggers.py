"""What makes an approved entry act, and what is held be sold, a minute at a time; simulated and live sessions share it.

A trigger is seen at the close of a minute and acts at the open of the next, which makes the fill a stopping time: on a
path without drift its mean is the open, whatever the levels. (To fill at the level itself, or at a share of the day's
high, is to know where the path goes within the bar.)
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

from alphalib.compiled import Records, compiled, record_type
from alphalib.contracts import Intraday
from alphalib.params import ExecutorParams


class Trigger(IntEnum):
    """What made an entry act; `label` is the name in trade logs."""

    NONE = 0
    OPEN = 1
    PULLBACK = 2
    VWAP = 3
    SUPPORT = 4
    EXPIRY = 5

    @property
    def label(self) -> str:
        """Name in trade logs; empty for `NONE`."""
        return self.name.lower() if self else ""


class Minute:
    """One minute of a name: its number in the session, from 0 at the open, and its bar. [currency, shares]"""

    minute: int
    open: float
    high: float
    low: float
    close: float
    volume: float


MINUTE = record_type(Minute)


class Levels(NamedTuple):
    """When to enter.

    Parameters
    ----------
    pullback : float
        Fall of a close from the session's high so far. [fraction]
    discount : float
        Of a close below the session's own volume-weighted price so far. [fraction]
    support : float
        A close between `floor` and this much above it. [fraction]
    floor : float
        Low of the last 20 sessions, NaN for none; once the session is below it, support is no reason. [currency]
    expiry : int
        Minute from which to enter anyway. [minutes from the open]
    """

    pullback: float
    discount: float
    support: float
    floor: float
    expiry: int


class Watch(NamedTuple):
    """What has been seen of a session: highest, lowest, value and volume traded, and the `Trigger` that fired."""

    high: float
    low: float
    value: float
    volume: float
    fired: int


UNSEEN = Watch(-math.inf, math.inf, 0.0, 0.0, 0)


@compiled
def watched(watch: Watch, bar: Minute, levels: Levels) -> Watch:
    """The watch after one more minute, at its close; the first trigger that fires stays."""
    high, low = max(watch.high, bar.high), min(watch.low, bar.low)
    value, volume = watch.value, watch.volume
    if bar.volume > 0.0:
        value += bar.volume * (bar.high + bar.low + bar.close) / 3.0
        volume += bar.volume
    fired = watch.fired
    if fired == 0:
        if bar.close <= high * (1.0 - levels.pullback):
            fired = Trigger.PULLBACK.value
        elif volume > 0.0 and bar.close <= value / volume * (1.0 - levels.discount):
            fired = Trigger.VWAP.value
        elif low >= levels.floor and bar.close <= levels.floor * (1.0 + levels.support):
            fired = Trigger.SUPPORT.value
    return Watch(high, low, value, volume, fired)


@compiled
def due(watch: Watch, minute: int, levels: Levels) -> int:
    """The `Trigger` by which to enter at the open of a minute, 0 for none."""
    if watch.fired == 0 and minute >= levels.expiry:
        return Trigger.EXPIRY.value
    return watch.fired


@compiled
def entry_minute(bars: Records, levels: Levels) -> tuple[int, int]:
    """Row of the minute at whose open an entry fills, and its trigger; (−1, 0) when no minute comes after it.

    Parameters
    ----------
    bars : records of Minute
        Of one name and session, by time.
    levels : Levels
        When to enter.
    """
    watch = UNSEEN
    for row in range(len(bars)):
        trigger = due(watch, bars[row].minute, levels)
        if trigger:
            return row, trigger
        watch = watched(watch, bars[row], levels)
    return -1, 0


@compiled
def highest(bars: Records, row: int) -> float:
    """Highest price from a row on. [currency]"""
    high = -math.inf
    for later in range(row, len(bars)):
        high = max(high, bars[later].high)
    return high


# What is held


class Protection(NamedTuple):
    """How what is held is guarded within a session: fields of `ExecutorParams`, under the same names."""

    intraday_trail_atr: float
    intraday_tight_atr: float
    intraday_tight_sessions: int
    intraday_profit_pct: float
    intraday_profit_fraction: float
    intraday_collapse_pct: float
    fallback_stop_pct: float


class Bounds(NamedTuple):
    """When a position is sold; made once a session, by `bounds`.

    Parameters
    ----------
    distance : float
        Of the stop below the high; infinite for a stop that does not follow. [currency]
    collapse : float
        Fall of a close from the high. [fraction]
    target : float
        A close from which on a part is sold; infinite when it has been. [currency]
    """

    distance: float
    collapse: float
    target: float


class Guard(NamedTuple):
    """What has been seen of a session by a position.

    Parameters
    ----------
    high : float
        Highest price since the open, or since it was bought; −∞ before the first minute. [currency]
    stop : float
        Resting in the market. [currency]
    collapsed, gained : bool
        Whether a close has been at or beyond the bounds: all, or a part, is to be sold at the next open.
    """

    high: float
    stop: float
    collapsed: bool
    gained: bool


def protection(source: ExecutorParams | Intraday) -> Protection:
    """The numbers of a parameter file or of an order book."""
    return Protection(*(getattr(source, name) for name in Protection._fields))


@compiled
def bounds(numbers: Protection, atr: float, cost: float, waited: int, taken: bool) -> Bounds:
    """The bounds of a position for one session.

    Parameters
    ----------
    numbers : Protection
        From `protection`.
    atr : float
        Of the close before, in units of the session; NaN or 0 for none. [currency]
    cost : float
        Average, in units of the session. [currency]
    waited : int
        From the session it was bought in to this one. [sessions]
    taken : bool
        Whether a part was sold for its gain already, ever.
    """
    tight = waited >= numbers.intraday_tight_sessions
    multiple = numbers.intraday_tight_atr if tight else numbers.intraday_trail_atr
    target = math.inf if taken else cost * (1.0 + numbers.intraday_profit_pct)
    return Bounds(multiple * atr if atr > 0.0 else math.inf, numbers.intraday_collapse_pct, target)


@compiled
def first_stop(numbers: Protection, close: float, atr: float) -> float:
    """Stop that is sent with an entry, below the last close before it. [currency]

    Without an ATR, or with one that leaves nothing, a fraction below: it is always above 0.
    """
    stop = close - numbers.intraday_trail_atr * atr
    return stop if atr > 0.0 and stop > 0.0 else close * (1.0 - numbers.fallback_stop_pct)


@compiled
def on_guard(stop: float) -> Guard:
    """At the open, or when it was bought, with the stop that rests in the market then. [currency]"""
    return Guard(-math.inf, stop, False, False)


@compiled
def guarded(guard: Guard, bar: Minute, limits: Bounds) -> Guard:
    """The guard after one more minute, at its close; the stop is never lowered, what has fired stays."""
    high = max(guard.high, bar.high)
    return Guard(
        high,
        max(guard.stop, high - limits.distance),
        guard.collapsed or bar.close <= high * (1.0 - limits.collapse),
        guard.gained or bar.close >= limits.target,
    )


@compiled
def part_sold(shares: int, fraction: float) -> int:
    """Shares to sell of a position that has gained: at least one. [shares]"""
    return max(1, math.floor(shares * fraction))
