"""F28–F32: full disks, torn files, the kill switch, people who trade beside, plans made twice."""

import resource

import pandas as pd
import pytest

from alphalib.execute.account.end_of_day import settle
from alphalib.execute.account.record import read_account
from alphalib.gateway.faults import Act, Fault
from alphalib.gateway.orders import Status
from tests.execute.harness import GRACE, World
from tests.execute.morning import book, entry, path, sale, stop

BUYING = {"paths": {"BUY": path(50, 50, 48.9)}, "entries": [entry("BUY", 40, 50.0)]}  # due at 12:42:00
LATER = {"paths": {"BUY": path(50, 50, 50, 50, 50, 48.9)}, "entries": [entry("BUY", 40, 50.0)]}  # due at 12:45:00
KEEPING = {
    "held": {"KEEP": (100, 50.0)},
    "stops": [stop("KEEP", 100, 47.0, cost=50.0)],
    "resting": {"KEEP": (100, 47.0)},
}
KEPT = {"KEEP": path(50)}


def covered(world: World, shares: float = 100) -> None:
    """KEEP is held and its one stop is of that size."""
    assert world.held("KEEP") == shares
    assert [order.quantity for order in world.working("KEEP", "stop")] == [shares]
    world.check()


def test_f28_with_a_full_disk_nothing_new_is_sent_stops_stay_and_later_it_goes_on():
    with World(BUYING["paths"] | KEPT, entries=BUYING["entries"], **KEEPING, restarts=20.0) as world:
        life = world.start()
        world.until("12:41:50")
        written = max(file.stat().st_size for file in (world.folder / "store" / "trades").iterdir())
        resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (written, resource.RLIM_INFINITY))
        world.until("12:42:10")
        assert world.frames() == []
        assert [order.quantity for order in world.working("KEEP", "stop")] == [100]
        assert "journal" in world.log.lower()
        if life.alive:
            resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        world.until("12:46")
        assert world.held("BUY") == 40
        covered(world)


@pytest.mark.parametrize("content", [b"torn" * 2000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_f28_a_torn_journal_is_refused_and_stops_stay(content):
    with World(BUYING["paths"] | KEPT, entries=BUYING["entries"], **KEEPING) as world:
        world.store.write_bytes("trades/trades.db", content)
        world.start()
        world.until("12:43")
        assert world.life.exitcode == 2
        assert "JournalError" in world.log
        assert world.frames() == []
        assert [order.quantity for order in world.working("KEEP", "stop")] == [100]


@pytest.mark.parametrize("content", [b'{"date": "2026-11-27", "appr', b"{}"])
def test_f28_a_corrupt_order_book_is_refused(content):
    with World(BUYING["paths"], entries=BUYING["entries"]) as world:
        world.store.write_bytes(world.book.at(), content)
        world.start()
        world.until("12:43")
        assert world.life.exitcode == 2
        assert world.book.at() in world.log
        assert world.frames() == []


def test_f29_after_the_kill_switch_nothing_is_bought_even_by_the_next_daemon():
    with World(LATER["paths"] | KEPT, entries=LATER["entries"], **KEEPING, restarts=3.0) as world:
        world.start()
        world.until("12:43")
        world.kill_switch()
        world.until("12:44")
        world.store.remove("trades/KILL")
        world.kill()
        world.until("12:59")
        assert len(world.lives) == 2
        assert world.frames("placeOrder") == []
        covered(world)


def test_f29_the_kill_switch_cancels_an_entry_that_works():
    halt = Fault(do=Act.HALT, at="12:41:58", symbol="BUY")
    with World(BUYING["paths"] | KEPT, entries=BUYING["entries"], **KEEPING, script=[halt]) as world:
        world.start()
        world.until("12:41:57")
        world.until("12:43")
        sent = world.orders("BUY", "entry")
        world.kill_switch()
        world.until("12:43:05")
        assert {order.status for order in world.orders("BUY")} <= {Status.CANCELLED}
        assert len(world.orders("BUY", "entry")) == len(sent)
        covered(world)


def test_f29_flatten_cancels_confirms_and_sells_all_of_ours():
    with World(BUYING["paths"] | KEPT, entries=BUYING["entries"], **KEEPING) as world:
        world.start()
        world.until("12:43")
        world.by_hand("BUY", "SPY", 7)
        world.until("12:44")
        world.kill_switch("flatten")
        world.until("12:45")
        assert world.ledger.positions_at(world.account) == {"SPY": 7}
        assert world.working("KEEP") == []
        assert world.working("BUY") == []
        world.check()


def test_f30_a_stop_that_somebody_cancelled_is_put_back_and_told():
    with World(KEPT, **KEEPING) as world:
        world.start()
        world.until("12:43")
        world.withdraw("KEEP-stop")
        world.until("12:44")
        covered(world)
        assert all(gap.seconds <= GRACE for gap in world.gaps())
        assert any("KEEP" in alert for alert in world.alerts())


@pytest.mark.parametrize("shares", [30, 100])
def test_f30_what_somebody_sold_is_not_sold_again(shares):
    with World({"KEEP": path(50, 50, 50, 50, 50, 46.9)}, **KEEPING) as world:
        world.start()
        world.until("12:42")
        world.by_hand("SELL", "KEEP", shares)
        world.until("12:43")
        assert sum(order.quantity for order in world.working("KEEP", "stop")) == 100 - shares
        world.until("12:50")  # meanwhile the stop is reached
        assert world.held("KEEP") == 0
        assert world.alerts()
        world.check()


def test_f30_what_somebody_is_still_selling_is_not_sold_too():
    # 8 shares a print: the sale by hand goes on for minutes while everything of ours is sold.
    with World(KEPT, **KEEPING, max_fill=8) as world:
        world.start()
        world.until("12:41")
        world.by_hand("SELL", "KEEP", 70)
        world.until("12:42")
        world.kill_switch("flatten")
        world.until("12:58")
        assert world.held("KEEP") == 0
        assert sum(order.filled for order in world.orders("KEEP")) == 30
        world.check()


def test_f30_what_somebody_sells_of_their_own_leaves_our_stop_alone():
    with World(KEPT, **KEEPING, max_fill=8) as world:
        world.by_hand("BUY", "KEEP", 24)
        world.until("12:45")
        world.start()
        world.until("12:46")
        world.by_hand("SELL", "KEEP", 24)
        world.until("12:50")
        assert world.held("KEEP") == 100
        assert [order.quantity for order in world.working("KEEP", "stop")] == [100]


def test_f30_what_somebody_else_bought_is_left_alone():
    with World(KEPT | {"ELSE": path(50, 50, 30.0)}, **KEEPING) as world:
        world.by_hand("BUY", "ELSE", 500)
        world.by_hand("BUY", "KEEP", 11)
        world.start()
        world.until("12:50")
        assert world.held("ELSE") == 500
        assert world.orders("ELSE") == []
        assert world.held("KEEP") == 111
        assert [order.quantity for order in world.working("KEEP", "stop")] == [100]


def test_f30_a_position_that_split_overnight_is_not_sold_beyond_what_is_there():
    # The portfolio has 100, the broker 10 after a reverse split that nobody told of.
    with World(KEPT | {"KEEP": path(500, 500, 460)}, **KEEPING | {"resting": {}}, at_broker={"KEEP": 10}) as world:
        world.start()
        world.until("12:46")
        assert world.held("KEEP") >= 0
        assert all(frame.quantity <= 10 for frame in world.frames("placeOrder"))
        assert any("KEEP" in alert for alert in world.alerts())


def test_f31_a_plan_that_is_made_again_while_the_daemon_trades_buys_nothing_twice():
    with World(BUYING["paths"] | KEPT, entries=BUYING["entries"], **KEEPING, restarts=3.0) as world:
        world.start()
        world.until("12:43")
        again = book(world.day, entries=[entry("BUY", 55, 50.0)], stops=KEEPING["stops"], exits=[sale("KEEP", 100)])
        world.write(again)
        world.kill()
        world.until("12:59")
        assert world.held("BUY") == 40
        assert len(world.orders("BUY", "entry")) == 1
        world.check()


def test_f32_without_spy_the_days_row_is_flagged_and_settling_again_adds_none():
    with World(BUYING["paths"], entries=BUYING["entries"], spy=False) as world:
        world.start()
        world.until("13:02")
        assert world.life.exitcode == 0
        once = settle(world.store, world.store, pd.Timestamp(world.day))
        again = settle(world.store, world.store, pd.Timestamp(world.day))
        assert (once.account.flagged, once.account.spy_return_pct) == (True, None)
        assert again.account == once.account
        assert len(read_account(world.store)) == 1
        held = {row.ticker: row.shares for row in once.portfolio.positions}
        assert held == world.ledger.positions_at(world.account) == {"BUY": 40}
        assert once.portfolio.cash == pytest.approx(world.venue.cash[world.account])


def test_f32_without_a_nav_nothing_is_stated():
    lost = [Fault(do=Act.DROP, message="updateAccountValue", count=1, times=100_000)]
    with World(KEPT, **KEEPING, script=lost) as world:
        world.start()
        world.until("13:02")
        assert world.life.alive  # without a NAV nothing is stated; it asks again
        assert "incomplete: account values never came" in world.log
