"""Each name as it stands: what is held, what is to be sold and why, where its stop belongs, what is due."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alphalib.contracts import OrderBook
from alphalib.execute.desk.holdings import Holdings
from alphalib.execute.desk.minutes import Bought, Minutes
from alphalib.execute.desk.name_steps import Name, Purchase, unprotected
from alphalib.execute.desk.orders import Orders
from alphalib.execute.journal.journal import FLATTEN, KILLED, Flag
from alphalib.execute.refs import Role
from alphalib.execute.tape import Hours, Tape

COLLAPSE, PROFIT, COVERED = "collapse", "intraday_profit", "covered"
CUSHION = 0.01
"""More than the last price that a purchase is counted with: it fills at the next one. [fraction]"""
LAST_ENTRY = timedelta(seconds=55)
"""Nothing is bought later than this before the close."""


class Names:
    """The session's names, put together from what orders, holdings, minutes and flags say of them.

    Parameters
    ----------
    book, hours, tape
        Of the session.
    orders, holdings, minutes
        What is known; read only.
    flags : mapping of (str, str) to Flag
        By name and ticker; read only.
    """

    def __init__(
        self,
        book: OrderBook,
        hours: Hours,
        tape: Tape,
        *,
        orders: Orders,
        holdings: Holdings,
        minutes: Minutes,
        flags: Mapping[tuple[str, str], Flag],
    ) -> None:
        self._session, self._hours, self._tape = book.date, hours, tape
        self._orders, self._holdings, self._minutes, self._flags = orders, holdings, minutes, flags
        self.entries = {entry.ticker: entry for entry in book.approved_entries}
        self.exits = {row.ticker: row for row in book.urgent_exits}
        self._guarded = {row.ticker for row in book.active_stops}
        self._planned = {*self.entries, *self.exits, *(row.ticker for row in book.active_stops), *holdings.base}

    @property
    def tickers(self) -> tuple[str, ...]:
        """Every name that concerns the session."""
        return tuple(sorted(self._planned | self._orders.tickers))

    def name(self, ticker: str, now: datetime, *, forbidden: Sequence[str], spoken_for: float = 0.0) -> Name:
        """A name as it stands.

        Parameters
        ----------
        ticker : str
            Which.
        now : datetime
            Session time.
        forbidden : sequence of str
            Why nothing at all is bought; empty when it may be.
        spoken_for : float
            Cash for purchases of this very moment. [currency]
        """
        held = self._holdings.traded(ticker)
        reduce, part = self._reduction(ticker)
        return Name(
            ticker=ticker,
            session=self._session,
            orders=self._orders.of(ticker),
            held=held,
            level=self._level(ticker),
            sell=self._sale(ticker, held),
            reduce=reduce,
            part=part,
            purchase=None if self.why_not(ticker, now, forbidden) else self._purchase(ticker, now, spoken_for),
            no_entry=(KILLED, "") in self._flags,
            doubt=f"what is held of {ticker}" if ticker in self._holdings.suspected else "",
            begins=ticker in self._guarded and (COVERED, ticker) not in self._flags,
            apart=self._holdings.differs(ticker),
            price=self._tape.last(ticker),
        )

    def why_not(self, ticker: str, now: datetime, forbidden: Sequence[str]) -> str:
        """Why an entry is not sent whatever its trigger, "sent" once it was; empty when it may be."""
        if ticker not in self.entries or any(o.role is Role.ENTRY and o.arrived for o in self._orders.of(ticker)):
            return "sent"
        if forbidden:
            return forbidden[0]
        if self._holdings.ours(ticker) or self._holdings.differs(ticker):
            return "held already, or the broker counts otherwise"
        if not self._hours.opened <= now < self._hours.closed - LAST_ENTRY:
            return "outside the hours"
        return "no price" if math.isnan(self._tape.price(ticker, now)) else ""

    def fired(self, ticker: str, now: datetime) -> list[Flag]:
        """Sales that the last minute asks for, as flags that stay up: each is raised once a session."""
        watch, held = self._minutes.held(ticker, self._bought(ticker)), self._holdings.traded(ticker)
        if watch is None or not held or self._holdings.differs(ticker):
            return []
        if watch.guard.collapsed:
            return [Flag(COLLAPSE, now, f"{watch.guard.high:.2f}", ticker, self._session)]
        part = self._minutes.part(held)
        return [Flag(PROFIT, now, str(part), ticker, self._session)] if watch.guard.gained else []

    def trigger(self, ticker: str, now: datetime) -> str:
        """Label of an entry's trigger; empty before one fires."""
        return self._minutes.trigger(ticker, self._hours.minute(now)).label

    def waits_for(self, ticker: str) -> str:
        """What an entry without a trigger waits for, in words."""
        return self._minutes.waits_for(ticker)

    def _sale(self, ticker: str, held: int) -> str:
        """Rule by which all of a name is sold; empty for none."""
        if (FLATTEN, "") in self._flags:
            return FLATTEN
        row = self.exits.get(ticker)
        if row is not None and row.signal == "EXIT":
            return row.reason
        if (COLLAPSE, ticker) in self._flags:
            return COLLAPSE
        return "unprotected" if held > 0 and unprotected(self._orders.of(ticker)) else ""

    def _reduction(self, ticker: str) -> tuple[str, int]:
        """Rule by which a part is sold, and how much of it is left; the order book's comes first. [shares]"""
        row, flag = self.exits.get(ticker), self._flags.get((PROFIT, ticker))
        planned = row.shares if row is not None and row.signal == "REDUCE" else 0
        sold, taken = self._orders.sold(ticker, Role.REDUCE), int(flag.value) if flag else 0
        if row is not None and sold < planned:
            return row.reason, planned - sold
        return (PROFIT, planned + taken - sold) if sold < planned + taken else ("", 0)

    def _level(self, ticker: str) -> float:
        watch = self._minutes.held(ticker, self._bought(ticker))
        if watch is not None:
            return watch.guard.stop
        cost = self._holdings.cost(ticker)
        return self._minutes.fallback(cost if cost > 0 else self._holdings.mark(ticker))

    def _bought(self, ticker: str) -> Bought | None:
        """What was bought in this session under a bracket."""
        fills = self._orders.bought(ticker)
        tickets = [order.intent.ticket for order in self._orders.of(ticker)]
        stops = [ticket.stop for ticket in tickets if fills and ticket.parent == fills[0].ref]
        if not stops or stops[0] is None:
            return None
        return Bought(self._holdings.cost(ticker), stops[0], self._hours.minute(fills[0].at))

    def _purchase(self, ticker: str, now: datetime, spoken_for: float) -> Purchase | None:
        """An entry that is due, for as many shares as there is cash for."""
        trigger = self._minutes.trigger(ticker, self._hours.minute(now))
        if not trigger:
            return None
        price, fired = self._tape.price(ticker, now), self._minutes.fired_at(ticker)
        affordable = math.floor((self._free_cash() - spoken_for) / (price * (1.0 + CUSHION)))
        return Purchase(
            shares=max(min(self.entries[ticker].shares, affordable), 0),
            stop=self._minutes.first_stop(ticker, price),
            trigger=trigger.label,
            price=price if math.isnan(fired) else fired,
        )

    def _free_cash(self) -> float:
        """Cash less what is on its way to be spent; what stops brought in this session pays for nothing. [currency]"""
        entries = [order for order in self._orders.by_ref.values() if order.role is Role.ENTRY]
        sent = sum(order.remaining * self._holdings.mark(order.ticker) for order in entries)
        return self._holdings.cash - self._orders.stop_proceeds() - sent * (1.0 + CUSHION)
