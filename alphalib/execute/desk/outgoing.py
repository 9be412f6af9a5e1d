"""What is about to be sent: what the ceilings say to it, and what the journal is told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from alphalib.contracts.orders import Entry, UrgentExit
from alphalib.execute.broker import Side, Ticket
from alphalib.execute.desk.ceilings import ENTRIES_A_MINUTE, Traffic, breach
from alphalib.execute.desk.holdings import Holdings
from alphalib.execute.desk.name_steps import Action, Name, Purchase
from alphalib.execute.desk.names import CUSHION
from alphalib.execute.desk.orders import Orders
from alphalib.execute.desk.steps import Cancel, Change, Place
from alphalib.execute.journal.journal import Amendment, Intent, Record
from alphalib.execute.refs import Role
from alphalib.execute.tape import Tape


class Planned(NamedTuple):
    """An action, and the purchase that it makes."""

    action: Action
    purchase: Purchase | None


class Outgoing:
    """Actions of one moment, in the order in which they were decided.

    Parameters
    ----------
    session : str
        As 2024-03-08.
    now : datetime
        The moment.
    orders, holdings, tape
        What is known; read only.
    """

    def __init__(self, session: str, now: datetime, *, orders: Orders, holdings: Holdings, tape: Tape) -> None:
        self._session, self._now = session, now
        self._orders, self._holdings, self._tape = orders, holdings, tape
        self.planned: list[Planned] = []

    @property
    def cash(self) -> float:
        """Spoken for by purchases among them. [currency]"""
        return sum(self._value(plan.action) for plan in self.planned) * (1.0 + CUSHION)

    def add(self, action: Action, name: Name) -> str | None:
        """Take an action in. Returns the words of a ceiling that forbids it, or None when it has to wait a little."""
        if not isinstance(action, Cancel):
            selling = sum(order.remaining for order in name.live(Role.EXIT, Role.REDUCE))
            for ticket in action.tickets if isinstance(action, Place) else (action.ticket,):
                traffic = self._traffic()
                if ticket.side is Side.BUY and traffic.minute >= ENTRIES_A_MINUTE:
                    return None
                if broken := breach(
                    ticket,
                    price=self._holdings.mark(ticket.ticker),
                    nav=self._holdings.nav,
                    sellable=name.held - selling,
                    traffic=traffic,
                ):
                    return broken
        self.planned.append(Planned(action, name.purchase))
        return ""

    def records(self, entries: Mapping[str, Entry], exits: Mapping[str, UrgentExit]) -> list[Record]:
        """What the journal is told before anything is sent."""
        return [record for plan in self.planned for record in self._records(plan, entries, exits)]

    def in_turn(self) -> list[Action]:
        """What frees and sells first, what buys last."""
        return sorted((plan.action for plan in self.planned), key=_turn)

    def _records(self, plan: Planned, entries: Mapping[str, Entry], exits: Mapping[str, UrgentExit]) -> list[Record]:
        action = plan.action
        if isinstance(action, Cancel):
            return [Amendment(self._session, self._now, action.ref, action.why)]
        if isinstance(action, Change):
            ticket = action.ticket
            return [Amendment(self._session, self._now, ticket.ref, action.why, ticket.shares, ticket.stop)]
        row = exits.get(action.ticker)
        decided = row.current_price if row is not None and row.reason == action.why else None
        if plan.purchase is not None and action.tickets[0].side is Side.BUY:
            decided = entries[action.ticker].current_price
        return [self._intent(ticket, action.why, plan.purchase, decided) for ticket in action.tickets]

    def _intent(self, ticket: Ticket, why: str, purchase: Purchase | None, decided: float | None) -> Intent:
        last = self._tape.last(ticket.ticker)
        price = None if math.isnan(last) else last
        if ticket.stop is not None:
            rule = "bracket" if ticket.parent else why
            return Intent(self._session, self._now, ticket, rule, signal_price=ticket.stop, last_price=price)
        bought = purchase if ticket.side is Side.BUY else None
        return Intent(
            self._session,
            self._now,
            ticket,
            why,
            trigger=bought.trigger if bought else "",
            trigger_price=bought.price if bought else price,
            signal_price=decided,
            last_price=price,
        )

    def _traffic(self) -> Traffic:
        """What was sent in this session, and is about to be."""
        sent = [order.intent for order in self._orders.by_ref.values() if order.intent.session == self._session]
        due = [ticket for plan in self.planned if isinstance(plan.action, Place) for ticket in plan.action.tickets]
        bought = sum(i.ticket.shares * (i.last_price or 0.0) for i in sent if i.ticket.side is Side.BUY)
        lately = sum(self._now - intent.at < timedelta(minutes=1) for intent in sent)
        about = sum(self._value(plan.action) for plan in self.planned)
        return Traffic(bought + about, lately + len(due), len(sent) + len(due))

    def _value(self, action: Action) -> float:
        """Of a purchase, at the last price. [currency]"""
        if isinstance(action, Place) and action.tickets[0].side is Side.BUY:
            return action.tickets[0].shares * self._holdings.mark(action.ticker)
        return 0.0


def _turn(action: Action) -> int:
    if isinstance(action, Cancel):
        return 0
    if isinstance(action, Change):
        return 2
    ticket = action.tickets[0]
    return 4 if ticket.side is Side.BUY else 3 if ticket.stop is not None else 1
