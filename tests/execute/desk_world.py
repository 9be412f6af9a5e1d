"""A desk and a venue without a wire between them: what the desk sends is done at once, or is lost on the way."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alphalib.contracts import OrderBook, PortfolioFile
from alphalib.execute.broker import Event, Fill, Held, Kind, Link, Report, Side, State, Tick, Ticket, Truth
from alphalib.execute.desk.desk import Desk
from alphalib.execute.desk.steps import Alert, Ask, Cancel, Change, Place, Step
from alphalib.execute.journal.journal import Journal
from alphalib.execute.tape import Hours, Tape

ACCOUNT = "DU1"


@dataclass
class Resting:
    """An order at the venue."""

    ticket: Ticket
    perm_id: int
    state: State = State.WORKING
    filled: int = 0
    reason: str = ""

    def report(self) -> Report:
        return Report(
            self.ticket.ref,
            self.perm_id,
            2,
            self.ticket.ticker,
            self.ticket.side,
            self.ticket.shares,
            self.filled,
            self.ticket.kind,
            self.ticket.stop,
            self.state,
            self.reason,
        )


class Venue:
    """Fills what it is told to fill; keeps count of everything."""

    def __init__(self, *, cash: float, positions: dict[str, int]) -> None:
        self.orders: dict[str, Resting] = {}
        self.received: list[str] = []
        self.positions = dict(positions)
        self.lowest = min(positions.values(), default=0)
        self.cash = cash
        self.fills: list[Fill] = []
        self.events: deque[Event] = deque()
        self.refused: set[str] = set()  # "TICKER role" of orders that are rejected
        self._perm, self._exec = itertools.count(1000), itertools.count(1)

    def place(self, tickets: Iterable[Ticket]) -> None:
        for ticket in tickets:
            self.received.append(ticket.ref)
            order = self.orders[ticket.ref] = Resting(ticket, next(self._perm))
            role = ticket.ref.split("-")[-2]
            parent = self.orders.get(ticket.parent)
            if f"{ticket.ticker} {role}" in self.refused or (parent and parent.state is State.REJECTED):
                order.state, order.reason = State.REJECTED, "201"
            self.say(order)

    def change(self, ticket: Ticket) -> None:
        order = self.orders.get(ticket.ref)
        if order is None or order.state is not State.WORKING or ticket.shares <= order.filled:
            return
        order.ticket = replace(order.ticket, shares=ticket.shares, stop=ticket.stop)
        self.say(order)

    def cancel(self, ref: str) -> None:
        order = self.orders.get(ref)
        if order is not None and order.state is State.WORKING:
            order.state = State.CANCELLED
            self.say(order)
            for child in self.orders.values():
                if child.ticket.parent == ref and not order.filled:
                    self.cancel(child.ticket.ref)

    def fill(self, ref: str, shares: int, price: float, now: datetime, *, told: bool = True) -> None:
        """Fill at most so many shares of a working order."""
        order = self.orders[ref]
        shares = min(shares, order.ticket.shares - order.filled)
        if order.state is not State.WORKING or shares <= 0 or self.waiting(order):
            return
        order.filled += shares
        sign = 1 if order.ticket.side is Side.BUY else -1
        held = self.positions[order.ticket.ticker] = self.positions.get(order.ticket.ticker, 0) + sign * shares
        self.lowest = min(self.lowest, held)
        self.cash -= sign * shares * price
        if order.filled == order.ticket.shares:
            order.state = State.FILLED
        fill = Fill(
            f"0001.{next(self._exec):04d}.01",
            ref,
            order.perm_id,
            order.ticket.ticker,
            order.ticket.side,
            shares,
            price,
            now,
            ACCOUNT,
        )
        self.fills.append(fill)
        if told:
            self.events.append(fill)
        self.say(order)

    def trade(self, ticker: str, price: float, now: datetime, *, most: int = 10**9) -> None:
        """A print: orders at the market fill, stops that it reaches too."""
        for order in list(self.orders.values()):
            stop = order.ticket.stop
            if order.ticket.ticker == ticker and (stop is None or price <= stop):
                self.fill(order.ticket.ref, most, price, now)

    def waiting(self, order: Resting) -> bool:
        """Whether its parent has not filled yet."""
        parent = self.orders.get(order.ticket.parent)
        return parent is not None and parent.filled == 0

    def say(self, order: Resting) -> None:
        self.events.append(order.report())

    def covered(self, ticker: str) -> int:
        """Shares that working stops would sell."""
        return sum(
            order.ticket.shares - order.filled
            for order in self.orders.values()
            if order.ticket.ticker == ticker
            and order.ticket.kind is Kind.STOP
            and order.state is State.WORKING
            and not self.waiting(order)
        )

    def truth(self, now: datetime, *, missing: tuple[str, ...] = ()) -> Truth:
        held = tuple(Held(ticker, shares, 100.0) for ticker, shares in self.positions.items() if shares)
        orders = () if "open orders" in missing else tuple(order.report() for order in self.orders.values())
        fills = () if "executions" in missing else tuple(self.fills)
        return Truth(now, ACCOUNT, self.cash, self.cash, 0.0, held, orders, fills, (), missing)


class World:
    """One session of a desk at a venue."""

    def __init__(
        self,
        book: OrderBook,
        portfolio: PortfolioFile | None = None,
        *,
        journal: Journal | None = None,
        cash: float = 1e6,
    ) -> None:
        self.book, self.portfolio = book, portfolio
        self.journal = journal or Journal("sqlite://")
        self.hours = Hours.of(book.date)
        self.tape = Tape(self.hours)
        self.now = self.hours.opened
        held = {row.ticker: row.shares for row in portfolio.positions} if portfolio else {}
        self.venue = Venue(cash=cash, positions=held)
        self.steps: list[Step] = []
        self.alerts: list[str] = []
        self.minute_number = 0
        self.start()

    def start(self) -> None:
        """A new life of the desk, from the journal; the venue knows of nothing."""
        self.venue.events.clear()
        self.desk = Desk(self.book, self.journal, hours=self.hours, tape=self.tape, portfolio=self.portfolio)
        self.desk.connected(self.now)

    def reconnect(self) -> None:
        """The connection is lost, with what was on its way, and made again."""
        self.venue.events.clear()
        self.desk.heard(Link.LOST, self.now)
        self.desk.connected(self.now)

    def price(self, ticker: str, price: float, *, volume: float | None = None) -> None:
        """A tick, which the venue does not trade at."""
        self.tape.take(Tick(ticker, price, volume, self.now))

    def minute(self) -> None:
        """The present minute is over."""
        boundary = self.hours.boundary(self.minute_number + 1)
        self.now = max(self.now, boundary)
        self.desk.minute(self.tape.minute(self.minute_number), self.now)
        self.minute_number += 1

    def hear(self) -> None:
        """Everything the venue has said arrives."""
        while self.venue.events:
            self.desk.heard(self.venue.events.popleft(), self.now)

    def do(self, step: Step) -> None:
        """Carry a step out."""
        self.steps.append(step)
        match step:
            case Place(tickets):
                self.venue.place(tickets)
            case Change(ticket):
                self.venue.change(ticket)
            case Cancel(ref):
                self.venue.cancel(ref)
            case Ask():
                self.hear()
                self.desk.learned(self.venue.truth(self.now), began=self.now, now=self.now)
            case Alert(text):
                self.alerts.append(text)

    def act(self) -> list[Step]:
        """Do what the desk wants until it wants nothing more at this moment; returns what it did."""
        done: list[Step] = []
        for _ in range(100):
            self.hear()
            steps = self.desk.steps(self.now)
            try:
                for step in steps:
                    self.do(step)
            except ConnectionError:  # what comes after it is not sent either
                self.reconnect()
            done += steps
            if not steps and self.at_rest:
                return done
        raise AssertionError(f"the desk does not come to rest: {done[-6:]}")

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to hear."""
        return not self.venue.events

    def wait(self, seconds: float) -> list[Step]:
        """Let time pass, a second at a time."""
        done: list[Step] = []
        for _ in range(int(seconds)):
            self.now += timedelta(seconds=1)
            done += self.act()
        return done

    def placed(self, role: str = "") -> list[Ticket]:
        """Tickets that were sent, in order."""
        tickets = [ticket for step in self.steps if isinstance(step, Place) for ticket in step.tickets]
        return [ticket for ticket in tickets if not role or f"-{role}-" in ticket.ref]
