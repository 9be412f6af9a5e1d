"""The desk: what it does about what it is told."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from alphalib.execute.broker import Kind, Link, Notice, Report, Side, State, Ticket
from alphalib.execute.desk.steps import Ask, Cancel, Change, Place
from alphalib.execute.journal.journal import Intent, Journal, Standing
from tests.execute.desk_world import World
from tests.execute.morning import book, entry, portfolio, sale, stop

DAY = "2026-03-05"
HELD = {"BBB": (40, 100.0)}
GUARDED = [stop("BBB", 40, 90.0, cost=100.0)]


@pytest.fixture
def world(request):
    made = []

    def make(*arguments, **options):
        made.append(World(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.journal.close()


@pytest.fixture
def holding(world):
    """40 BBB under their stop, and an entry of 100 AAA that waits for a fall."""
    day = world(book(DAY, entries=[entry("AAA", 100, 50.0)], stops=GUARDED), portfolio(DAY, HELD))
    day.price("AAA", 50.0)
    day.price("BBB", 100.0)
    day.act()
    day.minute()
    day.act()
    day.steps.clear()
    return day


def fall(day):
    """AAA falls by more than its trigger wants."""
    day.price("AAA", 48.9)
    day.minute()
    return day.act()


def sent(steps):
    return [step for step in steps if isinstance(step, Place | Change | Cancel)]


@contextmanager
def full_disk(journal):
    with journal.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    yield
    with journal.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")


def test_a_bracket_is_in_the_journal_with_its_reasons_before_it_is_handed_out(holding):
    holding.price("AAA", 48.9)
    holding.minute()
    (place,) = sent(holding.desk.steps(holding.now))
    entry_intent, stop_intent = holding.journal.intents(DAY)[-2:]
    assert (entry_intent.ticket, stop_intent.ticket) == place.tickets
    assert (entry_intent.rule, entry_intent.trigger, entry_intent.trigger_price) == ("entry", "pullback", 48.9)
    assert (entry_intent.signal_price, entry_intent.last_price) == (50.0, 48.9)
    assert (stop_intent.rule, stop_intent.signal_price) == ("bracket", 44.9)


def test_an_urgent_exit_makes_its_stop_way_is_confirmed_and_sells_what_is_left(world):
    day = world(book(DAY, exits=[sale("CCC", 70)]), portfolio(DAY, {"CCC": (70, 20.0)}))
    old = Report("al-260303-CCC-stop-1", 7, 2, "CCC", Side.SELL, 70.0, 0.0, "STP", 18.0, State.WORKING)
    day.venue.place([_ticket(old)])
    day.now -= timedelta(seconds=60)
    assert sent(day.act()) == []
    day.now = day.hours.opened
    assert [type(step) for step in sent(day.act())] == [Cancel, Place]
    assert day.placed("exit")[0].shares == 70
    day.venue.trade("CCC", 20.0, day.now)
    day.act()
    assert day.venue.positions["CCC"] == 0
    assert day.journal.intents(DAY)[-1].rule == "time_decay"


def test_a_collapse_sells_all_whatever_else_was_due(holding):
    holding.price("BBB", 94.9)  # 5.1 % under the session's high of 100
    holding.minute()
    holding.act()
    holding.venue.trade("BBB", 94.9, holding.now)
    holding.act()
    assert (holding.venue.positions["BBB"], holding.venue.covered("BBB")) == (0, 0)
    assert holding.journal.intents(DAY)[-1].rule == "collapse"


def test_a_stop_is_raised_with_the_high_and_never_lowered(holding):
    for price, level in ((103.0, 100.0), (101.0, 100.0), (104.0, 101.0)):  # tight: 1.5 ATR of 2 below the high
        holding.price("BBB", price)
        holding.minute()
        holding.act()
        assert holding.desk.names()[1].stop == pytest.approx(level)


def test_a_stop_that_somebody_cancels_is_put_back(holding):
    holding.venue.cancel("al-260305-BBB-stop-1")
    holding.act()
    assert holding.venue.covered("BBB") == 40
    assert "al-260305-BBB-stop-1 was cancelled, and not by us" in holding.alerts


def test_what_cannot_be_protected_is_sold(holding):
    holding.venue.refused.add("BBB stop")
    holding.venue.cancel("al-260305-BBB-stop-1")
    holding.wait(5)
    holding.venue.trade("BBB", 100.0, holding.now)
    holding.act()
    assert holding.venue.positions["BBB"] == 0
    assert "BBB: its stops were refused, all of it is sold" in holding.alerts
    assert holding.journal.intents(DAY)[-1].rule == "unprotected"


def test_an_unknown_order_is_asked_about_and_nothing_is_done_in_its_name_until_then(holding):
    stop_report = holding.venue.orders["al-260305-BBB-stop-1"].report()
    holding.desk.heard(replace(stop_report, state=State.UNKNOWN), holding.now)
    steps = holding.desk.steps(holding.now)
    assert [type(step) for step in steps] == [Ask]
    holding.price("BBB", 120.0)
    holding.minute()
    assert sent(holding.desk.steps(holding.now)) == []
    holding.desk.learned(holding.venue.truth(holding.now), began=holding.now, now=holding.now)
    assert sent(holding.act()) != []


@pytest.mark.parametrize(("code", "asks"), [(10148, 1), (10349, 1), (399, 0), (2109, 0)])
def test_words_about_an_order_that_leave_it_open_are_asked_about(holding, code, asks):
    holding.desk.heard(Notice(code, "something", ref="al-260305-BBB-stop-1"), holding.now)
    assert [type(step) for step in holding.act()] == [Ask] * asks
    assert holding.venue.received == ["al-260305-BBB-stop-1"]


def test_fills_are_taken_while_the_gateway_is_cut_off_and_nothing_is_sent(holding):
    fall(holding)
    holding.desk.heard(Link.CUT_OFF, holding.now)
    holding.venue.fill("al-260305-AAA-entry-1", 100, 48.8, holding.now)
    holding.price("BBB", 110.0)
    holding.minute()
    holding.hear()
    assert sent(holding.desk.steps(holding.now)) == []
    assert [(name.ticker, name.held) for name in holding.desk.names()] == [("AAA", 100), ("BBB", 40)]
    holding.desk.heard(Link.RESTORED, holding.now)
    assert [type(step) for step in holding.desk.steps(holding.now)] == [Ask]


def test_no_entry_while_the_truth_is_incomplete_and_stops_are_raised_all_the_same(holding):
    holding.desk.learned(
        holding.venue.truth(holding.now, missing=("completed orders",)), began=holding.now, now=holding.now
    )
    holding.price("BBB", 103.0)
    holding.price("AAA", 48.9)
    holding.minute()
    steps = holding.desk.steps(holding.now)
    assert [type(step) for step in sent(steps)] == [Change]
    assert holding.desk.no_entries == ("the account could not be read wholly: completed orders",)


def test_what_somebody_else_sold_is_not_sold_again(holding):
    holding.venue.positions["BBB"] = 25
    holding.now += timedelta(minutes=6)  # a routine reading finds it, and a second one confirms it
    holding.act()
    holding.wait(3)
    assert holding.venue.covered("BBB") == 25
    assert any("BBB: the broker holds 25, we count 40" in alert for alert in holding.alerts)
    holding.desk.kill(holding.now, by="a person", flatten=True)
    holding.act()
    assert [ticket.shares for ticket in holding.placed("exit")] == [25]


def test_a_position_that_was_read_before_its_fill_is_read_again_before_anything_is_concluded(holding):
    fall(holding)
    earlier = holding.venue.truth(holding.now)
    holding.venue.trade("AAA", 48.8, holding.now)
    holding.hear()
    both = replace(holding.venue.truth(holding.now), held=earlier.held)
    holding.desk.learned(both, began=holding.now, now=holding.now)
    assert sent(holding.desk.steps(holding.now)) == []
    holding.wait(2)
    assert (holding.venue.covered("AAA"), holding.alerts) == (100, [])


def test_what_somebody_else_bought_is_left_alone_and_no_entry_is_made_in_its_name(holding):
    holding.venue.positions["AAA"] = 10
    holding.venue.positions["ZZZ"] = 99
    holding.now += timedelta(minutes=6)
    holding.act()
    holding.wait(3)
    fall(holding)
    assert holding.placed() == []
    assert "99 ZZZ are held that are not ours; they are left alone" in holding.alerts


def test_a_strange_order_is_reported_once_and_never_touched(holding):
    theirs = Report("", 9, 0, "BBB", Side.BUY, 5.0, 0.0, "LMT", None, State.WORKING)
    for _ in range(2):
        holding.desk.heard(theirs, holding.now)
        asked = holding.desk.steps(holding.now)
        assert sent(asked) == []
        truth = holding.venue.truth(holding.now)
        holding.desk.learned(replace(truth, orders=(*truth.orders, theirs)), began=holding.now, now=holding.now)
        holding.wait(1)
    assert [alert for alert in holding.alerts if "not ours" in alert] == [
        "an order that is not ours: BUY 5 BBB LMT, ref ''; it is left alone"
    ]


def test_a_full_disk_ends_what_is_new_keeps_stops_and_is_over_when_there_is_room(world, tmp_path):
    day = world(
        book(DAY, entries=[entry("AAA", 100, 50.0)], stops=GUARDED),
        portfolio(DAY, HELD),
        journal=Journal(tmp_path / "trades.db"),
    )
    day.price("AAA", 50.0)
    day.price("BBB", 100.0)
    day.act()
    with full_disk(day.journal):
        for price in (48.9, 48.8, 48.7):
            day.price("AAA", price)
            day.price("BBB", 103.0)
            day.minute()
            for _ in range(40):  # what little room the file has left is used up
                day.desk.heard(Notice(0, "x" * 400), day.now)
            assert sent(day.act()) == []
        assert "the disk is full" in day.desk.no_entries[-1]
        assert day.venue.covered("BBB") == 40
        assert timedelta(seconds=2) <= day.desk.wakes() - day.now <= timedelta(seconds=8)  # doubled at each attempt
    day.act()
    day.wait(10)
    assert len(day.placed("entry")) == 1
    assert day.desk.no_entries == ()


def test_a_purchase_is_cut_to_the_cash_there_is(world):
    day = world(book(DAY, entries=[entry("AAA", 100, 50.0), entry("DDD", 100, 50.0)]), cash=7000.0)
    day.venue.positions["OWN"] = 1000  # 100,000 of something else
    for price in (50.0, 48.9):
        day.price("AAA", price)
        day.price("DDD", price)
        day.act()
        day.minute()
    day.act()
    # 7000 − 100 × 48.9 × 1.01 = 2061.1; / (48.9 × 1.01) = 41.7
    assert [(ticket.ticker, ticket.shares) for ticket in day.placed("entry")] == [("AAA", 100), ("DDD", 41)]


def test_a_ceiling_that_is_met_ends_the_days_entries(world):
    day = world(book(DAY, entries=[entry("AAA", 600, 50.0), entry("DDD", 10, 50.0)]), cash=100_000.0)
    for price in (50.0, 48.9):
        day.price("AAA", price)
        day.price("DDD", price)
        day.act()
        day.minute()
    for _ in range(2):
        day.act()
        assert day.placed() == []
        assert "29,340 of value, 25% of NAV" in day.desk.no_entries[0]  # 600 × 48.9
        day.start()


def test_a_full_book_at_once_is_spread_over_minutes_and_breaks_no_ceiling(world):
    names = [f"N{number:02d}" for number in range(40)]
    day = world(book(DAY, entries=[entry(name, 10, 50.0) for name in names]))
    for name in names:
        day.price(name, 50.0)
    day.act()
    day.minute()
    for name in names:
        day.price(name, 48.9)
    day.minute()
    day.act()
    assert len(day.placed("entry")) == 25  # 50 orders
    day.venue.refused.clear()
    for name in names:
        day.venue.trade(name, 48.9, day.now)
    day.wait(61)
    assert len(day.placed("entry")) == 40
    assert day.desk.no_entries == ()
    assert day.alerts == []


def test_nothing_is_bought_without_a_price_that_may_be_decided_on(holding):
    holding.price("AAA", 48.9)
    holding.minute()
    holding.price("AAA", float("nan"))
    assert sent(holding.act()) == []
    assert [name.waiting for name in holding.desk.names() if name.ticker == "AAA"] == ["pullback; no price"]
    holding.price("AAA", 48.8)
    holding.desk.minute({}, holding.now)
    assert len(sent(holding.act())) == 1


@pytest.mark.parametrize(("minutes", "entries"), [(385, 0), (386, 1)])
def test_an_entry_that_nothing_triggered_acts_at_the_end_of_its_patience(world, minutes, entries):
    day = world(book(DAY, entries=[entry("AAA", 100, 50.0)]))  # 4 minutes before the close of 390
    day.price("AAA", 50.0)
    day.act()
    day.minute_number = minutes - 1
    day.now = day.hours.boundary(minutes)
    day.price("AAA", 50.0)
    day.minute()
    day.act()
    assert len(day.placed("entry")) == entries
    assert [i.trigger for i in day.journal.intents(DAY) if i.trigger] == ["expiry"] * entries


def test_an_order_at_the_broker_that_no_journal_knows_is_taken_on(world):
    day = world(book(DAY, stops=GUARDED), portfolio(DAY, HELD))
    old = Report("al-260303-BBB-stop-1", 7, 2, "BBB", Side.SELL, 40.0, 0.0, "STP", 88.0, State.WORKING)
    day.venue.place([_ticket(old)])
    day.price("BBB", 100.0)
    day.act()
    assert day.placed() == []
    assert [step.ticket.stop for step in day.steps if isinstance(step, Change)] == [90.0]
    assert day.venue.covered("BBB") == 40


def test_a_fill_that_no_execution_tells_of_counts_once_the_position_shows_it(holding):
    fall(holding)
    holding.venue.trade("AAA", 48.8, holding.now)
    holding.venue.fills.clear()
    holding.reconnect()
    holding.act()
    holding.wait(10)
    assert {name.ticker: name.held for name in holding.desk.names()} == {"AAA": 100, "BBB": 40}
    assert holding.venue.covered("AAA") == 100
    assert any("no execution says at what price" in alert for alert in holding.alerts)


def test_a_correction_takes_the_place_of_what_it_corrects(holding):
    fall(holding)
    holding.venue.trade("AAA", 48.8, holding.now)
    holding.act()
    (fill,) = holding.venue.fills
    holding.venue.positions["AAA"] = 80
    holding.venue.fills = [replace(fill, exec_id=f"{fill.root}.02", shares=80.0)]
    holding.venue.events.append(holding.venue.fills[0])
    holding.act()
    holding.wait(5)
    assert {name.ticker: name.held for name in holding.desk.names()} == {"AAA": 80, "BBB": 40}
    assert holding.venue.covered("AAA") == 80


def test_a_stop_of_an_earlier_session_that_is_over_is_not_asked_about(world):
    journal = Journal("sqlite://")
    old = Report("al-260303-BBB-stop-1", 7, 2, "BBB", Side.SELL, 40.0, 0.0, "STP", 88.0, State.CANCELLED)
    day = world(book(DAY), journal=journal)
    journal.intend([Intent("2026-03-03", day.now, _ticket(old), "coverage")])
    journal.stand([Standing(old.ref, State.CANCELLED, day.now, 40.0)])
    day.start()
    assert day.desk.tickers == ()


def test_it_sleeps_until_something_is_due(holding):
    assert holding.desk.wakes() == holding.hours.opened + timedelta(minutes=5)
    fall(holding)
    assert holding.desk.wakes() == holding.now + timedelta(seconds=1)


@pytest.mark.parametrize(("rested", "level"), [(92.0, 90.0), (88.0, 90.0), (90.0, 90.0)])
def test_an_overnight_stop_takes_the_books_level_up_or_down_and_afterwards_never_down(world, rested, level):
    """The simulated session begins at the book's stop, whatever yesterday's trail had gained."""
    day = world(book(DAY, stops=GUARDED), portfolio(DAY, HELD))
    day.venue.place([_ticket(_resting(rested))])
    day.price("BBB", 100.0)
    day.act()
    assert day.venue.orders["al-260303-BBB-stop-1"].ticket.stop == level
    assert day.placed() == []
    for price, then in ((103.0, 100.0), (101.0, 100.0)):  # 1.5 ATR of 2 below the high
        day.price("BBB", price)
        day.minute()
        day.act()
        day.start()
        day.act()
        assert day.venue.orders["al-260303-BBB-stop-1"].ticket.stop == then
    day.venue.change(replace(_ticket(_resting(rested)), stop=100.5))  # by hand
    day.start()
    day.act()
    assert day.venue.orders["al-260303-BBB-stop-1"].ticket.stop == 100.5


def test_an_overnight_stop_is_at_the_books_level_before_the_opening_print(world):
    """What trades at the open meets today's stop, not yesterday's; nothing else is sent before it."""
    day = world(book(DAY, stops=GUARDED, exits=[sale("CCC", 70)]), portfolio(DAY, {**HELD, "CCC": (70, 20.0)}))
    day.venue.place([_ticket(_resting(92.0))])
    day.now -= timedelta(seconds=60)
    day.act()
    assert [(type(step), step.ticket.stop) for step in sent(day.steps)] == [(Change, 90.0)]


def test_an_overnight_stop_of_a_name_that_the_book_does_not_guard_stays_where_it_rests(world):
    day = world(book(DAY), portfolio(DAY, HELD))
    day.venue.place([_ticket(_resting(92.0))])
    day.price("BBB", 100.0)
    day.act()
    day.price("BBB", 100.0)
    day.minute()
    assert sent(day.act()) == []
    assert day.venue.orders["al-260303-BBB-stop-1"].ticket.stop == 92.0


@pytest.mark.parametrize(("held", "price"), [(80, 50.0), (4, 1000.0)])
def test_after_a_split_that_nobody_told_of_the_name_is_left_alone(world, held, price):
    """40 BBB under a stop at 90 are 80 at 50, or 4 at 1000: neither the stop nor the trail nor a gain means a thing."""
    day = world(book(DAY, stops=GUARDED), portfolio(DAY, HELD))
    day.venue.place([replace(_ticket(_resting(41.0)), shares=min(held, 40))])
    day.venue.positions["BBB"] = held
    for _ in range(3):
        day.price("BBB", price)
        day.act()
        day.wait(3)
        day.minute()
    assert sent(day.steps) == []
    assert any(f"BBB: the broker holds {held}, we count 40" in alert for alert in day.alerts)


def test_a_stop_at_or_above_the_price_is_not_sent_where_the_broker_counts_otherwise(world):
    day = world(book(DAY, stops=GUARDED), portfolio(DAY, HELD))
    day.venue.positions["BBB"] = 80
    day.act()
    day.wait(3)
    assert sent(day.steps) == []  # no price yet
    day.price("BBB", 50.0)
    day.minute()
    day.act()
    assert sent(day.steps) == []
    assert any("BBB: no stop is sent at 90.00, the price is 50.00" in alert for alert in day.alerts)


def _resting(level):
    return Report("al-260303-BBB-stop-1", 7, 2, "BBB", Side.SELL, 40.0, 0.0, "STP", level, State.WORKING)


def _ticket(report):
    return Ticket(report.ref, report.ticker, report.side, int(report.shares), Kind.STOP, report.stop)
