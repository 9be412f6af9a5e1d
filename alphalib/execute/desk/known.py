"""An order of ours, as far as it is known: what was asked, what was answered, and what is in doubt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from alphalib.execute.broker import Report, Side, State, Ticket
from alphalib.execute.journal.journal import Intent, Standing
from alphalib.execute.refs import Ref, Role, parts_of

ANSWER_WITHIN = timedelta(seconds=2)
"""What was sent and not answered for this long is unknown."""
ARRIVES_WITHIN = timedelta(seconds=3)
"""What was sent may still arrive for so long, whatever became of connection and process."""
CENT = 0.005
"""Prices nearer than this are the same order price. [currency]"""


@dataclass
class Known:
    """What is known of one order.

    Parameters
    ----------
    intent : Intent
        As it was decided.
    since : datetime
        When the state became what it is.
    state : State
        What is certain; UNKNOWN until the broker speaks of it.
    shares, stop : float
        As the broker has them; before it spoke, as sent. [shares], [currency]
    reported, executed, conceded : float
        Filled by the broker's word on the order; by executions; and without an execution, but with the position to
        prove it. [shares]
    perm_id : int
        0 before it is known.
    reason : str
        The broker's words.
    answered : bool
        Whether the broker ever spoke of it.
    arrived : bool
        False when it is certain that it never got there.
    asked : datetime, optional
        Since when something that was sent waits for its answer.
    wanted : Ticket, optional
        What a change asked for, until it is answered.
    ending : bool
        Whether we asked for its end.
    changes : int
        Changes in a row that came to nothing.
    excused : bool
        Whether the truth was read since more was reported than executed, so that nothing more is waited for.
    """

    intent: Intent
    since: datetime
    state: State = State.UNKNOWN
    shares: float = 0.0
    stop: float | None = None
    reported: float = 0.0
    executed: float = 0.0
    conceded: float = 0.0
    perm_id: int = 0
    reason: str = ""
    answered: bool = False
    arrived: bool = True
    asked: datetime | None = None
    wanted: Ticket | None = None
    ending: bool = False
    changes: int = 0
    excused: bool = False

    @classmethod
    def of(cls, intent: Intent, standing: Standing | None = None) -> Known:
        """As the journal has it: what was not over is unknown until the broker is asked."""
        ticket = intent.ticket
        if standing is None:
            return cls(intent, intent.at, shares=ticket.shares, stop=ticket.stop)
        return cls(
            intent,
            standing.at,
            state=standing.state if standing.state.over else State.UNKNOWN,
            shares=standing.shares,
            stop=standing.stop,
            reported=standing.filled,
            perm_id=standing.perm_id,
            reason=standing.reason,
            answered=True,
            arrived=standing.arrived,
        )

    @property
    def ref(self) -> str:
        """Its name."""
        return self.intent.ref

    @cached_property
    def parts(self) -> Ref:
        """Its name taken apart."""
        parts = parts_of(self.ref)
        assert parts is not None  # only orders of ours are known in this way
        return parts

    @cached_property
    def role(self) -> Role:
        """What it is for."""
        return self.parts.role

    @property
    def ticker(self) -> str:
        """Whose."""
        return self.intent.ticket.ticker

    @property
    def sign(self) -> int:
        """What a share filled does to the position."""
        return 1 if self.intent.ticket.side is Side.BUY else -1

    @property
    def filled(self) -> float:
        """What counts as filled. [shares]"""
        return max(self.executed, self.conceded)

    @property
    def remaining(self) -> float:
        """What may still fill. [shares]"""
        return 0.0 if self.over else max(self.shares - max(self.filled, self.reported), 0.0)

    @property
    def over(self) -> bool:
        """Whether nothing more fills, for certain."""
        return self.state.over

    @property
    def failed(self) -> bool:
        """Whether it ended before it was done, and not because we asked."""
        return self.over and self.arrived and not self.ending and self.filled < self.shares

    @property
    def behind(self) -> bool:
        """Whether more is reported than executed, and the executions are still waited for."""
        return self.reported > self.filled and not self.excused

    @property
    def waits(self) -> bool:
        """Whether an answer is out, in time or late."""
        return self.asked is not None or self.behind

    def unknown(self, now: datetime) -> bool:
        """Whether only the truth can tell what it is."""
        if self.state is State.UNKNOWN and self.asked is None:
            return True
        if self.asked is not None and now - self.asked >= ANSWER_WITHIN:
            return True
        return self.behind and now - self.since >= ANSWER_WITHIN

    def as_now(self, now: datetime) -> Standing:
        """For the journal."""
        return Standing(
            ref=self.ref,
            state=self.state,
            at=now,
            shares=self.shares,
            filled=max(self.reported, self.filled),
            stop=self.stop,
            perm_id=self.perm_id,
            reason=self.reason,
            arrived=self.arrived,
        )

    def sent(self, now: datetime, *, wanted: Ticket | None = None, ending: bool = False) -> None:
        """Something was handed out to be sent; its answer is waited for."""
        self.asked, self.wanted, self.ending = now, wanted, self.ending or ending

    def lost(self) -> None:
        """The connection is gone: what is not over is unknown."""
        if not self.over:
            self.state, self.asked, self.wanted = State.UNKNOWN, None, None

    def doubted(self, now: datetime) -> None:
        """The broker said something of it that leaves its state open."""
        if not self.over:
            self.state, self.asked, self.since = State.UNKNOWN, None, now

    def told(self, report: Report, now: datetime) -> None:
        """The broker spoke of it; an end is believed at once, a life after the end is asked about."""
        if report.filled > self.reported:
            self.reported, self.since, self.excused = report.filled, now, False
        self._answered(report)
        if self.state is State.FILLED:
            return
        if self.over and report.state not in (State.FILLED, self.state):
            self.state, self.asked, self.since = State.UNKNOWN, None, now
            return
        self._become(report, now)

    def read(self, report: Report, now: datetime) -> None:
        """The truth has it: that is what it is."""
        if report.filled > self.reported:
            self.reported, self.since, self.excused = report.filled, now, False
        self._answered(report)
        self.changes += self.wanted is not None and not self._as_wanted(report)
        self.asked, self.wanted = None, None
        self._become(report, now)

    def gone(self, now: datetime, *, arrived: bool, reason: str) -> None:
        """The truth is complete and does not have it."""
        self.state = State.FILLED if self._done else State.CANCELLED
        self.arrived, self.reason = arrived, reason
        self.asked, self.wanted, self.since = None, None, now

    def refilled(self, executed: float, now: datetime) -> None:
        """Executions of it came or were corrected."""
        if executed != self.executed:
            self.executed, self.since = executed, now
        if self._done:
            self.state, self.asked, self.wanted = State.FILLED, None, None
            self.arrived = True

    def ticket(self, *, shares: int | None = None, stop: float | None = None) -> Ticket:
        """As it is to be from now on."""
        ticket = self.intent.ticket
        return replace(ticket, shares=shares or ticket.shares, stop=stop if stop is not None else self.stop)

    def _answered(self, report: Report) -> None:
        self.perm_id = report.perm_id or self.perm_id
        if report.perm_id or report.state is not State.UNKNOWN:
            self.answered = self.arrived = True

    @property
    def _done(self) -> bool:
        return self.executed >= self.shares > 0

    def _as_wanted(self, report: Report) -> bool:
        wanted = self.wanted
        if wanted is None:
            return True
        near = wanted.stop is None or report.stop is None or abs(wanted.stop - report.stop) < CENT
        return near and report.shares == wanted.shares

    def _become(self, report: Report, now: datetime) -> None:
        if report.state is not self.state:
            self.since = now
        if report.shares > 0:
            self.shares = report.shares
        self.stop = report.stop if report.stop is not None else self.stop
        self.state, self.reason = report.state, report.reason
        if self.state.over or self.state is State.UNKNOWN:
            self.asked, self.wanted = None, None
        elif self.wanted is not None:
            if self._as_wanted(report):
                self.asked, self.wanted, self.changes = None, None, 0
        elif not self.ending:
            self.asked = None
        if self._done:
            self.state, self.asked = State.FILLED, None
