"""What makes an approved entry act, a minute at a time: the same functions for a simulated session and for a live one.

A trigger is seen at the close of a minute and acts at the open of the next, which makes the fill a stopping time: on a
path without drift its mean is the open, whatever the levels. (To fill at the level itself, or at a share of the day's
high, is to know where the path goes within the bar.)
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

from alphalib.compiled import Records, compiled, record_type


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
def stop_minute(bars: Records, stop: float) -> int:
    """Row of the first minute that reaches a stop, −1 for none."""
    for row in range(len(bars)):
        if bars[row].low <= stop:
            return row
    return -1


@compiled
def highest(bars: Records, row: int) -> float:
    """Highest price from a row on. [currency]"""
    high = -math.inf
    for later in range(row, len(bars)):
        high = max(high, bars[later].high)
    return high
