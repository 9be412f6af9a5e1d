"""The real client library over a real socket; time is the session's and jumps when nothing is left to do."""

from __future__ import annotations

import asyncio
import math
from datetime import date

import pandas as pd
import pytest

from alphalib.gateway.accounts import Position
from alphalib.gateway.server import Gateway, serve
from tests.gateway.port import ACCOUNT, CALM, CLOSE, DAY, OPEN, Port, at_port, bars, bracket, ib, order, share, stop


def test_a_client_connects_and_knows_the_account():
    async def test(port: Port) -> None:
        client = await port.client()
        assert client.managedAccounts() == [ACCOUNT]
        held = [(at.contract.symbol, at.position, at.avgCost) for at in client.positions()]
        assert held == [("AAA", 10.0, 90.0)]
        values = {(value.tag, value.currency): value.value for value in client.accountValues(ACCOUNT)}
        assert values["TotalCashValue", "USD"] == "100000.00"
        assert values["NetLiquidation", "USD"] == "100900.00"  # 100,000 + 10 · 90, no price yet
        assert [item.marketValue for item in client.portfolio()] == [900.0]
        assert {code for _, code in client.heard} == {2104, 2106, 2158}

    at_port(test, positions={ACCOUNT: {"AAA": Position(10.0, 90.0)}})


def test_connecting_takes_no_session_time_and_the_gateway_says_the_session_s_time():
    async def test(port: Port) -> None:
        client = await port.client()
        assert await client.reqCurrentTimeAsync() == port.loop.now() == OPEN - pd.Timedelta(minutes=1)

    at_port(test)


def test_a_market_order_at_the_boundary_of_a_minute_fills_at_its_opening_print():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:32")
        trade = client.placeOrder(share(), order("BUY", 100, orderRef="al-1"))
        await port.until("09:33")
        (fill,) = client.fills()
        done = fill.execution
        # the third minute opens where the second closed, at 101
        assert (done.price, done.shares, done.side, done.orderRef) == (101.0, 100.0, "BOT", "al-1")
        assert f"{pd.Timestamp(done.time).tz_convert('America/New_York'):%H:%M:%S}" == "09:32:01"
        assert trade.orderStatus.status == "Filled"
        assert fill.commissionReport.commission == 1.0  # 100 · 0.005 is below the minimum of 1.00
        assert [(at.position, at.avgCost) for at in client.positions()] == [(100.0, pytest.approx(101.01))]

    at_port(test, table=bars({"AAA": [100.0, 101.0, 102.0, 103.0]}))


def test_an_order_due_at_the_very_instant_of_an_opening_print_takes_that_print():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31:59.5")
        client.placeOrder(share(), order("BUY", 100))  # due a second later: with the print that opens the third minute
        await port.until("09:33")
        assert [fill.execution.price for fill in client.fills()] == [105.0]

    jumped = {symbol: table.copy() for symbol, table in CALM.items()}
    jumped["AAA"].loc[2, ["open", "high"]] = 105.0
    at_port(test, table=jumped)


def test_a_bracket_s_stop_waits_for_its_parent_then_covers_and_sells():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        first, child = await bracket(client, price=97.0)
        await asyncio.sleep(0.1)
        assert child.orderStatus.whyHeld == "child,trigger"
        await port.until("09:32")
        assert (first.orderStatus.status, child.orderStatus.whyHeld) == ("Filled", "trigger")
        await port.until("09:35")
        prices = [fill.execution.price for fill in client.fills()]
        assert prices == [100.0, 97.0]  # on its way from 100 to 96 the market passes 97
        assert client.positions() == []

    at_port(test, table=bars({"AAA": [100.0, 100.0, 100.0, 96.0, 96.0]}))


def test_a_parent_not_yet_transmitted_is_not_told_of_and_vanishes_with_its_client():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        client.placeOrder(share(), order("BUY", 100, orderRef="al-1", transmit=False, orderId=1))
        await asyncio.sleep(0.1)
        assert await client.reqAllOpenOrdersAsync() == []
        client.disconnect()
        await port.until("09:33")
        assert port.venue.completed() == port.venue.orders() == []
        again = await port.client()
        late = stop(100, 95.0, parentId=1, orderId=again.client.getReqId())
        again.placeOrder(share(), late)
        await asyncio.sleep(0.1)
        assert (late.orderId, 10006) in again.heard  # its parent is missing

    at_port(test)


def test_a_stop_is_changed_and_its_new_level_is_seen_by_a_new_connection():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        _, child = await bracket(client)
        await port.until("09:32")
        child.order.auxPrice = 96.0
        client.placeOrder(share(), child.order)
        await asyncio.sleep(0.1)
        client.disconnect()
        again = await port.client(1)
        (found,) = again.openTrades()
        assert (found.order.auxPrice, found.order.orderRef, found.order.tif) == (96.0, "al-AAA-stop-1", "GTC")
        assert (found.order.account, found.order.totalQuantity) == (ACCOUNT, 100.0)
        assert (found.orderStatus.status, found.orderStatus.whyHeld) == ("PreSubmitted", "trigger")

    at_port(test)


def test_a_recovered_order_can_be_changed_with_what_the_gateway_said_of_it():
    """Clients send back TWS's own words, such as the literal None that makes placeOrder eight fields longer."""

    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        await bracket(client)
        await port.until("09:32")
        client.disconnect()
        again = await port.client(1)
        (found,) = again.openTrades()
        assert found.order.deltaNeutralOrderType == "None"
        found.order.auxPrice, found.order.totalQuantity = 97.5, 60
        again.placeOrder(share(), found.order)
        await asyncio.sleep(0.1)
        (kept,) = port.venue.orders()
        assert (kept.aux, kept.quantity, kept.ref, kept.tif) == (97.5, 60.0, "al-AAA-stop-1", "GTC")

    at_port(test)


def test_a_cancel_ends_in_cancelled_with_202():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        _, child = await bracket(client)
        await port.until("09:32")
        opened = []
        client.openOrderEvent += opened.append
        client.cancelOrder(child.order)
        await asyncio.sleep(0.1)
        assert child.orderStatus.status == "Cancelled"
        assert opened == []  # of a cancel the state alone is told
        assert (child.order.orderId, 202) in client.heard
        over = {trade.order.orderRef: trade.orderStatus.status for trade in await client.reqCompletedOrdersAsync(False)}
        assert over == {"al-AAA-entry-1": "Filled", "al-AAA-stop-1": "Cancelled"}

    at_port(test)


def test_two_clients_see_one_position_and_each_its_own_orders():
    async def test(port: Port) -> None:
        one, two = await port.client(1), await port.client(2)
        await port.until("09:31")
        await bracket(one)
        await port.until("09:32")
        assert [at.position for at in two.positions()] == [100.0]
        assert two.fills() == []
        assert two.trades() == []
        seen = await two.reqAllOpenOrdersAsync()
        assert [(trade.order.clientId, trade.order.orderRef) for trade in seen] == [(1, "al-AAA-stop-1")]
        assert [fill.execution.clientId for fill in await two.reqExecutionsAsync()] == [1]
        assert len(await two.reqExecutionsAsync(ib.ExecutionFilter(clientId=1, symbol="AAA", side="BUY"))) == 1
        for other in (
            {"clientId": 2},
            {"symbol": "BBB"},
            {"side": "SLD"},
            {"acctCode": "DU2"},
            {"time": "20260302 10:00:00"},
        ):
            assert await two.reqExecutionsAsync(ib.ExecutionFilter(**other)) == []

    at_port(test)


def test_a_client_number_in_use_is_refused_and_the_first_stays():
    async def test(port: Port) -> None:
        one, second = await port.client(1), port.stranger()
        with pytest.raises((TimeoutError, ConnectionError)):
            await second.connectAsync("127.0.0.1", port.gateway.port, clientId=1, timeout=4)
        assert (-1, 326) in second.heard
        assert await one.reqCurrentTimeAsync() == port.loop.now()

    at_port(test)


def test_an_unknown_name_has_no_contract():
    async def test(port: Port) -> None:
        client = await port.client()
        assert [found for found in await client.qualifyContractsAsync(share("ZZZ")) if found] == []
        client.placeOrder(share("ZZZ"), order("BUY", 1))
        await asyncio.sleep(0.1)
        assert [code for _, code in client.heard if code == 200] == [200, 200]
        assert port.venue.completed() == []

    at_port(test)


def test_contract_details_have_the_hours_of_the_day():
    async def test(port: Port) -> None:
        client = await port.client()
        (found,) = await client.reqContractDetailsAsync(ib.Stock("AAA", "SMART", "USD"))
        assert found.liquidHours.split(";")[0] == "20260302:0930-20260302:1600"
        assert found.timeZoneId == "US/Eastern"
        assert (found.contract.conId, found.minTick) == (1, 0.01)

    at_port(test)


def test_ticks_are_delayed_ones_for_those_who_ask_and_their_volume_adds_up():
    async def test(port: Port) -> None:
        client = await port.client()
        refused = client.reqMktData(share("BBB"))
        await asyncio.sleep(0.1)
        assert [code for _, code in client.heard if code in (354, 10167)] == [354]
        client.reqMarketDataType(3)
        ticker = client.reqMktData(share())
        await port.until("09:40")
        assert [code for _, code in client.heard if code in (354, 10167)] == [354, 10167]
        assert ticker.marketDataType == 3
        assert (ticker.last, ticker.volume, ticker.bid, ticker.ask) == (100.0, 4000.0, 100.0, 100.0)
        assert math.isnan(refused.last)

    at_port(test)


def test_a_number_is_watched_under_once():
    async def test(port: Port) -> None:
        client = await port.client()
        client.client.reqMktData(77, share("AAA"), "", False, False, [])
        client.client.reqMktData(77, share("BBB"), "", False, False, [])
        await asyncio.sleep(0.1)
        assert [code for _, code in client.heard if code == 322] == [322]
        assert client.client.isConnected()

    at_port(test, live=True)


def test_one_look_at_a_name_ends_and_is_no_subscription():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:33")
        (seen,) = await client.reqTickersAsync(share())
        assert (seen.last, seen.open, seen.high, seen.volume) == (102.0, 100.0, 102.0, 1200.0)
        assert [*port.gateway.audience.watchers["AAA"]] == []

    at_port(test, table=bars({"AAA": [100.0, 101.0, 102.0, 103.0]}), live=True)


def test_an_account_that_pays_has_live_ticks_and_delayed_data_come_late():
    async def test(port: Port) -> None:
        client = await port.client()
        ticker = client.reqMktData(share())
        await port.until("09:33")
        assert ticker.marketDataType == 1
        # the minute from 9:31 closed at 101 and is published a minute later
        assert (ticker.last, ticker.volume) == (101.0, 800.0)

    at_port(test, table=bars({"AAA": [100.0, 101.0, 102.0, 103.0]}), live=True, delay=1.0)


def test_historical_bars_are_those_that_are_complete():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:33:30")
        minutes = await client.reqHistoricalDataAsync(share(), "", "1 D", "1 min", "TRADES", True)
        assert [bar.close for bar in minutes] == [100.0, 101.0, 102.0]
        assert f"{pd.Timestamp(minutes[-1].date).tz_convert('America/New_York'):%H:%M}" == "09:32"
        (two,) = await client.reqHistoricalDataAsync(share(), "", "1 D", "3 mins", "TRADES", True)
        assert (two.open, two.high, two.low, two.close, two.volume) == (100.0, 102.0, 100.0, 102.0, 1200.0)
        days = await client.reqHistoricalDataAsync(share(), "", "2 D", "1 day", "TRADES", True)
        assert [(bar.date, bar.close) for bar in days] == [(date(2026, 2, 27), 99.0), (date(2026, 3, 2), 102.0)]

    earlier = pd.DataFrame(
        {"time": [pd.Timestamp("2026-02-27")], "open": 99.0, "high": 99.0, "low": 99.0, "close": 99.0, "volume": 5e5}
    )
    at_port(test, table=bars({"AAA": [100.0, 101.0, 102.0, 103.0]}), daily={"AAA": earlier})


def test_the_same_bars_twice_in_15_seconds_are_a_pacing_violation():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:33")

        async def ask() -> int:
            return len(await client.reqHistoricalDataAsync(share(), "", "1 D", "1 min", "TRADES", True))

        assert await ask() == 3
        assert await ask() == 0
        assert [code for _, code in client.heard if code == 162] == [162]
        await asyncio.sleep(15)
        assert await ask() == 3

    at_port(test)


def test_51_messages_in_a_second_are_too_many_and_the_third_time_ends_the_connection():
    async def test(port: Port) -> None:
        client = await port.client()
        await asyncio.sleep(2)
        for _ in range(51):
            client.client.reqIds(1)
        await asyncio.sleep(0.5)
        assert [code for _, code in client.heard if code == 100] == [100]
        assert client.isConnected()
        client.client.reqIds(1)
        client.client.reqIds(1)
        await asyncio.sleep(0.1)
        assert not client.isConnected()

    at_port(test)


def test_no_more_than_100_names_are_watched_at_a_time():
    names = {f"N{number:03d}": [10.0] for number in range(101)}

    async def test(port: Port) -> None:
        client = await port.client()
        for number, symbol in enumerate(sorted(names)):
            if number % 40 == 0:
                await asyncio.sleep(2)
            client.reqMktData(ib.Stock(symbol, "SMART", "USD", conId=number + 1))
        await asyncio.sleep(0.1)
        assert [code for _, code in client.heard if code == 101] == [101]

    at_port(test, table=bars(names), live=True)


def test_profit_and_loss_of_the_day_count_from_the_close_before():
    async def test(port: Port) -> None:
        client = await port.client()
        whole = client.reqPnL(ACCOUNT)
        single = client.reqPnLSingle(ACCOUNT, "", 1)
        await port.until("09:32")
        # 10 shares bought at 90 closed at 99 yesterday and stand at 101
        assert (whole.dailyPnL, whole.unrealizedPnL, whole.realizedPnL) == (20.0, 110.0, 0.0)
        assert (single.position, single.value) == (10, 1010.0)

    earlier = pd.DataFrame(
        {"time": [pd.Timestamp("2026-02-27")], "open": 99.0, "high": 99.0, "low": 99.0, "close": 99.0, "volume": 5e5}
    )
    at_port(
        test,
        table=bars({"AAA": [100.0, 101.0, 102.0]}),
        daily={"AAA": earlier},
        positions={ACCOUNT: {"AAA": Position(10.0, 90.0)}},
    )


def test_account_values_are_told_after_a_trade_and_every_three_minutes():
    async def test(port: Port) -> None:
        client = await port.client()

        def nav() -> float:
            (found,) = (v for v in client.accountValues(ACCOUNT) if v.tag == "NetLiquidation")
            return float(found.value)

        await port.until("09:31")
        client.placeOrder(share(), order("BUY", 100))
        await port.until("09:32")
        assert nav() == 99_999.0  # the commission is gone
        await port.until("09:36")
        assert nav() == 100_399.0  # 100 shares, 4 up

    at_port(test, table=bars({"AAA": [100.0, 100.0, 104.0, 104.0, 104.0, 104.0, 104.0]}))


def test_a_summary_has_the_values_that_were_asked_for():
    async def test(port: Port) -> None:
        client = await port.client()
        found = {(value.tag, value.currency): value.value for value in await client.accountSummaryAsync(ACCOUNT)}
        assert found["NetLiquidation", "USD"] == "100000.00"
        assert found["AccountType", ""] == "INDIVIDUAL"
        assert found["CashBalance", "BASE"] == "100000.00"  # of the ledger
        assert ("AccountReady", "") not in found

    at_port(test)


@pytest.mark.parametrize("utc", [False, True])
def test_a_fill_has_the_same_time_however_tws_writes_times(utc: bool):
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        client.placeOrder(share(), order("BUY", 100))
        await port.until("09:32")
        (fill,) = client.fills()
        assert fill.execution.time == OPEN + pd.Timedelta(seconds=61)

    at_port(test, utc=utc)


def test_day_orders_end_with_the_session_and_stops_stay():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        waiting = client.placeOrder(share(), ib.LimitOrder("BUY", 1, 50.0, tif="DAY", account=ACCOUNT))
        await bracket(client)
        await port.gateway.play()
        assert port.loop.now() == CLOSE + pd.Timedelta(minutes=1)
        assert waiting.orderStatus.status == "Cancelled"
        assert [order.kind for order in port.venue.orders()] == ["STP"]

    at_port(test)


def test_an_order_in_a_closed_market_waits_for_the_open():
    async def test(port: Port) -> None:
        client = await port.client()
        trade = client.placeOrder(share(), order("BUY", 1))
        await asyncio.sleep(0.1)
        assert (trade.order.orderId, 399) in client.heard
        assert [str(found.status) for found in port.venue.orders()] == ["PreSubmitted"]
        await port.until("09:31")
        assert trade.orderStatus.status == "Filled"

    at_port(test)


def test_the_ledger_has_every_order_message_with_the_accounts_its_client_was_told():
    async def test(port: Port) -> None:
        client = await port.client(4)
        await port.until("09:31")
        await bracket(client)
        await asyncio.sleep(0.1)
        frames = [entry for entry in port.venue.ledger.entries if type(entry).__name__ == "Frame"]
        assert [(f.message, f.client_id, f.ref, f.transmit, f.accounts) for f in frames] == [
            ("placeOrder", 4, "al-AAA-entry-1", False, (ACCOUNT,)),
            ("placeOrder", 4, "al-AAA-stop-1", True, (ACCOUNT,)),
        ]

    at_port(test)


def test_the_same_day_takes_the_same_steps():
    days = []

    async def test(port: Port) -> None:
        one, two = await port.client(1), await port.client(2)
        for client in (one, two):
            client.reqMktData(share())
        await port.until("09:31")
        await asyncio.gather(bracket(one), bracket(two, ref="al-two"))
        await port.gateway.play()
        days.append((port.venue.ledger.entries, one.client._numMsgRecv, two.client._numBytesRecv))

    for _ in range(2):
        at_port(test, table=bars({"AAA": [100.0, 100.0, 100.0, 94.0, 96.0]}), live=True)
    assert days[0] == days[1]
    assert len(days[0][0]) > 10


def test_a_stranger_who_speaks_something_else_is_shown_out():
    async def test(port: Port) -> None:
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"API\0\0\0\0\x09v200..220"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port.gateway.port)
            writer.write(words)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    at_port(test)


@pytest.mark.slow
def test_a_day_of_fifty_names_goes_through_the_socket():
    """390 minutes of 50 names: for each at least the last price four times with its volume, and bid and ask once."""
    names = {f"N{number:02d}": [100.0 + (minute + number) % 7 for minute in range(390)] for number in range(50)}

    async def test(port: Port) -> None:
        client = await port.client()
        watched = []
        for number, symbol in enumerate(sorted(names), start=1):
            if number % 40 == 0:
                await asyncio.sleep(2)
            watched.append(client.reqMktData(ib.Stock(symbol, "SMART", "USD", conId=number)))
        await port.gateway.play()
        assert {ticker.volume for ticker in watched} == {390 * 400.0}
        assert [ticker.last for ticker in watched] == [names[f"N{number:02d}"][-1] for number in range(50)]

    at_port(test, table=bars(names), live=True)


def test_serve_plays_a_session_and_ends_with_it():
    seen: list[Gateway] = []
    serve(CALM, day=DAY, cash={ACCOUNT: 1.0}, port=0, speed=math.inf, ready=seen.append)
    assert seen[0].port > 0
    assert not seen[0].venue.is_open


def test_a_gateway_needs_a_loop_that_knows_the_session_s_time():
    async def elsewhere() -> None:
        from alphalib.gateway.playback import Playback
        from alphalib.gateway.venue import Venue

        with pytest.raises(TypeError, match="lives on a SessionLoop"):
            await Gateway(Venue({ACCOUNT: 1.0}, []), Playback(DAY, CALM)).start()

    asyncio.run(elsewhere())
