"""A gateway on a port of the loopback, and the IB library's own client on the other end of the socket."""

from __future__ import annotations

import asyncio
import importlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from alphalib.clock import SessionLoop, run
from alphalib.gateway.accounts import Position
from alphalib.gateway.faults import Fault
from alphalib.gateway.orders import Contract
from alphalib.gateway.playback import Playback
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue

DAY = "2026-03-02"
OPEN = pd.Timestamp("2026-03-02 09:30", tz="America/New_York")
CLOSE = pd.Timestamp("2026-03-02 16:00", tz="America/New_York")
ACCOUNT = "DU1"


def _library() -> ModuleType:
    """The client library; it wants an event loop when it is imported, running or not."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return importlib.import_module("ib_insync")
    except ImportError:
        return pytest.importorskip("ib_async")
    finally:
        asyncio.set_event_loop(None)
        loop.close()


ib = _library()


def bars(path: Mapping[str, Sequence[float]]) -> dict[str, pd.DataFrame]:
    """A minute for each price: it opens at the price before and closes at its own. 400 shares each. [currency]"""
    made = {}
    for symbol, closes in path.items():
        opens = [closes[0], *closes[:-1]]
        made[symbol] = pd.DataFrame(
            {
                "time": [OPEN.tz_convert("UTC") + pd.Timedelta(minutes=minute) for minute in range(len(closes))],
                "open": opens,
                "high": [max(pair) for pair in zip(opens, closes, strict=True)],
                "low": [min(pair) for pair in zip(opens, closes, strict=True)],
                "close": list(closes),
                "volume": 400.0,
            }
        )
    return made


CALM = bars({"AAA": [100.0] * 10, "BBB": [50.0] * 10})


class Port:
    """The gateway, and clients that come and go."""

    def __init__(self, gateway: Gateway, loop: SessionLoop) -> None:
        self.gateway, self.venue, self.loop = gateway, gateway.venue, loop
        self.clients: list[Any] = []

    async def client(self, number: int = 1, *, timeout: float = 4.0, **options: Any) -> Any:
        """A client that is connected; what it is told of errors is in its `heard`, as request and code."""
        client = self.stranger()
        await client.connectAsync("127.0.0.1", self.gateway.port, clientId=number, timeout=timeout, **options)
        return client

    def stranger(self) -> Any:
        """A client that is not connected yet."""
        client = ib.IB()
        client.client.MaxRequests = 0
        client.TimezoneTWS = "UTC"
        client.heard = []
        client.errorEvent += lambda request, code, text, contract: client.heard.append((request, code))
        self.clients.append(client)
        return client

    async def until(self, clock: str) -> None:
        """Play until a time of the day in New York, and let everybody finish."""
        await self.gateway.play(pd.Timestamp(f"{DAY} {clock}", tz=OPEN.tz).to_pydatetime())

    @property
    def clock(self) -> str:
        """Time of the day in New York."""
        return f"{pd.Timestamp(self.loop.now()).tz_convert(OPEN.tz):%H:%M:%S}"


def at_port(
    test: Callable[[Port], Awaitable[None]],
    *,
    table: Mapping[str, pd.DataFrame] = CALM,
    daily: Mapping[str, pd.DataFrame] | None = None,
    cash: Mapping[str, float] | None = None,
    positions: Mapping[str, Mapping[str, Position]] | None = None,
    script: Sequence[Fault | Mapping[str, Any]] = (),
    begin: str = "09:29",
    venue: Mapping[str, Any] | None = None,
    delay: float = 0.0,
    **options: Any,
) -> None:
    """Run a test against a gateway; everything is closed at its end."""
    names = [Contract(number, symbol) for number, symbol in enumerate(sorted(table), start=1)]
    place = Venue(cash or {ACCOUNT: 100_000.0}, names, positions=positions, **(venue or {}))
    faults = [fault if isinstance(fault, Fault) else Fault(**fault) for fault in script]
    gateway = Gateway(place, Playback(DAY, table, daily=daily, delay=delay), script=faults, **options)
    start: datetime = pd.Timestamp(f"{DAY} {begin}", tz=OPEN.tz).to_pydatetime()
    loop = SessionLoop(start=start, speed=math.inf)

    async def session() -> None:
        port = Port(gateway, loop)
        await gateway.start()
        try:
            await test(port)
        finally:
            for client in port.clients:
                client.disconnect()
            await asyncio.sleep(timedelta(seconds=1).total_seconds())
            await gateway.stop()

    run(session(), loop)


def share(symbol: str = "AAA") -> Any:
    """The contract as a client names it; ib_async wants its number for a subscription."""
    return ib.Stock(symbol, "SMART", "USD", conId={"AAA": 1, "BBB": 2}.get(symbol, 0))


def order(action: str, shares: float, **fields: Any) -> Any:
    """An order at the market, for the day."""
    return ib.MarketOrder(action, shares, tif="DAY", account=ACCOUNT, **fields)


def stop(shares: float, price: float, **fields: Any) -> Any:
    """A stop that sells, until cancelled."""
    return ib.StopOrder("SELL", shares, price, tif="GTC", account=ACCOUNT, **fields)


async def bracket(client: Any, *, shares: float = 100, price: float = 95.0, ref: str = "al-AAA") -> tuple[Any, Any]:
    """Place a purchase at the market with a stop as its child."""
    first = order("BUY", shares, orderRef=f"{ref}-entry-1", transmit=False, orderId=client.client.getReqId())
    child = stop(shares, price, orderRef=f"{ref}-stop-1", parentId=first.orderId, orderId=client.client.getReqId())
    return client.placeOrder(share(), first), client.placeOrder(share(), child)
