"""F1–F5, F9, F14–F22: what becomes of orders when messages, processes and fills go wrong."""

import pytest

from alphalib.gateway.faults import Act, Fault
from alphalib.gateway.orders import Status
from tests.execute.harness import GRACE, World
from tests.execute.morning import entry, path, sale, stop

# BUY falls by 2.2 % in the minute 12:41: its trigger is seen at 12:42:00, its bracket fills at 48.9 a second later.
BUYING = {"paths": {"BUY": path(50, 50, 48.9)}, "entries": [entry("BUY", 40, 50.0)]}
# KEEP is held, and an earlier session's stop rests under it.
KEEPING = {
    "paths": {"KEEP": path(50)},
    "held": {"KEEP": (100, 50.0)},
    "stops": [stop("KEEP", 100, 47.0, cost=50.0)],
    "resting": {"KEEP": (100, 47.0)},
}
# QUIT is to be sold, and has a stop that must go first.
QUITTING = {
    "paths": {"QUIT": path(50)},
    "held": {"QUIT": (80, 50.0)},
    "exits": [sale("QUIT", 80)],
    "resting": {"QUIT": (80, 45.0)},
}


def bought_once(world: World, shares: float = 40) -> None:
    """One entry, one fill, one stop of its size under it, and nothing against the invariants."""
    assert world.held("BUY") == shares
    assert [order.filled for order in world.orders("BUY", "entry") if order.filled] == [shares]
    assert [order.quantity for order in world.working("BUY", "stop")] == [shares]
    world.check()


def test_a_calm_session_enters_exits_and_protects():
    with World(
        BUYING["paths"] | KEEPING["paths"] | QUITTING["paths"],
        entries=BUYING["entries"],
        exits=QUITTING["exits"],
        stops=KEEPING["stops"],
        held=KEEPING["held"] | QUITTING["held"],
        resting=KEEPING["resting"] | QUITTING["resting"],
    ) as world:
        world.start()
        world.until("12:45")
        bought_once(world)
        assert world.held("QUIT") == 0
        assert [(order.level, order.quantity) for order in world.working("KEEP", "stop")] == [(47.0, 100)]
        assert world.gaps() == []


@pytest.mark.parametrize("point", ["after intents", "before intents"])
def test_f01_killed_between_journal_and_wire_an_entry_is_sent_once(point):
    with World(**BUYING, restarts=3.0) as world:
        world.dies(point)
        world.start(witnessed=True)
        world.until("12:45")
        assert len(world.lives) == 2
        bought_once(world)


def test_f02_cut_off_before_the_acknowledgement_an_order_is_adopted():
    cut = Fault(do=Act.CUT_AFTER, message="placeOrder", symbol="BUY", count=2)
    with World(**BUYING, script=[cut]) as world:
        world.start()
        world.until("12:45")
        assert len(world.orders("BUY", "entry")) == 1
        bought_once(world)


def test_f03_killed_between_parent_and_child_one_whole_bracket_is_sent_again():
    cut = Fault(do=Act.CUT_AFTER, message="placeOrder", symbol="BUY", count=1)
    with World(**BUYING, script=[cut], restarts=3.0) as world:
        world.dies("placeOrder")
        world.start()
        world.until("12:45")
        assert len(world.lives) == 2
        bought_once(world)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_f04_killed_after_a_fill_before_it_is_written_it_is_in_the_journal_later(moment):
    with World(**BUYING, restarts=3.0) as world:
        world.dies("entry-1 BUY 40/40", f"{moment} heard")
        world.start(witnessed=True)
        world.until("12:45")
        assert len(world.lives) == 2
        bought_once(world)


def test_f05_what_filled_while_nobody_was_connected_is_recovered_and_not_bought_again():
    with World(**BUYING, restarts=45.0) as world:
        world.dies("BUY-entry-1 BUY 0/40 MKT None Submitted")
        world.start()
        world.until("12:42:30")
        assert world.held("BUY") == 40
        assert not world.life.alive
        world.until("12:45")
        bought_once(world)


def test_f09_an_order_lost_in_a_restart_is_not_taken_for_another_with_its_number():
    restart = Fault(do=Act.RESTART, at="12:42:00.5", seconds=20, roll_back=10)
    with World(
        BUYING["paths"] | KEEPING["paths"],
        entries=BUYING["entries"],
        **{name: KEEPING[name] for name in ("held", "stops", "resting")},
        script=[restart],
    ) as world:
        world.start()
        world.until("12:46")
        assert world.held("BUY") in (0, 40)
        assert [order.quantity for order in world.working("KEEP", "stop")] == [100]
        world.check()


@pytest.mark.parametrize("code", [10349, 2109, 478])
def test_f14_a_warning_about_a_live_order_does_not_end_it(code):
    warning = Fault(do=Act.WARN, message="placeOrder", symbol="BUY", times=2, code=code, text="something was preset")
    with World(**BUYING, script=[warning]) as world:
        world.start()
        world.until("12:45")
        assert len(world.orders("BUY", "entry")) == 1
        bought_once(world)


@pytest.mark.parametrize("code", [10147, 10148])
def test_f15_a_stop_that_could_not_be_cancelled_is_not_thought_gone(code):
    refused = Fault(do=Act.NOT_CANCELLED, message="cancelOrder", symbol="QUIT", times=2, code=code)
    with World(**QUITTING, script=[refused]) as world:
        world.start()
        world.until("12:45")
        assert world.held("QUIT") == 0
        assert len(world.orders("QUIT", "stop")) == 1
        world.check()


def test_f16_a_rejected_entry_leaves_nothing_behind():
    rejected = Fault(do=Act.REJECT, message="placeOrder", symbol="BUY", ref="entry", times=9)
    with World(**BUYING, script=[rejected]) as world:
        world.start()
        world.until("12:59")
        assert world.held("BUY") == 0
        assert {order.status for order in world.orders("BUY", "entry")} == {Status.INACTIVE}
        assert len(world.orders("BUY", "entry")) <= 3
        assert world.working("BUY") == []
        world.check()


def test_f17_a_bracket_whose_stop_was_rejected_gets_another_stop():
    rejected = Fault(do=Act.REJECT, message="placeOrder", symbol="BUY", ref="stop", times=1)
    with World(**BUYING, script=[rejected]) as world:
        world.start()
        world.until("12:45")
        bought_once(world)
        assert all(gap.seconds <= GRACE for gap in world.gaps())


def test_f17_what_cannot_be_protected_is_sold_and_a_person_told():
    rejected = Fault(do=Act.REJECT, message="placeOrder", symbol="BUY", ref="stop", times=9)
    with World(**BUYING, script=[rejected]) as world:
        world.start()
        world.until("12:45")
        assert len(world.fills("BUY")) == 2
        assert world.held("BUY") == 0
        assert any("BUY" in alert for alert in world.alerts())
        world.check()


@pytest.mark.parametrize("active", [True, False], ids=["child works", "child waits"])
def test_f18_a_partly_filled_entry_is_protected_for_what_was_filled(active):
    partly = Fault(do=Act.PARTIAL, message="placeOrder", symbol="BUY", ref="entry", shares=15)
    with World(**BUYING, script=[partly], active_on_partial=active) as world:
        world.start()
        world.until("12:43:10")
        world.withdraw("BUY-entry")
        world.until("12:45")
        bought_once(world, 15)


def test_f19_a_stop_that_fills_while_it_is_cancelled_is_not_sold_twice():
    # 47.4 is a collapse from 50; the stop at 47 fills at 12:42:40, while its cancel is under way.
    paths = {"KEEP": path(50, 50, 47.4, 46.5)}
    with World(**KEEPING | {"paths": paths}, cancel_latency=50.0) as world:
        world.start()
        world.until("12:46")
        assert world.held("KEEP") == 0
        assert [fill.ref for fill in world.fills("KEEP")] == [order.ref for order in world.orders("KEEP", "stop")]
        world.check()


PROFIT = {"KEEP": path(50, 50, 54.5)}  # 9 % above cost: half is sold


def test_f20_before_a_part_is_sold_its_stop_is_made_smaller():
    with World(**KEEPING | {"paths": PROFIT}) as world:
        world.start()
        world.until("12:46")
        assert world.held("KEEP") == 50
        assert [(frame.kind, frame.quantity) for frame in world.frames("placeOrder")] == [("STP", 50), ("MKT", 50)]
        assert [order.quantity for order in world.working("KEEP", "stop")] == [50]
        assert all(gap.seconds <= GRACE for gap in world.gaps())
        world.check()


@pytest.mark.parametrize(
    "points",
    [
        ("before intents",),
        ("after intents",),
        ("> placeOrder",),
        ("> placeOrder", "before heard"),
        ("> placeOrder", "after heard"),
        ("> placeOrder", "intents"),
        ("reduce-1", "before heard"),
        ("* al", "before heard"),
        ("* al", "after heard"),
    ],
    ids=lambda points: ", ".join(points),
)
def test_f20_killed_between_the_steps_of_a_part_sale_it_ends_covered_and_sold_once(points):
    with World(**KEEPING | {"paths": PROFIT}, restarts=2.0) as world:
        world.start(witnessed=True)
        world.until("12:41:59")
        world.dies(*points)
        world.until("12:46")
        assert len(world.lives) == 2
        assert world.held("KEEP") == 50
        assert [order.quantity for order in world.working("KEEP", "stop")] == [50]
        world.check()


def test_f21_after_a_partly_filled_stop_the_exact_rest_is_sold():
    # The stop at 47 fills 30 a print from 12:41:40 on; at the minute's end 47.3 is a collapse.
    with World(**KEEPING | {"paths": {"KEEP": path(50, 50, 46.9)}}, max_fill=30) as world:
        world.start()
        world.until("12:46")
        assert world.held("KEEP") == 0
        assert sum(fill.shares for fill in world.fills("KEEP")) == 100
        world.check()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(do=Act.DOUBLE, message="execDetails", symbol="BUY"),
        Fault(do=Act.DOUBLE, message="orderStatus", symbol="BUY", times=9),
        Fault(do=Act.CORRECT, message="execDetails", symbol="BUY", seconds=20, shares=40, price=48.5),
        Fault(do=Act.HOLD, message="execDetails", symbol="BUY", until="commissionReport"),
        Fault(do=Act.HOLD, message="execDetails", symbol="BUY", until="orderStatus"),
        Fault(do=Act.DELAY, message="execDetails", symbol="BUY", seconds=8),
        Fault(do=Act.DROP, message="execDetails", symbol="BUY"),
        Fault(do=Act.DROP, message="commissionReport", times=1),
        Fault(do=Act.DROP, message="orderStatus", symbol="BUY", times=9),
        Fault(do=Act.DROP, message="openOrder", symbol="BUY", times=9),
    ],
    ids=lambda fault: f"{fault.do} {fault.message} {fault.until or ''}".strip(),
)
def test_f22_however_a_fill_is_reported_the_journal_is_right(fault):
    with World(**BUYING, script=[fault]) as world:
        world.start()
        world.until("12:49")
        bought_once(world)
