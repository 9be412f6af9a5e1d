"""Keeps a broker connected: back-off, heartbeat, and the reading of the truth."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from alphalib.clock import SessionLoop
from alphalib.errors import BrokerError, CurrencyError, NotPaperError
from alphalib.execute.broker import Broker, Truth

HEARTBEAT = 15.0  # seconds between two
PATIENCE = 10.0  # for an answer to one [seconds]
UP = "up"
LONGEST_PAUSE = 60.0  # between two attempts to connect [seconds]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connected:
    """There is a new connection; `attempts` were needed."""

    attempts: int


@dataclass(frozen=True)
class Learned:
    """The truth, and when its reading began."""

    truth: Truth
    began: datetime


@dataclass(frozen=True)
class Unanswered:
    """The truth could not be read."""

    why: str


@dataclass(frozen=True)
class Trouble:
    """The connection is no good; said once a connection."""

    why: str


@dataclass(frozen=True)
class Failure:
    """Something that ends the daemon."""

    error: Exception


News: TypeAlias = Connected | Learned | Unanswered | Trouble | Failure


class Line:
    """A connection that is made again whenever it breaks.

    Parameters
    ----------
    broker : Broker
        Not connected yet.
    loop : SessionLoop
        Whose time it keeps.
    tell : callable
        Given the news, in their order.
    """

    def __init__(self, broker: Broker, loop: SessionLoop, tell: Callable[[News], None]) -> None:
        self._broker, self._loop, self._tell = broker, loop, tell
        self._broken = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None
        self._again = False
        self.state = "connecting"

    async def keep(self) -> None:
        """Connect, beat, and connect again, for ever; `NotPaperError` ends it."""
        try:
            while True:
                attempts = await self._connect()
                self.state = UP
                self._tell(Connected(attempts))
                self._tell(Trouble(await self._trouble()))
                self.state = "reconnecting"
                await self._stop_asking()
                await self._broker.disconnect()
        finally:
            await self._stop_asking()

    def lost(self) -> None:
        """The socket is gone, or what was sent on it is in doubt: connect again."""
        self._broken.set()

    def ask(self) -> None:
        """Read the truth; whoever asks while it is being read gets it read once more."""
        if self._asking is not None and not self._asking.done():
            self._again = True
            return
        self._asking = self._loop.create_task(self._ask())

    async def _connect(self) -> int:
        pause, attempt = 1.0, 0
        while True:
            attempt += 1
            self._broken.clear()
            try:
                await self._broker.connect()
                return attempt
            except NotPaperError:
                raise
            except BrokerError as error:
                self.state = f"not connected: {error}"
                log.warning("attempt %d to connect failed, the next in %.0f s: %s", attempt, pause, error)
            await asyncio.sleep(pause)
            pause = min(2.0 * pause, LONGEST_PAUSE)

    async def _trouble(self) -> str:
        """Beat until the connection breaks; returns how."""
        while True:
            try:
                await asyncio.wait_for(self._broken.wait(), timeout=HEARTBEAT)
                return "the connection is lost"
            except TimeoutError:
                pass
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._broker.beat()
            except TimeoutError:
                return f"the peer has been silent for {PATIENCE:.0f} s"
            except BrokerError as error:
                return str(error)

    async def _ask(self) -> None:
        while True:
            self._again = False
            began = self._loop.now()
            try:
                truth = await self._broker.truth()
            except CurrencyError as error:
                self._tell(Failure(error))
                return
            except BrokerError as error:
                self._tell(Unanswered(str(error)))
            except Exception as error:  # nobody awaits this task: whoever listens raises it
                self._tell(Failure(error))
                return
            else:
                self._tell(Learned(truth, began))
            if not self._again:
                return

    async def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
            self._asking = None
