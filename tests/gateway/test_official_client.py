"""IB's own client at the gateway; skipped where it is not installed (`pip install nautilus-ibapi protobuf`)."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pandas as pd
import pytest

from alphalib.clock import SessionLoop, run
from alphalib.gateway.orders import Contract
from alphalib.gateway.playback import Playback
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue
from tests.gateway.port import ACCOUNT, DAY, OPEN, bars

api = pytest.importorskip("ibapi.client")
wrapper = pytest.importorskip("ibapi.wrapper")
contracts = pytest.importorskip("ibapi.contract")
orders = pytest.importorskip("ibapi.order")
cancels = pytest.importorskip("ibapi.order_cancel")
filters = pytest.importorskip("ibapi.execution")

RISING = bars({"AAA": [100.0, 101.0, 102.0, 103.0, 104.0, 103.0, *[102.0] * 30], "BBB": [50.0] * 36})


class Official(wrapper.EWrapper, api.EClient):  # type: ignore[misc, name-defined]
    """IB's client, which remembers each call by its name."""

    def __init__(self, port: int, number: int = 1) -> None:
        api.EClient.__init__(self, self)
        self.calls: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._some = threading.Condition()
        self.connect("127.0.0.1", port, number)
        self._reader = threading.Thread(target=self.run)
        self._reader.start()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or not hasattr(wrapper.EWrapper, name) or name in vars(Official):
            return found
        return lambda *parts, **named: self._hear(name, (*parts, *named.values()))

    def _hear(self, name: str, parts: tuple[Any, ...]) -> None:
        with self._some:
            self.calls[name].append(parts)
            self._some.notify_all()

    def wait(self, name: str, fits: Callable[..., bool] = lambda *parts: True) -> tuple[Any, ...]:
        """The first call of that name that fits."""
        with self._some:
            found = self._some.wait_for(lambda: [call for call in self.calls[name] if fits(*call)], timeout=10)
        assert found, f"no such {name}; there were {dict(self.calls)}"
        return found[0]

    def leave(self) -> None:
        self.disconnect()
        self._reader.join()


def share(symbol: str = "AAA") -> Any:
    made = contracts.Contract()
    made.symbol, made.secType, made.exchange, made.currency = symbol, "STK", "SMART", "USD"
    return made


def order(action: str, kind: str, shares: int, **fields: Any) -> Any:
    made = orders.Order()
    made.action, made.orderType, made.totalQuantity = action, kind, shares
    made.tif, made.account = "DAY", ACCOUNT
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def meet(scenario: Callable[[Official], None], *, begin: str = "09:29:50", speed: float = 60.0) -> Gateway:
    """Let IB's client, in a thread of its own, meet a gateway that plays `speed` times faster than life."""
    listed = [Contract(number, symbol) for number, symbol in enumerate(sorted(RISING), start=1)]
    gateway = Gateway(Venue({ACCOUNT: 100_000.0}, listed), Playback(DAY, RISING))

    def client() -> None:
        official = Official(gateway.port)
        try:
            scenario(official)
        finally:
            official.leave()

    async def session() -> None:
        await gateway.start()
        playing = asyncio.create_task(gateway.play())
        try:
            await asyncio.to_thread(client)
        finally:
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing
            await gateway.stop()

    start = pd.Timestamp(f"{DAY} {begin}", tz=OPEN.tz).to_pydatetime()
    run(session(), SessionLoop(start=start, speed=speed))
    return gateway


def test_it_agrees_on_a_version_and_logs_in() -> None:
    def scenario(official: Official) -> None:
        assert official.wait("nextValidId") == (1,)
        assert official.wait("managedAccounts") == (ACCOUNT,)
        assert official.serverVersion() == 176
        official.wait("error", lambda request, at, code, *rest: code == 2104)
        official.reqCurrentTime()
        assert official.wait("currentTime")[0] >= OPEN.timestamp() - 10

    meet(scenario)


def test_it_reads_contracts_ticks_and_bars() -> None:
    def scenario(official: Official) -> None:
        official.wait("nextValidId")
        official.reqContractDetails(1, share())
        found = official.wait("contractDetails", lambda request, details: request == 1)[1]
        assert (found.contract.conId, found.contract.symbol, found.minTick) == (1, "AAA", 0.01)
        assert found.liquidHours.startswith("20260302:0930-20260302:1600")
        assert (found.timeZoneId, found.stockType) == ("US/Eastern", "COMMON")
        official.wait("contractDetailsEnd")
        official.reqContractDetails(2, share("NONE"))
        official.wait("error", lambda request, at, code, *rest: (request, code) == (2, 200))
        official.reqMarketDataType(3)
        official.reqMktData(3, share(), "", False, False, [])
        assert official.wait("marketDataType") == (3, 3)
        official.wait("tickPrice", lambda request, kind, price, attributes: (kind, price) == (68, 102.0))
        official.wait("tickSize", lambda request, kind, size: kind == 74 and size >= 400)
        official.cancelMktData(3)
        official.reqHistoricalData(4, share(), "", "1 D", "1 min", "TRADES", 1, 2, False, [])
        official.wait("historicalDataEnd")
        first = official.calls["historicalData"][0][1]
        assert (first.date, first.open, first.close, first.volume) == (f"{OPEN.timestamp():.0f}", 100.0, 100.0, 400)

    meet(scenario)


def test_a_bracket_is_filled_charged_moved_and_cancelled() -> None:
    def scenario(official: Official) -> None:
        official.wait("nextValidId")
        official.reqPositions()
        official.wait("positionEnd")
        official.reqAccountUpdates(True, ACCOUNT)
        official.wait("accountDownloadEnd")
        official.wait("updateAccountValue", lambda tag, value, *rest: (tag, value) == ("NetLiquidation", "100000.00"))
        official.placeOrder(1, share(), order("BUY", "MKT", 100, orderRef="al-entry", transmit=False))
        official.placeOrder(2, share(), order("SELL", "STP", 100, auxPrice=95.0, parentId=1, tif="GTC"))
        _, _, done = official.wait("execDetails")
        assert (done.shares, done.price, done.side, done.orderRef) == (100, 100.0, "BOT", "al-entry")
        report = official.wait("commissionAndFeesReport")[0]
        assert (report.execId, report.commissionAndFees) == (done.execId, 1.0)
        official.wait("orderStatus", lambda number, status, *rest: (number, status) == (1, "Filled"))
        official.wait("position", lambda account, of, shares, cost: (shares, cost) == (100, 100.01))
        official.wait("orderStatus", lambda number, status, *rest: number == 2 and rest[7] == "trigger")
        official.placeOrder(2, share(), order("SELL", "STP", 100, auxPrice=96.0, parentId=1, tif="GTC"))
        official.wait("openOrder", lambda number, of, what, state: (number, what.auxPrice) == (2, 96.0))
        official.reqAllOpenOrders()
        official.wait("openOrderEnd")
        last = official.calls["openOrder"][-1][2]
        assert (last.orderType, last.tif, last.parentId, last.totalQuantity) == ("STP", "GTC", 1, 100)
        official.reqCompletedOrders(False)
        official.wait("completedOrdersEnd")
        _, over, state = official.calls["completedOrder"][0]
        assert (over.orderRef, over.filledQuantity, state.status) == ("al-entry", 100, "Filled")
        official.reqExecutions(9, filters.ExecutionFilter())
        official.wait("execDetailsEnd", lambda request: request == 9)
        assert official.calls["execDetails"][-1][0] == 9
        official.cancelOrder(2, cancels.OrderCancel())
        official.wait("orderStatus", lambda number, status, *rest: (number, status) == (2, "Cancelled"))
        official.wait("error", lambda number, at, code, *rest: (number, code) == (2, 202))
        official.cancelOrder(77, cancels.OrderCancel())
        official.wait("error", lambda number, at, code, *rest: (number, code) == (77, 10147))

    gateway = meet(scenario)
    assert gateway.venue.positions(ACCOUNT)["AAA"].shares == 100


def test_a_trailing_stop_follows_and_sells() -> None:
    def scenario(official: Official) -> None:
        official.wait("nextValidId")
        official.placeOrder(1, share(), order("BUY", "MKT", 10, transmit=False))
        official.placeOrder(2, share(), order("SELL", "TRAIL", 10, auxPrice=1.5, parentId=1, tif="GTC"))
        _, _, sold = official.wait("execDetails", lambda request, of, done: done.side == "SLD")
        assert (sold.shares, sold.price) == (10, 102.5)  # 104, less 1.5
        official.wait("commissionAndFeesReport", lambda report: report.execId == sold.execId and report.realizedPNL > 0)
        official.reqCompletedOrders(False)
        official.wait("completedOrdersEnd")
        trail = next(over for _, over, _ in official.calls["completedOrder"] if over.orderType == "TRAIL")
        assert math.isclose(trail.trailStopPrice, 102.5)

    meet(scenario)


def test_the_rest_that_it_may_ask() -> None:
    def scenario(official: Official) -> None:
        official.wait("nextValidId")
        official.reqAccountSummary(1, "All", "NetLiquidation,TotalCashValue")
        official.wait("accountSummaryEnd")
        assert len(official.calls["accountSummary"]) == 2
        official.reqPnL(2, ACCOUNT, "")
        assert official.wait("pnl")[0] == 2
        official.reqAccountUpdatesMulti(3, ACCOUNT, "", False)
        official.wait("accountUpdateMultiEnd")
        official.reqIds(1)
        official.reqManagedAccts()
        official.reqUserInfo(4)
        official.wait("userInfo")
        official.reqGlobalCancel(cancels.OrderCancel())
        official.reqOpenOrders()
        official.wait("openOrderEnd")

    meet(scenario)
