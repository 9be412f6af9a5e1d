"""What is known of one session, and what is to be done next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alphalib.contracts import OrderBook, PortfolioFile
from alphalib.errors import JournalError
from alphalib.execute.asking import Asking
from alphalib.execute.broker import Charge, Event, Fill, Held, Link, Notice, Report, Side, State, Ticket, Truth
from alphalib.execute.ceilings import ENTRIES_A_MINUTE, Traffic, breach
from alphalib.execute.heard import doubtful
from alphalib.execute.holdings import Holdings
from alphalib.execute.journal import FLATTEN, KILLED, Amendment, Flag, Intent, Journal, Record, Told
from alphalib.execute.known import Known
from alphalib.execute.minutes import Bought, Minutes
from alphalib.execute.name_steps import Action, Moment, Name, Purchase, gave_up, next_steps, unprotected
from alphalib.execute.orders import Orders
from alphalib.execute.refs import Role, foreign
from alphalib.execute.steps import Alert, Cancel, Change, Place, Step
from alphalib.execute.tape import Bar, Hours, Tape

NO_ENTRIES, COLLAPSE, PROFIT = "no entries", "collapse", "intraday_profit"
CUSHION = 0.01
"""More than the last price that a purchase is counted with: it fills at the next one. [fraction]"""
LAST_ENTRY = timedelta(seconds=55)
"""Nothing is bought later than this before the close."""
LAST_SALE = timedelta(seconds=5)
"""No order at the market is sent later than this before the close: it would wait for the next opening."""
LOOK_AGAIN = timedelta(seconds=1)
"""While anything is under way."""


@dataclass(frozen=True)
class NameView:
    """A name as it stands, for the screen and for tests.

    Parameters
    ----------
    ticker : str
        Which.
    held : int
        Ours by the journal, the session's fills in it. [shares]
    at_broker : float
        As the broker has it by its last truth and the fills since. [shares]
    cost : float
        Average, NaN when nothing is held. [currency]
    stop : float
        Of the working stop, NaN for none. [currency]
    covered : int
        Shares that working stops would sell. [shares]
    doing : str
        What is under way, such as `entry working`, `exit: collapse`, `unknown`; empty when nothing is.
    waiting : str
        For an entry that has not acted: its trigger, or why it will not.
    """

    ticker: str
    held: int
    at_broker: float
    cost: float
    stop: float
    covered: int
    doing: str
    waiting: str


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
        self._entries = {entry.ticker: entry for entry in book.approved_entries}
        self._exits = {row.ticker: row for row in book.urgent_exits}
        self._planned = {*self._entries, *self._exits, *(row.ticker for row in book.active_stops), *self._holdings.base}
        self._said = {event.text for event in journal.events(self._session) if event.kind == "alert"}
        self._asking = Asking()
        self._truth: Truth | None = None
        self._backlog: list[Record] = []
        self._unwritable = ""
        self._alerts: list[Alert] = []
        self._stirred, self._busy = set(self.tickers), set[str]()
        self._looked: datetime | None = None

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
        try:
            self._journal.minutes(self._session, bars)
        except JournalError as error:  # after a restart it will be missing, as the minutes of an absence are
            self._cannot_write(error, now)
        self._minutes.see(bars)
        for ticker in self.tickers:
            self._guard(ticker, now)
        self._watch_loss(now)
        self._stirred |= set(self.tickers)

    def kill(self, now: datetime, *, by: str, flatten: bool = False) -> None:
        """No entries from here on, not in later sessions either; with `flatten` everything of ours is sold."""
        for name in (KILLED, *([FLATTEN] if flatten else [])):
            self._raise(Flag(name, now, by))
        self._tell(now, "kill", f"kill switch, by {by}{': everything is to be sold' if flatten else ''}")
        self._flush(now)
        self._stirred |= set(self.tickers)

    # Asked

    def steps(self, now: datetime) -> list[Step]:
        """What to do next, in this order; each is handed out once. To be asked after every event and at `wakes`."""
        self._looked = now
        self._flush(now)
        looked, self._stirred, self._busy = self._stirred | self._busy, set(), set()
        moment, questions = self._moment(now), list[str]()
        actions: list[tuple[Action, Purchase | None]] = []
        for ticker in self._by_turn(looked):
            name = self._name(ticker, now, [action for action, _ in actions])
            following = next_steps(name, moment)
            for worry in self._worries(name):
                self._alert(now, worry, ticker)
            if name.purchase is not None and not name.purchase.shares:
                self._alert(now, f"{ticker}: an entry is due and there is no cash for it", ticker)
            questions += [following.ask] if following.ask else []
            actions += [
                (action, name.purchase)
                for action in following.actions
                if self._permitted(action, name, [action for action, _ in actions], now)
            ]
            if following.ask or following.actions or following.later:
                self._busy.add(ticker)
        steps: list[Step] = [*self._committed(actions, now)]
        if ask := self._asking.question("; ".join(questions), now):
            steps.append(ask)
        self._flush(now)
        steps += self._alerts
        self._alerts = []
        return steps

    def wakes(self) -> datetime | None:
        """When to ask again though nothing happens: a time-out or a back-off ends."""
        if self._looked is None:
            return None
        if self._busy or self._unwritable:
            return self._looked + LOOK_AGAIN
        return self._asking.wakes(self._looked)

    @property
    def tickers(self) -> tuple[str, ...]:
        """Names of the session, whose prices are needed."""
        return tuple(sorted(self._planned | self._orders.tickers))

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
        open_questions = self._holdings.suspected or self._backlog or not self._asking.complete
        return not (under_way or unknown or open_questions)

    def names(self) -> list[NameView]:
        """Every name of the session by ticker."""
        return [self._view(ticker) for ticker in self.tickers]

    # What is known of one name

    def _name(self, ticker: str, now: datetime, before: Iterable[Action]) -> Name:
        orders, held = self._orders.of(ticker), self._holdings.traded(ticker)
        reduce, part = self._reduction(ticker)
        return Name(
            ticker=ticker,
            session=self._session,
            orders=orders,
            held=held,
            level=self._level(ticker),
            sell=self._sale(ticker, held),
            reduce=reduce,
            part=part,
            purchase=self._purchase(ticker, now, before),
            no_entry=(KILLED, "") in self._flags or now >= self._hours.closed,
            doubt=f"what is held of {ticker}" if ticker in self._holdings.suspected else "",
        )

    def _sale(self, ticker: str, held: int) -> str:
        """Rule by which all of a name is sold; empty for none."""
        if (FLATTEN, "") in self._flags:
            return FLATTEN
        row = self._exits.get(ticker)
        if row is not None and row.signal == "EXIT":
            return row.reason
        if (COLLAPSE, ticker) in self._flags:
            return COLLAPSE
        return "unprotected" if held > 0 and unprotected(self._orders.of(ticker)) else ""

    def _reduction(self, ticker: str) -> tuple[str, int]:
        """Rule by which a part is sold, and how much of it is left; the order book's comes first. [shares]"""
        row, flag = self._exits.get(ticker), self._flags.get((PROFIT, ticker))
        planned = row.shares if row is not None and row.signal == "REDUCE" else 0
        sold, taken = self._orders.sold(ticker, Role.REDUCE), int(flag.value) if flag else 0
        if row is not None and sold < planned:
            return row.reason, planned - sold
        return (PROFIT, planned + taken - sold) if sold < planned + taken else ("", 0)

    def _bought(self, ticker: str) -> Bought | None:
        fills = self._orders.bought(ticker)
        stops = [order.intent.ticket for order in self._orders.of(ticker) if order.intent.ticket.parent]
        if not fills or not stops:
            return None
        minute = self._hours.minute(fills[0].at)
        mine = [ticket.stop for ticket in stops if ticket.parent == fills[0].ref]
        return Bought(self._holdings.cost(ticker), mine[0] if mine and mine[0] else 0.0, minute)

    def _level(self, ticker: str) -> float:
        watch = self._minutes.held(ticker, self._bought(ticker))
        if watch is not None:
            return watch.guard.stop
        return self._minutes.fallback(self._holdings.cost(ticker))

    def _purchase(self, ticker: str, now: datetime, before: Iterable[Action]) -> Purchase | None:
        """An entry that is due now, and may be sent, for as many shares as there is cash for."""
        entry, minute = self._entries.get(ticker), self._hours.minute(now)
        if entry is None or self._why_not(ticker, now):
            return None
        trigger = self._minutes.trigger(ticker, minute)
        if not trigger:
            return None
        price = self._tape.price(ticker, now)
        shares = max(min(entry.shares, math.floor(self._free_cash(before) / (price * (1.0 + CUSHION)))), 0)
        fired = self._minutes.fired_at(ticker)
        return Purchase(
            shares, self._minutes.first_stop(ticker, price), trigger.label, price if math.isnan(fired) else fired
        )

    def _why_not(self, ticker: str, now: datetime) -> str:
        """Why an approved entry is not sent whatever its trigger; empty when it may be."""
        if any(order.role is Role.ENTRY and order.arrived for order in self._orders.of(ticker)):
            return "sent"
        if self.no_entries:
            return self.no_entries[0]
        if self._holdings.ours(ticker) or self._holdings.differs(ticker):
            return "held already, or the broker counts otherwise"
        if not self._hours.opened <= now < self._hours.closed - LAST_ENTRY:
            return "outside the hours"
        return "no price" if math.isnan(self._tape.price(ticker, now)) else ""

    def _free_cash(self, before: Iterable[Action]) -> float:
        """Cash less what is on its way to be spent; what stops brought in this session pays for nothing. [currency]"""
        entries = [order for order in self._orders.by_ref.values() if order.role is Role.ENTRY]
        sent = sum(order.remaining * self._holdings.mark(order.ticker) for order in entries)
        due = sum(self._value(action) for action in before)
        return self._holdings.cash - self._orders.stop_proceeds() - (sent + due) * (1.0 + CUSHION)

    def _value(self, action: Action) -> float:
        if isinstance(action, Place) and action.tickets[0].side is Side.BUY:
            return action.tickets[0].shares * self._holdings.mark(action.ticker)
        return 0.0

    # What may be sent

    def _moment(self, now: datetime) -> Moment:
        """What holds for all names."""
        paper = self._truth is not None and self._truth.account.startswith("D")
        ready = self._asking.up and self._asking.read is not None and paper
        return Moment(
            now,
            open=ready and self._hours.open_at(now),
            market=now < self._hours.closed - LAST_SALE,
            read=self._asking.read,
        )

    def _by_turn(self, looked: Iterable[str]) -> list[str]:
        """Names in the order in which they are asked: first all but the entries, then those as the book has them."""
        entries = list(self._entries)
        return sorted(looked, key=lambda ticker: (entries.index(ticker) + 1 if ticker in self._entries else 0, ticker))

    def _permitted(self, action: Action, name: Name, before: Iterable[Action], now: datetime) -> bool:
        """Whether the ceilings let an action pass; one that they stop ends the day's entries."""
        if isinstance(action, Cancel):
            return True
        tickets = action.tickets if isinstance(action, Place) else (action.ticket,)
        selling = sum(order.remaining for order in name.live(Role.EXIT, Role.REDUCE))
        for ticket in tickets:
            traffic = self._traffic(before, now)
            if ticket.side is Side.BUY and traffic.minute >= ENTRIES_A_MINUTE:
                self._busy.add(name.ticker)
                return False
            broken = breach(
                ticket,
                price=self._holdings.mark(ticket.ticker),
                nav=self.nav,
                sellable=name.held - selling,
                traffic=traffic,
            )
            if broken:
                self._raise(Flag(NO_ENTRIES, now, f"a ceiling was met: {broken}", session=self._session))
                self._alert(now, f"a ceiling was met, nothing is bought any more today: {broken}", ticket.ticker)
                return False
        return True

    def _traffic(self, before: Iterable[Action], now: datetime) -> Traffic:
        """What was sent in this session, and is about to be."""
        sent = [order.intent for order in self._orders.by_ref.values() if order.intent.session == self._session]
        due = [ticket for action in before if isinstance(action, Place) for ticket in action.tickets]
        bought = sum(i.ticket.shares * (i.last_price or 0.0) for i in sent if i.ticket.side is Side.BUY)
        lately = sum(now - intent.at < timedelta(minutes=1) for intent in sent)
        return Traffic(bought + sum(map(self._value, before)), lately + len(due), len(sent) + len(due))

    def _committed(self, actions: Iterable[tuple[Action, Purchase | None]], now: datetime) -> list[Action]:
        """Actions that are in the journal now, the most urgent first; when it cannot be written, only what is safe."""
        records = [record for action, purchase in actions for record in self._records(action, purchase, now)]
        intents = [record for record in records if isinstance(record, Intent)]
        try:
            self._journal.write(records, session=self._session, what="intents")
        except JournalError as error:
            self._cannot_write(error, now)
            safe = [action for action, _ in actions if isinstance(action, Cancel) and self._is_entry(action.ref)]
            return list(safe)
        for intent in intents:
            self._orders.add(Known.of(intent))
        for action, _ in actions:
            self._sent(action, now)
        return sorted((action for action, _ in actions), key=_urgency)

    def _records(self, action: Action, purchase: Purchase | None, now: datetime) -> list[Record]:
        """What the journal is told of an action."""
        if isinstance(action, Cancel):
            return [Amendment(self._session, now, action.ref, action.why)]
        if isinstance(action, Change):
            ticket = action.ticket
            return [Amendment(self._session, now, ticket.ref, action.why, ticket.shares, ticket.stop)]
        return [self._intent(ticket, action.why, purchase, now) for ticket in action.tickets]

    def _intent(self, ticket: Ticket, why: str, purchase: Purchase | None, now: datetime) -> Intent:
        last, row = self._tape.last(ticket.ticker), self._exits.get(ticket.ticker)
        price = None if math.isnan(last) else last
        if ticket.side is Side.BUY and purchase is not None:
            signal = self._entries[ticket.ticker].current_price
            return Intent(self._session, now, ticket, why, purchase.trigger, purchase.price, signal, price)
        if ticket.stop is not None:
            return Intent(self._session, now, ticket, "bracket" if ticket.parent else why, "", None, ticket.stop, price)
        signal_price = row.current_price if row is not None and row.reason == why else None
        return Intent(self._session, now, ticket, why, "", price, signal_price, price)

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

    def _worries(self, name: Name) -> Iterator[str]:
        """What a person must know of a name."""
        if name.sell == "unprotected":
            yield f"{name.ticker}: its stops were refused, all of it is sold"
        for role in (Role.EXIT, Role.REDUCE):
            if name.held and gave_up(name.orders, role):
                yield f"{name.ticker}: its sale was refused again and again, only a person can help"

    def _lost(self) -> None:
        """Nothing is certain of what was not over."""
        self._orders.lost()
        self._stirred |= set(self.tickers)

    def _guard(self, ticker: str, now: datetime) -> None:
        """Whether the last minute asks for a sale of what is held; once, and then for good."""
        watch, held = self._minutes.held(ticker, self._bought(ticker)), self._holdings.traded(ticker)
        if watch is None or not held:
            return
        if watch.guard.collapsed and (COLLAPSE, ticker) not in self._flags:
            self._raise(Flag(COLLAPSE, now, f"{watch.guard.high:.2f}", ticker, self._session))
        elif watch.guard.gained and not watch.guard.collapsed and (PROFIT, ticker) not in self._flags:
            self._raise(Flag(PROFIT, now, str(self._minutes.part(held)), ticker, self._session))

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

    def _flush(self, now: datetime) -> None:
        """Write what was heard; what cannot be written is kept, and tried again."""
        try:
            self._journal.write(self._backlog, session=self._session, what="heard")
        except JournalError as error:
            self._cannot_write(error, now)
        else:
            self._backlog, self._unwritable = [], ""

    def _cannot_write(self, error: JournalError, now: datetime) -> None:
        self._unwritable = str(error)
        self._alert(now, f"nothing new is sent, stops stay: {error}")

    # What is shown

    def _view(self, ticker: str) -> NameView:
        name = self._name(ticker, self._looked or self._hours.opened, ())
        stops = name.stops
        return NameView(
            ticker=ticker,
            held=self._holdings.ours(ticker),
            at_broker=self._holdings.at_broker(ticker),
            cost=self._holdings.cost(ticker) if self._holdings.ours(ticker) else math.nan,
            stop=max((stop.stop or math.nan for stop in stops), default=math.nan),
            covered=int(sum(stop.remaining for stop in stops)),
            doing=self._doing(name),
            waiting=self._waiting(ticker),
        )

    def _doing(self, name: Name) -> str:
        now = self._looked or self._hours.opened
        if any(order.unknown(now) for order in name.orders):
            return "unknown"
        live = name.live(Role.ENTRY, Role.EXIT, Role.REDUCE)
        said = [f"{order.role} working" for order in live]
        if name.held and (name.sell or name.part) and not live:
            role = Role.EXIT if name.sell else Role.REDUCE
            rule = name.sell or name.reduce
            said.append(f"{role} refused: {rule}" if gave_up(name.orders, role) else f"{role}: {rule}")
        return "; ".join(said)

    def _waiting(self, ticker: str) -> str:
        entry, now = self._entries.get(ticker), self._looked or self._hours.opened
        if entry is None:
            return ""
        why = self._why_not(ticker, now)
        if why == "sent":
            return ""
        trigger = self._minutes.trigger(ticker, self._hours.minute(now))
        return f"{trigger.label or 'no trigger yet'}{f', {why}' if why else ''}"


def _urgency(action: Action) -> int:
    """Place of an action among those of one moment: what frees and sells first, what buys last."""
    if isinstance(action, Cancel):
        return 0
    if isinstance(action, Change):
        return 2
    ticket = action.tickets[0]
    return 4 if ticket.side is Side.BUY else 3 if ticket.stop is not None else 1


def _trade(fill: Fill) -> str:
    return f"{fill.side} {fill.shares:g} {fill.ticker} at {fill.price:.2f}, ref {fill.ref!r}"
