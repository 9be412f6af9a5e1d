"""The exchange and the broker behind a gateway, without a socket and without a clock: time comes with each call."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alphalib.gateway import matching
from alphalib.gateway.accounts import Account, Position, Tariff
from alphalib.gateway.admission import change_objection, objection
from alphalib.gateway.ledger import Charged, Executed, Ledger, Refused, Stated
from alphalib.gateway.orders import Changed, Commission, Contract, Execution, Order, Print, Refusal, Status, VenueEvent

FIXED = Tariff()
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
TRADE, END = 0, 1  # what a timer is for


@dataclass
class _Working:
    """An order inside the venue.

    Parameters
    ----------
    order : Order
        Ours; clients see copies.
    active : bool
        Transmitted, and no parent stands before it.
    triggered : bool
        A stop that is one no more.
    ready : bool
        Trades at the next chance, at what is printed.
    due : datetime, optional
        When it becomes ready.
    cap : float
        Most that it fills in all. [shares]
    charged : float
        Commission so far. [currency]
    value : float
        Of its fills. [currency]
    refusal : tuple of int and str, optional
        Strikes when it is transmitted.
    parent : _Working, optional
        What must fill first.
    forgotten : bool
        Before the last restart.
    """

    order: Order
    active: bool = False
    triggered: bool = False
    ready: bool = False
    due: datetime | None = None
    cap: float = math.inf
    charged: float = 0.0
    value: float = 0.0
    refusal: tuple[int, str] | None = None
    parent: _Working | None = None
    forgotten: bool = False

    @property
    def over(self) -> bool:
        return self.order.status.over

    @property
    def room(self) -> float:
        """What may fill now: no more than the cap, and than the parent has filled. [shares]"""
        room = min(self.order.remaining, self.cap - self.order.filled)
        if self.parent is not None:
            room = min(room, self.parent.order.filled - self.order.filled)
        return max(room, 0.0)

    @property
    def working(self) -> float:
        """What it stands for: see `Stated.working`. [shares]"""
        if not self.active or self.over:
            return 0.0
        if self.parent is not None and not self.parent.over:
            return min(self.order.remaining, max(self.parent.order.filled - self.order.filled, 0.0))
        return self.order.remaining


@dataclass
class _Filled:
    """An execution inside the venue, in its last revision."""

    working: _Working
    execution: Execution
    commission: Commission
    forgotten: bool = False


class Venue:
    """Accounts, orders and executions, with the order states of TWS.

    Every call that takes `now` first does what is due until then (market orders whose `latency` is over, cancels). A
    server therefore calls `advance` at `due` when nothing else happens. What happens is told at once, in the order in
    which TWS says it, with copies that no longer change: for a fill Execution, Changed (Filled), Commission; then what
    follows from it: others of its OCA group cancelled, children working.

    Parameters
    ----------
    accounts : mapping of str to float
        Cash by account. [currency]
    contracts : iterable of Contract
        What can be traded.
    positions : mapping of str to mapping of str to Position, optional
        By account and symbol, at the start.
    tariff : Tariff
        Commission.
    spread_bps : float
        Of the price; a market order or stop pays half of it. [bps]
    latency : float
        From the acceptance of a market order to its fill, at the last price printed then: one that arrives at the
        boundary of a minute fills at that minute's opening print. [seconds]
    cancel_latency : float
        For this long a cancelled order is PendingCancel, and may fill. [seconds]
    max_fill : float, optional
        Most that one order fills at one print. [shares]
    active_on_partial : bool
        Whether children work as soon as their parent is partly filled, for that part, and stay when the rest of it is
        cancelled; else they wait for the whole parent, and go with it.
    tell : callable
        Called with each event.
    ledger : Ledger, optional
        Where all of it is written; a new one when left out.
    """

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
        self._tariff, self._half_spread = tariff, spread_bps / 2e4
        self._latency, self._cancel_latency = timedelta(seconds=latency), timedelta(seconds=cancel_latency)
        self._max_fill = math.inf if max_fill is None else max_fill
        self._active_on_partial = active_on_partial
        self._known: dict[tuple[int, int], _Working] = {}  # by client and its number
        self._all: dict[int, _Working] = {}  # by perm_id
        self._book: defaultdict[str, dict[int, _Working]] = defaultdict(dict)  # not over, by symbol and perm_id
        self._groups: defaultdict[tuple[str, str], list[_Working]] = defaultdict(list)  # OCA
        self._fills: dict[str, _Filled] = {}  # by root
        self._last: dict[str, float] = {}
        self._current: set[str] = set()  # names whose last price is of the present trading
        self._next_ids: dict[int, int] = {}
        self._timers: list[tuple[datetime, int, int]] = []  # when, perm_id, what for

    # What clients ask for

    def place(self, order: Order, now: datetime, *, refusal: tuple[int, str] | None = None) -> None:
        """Take a new order, or a modification when the client has an order of that number.

        What the venue decides (`perm_id`, `status`, `filled` …) is ignored in what is given. An empty `account` is the
        only one; an empty `tif` is DAY and told with 10349, as TWS does by its presets. A refusal (a fault: code and
        text, such as 201) strikes when the order is transmitted.
        """
        self.advance(now)
        order = copy(order)
        if not order.account and len(self.accounts) == 1:
            order.account = next(iter(self.accounts))
        name = (order.client_id, order.order_id)
        known = self._known.get(name)
        wrong = objection(order, self.contracts)
        if wrong is None and known is not None:
            wrong = change_objection(known.order, order)
        elif wrong is None and order.order_id < self.next_id(order.client_id):
            wrong = 103, "Duplicate order id"
        elif wrong is None and order.parent_id and (order.client_id, order.parent_id) not in self._known:
            wrong = 10006, "Missing parent order."
        self._next_ids[order.client_id] = max(self.next_id(order.client_id), order.order_id + 1)
        if wrong is not None:
            self._refuse(*name, *wrong)
        elif known is not None:
            self._change(known, order)
        else:
            self._take(order, refusal)

    def cancel(self, client_id: int, order_id: int, now: datetime) -> None:
        """Cancel an order of a client; 10147 when there is none, 10148 when it is over, 161 when that is under way."""
        self.advance(now)
        known = self._known.get((client_id, order_id))
        if known is None or known.forgotten:
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            self._refuse(client_id, order_id, 10147, text)
        elif known.over:
            text = f"OrderId {order_id} that needs to be cancelled can not be cancelled, state: {known.order.status}."
            self._refuse(client_id, order_id, 10148, text)
        elif known.order.status is Status.PENDING_CANCEL:
            text = f"Cancel attempted when order is not in a cancellable state. Order permId ={known.order.perm_id}"
            self._refuse(client_id, order_id, 161, text)
        else:
            self._begin_cancel(known)

    def cancel_all(self, now: datetime) -> None:
        """Global cancel: every order of every client."""
        self.advance(now)
        for working in list(self._all.values()):
            if not working.over and working.order.status is not Status.PENDING_CANCEL:
                self._begin_cancel(working)

    def drop_untransmitted(self, client_id: int) -> None:
        """A client is gone: what it held back was never anywhere."""
        for name, working in list(self._known.items()):
            if name[0] == client_id and working.order.status is Status.HELD_BACK:
                self._vanish(working)

    # What happens at the venue

    def withdraw(self, perm_id: int, now: datetime) -> None:
        """Cancel any order by the venue's number, as somebody does by hand in TWS."""
        self.advance(now)
        self._begin_cancel(self._open_order(perm_id))

    def reject(self, perm_id: int, now: datetime, *, code: int = 201, text: str = "Order rejected - reason:") -> None:
        """A working order becomes Inactive, its children are cancelled."""
        self.advance(now)
        self._reject(self._open_order(perm_id), code, text)

    def ration(self, perm_id: int, shares: float) -> None:
        """From now on an order fills no more than this in all, until rationed anew (`math.inf` lifts it). [shares]"""
        self._open_order(perm_id).cap = shares

    def correct(self, exec_id: str, now: datetime, *, shares: float | None = None, price: float | None = None) -> None:
        """The exchange corrects a fill: the same id with a higher last part takes its place, and its commission."""
        self.advance(now)
        root = exec_id.rpartition(".")[0]
        if root not in self._fills:
            raise ValueError(f"there is no execution {exec_id}")
        filled = self._fills[root]
        working, old = filled.working, filled.execution
        order = working.order
        new_shares, new_price = old.shares if shares is None else shares, old.price if price is None else price
        more = new_shares - old.shares
        value = new_shares * new_price - old.shares * old.price
        if not 0.0 <= order.filled + more <= order.quantity:
            raise ValueError(
                f"a correction to {new_shares} shares would fill {order.filled + more} of {order.quantity}"
            )
        order.filled += more
        working.value += value
        order.average = working.value / order.filled if order.filled else 0.0
        sign = matching.side(order)
        self.accounts[order.account].amend(order.contract.symbol, sign * more, sign * value)
        revision_of = int(old.exec_id.rpartition(".")[2]) + 1
        name = f"{root}.{revision_of:02d}"
        filled.execution = Execution(name, copy(order), new_shares, new_price, old.at, order.filled, order.average)
        cost = filled.commission
        filled.commission = Commission(name, cost.client_id, cost.commission, cost.realised)
        self._tell_fill(filled)

    def advance(self, now: datetime) -> None:
        """Do what is due until now."""
        self._run_timers(now)
        self.now = max(self.now, now)

    @property
    def due(self) -> datetime | None:
        """When `advance` has something to do next."""
        return self._timers[0][0] if self._timers else None

    def print_(self, trade: Print) -> None:
        """The market trades: orders are triggered and filled by it. While a name is halted nothing of it counts."""
        symbol = trade.symbol
        if symbol in self.halted:
            return
        self._run_timers(trade.at, before=True)
        self.now = max(self.now, trade.at)
        before = self._last.get(symbol) if symbol in self._current else None
        self._last[symbol] = trade.price
        if not self.is_open:
            return
        self._current.add(symbol)
        jump = trade.opens or before is None
        book = self._book.get(symbol)
        for working in [working for working in book.values() if working.active] if book else ():
            if not working.over:
                self._move(working, before, trade.price, jump)

    def open_session(self, now: datetime) -> None:
        """Regular hours begin; market orders that waited are executable `latency` later."""
        self.advance(now)
        self.is_open = True
        self._current.clear()
        for working in list(self._all.values()):
            if working.active and not working.over:
                self._arm(working)

    def close_session(self, now: datetime) -> None:
        """Regular hours end; DAY orders expire (Cancelled)."""
        self.advance(now)
        self.is_open = False
        self._current.clear()
        for working in list(self._all.values()):
            if not working.over and working.order.tif == "DAY" and working.order.status is not Status.HELD_BACK:
                self._end(working, Status.CANCELLED)
            elif working.order.status is Status.PENDING_CANCEL:
                self._end(working, Status.CANCELLED, "Order Canceled - reason:")
            working.ready = False
        self._timers.clear()

    def restart(self, now: datetime, *, roll_back: int = 0) -> None:
        """Nightly restart: DAY orders, completed orders and executions are forgotten, GTC orders stay.

        `next_id` of every client falls by `roll_back`, but not to a number that an open order has.
        """
        self.advance(now)
        for name, working in list(self._known.items()):
            if working.over or working.order.tif == "DAY" or working.order.status is Status.HELD_BACK:
                if not working.over:
                    self._vanish(working)
                working.forgotten = True
                self._known.pop(name, None)
        for filled in self._fills.values():
            filled.forgotten = True
        for client, following in self._next_ids.items():
            taken = [number + 1 for (owner, number) in self._known if owner == client]
            self._next_ids[client] = max(following - roll_back, 1, *taken)

    def halt(self, symbol: str, now: datetime) -> None:
        """Trading in a name stops; what is told of its price meanwhile is not the venue's affair."""
        self.advance(now)
        self.halted.add(symbol)
        self._current.discard(symbol)

    def resume(self, symbol: str, now: datetime) -> None:
        """Trading goes on, with a jump to the next print."""
        self.advance(now)
        self.halted.discard(symbol)

    # What can be read

    def next_id(self, client_id: int) -> int:
        """Next valid order number of a client."""
        return self._next_ids.get(client_id, 1)

    def order(self, client_id: int, order_id: int) -> Order | None:
        """The order that a client knows by this number, open or over, held-back ones too; a copy."""
        known = self._known.get((client_id, order_id))
        return copy(known.order) if known else None

    def orders(self, client_id: int | None = None) -> list[Order]:
        """Open orders of one client or of all, by `perm_id`; without those held back."""
        return [
            copy(working.order)
            for working in self._all.values()
            if not working.over
            and working.order.status is not Status.HELD_BACK
            and client_id in (None, working.order.client_id)
        ]

    def completed(self) -> list[Order]:
        """Orders that are over, since the last restart."""
        return [copy(working.order) for working in self._all.values() if working.over and not working.forgotten]

    def executions(self) -> list[tuple[Execution, Commission]]:
        """Fills since the last restart, each in its last revision, with what it cost."""
        return [(filled.execution, filled.commission) for filled in self._fills.values() if not filled.forgotten]

    def positions(self, account: str) -> dict[str, Position]:
        """What an account holds, by symbol."""
        return dict(self.accounts[account].positions)

    @property
    def cash(self) -> dict[str, float]:
        """By account. [currency]"""
        return {name: account.cash for name, account in self.accounts.items()}

    def nav(self, account: str) -> float:
        """Cash, and positions at last prices. [currency]"""
        return self.accounts[account].worth(self._last)

    def last(self, symbol: str) -> float | None:
        """Last price printed. [currency]"""
        return self._last.get(symbol)

    # How an order comes to work

    def _take(self, order: Order, refusal: tuple[int, str] | None) -> None:
        order.perm_id = self._number(len(self._all))
        order.status, order.held_for, order.placed = Status.HELD_BACK, "", self.now
        order.filled = order.average = order.last = 0.0
        parent = self._known[order.client_id, order.parent_id] if order.parent_id else None
        working = _Working(order, refusal=refusal, parent=parent)
        self._known[order.client_id, order.order_id] = working
        self._all[order.perm_id] = working
        self._book[order.contract.symbol][order.perm_id] = working
        self._note(working)
        if order.transmit:
            self._transmit(working)

    def _number(self, count: int) -> int:
        """A number for ever: by the day, so that venues of other days give out others."""
        return (self.now.toordinal() - 700_000) * 10_000 + count + 1

    def _transmit(self, working: _Working) -> None:
        """Send an order on its way; a child takes its parent and what else that has along, the parent first."""
        family = [working]
        if working.parent is not None:
            family = [working.parent, *self._children(working.parent)]
        for member in family:
            if member.order.status is Status.HELD_BACK:
                self._accept(member)

    def _accept(self, working: _Working) -> None:
        order, parent = working.order, working.parent
        refusal = working.refusal
        order.transmit = True
        if order.account not in self.accounts:
            refusal = 201, f"Order rejected - reason:Invalid account code {order.account!r}"
        if parent is not None and parent.over and not self._free(working):
            refusal = 201, "Order rejected - reason:Parent order is being cancelled."
        if refusal is not None:
            self._reject(working, *refusal)
            return
        if not order.tif:
            order.tif = "DAY"
            self._refuse(order.client_id, order.order_id, 10349, "Order TIF was set to DAY based on order preset.")
        if group := self._group(working):
            self._groups[group].append(working)
        if self._free(working):
            self._activate(working)
        else:
            self._state(working, Status.PRE_SUBMITTED, "child,trigger" if self._rests(working) else "child")

    def _free(self, working: _Working) -> bool:
        """Whether no parent stands before an order."""
        parent = working.parent
        if parent is None or parent.order.status is Status.FILLED:
            return True
        return self._active_on_partial and parent.order.filled > 0

    def _activate(self, working: _Working) -> None:
        working.active = True
        resting = self._rests(working)
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

    def _arm(self, working: _Working) -> None:
        """Set an active order against the market as it stands, in an open session."""
        order = working.order
        symbol = order.contract.symbol
        last = self._last[symbol] if symbol in self._current else None
        if self._rests(working):
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

    def _wait(self, working: _Working) -> None:
        working.due = self.now + self._latency
        working.ready = False
        heapq.heappush(self._timers, (working.due, working.order.perm_id, TRADE))

    def _rests(self, working: _Working) -> bool:
        return working.order.kind in matching.STOPS and not working.triggered

    def _trigger(self, working: _Working) -> None:
        working.triggered = True
        if working.order.status is not Status.PENDING_CANCEL:
            self._state(working, Status.SUBMITTED, "")

    def _change(self, working: _Working, new: Order) -> None:
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
            resting = self._rests(working)
            held = "trigger" if resting else ""
            if not working.active:
                held = "child,trigger" if resting else "child"
            waits = resting or not self.is_open or not working.active
            self._state(working, Status.PRE_SUBMITTED if waits else Status.SUBMITTED, held)
            if working.active and self.is_open and not working.ready:
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

    def _become_ready(self, working: _Working) -> None:
        order = working.order
        symbol = order.contract.symbol
        working.due = None
        working.ready = True
        if symbol in self._current and matching.marketable(order, self._last[symbol]):
            self._fill(working, self._last[symbol])
        if order.kind in matching.LIMITS and symbol in self._current:
            working.ready = False  # what is left rests at its limit

    def _move(self, working: _Working, before: float | None, price: float, jump: bool) -> None:
        """The market went from one price to another."""
        order = working.order
        if working.due is not None:
            if working.due <= self.now:
                self._become_ready(working)
        elif self._rests(working):
            reached = matching.trigger_price(order, price, jump=jump)
            if reached is not None:
                self._trigger(working)
                working.ready = order.kind not in matching.LIMITS
                if matching.marketable(order, reached):
                    self._fill(working, reached)
            elif order.kind == "TRAIL":
                order.trail_stop = matching.trailed(order, price)
        elif order.kind in matching.LIMITS:
            if working.ready:  # came before the first print
                working.ready, jump = False, True
            reached = matching.limit_price(order, before, price, jump=jump)
            if reached is not None:
                self._fill(working, reached)
        elif working.ready:
            self._fill(working, price)

    def _fill(self, working: _Working, price: float) -> None:
        order = working.order
        shares = min(working.room, self._max_fill)
        if shares <= 0:
            return
        sign = matching.side(order)
        if order.kind not in matching.LIMITS:
            price *= 1.0 + sign * self._half_spread
        order.filled += shares
        working.value += shares * price
        order.average, order.last = working.value / order.filled, price
        total = self._tariff.of(order.filled, working.value)
        cost, working.charged = total - working.charged, total
        realised = self.accounts[order.account].trade(order.contract.symbol, sign * shares, price, cost)
        root = f"{self.now.toordinal() - 700_000:08x}.{len(self._fills) + 1:08x}.01"
        name = f"{root}.01"
        filled = self._fills[root] = _Filled(
            working,
            Execution(name, copy(order), shares, price, self.now, order.filled, order.average),
            Commission(name, order.client_id, cost, realised),
        )
        self._tell_fill(filled)
        self._follow(working, shares)

    def _tell_fill(self, filled: _Filled) -> None:
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

    def _follow(self, working: _Working, shares: float) -> None:
        """What a fill means for others: its OCA group shrinks or ends, its children work."""
        order = working.order
        others = [member for member in self._groups.get(self._group(working) or ("", ""), ()) if member is not working]
        for other in others:
            if other.over:
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

    def _shrink(self, working: _Working, shares: float, *, whole: bool) -> None:
        order = working.order
        if whole or order.remaining <= shares:
            self._end(working, Status.CANCELLED, "Order Canceled - reason:")
        else:
            order.quantity -= shares
            self._state(working, order.status, order.held_for)

    # How it ends

    def _begin_cancel(self, working: _Working) -> None:
        order = working.order
        if order.status is Status.HELD_BACK or not self._cancel_latency:
            self._end(working, Status.CANCELLED, "Order Canceled - reason:")
            return
        self._state(working, Status.PENDING_CANCEL, order.held_for)
        heapq.heappush(self._timers, (self.now + self._cancel_latency, order.perm_id, END))

    def _reject(self, working: _Working, code: int, text: str) -> None:
        self._refuse(working.order.client_id, working.order.order_id, code, text)
        self._end(working, Status.INACTIVE)

    def _end(self, working: _Working, status: Status, reason: str = "") -> None:
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

    def _vanish(self, working: _Working) -> None:
        """The order is gone and nobody is told."""
        order = working.order
        order.status, order.held_for = Status.CANCELLED, ""
        working.active = working.ready = False
        working.forgotten = True
        self._book[order.contract.symbol].pop(order.perm_id, None)
        self._known.pop((order.client_id, order.order_id), None)
        self._note(working)

    def _children(self, working: _Working) -> list[_Working]:
        return [other for other in self._all.values() if other.parent is working]

    def _group(self, working: _Working) -> tuple[str, str] | None:
        """Orders of which one fills: by name, and the children of one parent."""
        order = working.order
        if order.oca_group:
            return order.account, order.oca_group
        return (order.account, f"parent {working.parent.order.perm_id}") if working.parent is not None else None

    def _open_order(self, perm_id: int) -> _Working:
        working = self._all.get(perm_id)
        if working is None or working.over:
            raise ValueError(f"there is no open order {perm_id}")
        return working

    # What is told and written

    def _state(self, working: _Working, status: Status, held_for: str) -> None:
        working.order.status, working.order.held_for = status, held_for
        self._note(working)
        self.tell(Changed(copy(working.order)))

    def _note(self, working: _Working) -> None:
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
