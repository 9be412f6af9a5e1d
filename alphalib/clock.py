"""The one place that knows what time it is, and how fast it goes."""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Clock(Protocol):
    """Tells the time; the edge passes one down where time matters."""

    def now(self) -> datetime:
        """Current instant, with its time zone."""
        ...


class SystemClock:
    """The time of the machine, in UTC."""

    def now(self) -> datetime:
        """Current instant in UTC."""
        return datetime.now(tz=UTC)


class SessionLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is session time: every sleep, time-out and throttle in it runs at the session's speed.

    Parameters
    ----------
    start : datetime, optional
        Session time at the beginning, with its time zone; the machine's without one.
    clock : Clock
        The machine's: without `start` and at speed 1 it is asked each time, for it may be set, and a machine may sleep.
    speed : float
        Seconds of session time in a second. With infinity time stands still while anything is left to do, and jumps to
        the next timer when nothing is: a day takes as long as its work, and the same day takes the same steps.
    """

    _closed = True  # until it is made, so that a loop that is refused leaves nothing to close

    def __init__(self, *, start: datetime | None = None, speed: float = 1.0, clock: Clock | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self.speed = speed
        clock = clock or SystemClock()
        self._clock = clock if start is None and speed == 1.0 else None
        self._start = (start or clock.now()).astimezone(UTC)
        self._jumped = 0.0  # with infinite speed: the time itself
        self._began = time.monotonic()
        super().__init__(_Selector(self.wait))

    def time(self) -> float:
        """Session time since the start; kept small, for asyncio counts nanoseconds. [seconds]"""
        return self._jumped if math.isinf(self.speed) else (time.monotonic() - self._began) * self.speed

    def now(self) -> datetime:
        """Session time, in UTC."""
        return self._clock.now() if self._clock else self._start + timedelta(seconds=self.time())

    def wait(self, timeout: float | None, select: Callable[[float | None], list[Any]]) -> list[Any]:
        """Wait until a file is ready or `timeout` seconds of session time are over."""
        if timeout is None or timeout <= 0:
            return select(timeout)
        if math.isfinite(self.speed):
            return select(timeout / self.speed)
        ready = select(0)
        if not ready:
            self._jumped += timeout
        return ready


class _Selector(selectors.DefaultSelector):
    """The machine's selector, with the loop's own way of waiting."""

    def __init__(self, wait: Callable[[float | None, Callable[[float | None], list[Any]]], list[Any]]) -> None:
        super().__init__()
        self._wait = wait

    def select(self, timeout: float | None = None) -> list[Any]:
        return self._wait(timeout, super().select)


def run(main: Coroutine[Any, Any, Result], loop: SessionLoop) -> Result:
    """Run to the end on a loop, which is closed then; like `asyncio.run`."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        asyncio.set_event_loop(loop)  # the IB libraries ask the policy for it
        try:
            return runner.run(main)
        finally:
            asyncio.set_event_loop(None)
