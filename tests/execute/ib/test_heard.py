import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.execute.broker import Kind, Report, Side, State, Tick, Ticket
from alphalib.execute.ib import heard

NOW = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
WORKING = Report("al-1", 77, 2, "AAA", Side.BUY, 10, 0, "MKT", None, State.WORKING)


def test_times_of_executions_in_every_spelling():
    # New York is 5 hours behind UTC in December, 4 in July
    assert heard.instant("20231203 20:15:20 US/Eastern", NOW) == datetime(2023, 12, 4, 1, 15, 20, tzinfo=UTC)
    assert heard.instant("20230703 10:15:20 America/New_York", NOW) == datetime(2023, 7, 3, 14, 15, 20, tzinfo=UTC)
    assert heard.instant("20231116-12:15:35", NOW) == datetime(2023, 11, 16, 12, 15, 35, tzinfo=UTC)
    assert heard.instant("20231116  12:15:35", NOW) == datetime(2023, 11, 16, 12, 15, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["20231203 20:15:20 Mars/Olympus", "", "yesterday", "20231303 20:15:20 UTC", "20231203"]
)
def test_a_time_that_nobody_can_read_is_now_since_the_fill_counts(text):
    assert heard.instant(text, NOW) == NOW


def test_hours_of_a_half_day_in_both_spellings():
    expected = ((datetime(2026, 11, 27, 14, 30, tzinfo=UTC), datetime(2026, 11, 27, 18, 0, tzinfo=UTC)),)
    assert heard.sessions("20261127:0930-20261127:1300;20261128:CLOSED", "US/Eastern") == expected
    assert heard.sessions("20261127:0930-1300", "US/Eastern") == expected
    assert heard.sessions("", "US/Eastern") == ()
    with pytest.raises(ValueError, match="LATE"):
        heard.sessions("20261127:LATE", "US/Eastern")


def test_classes_of_shares_and_what_is_no_share_in_dollars():
    assert (heard.ticker("BRK B", "STK", "USD"), heard.symbol("BRK-B")) == ("BRK-B", "BRK B")
    assert heard.ticker("AAA", "OPT", "USD") == "AAA:OPT"
    assert heard.ticker("AAA", "STK", "EUR") == "AAA:EUR"


@pytest.mark.parametrize("number", [-1.0, 0.0, math.nan, math.inf, 1.7976931348623157e308])
def test_what_is_no_price_is_nan(number):
    assert math.isnan(heard.price(number))


def test_an_unknown_code_leaves_the_state_open_and_a_warning_does_not():
    assert [code for code in (201, 202, 10147, 10148, 10349, 399, 2109, 161) if not heard.doubtful(code)] == [399, 2109]


# orders


def told(*reports, certain=False):
    orders = heard.Orders()
    for report in reports:
        orders.told(5, report, certain=certain)
    return orders


def status(orders, word, *, perm_id=77, client_id=2, order_id=5, filled=0.0, remaining=10.0, why=""):
    known = orders.status(
        perm_id=perm_id, client_id=client_id, order_id=order_id, word=word, filled=filled, remaining=remaining, why=why
    )
    return known and known.report


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PendingSubmit", State.WORKING),
        ("PreSubmitted", State.WORKING),
        ("Submitted", State.WORKING),
        ("PendingCancel", State.WORKING),
        ("Cancelled", State.CANCELLED),
        ("ApiCancelled", State.CANCELLED),
        ("Inactive", State.REJECTED),
        ("Filled", State.FILLED),
        ("ValidationError", State.UNKNOWN),
    ],
)
def test_words_of_the_wire(word, state):
    assert status(told(WORKING), word, remaining=0.0).state is state


def test_filled_with_something_left_is_not_over():
    assert status(told(WORKING), "Filled", filled=4, remaining=6).state is State.WORKING


@pytest.mark.parametrize(("word", "state"), [("Filled", State.FILLED), ("Cancelled", State.CANCELLED)])
def test_a_late_message_does_not_open_again_what_is_over(word, state):
    orders = told(WORKING)
    status(orders, word, filled=10, remaining=0)
    report = status(orders, "Submitted", filled=3, remaining=7)
    assert (report.state, report.filled) == (state, 10)


def test_a_refused_order_that_lives_again_is_believed_only_when_asked_for():
    orders = told(replace(WORKING, state=State.REJECTED), WORKING)
    assert orders.by_ref("al-1").report.state is State.UNKNOWN
    orders = told(replace(WORKING, state=State.REJECTED), WORKING, certain=True)
    assert orders.by_ref("al-1").report.state is State.WORKING


def test_an_error_makes_a_working_order_unknown_until_the_wire_speaks():
    orders = told(WORKING)
    known = orders.doubt(client_id=2, order_id=5, code=10349, text="TIF was set to DAY")
    assert (known.report.state, known.report.reason) == (State.UNKNOWN, "10349: TIF was set to DAY")
    assert status(orders, "Submitted") == WORKING


def test_an_error_does_not_open_again_what_is_over_but_says_why():
    orders = told(WORKING)
    status(orders, "Inactive")
    known = orders.doubt(client_id=2, order_id=5, code=201, text="no money")
    assert (known.report.state, known.report.reason) == (State.REJECTED, "201: no money")


def test_a_number_given_anew_is_another_order():
    orders = told(WORKING)
    orders.told(5, replace(WORKING, ref="al-2", perm_id=78))
    assert {known.report.ref for known in orders} == {"al-1", "al-2"}
    assert status(orders, "Cancelled", perm_id=77).ref == "al-1"
    assert status(orders, "Cancelled", perm_id=78).ref == "al-2"
    assert status(orders, "Cancelled", perm_id=79) is None  # never described


def test_a_cancel_by_another_client_bears_its_number_and_is_still_ours():
    report = status(told(WORKING), "Cancelled", client_id=0, order_id=0)
    assert (report.ref, report.client_id, report.state) == ("al-1", 2, State.CANCELLED)


def test_an_order_is_found_before_it_is_written_and_before_it_has_a_number_of_the_broker():
    orders = heard.Orders()
    known = orders.queue(2, Ticket("al-3", "AAA", Side.SELL, 10, Kind.STOP, 9.5))
    assert orders.by_ref("al-3") is known
    assert not known.written
    orders.write(known, 6, 0)
    assert status(orders, "PreSubmitted", perm_id=80, order_id=6, why="trigger").perm_id == 80
    assert orders.find(perm_id=80, client_id=0, order_id=0) is known
    assert len(list(orders)) == 1


WORDS = st.sampled_from(["PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel", "Inactive", "Odd"])


@given(st.lists(WORDS), st.sampled_from(["Filled", "Cancelled"]), st.lists(st.tuples(WORDS, st.integers(0, 10))))
def test_after_its_end_nothing_that_is_heard_brings_an_order_back(before, end, after):
    orders = told(WORKING)
    for word in before:
        status(orders, word)
    over = status(orders, end, filled=10, remaining=0)
    for word, filled in after:
        status(orders, word, filled=filled, remaining=10 - filled)
        orders.doubt(client_id=2, order_id=5, code=10147, text="")
        orders.told(5, WORKING)
    now = orders.by_ref("al-1").report
    assert (now.state, now.filled) == (over.state, 10)


# ticks


def test_a_price_waits_for_its_volume():
    ticks = heard.Ticks()
    assert ticks.priced("AAA", 10.0, NOW) == []
    assert ticks.traded("AAA", 500, NOW) == [Tick("AAA", 10.0, 500, NOW)]
    assert ticks.traded("AAA", 500, NOW) == []  # said twice
    assert ticks.traded("AAA", 600, NOW) == [Tick("AAA", 10.0, 600, NOW)]  # another trade at the same price
    assert ticks.priced("AAA", 10.5, NOW) == []
    assert ticks.priced("AAA", 10.6, NOW) == [Tick("AAA", 10.5, 600, NOW)]  # no price is lost
    assert ticks.flush() == [Tick("AAA", 10.6, 600, NOW)]
    assert ticks.flush() == []


def test_a_halt_stands_until_it_is_taken_back():
    ticks = heard.Ticks()
    assert ticks.halted("AAA", 0, NOW) == []
    ticks.priced("AAA", 10.0, NOW)
    assert [tick.halted for tick in ticks.halted("AAA", 2, NOW)] == [False, True]
    ticks.priced("AAA", 10.1, NOW)
    assert [(tick.price, tick.halted) for tick in ticks.flush()] == [(10.1, True)]
    assert [tick.halted for tick in ticks.halted("AAA", 0, NOW)] == [False]


def test_a_price_that_is_none_and_data_that_are_lost_are_nan():
    ticks = heard.Ticks()
    ticks.priced("AAA", -1.0, NOW)
    assert math.isnan(ticks.flush()[0].price)
    ticks.priced("AAA", 10.0, NOW)
    ticks.traded("AAA", 500, NOW)
    lost = ticks.lost("AAA", NOW)[-1]
    assert math.isnan(lost.price)
    assert lost.volume == 500
