"""The traffic of a session: what is heard goes to tape and desk, what the desk wants goes to the broker."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from alphalib.clock import SessionLoop
from alphalib.contracts import OrderBook
from alphalib.errors import BrokerError
from alphalib.execute.broker import Broker, Charge, Event, Fill, Held, Link, Notice, Report, Tick, Truth
from alphalib.execute.daemon.closing import BENCHMARK, statement
from alphalib.execute.daemon.line import UP, Connected, Failure, Learned, Line, News, Trouble, Unanswered
from alphalib.execute.daemon.notify import Notifier
from alphalib.execute.daemon.screen import EntryRow, PositionRow, Show, View, nothing
from alphalib.execute.desk.desk import Desk
from alphalib.execute.desk.steps import Alert, Ask, Cancel, Change, Place, Step
from alphalib.execute.journal.journal import Journal, Statement
from alphalib.execute.tape import NEW_YORK, Hours, Tape

SETTLING = timedelta(seconds=10)
"""For the last fills after the close, before the account is read."""
GIVING_UP = timedelta(minutes=30)
"""After the close without a statement: a gateway that is gone by then is a person's affair."""
AGAIN = timedelta(seconds=5)
"""Until an account that could not be read is read again."""
LINES = 8  # of the log on the screen
ROUTINE = "routine"  # why the desk reads the truth when nothing happened

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Over:
    """A minute of the session is over."""

    minute: int


@dataclass(frozen=True)
class Killed:
    """Somebody pulled the kill switch."""

    by: str
    flatten: bool


@dataclass(frozen=True)
class Listed:
    """The session as the broker has it: when it closes."""

    closed: datetime


class ShorterError(Exception):
    """The broker has another close than the calendar: the session begins anew with the earlier one."""

    def __init__(self, hours: Hours, why: str) -> None:
        super().__init__(why)
        self.hours, self.why = hours, why


@dataclass(frozen=True)
class Wake:
    """A time has come that something waits for."""


Item: TypeAlias = Event | News | Over | Killed | Listed | Wake


@dataclass(eq=False)
class Trading:
    """One session between a broker and a desk.

    Parameters
    ----------
    broker, line : Broker, Line
        The connection, and what keeps it.
    desk, tape, journal : Desk, Tape, Journal
        Of the session.
    book, hours : OrderBook, Hours
        What is traded, and when.
    loop : SessionLoop
        Whose time it is.
    inbox : Queue
        Everything that happens, in its order.
    notifier, show : Notifier, Show
        Who is told.
    until_flat : bool
        Leave as soon as nothing of ours is held.
    """

    broker: Broker
    line: Line
    desk: Desk
    tape: Tape
    journal: Journal
    book: OrderBook
    hours: Hours
    loop: SessionLoop
    inbox: asyncio.Queue[Item]
    notifier: Notifier
    show: Show
    until_flat: bool = False

    def __post_init__(self) -> None:
        self._said: deque[str] = deque(maxlen=LINES)
        self._account, self._cash = "", math.nan
        self._sent = self._fills = 0
        self._lost = False
        self._watched: frozenset[str] = frozenset()
        self._learned: Learned | None = None
        self._reports: dict[str, tuple[object, ...]] = {}  # what was said of an order last
        self._final: datetime | None = None  # since when the last truth of the session is asked for
        self._not_before = self.loop.now()
        self._stated: Statement | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._deadline = max(self.hours.closed, self.loop.now()) + GIVING_UP

    async def until_stated(self) -> Statement | None:
        """Take what comes until the account at the close is written down, or nothing is held."""
        now = self.loop.now()
        ends = [
            self.loop.call_later(_seconds(now, then), self.inbox.put_nowait, Wake())
            for then in (self.hours.closed + SETTLING, self._deadline)
        ]
        try:
            while self._stated is None and not (self.until_flat and self._flat()):
                items = [await self.inbox.get()]
                while not self.inbox.empty():
                    items.append(self.inbox.get_nowait())
                now = self.loop.now()
                for item in items:
                    self._take(item, now)
                if any(not isinstance(item, Tick) for item in items):
                    self._act(now)  # what was learned is in the journal then
                    self._end(now)
            return self._stated
        finally:
            for timer in filter(None, (*ends, self._alarm)):
                timer.cancel()

    # What happens

    def _take(self, item: Item, now: datetime) -> None:
        match item:
            case Tick():
                self.tape.take(item)
            case Over(minute):
                self.desk.minute(self.tape.minute(minute), now)
            case Connected(attempts):
                self._say(now, f"connected{f' after {attempts} attempts' if attempts > 1 else ''}")
                if self._lost:
                    self.notifier.tell(f"connected again after {attempts} attempt{'s' * (attempts > 1)}")
                self._lost = False
                self.tape.gap(now)
                self._watch(anew=True)
                self.desk.connected(now)
            case Trouble(why):
                self._say(now, f"{why}; connecting again", level=logging.WARNING)
                self.notifier.tell(f"{why}; connecting again, stops rest at the broker")
                self._lost = True
                self.desk.heard(Link.LOST, now)
            case Learned(truth, began):
                self._account, self._cash = truth.account, truth.cash
                if truth.missing:
                    self._say(now, f"incomplete: {', '.join(truth.missing)} never came", level=logging.WARNING)
                self.desk.learned(truth, began=began, now=now)
                self._learned = item
            case Unanswered(why):
                self._say(now, f"the truth could not be read: {why}", level=logging.WARNING)
                self.desk.unanswered(now)
                self._later(now)
            case Killed(by, flatten):
                self._say(now, f"kill switch, {by}{': everything is sold' if flatten else ''}", level=logging.WARNING)
                self.desk.kill(now, by=by, flatten=flatten)
            case Listed(closed):
                self._compare(closed, now)
            case Failure(error):
                raise error
            case Wake():
                pass
            case _:
                self._hear(item, now)

    def _compare(self, closed: datetime, now: datetime) -> None:
        """The earlier close counts."""
        if closed == self.hours.closed:
            return
        said, known = (f"{at.astimezone(NEW_YORK):%H:%M}" for at in (closed, self.hours.closed))
        why = f"the broker closes at {said}, the calendar of the exchange at {known}: the earlier one counts"
        if closed < self.hours.closed:
            raise ShorterError(self.hours.until(closed), why)
        self.desk.remark(why, now)

    def _hear(self, event: Event, now: datetime) -> None:
        """The broker said something about an order or about itself."""
        match event:
            case Link.LOST:
                self.line.lost()
            case Link.RESTORED_WITHOUT_DATA:
                self.tape.gap(now)
                self._watch(anew=True)
        if isinstance(event, Fill):
            self._fills += 1
            self.notifier.tell(_words(event))
        again = isinstance(event, Report) and self._reports.get(event.ref) == (event.state, event.stop, event.filled)
        if isinstance(event, Report):
            self._reports[event.ref] = (event.state, event.stop, event.filled)
        self._say(now, _words(event), level=logging.DEBUG if again else logging.INFO)
        self.desk.heard(event, now)

    # What is done about it

    def _act(self, now: datetime) -> None:
        """Do all that the desk wants done now, and be woken when it wants to be asked again."""
        steps = self.desk.steps(now)
        for step in steps:
            self._do(step, now)
        self._watch()
        if self._alarm is not None:
            self._alarm.cancel()
        wakes = self.desk.wakes()
        self._alarm = (
            None if wakes is None else self.loop.call_later(_seconds(now, wakes), self.inbox.put_nowait, Wake())
        )
        if self.show is not nothing:
            self.show(self._view(now))

    def _do(self, step: Step, now: datetime) -> None:
        try:
            match step:
                case Place(tickets, why):
                    self._sent += len(tickets)
                    self._say(now, f"{'; '.join(map(_order, tickets))}: {why}")
                    self.broker.place(*tickets)
                case Change(ticket, why):
                    self._say(now, f"change to {_order(ticket)}: {why}")
                    self.broker.change(ticket)
                case Cancel(ref, _, why):
                    self._say(now, f"cancel {ref}: {why}")
                    self.broker.cancel(ref)
                case Ask(why):
                    self._say(now, f"reading the truth: {why}", level=logging.DEBUG if why == ROUTINE else logging.INFO)
                    self.line.ask()
                case Alert(text):
                    self._say(now, text, level=logging.WARNING)
                    self.notifier.tell(text)
        except BrokerError as error:  # it is in the journal, and in doubt: the truth of a new connection will tell
            self._say(now, f"not sent: {error}", level=logging.WARNING)
            self.line.lost()
            self.desk.heard(Link.LOST, now)

    def _watch(self, *, anew: bool = False) -> None:
        wanted = frozenset({*self.desk.tickers, BENCHMARK})
        if self.broker.connected and (anew or wanted != self._watched):
            self.broker.watch(sorted(wanted))
            self._watched = wanted

    # How it ends

    def _end(self, now: datetime) -> None:
        """After the close: read the truth once nothing is under way, and state the account; late, as it then is."""
        if now < self.hours.closed + SETTLING:
            return
        late = now >= self._deadline
        if late and not self.broker.connected:
            raise BrokerError(
                f"the session of {self.book.date} is over and the account could not be read: {self.line.state}; "
                "start the gateway and run the same command again"
            )
        last = self._learned
        if self._final is not None and last is not None and last.began >= self._final:
            if late or (self.desk.settled and not last.truth.missing):
                self._state(last.truth, now)
                return
            self._later(now)
        if self._final is None and now >= self._not_before and self.line.state == UP and (late or self.desk.settled):
            self._final = now
            self.line.ask()

    def _state(self, truth: Truth, now: datetime) -> None:
        bars = self.journal.bars(self.book.date)
        self._stated = statement(truth, self.tape, bars, session=self.book.date)
        self.journal.state(self._stated)
        self._say(now, f"stated: NAV {truth.nav:,.2f}, cash {truth.cash:,.2f}")
        self.notifier.tell(f"{self.book.date} is over: NAV {truth.nav:,.2f} ({truth.nav / self.book.nav - 1.0:+.2%})")

    def _later(self, now: datetime) -> None:
        """The last truth is asked for again, in a while."""
        if self._final is not None:
            self._final, self._not_before = None, now + AGAIN
            self.loop.call_later(AGAIN.total_seconds(), self.inbox.put_nowait, Wake())

    def _flat(self) -> bool:
        """Whether it is certain that nothing of ours is held."""
        return bool(self._account) and self.desk.settled and not any(name.held for name in self.desk.names())

    # What is told of it

    def _say(self, now: datetime, text: str, *, level: int = logging.INFO) -> None:
        line = f"{now.astimezone(NEW_YORK):%H:%M:%S} {text}"
        if level > logging.DEBUG:
            self._said.append(line)
        log.log(level, "%s", line)

    def _view(self, now: datetime) -> View:
        names = self.desk.names()
        marks = self.tape.marks([name.ticker for name in names], now)
        planned = {entry.ticker: entry for entry in self.book.approved_entries}
        return View(
            at=now,
            account=self._account,
            link=self.line.state,
            nav=self.desk.nav,
            change=self.desk.nav / self.book.nav - 1.0,
            cash=self._cash,
            holding_back=self.desk.no_entries,
            positions=tuple(
                PositionRow(
                    name.ticker,
                    name.held,
                    name.cost,
                    self.tape.last(name.ticker),
                    None if math.isnan(name.stop) else name.stop,
                    "; ".join(filter(None, (name.doing, marks.get(name.ticker, "")))),
                )
                for name in names
                if name.held
            ),
            entries=tuple(
                EntryRow(
                    name.ticker,
                    planned[name.ticker].shares,
                    self.tape.last(name.ticker),
                    "; ".join(filter(None, (name.waiting, name.doing, marks.get(name.ticker, "")))),
                )
                for name in names
                if name.ticker in planned and not name.held
            ),
            sent=self._sent,
            filled=self._fills,
            said=tuple(self._said),
        )


def _order(ticket: object) -> str:
    side, shares, ticker, kind, stop, ref = (
        getattr(ticket, name) for name in ("side", "shares", "ticker", "kind", "stop", "ref")
    )
    return f"{ref} {side} {shares} {ticker} {kind}{'' if stop is None else f' {stop:.2f}'}"


def _words(event: Event) -> str:
    match event:
        case Report():
            reason = f" ({event.reason})" if event.reason else ""
            stop = "" if event.stop is None else f" at {event.stop:.2f}"
            return (
                f"{event.ref or 'an order without our name'} {event.side} {event.shares:g} {event.ticker} "
                f"{event.kind}{stop} {event.state}, {event.filled:g} filled, perm {event.perm_id}{reason}"
            )
        case Fill():
            return (
                f"filled {event.ref} {event.side} {event.shares:g} {event.ticker} at {event.price:.4f}, {event.exec_id}"
            )
        case Charge():
            return f"commission {event.commission:.2f} of {event.exec_id}"
        case Held():
            return f"{event.shares:g} {event.ticker} are held"
        case Notice():
            about = event.ref or event.ticker
            return f"broker {event.code}{f' on {about}' if about else ''}: {event.text}"
        case Link():
            return f"link {event}"
        case Tick():
            return f"{event.ticker} {event.price}"


def _seconds(now: datetime, then: datetime) -> float:
    return max(0.0, (then - now).total_seconds())
