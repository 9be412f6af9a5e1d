"""The exchange and the broker behind a gateway, without a socket and without a clock: time comes with each call."""

from __future__ import annotations

from copy import copy
from datetime import datetime

from alphalib.gateway import matching
from alphalib.gateway.accounts import Position
from alphalib.gateway.admission import change_objection, objection
from alphalib.gateway.floor import Floor
from alphalib.gateway.orders import Commission, Execution, Order, Print, Status


class Venue(Floor):
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
        """Cancel any order by the venue's number, as somebody does by hand in TWS; nothing when it is over by then."""
        self.advance(now)
        working = self._numbered(perm_id)
        if not working.over:
            self._begin_cancel(working)

    def reject(self, perm_id: int, now: datetime, *, code: int = 201, text: str = "Order rejected - reason:") -> None:
        """A working order becomes Inactive, its children are cancelled; nothing when it is over by then."""
        self.advance(now)
        working = self._numbered(perm_id)
        if not working.over:
            self._reject(working, code, text)

    def ration(self, perm_id: int, shares: float) -> None:
        """From now on an order fills no more than this in all, until rationed anew (`math.inf` lifts it). [shares]"""
        self._numbered(perm_id).cap = shares

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
        sign, cost = matching.side(order), filled.commission
        more_realised = self.accounts[order.account].amend(
            order.contract.symbol, sign * more, sign * value, closing=cost.realised is not None
        )
        realised = None if cost.realised is None else cost.realised + more_realised
        revision = int(old.exec_id.rpartition(".")[2]) + 1
        name = f"{root}.{revision:02d}"
        filled.execution = Execution(name, copy(order), new_shares, new_price, old.at, order.filled, order.average)
        filled.commission = Commission(name, cost.client_id, cost.commission, realised)
        self._tell_fill(filled)
        self._follow(working, 0.0)  # what is filled up by it has children

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

    def room(self, exec_id: str) -> float:
        """Most that a fill can be corrected to: its own shares and what is left of its order. [shares]"""
        filled = self._fills[exec_id.rpartition(".")[0]]
        return filled.execution.shares + filled.working.order.remaining

    def last(self, symbol: str) -> float | None:
        """Last price printed. [currency]"""
        return self._last.get(symbol)
