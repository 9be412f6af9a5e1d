"""What is known of one session, and what is to be done next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from alphalib.contracts import OrderBook, PortfolioFile
from alphalib.errors import JournalError
from alphalib.execute.broker import Charge, Event, Fill, Held, Link, Notice, Report, State, Truth
from alphalib.execute.desk.asking import Asking
from alphalib.execute.desk.holdings import Holdings
from alphalib.execute.desk.known import Known
from alphalib.execute.desk.minutes import Minutes
from alphalib.execute.desk.name_steps import Action, Moment, Name, next_steps, to_be_sold
from alphalib.execute.desk.name_view import NameView, doing, worries
from alphalib.execute.desk.names import COVERED, Names
from alphalib.execute.desk.orders import Orders
from alphalib.execute.desk.outgoing import Outgoing
from alphalib.execute.desk.steps import Alert, Cancel, Change, Place, Step
from alphalib.execute.ib.heard import doubtful
from alphalib.execute.journal.journal import FLATTEN, KILLED, Flag, Intent, Journal, Record, Seen, Standing, Told
from alphalib.execute.refs import Role, foreign
from alphalib.execute.tape import Bar, Hours, Tape

NO_ENTRIES = "no entries"
LAST_SALE = timedelta(seconds=5)
"""No order at the market is sent later than this before the close: it would wait for the next opening."""
LOOK_AGAIN = timedelta(seconds=1)
"""While anything is under way."""
WRITE_AGAIN = timedelta(seconds=30)
"""Longest wait for a journal that cannot be written; it doubles from `LOOK_AGAIN`."""


class Desk:
    """One session, level-triggered: told what happens, it says what to do next; killed anywhere, a new one goes on.

    All it knows beyond its arguments comes from the journal and from what it is told. It sends nothing itself, and
    whatever it hands out is in the journal before.

    Parameters
    ----------
    book : OrderBook
        What is to be done in the session.
    journal : Journal
        Open.
    hours : Hours
        Of the session.
    tape : Tape
        Prices, fed by the daemon.
    portfolio : PortfolioFile, optional
        Positions at the close before; None when there were none.
    marks : mapping of str to float
        Last closes, for names the session has not printed yet. [currency]
    """

    def __init__(
        self,
        book: OrderBook,
        journal: Journal,
        *,
        hours: Hours,
        tape: Tape,
        portfolio: PortfolioFile | None = None,
        marks: Mapping[str, float] | None = None,
    ) -> None:
        self._book, self._journal, self._hours, self._tape = book, journal, hours, tape
        self._session = book.date
        self._orders = Orders(journal, self._session)
        self._holdings = Holdings(portfolio.positions if portfolio else (), self._orders, tape, marks or {})
        self._minutes = Minutes(book, hours, journal.bars(self._session))
        self._flags = {(flag.name, flag.ticker): flag for flag in journal.flags(self._session)}
        if portfolio and portfolio.killed:
            self._flags.setdefault((KILLED, ""), Flag(KILLED, hours.opened, "the portfolio's record of the day before"))
        self._names = Names(
            book,
            hours,
            tape,
            orders=self._orders,
            holdings=self._holdings,
            minutes=self._minutes,
            flags=self._flags,
        )
        self._said = {event.text for event in journal.events(self._session) if event.kind == "alert"}
        self._asking = Asking()
        self._truth: Truth | None = None
        self._backlog: list[Record] = []
        self._unwritable, self._refused, self._write_at = "", 0, hours.opened
        self._alerts: list[Alert] = []
        self._stirred, self._busy = set(self.tickers), set[str]()
        self._looked: datetime | None = None
        self._allowed: tuple[bool, tuple[str, ...]] = (False, ())

    # Told

    def connected(self, now: datetime) -> None:
        """A connection was made: what was sent before is unknown until the truth is learned, which is asked for."""
        self._lost()
        self._asking.connected()
        self._tell(now, "link", "connected")

    def heard(self, event: Event, now: datetime) -> None:
        """The broker said something. Ticks are the tape's and change nothing here."""
        match event:
            case Report() if event.ref in self._orders.by_ref:
                self._backlog += self._orders.told(event, now)
                self._stirred.add(event.ticker)
                self._withdrawn(self._orders.by_ref[event.ref], now)
            case Report():
                self._asking.stale = True  # somebody else's, or ours of another life
            case Fill() if foreign(event.ref):
                if self._holdings.strangely_filled(event):
                    self._alert(now, f"somebody else traded: {_trade(event)}", event.ticker)
                self._stirred.add(event.ticker)
            case Fill():
                self._backlog += self._holdings.filled(event, now)
                self._stirred.add(event.ticker)
            case Charge():
                self._backlog.append(event)
            case Held():
                self._asking.stale |= event.shares != self._holdings.at_broker(event.ticker)  # somebody else traded
            case Notice():
                self._noticed(event, now)
            case Link():
                self._tell(now, "link", str(event))
                self._asking.linked(event)
                if event is Link.LOST:
                    self._lost()

    def learned(self, truth: Truth, *, began: datetime, now: datetime) -> None:
        """The truth was read; orders sent since `began`, when the reading began, are not judged by it."""
        said, records = self._orders.learn(truth, began=began, now=now, tickers=self.tickers)
        self._backlog += [*records, *truth.charges]
        self._truth = truth
        for order in said.foreign:
            what = f"{order.side} {order.shares:g} {order.ticker} {order.kind}, ref {order.ref!r}"
            self._alert(now, f"an order that is not ours: {what}; it is left alone", order.ticker)
        for row in said.strangers:
            self._alert(now, f"{row.shares:g} {row.ticker} are held that are not ours; they are left alone", row.ticker)
        for intent in said.found:
            self._alert(now, f"{intent.ref} was at the broker and in no journal; it is ours now", intent.ticket.ticker)
        for ticker, news in self._holdings.learned(truth, self.tickers):
            self._alert(now, news, ticker)
        unsure = bool(self._holdings.suspected) or any(o.unknown(now) for o in self._orders.by_ref.values())
        self._asking.learned(began, now, complete=not truth.missing, unsure=unsure)
        self._stirred |= set(self.tickers)

    def unanswered(self, now: datetime) -> None:
        """The truth was asked for and could not be read; it is asked for again, later each time."""
        self._asking.unanswered(now)

    def minute(self, bars: Mapping[str, Bar], now: datetime) -> None:
        """A minute is over: its bars by ticker, from `tape.minute`."""
        self._backlog += [Seen(self._session, ticker, *bar) for ticker, bar in bars.items()]
        self._minutes.see(bars)
        for ticker in self.tickers:
            for flag in self._names.fired(ticker, now):
                self._raise(flag)
        self._watch_loss(now)
        self._stirred |= set(self.tickers)

    def remark(self, text: str, now: datetime) -> None:
        """Something that a person must know of the session."""
        self._alert(now, text)

    def kill(self, now: datetime, *, by: str, flatten: bool = False) -> None:
        """No entries from here on, not in later sessions either; with `flatten` everything of ours is sold."""
        for name in (KILLED, *([FLATTEN] if flatten else [])):
            self._raise(Flag(name, now, by))
        self._tell(now, "kill", f"kill switch, by {by}{': everything is to be sold' if flatten else ''}")
        self._write((), now)
        self._stirred |= set(self.tickers)

    # Asked

    def steps(self, now: datetime) -> list[Step]:
        """What to do next, in this order; each is handed out once. To be asked after every event and at `wakes`."""
        self._looked = now
        moment, questions = self._moment(now), list[str]()
        forbidden = self.no_entries
        if (moment.open, forbidden) != self._allowed:
            self._stirred, self._allowed = set(self.tickers), (moment.open, forbidden)
        looked, self._stirred, self._busy = self._stirred | self._busy, set(), set()
        outgoing = Outgoing(self._session, now, orders=self._orders, holdings=self._holdings, tape=self._tape)
        for ticker in self._by_turn(looked):
            name = self._names.name(ticker, now, forbidden=forbidden, spoken_for=outgoing.cash)
            if to_be_sold(name):  # names with entries come after it: they would fill the line before its sale
                forbidden = forbidden or ("what is to be sold comes first",)
                self._stirred |= looked
            following = next_steps(name, moment)
            if name.begun:
                self._raise(Flag(COVERED, now, ticker=ticker, session=self._session))
            for worry in worries(name):
                self._alert(now, worry, ticker)
            taken = [self._taken(outgoing, action, name, now) for action in following.actions]
            if not all(taken):
                forbidden = self.no_entries
            questions += [following.ask] if following.ask else []
            if following.ask or following.later or any(taken):
                self._busy.add(ticker)
        steps: list[Step] = [*self._committed(outgoing, now)]
        if ask := self._asking.question("; ".join(questions), now):
            steps.append(ask)
        steps += self._alerts
        self._alerts = []
        return steps

    def wakes(self) -> datetime | None:
        """When to ask again though nothing happens: a time-out or a back-off ends."""
        if self._looked is None:
            return None
        if self._unwritable:
            return max(self._write_at, self._looked + LOOK_AGAIN)
        if self._busy:
            return self._looked + LOOK_AGAIN
        return self._asking.wakes(self._looked)

    @property
    def tickers(self) -> tuple[str, ...]:
        """Names of the session, whose prices are needed."""
        return self._names.tickers

    @property
    def no_entries(self) -> tuple[str, ...]:
        """Why nothing is bought at present, one sentence a reason."""
        killed, ended = self._flags.get((KILLED, "")), self._flags.get((NO_ENTRIES, ""))
        missing = self._truth.missing if self._truth else ()
        reasons = (
            *(note for note in self._book.notes if note.startswith("no entries")),
            f"the kill switch is on, by {killed.value}" if killed else "",
            ended.value if ended else "",
            "" if self._asking.up else "the gateway is not connected, or cut off",
            "" if self._asking.read else "the account was not read on this connection yet",
            f"the account could not be read wholly: {', '.join(missing)}" if missing else "",
            self._unwritable,
        )
        return tuple(filter(None, reasons))

    @property
    def nav(self) -> float:
        """Cash and positions at the last prices; NaN before the first truth. [currency]"""
        return self._holdings.nav

    @property
    def settled(self) -> bool:
        """Whether nothing is unknown, under way or unwritten: at the close, what the statement waits for."""
        orders = self._orders.by_ref.values()
        under_way = any(order.waits or not (order.over or order.role is Role.STOP) for order in orders)
        unknown = self._looked is not None and any(order.unknown(self._looked) for order in orders)
        unwritten = self._backlog and not (self._looked is not None and self._may_wait(self._looked))
        open_questions = self._holdings.suspected or unwritten or not self._asking.complete
        return not (under_way or unknown or open_questions)

    def names(self) -> list[NameView]:
        """Every name of the session by ticker."""
        return [self._view(ticker) for ticker in self.tickers]

    # What may be sent

    def _moment(self, now: datetime) -> Moment:
        """What holds for all names."""
        paper = self._truth is not None and self._truth.account.startswith("D")
        ready = self._asking.up and self._asking.read is not None and paper
        return Moment(
            now,
            open=ready and self._hours.open_at(now),
            early=ready and now < self._hours.opened,
            market=now < self._hours.closed - LAST_SALE,
            read=self._asking.read,
        )

    def _by_turn(self, looked: Iterable[str]) -> list[str]:
        """Names in the order in which they are asked: first all but the entries, then those as the book has them."""
        turn = {ticker: number for number, ticker in enumerate(self._names.entries, start=1)}
        return sorted(looked, key=lambda ticker: (turn.get(ticker, 0), ticker))

    def _taken(self, outgoing: Outgoing, action: Action, name: Name, now: datetime) -> bool:
        """Add an action to what goes out; a ceiling that it meets ends the session's entries. Whether it is to be
        looked at again.
        """
        broken = outgoing.add(action, name)
        if broken:
            self._raise(Flag(NO_ENTRIES, now, f"a ceiling was met: {broken}", session=self._session))
            self._alert(now, f"a ceiling was met, nothing is bought any more today: {broken}", name.ticker)
        return not broken

    def _committed(self, outgoing: Outgoing, now: datetime) -> list[Action]:
        """Actions that are in the journal now; when it cannot be written, only those that need no record."""
        records = outgoing.records(self._names.entries, self._names.exits)
        actions = outgoing.in_turn()
        if not self._write(records, now):
            return [action for action in actions if isinstance(action, Cancel) and self._is_entry(action.ref)]
        for record in records:
            if isinstance(record, Intent):
                self._orders.add(Known.of(record))
        for action in actions:
            self._sent(action, now)
        return actions

    def _sent(self, action: Action, now: datetime) -> None:
        """An action is handed out: its answer is waited for."""
        if isinstance(action, Place):
            for ticket in action.tickets:
                self._orders.by_ref[ticket.ref].sent(now)
        elif isinstance(action, Change):
            self._orders.by_ref[action.ticket.ref].sent(now, wanted=action.ticket)
        else:
            self._orders.by_ref[action.ref].sent(now, ending=True)

    def _is_entry(self, ref: str) -> bool:
        return self._orders.by_ref[ref].role is Role.ENTRY

    # What happens besides orders

    def _noticed(self, notice: Notice, now: datetime) -> None:
        self._tell(now, "notice", f"{notice.code}: {notice.text}", ticker=notice.ticker, ref=notice.ref)
        order = self._orders.by_ref.get(notice.ref)
        if order is not None and doubtful(notice.code):
            order.doubted(now)
            self._stirred.add(order.ticker)

    def _withdrawn(self, order: Known, now: datetime) -> None:
        """Somebody else may have cancelled a stop; the close and the end of an unfilled entry do so too."""
        parent = self._orders.by_ref.get(order.intent.ticket.parent)
        withdrawn = order.role is Role.STOP and order.failed and order.state is State.CANCELLED
        if withdrawn and self._hours.open_at(now) and (parent is None or parent.filled > 0):
            self._alert(now, f"{order.ref} was cancelled, and not by us", order.ticker)

    def _lost(self) -> None:
        """Nothing is certain of what was not over."""
        self._orders.lost()
        self._stirred |= set(self.tickers)

    def _watch_loss(self, now: datetime) -> None:
        """No entries for the rest of the session once it has lost too much, what is not sold counted."""
        limit = self._minutes.numbers.daily_loss_limit
        change = self.nav / self._book.nav - 1.0
        if change <= -limit and (NO_ENTRIES, "") not in self._flags:
            words = f"the session has lost {-change:.2%} of NAV, the limit is {limit:.2%}"
            self._raise(Flag(NO_ENTRIES, now, words, session=self._session))
            self._alert(now, f"nothing is bought any more today: {words}")

    # What is written

    def _raise(self, flag: Flag) -> None:
        if (flag.name, flag.ticker) not in self._flags:
            self._flags[flag.name, flag.ticker] = flag
            self._backlog.append(flag)

    def _tell(self, now: datetime, kind: str, text: str, *, ticker: str = "", ref: str = "") -> None:
        self._backlog.append(Told(self._session, now, kind, text, ticker, ref))

    def _alert(self, now: datetime, text: str, ticker: str = "") -> None:
        """Tell a person, once a session."""
        if text not in self._said:
            self._said.add(text)
            self._alerts.append(Alert(text, ticker))
            self._tell(now, "alert", text, ticker=ticker)

    def _may_wait(self, now: datetime) -> bool:
        """Whether what was heard need not be written yet."""
        return self._hours.open_at(now) and all(isinstance(record, Standing) for record in self._backlog)

    def _write(self, records: Sequence[Record], now: datetime) -> bool:
        """Write what was heard, and these records with it; when that fails, what was heard is kept until it works.

        While the exchange is open, what is known of orders waits for company: a start asks the broker anew.
        """
        if self._may_wait(now) and not records and not self._unwritable:
            return True
        if self._unwritable and now < self._write_at:
            return False
        try:
            what = "intents" if records else "heard"
            self._journal.write([*self._backlog, *records], session=self._session, what=what)
        except JournalError as error:
            self._unwritable, self._refused = str(error), self._refused + 1
            self._write_at = now + min(LOOK_AGAIN * (1 << min(self._refused, 5)), WRITE_AGAIN)
            self._alert(now, self._unwritable)
            return False
        self._backlog, self._unwritable, self._refused = [], "", 0
        return True

    # What is shown

    def _view(self, ticker: str) -> NameView:
        now = self._looked or self._hours.opened
        name = self._names.name(ticker, now, forbidden=self.no_entries)
        stops = name.stops
        return NameView(
            ticker=ticker,
            held=self._holdings.ours(ticker),
            at_broker=self._holdings.at_broker(ticker),
            cost=self._holdings.cost(ticker) if self._holdings.ours(ticker) else math.nan,
            stop=max((stop.stop or math.nan for stop in stops), default=math.nan),
            covered=int(sum(stop.remaining for stop in stops)),
            doing=doing(name, now),
            waiting=self._waiting(ticker, now),
        )

    def _waiting(self, ticker: str, now: datetime) -> str:
        why = self._names.why_not(ticker, now, self.no_entries)
        if why == "sent":
            return ""
        waits = self._names.trigger(ticker, now) or self._names.waits_for(ticker) or "its first minute"
        return f"{waits}{f'; {why}' if why else ''}"


def _trade(fill: Fill) -> str:
    return f"{fill.side} {fill.shares:g} {fill.ticker} at {fill.price:.2f}, ref {fill.ref!r}"
