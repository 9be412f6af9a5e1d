"""Each thing that can go wrong, seen by the real client library at the other end of the socket."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from alphalib.errors import InputError
from alphalib.gateway.faults import Act, read_faults
from tests.gateway.port import ACCOUNT, Port, at_port, bars, bracket, order, share, stop


def refs(port: Port) -> list[str]:
    return [found.ref for found in [*port.venue.orders(), *port.venue.completed()]]


async def buy(client: Any, ref: str = "al-1", shares: float = 100) -> Any:
    trade = client.placeOrder(share(), order("BUY", shares, orderRef=ref))
    await asyncio.sleep(0.1)
    return trade


@pytest.mark.parametrize(("act", "arrived"), [("cut", []), ("cut_inside", []), ("cut_after", ["al-1"])])
def test_a_cut_at_an_order_ends_the_connection_before_or_after_it_arrived(act: str, arrived: list[str]):
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        trade = await buy(client)
        assert not client.isConnected()
        assert refs(port) == arrived
        assert trade.orderStatus.permId == 0  # nobody heard of it
        again = await port.client()
        assert [found.order.orderRef for found in again.openTrades()] == arrived
        sent = [entry for entry in port.venue.ledger.entries if type(entry).__name__ == "Frame"]
        assert len(sent) == 1  # written down whatever became of it

    at_port(test, script=[{"do": act, "message": "placeOrder"}])


@pytest.mark.parametrize(("act", "known"), [("cut", 0), ("cut_inside", 0), ("cut_after", 1)])
def test_a_cut_at_an_execution_comes_before_inside_or_after_it(act: str, known: int):
    async def test(port: Port) -> None:
        client, heard = await port.client(), []
        client.execDetailsEvent += lambda trade, fill: heard.append(fill)
        await port.until("09:31")
        await buy(client)
        await port.until("09:32")
        assert not client.isConnected()
        assert len(heard) == known
        again = await port.client()
        assert [fill.execution.shares for fill in again.fills()] == [100.0]

    at_port(test, script=[{"do": act, "message": "execDetails"}])


def test_an_order_that_is_lost_never_was():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        trade = await buy(client)
        assert (client.isConnected(), trade.orderStatus.status, refs(port)) == (True, "PendingSubmit", [])

    at_port(test, script=[{"do": "drop", "message": "placeOrder"}])


def test_a_delayed_message_comes_later_and_others_pass_it():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        trade = await buy(client)
        await port.until("09:31:20")
        assert (trade.orderStatus.status, client.fills()) == ("Filled", [])
        await port.until("09:31:40")
        assert len(client.fills()) == 1

    at_port(test, script=[{"do": "delay", "message": "execDetails", "seconds": 30}])


def test_a_message_that_comes_twice_and_one_that_comes_after_the_next():
    async def test(port: Port) -> None:
        client, told = await port.client(), []
        plain, said = client.wrapper.execDetails, client.wrapper.commissionReport
        client.wrapper.execDetails = lambda *args: (told.append("exec"), plain(*args))
        client.wrapper.commissionReport = lambda *args: (told.append("commission"), said(*args))
        await port.until("09:31")
        await buy(client)
        await port.until("09:32")
        assert told == ["commission", "exec"]
        await buy(client, "al-2")
        await port.until("09:33")
        assert told == ["commission", "exec", "exec", "exec", "commission"]

    script = [
        {"do": "hold", "message": "execDetails", "until": "commissionReport"},
        {"do": "double", "message": "execDetails", "count": 2},
    ]
    at_port(test, script=script)


def test_an_order_is_rejected_with_its_child():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        first, _ = await bracket(client)
        await asyncio.sleep(0.1)
        assert (first.order.orderId, 201) in client.heard
        assert [found.ref for found in port.venue.completed()] == ["al-AAA-entry-1", "al-AAA-stop-1"]
        assert port.venue.orders() == []

    at_port(test, script=[{"do": "reject", "message": "placeOrder", "text": "Order rejected - reason:margin"}])


def test_an_order_fills_in_part_only():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        trade = await buy(client)
        await port.until("09:35")
        assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (40.0, 60.0)

    at_port(test, script=[{"do": "partial", "message": "placeOrder", "shares": 40}])


def test_a_warning_about_an_order_that_lives_makes_the_library_call_it_cancelled():
    """Which is why nobody may believe it: error 10349 is told of an order that then fills."""

    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        trade = client.placeOrder(share(), order("BUY", 100))
        await port.until("09:32")
        assert (trade.order.orderId, 10349) in client.heard
        assert [at.position for at in client.positions()] == [100.0]

    at_port(test, script=[{"do": "warn", "message": "placeOrder", "code": 10349, "text": "Order TIF was set to DAY"}])


def test_a_cancel_that_is_not_done():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        _, child = await bracket(client)
        await port.until("09:32")
        client.cancelOrder(child.order)
        await asyncio.sleep(0.1)
        assert (child.order.orderId, 10147) in client.heard
        assert [found.kind for found in port.venue.orders()] == ["STP"]

    at_port(test, script=[{"do": "not_cancelled", "message": "cancelOrder", "code": 10147}])


def test_a_correction_has_the_same_root_and_the_next_revision():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        await buy(client)
        await port.until("09:32")
        first, second = (fill.execution for fill in client.fills())
        assert first.execId.rpartition(".")[0] == second.execId.rpartition(".")[0]
        assert (second.execId[-2:], second.shares, second.price) == ("02", 90.0, 100.0)
        assert [at.position for at in client.positions()] == [90.0]

    at_port(test, script=[{"do": "correct", "message": "execDetails", "seconds": 5, "shares": 90}])


def test_a_correction_to_more_than_was_ordered_ends_there():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        await buy(client)
        await port.until("09:32")
        assert [fill.execution.shares for fill in client.fills()] == [50.0, 100.0]  # no other shares were ordered

    limits = [{"do": "partial", "message": "placeOrder", "shares": 50}]
    at_port(test, script=[*limits, {"do": "correct", "message": "execDetails", "seconds": 5, "shares": 190}])


def test_a_listing_that_never_ends_and_one_that_is_empty():
    async def test(port: Port) -> None:
        first = await port.client()
        await port.until("09:31")
        await buy(first)
        await port.until("09:32")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first.reqExecutionsAsync(), 10)
        assert await first.reqExecutionsAsync() == []
        assert len(await first.reqExecutionsAsync()) == 1

    script = [
        {"do": "no_end", "message": "reqExecutions", "count": 2},
        {"do": "empty", "message": "reqExecutions", "count": 3},
    ]
    at_port(test, script=script)


def test_the_port_is_open_and_nobody_is_logged_in():
    async def test(port: Port) -> None:
        with pytest.raises((TimeoutError, ConnectionError)):
            await port.client(timeout=4)
        await asyncio.sleep(30)
        assert (await port.client()).managedAccounts() == [ACCOUNT]
        assert len(port.gateway.audience.clients) == 1

    at_port(test, script=[{"do": "refuse_login", "message": "startApi", "seconds": 30}])


def test_accounts_are_empty_at_first_and_then_others():
    async def test(port: Port) -> None:
        with pytest.raises((TimeoutError, ConnectionError)):
            await port.client(timeout=4)
        await asyncio.sleep(30)
        assert (await port.client(2)).managedAccounts() == ["DU1", "U7"]

    script = [
        {"do": "empty_accounts", "message": "startApi"},
        {"do": "accounts", "at": -30, "accounts": ["DU1", "U7"]},
    ]
    at_port(test, script=script)


def test_a_client_number_is_in_use_for_some_connections():
    async def test(port: Port) -> None:
        for _ in range(2):
            with pytest.raises((TimeoutError, ConnectionError)):
                await port.client(timeout=4)
        assert (await port.client()).isConnected()
        assert [326 in [code for _, code in client.heard] for client in port.clients] == [True, True, False]

    at_port(test, script=[{"do": "busy_id", "at": -60, "times": 2}])


def test_a_silent_gateway_says_later_what_it_did_not_say():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        await buy(client)
        await asyncio.sleep(0.5)
        asked = asyncio.ensure_future(client.reqCurrentTimeAsync())
        await port.until("09:31:59")
        assert client.isConnected()
        assert not asked.done()
        assert client.fills() == []
        await port.until("09:32:01")
        assert (await asked).minute == 32
        assert len(client.fills()) == 1

    at_port(test, script=[{"do": "silent", "at": "09:31:00.5", "seconds": 59.5}])


def test_the_exchange_is_lost_and_comes_back_with_or_without_the_subscriptions():
    async def test(port: Port) -> None:
        client = await port.client()
        ticker = client.reqMktData(share())
        await port.until("09:32")
        assert ticker.last == 101.0
        await buy(client)
        await port.until("09:33:30")
        assert len(client.fills()) == 1  # fills are told all the same
        assert ticker.last == 101.0
        await port.until("09:36")
        assert ticker.last == 105.0
        await port.until("09:39")
        assert ticker.last == 106.0
        assert [code for _, code in client.heard if 1100 <= code <= 1102] == [1100, 1102, 1101]

    script = [
        {"do": "lost", "at": "09:32:00"},
        {"do": "restored", "at": "09:34:00"},
        {"do": "restored_without_data", "at": "09:37:00"},
    ]
    at_port(test, table=bars({"AAA": [100.0 + minute for minute in range(10)]}), live=True, script=script)


def test_the_nightly_restart_forgets_the_day_and_keeps_the_stops():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        await bracket(client)
        await port.until("09:32")
        await buy(client, "al-2")
        await buy(client, "al-3")
        assert port.venue.next_id(1) == 7
        await port.until("09:33:10")
        assert not client.isConnected()
        with pytest.raises((TimeoutError, ConnectionError)):
            await port.client(timeout=4)
        await port.until("09:34:10")
        again = await port.client()
        assert [found.order.orderRef for found in again.openTrades()] == ["al-AAA-stop-1"]
        assert again.fills() == []
        assert port.venue.next_id(1) == 5  # 6 was given before; 4 is still the stop's
        assert [at.position for at in again.positions()] == [300.0]

    at_port(test, script=[{"do": "restart", "at": "09:33:00", "seconds": 60, "roll_back": 2}])


def test_a_halted_name_says_so_and_nothing_more_of_it_until_it_goes_on():
    async def test(port: Port) -> None:
        client = await port.client()
        ticker = client.reqMktData(share())
        await port.until("09:33:30")
        assert (ticker.halted, ticker.last) == (1.0, 101.0)
        trade = await buy(client)
        await port.until("09:34")
        assert trade.orderStatus.status == "Submitted"
        await port.until("09:35:30")
        assert (ticker.halted, trade.orderStatus.status) == (0.0, "Filled")

    script = [{"do": "halt", "at": "09:32", "symbol": "AAA"}, {"do": "resume", "at": "09:35", "symbol": "AAA"}]
    at_port(test, table=bars({"AAA": [100.0 + minute for minute in range(10)]}), live=True, script=script)


def test_ticks_of_a_name_are_missing_or_mean_nothing():
    async def test(port: Port) -> None:
        client = await port.client()
        stale, bad = client.reqMktData(share("AAA")), client.reqMktData(share("BBB"))
        await port.until("09:32:59")
        assert stale.last == 101.0
        assert bad.last == -1.0
        await port.until("09:33:59")
        assert stale.last == 103.0
        assert math.isnan(bad.last)
        await port.until("09:34:59")
        assert bad.last == 54.0

    script = [
        {"do": "stale", "at": "09:32:00", "symbol": "AAA", "seconds": 60},
        {"do": "bad_price", "at": "09:32:00", "symbol": "BBB", "seconds": 60, "price": -1},
        {"do": "bad_price", "at": "09:33:00", "symbol": "BBB", "seconds": 60},
    ]
    path = {"AAA": [100.0 + minute for minute in range(10)], "BBB": [50.0 + minute for minute in range(10)]}
    at_port(test, table=bars(path), live=True, script=script)


def test_somebody_cancels_an_order_by_hand_and_a_code_is_told_to_everyone():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        _, child = await bracket(client)
        await port.until("09:33")
        assert child.orderStatus.status == "Cancelled"
        assert (-1, 2103) in client.heard
        assert not client.isConnected()

    script = [
        {"do": "withdraw", "at": "09:32:00", "ref": "stop"},
        {"do": "error", "at": "09:32:00", "code": 2103, "text": "Market data farm connection is broken:usfarm"},
        {"do": "cut", "at": "09:32:30"},
    ]
    at_port(test, script=script)


def test_an_error_instead_of_an_answer_names_the_request():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        assert len(await client.reqHistoricalDataAsync(share(), "", "1 D", "1 min", "TRADES", True)) == 0
        assert [code for request, code in client.heard if request > 0] == [162]

    at_port(test, script=[{"do": "error", "message": "reqHistoricalData", "code": 162, "text": "no data"}])


def test_at_a_time_orders_are_rejected_rationed_and_warned_of():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31")
        client.placeOrder(share("AAA"), stop(10, 90.0, orderRef="al-warned"))
        client.placeOrder(share("AAA"), stop(10, 91.0, orderRef="al-rejected"))
        await port.until("09:33")
        assert [found.ref for found in port.venue.orders()] == ["al-warned"]
        assert [code for _, code in client.heard if code in (201, 404)] == [404, 201]

    script = [
        {"do": "warn", "at": "09:32", "ref": "warned", "code": 404, "text": "Order held while securities are located."},
        {"do": "reject", "at": "09:32", "ref": "rejected"},
    ]
    at_port(test, script=script)


def test_a_fault_at_a_parent_and_its_child_strikes_what_is_left():
    async def test(port: Port) -> None:
        client = await port.client()
        await port.until("09:31:02")
        first = order("BUY", 10, orderRef="al-1", transmit=False, orderId=client.client.getReqId())
        first.orderType, first.lmtPrice = "LMT", 50.0
        child = stop(10, 40.0, orderRef="al-1-stop", parentId=first.orderId, orderId=client.client.getReqId())
        client.placeOrder(share(), first)
        client.placeOrder(share(), child)
        await port.until("09:33")
        assert port.venue.orders() == []

    at_port(test, script=[{"do": "withdraw", "at": "09:32", "ref": "al-1"}])


def test_a_script_about_a_name_that_is_not_traded_is_refused():
    async def test(port: Port) -> None:
        raise AssertionError("it should not have started")

    with pytest.raises(InputError, match="the fault script is about ZZZ, which the venue does not trade"):
        at_port(test, script=[{"do": "halt", "at": "09:32", "symbol": "ZZZ"}])


def test_the_script_on_the_gateway_s_page_can_be_read(tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text()
    file = tmp_path / "faults.json"
    file.write_text(page.partition("```json\n")[2].partition("```")[0])
    assert len(read_faults(file)) == 6
    named = {word.strip() for row in page.splitlines() if row.startswith("| ") for word in row.split("|")[1].split(",")}
    assert {str(act) for act in Act} <= named  # each is in the table
