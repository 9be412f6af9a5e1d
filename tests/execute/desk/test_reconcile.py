"""What became of each order, by the broker's account of everything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alphalib.execute.broker import Fill, Held, Kind, Report, Side, State, Ticket, Truth
from alphalib.execute.desk.known import Known
from alphalib.execute.desk.reconcile import Verdict, reconcile
from alphalib.execute.journal.journal import Intent

NOON = datetime(2026, 3, 5, 17, tzinfo=UTC)
TICKET = Ticket("al-260305-AAA-entry-1", "AAA", Side.BUY, 100, Kind.MARKET)
NOTHING = Truth(NOON, "DU1", 1e5, 1e5, 0.0, (), (), (), ())
FILL = Fill("0e.1.01", TICKET.ref, 7, "AAA", Side.BUY, 100.0, 48.9, NOON, "DU1")


def listed(state, **changes):
    report = Report(TICKET.ref, 7, 2, "AAA", Side.BUY, 100.0, 0.0, "MKT", None, state)
    return replace(report, **changes)


def known(*, age, answered=False):
    return Known(
        Intent("2026-03-05", NOON - timedelta(seconds=age), TICKET, "entry"), NOON, shares=100, answered=answered
    )


def said(truth, *orders, fills=()):
    return reconcile(
        truth,
        {order.ref: order for order in orders},
        {fill.root: fill for fill in fills},
        began=NOON,
        tickers=["AAA"],
        session="2026-03-05",
    )


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (State.WORKING, Verdict.ADOPTED),
        (State.FILLED, Verdict.FILLED),
        (State.CANCELLED, Verdict.OVER),
        (State.REJECTED, Verdict.OVER),
        (State.UNKNOWN, Verdict.UNKNOWN),
    ],
)
def test_an_order_is_what_the_truth_says(state, verdict):
    truth = replace(NOTHING, orders=(listed(state),))
    assert said(truth, known(age=60)).verdicts == {TICKET.ref: verdict}


@pytest.mark.parametrize(
    ("order", "verdict"),
    [
        (known(age=60), Verdict.NEVER_ARRIVED),
        (known(age=2.9), Verdict.UNKNOWN),  # it may still be on its way
        (known(age=60, answered=True), Verdict.OVER),
    ],
)
def test_what_a_complete_truth_does_not_have_is_gone_once_it_must_have_arrived(order, verdict):
    assert said(NOTHING, order).verdicts == {TICKET.ref: verdict}


def test_what_an_incomplete_truth_does_not_have_stays_unknown():
    truth = replace(NOTHING, missing=("completed orders",))
    assert said(truth, known(age=60, answered=True)).verdicts == {TICKET.ref: Verdict.UNKNOWN}


def test_what_was_sent_after_the_reading_began_is_not_judged():
    order = known(age=-1)
    order.sent(NOON)
    assert said(NOTHING, order).verdicts == {}


def test_what_is_over_stays_so_unless_the_truth_says_otherwise():
    order = known(age=60)
    order.told(listed(State.CANCELLED), NOON)
    assert said(NOTHING, order).verdicts == {}
    assert said(replace(NOTHING, orders=(listed(State.CANCELLED),)), order).verdicts == {}
    assert said(replace(NOTHING, orders=(listed(State.WORKING),)), order).verdicts == {TICKET.ref: Verdict.ADOPTED}


def test_executions_are_news_once_and_again_when_they_are_corrected():
    corrected = replace(FILL, exec_id="0e.1.02", shares=80.0)
    assert said(replace(NOTHING, fills=(FILL,))).fills == (FILL,)
    assert said(replace(NOTHING, fills=(FILL,)), fills=[FILL]).fills == ()
    assert said(replace(NOTHING, fills=(corrected,)), fills=[FILL]).fills == (corrected,)
    assert said(replace(NOTHING, fills=(FILL,)), fills=[corrected]).fills == ()


def test_what_is_not_ours_is_told_apart():
    theirs = listed(State.WORKING, ref="my own")
    done = listed(State.FILLED, ref="")
    stop = listed(State.WORKING, ref="al-260303-ZZZ-stop-2", ticker="ZZZ", side=Side.SELL, kind="STP", stop=9.5)
    fill = replace(FILL, ref="my own", exec_id="0e.9.01")
    held = (Held("AAA", 5.0, 1.0), Held("ZZZ", 5.0, 1.0), Held("QQQ", 5.0, 1.0))
    result = said(replace(NOTHING, orders=(theirs, done, stop), fills=(fill,), held=held))
    assert result.foreign == (theirs,)
    assert (result.fills, result.foreign_fills) == ((), (fill,))
    assert result.strangers == (held[2],)
    (found,) = result.found
    assert found.ticket == Ticket("al-260303-ZZZ-stop-2", "ZZZ", Side.SELL, 100, Kind.STOP, 9.5)
    assert found.rule == "adopted"
