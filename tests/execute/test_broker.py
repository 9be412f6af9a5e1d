"""The battery that an IB library has to pass: the adapter against a real gateway, over a real socket.

`make test-ib-async` runs the same file where ib_async is installed instead of ib_insync.
"""

import asyncio
import math
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from alphalib.clock import SessionLoop, run
from alphalib.errors import BrokerError, NotPaperError
from alphalib.execute.broker import Charge, Fill, Held, Kind, Link, Notice, Report, Side, State, Tick, Ticket
from alphalib.execute.ib.adapter import IB
from alphalib.gateway.accounts import Position
from alphalib.gateway.faults import Act, Fault
from alphalib.gateway.ledger import Frame
from alphalib.gateway.orders import Contract, Execution, Order, Status
from alphalib.gateway.playback import Playback
from alphalib.gateway.replies import completed_order, executed
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue
from alphalib.gateway.wire import frame
from tests.execute.morning import HALF_DAY, bars

OPEN = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
BEGIN = OPEN - timedelta(minutes=5)
PATHS = {"AAA": [100, 101, 99, 98, 97, 96, 95, 94, 95, 96], "BRK B": [200, 201, 202, 203, 204, 205, 206, 207, 208, 209]}

ENTRY = Ticket("al-261127-AAA-entry-1", "AAA", Side.BUY, 10, Kind.MARKET)
STOP = Ticket("al-261127-AAA-stop-1", "AAA", Side.SELL, 10, Kind.STOP, 96.5, parent=ENTRY.ref)
COVER = Ticket("al-261127-BRK-B-stop-1", "BRK-B", Side.SELL, 50, Kind.STOP, 150.0)


BY_HAND = Order(0, 1, 0, Contract(100, "AAA"), "BUY", 5, "LMT", limit=90.0, account="DU1", tif="GTC")


@dataclass
class World:
    """A gateway that plays, and one broker; everything that the broker said so far is in `said`."""

    gateway: Gateway
    venue: Venue
    broker: IB
    said: list = field(default_factory=list)

    async def until(self, seconds):
        """Wait for a time after the open. [seconds]"""
        loop = asyncio.get_running_loop()
        await asyncio.sleep((OPEN - loop.now()).total_seconds() + seconds)

    def heard(self, kind):
        while not self.broker.events.empty():
            self.said.append(self.broker.events.get_nowait())
        return [event for event in self.said if isinstance(event, kind)]

    def states(self, ref):
        return [report.state for report in self.heard(Report) if report.ref == ref]

    def frames(self):
        return [entry for entry in self.venue.ledger.entries if isinstance(entry, Frame)]


def play(scenario, *faults, accounts=("DU1",), live=False, utc=False, paths=PATHS, **options):
    """Run a scenario from five minutes before the open of a half-day; 50 shares of BRK B are held."""

    async def main():
        contracts = [Contract(100 + number, symbol) for number, symbol in enumerate(paths)]
        held = {accounts[0]: {"BRK B": Position(50, 180.0)}}
        venue = Venue(dict.fromkeys(accounts, 100_000.0), contracts, positions=held)
        playback = Playback(HALF_DAY, bars(HALF_DAY, paths, begin="09:30"))
        gateway = Gateway(venue, playback, script=faults, live=live, utc=utc)
        await gateway.start()
        broker = IB(port=gateway.port, **options)
        market = asyncio.ensure_future(gateway.play())
        try:
            return await scenario(World(gateway, venue, broker))
        finally:
            await broker.disconnect()
            market.cancel()
            await asyncio.wait({market})
            await gateway.stop()

    return run(main(), SessionLoop(start=BEGIN, speed=math.inf))


# connecting


def test_the_truth_of_a_fresh_account():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.connect()  # once is enough
        return await world.broker.truth()

    truth = play(scenario)
    # 100,000 in cash and 50 × 180, for there was no trade yet that says another price
    assert (truth.account, truth.nav, truth.cash, truth.accrued) == ("DU1", pytest.approx(109_000, rel=0.2), 100_000, 0)
    assert truth.held == (Held("BRK-B", 50, 180.0),)
    assert (truth.orders, truth.fills, truth.charges, truth.missing) == ((), (), (), ())
    assert truth.at == BEGIN


def test_the_peer_says_its_time_and_the_listing_its_hours():
    async def scenario(world):
        await world.broker.connect()
        assert await world.broker.beat() == BEGIN
        assert (await world.broker.hours("BRK-B"))[0] == (OPEN, OPEN.replace(hour=18, minute=0))
        with pytest.raises(BrokerError, match=r"200: No security definition|knows no listing of ZZZ"):
            await world.broker.hours("ZZZ")

    play(scenario)


def test_nothing_listens():
    async def scenario():
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        with pytest.raises(
            BrokerError, match=rf"no gateway at 127.0.0.1:{port} \(connection refused\): start IB Gateway"
        ):
            await IB(port=port).connect()

    run(scenario(), SessionLoop(start=BEGIN, speed=math.inf))


def test_what_listens_is_no_gateway():
    async def scenario():
        async def hang_up(reader, writer):
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server:
            with pytest.raises(BrokerError, match="closed the connection before it said who is logged in"):
                await IB(port=server.sockets[0].getsockname()[1]).connect()

    run(scenario(), SessionLoop(start=BEGIN, speed=math.inf))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(do=Act.REFUSE_LOGIN, message="startApi", seconds=60), "answers, but nobody is logged in within 8 s"),
        (Fault(do=Act.EMPTY_ACCOUNTS, message="startApi"), "answers, but nobody is logged in within 8 s"),
        (Fault(do=Act.SILENT, at=-300.0, seconds=60), "takes the connection and says nothing within 8 s"),
    ],
    ids=lambda value: getattr(value, "do", ""),
)
def test_nobody_is_logged_in(fault, message):
    async def scenario(world):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(1)
        before = loop.time()
        with pytest.raises(BrokerError, match=message):
            await world.broker.connect()
        assert loop.time() - before < 10  # of session time
        assert not world.broker.connected
        with pytest.raises(BrokerError, match=r"not connected .* call connect\(\) first"):
            await world.broker.truth()
        await asyncio.sleep(70)
        await world.broker.connect()
        assert not (await world.broker.truth()).missing

    play(scenario, fault)


@pytest.mark.parametrize("accounts", [("U123",), ("DU1", "U123"), ("F1",)])
def test_an_account_that_is_not_of_paper_ends_it(accounts):
    async def scenario(world):
        with pytest.raises(NotPaperError, match=r"(U123|F1) at 127.0.0.1:\d+ is no account of paper trading"):
            await world.broker.connect()
        assert not world.broker.connected
        with pytest.raises(BrokerError, match="not connected"):
            world.broker.place(ENTRY)
        assert world.frames() == []

    play(scenario, accounts=accounts)


def test_other_accounts_after_a_reconnection_end_it_too():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        await world.until(-100)
        assert world.heard(Link) == [Link.LOST]
        with pytest.raises(NotPaperError, match="U7"):
            await world.broker.connect()
        assert world.frames() == []

    play(scenario, Fault(do=Act.ACCOUNTS, at=-250.0, accounts=("DU1", "U7")), Fault(do=Act.CUT, at=-200.0))


def test_an_account_that_turns_real_ends_the_connection_before_anything_is_sent():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        world.broker.watch([f"N{number}" for number in range(40)])  # so that the order waits
        world.gateway.audience.clients[2].send("managedAccounts", frame((15, 1, "DU1,U7")))
        world.broker.place(ENTRY)
        await asyncio.sleep(5)
        assert not world.broker.connected
        assert world.heard(Link) == [Link.LOST]
        assert ["accounts became DU1, U7" in notice.text for notice in world.heard(Notice) if not notice.code] == [True]
        assert world.frames() == []

    play(scenario)


def test_of_several_accounts_one_is_named():
    async def scenario(world):
        with pytest.raises(BrokerError, match=r"several accounts .*DU1, DU2.*: name the one to trade"):
            await world.broker.connect()
        with pytest.raises(BrokerError, match="account DU3 is not managed"):
            await IB(port=world.gateway.port, account="DU3").connect()
        named = IB(port=world.gateway.port, account="DU2")
        await named.connect()
        truth = await named.truth()
        assert (truth.account, truth.held) == ("DU2", ())
        named.place(ENTRY)
        await asyncio.sleep(1)
        assert [order.account for order in world.venue.orders()] == ["DU2"]
        await named.disconnect()

    play(scenario, accounts=("DU1", "DU2"))


def test_a_client_id_in_use_is_waited_for_with_the_same_id():
    async def scenario(world):
        await world.broker.connect()
        assert 3 <= (asyncio.get_running_loop().now() - BEGIN).total_seconds() < 10  # 1 s, 2 s, and 0.7 s each
        assert list(world.gateway.audience.clients) == [2]

    play(scenario, Fault(do=Act.BUSY_ID, message="startApi", times=2))


def test_a_second_daemon_is_refused_in_the_end():
    async def scenario(world):
        await world.broker.connect()
        second = IB(port=world.gateway.port)
        with pytest.raises(BrokerError, match=r"client id 2 is in use at .*: stop the other program"):
            await second.connect()
        assert world.broker.connected
        assert await world.broker.beat()

    play(scenario)


# orders


def test_a_bracket_from_first_to_last_share():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        await world.until(60)
        broker.place(ENTRY, STOP)
        await world.until(60.5)
        waiting = [report for report in world.heard(Report) if report.ref == STOP.ref][-1]
        assert (waiting.state, waiting.reason) == (State.WORKING, "child,trigger")
        await world.until(90)
        return await broker.truth(), await _end(world)

    async def _end(world):
        await world.until(600)
        return world, await world.broker.truth()

    bought, (world, sold) = play(scenario)
    assert {report.ref: (report.state, report.filled) for report in bought.orders} == {
        ENTRY.ref: (State.FILLED, 10),
        STOP.ref: (State.WORKING, 0),
    }
    assert set(bought.held) == {Held("BRK-B", 50, 180.0), Held("AAA", 10, 101.1)}  # 101 and a commission of 1 / 10
    assert world.states(ENTRY.ref)[0] is State.WORKING
    assert world.states(ENTRY.ref)[-1] is world.states(STOP.ref)[-1] is State.FILLED
    buy, sale = world.heard(Fill)
    assert (buy.ref, buy.side, buy.shares, buy.price, buy.account) == (ENTRY.ref, Side.BUY, 10, 101.0, "DU1")
    assert (sale.ref, sale.side, sale.price) == (STOP.ref, Side.SELL, 96.5)
    # bought for 1010 + 1, sold for 965 − 1: −47
    assert [(c.exec_id, c.commission, c.realised) for c in world.heard(Charge)] == [
        (buy.exec_id, 1.0, None),
        (sale.exec_id, 1.0, pytest.approx(-47.0)),
    ]
    assert [held.shares for held in world.heard(Held) if held.ticker == "AAA"] == [10, 0]
    assert sold.fills == (buy, sale)
    assert {charge.exec_id for charge in sold.charges} == {buy.exec_id, sale.exec_id}
    assert sold.held == (Held("BRK-B", 50, 180.0),)


def test_every_order_says_account_ref_and_how_long_it_is_good_for():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        world.broker.place(ENTRY, STOP)
        world.broker.place(COVER)
        await asyncio.sleep(1)
        return world.venue.orders(), world.frames(), world.heard(Notice)

    orders, frames, notices = play(scenario)
    assert {(order.ref, order.tif, order.account, order.outside_rth) for order in orders} == {
        (ENTRY.ref, "DAY", "DU1", False),
        (STOP.ref, "GTC", "DU1", False),
        (COVER.ref, "GTC", "DU1", False),
    }
    sent = [(frame.ref, frame.transmit) for frame in frames]
    assert sent == [(ENTRY.ref, False), (STOP.ref, True), (COVER.ref, True)]
    assert 10349 not in {notice.code for notice in notices}


def test_a_stop_is_changed_and_cancelled_when_the_wire_says_so():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.place(COVER)
        await asyncio.sleep(1)
        broker.change(Ticket(COVER.ref, "BRK-B", Side.SELL, 30, Kind.STOP, 160.0))
        await asyncio.sleep(1)
        (report,) = (await broker.truth()).orders
        assert (report.shares, report.stop, report.state, report.kind) == (30, 160.0, State.WORKING, "STP")
        broker.cancel(COVER.ref)
        assert State.CANCELLED not in world.states(COVER.ref)
        await asyncio.sleep(5)
        assert world.states(COVER.ref)[-1] is State.CANCELLED
        broker.cancel(COVER.ref)  # over: nothing is sent
        await asyncio.sleep(5)
        assert [frame.message for frame in world.frames()] == ["placeOrder", "placeOrder", "cancelOrder"]
        with pytest.raises(BrokerError, match="is cancelled; it cannot be changed"):
            broker.change(COVER)
        with pytest.raises(BrokerError, match="no order al-x is known"):
            broker.cancel("al-x")
        assert [report.state for report in (await broker.truth()).orders] == [State.CANCELLED]

    play(scenario)


def test_a_stop_of_an_earlier_connection_is_changed_by_the_next():
    async def scenario(world):
        first = IB(port=world.gateway.port)
        await first.connect()
        await first.truth()
        first.place(COVER)
        await asyncio.sleep(1)
        await first.disconnect()
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.change(Ticket(COVER.ref, "BRK-B", Side.SELL, 40, Kind.STOP, 155.0))
        await asyncio.sleep(1)
        (order,) = world.venue.orders()
        assert (order.quantity, order.aux, order.ref, order.tif) == (40, 155.0, COVER.ref, "GTC")
        with pytest.raises(BrokerError, match="was sent already; another order needs another ref"):
            broker.place(COVER)

    play(scenario)


@pytest.mark.parametrize("code", [10349, 321, 9999])
def test_an_error_about_a_live_order_does_not_end_it(code):
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        world.broker.place(COVER)
        await asyncio.sleep(30)
        assert world.states(COVER.ref)[-1] is State.UNKNOWN
        (report,) = (await world.broker.truth()).orders
        assert report.state is State.WORKING
        assert world.states(COVER.ref)[-1] is State.WORKING
        assert not any(state.over for state in world.states(COVER.ref))
        assert [n.ref for n in world.heard(Notice) if n.code == code] == [COVER.ref]

    play(scenario, Fault(do=Act.WARN, at=-280.0, code=code, text="Order TIF was set to DAY based on order preset."))


def test_a_warning_leaves_an_order_as_it_is():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        world.broker.place(ENTRY)  # the market is closed: 399
        await asyncio.sleep(5)
        assert set(world.states(ENTRY.ref)) == {State.WORKING}
        assert [n.ref for n in world.heard(Notice) if n.code == 399] == [ENTRY.ref]

    play(scenario)


@pytest.mark.parametrize("code", [10147, 10148])
def test_a_cancel_that_is_not_taken_leaves_the_stop_to_be_asked_for(code):
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        world.broker.place(COVER)
        await asyncio.sleep(1)
        world.broker.cancel(COVER.ref)
        await asyncio.sleep(5)
        assert world.states(COVER.ref)[-1] is State.UNKNOWN
        assert [report.state for report in (await world.broker.truth()).orders] == [State.WORKING]

    play(scenario, Fault(do=Act.NOT_CANCELLED, message="cancelOrder", code=code))


def test_a_rejected_parent_takes_its_child_along():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        await world.until(60)
        world.broker.place(ENTRY, STOP)
        await asyncio.sleep(5)
        last = [report for report in world.heard(Report) if report.ref == ENTRY.ref][-1]
        assert last.state is State.REJECTED
        assert "no money" in last.reason
        assert world.states(STOP.ref)[-1].over
        assert all(report.state.over for report in (await world.broker.truth()).orders)

    play(scenario, Fault(do=Act.REJECT, message="placeOrder", ref=ENTRY.ref, text="no money"))


def test_an_order_whose_acknowledgement_was_lost_is_found_by_its_ref():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.place(COVER)
        await asyncio.sleep(5)
        assert not broker.connected
        assert world.heard(Link) == [Link.LOST]
        assert world.states(COVER.ref) == []
        await broker.connect()
        (report,) = (await broker.truth()).orders
        assert (report.ref, report.state, report.client_id) == (COVER.ref, State.WORKING, 2)

    play(scenario, Fault(do=Act.CUT_AFTER, message="placeOrder"))


def test_an_order_that_never_arrived_is_not_in_the_truth():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.place(COVER)
        await asyncio.sleep(1)
        (report,) = (await broker.truth()).orders
        assert (report.ref, report.state) == (COVER.ref, State.UNKNOWN)  # it may be on its way
        await world.broker.disconnect()
        await world.broker.connect()
        assert [report.state for report in (await broker.truth()).orders] == [State.UNKNOWN]
        await asyncio.sleep(10)
        truth = await broker.truth()
        assert (truth.orders, truth.missing) == ((), ())

    play(scenario, Fault(do=Act.DROP, message="placeOrder"))


def test_what_waited_to_be_sent_when_the_line_broke_was_not_sent():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.watch([f"N{number}" for number in range(30)])
        broker.place(COVER)
        await broker.disconnect()
        await broker.connect()
        assert (await broker.truth()).orders == ()
        assert world.frames() == []

    play(scenario)


def test_an_order_that_is_under_way_is_unknown_in_the_truth():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.place(COVER)
        for _ in range(2):
            await asyncio.sleep(1)
            (report,) = (await broker.truth()).orders
            assert (report.ref, report.state) == (COVER.ref, State.UNKNOWN)
        await asyncio.sleep(5)
        assert [report.state for report in (await broker.truth()).orders] == [State.WORKING]

    play(scenario, Fault(do=Act.DELAY, message="placeOrder", seconds=4))


def test_orders_by_hand_and_of_others_are_told_and_not_touched():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        now = asyncio.get_running_loop().now()
        world.venue.place(BY_HAND, now)
        world.venue.place(replace(BY_HAND, client_id=1, quantity=7, kind="MKT", limit=None, ref="theirs"), now)
        truth = await broker.truth()
        assert {(r.ref, r.client_id, r.kind, r.shares) for r in truth.orders} == {
            ("", 0, "LMT", 5),
            ("theirs", 1, "MKT", 7),
        }
        with pytest.raises(BrokerError, match="theirs was placed by client 1; only that one can touch it"):
            broker.cancel("theirs")

    play(scenario)


def test_a_completed_order_comes_without_its_shares_and_has_those_that_were_filled():
    async def scenario(world):
        await world.broker.connect()
        filled = replace(BY_HAND, perm_id=9, ref="al-x", quantity=0.0, filled=10.0, status=Status.FILLED)
        world.gateway.audience.clients[2].send("completedOrder", completed_order(filled, BEGIN))
        await asyncio.sleep(1)
        (report,) = world.heard(Report)
        assert (report.ref, report.state, report.shares, report.filled) == ("al-x", State.FILLED, 10, 10)

    play(scenario)


def test_a_change_repeats_what_the_broker_added_to_the_order():
    async def scenario(world):
        stop = replace(BY_HAND, client_id=2, action="SELL", kind="STP", limit=None, aux=90.0, ref="al-x")
        world.venue.place(replace(stop, oca_group="77", oca_type=3), BEGIN)
        await world.broker.connect()
        await world.broker.truth()
        await world.broker.hours("AAA")  # tells the broker's number of the listing
        world.broker.change(Ticket("al-x", "AAA", Side.SELL, 4, Kind.STOP, 91.0))
        await asyncio.sleep(1)
        (order,) = world.venue.orders()
        assert (order.quantity, order.aux) == (4, 91.0)
        assert (order.echo["conId"], order.echo["ocaGroup"], order.echo["ocaType"]) == ("100", "77", "3")

    play(scenario)


def test_nothing_is_placed_before_the_open_orders_are_known():
    async def scenario(world):
        with pytest.raises(BrokerError, match="not connected"):
            world.broker.place(ENTRY)
        await world.broker.connect()
        with pytest.raises(BrokerError, match=r"were not read on this connection yet: call truth\(\) first"):
            world.broker.place(ENTRY)
        assert (await world.broker.truth()).missing == ("open orders",)
        with pytest.raises(BrokerError, match=r"call truth\(\) first"):
            world.broker.place(ENTRY)
        await asyncio.sleep(30)
        assert (await world.broker.truth()).missing == ()
        world.broker.place(ENTRY)

    play(scenario, Fault(do=Act.NO_END, message="reqAllOpenOrders"))


@pytest.mark.parametrize(
    ("ticket", "message"),
    [
        (Ticket("al-1", "AAA", Side.BUY, 0, Kind.MARKET), "0 shares make no order"),
        (Ticket("al-1", "AAA", Side.SELL, 1, Kind.STOP), "a stop of None does not go with STP"),
        (Ticket("al-1", "AAA", Side.SELL, 1, Kind.STOP, math.nan), "a stop of nan does not go with STP"),
        (Ticket("al-1", "AAA", Side.SELL, 1, Kind.MARKET, 9.0), "a stop of 9.0 does not go with MKT"),
        (Ticket("al-1", "AAA", Side.SELL, 1, Kind.STOP, 9.0, "al-0"), "its parent al-0 must be placed before it"),
    ],
)
def test_tickets_that_make_no_order(ticket, message):
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        with pytest.raises(BrokerError, match=f"al-1: {message}"):
            world.broker.place(ticket)
        await asyncio.sleep(1)
        assert world.frames() == []

    play(scenario)


@pytest.mark.parametrize(
    ("request_name", "part"),
    [
        ("reqExecutions", "executions"),
        ("reqCompletedOrders", "completed orders"),
        ("reqAllOpenOrders", "open orders"),
        ("reqPositions", "positions"),
    ],
)
def test_a_listing_that_never_ends_is_named_and_not_waited_for(request_name, part):
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.place(COVER)
        await asyncio.sleep(1)
        truth = await broker.truth()
        assert truth.missing == (part,)
        assert (truth.at - BEGIN).total_seconds() < 15
        assert truth.cash == 100_000
        state = State.UNKNOWN if part == "open orders" else State.WORKING
        # its orders did come, only their end did not
        assert [report.state for report in truth.orders] in ([state], [State.WORKING])
        await asyncio.sleep(30)  # until then its end may still come, and would be taken for that of the next
        assert (await broker.truth()).missing == ()

    play(scenario, Fault(do=Act.NO_END, message=request_name, count=2))


@pytest.mark.parametrize(
    ("end", "part"),
    [("openOrderEnd", "open orders"), ("positionEnd", "positions"), ("accountDownloadEnd", "account values")],
)
def test_the_late_end_of_a_listing_is_not_taken_for_the_next_ones(end, part):
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.place(COVER)
        await asyncio.sleep(4)
        assert (await broker.truth()).missing == (part,)
        reading = asyncio.ensure_future(broker.truth())
        await asyncio.sleep(3)
        assert not reading.done()  # the end of the former came, in which nothing was
        truth = await reading
        assert truth.missing == ()
        assert [report.state for report in truth.orders] == [State.WORKING]
        assert (truth.held, truth.cash) == ((Held("BRK-B", 50, 180.0),), 100_000)

    late = Fault(do=Act.DELAY, message=end, count=2, seconds=12)
    request = {
        "openOrderEnd": "reqAllOpenOrders",
        "positionEnd": "reqPositions",
        "accountDownloadEnd": "reqAccountUpdates",
    }
    slow = Fault(do=Act.DELAY, message=request[end], count=5 if end == "accountDownloadEnd" else 3, seconds=5)
    play(scenario, late, slow)


def test_a_fill_during_the_reading_makes_it_be_read_again():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        await world.until(60)
        broker.place(ENTRY)
        await asyncio.sleep(0.5)
        truth = await broker.truth()  # positions come at once, executions when it is filled
        assert {held.ticker: held.shares for held in truth.held} == {"AAA": 10, "BRK-B": 50}
        assert [fill.ref for fill in truth.fills] == [ENTRY.ref]

    late = Fault(do=Act.DELAY, message="execDetailsEnd", count=2, seconds=3)
    play(scenario, late, Fault(do=Act.DELAY, message="position", symbol="AAA", seconds=30))


def test_a_correction_is_another_revision_of_the_same_fill():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        await world.until(60)
        world.broker.place(ENTRY)
        await asyncio.sleep(30)
        first, second = world.heard(Fill)
        assert (first.root, first.revision, first.shares) == (second.root, 1, 10)
        assert (second.revision, second.shares) == (2, 8)

    play(scenario, Fault(do=Act.CORRECT, message="execDetails", seconds=5, shares=8))


@pytest.mark.parametrize("utc", [False, True], ids=["US/Eastern", "UTC"])
def test_times_of_fills_are_instants_however_they_are_written(utc):
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        await world.until(60)
        world.broker.place(ENTRY)
        await asyncio.sleep(30)
        (fill,) = world.heard(Fill)
        assert fill.at == OPEN + timedelta(seconds=61)
        assert (await world.broker.truth()).fills == (fill,)

    play(scenario, utc=utc)


def test_after_a_restart_numbers_are_not_given_twice():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        broker.place(COVER)
        broker.place(ENTRY)
        await world.until(-100)
        await broker.connect()
        truth = await broker.truth()
        assert COVER.ref in {report.ref for report in truth.orders if report.state is State.WORKING}
        again = Ticket("al-261127-AAA-entry-2", "AAA", Side.BUY, 10, Kind.MARKET)
        broker.place(again)
        await asyncio.sleep(5)
        assert world.states(again.ref)[-1] is State.WORKING
        assert {order.ref: order.quantity for order in world.venue.orders()} == {COVER.ref: 50, again.ref: 10}
        numbers = [frame.order_id for frame in world.frames()]
        assert len(set(numbers)) == len(numbers) == 3

    play(scenario, Fault(do=Act.RESTART, at=-200.0, seconds=20, roll_back=2))


def test_a_number_that_an_order_has_is_not_taken_even_if_the_gateway_offers_it():
    async def scenario(world):
        await world.broker.connect()  # and is told that 1 comes next
        world.venue.place(replace(BY_HAND, client_id=2, order_id=50), BEGIN)
        await world.broker.truth()
        world.broker.place(ENTRY)
        await asyncio.sleep(5)
        assert [frame.order_id for frame in world.frames()] == [51]
        assert {order.ref: order.quantity for order in world.venue.orders()} == {"": 5, ENTRY.ref: 10}

    play(scenario)


def test_a_fill_in_a_zone_that_nobody_knows_is_not_lost():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        told = Execution("00.1.01", replace(BY_HAND, ref=ENTRY.ref), 3, 9.5, OPEN, 3, 9.5)
        message = executed(told)
        assert b"US/Eastern" in message
        world.gateway.audience.clients[2].send("execDetails", message.replace(b"US/Eastern", b"Mars/Polis"))
        await asyncio.sleep(1)
        (fill,) = world.heard(Fill)
        assert (fill.ref, fill.shares, fill.price, fill.at) == (ENTRY.ref, 3, 9.5, BEGIN)

    play(scenario)


@pytest.mark.parametrize("fields", [(11, -1, "cut short"), (3, 7, "Filled", "ten"), (999, 1)], ids=str)
def test_a_message_that_cannot_be_read_makes_the_truth_doubtful(fields):
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        reading = asyncio.ensure_future(world.broker.truth())
        await asyncio.sleep(1)
        world.gateway.audience.clients[2].send("execDetails", frame(fields))
        assert (await reading).missing == ("a message that could not be read",)
        assert ["could not be read" in notice.text for notice in world.heard(Notice) if not notice.code] == [True]
        assert (await world.broker.truth()).missing == ()

    play(scenario, Fault(do=Act.DELAY, message="execDetailsEnd", count=2, seconds=3))


def test_times_of_fills_are_the_same_on_a_machine_in_tokyo_that_knows_no_zone():
    """Zones come from the package tzdata there: system files that know no US/Eastern lost fills."""
    one = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "however_they_are_written"]
    machine = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONTZPATH": ""}
    done = subprocess.run(one, env=machine, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout


# the link and the data


def test_a_silent_peer_is_noticed():
    async def scenario(world):
        await world.broker.connect()
        await world.until(-90)
        assert world.broker.connected
        with pytest.raises(BrokerError, match="is silent: asked for the time, no answer within 10 s"):
            await world.broker.beat()
        await world.broker.disconnect()
        assert not world.broker.connected
        assert world.heard(Link) == []  # we left
        await world.until(0)
        await world.broker.connect()
        assert await world.broker.beat()

    play(scenario, Fault(do=Act.SILENT, at=-100.0, seconds=60))


def test_who_waits_for_an_answer_is_told_that_the_line_is_dead():
    async def scenario(world):
        await world.broker.connect()
        with pytest.raises(BrokerError, match="the connection was lost while an answer was awaited"):
            await world.broker.beat()
        await world.broker.connect()
        with pytest.raises(BrokerError, match="not connected"):
            await world.broker.truth()

    cut = Fault(do=Act.CUT, message="reqCurrentTime")
    play(scenario, cut, Fault(do=Act.CUT, message="reqPositions"))


def test_prices_are_delayed_ones_and_each_comes_with_its_volume():
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["AAA", "BRK-B"])
        await world.until(60)
        ticks = [tick for tick in world.heard(Tick) if tick.ticker == "AAA"]
        # the minute from 100 to 101: prints at 0.5, 40 and 55 s, of a third of 12,000 shares each
        assert [(tick.price, tick.volume) for tick in ticks] == [(100, 4000), (101, 8000), (101, 12_000)]
        assert [tick.at - OPEN for tick in ticks] == [timedelta(seconds=s) for s in (0.5, 40, 55)]
        world.broker.watch(["AAA"])
        await world.until(120)
        assert [t.ticker for t in world.heard(Tick) if t.at > OPEN + timedelta(seconds=61)] == ["AAA"] * 2
        return [notice.code for notice in world.heard(Notice) if notice.ticker]

    assert play(scenario) == [10167, 10167]


def test_live_prices_are_the_same_ticks():
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["AAA"])
        await world.until(60)
        return [(tick.price, tick.volume) for tick in world.heard(Tick)]

    assert play(scenario, live=True, **{}) == play(scenario)


def test_subscriptions_are_made_once_more_when_they_are_gone_and_not_when_they_are_not():
    async def scenario(world):
        broker, watchers = world.broker, world.gateway.audience.watchers
        await broker.connect()
        broker.watch(["AAA", "BRK-B"])
        await world.until(35)
        assert world.heard(Link) == [Link.CUT_OFF, Link.RESTORED]
        assert {symbol: len(those) for symbol, those in watchers.items() if those} == {"AAA": 1, "BRK B": 1}
        await world.until(100)
        assert world.heard(Link)[2:] == [Link.CUT_OFF, Link.RESTORED_WITHOUT_DATA]
        broker.watch(["AAA", "BRK-B"])
        await world.until(130)
        assert {symbol: len(those) for symbol, those in watchers.items() if those} == {"AAA": 1, "BRK B": 1}
        assert [tick for tick in world.heard(Tick) if tick.at > OPEN + timedelta(seconds=110)]

    play(
        scenario,
        Fault(do=Act.LOST, at=10.0),
        Fault(do=Act.RESTORED, at=30.0),
        Fault(do=Act.LOST, at=60.0),
        Fault(do=Act.RESTORED_WITHOUT_DATA, at=90.0),
    )


def test_subscriptions_survive_a_reconnection():
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["AAA"])
        await world.until(30)
        await world.broker.disconnect()
        await world.broker.connect()
        await world.until(60)
        return [tick.price for tick in world.heard(Tick) if tick.at > OPEN + timedelta(seconds=30)]

    assert play(scenario)[-2:] == [101, 101]


def test_fills_are_told_while_the_gateway_is_cut_off():
    async def scenario(world):
        await world.broker.connect()
        await world.broker.truth()
        await world.until(60)
        world.broker.place(ENTRY)
        await world.until(70)
        told = [event for event in (world.heard(object), world.said)[1] if isinstance(event, Link | Fill)]
        assert told[0] is Link.CUT_OFF
        assert [event.ref for event in told[1:]] == [ENTRY.ref]

    play(scenario, Fault(do=Act.LOST, at=60.5))


@pytest.mark.parametrize("price", [-1.0, 0.0])
def test_a_price_that_is_none_is_nan(price):
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["AAA"])
        await world.until(60)
        return [tick.price for tick in world.heard(Tick)]

    first, *others = play(scenario, Fault(do=Act.BAD_PRICE, at=10.0, price=price, seconds=300))
    assert first == 100
    assert others
    assert all(map(math.isnan, others))


def test_a_halt_and_its_end_are_told():
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["AAA", "BRK-B"])
        await world.until(180)
        ticks = [tick for tick in world.heard(Tick) if tick.ticker == "AAA"]
        halted = [tick.at for tick in ticks if tick.halted]
        assert (halted[0], max(halted) < OPEN + timedelta(seconds=100)) == (OPEN + timedelta(seconds=50), True)
        assert not ticks[-1].halted
        assert not any(tick.halted for tick in world.heard(Tick) if tick.ticker == "BRK-B")

    play(scenario, Fault(do=Act.HALT, at=50.0, symbol="AAA"), Fault(do=Act.RESUME, at=100.0, symbol="AAA"))


def test_another_session_takes_the_data():
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["AAA"])
        await world.until(30)
        assert math.isnan(world.heard(Tick)[-1].price)
        assert [notice.ticker for notice in world.heard(Notice) if notice.code == 10197] == ["AAA"]

    play(
        scenario, Fault(do=Act.ERROR, at=20.0, code=10197, symbol="AAA", text="No market data during competing session")
    )


def test_a_ticker_without_a_line_of_data_is_told_and_the_rest_is_watched():
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["BRK-B", "AAA", "BRK-B"])
        await world.until(60)
        assert {tick.ticker for tick in world.heard(Tick)} == {"BRK-B"}
        assert [n.ticker for n in world.heard(Notice) if "not watched" in n.text] == ["AAA"]
        world.broker.watch(["AAA"])
        await world.until(120)
        assert {tick.ticker for tick in world.heard(Tick)} == {"AAA", "BRK-B"}

    play(scenario, lines=1)


def test_an_unknown_ticker_is_told():
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["ZZZ"])
        await asyncio.sleep(5)
        assert [notice.ticker for notice in world.heard(Notice) if notice.code == 200] == ["ZZZ"]
        assert [math.isnan(tick.price) for tick in world.heard(Tick)] == [True]
        world.broker.watch(["ZZZ"])  # is asked for again
        await asyncio.sleep(5)
        assert [notice.ticker for notice in world.heard(Notice) if notice.code == 200] == ["ZZZ", "ZZZ"]

    play(scenario)


def test_frozen_data_are_no_prices():
    async def scenario(world):
        await world.broker.connect()
        world.broker.watch(["AAA"])
        await world.until(30)
        ((client, request),) = world.gateway.audience.watchers["AAA"]
        client.send("marketDataType", frame((58, 1, request, 2)))
        await world.until(60)
        assert all(math.isnan(tick.price) for tick in world.heard(Tick)[1:])
        client.send("marketDataType", frame((58, 1, request, 3)))
        await world.until(120)
        assert world.heard(Tick)[-1].price == 99

    play(scenario)


def test_a_sale_does_not_wait_behind_subscriptions_nor_is_the_gateway_flooded():
    names = {f"N{number:02}": [10.0, 10.0] for number in range(90)}

    async def scenario(world):
        loop, broker = asyncio.get_running_loop(), world.broker
        await broker.connect()
        await broker.truth()
        before = loop.time()
        broker.watch(names)
        broker.place(COVER)
        await asyncio.sleep(20)
        (frame,) = world.frames()
        assert (frame.at - BEGIN).total_seconds() - before < 1.5  # 90 subscriptions need five seconds
        assert sum(bool(those) for those in world.gateway.audience.watchers.values()) == 90
        assert not [notice for notice in world.heard(Notice) if notice.code == 100]

    play(scenario, paths={**PATHS, **names})


def test_entries_wait_behind_exits_and_keep_their_numbers_apart():
    async def scenario(world):
        broker = world.broker
        await broker.connect()
        await broker.truth()
        for number in range(1, 31):
            broker.place(Ticket(f"al-entry-{number}", "AAA", Side.BUY, 1, Kind.MARKET))
        broker.cancel("al-entry-30")  # not written yet: goes after it
        broker.place(COVER)
        await asyncio.sleep(30)
        sent = [frame.ref for frame in world.frames() if frame.message == "placeOrder"]
        assert sent.index(COVER.ref) < sent.index("al-entry-30")
        assert len(sent) == len(set(sent)) == 31
        assert world.states("al-entry-30")[-1] is State.CANCELLED
        numbers = [frame.order_id for frame in world.frames() if frame.message == "placeOrder"]
        assert numbers == sorted(numbers)
        assert not [notice for notice in world.heard(Notice) if notice.code == 103]

    play(scenario)
