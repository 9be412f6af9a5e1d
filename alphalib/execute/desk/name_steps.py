"""What is to be done next for one name, from what is known of it; pure, and the same however it came to be known.

In this order, and the first that has something to do ends it: what is unknown is asked; what must be sold whole, then
what must be sold in part, is sold; what is held is covered by a stop of exactly its size; what is due is bought.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alphalib.execute.broker import Kind, Side, State, Ticket
from alphalib.execute.desk.known import CENT, Known
from alphalib.execute.desk.steps import Cancel, Change, Place
from alphalib.execute.refs import Role, ref_of

RETRY_AFTER = (timedelta(0), timedelta(seconds=2), timedelta(seconds=5))
"""Waits before a sale that was refused is tried again; then a person is told."""
STOP_AGAIN_AFTER = (*RETRY_AFTER, timedelta(minutes=1))
"""Waits before another stop takes the place of one that was refused or taken away; the last again and again."""
STOPS_REFUSED = 2
"""Refusals after which a position that cannot be protected is sold. [orders]"""
LEAST_STOP = 0.01
"""Where a stop rests of which nobody knows where it belongs. [currency]"""
REPLACE_AFTER = 2
"""Changes of a stop that came to nothing, after which it is replaced by another. [changes]"""
FILL_WITHIN = timedelta(seconds=30)
"""An entry that has not filled by then is cancelled; it is not sent again."""
WHOLE_WITHIN = timedelta(seconds=3)
"""An entry that has filled in part and not wholly by then is cut to that part: the part must be protected."""
TRUTH_WITHIN = timedelta(seconds=60)
"""A stop is taken away for a sale only when positions were read this lately."""

Action = Place | Change | Cancel


@dataclass(frozen=True)
class Purchase:
    """An entry that is due: how much, its first stop, and why now. [shares], [currency]"""

    shares: int
    stop: float
    trigger: str
    price: float


@dataclass(frozen=True)
class Name:
    """One name as it stands.

    Parameters
    ----------
    ticker : str
        Which.
    session : str
        As 2024-03-08.
    orders : tuple of Known
        Ours, of the session and those of earlier ones that live.
    held : int
        The smaller of what we and the broker count; never below 0. [shares]
    level : float
        Where its stop belongs, if it does not rest higher already. [currency]
    sell : str
        Rule by which all is sold; empty for none.
    reduce : str
        Rule by which a part is sold.
    part : int
        Still to be sold of it. [shares]
    purchase : Purchase, optional
        When an entry is due and nothing forbids it.
    no_entry : bool
        Whether a working entry is to be taken back: the kill switch, or the close.
    doubt : str
        What only the truth can tell of its position; empty when nothing is in doubt.
    begins : bool
        Whether its stop has not rested where the order book wants it in this session yet: until then it goes there, up
        or down, and afterwards only up.
    apart : bool
        Whether the broker counts otherwise, as after a split that nobody told of: then its prices mean nothing.
    price : float
        Last one that the session printed, NaN before one. [currency]
    """

    ticker: str
    session: str
    orders: tuple[Known, ...]
    held: int
    level: float
    sell: str = ""
    reduce: str = ""
    part: int = 0
    purchase: Purchase | None = None
    no_entry: bool = False
    doubt: str = ""
    begins: bool = False
    apart: bool = False
    price: float = math.nan

    def live(self, *roles: Role) -> list[Known]:
        """Orders of these roles that are not over."""
        return [order for order in self.orders if order.role in roles and not order.over]

    @property
    def stops(self) -> list[Known]:
        """Living stops that can act: not those whose parent still has to fill."""
        waiting = {order.ref for order in self.live(Role.ENTRY)}
        return [order for order in self.live(Role.STOP) if order.intent.ticket.parent not in waiting]

    @property
    def begun(self) -> bool:
        """Whether its stop rests where the session wants it for the first time."""
        rest = [stop.stop or 0.0 for stop in self.stops if stop.state is State.WORKING]
        return self.begins and any(abs(level - _price(self.level)) < CENT for level in rest)

    @property
    def pointless(self) -> bool:
        """Whether a new stop would sell at once what only a person can judge."""
        return self.apart and self.held > 0 and not self.stops and _price(self.level) >= self.price

    def number(self, *roles: Role) -> int:
        """Next free number of a role in this session; of several, one that is free in all."""
        day = f"{self.session[2:4]}{self.session[5:7]}{self.session[8:10]}"
        parts = [order.parts for order in self.orders]
        return 1 + max((part.number for part in parts if part.role in roles and part.day == day), default=0)

    def ticket(self, role: Role, shares: int, *, stop: float | None = None) -> Ticket:
        """A new sale."""
        kind = Kind.MARKET if stop is None else Kind.STOP
        ref = ref_of(self.session, self.ticker, role, self.number(role))
        return Ticket(ref, self.ticker, Side.SELL, shares, kind, stop)


@dataclass(frozen=True)
class Moment:
    """What holds for all names now.

    Parameters
    ----------
    now : datetime
        Session time.
    open : bool
        Whether orders may be sent: link, truth, account, journal and hours allow it.
    early : bool
        Whether only the hours do not yet.
    market : bool
        Whether an order at the market still reaches the session.
    read : datetime, optional
        When the last truth was begun.
    """

    now: datetime
    open: bool
    early: bool
    market: bool
    read: datetime | None


@dataclass(frozen=True)
class Next:
    """What is to be done for a name: actions, or what is to be asked first; `later` when only time has to pass."""

    actions: tuple[Action, ...] = ()
    ask: str = ""
    later: bool = False


NOTHING, LATER = Next(), Next(later=True)


def next_steps(name: Name, moment: Moment) -> Next:
    """The next steps for one name; none while an answer is out, or while nothing may be sent."""
    doubtful = [order.ref for order in name.orders if order.unknown(moment.now)]
    if doubtful:
        return Next(ask=f"what became of {', '.join(doubtful)}")
    if name.doubt:
        return Next(ask=name.doubt)
    if any(order.waits for order in name.orders):
        return LATER
    if not moment.open:
        return _begin(name) if moment.early else NOTHING
    if name.sell and (name.held > 0 or name.live(Role.ENTRY)):
        return _sell_out(name, name.sell, moment)
    if name.part and name.held > 0:
        return _sell_out(name, name.reduce, moment) if name.part >= name.held else _sell_part(name, moment)
    return _cover(name, moment, reserved=_selling(name)) or _enter(name, moment)


def to_be_sold(name: Name) -> bool:
    """Whether a sale is due that was not sent yet."""
    if not name.held or not (name.sell or name.part) or name.live(Role.EXIT, Role.REDUCE):
        return False
    return not gave_up(name.orders, Role.EXIT if name.sell else Role.REDUCE)


def gave_up(orders: Iterable[Known], role: Role) -> bool:
    """Whether a sale was refused so often that only a person can help."""
    return _failures(orders, role) > len(RETRY_AFTER)


def unprotected(orders: Sequence[Known]) -> bool:
    """Whether stops were refused so often that what is held must be sold."""
    filled = {order.ref for order in orders if order.filled > 0}
    stops = [order for order in orders if order.role is Role.STOP and order.state is State.REJECTED]
    return (
        sum(not order.intent.ticket.parent or order.intent.ticket.parent in filled for order in stops) >= STOPS_REFUSED
    )


def _begin(name: Name) -> Next:
    """Before the opening print a resting stop is where the order book wants it."""
    stops = name.stops
    level = _price(name.level)
    if not name.begins or name.begun or name.apart or not name.held or len(stops) != 1:
        return NOTHING
    return Next((Change(stops[0].ticket(shares=int(stops[0].shares), stop=level), "the level of the session"),))


def _sell_out(name: Name, rule: str, moment: Moment) -> Next:
    entries, sales = name.live(Role.ENTRY), name.live(Role.EXIT, Role.REDUCE)
    if entries:
        return _cancelled(entries, f"{rule}: the entry is taken back")
    if gave_up(name.orders, Role.EXIT):
        return _cover(name, moment, reserved=0) or NOTHING
    if sales or not moment.market or moment.now < _retry_at(name, Role.EXIT, moment):
        return LATER
    if _old(moment):
        return Next(ask=f"what is held of {name.ticker} before it is sold")
    if name.live(Role.STOP):
        return _cancelled(name.live(Role.STOP), f"{rule}: the stop makes way")
    return Next((Place((name.ticket(Role.EXIT, name.held),), rule),))


def _sell_part(name: Name, moment: Moment) -> Next:
    stay = name.held - name.part
    if gave_up(name.orders, Role.REDUCE):
        return _cover(name, moment, reserved=0) or NOTHING
    if name.live(Role.EXIT, Role.REDUCE):
        return _cover(name, moment, reserved=_selling(name)) or NOTHING
    if not moment.market or moment.now < _retry_at(name, Role.REDUCE, moment):
        return _cover(name, moment, reserved=0) or LATER
    if _old(moment):
        return Next(ask=f"what is held of {name.ticker} before a part is sold")
    if resized := _cover(name, moment, reserved=name.part):
        return resized
    assert stay > 0
    return Next((Place((name.ticket(Role.REDUCE, name.part),), name.reduce),))


def _cover(name: Name, moment: Moment, *, reserved: int) -> Next | None:
    """A stop of exactly what is held and not being sold; None when all is well.

    It begins the session at the book's level, and is never lower afterwards.
    """
    entries, stops = name.live(Role.ENTRY), name.stops
    if entries:
        return _entry_under_way(name, entries[0], moment)
    wanted = max(name.held - reserved, 0)
    if wanted == 0:
        return _cancelled(stops, "nothing is held that it would sell") if stops else None
    if not stops:
        return _new_stop(name, wanted, moment)
    kept = max(stops, key=lambda order: (order.stop or 0.0, order.ref))
    if len(stops) > 1:
        return _cancelled([order for order in stops if order is not kept], f"{kept.ref} covers what is held")
    rests = kept.stop or 0.0
    level = rests if name.apart else _price(name.level) if name.begins else max(rests, _price(name.level))
    if kept.remaining == wanted and abs(level - rests) < CENT:
        return None
    if kept.changes >= REPLACE_AFTER:
        return _cancelled([kept], "it could not be changed: another takes its place")
    done = int(max(kept.filled, kept.reported))
    moved = "the level of the session" if name.begins else "raised"
    why = moved if kept.remaining == wanted else f"covers {wanted}"
    return Next((Change(kept.ticket(shares=done + wanted, stop=level), why),))


def _entry_under_way(name: Name, entry: Known, moment: Moment) -> Next:
    """An entry that works is left alone for a while, and its stop with it."""
    age = moment.now - entry.intent.at
    if name.no_entry:
        return _cancelled([entry], "no entries")
    if entry.filled > 0 and age >= WHOLE_WITHIN:
        return _cancelled([entry], f"filled {entry.filled:g} of {entry.shares:g}: the part is protected now")
    return _cancelled([entry], f"not filled within {FILL_WITHIN.seconds} s") if age >= FILL_WITHIN else LATER


def _new_stop(name: Name, wanted: int, moment: Moment) -> Next:
    """Where the last one rested, or higher; at the beginning of a session where the book wants it."""
    before = [order.stop or 0.0 for order in name.orders if order.role is Role.STOP and order.filled < order.shares]
    level = max(LEAST_STOP, *([] if name.begins else before[-1:]), _price(name.level))
    if moment.now < _retry_at(name, Role.STOP, moment) or (name.apart and not level < name.price):
        return LATER
    return Next((Place((name.ticket(Role.STOP, wanted, stop=level),), "coverage"),))


def _enter(name: Name, moment: Moment) -> Next:
    purchase = name.purchase
    if purchase is None or not purchase.shares or not moment.market:
        return NOTHING
    number = name.number(Role.ENTRY, Role.STOP)
    entry, stop = (ref_of(name.session, name.ticker, role, number) for role in (Role.ENTRY, Role.STOP))
    shares = purchase.shares
    return Next(
        (
            Place(
                (
                    Ticket(entry, name.ticker, Side.BUY, shares, Kind.MARKET),
                    Ticket(stop, name.ticker, Side.SELL, shares, Kind.STOP, _price(purchase.stop), parent=entry),
                ),
                "entry",
            ),
        )
    )


def _cancelled(orders: Iterable[Known], why: str) -> Next:
    return Next(tuple(Cancel(order.ref, order.ticker, why) for order in orders))


def _selling(name: Name) -> int:
    """In working sales at the market. [shares]"""
    return int(sum(order.remaining for order in name.live(Role.EXIT, Role.REDUCE)))


def _failures(orders: Iterable[Known], role: Role) -> int:
    return sum(order.role is role and order.failed for order in orders)


def _retry_at(name: Name, role: Role, moment: Moment) -> datetime:
    failed = [order.since for order in name.orders if order.role is role and order.failed]
    if not failed:
        return moment.now
    waits = STOP_AGAIN_AFTER if role is Role.STOP else RETRY_AFTER
    return max(failed) + waits[min(len(failed), len(waits)) - 1]


def _old(moment: Moment) -> bool:
    return moment.read is None or moment.now - moment.read > TRUTH_WITHIN


def _price(level: float) -> float:
    """In whole cents, as orders take it; down, so that a price in cents reaches both or neither. [currency]"""
    return (level * 100.0 + 1e-6) // 1.0 / 100.0
