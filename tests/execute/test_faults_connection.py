"""F6–F8, F10–F13, F23, F27: what becomes of a session when the connection, the login or the answers go wrong."""

import pytest

from alphalib.gateway.faults import Act, Fault
from tests.execute.harness import ACCOUNT, GRACE, World
from tests.execute.morning import at, entry, path, sale, stop

BUYING = {"paths": {"BUY": path(50, 50, 48.9)}, "entries": [entry("BUY", 40, 50.0)]}  # due at 12:42:00
LATER = {"paths": {"BUY": path(50, 50, 50, 50, 50, 48.9)}, "entries": [entry("BUY", 40, 50.0)]}  # due at 12:45:00
KEEPING = {
    "paths": {"KEEP": path(50, 50, 50, 46.9)},  # the stop at 47 is reached at 12:42:40
    "held": {"KEEP": (100, 50.0)},
    "stops": [stop("KEEP", 100, 47.0, cost=50.0)],
    "resting": {"KEEP": (100, 47.0)},
}


def bought_once(world: World) -> None:
    """One entry, one fill, one stop of its size under it, and nothing against the invariants."""
    assert world.held("BUY") == 40
    assert [order.filled for order in world.orders("BUY", "entry") if order.filled] == [40]
    assert [order.quantity for order in world.working("BUY", "stop")] == [40]
    world.check()


def test_f06_what_fills_while_the_gateway_is_cut_off_is_counted_at_once():
    script = [Fault(do=Act.LOST, at="12:42:10"), Fault(do=Act.RESTORED, at="12:44:00")]
    with World(**KEEPING, script=script) as world:
        world.start()
        world.until("12:43:30")
        assert [fill.shares for fill in world.journaled()] == [100]
        world.until("12:46")
        assert len(world.journaled()) == 1
        world.check()


@pytest.mark.parametrize("how", [Act.RESTORED, Act.RESTORED_WITHOUT_DATA])
def test_f07_after_1101_and_1102_each_name_is_watched_once_and_trading_goes_on(how):
    script = [Fault(do=Act.LOST, at="12:42:10"), Fault(do=how, at="12:43:10")]
    with World(**LATER, script=script) as world:
        world.start()
        world.until("12:48")
        bought_once(world)
        # 12:46 is minute 196 of the session; watched twice, its volume would not be that of its one bar
        assert world.minutes("BUY")[196].volume == 12_000


def test_f07_nothing_is_sent_while_the_gateway_is_cut_off():
    script = [Fault(do=Act.LOST, at="12:41:58"), Fault(do=Act.RESTORED, at="12:44:30")]
    with World(**BUYING, script=script) as world:
        world.start()
        world.until("12:44:29")
        assert world.frames() == []
        world.until("12:47")
        bought_once(world)


def test_f08_what_a_nightly_restart_forgets_is_neither_sold_nor_bought_again():
    restart = Fault(do=Act.RESTART, at="12:43:30", seconds=30)
    with World(**BUYING, script=[restart]) as world:
        world.start()
        world.until("12:43")
        bought_once(world)
        world.until("12:50")
        assert len(world.orders("BUY", "entry")) == 1
        assert len(world.orders("BUY", "stop")) == 1
        bought_once(world)


def test_f10_an_id_that_is_still_in_use_is_waited_for_and_kept():
    busy = Fault(do=Act.BUSY_ID, message="startApi", times=4)
    with World(**BUYING, script=[busy]) as world:
        world.start()
        world.until("12:45")
        assert {frame.client_id for frame in world.frames()} == {2}
        bought_once(world)


def test_f10_a_second_daemon_is_refused_and_the_first_goes_on():
    with World(**BUYING) as world:
        first = world.start()
        world.until("12:41")
        second = world.start(client_id=3)
        world.until("12:45")
        assert second.exitcode == 2
        assert "already running" in world.log
        assert first.alive
        bought_once(world)


def test_f11_a_silent_peer_is_noticed_within_half_a_minute_and_left():
    silence = Fault(do=Act.SILENT, at="12:41:10", seconds=100)
    with World(**LATER, script=[silence]) as world:
        world.start()
        world.until("12:41:40")
        assert "lost" in [told.text for told in world.told("link")]
        world.until("12:48")
        bought_once(world)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(do=Act.REFUSE_LOGIN, message="startApi", seconds=90),
        Fault(do=Act.EMPTY_ACCOUNTS, message="startApi", times=3),
    ],
    ids=["nothing is said", "no accounts"],
)
def test_f12_a_port_without_a_login_is_waited_for(fault):
    with World(**LATER, script=[fault]) as world:
        world.start()
        world.until("12:39:30")
        assert world.frames() == []
        assert world.life.alive
        world.until("12:48")
        bought_once(world)


@pytest.mark.parametrize("accounts", [("U1234567",), (ACCOUNT, "U1234567"), ("F1234567", ACCOUNT)])
def test_f13_an_account_that_is_not_of_paper_ends_it_and_nothing_was_sent(accounts):
    with World(**BUYING, accounts=accounts) as world:
        world.start()
        world.until("12:45")
        assert world.life.exitcode == 2
        assert "NotPaperError" in world.log
        assert world.frames() == []


def test_f13_a_login_that_changes_while_it_was_away_ends_it():
    script = [
        Fault(do=Act.ACCOUNTS, at="12:41:05", accounts=("U7654321",)),
        Fault(do=Act.RESTART, at="12:41:10", seconds=5),
    ]
    with World(**BUYING, script=script) as world:
        world.start()
        world.until("12:45")
        assert world.life.exitcode == 2
        assert "U7654321" in world.log
        assert world.frames() == []


@pytest.mark.parametrize("listing", ["reqExecutions", "reqCompletedOrders", "reqPositions", "reqAllOpenOrders"])
def test_f23_without_the_whole_truth_nothing_is_bought_and_later_it_is(listing):
    endless = Fault(do=Act.NO_END, message=listing, times=9)
    with World(
        BUYING["paths"] | {"KEEP": path(50)},
        entries=BUYING["entries"],
        held=KEEPING["held"],
        stops=KEEPING["stops"],
        script=[endless],
    ) as world:
        world.start()
        world.until("12:44")  # the trigger was two minutes ago
        assert world.life.alive
        assert world.orders("BUY") == []
        world.until("12:59")
        bought_once(world)


def test_f27_when_much_is_to_be_said_at_once_exits_go_first_and_no_faster_than_allowed():
    names = [f"B{number:02d}" for number in range(24)]
    sold = [f"S{number:02d}" for number in range(6)]
    with World(
        {name: path(50, 50, 48.9) for name in names} | {name: path(50, 50, 47.0) for name in sold},
        entries=[entry(name, 10, 50.0) for name in names],
        held=dict.fromkeys(sold, (10, 50.0)),
        stops=[stop(name, 10, 45.0, cost=50.0, atr=4.0) for name in sold],  # and 47.0 is a collapse
        resting=dict.fromkeys(sold, (10, 45.0)),
    ) as world:
        world.start()
        world.until("12:46")
        at_once = [f for f in world.frames("placeOrder", "cancelOrder") if f.at >= at(world.day, "12:42")]
        sales = [number for number, frame in enumerate(at_once) if frame.action == "SELL" and frame.kind == "MKT"]
        cancels = [number for number, frame in enumerate(at_once) if frame.message == "cancelOrder"]
        entries = [number for number, frame in enumerate(at_once) if frame.action == "BUY"]
        assert len(sales) == 6
        assert len(entries) == 24
        assert max(cancels) < max(sales) < max(entries)
        assert "Max rate" not in world.log
        assert all(world.held(name) == 10 for name in names)
        assert not any(world.held(name) for name in sold)
        world.check()


@pytest.mark.parametrize("code", [100, 101, 162, 10197, 2103, 2105])
def test_f27_complaints_of_the_gateway_change_nothing(code):
    complaint = Fault(do=Act.ERROR, at="12:41:30", code=code, text="something about the data farm")
    with World(**BUYING, script=[complaint]) as world:
        world.start()
        world.until("12:45")
        bought_once(world)


def test_a_connection_that_breaks_again_and_again_leaves_every_position_covered():
    script = [Fault(do=Act.CUT_AFTER, message="orderStatus", count=count) for count in (1, 3, 6)]
    with World(
        BUYING["paths"] | {"KEEP": path(50), "QUIT": path(50)},
        entries=BUYING["entries"],
        exits=[sale("QUIT", 80)],
        held=KEEPING["held"] | {"QUIT": (80, 50.0)},
        stops=KEEPING["stops"],
        script=script,
    ) as world:
        world.start()
        world.until("12:50")
        assert world.held("QUIT") == 0
        bought_once(world)
        assert max(gap.seconds for gap in world.gaps() if gap.symbol == "KEEP") <= 60 + GRACE
