"""The executor through a real socket: a session, an order's way, a restart, a plan.

Journals lie in a temporary folder of the disk, each commit flushed to it; what a flush alone takes is said beside it.
"""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
import time
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from alphalib.clock import SessionLoop, run
from alphalib.execute.daemon.daemon import Daemon
from alphalib.execute.daemon.screen import Show, View, nothing
from alphalib.execute.ib.adapter import IB
from alphalib.execute.plan import planned, read_inputs, write_plan
from alphalib.execute.tape import Hours
from alphalib.gateway.accounts import Position
from alphalib.gateway.orders import Contract, Order
from alphalib.gateway.playback import Playback
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue
from alphalib.params import ExecutorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signals
from alphalib.sources.embedded import LAST_SESSION, ensure_prices
from alphalib.sources.stored import read_market
from alphalib.store import Store
from benchmarks.timing import Line, Row, line, side_by_side
from tests.execute import morning

NAMES, ACCOUNT, DAY, PRICE, ATR = 50, "DU0000001", "2026-03-03", 100.0, 2.0
EARLY = timedelta(minutes=1)
SHARES = 100
LISTED = 560  # at the start; arrivals make some 700 in eight years
Result = TypeVar("Result")


def rows() -> dict[str, Row]:
    """The lines by name."""
    return {
        "execution session": session,
        "execution order": order,
        "execution restart": restart,
        "execution plan": plan,
    }


def session() -> list[Line]:
    """390 minutes × 50 names: the daemon, against the client library that only listens."""
    note = f"asked ≤ 5 s; half of the {NAMES} names held, half entered"
    return [side_by_side("session 390 × 50, socket", traded, "client library listening", listened, runs=3, note=note)]


def order() -> list[Line]:
    """From the end of a minute to orders on the wire; the journal's flush lies between."""
    waits, flush = np.array(traded()) * 1e3, flushes() * 1e3
    p50, p99 = np.percentile(waits, [50, 99])
    said = f"p50 {p50:.2g} ms, p99 {p99:.2g} ms over {len(waits)} orders; asked ≤ 2 and ≤ 10"
    return [Line("tick to order on the wire", f"{p50 / 1e3:.4g} s", "one flush to the disk", f"{flush / 1e3:.4g} s",
                 f"{p50 / flush:.3g}", note=said)]  # fmt: skip


def restart() -> list[Line]:
    """A daemon that is started within a session, until each of 50 positions is known and covered."""
    first, *again = starts(6)
    ratios = [seconds / first for seconds in again]
    note = "asked ≤ 2 s; interpreter and imports not in it"
    return [line("restart to reconciled, 50 held", again, "the first start, stops placed", [first], ratios, note)]


def plan() -> list[Line]:
    """Some 900 names of the embedded market, from stored artefacts to an order book with all it was decided from."""
    with tempfile.TemporaryDirectory() as folder:
        bus, params = Store(folder), ExecutorParams()
        ensure_prices(bus, asof=LAST_SESSION, names=LISTED)
        market = read_market(bus, asof=LAST_SESSION)
        week = signals(market, previous=None, weights=ScoringWeights(), params=ResearchParams())
        bus.write(week.at(), week)

        def planning() -> None:
            known = read_market(bus, asof=LAST_SESSION)
            inputs = read_inputs(bus, asof=LAST_SESSION, cash=1e6)
            write_plan(bus, planned(known, inputs, params), known, inputs, params)

        note = f"{len(market.tickers)} names × {len(market.sessions):,} sessions; asked ≤ 1 s"
        reading = partial(read_market, bus, asof=LAST_SESSION)
        return [side_by_side("plan from the store", planning, "reading its market alone", reading, runs=5, note=note)]


def traded() -> list[float]:
    """One session by the daemon; how long each order took from its minute's end to the gateway. [seconds]"""
    with tempfile.TemporaryDirectory() as folder:
        store, waits = prepared(folder, held=NAMES // 2), []
        opened = Hours.of(pd.Timestamp(DAY)).opened + EARLY
        loop = _Stamped(start=opened - 2 * EARLY, speed=math.inf)
        gateway = gateway_of(NAMES // 2)
        place = gateway.venue.place

        def stamped(sent: Order, now: datetime, **rest: Any) -> None:
            if now > opened:  # the stops of what is held come with the connection, not with a minute
                waits.append(time.perf_counter() - loop.jumped)
            place(sent, now, **rest)

        gateway.venue.place = stamped  # type: ignore[method-assign]
        run(_beside(gateway, lambda: _daemon(store, gateway).run()), loop)
    return waits


def listened() -> None:
    """The same ticks to the bare client library."""

    async def listen(gateway: Gateway) -> None:
        import ib_insync

        client = ib_insync.IB()
        client.client.MaxRequests = 0  # its throttle never ends where time jumps
        await client.connectAsync("127.0.0.1", gateway.port, clientId=2)
        client.reqMarketDataType(3)
        for ticker in names():
            client.reqMktData(ib_insync.Stock(ticker, "SMART", "USD"))
        await asyncio.sleep(391 * 60)
        client.disconnect()

    gateway = gateway_of(0)
    loop = SessionLoop(start=Hours.of(pd.Timestamp(DAY)).opened - EARLY, speed=math.inf)
    run(_beside(gateway, lambda: listen(gateway)), loop)


def starts(times: int) -> list[float]:
    """How long each start took until every position had its stop and entries were free. [seconds]"""

    async def started(gateway: Gateway, store: Store) -> float:
        ready = asyncio.Event()

        def show(view: View) -> None:
            covered = [row.stop is not None for row in view.positions]
            if len(covered) == NAMES and all(covered) and not view.holding_back:
                ready.set()

        began = time.perf_counter()
        life = asyncio.create_task(_daemon(store, gateway, show).run())
        await ready.wait()
        took = time.perf_counter() - began
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        return took

    async def each(gateway: Gateway, store: Store) -> list[float]:
        return [await started(gateway, store) for _ in range(times)]

    with tempfile.TemporaryDirectory() as folder:
        store, gateway = prepared(folder, held=NAMES), gateway_of(NAMES)
        opened = Hours.of(pd.Timestamp(DAY)).opened
        return run(_beside(gateway, lambda: each(gateway, store)), SessionLoop(start=opened - EARLY, speed=math.inf))


def flushes() -> float:
    """Median time of a flush to the disk that journals lie on. [seconds]"""
    with tempfile.TemporaryFile() as file:
        times = []
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return float(np.median(times))


# The session ----------------------------------------------------------------------------------------------------------


def names() -> list[str]:
    """Tickers; the first are held at the start."""
    return [f"N{number:02d}" for number in range(NAMES)]


@cache
def bars() -> dict[str, pd.DataFrame]:
    """Minute bars that move by 2 % a day, so that triggers, stops and gains all happen."""
    rng, opened = np.random.default_rng(3), Hours.of(pd.Timestamp(DAY)).opened
    times = pd.date_range(opened, periods=390, freq="min").as_unit("us")
    return {ticker: _walk(rng, times) for ticker in [*names(), "SPY"]}


def _walk(rng: np.random.Generator, times: pd.DatetimeIndex) -> pd.DataFrame:
    path = np.round(PRICE * np.exp(np.cumsum(rng.normal(0, 0.001, 391))), 2)
    opened, close = path[:-1], path[1:]
    high, low = np.maximum(opened, close) + 0.02, np.minimum(opened, close) - 0.02
    fields = {"time": times, "open": opened, "high": high, "low": low, "close": close}
    return pd.DataFrame({**fields, "volume": rng.integers(1_000, 20_000, len(times)).astype(float)})


def prepared(folder: str, *, held: int) -> Store:
    """A store with the order book of the session: so many names held, the others to be entered."""
    store, tickers = Store(folder), names()
    book = morning.book(
        DAY,
        entries=[morning.entry(t, SHARES, PRICE, pullback=0.005, expiry=30) for t in tickers[held:]],
        stops=[morning.stop(t, SHARES, PRICE - 2.5 * ATR, cost=PRICE) for t in tickers[:held]],
    ).model_copy(update={"nav": 1e6})
    portfolio = morning.portfolio(DAY, dict.fromkeys(tickers[:held], (SHARES, PRICE)), nav=1e6)
    store.write(book.at(), book)
    store.write(portfolio.at(), portfolio)
    return store


def gateway_of(held: int) -> Gateway:
    """The gateway for it."""
    contracts = [Contract(number, ticker) for number, ticker in enumerate([*names(), "SPY"], 1001)]
    owned = dict.fromkeys(names()[:held], Position(SHARES, PRICE))
    venue = Venue({ACCOUNT: 1e6 - held * SHARES * PRICE}, contracts, positions={ACCOUNT: owned})
    return Gateway(venue, Playback(DAY, bars()))


def _daemon(store: Store, gateway: Gateway, show: Show = nothing) -> Daemon:
    broker = IB("127.0.0.1", gateway.port)
    return Daemon(broker, bus=store, record=store, session=pd.Timestamp(DAY), show=show)


async def _beside(gateway: Gateway, main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run something while the gateway plays."""
    await gateway.start()
    playing = asyncio.create_task(gateway.play())
    try:
        return await main()
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await gateway.stop()


class _Stamped(SessionLoop):
    """Notes when its time last jumped: the end of a minute, when orders follow."""

    jumped = 0.0

    def wait(self, timeout: float | None, select: Callable[[float | None], list[Any]]) -> list[Any]:
        before = self.time()
        ready = super().wait(timeout, select)
        if self.time() > before:
            self.jumped = time.perf_counter()
        return ready
