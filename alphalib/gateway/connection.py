"""One client's socket: frames in and out, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from alphalib.clock import SessionLoop
from alphalib.gateway.faults import Act, Fault, Script
from alphalib.gateway.market_data import Pacing
from alphalib.gateway.orders import Refusal
from alphalib.gateway.replies import error, moment
from alphalib.gateway.wire import REQUESTS, SERVER_VERSION, Frames, frame

ON_THE_WIRE = frozenset((Act.CUT, Act.CUT_INSIDE, Act.CUT_AFTER, Act.DROP, Act.DELAY, Act.DOUBLE, Act.HOLD))
MOST_VIOLATIONS = 3


class Host(Protocol):
    """What a connection belongs to."""

    @property
    def script(self) -> Script:
        """What goes wrong."""
        ...

    @property
    def awaited(self) -> frozenset[str]:
        """Names of the messages that a fault waits for, so that others pass quickly."""
        ...

    @property
    def silent(self) -> bool:
        """Whether nothing is heard or said at the moment."""
        ...

    def about(self, client: Connection, name: str, fields: list[str]) -> tuple[str, str]:
        """Symbol and ref of the order that a message is about; it has just reached the gateway."""
        ...

    def answer(self, client: Connection, name: str, fields: list[str], faults: Sequence[Fault]) -> None:
        """Do what a message asks."""
        ...

    def gone(self, client: Connection) -> None:
        """The connection has ended."""
        ...


class Connection(asyncio.Protocol):
    """A client, from its first byte to its last.

    Parameters
    ----------
    host : Host
        Who answers.
    loop : SessionLoop
        Whose time it is.
    """

    def __init__(self, host: Host, loop: SessionLoop) -> None:
        self.client_id = -1
        self.accounts: tuple[str, ...] = ()
        self.data_type = 1
        self.ended = asyncio.Event()
        self.pacing = Pacing()
        self._host, self._loop = host, loop
        self._transport: asyncio.Transport | None = None
        self._frames = Frames()
        self._agreed = False
        self._over = False
        self._violations = 0
        self._unheard = b""
        self._out: list[bytes] = []
        self._flushing = False
        self._held_in: list[tuple[str, list[str], list[Fault]]] = []
        self._held_out: list[tuple[str, bytes]] = []

    @property
    def over(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        self._over = True
        self.ended.set()
        self._host.gone(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client; while the gateway is silent they wait."""
        if self._host.silent:
            self._unheard += data
        elif self._agreed:
            self._hear(data)
        elif not self._over:
            self._agree(data)

    def _agree(self, data: bytes) -> None:
        try:
            offered = self._frames.handshake(data)
            if offered is None:
                return
            if not _speaks(offered):
                raise ValueError(f"server version {SERVER_VERSION} is not among {offered}")
        except ValueError:
            self.close()
            return
        self._agreed = True
        self._put(frame((SERVER_VERSION, moment(self._loop.now()))))
        self._hear(b"")

    def _hear(self, data: bytes) -> None:
        for fields in self._frames.messages(data):
            if self._over:
                break
            self._heard(fields)

    def wake(self) -> None:
        """The gateway's silence is over: hear what was said meanwhile, and say what was not."""
        self._flush()
        data, self._unheard = self._unheard, b""
        if data:
            self.data_received(data)

    def close(self) -> None:
        """Say what is left, then end the connection."""
        if self._over:
            return
        self._flush()
        self._over = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the connection now; what is left is lost."""
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    def refuse(self, code: int, text: str, *, about: int = -1) -> None:
        """An error about a request."""
        self.send("error", error(Refusal(self.client_id, about, code, text)))

    def send(self, name: str, message: bytes, *, symbol: str = "", ref: str = "") -> list[Fault]:
        """Say something, unless a fault has it otherwise; returns the faults that are not the wire's."""
        if self._over:
            return []
        if name not in self._host.awaited:
            self._put(message)
            if self._held_out:
                self._release(name)
            return []
        faults = self._host.script.struck(name, client=self.client_id, symbol=symbol, ref=ref)
        self._send_somehow(name, message, {fault.do: fault for fault in faults})
        return [fault for fault in faults if fault.do not in ON_THE_WIRE]

    def _send_somehow(self, name: str, message: bytes, done: dict[Act, Fault]) -> None:
        if Act.CUT in done or Act.CUT_INSIDE in done:
            if Act.CUT_INSIDE in done:
                self._put(message[: len(message) // 2])
            return self.close()
        if Act.DROP in done:
            return None
        if Act.DELAY in done:
            self._loop.call_later(done[Act.DELAY].seconds, self._put, message)
            return None
        if Act.HOLD in done:
            self._held_out.append((done[Act.HOLD].until or name, message))
            return None
        self._put(message)
        if Act.DOUBLE in done:
            self._put(message)
        self._release(name)
        if Act.CUT_AFTER in done:
            self.close()
        return None

    def _release(self, name: str) -> None:
        """Say what waited for a message of this name."""
        for held in [held for held in self._held_out if held[0] == name]:
            self._held_out.remove(held)
            self._put(held[1])

    def _put(self, message: bytes) -> None:
        if self._over:
            return
        self._out.append(message)
        if not self._flushing:  # all that is said in one turn of the loop travels together
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._out and self._transport is not None and not self._host.silent and not self._over:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def _heard(self, fields: list[str]) -> None:
        name = REQUESTS.get(int(fields[0]))
        if name is None:
            return self.refuse(320, f"Error reading request: message {fields[0]} is not played here")
        symbol, ref = self._host.about(self, name, fields)
        rate = self.pacing.too_fast(self._loop.time())
        if rate:
            return self._too_fast(rate)
        faults: list[Fault] = []
        if name in self._host.awaited:
            faults = self._host.script.struck(name, client=self.client_id, symbol=symbol, ref=ref)
        return self._take(name, fields, faults)

    def _take(self, name: str, fields: list[str], faults: list[Fault]) -> None:
        done = {fault.do: fault for fault in faults if fault.do in ON_THE_WIRE}
        others = [fault for fault in faults if fault.do not in ON_THE_WIRE]
        if Act.CUT in done or Act.CUT_INSIDE in done:
            return self.close()
        if Act.DROP in done:
            return None
        if Act.DELAY in done:
            self._loop.call_later(done[Act.DELAY].seconds, self._host.answer, self, name, fields, others)
            return None
        if Act.HOLD in done:
            self._held_in.append((done[Act.HOLD].until or name, fields, others))
            return None
        if Act.CUT_AFTER in done:  # it arrives, and nobody ever hears of it
            self.close()
        self._host.answer(self, name, fields, others)
        if Act.DOUBLE in done:
            self._host.answer(self, name, fields, others)
        for held in [held for held in self._held_in if held[0] == name]:
            self._held_in.remove(held)
            self._host.answer(self, REQUESTS[int(held[1][0])], held[1], held[2])
        return None

    def _too_fast(self, rate: int) -> None:
        self._violations += 1
        most = self.pacing.MOST_MESSAGES
        text = f"Max rate of messages per second has been exceeded:max={most} rec={rate} ({self._violations})"
        self.refuse(100, text)
        if self._violations >= MOST_VIOLATIONS:
            self.close()


def _speaks(offered: str) -> bool:
    """Whether a range such as v157..176 holds our version."""
    lowest, _, highest = offered.split(" ")[0].removeprefix("v").partition("..")
    return int(lowest) <= SERVER_VERSION <= int(highest or lowest)
