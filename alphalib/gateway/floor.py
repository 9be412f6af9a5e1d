"""Orders as they come to work, fill and end: what a venue does on its own account."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from datetime import UTC, datetime, timedelta

from alphalib.gateway import matching
from alphalib.gateway.accounts import Account, Position, Tariff
from alphalib.gateway.ledger import Charged, Executed, Ledger, Refused, Stated
from alphalib.gateway.orders import Changed, Commission, Contract, Execution, Order, Refusal, Status, VenueEvent
from alphalib.gateway.working import Filled, Working

FIXED = Tariff()
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
TRADE, END = 0, 1  # what a timer is for


class Floor:
    """Where orders come to work, fill and end: the inside of `Venue`, which see for the arguments."""

    def __init__(
        self,
        accounts: Mapping[str, float],
        contracts: Iterable[Contract],
        *,
        positions: Mapping[str, Mapping[str, Position]] | None = None,
        tariff: Tariff = FIXED,
        spread_bps: float = 0.0,
        latency: float = 1.0,
        cancel_latency: float = 0.0,
        max_fill: float | None = None,
        active_on_partial: bool = False,
        tell: Callable[[VenueEvent], None] = lambda event: None,
        ledger: Ledger | None = None,
    ) -> None:
        held = positions or {}
        if strangers := set(held) - set(accounts):
            raise ValueError(f"positions of accounts that are not there: {', '.join(sorted(strangers))}")
        self.contracts = {contract.symbol: contract for contract in contracts}
        self.accounts = {name: Account(cash, dict(held.get(name, {}))) for name, cash in accounts.items()}
        self.ledger = ledger or Ledger(
            {name: {symbol: part.shares for symbol, part in of.items()} for name, of in held.items()}
        )
        self.tell = tell
        self.is_open = False
        self.halted: set[str] = set()
        self.now = LONG_AGO
        self._tariff, self.spread_bps = tariff, spread_bps
        self._latency, self._cancel_latency = timedelta(seconds=latency), timedelta(seconds=cancel_latency)
        self._max_fill = math.inf if max_fill is None else max_fill
        self._active_on_partial = active_on_partial
        self._known: dict[tuple[int, int], Working] = {}  # by client and its number
        self._all: dict[int, Working] = {}  # by perm_id
        self._book: defaultdict[str, dict[int, Working]] = defaultdict(dict)  # not over, by symbol and perm_id
        self._groups: defaultdict[tuple[str, str], list[Working]] = defaultdict(list)  # OCA
        self._fills: dict[str, Filled] = {}  # by root
        self._last: dict[str, float] = {}
        self._current: set[str] = set()  # names whose last price is of the present trading
        self._next_ids: dict[int, int] = {}
        self._timers: list[tuple[datetime, int, int]] = []  # when, perm_id, what for

    # How an order comes to work

    def _take(self, order: Order, refusal: tuple[int, str] | None) -> None:
        order.perm_id = self._number(len(self._all))
        order.status, order.held_for, order.placed = Status.HELD_BACK, "", self.now
        order.filled = order.average = order.last = 0.0
        parent = self._known[order.client_id, order.parent_id] if order.parent_id else None
        working = Working(order, refusal=refusal, parent=parent)
        self._known[order.client_id, order.order_id] = working
        self._all[order.perm_id] = working
        self._book[order.contract.symbol][order.perm_id] = working
        self._note(working)
        if order.transmit:
            self._transmit(working)

    def _number(self, count: int) -> int:
        """A number for ever: by the day, so that venues of other days give out others."""
        return (self.now.toordinal() - 700_000) * 10_000 + count + 1

    def _transmit(self, working: Working) -> None:
        """Send an order on its way; a child takes its parent and what else that has along, the parent first."""
        family = [working]
        if working.parent is not None:
            family = [working.parent, *self._children(working.parent)]
        for member in family:
            if member.order.status is Status.HELD_BACK:
                self._accept(member)

    def _accept(self, working: Working) -> None:
        order, parent = working.order, working.parent
        refusal = working.refusal
        order.transmit = True
        if order.account not in self.accounts:
            refusal = 201, f"Order rejected - reason:Invalid account code {order.account!r}"
        if parent is not None and parent.over and not self._free(working):
            if parent.order.status is Status.INACTIVE:  # it takes along what came with it
                self._end(working, Status.CANCELLED, "Order Canceled - reason:")
                return
            refusal = 201, "Order rejected - reason:Parent order is being cancelled."
        group = self._group(working)
        if order.oca_group and any(member.order.filled for member in self._groups[group]):
            refusal = 201, "Order rejected - reason:The OCA group is already filled"
        if refusal is not None:
            self._reject(working, *refusal)
            return
        if not order.tif:
            order.tif = "DAY"
            self._refuse(order.client_id, order.order_id, 10349, "Order TIF was set to DAY based on order preset.")
        self._groups[group].append(working)
        if self._free(working):
            self._activate(working)
        else:
            self._state(working, Status.PRE_SUBMITTED, "child,trigger" if working.rests else "child")

    def _free(self, working: Working) -> bool:
        """Whether no parent stands before an order."""
        parent = working.parent
        if parent is None or parent.order.status is Status.FILLED:
            return True
        return self._active_on_partial and parent.order.filled > 0

    def _activate(self, working: Working) -> None:
        working.active = True
        resting = working.rests
        waits = resting or not self.is_open
        self._state(working, Status.PRE_SUBMITTED if waits else Status.SUBMITTED, "trigger" if resting else "")
        if resting:
            self.tell(Changed(copy(working.order)))  # TWS says it twice of stops
        if self.is_open:
            self._arm(working)
        else:
            order = working.order
            text = (
                f"Order Message:\n{order.action} {order.quantity:g} {order.contract.symbol} {order.contract.exchange}\n"
                "Warning: Your order will not be placed at the exchange until the market opens"
            )
            self._refuse(order.client_id, order.order_id, 399, text)

    def _arm(self, working: Working) -> None:
        """Set an active order against the market as it stands, in an open session."""
        order = working.order
        symbol = order.contract.symbol
        last = self._last[symbol] if symbol in self._current else None
        if working.rests:
            if last is None:
                return
            if matching.beyond(order, last):
                self._trigger(working)
                self._wait(working)
            elif order.kind == "TRAIL":
                order.trail_stop = matching.trailed(order, last)
            return
        if order.status is Status.PRE_SUBMITTED:
            self._state(working, Status.SUBMITTED, "")
        if order.kind not in matching.LIMITS or last is None or matching.marketable(order, last):
            self._wait(working)

    def _wait(self, working: Working) -> None:
        working.due = self.now + self._latency
        working.ready = False
        heapq.heappush(self._timers, (working.due, working.order.perm_id, TRADE))

    def _trigger(self, working: Working) -> None:
        working.triggered = True
        if working.order.status is not Status.PENDING_CANCEL:
            self._state(working, Status.SUBMITTED, "")

    def _change(self, working: Working, new: Order) -> None:
        order = working.order
        if new.kind != order.kind:
            working.triggered = working.ready = False
            working.due = None
        for name in ("quantity", "kind", "limit", "aux", "percent", "ref", "outside_rth"):
            setattr(order, name, getattr(new, name))
        order.tif = new.tif or order.tif
        order.echo = new.echo
        order.transmit = order.transmit or new.transmit
        order.trail_stop = order.trail_stop if new.trail_stop is None else new.trail_stop
        if order.status is Status.HELD_BACK:
            self._note(working)
            if new.transmit:
                self._transmit(working)
        elif not order.remaining:
            self._end(working, Status.FILLED)
            self._follow(working, 0.0)
        else:
            resting = working.rests
            held = "trigger" if resting else ""
            if not working.active:
                held = "child,trigger" if resting else "child"
            waits = resting or not self.is_open or not working.active
            self._state(working, Status.PRE_SUBMITTED if waits else Status.SUBMITTED, held)
            if working.active and self.is_open:
                self._arm(working)

    # How it fills

    def _run_timers(self, until: datetime, *, before: bool = False) -> None:
        """Do what is due until then; `before`: an order due at the very instant of a print takes that print."""
        while self._timers and (self._timers[0][0] < until if before else self._timers[0][0] <= until):
            at, perm_id, purpose = heapq.heappop(self._timers)
            working = self._all[perm_id]
            self.now = max(self.now, at)
            if working.over:
                continue
            if purpose == END:
                if working.order.status is Status.PENDING_CANCEL:
                    self._end(working, Status.CANCELLED, "Order Canceled - reason:")
            elif working.due == at and self.is_open:
                self._become_ready(working)

    def _become_ready(self, working: Working) -> None:
        order = working.order
        symbol = order.contract.symbol
        working.due = None
        working.ready = True
        if symbol in self._current and matching.marketable(order, self._last[symbol]):
            self._fill(working, self._last[symbol])

    def _move(self, working: Working, before: float | None, price: float, jump: bool) -> None:
        """The market went from one price to another."""
        order = working.order
        if working.due is not None:
            if working.due <= self.now:
                self._become_ready(working)
        elif working.rests:
            reached = matching.trigger_price(order, price, jump=jump)
            if reached is not None:
                self._trigger(working)
                working.ready = True
                if matching.marketable(order, reached):
                    self._fill(working, reached)
            elif order.kind == "TRAIL":
                order.trail_stop = matching.trailed(order, price)
        elif order.kind in matching.LIMITS:
            reached = matching.limit_price(order, before, price, jump=jump)
            if reached is not None:
                self._fill(working, reached)
        elif working.ready:
            self._fill(working, price)

    def _fill(self, working: Working, price: float) -> None:
        order = working.order
        shares = min(working.room, self._max_fill)
        if shares <= 0:
            return
        sign = matching.side(order)
        if order.kind not in matching.LIMITS:
            price *= 1.0 + sign * self.spread_bps / 2e4
        order.filled += shares
        working.value += shares * price
        order.average, order.last = working.value / order.filled, price
        total = self._tariff.of(order.filled, working.value)
        cost, working.charged = total - working.charged, total
        realised = self.accounts[order.account].trade(order.contract.symbol, sign * shares, price, cost)
        root = f"{self.now.toordinal() - 700_000:08x}.{len(self._fills) + 1:08x}.01"
        name = f"{root}.01"
        filled = self._fills[root] = Filled(
            working,
            Execution(name, copy(order), shares, price, self.now, order.filled, order.average),
            Commission(name, order.client_id, cost, realised),
        )
        self._tell_fill(filled)
        self._follow(working, shares)

    def _tell_fill(self, filled: Filled) -> None:
        """TWS's order: the execution, the order's state, the commission."""
        working, done, cost = filled.working, filled.execution, filled.commission
        order = working.order
        self.ledger.add(
            Executed(
                self.now, done.exec_id, order.perm_id, order.account, order.contract.symbol, order.ref, order.action,
                done.shares, done.price,
            )
        )  # fmt: skip
        self.tell(done)
        if not order.remaining and not working.over:
            self._end(working, Status.FILLED)
        elif not working.over:
            self._state(working, order.status, order.held_for)
        self.ledger.add(Charged(self.now, cost.exec_id, cost.commission, cost.realised))
        self.tell(cost)

    def _follow(self, working: Working, shares: float) -> None:
        """What a fill means for others: its OCA group shrinks or ends, its children work."""
        order = working.order
        for other in list(self._groups[self._group(working)]):
            if other.over or other is working:
                continue
            if order.oca_type in (2, 3) or not order.oca_group:
                self._shrink(other, shares, whole=not order.remaining)
            else:
                self._end(other, Status.CANCELLED, "Order Canceled - reason:")
        for child in self._children(working):
            if child.over or child.order.status is Status.HELD_BACK:
                continue
            if not child.active and self._free(child):
                self._activate(child)
            else:
                self._note(child)

    def _shrink(self, working: Working, shares: float, *, whole: bool) -> None:
        order = working.order
        if whole or order.remaining <= shares:
            self._end(working, Status.CANCELLED, "Order Canceled - reason:")
        else:
            order.quantity -= shares
            self._state(working, order.status, order.held_for)

    # How it ends

    def _begin_cancel(self, working: Working) -> None:
        order = working.order
        if order.status is Status.HELD_BACK or not self._cancel_latency:
            self._end(working, Status.CANCELLED, "Order Canceled - reason:")
            return
        self._state(working, Status.PENDING_CANCEL, order.held_for)
        heapq.heappush(self._timers, (self.now + self._cancel_latency, order.perm_id, END))

    def _reject(self, working: Working, code: int, text: str) -> None:
        self._refuse(working.order.client_id, working.order.order_id, code, text)
        self._end(working, Status.INACTIVE)

    def _end(self, working: Working, status: Status, reason: str = "") -> None:
        """The order is over; children that wait for it go with it."""
        order = working.order
        working.active = working.ready = False
        working.due = None
        self._book[order.contract.symbol].pop(order.perm_id, None)
        self._state(working, status, "")
        if reason:
            self._refuse(order.client_id, order.order_id, 202, reason)
        for child in self._children(working) if status is not Status.FILLED else ():
            if child.over or child.order.status is Status.HELD_BACK:
                continue
            if self._free(child):
                self._note(child)
            else:
                self._end(child, Status.CANCELLED, "Order Canceled - reason:")

    def _vanish(self, working: Working) -> None:
        """The order is gone and nobody is told."""
        order = working.order
        order.status, order.held_for = Status.CANCELLED, ""
        working.active = working.ready = False
        working.forgotten = True
        self._book[order.contract.symbol].pop(order.perm_id, None)
        self._known.pop((order.client_id, order.order_id), None)
        self._note(working)
        for child in self._children(working):
            if not child.over and not self._free(child):
                self._vanish(child)

    def _children(self, working: Working) -> list[Working]:
        return [other for other in self._all.values() if other.parent is working]

    def _group(self, working: Working) -> tuple[str, str]:
        """Orders of which one fills: by name, or the children of one parent; else the order alone."""
        order = working.order
        if order.oca_group:
            return order.account, order.oca_group
        return "", f"{order.perm_id}" if working.parent is None else f"children of {working.parent.order.perm_id}"

    def _numbered(self, perm_id: int) -> Working:
        if perm_id not in self._all:
            raise ValueError(f"there is no order {perm_id}")
        return self._all[perm_id]

    # What is told and written

    def _state(self, working: Working, status: Status, held_for: str) -> None:
        working.order.status, working.order.held_for = status, held_for
        self._note(working)
        self.tell(Changed(copy(working.order)))

    def _note(self, working: Working) -> None:
        order = working.order
        self.ledger.add(
            Stated(
                self.now, order.perm_id, order.client_id, order.order_id, order.account, order.contract.symbol,
                order.ref, order.action, order.kind, order.quantity, order.filled, matching.level(order), order.status,
                order.held_for, working.working,
            )
        )  # fmt: skip

    def _refuse(self, client_id: int, order_id: int, code: int, text: str) -> None:
        self.ledger.add(Refused(self.now, client_id, order_id, code, text))
        self.tell(Refusal(client_id, order_id, code, text))
