"""Carries out what a fault script has for connections, the market and the gateway as a whole."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from alphalib.clock import SessionLoop
from alphalib.gateway.audience import Audience
from alphalib.gateway.connection import Connection
from alphalib.gateway.faults import Act, Fault
from alphalib.gateway.market_data import Change
from alphalib.gateway.orders import Order
from alphalib.gateway.venue import Venue
from alphalib.gateway.wire import whole

BUSY_FOR = 0.7  # seconds from the refusal of a client's number to the end of its connection
IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."
LOST = "Connectivity between IB and Trader Workstation has been lost."
RESTORED = "Connectivity between IB and Trader Workstation has been restored - data maintained."
RESTORED_WITHOUT_DATA = (
    "Connectivity between IB and Trader Workstation has been restored - data lost. Relogin to account is necessary."
)


class Struck(Protocol):
    """A gateway, as far as mishaps touch it."""

    loop: SessionLoop
    audience: Audience
    venue: Venue

    def welcome(self, client: Connection, accounts: Sequence[str]) -> None:
        """Say hello to a client that was let in."""

    def wake(self) -> None:
        """Look again at what there is to do."""

    async def close_port(self) -> None:
        """End every connection, and take no new one."""

    async def open_port(self) -> None:
        """Take connections."""


class Mishaps:
    """What is wrong at the moment, and how it came and goes.

    Parameters
    ----------
    gateway : Struck
        To which it happens.
    """

    def __init__(self, gateway: Struck) -> None:
        self.silent = False
        self._gateway = gateway
        self._busy = self._nameless = 0  # of the next connections
        self._accounts: tuple[str, ...] = ()
        self._refusing_until: datetime | None = None
        self._stale: dict[str, datetime] = {}  # by symbol, empty for all
        self._bad: dict[str, tuple[datetime, float]] = {}
        self._restarts: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Leave nothing under way."""
        for task in self._restarts:
            task.cancel()
        await asyncio.gather(*self._restarts, return_exceptions=True)

    # Of a login

    def log_in(self, client: Connection, fields: list[str], faults: Sequence[Fault]) -> None:
        """Let a client in, or not."""
        if client.over:  # it did not wait for as long as nobody was let in
            return
        acts = {fault.do: fault for fault in faults}
        if refused := acts.get(Act.REFUSE_LOGIN):
            self._refuse(refused)
        if silent := acts.get(Act.SILENT):
            self._be_silent(silent)
        if named := acts.get(Act.ACCOUNTS):
            self._accounts = named.accounts
        now = self._gateway.loop.now()
        if self._refusing_until is not None and now < self._refusing_until:
            wait = (self._refusing_until - now).total_seconds()
            self._gateway.loop.call_later(wait, self.log_in, client, fields, ())
            return
        busy = Act.BUSY_ID in acts or self._busy > 0 or whole(fields[2]) in self._gateway.audience.clients
        self._busy = max(0, self._busy - 1)
        if busy:
            client.refuse(326, IN_USE)
            self._gateway.loop.call_later(BUSY_FOR, client.close)
            return
        nameless = Act.EMPTY_ACCOUNTS in acts or self._nameless > 0
        self._nameless = max(0, self._nameless - 1)
        client.client_id = whole(fields[2])
        self._gateway.audience.join(client)
        self._gateway.welcome(client, () if nameless else self._accounts or tuple(self._gateway.venue.cash))

    def _refuse(self, fault: Fault) -> None:
        self._refusing_until = self._until(fault)

    def _until(self, fault: Fault) -> datetime:
        return self._gateway.loop.now() + timedelta(seconds=fault.seconds)

    # At a time

    def strike(self, fault: Fault) -> None:
        """Carry out a fault that is due."""
        _AT_A_TIME[fault.do](self, fault)

    def _be_silent(self, fault: Fault) -> None:
        self.silent = True
        self._gateway.loop.call_later(fault.seconds, self._wake)

    def _wake(self) -> None:
        self.silent = False
        self._gateway.wake()

    def _cut(self, fault: Fault) -> None:
        for number, client in list(self._gateway.audience.clients.items()):
            if fault.client in (None, number):
                client.close()

    def _be_busy(self, fault: Fault) -> None:
        self._busy = fault.times

    def _be_nameless(self, fault: Fault) -> None:
        self._nameless = fault.times

    def _rename(self, fault: Fault) -> None:
        self._accounts = fault.accounts

    def _lose(self, fault: Fault) -> None:
        self._gateway.audience.cut_off = True
        self._gateway.audience.tell_everyone(1100, LOST)

    def _restore(self, fault: Fault) -> None:
        self._gateway.audience.cut_off = False
        self._gateway.audience.tell_everyone(1102, RESTORED)

    def _restore_without_data(self, fault: Fault) -> None:
        self._gateway.audience.cut_off = False
        self._gateway.audience.forget_subscriptions()
        self._gateway.audience.tell_everyone(1101, RESTORED_WITHOUT_DATA)

    def _restart(self, fault: Fault) -> None:
        task = self._gateway.loop.create_task(self._restarting(fault))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restarting(self, fault: Fault) -> None:
        await self._gateway.close_port()
        self._gateway.venue.restart(self._gateway.loop.now(), roll_back=fault.roll_back)
        await asyncio.sleep(fault.seconds)
        await self._gateway.open_port()

    def _halt(self, fault: Fault) -> None:
        self._gateway.venue.halt(fault.symbol, self._gateway.loop.now())
        self._gateway.audience.tell_halted(fault.symbol, halted=True)

    def _resume(self, fault: Fault) -> None:
        self._gateway.venue.resume(fault.symbol, self._gateway.loop.now())
        self._gateway.audience.tell_halted(fault.symbol, halted=False)

    def _stall(self, fault: Fault) -> None:
        self._stale[fault.symbol] = self._until(fault)

    def _spoil(self, fault: Fault) -> None:
        self._bad[fault.symbol] = (self._until(fault), math.nan if fault.price is None else fault.price)

    def _withdraw(self, fault: Fault) -> None:
        for order in self._meant(fault):
            self._gateway.venue.withdraw(order.perm_id, self._gateway.loop.now())

    def _warn(self, fault: Fault) -> None:
        for order in self._meant(fault):
            client = self._gateway.audience.clients.get(order.client_id)
            if client is not None:
                client.refuse(fault.code or 10349, fault.text, about=order.order_id)

    def _ration(self, fault: Fault) -> None:
        for order in self._meant(fault):
            self._gateway.venue.ration(order.perm_id, fault.shares or 0.0)

    def _reject(self, fault: Fault) -> None:
        for order in self._meant(fault):
            text = fault.text or "Order rejected - reason:"
            self._gateway.venue.reject(order.perm_id, self._gateway.loop.now(), code=fault.code or 201, text=text)

    def _complain(self, fault: Fault) -> None:
        watchers = self._gateway.audience.watchers.get(fault.symbol)
        if watchers is None:
            self._gateway.audience.tell_everyone(fault.code or 0, fault.text)
            return
        for client, request in list(watchers):
            client.refuse(fault.code or 0, fault.text, about=request)

    def _meant(self, fault: Fault) -> Iterator[Order]:
        """Open orders that a fault is about, one after the other: what happens to one may end the next."""
        for order in self._gateway.venue.orders():
            found = self._gateway.venue.order(order.client_id, order.order_id)
            lives = found is not None and not found.status.over
            if lives and fault.fits(order.client_id, order.contract.symbol, order.ref):
                yield order

    # Of ticks

    def spoilt(self, symbol: str, changes: list[Change]) -> list[Change]:
        """What watchers of a name are told instead."""
        if not self._stale and not self._bad:
            return changes
        now = self._gateway.loop.now()
        if any(now < self._stale[name] for name in ("", symbol) if name in self._stale):
            return []
        for until, price in (self._bad[name] for name in ("", symbol) if name in self._bad):
            if now < until:
                return [(name, before if name == "volume" else price, size) for name, before, size in changes]
        return changes


_AT_A_TIME: dict[Act, Callable[[Mishaps, Fault], None]] = {
    Act.CUT: Mishaps._cut,
    Act.SILENT: Mishaps._be_silent,
    Act.REFUSE_LOGIN: Mishaps._refuse,
    Act.BUSY_ID: Mishaps._be_busy,
    Act.EMPTY_ACCOUNTS: Mishaps._be_nameless,
    Act.ACCOUNTS: Mishaps._rename,
    Act.LOST: Mishaps._lose,
    Act.RESTORED: Mishaps._restore,
    Act.RESTORED_WITHOUT_DATA: Mishaps._restore_without_data,
    Act.RESTART: Mishaps._restart,
    Act.HALT: Mishaps._halt,
    Act.RESUME: Mishaps._resume,
    Act.STALE: Mishaps._stall,
    Act.BAD_PRICE: Mishaps._spoil,
    Act.WITHDRAW: Mishaps._withdraw,
    Act.WARN: Mishaps._warn,
    Act.PARTIAL: Mishaps._ration,
    Act.REJECT: Mishaps._reject,
    Act.ERROR: Mishaps._complain,
}
