"""Whether there is a connection, and when the truth is to be read over it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alphalib.execute.broker import Link
from alphalib.execute.desk.steps import Ask

BACK_OFF = tuple(timedelta(seconds=s) for s in (0, 1, 2, 5, 10, 30, 60))
"""Between two readings, the longer the more of them left something open."""
ANSWERED_WITHIN = timedelta(seconds=60)
"""A reading of which nothing was heard for this long is asked for again."""
ROUTINE = timedelta(minutes=5)
"""Positions are read anew this often, for somebody else may have traded."""


@dataclass
class Asking:
    """The state of the line to the truth.

    Parameters
    ----------
    up : bool
        Whether orders can go out.
    there : bool
        Whether there is a connection, cut off or not.
    complete : bool
        Whether the last reading of this connection lacked nothing.
    read : datetime, optional
        When the last reading of this connection began.
    stale : bool
        Whether something happened since that only a new reading can tell.
    """

    up: bool = False
    there: bool = False
    complete: bool = False
    read: datetime | None = None
    stale: bool = True
    _asked: datetime | None = None
    _not_before: datetime | None = None
    _tries: int = 0

    def connected(self) -> None:
        """There is a new connection."""
        self.lost()
        self.up = self.there = True

    def lost(self) -> None:
        """There is none."""
        self.up = self.there = self.complete = False
        self.read, self.stale = None, True
        self._asked = self._not_before = None

    def linked(self, link: Link) -> None:
        """The gateway's own connection to the exchange came or went."""
        if link is Link.LOST:
            self.lost()
        else:
            self.up = link is not Link.CUT_OFF and self.there
            self.read = None

    def learned(self, began: datetime, now: datetime, *, complete: bool, unsure: bool) -> None:
        """A reading came to an end."""
        self.read, self.complete, self.stale = began, complete, False
        self._asked = None
        self._tries = 0 if complete and not unsure else self._tries + 1
        self._wait(now)

    def unanswered(self, now: datetime) -> None:
        """A reading failed."""
        self._asked = None
        self._tries += 1
        self._wait(now)

    def question(self, why: str, now: datetime) -> Ask | None:
        """The reading to ask for now; None while one is under way, or it is too early for the next."""
        why = why or self._reason(now)
        if not why or not self.up:
            return None
        if self._asked is not None and now - self._asked < ANSWERED_WITHIN:
            return None
        if self._not_before is not None and now < self._not_before:
            return None
        self._asked = now
        return Ask(why)

    def wakes(self, now: datetime) -> datetime | None:
        """When a reading is due though nothing happens."""
        if not self.up:
            return None
        if self._asked is not None:
            return self._asked + ANSWERED_WITHIN
        if self.read is None or self.stale or not self.complete:
            return max(self._not_before or now, now + BACK_OFF[1])
        return max(self.read + ROUTINE, now + BACK_OFF[1])

    def _reason(self, now: datetime) -> str:
        if self.read is None:
            return "nothing is known since the connection was made, or came back"
        if self.stale:
            return "something happened that only the broker knows"
        if not self.complete:
            return "the last reading was incomplete"
        return "routine" if now - self.read >= ROUTINE else ""

    def _wait(self, now: datetime) -> None:
        self._not_before = now + BACK_OFF[min(self._tries, len(BACK_OFF) - 1)]
