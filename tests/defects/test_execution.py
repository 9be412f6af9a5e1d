"""Seed defects of the daemon: triggers, stops, brackets, retries, the kill switch."""

import pytest

from alphalib.execute.broker import Kind, Side, State
from alphalib.execute.desk.steps import Cancel, Change, Place
from alphalib.execute.journal.journal import Journal
from tests.execute.desk_world import World
from tests.execute.morning import book, entry, portfolio, sale, stop

DAY = "2026-03-05"


@pytest.fixture
def world():
    made = []

    def make(*arguments, **options):
        made.append(World(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.journal.close()


def patient(ticker, shares, price, *, discount):
    """An entry that only a discount to the VWAP makes act."""
    wanted = entry(ticker, shares, price, pullback=0.9)
    return wanted.model_copy(update={"triggers": wanted.triggers.model_copy(update={"vwap_discount": discount})})


def test_d07_the_vwap_is_that_of_the_sessions_own_ticks(world):
    """Yesterday closed at 60: measured against that, 50 is 17 % below from the first tick on."""
    day = world(book(DAY, entries=[patient("AAA", 100, 60.0, discount=0.01)]))
    for price, traded in ((50.0, 1000.0), (50.0, 3000.0)):
        day.price("AAA", price, volume=traded)
        day.minute()
        assert [step for step in day.act() if isinstance(step, Place)] == []
    day.price("AAA", 49.4, volume=4000.0)  # VWAP (3000 × 50 + 1000 × 49.4) / 4000 = 49.85; × 0.99 = 49.35 < 49.4
    day.minute()
    assert day.act() == []
    day.price("AAA", 49.2, volume=5000.0)  # (3000 × 50 + 1000 × 49.4 + 1000 × 49.2) / 5000 = 49.72; × 0.99 = 49.22
    day.minute()
    day.act()
    bought = day.journal.intents(DAY)[0]
    assert (bought.trigger, bought.trigger_price, bought.signal_price) == ("vwap", 49.2, 60.0)


def test_d08_a_part_is_sold_once_for_one_gain_whatever_is_polled_and_restarted_after(world):
    day = world(book(DAY, stops=[stop("BBB", 40, 90.0, cost=100.0)]), portfolio(DAY, {"BBB": (40, 100.0)}))
    day.price("BBB", 100.0)
    day.act()
    for price in (108.5, 109.0, 108.2):  # above 100 × 1.08 in every minute
        day.price("BBB", price)
        day.minute()
        day.act()
        day.venue.trade("BBB", price, day.now)
        day.act()
        day.start()
        day.act()
        day.wait(5)
    assert [ticket.shares for ticket in day.placed("reduce")] == [20]
    assert (day.venue.positions["BBB"], day.venue.covered("BBB")) == (20, 20)


def test_d08_stops_and_the_sessions_high_survive_a_restart(world):
    day = world(book(DAY, stops=[stop("BBB", 40, 90.0, cost=100.0, atr=3.0)]), portfolio(DAY, {"BBB": (40, 100.0)}))
    for price in (100.0, 105.0, 104.0):
        day.price("BBB", price)
        day.minute()
        day.act()
    assert day.desk.names()[0].stop == pytest.approx(105.0 - 1.5 * 3.0)  # held for more than 3 sessions
    day.start()
    day.act()
    day.price("BBB", 104.5)
    day.minute()
    assert not [step for step in day.act() if isinstance(step, Change)]
    assert day.desk.names()[0].stop == pytest.approx(100.5)


def bought(world, *, shares=100):
    """A day on which an entry has just been sent."""
    day = world(book(DAY, entries=[entry("AAA", shares, 50.0)]))
    day.price("AAA", 50.0)
    day.minute()
    day.act()
    day.price("AAA", 48.9)
    day.minute()
    day.act()
    return day


def test_d09_entry_and_stop_are_sent_as_one_bracket(world):
    day = bought(world)
    (placed,) = [step for step in day.steps if isinstance(step, Place)]
    parent, child = placed.tickets
    assert (parent.side, parent.kind, parent.shares, parent.parent) == (Side.BUY, Kind.MARKET, 100, "")
    assert (child.side, child.kind, child.shares, child.parent) == (Side.SELL, Kind.STOP, 100, parent.ref)
    assert child.stop == pytest.approx(48.9 - 2.0 * 2.0)
    assert child.ref == parent.ref.replace("entry", "stop")


def test_d09_a_partial_fill_is_protected_for_exactly_what_was_filled(world):
    day = bought(world)
    day.venue.fill("al-260305-AAA-entry-1", 37, 48.9, day.now)
    day.wait(5)
    assert day.venue.orders["al-260305-AAA-entry-1"].state is State.CANCELLED
    assert (day.venue.positions["AAA"], day.venue.covered("AAA")) == (37, 37)
    assert len(day.placed("entry")) == 1


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("dies", [True, False])
def test_d10_an_entry_without_an_answer_is_never_bought_twice(world, arrives, dies):
    day = world(book(DAY, entries=[entry("AAA", 100, 50.0)]))
    day.price("AAA", 50.0)
    day.act()
    day.minute()
    day.price("AAA", 48.9)
    day.minute()
    (placed,) = [step for step in day.desk.steps(day.now) if isinstance(step, Place)]
    if arrives:
        day.venue.place(placed.tickets)
        day.venue.trade("AAA", 48.8, day.now)
    day.start() if dies else day.reconnect()
    day.act()
    day.wait(10)
    day.venue.trade("AAA", 48.8, day.now)
    day.wait(60)
    assert (day.venue.positions["AAA"], day.venue.covered("AAA")) == (100, 100)
    assert len(day.venue.received) == len(set(day.venue.received)) == 2


def test_d10_an_entry_that_does_not_fill_in_time_is_cancelled_and_not_sent_again(world):
    day = bought(world)
    day.wait(40)
    assert day.venue.orders["al-260305-AAA-entry-1"].state is State.CANCELLED
    day.price("AAA", 48.0)
    day.minute()
    day.act()
    day.wait(60)
    assert len(day.placed("entry")) == 1


def test_d10_a_sale_that_is_refused_is_tried_again_and_never_sells_more_than_is_held(world):
    day = world(book(DAY, exits=[sale("CCC", 70)]), portfolio(DAY, {"CCC": (70, 20.0)}))
    day.price("CCC", 20.0)
    day.venue.refused.add("CCC exit")
    day.act()
    day.wait(30)
    assert len(day.placed("exit")) == 4  # at once, and after 0, 2 and 5 seconds
    assert day.venue.covered("CCC") == 70
    assert "CCC: its sale was refused again and again, only a person can help" in day.alerts


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("filled", [15, 40])
def test_d10_a_stop_that_fills_while_it_makes_way_leaves_nothing_short(world, filled, told):
    day = world(book(DAY, stops=[stop("BBB", 40, 90.0, cost=100.0)]), portfolio(DAY, {"BBB": (40, 100.0)}))
    day.price("BBB", 100.0)
    day.act()
    day.desk.kill(day.now, by="a person", flatten=True)
    (cancel,) = [step for step in day.desk.steps(day.now) if isinstance(step, Cancel)]
    day.venue.fill("al-260305-BBB-stop-1", filled, 89.9, day.now, told=told)
    day.do(cancel)
    day.act()
    for _ in range(10):
        day.wait(3)
        day.venue.trade("BBB", 89.8, day.now)
        day.act()
    assert (day.venue.positions["BBB"], day.venue.lowest) == (0, 0)
    assert [ticket.shares for ticket in day.placed("exit")] == [40 - filled] * (filled < 40)


def test_d14_the_kill_switch_ends_entries_at_once_keeps_stops_and_survives_restart_and_midnight(world, tmp_path):
    journal = Journal(tmp_path / "trades.db")
    orders = book(DAY, entries=[entry("AAA", 100, 50.0)], stops=[stop("BBB", 40, 90.0, cost=100.0)])
    day = world(orders, portfolio(DAY, {"BBB": (40, 100.0)}), journal=journal)
    for ticker, price in (("AAA", 50.0), ("BBB", 100.0)):
        day.price(ticker, price)
    day.minute()
    day.act()
    day.price("AAA", 48.9)
    day.minute()
    day.act()
    assert day.venue.orders["al-260305-AAA-entry-1"].state is State.WORKING
    day.desk.kill(day.now, by="a person")
    assert [step.ref for step in day.act() if isinstance(step, Cancel)] == ["al-260305-AAA-entry-1"]
    assert day.venue.covered("BBB") == 40
    day.start()
    day.act()
    assert day.desk.no_entries == ("the kill switch is on, by a person",)
    next_day = world(book("2026-03-06", entries=[entry("AAA", 100, 50.0)]), journal=journal)
    for price in (50.0, 48.0):
        next_day.price("AAA", price)
        next_day.minute()
        next_day.act()
    assert next_day.placed() == []
    journal.rearm()
    next_day.start()
    next_day.act()
    assert len(next_day.placed("entry")) == 1


def test_d14_what_is_not_sold_counts_towards_the_days_loss(world):
    orders = book(DAY, entries=[entry("AAA", 100, 50.0)], stops=[stop("BBB", 400, 50.0, cost=100.0)])
    day = world(orders, portfolio(DAY, {"BBB": (400, 100.0)}), cash=60_000.0)  # NAV 100,000
    day.price("BBB", 100.0)
    day.price("AAA", 50.0)
    day.minute()
    day.act()
    day.price("BBB", 95.1)  # 400 × 4.9 = 1,960, which is 1.96 % of NAV
    day.minute()
    day.act()
    assert day.desk.no_entries == ()
    day.price("BBB", 94.9)  # 2.04 %
    day.price("AAA", 48.0)
    day.minute()
    day.act()
    assert day.desk.no_entries == ("the session has lost 2.04% of NAV, the limit is 2.00%",)
    day.price("BBB", 100.0)
    day.minute()
    day.start()
    day.act()
    assert day.placed("entry") == []
    assert day.desk.no_entries != ()
