"""What is to be sent: so many messages a second and no more, the urgent ones first."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from enum import IntEnum

CLOSE_ENOUGH = 1e-6
"""Timers come due a clock's resolution early. [seconds]"""


class Urgency(IntEnum):
    """Who goes first when not all may go."""

    EXIT = 0  # cancels, sales, stops
    ORDER = 1  # entries; questions too, so that an answer speaks of every order before it
    DATA = 2


class Outbox:
    """Keeps messages back while too many were sent in the last second.

    A peer that counts in seconds of its own can see two of our windows in one of its: half of what it allows is safe.

    Parameters
    ----------
    most : int
        In any second. [messages]
    """

    def __init__(self, most: int = 20) -> None:
        self._most = most
        self._waiting: list[tuple[Urgency, int, Callable[[], None]]] = []
        self._put = 0
        self._written: deque[float] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, urgency: Urgency, write: Callable[[], None]) -> None:
        """Send now if there is room, else when there is."""
        self._put += 1
        heapq.heappush(self._waiting, (urgency, self._put, write))
        self._send()

    def pause(self) -> None:
        """Send nothing for a second: the peer says that it was too much."""
        self._written.extend([asyncio.get_running_loop().time()] * self._most)

    def clear(self) -> None:
        """Forget what waits; it was not sent."""
        self._waiting.clear()
        self._written.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._written and self._written[0] + 1 <= now + CLOSE_ENOUGH:
            self._written.popleft()
        while self._waiting and len(self._written) < self._most:
            self._written.append(now)
            heapq.heappop(self._waiting)[2]()
        if self._waiting and self._timer is None:
            self._timer = loop.call_at(self._written[0] + 1, self._again)

    def _again(self) -> None:
        self._timer = None
        self._send()
