"""Order states and fills of the venue, in the order in which TWS tells them."""

import math
from datetime import timedelta

import pytest

from alphalib.gateway.accounts import Position, Tariff
from alphalib.gateway.orders import Contract, Order, Status
from tests.gateway.stage import ACCOUNT, BBB, CLOSE, OPEN, Stage, at


def test_a_market_order_fills_at_the_print_that_opens_its_minute():
    stage = Stage()
    stage.prints(-4, 99.0)
    stage.place(1, "BUY", 100, "MKT")
    stage.prints(0.5, 100.0, opens=True)
    assert stage.venue.due == at(1.0)
    stage.venue.advance(at(1.0))
    assert stage.heard() == ["1 Submitted 0/100", "1 exec 100 at 100", "1 Filled 100/100", "commission 1.00"]
    # 100,000 − 100 × 100 − the minimum commission
    assert stage.venue.cash[ACCOUNT] == 89_999.0
    assert stage.venue.nav(ACCOUNT) == 99_999.0


def test_a_market_order_takes_the_last_print_when_its_time_has_come():
    stage = Stage(latency=1.0)
    stage.place(1, "BUY", 100, "MKT")
    stage.prints(0.5, 100.0, opens=True)
    stage.prints(0.8, 101.0)
    stage.place(2, "BUY", 100, "MKT", now=19)
    stage.prints(20, 105.0, symbol="BBB")
    stage.prints(20, 102.0)  # at the very instant
    assert [line for line in stage.heard() if "exec" in line] == ["1 exec 100 at 101", "2 exec 100 at 102"]


def test_a_change_starts_the_latency_anew():
    stage = Stage(latency=1.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "BUY", 100, "MKT", now=5)
    stage.place(1, "BUY", 50, "MKT", now=5.5)
    stage.venue.advance(at(6))
    assert stage.held == 0
    stage.venue.advance(at(6.5))
    assert stage.held == 50


def test_a_market_order_pays_half_the_spread():
    stage = Stage(spread_bps=10.0)
    stage.place(1, "BUY", 100, "MKT")
    stage.place(2, "SELL", 100, "MKT")
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1.0))
    assert [line for line in stage.heard() if "exec" in line] == ["1 exec 100 at 100.05", "2 exec 100 at 99.95"]


def test_a_market_order_waits_for_the_first_print_of_the_session():
    stage = Stage(opened=False)
    stage.place(1, "BUY", 100, "MKT", now=-60)
    assert stage.heard() == ["1 PreSubmitted 0/100", "1 error 399"]
    stage.prints(-30, 90.0)  # before the hours: a price, no trade
    stage.venue.open_session(OPEN)
    stage.venue.advance(at(30))
    assert stage.heard() == ["1 Submitted 0/100"]
    stage.prints(60.5, 101.0, opens=True)
    assert stage.heard()[0] == "1 exec 100 at 101"


def test_a_bracket_comes_to_work_as_in_tws():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT", transmit=False)
    assert stage.heard() == []  # held back: no callbacks
    assert stage.venue.orders() == []
    stage.place(2, "SELL", 100, "STP", aux=95.0, tif="GTC", parent_id=1)
    assert stage.heard() == ["1 Submitted 0/100", "2 PreSubmitted 0/100 child,trigger"]
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    assert stage.heard() == [
        "1 exec 100 at 100", "1 Filled 100/100", "commission 1.00",
        "2 PreSubmitted 0/100 trigger", "2 PreSubmitted 0/100 trigger",
    ]  # fmt: skip


def test_a_child_stop_works_once_its_parent_is_filled():
    stage = Stage()
    stage.bracket(stop=95.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.prints(20, 98.0)
    stage.heard()
    stage.prints(40, 94.0)
    assert stage.heard() == ["2 Submitted 0/100", "2 exec 100 at 95", "2 Filled 100/100", "commission 1.00"]
    assert stage.held == 0


def test_a_child_that_is_already_reached_sells_at_the_market():
    stage = Stage()
    stage.bracket(stop=101.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(5))
    assert stage.held == 0
    assert "2 exec 100 at 100" in stage.heard()


@pytest.mark.parametrize(
    ("opens", "price"), [(True, 94.0), (False, 95.0)], ids=["jumped over: the print", "passed: the stop"]
)
def test_a_stop_fills_where_the_path_reaches_it(opens, price):
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "STP", aux=95.0, now=5)
    stage.prints(60.5, 94.0, opens=opens)
    assert f"1 exec 100 at {price:g}" in stage.heard()


def test_a_buying_stop_is_the_mirror():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "BUY", 100, "STP", aux=105.0, now=5)
    stage.prints(20, 104.9, 106.0)
    assert stage.heard()[-3] == "1 exec 100 at 105"


def test_a_trailing_stop_follows_up_and_never_down():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "TRAIL", aux=2.0, now=5)
    stage.prints(20, 104.0, 103.0)
    found = stage.venue.order(1, 1)
    assert found is not None
    assert found.trail_stop == 102.0  # 104 − 2
    stage.prints(40, 101.0)
    assert "1 exec 100 at 102" in stage.heard()


def test_a_trailing_stop_begins_at_the_last_price():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "TRAIL", aux=2.0, now=5)
    stage.prints(20, 97.0)
    assert "1 exec 100 at 98" in stage.heard()


def test_a_market_order_that_is_left_at_the_close_goes_on_at_the_open():
    stage = Stage(max_fill=60)
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "BUY", 100, "MKT", tif="GTC", now=5)
    stage.place(2, "BUY", 50, "MKT", tif="GTC", now=59.5)
    stage.venue.close_session(at(60))
    stage.venue.advance(at(90))
    assert stage.held == 60
    stage.venue.open_session(at(86_400))
    stage.prints(86_400.5, 110.0, opens=True)
    stage.venue.advance(at(86_401))
    assert [line for line in stage.heard() if "exec" in line] == [
        "1 exec 60 at 100", "1 exec 40 at 110", "2 exec 50 at 110"
    ]  # fmt: skip


def test_a_trailing_percent_begins_at_its_given_stop():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "TRAIL", percent=10.0, trail_stop=95.0, now=5)
    stage.prints(20, 104.0)
    assert stage.venue.order(1, 1).trail_stop == 95.0  # 104 × .9 = 93.6 is lower
    stage.prints(30, 110.0)
    assert stage.venue.order(1, 1).trail_stop == pytest.approx(99.0)  # 110 × .9


def test_a_limit_fills_at_its_price_when_passed_and_at_the_print_when_jumped_over():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "BUY", 100, "LMT", limit=98.0, now=5)
    stage.place(2, "BUY", 100, "LMT", limit=96.0, now=5)
    stage.prints(20, 97.0)
    stage.prints(60.5, 95.0, opens=True)
    assert [line for line in stage.heard() if "exec" in line] == ["1 exec 100 at 98", "2 exec 100 at 95"]


def test_a_marketable_limit_takes_what_is_printed():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "BUY", 100, "LMT", limit=101.0, now=5)
    stage.venue.advance(at(6))
    assert "1 exec 100 at 100" in stage.heard()


def test_a_limit_that_is_left_behind_rests():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "BUY", 100, "LMT", limit=101.0, now=5)
    stage.prints(5.5, 102.0)
    stage.prints(7, 100.0)
    assert "1 exec 100 at 101" in stage.heard()


def test_a_limit_of_before_the_open_takes_the_opening_print():
    stage = Stage(opened=False)
    stage.place(1, "BUY", 100, "LMT", limit=101.0, now=-60)
    stage.venue.open_session(OPEN)
    stage.prints(30.5, 100.0, opens=True)
    assert "1 exec 100 at 100" in stage.heard()


def test_a_stop_limit_rests_at_its_limit_after_a_jump():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "STP LMT", aux=95.0, limit=94.0, now=5)
    stage.prints(60.5, 93.0, opens=True)
    assert stage.status(1) is Status.SUBMITTED
    stage.prints(80, 94.5)
    assert "1 exec 100 at 94" in stage.heard()


def test_partial_fills_share_one_minimum_commission():
    stage = Stage(max_fill=40)
    stage.place(1, "BUY", 100, "MKT")
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    stage.prints(20, 101.0, 102.0)
    assert stage.heard() == [
        "1 Submitted 0/100",
        "1 exec 40 at 100", "1 Submitted 40/100", "commission 1.00",
        "1 exec 40 at 101", "1 Submitted 80/100", "commission 0.00",
        "1 exec 20 at 102", "1 Filled 100/100", "commission 0.00",
    ]  # fmt: skip
    # (40 × 100 + 40 × 101 + 20 × 102 + 1) / 100
    assert stage.venue.positions(ACCOUNT)["AAA"] == Position(100, pytest.approx(100.81))


def test_children_wait_for_the_whole_parent_and_go_with_it():
    stage = Stage(max_fill=40)
    stage.bracket()
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    assert stage.venue.order(1, 2).held_for == "child,trigger"
    stage.heard()
    stage.cancel(1, 5)
    assert stage.heard() == ["1 Cancelled 40/100", "1 error 202", "2 Cancelled 0/100", "2 error 202"]


def test_children_of_a_partly_filled_parent_may_work_for_that_part():
    stage = Stage(max_fill=40, active_on_partial=True)
    stage.bracket(stop=95.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    stage.cancel(1, 5)
    assert stage.venue.order(1, 2).held_for == "trigger"
    stage.prints(20, 94.0, 93.0, 92.0, 91.0)
    assert stage.held == 0  # 40 bought, and no more than 40 of the stop's 100 sold


def test_what_was_never_transmitted_vanishes_with_its_client():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT", transmit=False)
    stage.venue.drop_untransmitted(1)
    stage.place(2, "SELL", 100, "STP", aux=95.0, parent_id=1)
    assert stage.heard() == ["2 error 10006"]
    assert stage.venue.completed() == []


def test_one_of_an_oca_group_fills_and_the_others_are_cancelled():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "LMT", limit=105.0, oca_group="exit", oca_type=1, now=5)
    stage.place(2, "SELL", 100, "STP", aux=95.0, oca_group="exit", oca_type=1, now=5)
    stage.heard()
    stage.prints(60.5, 94.0, opens=True)
    assert stage.heard()[-2:] == ["1 Cancelled 0/100", "1 error 202"]
    assert stage.held == -100  # selling short is allowed
    stage.place(3, "SELL", 100, "LMT", limit=105.0, oca_group="exit", oca_type=1, now=70)
    assert stage.heard() == ["3 error 201", "3 Inactive 0/100"]


@pytest.mark.parametrize("oca_type", [2, 3])
def test_a_partial_fill_shrinks_the_rest_of_its_oca_group(oca_type):
    stage = Stage(max_fill=30)
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "LMT", limit=105.0, oca_group="exit", oca_type=oca_type, now=5)
    stage.place(2, "SELL", 100, "STP", aux=95.0, oca_group="exit", oca_type=oca_type, now=5)
    stage.prints(20, 106.0)
    assert stage.venue.order(1, 2).quantity == 70  # 100 − 30


def test_siblings_of_a_bracket_cancel_each_other():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT", transmit=False)
    stage.place(2, "SELL", 100, "LMT", limit=105.0, parent_id=1, transmit=False)
    stage.place(3, "SELL", 100, "STP", aux=95.0, parent_id=1)
    stage.prints(0.5, 100.0, opens=True)
    stage.prints(20, 106.0, 94.0)
    assert (stage.status(2), stage.status(3), stage.held) == (Status.FILLED, Status.CANCELLED, 0)


def test_a_change_keeps_the_order_and_moves_its_stop():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "STP", aux=95.0, now=5)
    number = stage.venue.order(1, 1).perm_id
    stage.heard()
    stage.place(1, "SELL", 60, "STP", aux=97.0, now=6)
    assert stage.heard() == ["1 PreSubmitted 0/60 trigger"]
    stage.prints(20, 96.0)
    assert "1 exec 60 at 97" in stage.heard()
    assert stage.venue.order(1, 1).perm_id == number


def test_a_limit_that_is_raised_to_the_market_trades():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "BUY", 100, "LMT", limit=101.0, tif="GTC", now=5)
    stage.prints(5.5, 102.0)
    stage.venue.advance(at(6))
    stage.place(1, "BUY", 100, "LMT", limit=103.0, tif="", now=10)
    assert stage.venue.order(1, 1).tif == "GTC"  # an empty tif changes nothing
    stage.venue.advance(at(11))
    assert "1 exec 100 at 102" in stage.heard()


def test_a_triggered_stop_that_becomes_another_kind_rests_again():
    stage = Stage(max_fill=60)
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "STP", aux=95.0, now=5)
    stage.prints(20, 94.0)
    stage.place(1, "SELL", 100, "TRAIL", aux=2.0, now=21)
    stage.prints(22, 93.0)
    assert (stage.held, stage.venue.order(1, 1).held_for) == (-60, "trigger")
    stage.prints(23, 91.0)
    assert "1 exec 40 at 92" in stage.heard()  # 94 − 2


def test_a_stop_can_become_a_market_order():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "STP", aux=95.0, now=5)
    stage.place(1, "SELL", 100, "MKT", now=6)
    stage.venue.advance(at(7))
    assert stage.status(1) is Status.FILLED


def test_a_quantity_cut_to_what_is_filled_fills_the_order():
    stage = Stage(max_fill=40)
    stage.bracket()
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    stage.place(1, "BUY", 40, "MKT", now=2)
    assert stage.status(1) is Status.FILLED
    assert stage.venue.order(1, 2).held_for == "trigger"


@pytest.mark.parametrize(
    ("number", "change", "code"),
    [
        (1, {"quantity": 39}, 201),
        (1, {"action": "SELL"}, 105),
        (1, {"contract": BBB}, 105),
        (2, {}, 104),
        (3, {}, 103),
    ],
    ids=["below filled", "other side", "other contract", "filled", "cancelled"],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(number, change, code):
    stage = Stage(max_fill=40)
    stage.place(1, "BUY", 100, "MKT")
    stage.place(2, "BUY", 40, "MKT")
    stage.place(3, "BUY", 40, "LMT", limit=1.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    stage.cancel(3, 2)
    before = stage.venue.order(1, number)
    stage.heard()
    stage.place(number, **({"action": "BUY", "quantity": 100, "kind": "MKT", "now": 3} | change))
    assert stage.heard() == [f"{number} error {code}"]
    assert stage.venue.order(1, number) == before


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"contract": Contract(9, "ZZZ")}, 200),
        ({"quantity": 0}, 434),
        ({"action": "HOLD"}, 321),
        ({"kind": "VWAP"}, 387),
        ({"kind": "STP"}, 321),
        ({"kind": "STP", "aux": 95.001}, 110),
        ({"kind": "LMT", "limit": -1.0}, 321),
        ({"tif": "FOK"}, 10052),
        ({"parent_id": 7}, 10006),
    ],
)
def test_what_is_no_order_leaves_no_trace(fields, code):
    stage = Stage()
    stage.place(1, **({"action": "BUY", "quantity": 100, "kind": "MKT"} | fields))
    assert stage.heard() == [f"1 error {code}"]
    assert stage.venue.order(1, 1) is None
    assert stage.venue.next_id(1) == 2


def test_an_unknown_account_is_rejected_as_inactive():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT", account="U999")
    assert stage.heard() == ["1 error 201", "1 Inactive 0/100"]


def test_an_empty_tif_is_a_day_order_and_said_to_be():
    stage = Stage()
    stage.place(1, "BUY", 100, "LMT", limit=50.0, tif="")
    assert stage.heard() == ["1 error 10349", "1 Submitted 0/100"]
    assert stage.venue.order(1, 1).tif == "DAY"


def test_a_number_below_the_next_valid_one_is_a_duplicate():
    stage = Stage()
    stage.place(5, "BUY", 100, "LMT", limit=50.0)
    stage.place(4, "BUY", 100, "LMT", limit=50.0)
    assert stage.heard()[-1] == "4 error 103"
    assert stage.venue.next_id(2) == 1  # other clients have their own


def test_a_rejected_parent_takes_its_children_along():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT", transmit=False, refusal=(201, "no"))
    stage.place(2, "SELL", 100, "STP", aux=95.0, parent_id=1)
    assert stage.heard() == ["1 error 201", "1 Inactive 0/100", "2 Cancelled 0/100", "2 error 202"]


def test_a_child_of_a_cancelled_parent_is_rejected():
    stage = Stage()
    stage.place(1, "BUY", 100, "LMT", limit=50.0)
    stage.cancel(1, 1)
    stage.heard()
    stage.place(2, "SELL", 100, "STP", aux=45.0, parent_id=1, now=2)
    assert stage.heard() == ["2 error 201", "2 Inactive 0/100"]


def test_a_rejected_child_leaves_its_parent():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT", transmit=False)
    stage.place(2, "SELL", 100, "STP", aux=95.0, parent_id=1, refusal=(201, "no"))
    assert stage.heard() == ["1 Submitted 0/100", "2 error 201", "2 Inactive 0/100"]
    stage.place(3, "SELL", 100, "STP", aux=95.0, parent_id=1)
    assert stage.heard() == ["3 PreSubmitted 0/100 child,trigger"]


def test_a_working_order_can_be_rejected_later():
    stage = Stage()
    stage.bracket()
    stage.venue.reject(stage.venue.order(1, 1).perm_id, at(0.2))
    assert (stage.status(1), stage.status(2)) == (Status.INACTIVE, Status.CANCELLED)
    stage.heard()
    stage.venue.reject(stage.venue.order(1, 2).perm_id, at(0.3))
    stage.venue.withdraw(stage.venue.order(1, 2).perm_id, at(0.3))
    assert stage.heard() == []  # it is over
    with pytest.raises(ValueError, match="there is no order 5"):
        stage.venue.withdraw(5, at(0.3))


def test_cancels_that_cannot_be():
    stage = Stage(cancel_latency=2.0)
    stage.cancel(7, 0)
    stage.place(1, "BUY", 100, "LMT", limit=50.0)
    stage.cancel(1, 1)
    stage.cancel(1, 2)
    stage.cancel(1, 4)
    assert stage.heard() == [
        "7 error 10147",
        "1 Submitted 0/100",
        "1 PendingCancel 0/100",
        "1 error 161",
        "1 Cancelled 0/100",
        "1 error 202",
        "1 error 10148",
    ]


def test_an_order_may_fill_while_it_is_being_cancelled():
    stage = Stage(cancel_latency=2.0, max_fill=60)
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "STP", aux=95.0, now=5)
    stage.cancel(1, 6)
    stage.place(1, "SELL", 100, "STP", aux=90.0, now=6.5)
    stage.prints(7, 94.0)
    stage.venue.advance(at(10))
    assert stage.heard()[-7:] == [
        "1 PendingCancel 0/100 trigger",
        "1 error 201",  # too late to change it
        "1 exec 60 at 95", "1 PendingCancel 60/100 trigger", "commission 1.00",
        "1 Cancelled 60/100", "1 error 202",
    ]  # fmt: skip


def test_what_was_held_back_is_cancelled_at_once():
    stage = Stage(cancel_latency=2.0)
    stage.place(1, "BUY", 100, "MKT", transmit=False)
    stage.cancel(1, 1)
    assert stage.heard() == ["1 Cancelled 0/100", "1 error 202"]


def test_a_global_cancel_and_a_cancel_by_hand_reach_every_client():
    stage = Stage()
    for client in (1, 2):
        stage.place(1, "BUY", 100, "LMT", limit=50.0, client=client)
        stage.place(2, "BUY", 100, "LMT", limit=50.0, client=client)
    stage.venue.withdraw(stage.venue.order(2, 1).perm_id, at(1))
    assert [(order.client_id, order.order_id) for order in stage.venue.orders()] == [(1, 1), (1, 2), (2, 2)]
    assert len(stage.venue.orders(2)) == 1
    stage.venue.cancel_all(at(2))
    assert stage.venue.orders() == []


def test_a_ration_leaves_the_rest_unfilled_until_it_is_lifted():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT")
    number = stage.venue.order(1, 1).perm_id
    stage.venue.ration(number, 30)
    stage.prints(0.5, 100.0, opens=True)
    stage.prints(20, 101.0, 102.0)
    assert stage.held == 30
    stage.venue.ration(number, math.inf)
    stage.prints(40, 103.0)
    assert stage.held == 100


def test_a_correction_takes_the_place_of_a_fill():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT")
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    (before, cost), *_ = stage.venue.executions()
    stage.heard()
    stage.venue.correct(before.exec_id, at(10), shares=90, price=101.0)
    assert stage.heard() == ["1 exec 90 at 101", "commission 1.00"]
    (after, _), *others = stage.venue.executions()
    assert not others
    assert (before.exec_id[-3:], after.exec_id[-3:]) == (".01", ".02")
    assert before.exec_id[:-3] == after.exec_id[:-3]
    assert stage.venue.cash[ACCOUNT] == 100_000 - 90 * 101.0 - cost.commission
    assert stage.held == 90
    with pytest.raises(ValueError, match="would fill 110"):
        stage.venue.correct(after.exec_id, at(11), shares=110)
    with pytest.raises(ValueError, match="there is no execution"):
        stage.venue.correct("x.01", at(11), shares=1)


def test_a_correction_that_fills_an_order_up_sets_its_children_to_work():
    stage = Stage(max_fill=40)
    stage.bracket()
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    ((done, _),) = stage.venue.executions()
    stage.venue.correct(done.exec_id, at(2), shares=100)
    assert (stage.status(1), stage.venue.order(1, 2).held_for) == (Status.FILLED, "trigger")


def test_the_close_ends_day_orders_and_spares_gtc():
    stage = Stage()
    stage.place(1, "BUY", 100, "LMT", limit=50.0)
    stage.place(2, "SELL", 100, "STP", aux=40.0, tif="GTC")
    stage.venue.close_session(CLOSE)
    assert (stage.status(1), stage.status(2)) == (Status.CANCELLED, Status.PRE_SUBMITTED)
    stage.prints(30_000, 39.0)  # after hours
    assert stage.status(2) is Status.PRE_SUBMITTED
    tomorrow = OPEN + timedelta(days=1)
    stage.venue.open_session(tomorrow)
    stage.prints(86_400.5, 38.0, opens=True)
    assert "2 exec 100 at 38" in stage.heard()


def test_the_nightly_restart_forgets_the_day_and_keeps_gtc():
    stage = Stage()
    stage.bracket(stop=95.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    stage.place(3, "BUY", 100, "LMT", limit=50.0, now=5)
    stage.place(4, "BUY", 100, "LMT", limit=50.0, transmit=False, now=5)
    stage.heard()
    stage.venue.restart(at(10), roll_back=10)
    assert stage.heard() == []
    assert stage.venue.executions() == []
    assert stage.venue.completed() == []
    assert [order.order_id for order in stage.venue.orders()] == [2]
    assert stage.venue.next_id(1) == 3  # 5 − 10, but 2 is taken
    assert stage.held == 100
    stage.cancel(3, 11)
    assert stage.heard() == ["3 error 10147"]


def test_a_restart_takes_the_children_of_what_it_forgets():
    stage = Stage()
    stage.bracket(stop=95.0)  # the parent is of the day, its stop GTC
    stage.venue.restart(at(0.1))
    assert stage.venue.orders() == []


def test_a_halted_name_does_not_trade_and_comes_back_with_a_jump():
    stage = Stage()
    stage.prints(0.5, 100.0, opens=True)
    stage.place(1, "SELL", 100, "STP", aux=95.0, now=5)
    stage.venue.halt("AAA", at(6))
    stage.place(2, "BUY", 100, "MKT", now=7)
    stage.prints(20, 90.0)
    assert stage.held == 0
    assert stage.venue.last("AAA") == 100.0
    stage.venue.resume("AAA", at(30))
    stage.prints(40, 92.0)
    assert [line for line in stage.heard() if "exec" in line] == ["1 exec 100 at 92", "2 exec 100 at 92"]


def test_what_is_told_no_longer_changes():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT")
    first = stage.events[0]
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    assert first.order.status is Status.SUBMITTED  # type: ignore[union-attr]


def test_what_is_given_is_not_changed():
    stage = Stage()
    order = stage.order(1, "BUY", 100, "MKT")
    stage.venue.place(order, OPEN)
    assert isinstance(order, Order)
    assert (order.perm_id, order.status) == (0, Status.HELD_BACK)


def test_a_sale_realises_its_gain_after_both_commissions():
    stage = Stage(tariff=Tariff(per_share=0.01, minimum=0.0, most=1.0))
    stage.place(1, "BUY", 100, "MKT")
    stage.prints(0.5, 100.0, opens=True)
    stage.place(2, "SELL", 100, "MKT", now=5)
    stage.prints(8, 103.0)
    ((_, bought), (_, sold)) = stage.venue.executions()
    assert bought.realised is None
    # the sale is at the last print at 6 s, 100: 0 − 1 of commission in the cost − 1 now
    assert sold.realised == pytest.approx(-2.0)


def test_positions_of_strangers_are_refused():
    with pytest.raises(ValueError, match="accounts that are not there: DU9"):
        Stage(positions={"DU9": {"AAA": Position(1)}})
