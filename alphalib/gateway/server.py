"""The gateway itself: a TCP port that speaks the TWS protocol for a venue, at the time of its loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from alphalib.clock import SessionLoop, run
from alphalib.errors import InputError
from alphalib.gateway import answers, requests
from alphalib.gateway.accounts import Position
from alphalib.gateway.audience import Audience
from alphalib.gateway.connection import Connection
from alphalib.gateway.faults import Fault, Script
from alphalib.gateway.ledger import Frame
from alphalib.gateway.mishaps import Mishaps
from alphalib.gateway.orders import Contract, VenueEvent
from alphalib.gateway.playback import Bars, Moment, Playback
from alphalib.gateway.venue import Venue
from alphalib.gateway.wire import reply, whole
from alphalib.sessions import Day

Happening: TypeAlias = tuple[datetime, Callable[[], None]]

BEFORE_OPEN, AFTER_CLOSE = timedelta(minutes=5), timedelta(minutes=1)
ACCOUNTS_EVERY = timedelta(minutes=3)
FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)
"""What TWS says at each login, for nobody's alarm."""
CUT_OFF = (2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically.")


class Gateway:
    """A venue behind a port. Lives on a `SessionLoop`, whose time is the only one it knows.

    Parameters
    ----------
    venue : Venue
        Orders and positions; the gateway listens to it from now on.
    playback : Playback
        Prints of the session, and what historical bars are cut from.
    script : sequence of Fault
        What goes wrong, and when; `InputError` when it is about a name that the venue does not trade.
    port : int
        0 for a free one; known after `start`.
    host : str
        An address, not a name: a name look-up runs in a thread, which the loop does not see.
    live : bool
        Whether the account pays for live market data: then ticks are live ones, else delayed ones for those who ask
        for them (`reqMarketDataType` 3).
    utc : bool
        Whether times of executions are written in UTC, as TWS may be set to.
    """

    def __init__(
        self,
        venue: Venue,
        playback: Playback,
        *,
        script: Sequence[Fault] = (),
        port: int = 0,
        host: str = "127.0.0.1",
        live: bool = False,
        utc: bool = False,
    ) -> None:
        if strangers := {fault.symbol for fault in script} - {"", *venue.contracts}:
            raise InputError(
                f"the fault script is about {', '.join(sorted(strangers))}, which the venue does not trade"
            )
        self.venue, self.playback = venue, playback
        self.script = Script(script, playback.opened)
        self.awaited = frozenset(fault.message for fault in script if fault.message)
        self.mishaps = Mishaps(self)
        self._host, self._port, self._live, self._utc = host, port, live, utc
        self._connections: dict[Connection, None] = {}  # in the order in which they came, so that a day repeats itself
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._events = self._session()
        self._next: Happening | None = next(self._events)
        self._playing = False
        self._accounts_told = playback.opened

    @property
    def port(self) -> int:
        """Where clients connect. 0 before `start`, unless it was given."""
        return self._port

    @property
    def silent(self) -> bool:
        """Whether nothing is heard or said at the moment."""
        return self.mishaps.silent

    async def start(self) -> None:
        """Open the port; from now on timed faults strike, and what is due at the venue happens."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, SessionLoop):
            raise TypeError("a gateway lives on a SessionLoop: start it with alphalib.clock.run")
        self.loop = loop
        self.audience = Audience(self.venue, self.playback, loop, live=self._live, utc=self._utc)
        self.venue.tell = self._told
        await self.open_port()
        self._wind()

    async def stop(self) -> None:
        """Close every connection and the port."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.venue.tell = lambda event: None
        await self.mishaps.stop()
        await self.close_port()

    async def open_port(self) -> None:
        """Listen, on the port of before if there was one."""
        self._server = await self.loop.create_server(self._connected, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close_port(self) -> None:
        """Listen no more, and end what connections there are."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.abort()
        await asyncio.gather(*(connection.ended.wait() for connection in connections))
        if server is not None:
            await server.wait_closed()

    async def play(self, until: datetime | None = None) -> None:
        """Run the session in session time, up to `until`; by default until a minute after the close.

        Call it again to go on. Connections are served whether it plays or not; what is past already is made up for at
        once.
        """
        stop = until or self.playback.closed + self.playback.delay + AFTER_CLOSE
        self._playing = True
        try:
            while self._next is not None and self._next[0] <= stop:
                at, happen = self._next
                await self._sleep(at)
                self._next = next(self._events, None)
                happen()
                self._wind()
            await self._sleep(stop)
        finally:
            self._playing = False

    def _session(self) -> Iterator[Happening]:
        """Everything that happens by itself, in its order."""
        yield self.playback.opened, lambda: self.venue.open_session(self.playback.opened)
        closed = False
        for moment in self.playback.moments():
            if moment.at >= self.playback.closed and not closed:
                closed = True
                yield self.playback.closed, lambda: self.venue.close_session(self.playback.closed)
            yield moment.at, partial(self._trade, moment)
        if not closed:
            yield self.playback.closed, lambda: self.venue.close_session(self.playback.closed)

    def _trade(self, moment: Moment) -> None:
        for trade in moment.traded:
            self.venue.print_(trade)
        self.audience.tell_prints(moment.told, self.mishaps.spoilt)
        if moment.at >= self._accounts_told + ACCOUNTS_EVERY:
            self._accounts_told = moment.at
            self.audience.tell_accounts(self.venue.cash)
        self.audience.tell_profits()

    async def _sleep(self, until: datetime) -> None:
        seconds = (until - self.loop.now()).total_seconds()
        if seconds > 0:
            await asyncio.sleep(seconds)

    def _wind(self) -> None:
        """Set the alarm for what is due next at the venue or by the script."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = [at for at in (self.venue.due, self.script.due) if at is not None]
        if due and self._server is not None:
            seconds = (min(due) - self.loop.now()).total_seconds()
            self._timer = self.loop.call_later(max(0.0, seconds), self._ring)

    def _ring(self) -> None:
        now = self.loop.now()
        for fault in self.script.timed(now):
            self.mishaps.strike(fault)
        if self._playing and self._next is not None and self._next[0] <= now:
            return  # what is due at the instant of a print takes that print, which winds the alarm again
        self.venue.advance(now)
        self._wind()

    def _told(self, event: VenueEvent) -> None:
        for fault, exec_id in self.audience.told(event):
            self.loop.call_later(fault.seconds, self._correct, fault, exec_id)

    def _correct(self, fault: Fault, exec_id: str) -> None:
        shares = None if fault.shares is None else min(fault.shares, self.venue.room(exec_id))
        self.venue.correct(exec_id, self.loop.now(), shares=shares, price=fault.price)
        self._wind()

    # What connections ask of their host

    def _connected(self) -> Connection:
        connection = Connection(self, self.loop)
        self._connections[connection] = None
        return connection

    def about(self, client: Connection, name: str, fields: list[str]) -> tuple[str, str]:
        """Symbol and ref of what a message is about; orders are written down, whatever becomes of them."""
        if name in ("reqMktData", "reqContractDetails", "reqHistoricalData"):
            return fields[3 if name == "reqHistoricalData" else 4], ""
        if name not in ("placeOrder", "cancelOrder", "reqGlobalCancel"):
            return "", ""
        seen = Frame(self.loop.now(), client.client_id, client.accounts, name)
        if name == "placeOrder":
            seen = replace(seen, **requests.summary(fields))
        elif name == "cancelOrder":
            order = self.venue.order(client.client_id, whole(fields[2]))
            seen = replace(seen, order_id=whole(fields[2]))
            if order is not None:
                seen = replace(seen, symbol=order.contract.symbol, ref=order.ref, account=order.account)
        self.venue.ledger.add(seen)
        return seen.symbol, seen.ref

    def answer(self, client: Connection, name: str, fields: list[str], faults: Sequence[Fault]) -> None:
        """Do what a message asks."""
        if name == "startApi":
            self.mishaps.log_in(client, fields, faults)
        elif client.client_id >= 0:
            answers.answer(self.audience, client, name, fields, faults)
            self._wind()

    def welcome(self, client: Connection, accounts: Sequence[str]) -> None:
        """Say what a client is told at its login."""
        client.accounts = tuple(accounts)
        client.send("managedAccounts", reply("managedAccounts", 1, ",".join(accounts)))
        client.send("nextValidId", reply("nextValidId", 1, self.venue.next_id(client.client_id)))
        for code, text in (CUT_OFF,) if self.audience.cut_off else FARMS:
            client.refuse(code, text)

    def wake(self) -> None:
        """The silence is over: everything that waited is heard and said."""
        for connection in list(self._connections):
            connection.wake()

    def gone(self, client: Connection) -> None:
        """A connection has ended; what its client held back was never anywhere."""
        self._connections.pop(client, None)
        if self.audience.leave(client):
            self.venue.drop_untransmitted(client.client_id)


def serve(
    bars: Bars,
    *,
    day: Day,
    cash: Mapping[str, float],
    positions: Mapping[str, Mapping[str, Position]] | None = None,
    port: int,
    speed: float = 1.0,
    script: Sequence[Fault] = (),
    ready: Callable[[Gateway], None] = lambda gateway: None,
) -> None:
    """Play one session behind a port, from five minutes before its open to a minute after its close; then end.

    Parameters
    ----------
    bars : Bars
        Minute bars of the session by symbol; each is a contract.
    day : Day
        The session.
    cash, positions
        Accounts, as in `Venue`.
    port : int
        Where clients connect; 0 for a free one.
    speed : float
        Seconds of session time in a second.
    script : sequence of Fault
        What goes wrong, and when.
    ready : callable
        Told of the gateway once its port is open, for saying so.
    """
    playback = Playback(day, bars)
    contracts = [Contract(con_id, symbol) for con_id, symbol in enumerate(sorted(bars), start=1)]
    gateway = Gateway(Venue(cash, contracts, positions=positions), playback, script=script, port=port)

    async def session() -> None:
        await gateway.start()
        try:
            ready(gateway)
            await gateway.play()
        finally:
            await gateway.stop()

    run(session(), SessionLoop(start=playback.opened - BEFORE_OPEN, speed=speed))
