"""One session time for two processes, only one of which runs at a time.

The leader's loop plays the gateway, a follower is a daemon's life in a process of its own, so that it can really be
killed. When the leader has nothing left to do it says the time to the follower, which works until it is idle too and
answers with its next timer; when neither has anything to do, both jump to the earlier timer. What one wrote to a
loopback socket lies in the other's buffer when the call returns, so that idle and nothing to read means idle.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from alphalib.clock import SessionLoop

Select = Callable[[float | None], list[Any]]

PATIENCE = 60.0
"""After which a follower that does not come to rest is a failure. [seconds of the machine]"""


class LeadingLoop(SessionLoop):
    """The loop that keeps the time; `followers` may come and go at any moment."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start=start, speed=math.inf)
        self.started = start
        self.followers: list[Follower] = []

    def wait(self, timeout: float | None, select: Select) -> list[Any]:
        """Everybody does what there is to do now; then time jumps to whoever comes next."""
        if timeout is not None and timeout <= 0:
            return select(timeout)
        ready = select(0)
        if ready:
            return ready
        alive = len(self.followers)
        for follower in tuple(self.followers):
            follower.work(self.time())
        ready = select(0)
        if ready or len(self.followers) < alive:
            return ready
        next_own = math.inf if timeout is None else self.time() + timeout
        upcoming = min([next_own, *(follower.upcoming for follower in self.followers)])
        if math.isinf(upcoming):
            return select(None)
        self._jumped = max(self._jumped, upcoming)
        return []


class FollowingLoop(SessionLoop):
    """The loop of a follower: its time is what the leader says.

    Parameters
    ----------
    start : datetime
        When the leader's loop started. [session time]
    seconds : float
        The leader's time now. [seconds since the start]
    line : Connection
        To the leader.
    """

    def __init__(self, start: datetime, seconds: float, line: Connection) -> None:
        super().__init__(start=start, speed=math.inf)
        self._jumped, self._line = seconds, line

    def wait(self, timeout: float | None, select: Select) -> list[Any]:
        """Say when the next timer is due, and wait to be told what time it is."""
        ready = select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        self._jumped = self._exchanged(math.inf if timeout is None else self.time() + timeout)
        return select(0)

    def pass_through(self, point: str) -> None:
        """Tell the leader how far this process has come; it may be the last thing it does."""
        self._exchanged(point)

    def _exchanged(self, said: float | str) -> float:
        self._line.send(said)
        try:
            return float(self._line.recv())
        except (EOFError, ConnectionError):
            os._exit(0)  # the test is over


class Follower:
    """A process that follows a leading loop, as the leader sees it.

    Parameters
    ----------
    loop : LeadingLoop
        It follows.
    process : Process
        Started; it runs a `FollowingLoop` on the other end of `line`.
    line : Connection
        To it.
    ended : callable
        Called once in the leader's loop when the process is gone, by its own will or another's.
    lives_on : callable
        Asked at each point the follower passes through; when it says no, the process is killed there.
    """

    def __init__(
        self,
        loop: LeadingLoop,
        process: BaseProcess,
        line: Connection,
        ended: Callable[[], Any],
        lives_on: Callable[[str], bool] = lambda point: True,
    ) -> None:
        self.process, self.upcoming = process, -math.inf
        self._loop, self._line, self._ended, self._lives_on = loop, line, ended, lives_on
        self._greeted = False
        self.exitcode: int | None = None  # negative: the signal that ended it
        loop.followers.append(self)

    @property
    def alive(self) -> bool:
        """Whether it still follows."""
        return self in self._loop.followers

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid or 0

    def work(self, now: float) -> None:
        """Let it work until it is idle, or dead."""
        try:
            if self._greeted:
                self._line.send(now)
            said = self._heard()
            while isinstance(said, str):
                if not self._lives_on(said):
                    self.process.kill()
                    break
                self._line.send(now)
                said = self._heard()
            else:
                self.upcoming, self._greeted = said, True
                return
            self._bury()
        except (EOFError, ConnectionError):
            self._bury()

    def _heard(self) -> float | str:
        if self._line.poll(PATIENCE):
            said: float | str = self._line.recv()
            return said
        os.kill(self.pid, signal.SIGABRT)  # faulthandler says where
        self._bury()
        raise TimeoutError(f"a follower did not come to rest within {PATIENCE:g} s at {self._loop.now()}")

    def kill(self) -> None:
        """SIGKILL, now; a second one changes nothing."""
        if self.alive:
            self.process.kill()
            self._bury()

    def _bury(self) -> None:
        """Wait until the process is gone: then its sockets are closed."""
        self._loop.followers.remove(self)
        self._line.close()
        self.process.join()
        self.exitcode = self.process.exitcode
        self.process.close()
        self._loop.call_soon(self._ended)
