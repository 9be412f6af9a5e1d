"""What a session's minutes mean for one name: when an entry acts, where a stop belongs, when what is held is sold.

The same functions as in a simulated session (`backtest.triggers`), as plain Python: a few minutes a name are not worth
compiling anew in every life of the daemon.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar

from alphalib.backtest.triggers import (
    UNSEEN,
    Bounds,
    Guard,
    Levels,
    Protection,
    Trigger,
    Watch,
    bounds,
    due,
    first_stop,
    guarded,
    on_guard,
    part_sold,
    watched,
)
from alphalib.contracts.orders import ActiveStop, Entry
from alphalib.execute.tape import Bar
from alphalib.sessions import sessions_from

Function = TypeVar("Function", bound=Callable[..., Any])


def _plainly(function: Function) -> Function:
    plain: Function = getattr(function, "py_func", function)
    return plain


_watched, _due, _guarded = _plainly(watched), _plainly(due), _plainly(guarded)
_bounds, _first_stop, _on_guard = _plainly(bounds), _plainly(first_stop), _plainly(on_guard)
part_of = _plainly(part_sold)


@dataclass
class EntryWatch:
    """An approved entry that waits for its trigger.

    Parameters
    ----------
    entry : Entry
        Of the order book.
    levels : Levels
        When to enter.
    watch : Watch
        What has been seen.
    close : float
        Of the last minute seen, NaN before one. [currency]
    fired_at : float
        Close that made a trigger fire, NaN before. [currency]
    """

    entry: Entry
    levels: Levels
    watch: Watch = UNSEEN
    close: float = math.nan
    fired_at: float = math.nan

    def see(self, bar: Bar) -> None:
        """One more minute."""
        before, self.close = self.watch.fired, bar.close
        self.watch = _watched(self.watch, bar, self.levels)  # type: ignore[arg-type]
        if self.watch.fired and not before:
            self.fired_at = bar.close

    def due(self, minute: int) -> Trigger:
        """Trigger by which to enter in a minute, `NONE` for not yet."""
        return Trigger(_due(self.watch, minute, self.levels))

    def waits_for(self) -> str:
        """The closes that would make it act, as they now are, in words."""
        watch, levels = self.watch, self.levels
        known = {
            "pullback": watch.high * (1.0 - levels.pullback),
            "vwap": watch.value / watch.volume * (1.0 - levels.discount) if watch.volume > 0.0 else math.nan,
            "support": levels.floor * (1.0 + levels.support) if watch.low >= levels.floor else math.nan,
        }
        return ", ".join(f"{name} {level:.2f}" for name, level in known.items() if math.isfinite(level))

    def stop(self, price: float, protection: Protection) -> float:
        """First stop of an entry that is sent now. [currency]"""
        close = price if math.isnan(self.close) else self.close
        return _first_stop(protection, close, self.entry.atr_value or math.nan)


def levels_of(entry: Entry, minutes: int) -> Levels:
    """When an entry of the order book acts, in a session of so many minutes."""
    triggers = entry.triggers
    floor = triggers.support_floor or math.nan
    support = (triggers.support_level or math.nan) / floor - 1.0
    expiry = minutes - triggers.expiry_minutes_before_close
    return Levels(triggers.pullback_pct, triggers.vwap_discount, support, floor, expiry)


@dataclass
class HeldWatch:
    """What is held, and guarded from a minute on.

    Parameters
    ----------
    limits : Bounds
        When it is sold.
    guard : Guard
        What has been seen.
    begins : int
        Minute from which it counts: 0, or that of the first fill. [minutes from the open]
    """

    limits: Bounds
    guard: Guard
    begins: int = 0
    seen: list[Bar] = field(default_factory=list)

    def see(self, bars: Sequence[Bar]) -> None:
        """Minutes, in order; those from before it was held, or known already, are left out."""
        known = max(self.begins - 1, self.seen[-1].minute if self.seen else -1)
        new = list(takewhile(lambda bar: bar.minute > known, reversed(bars)))  # few: the rest was seen before
        for bar in reversed(new):
            self.guard = _guarded(self.guard, bar, self.limits)  # type: ignore[arg-type]
            self.seen[:] = [bar]


def watch_held(stop: ActiveStop, session: str, protection: Protection) -> HeldWatch:
    """A position of the order book."""
    limits = _bounds(
        protection,
        stop.trail_atr or math.nan,
        stop.entry_price,
        sessions_from(stop.entry_date, session),
        stop.intraday_profit_taken,
    )
    return HeldWatch(limits, _on_guard(stop.current_stop))


def watch_bought(entry: Entry, *, cost: float, stop: float, minute: int, protection: Protection) -> HeldWatch:
    """What was bought in this session, from the minute of its first fill on."""
    limits = _bounds(protection, entry.atr_value or math.nan, cost, 0, False)
    return HeldWatch(limits, _on_guard(stop), begins=minute)
