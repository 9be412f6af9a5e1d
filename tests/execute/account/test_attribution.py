"""A day's change is told apart by what made it, and what nothing explains is said."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.execute.account.attribution import Standing, attributed, by_sector, too_much
from alphalib.execute.account.round_trips import Done, Sent
from alphalib.execute.actions import Actions
from alphalib.execute.broker import State

NOTHING = Actions({}, {})
AT = datetime(2024, 3, 8, 15, 0, tzinfo=UTC)


def order(ticker: str, action: str, *fills: Done) -> Sent:
    shares = sum(fill.shares for fill in fills)
    rule = "entry" if action == "ENTER" else "research_exit"
    return Sent(f"al-240308-{ticker}-{action}", ticker, action, shares, rule, State.FILLED, at=AT, fills=fills)


SOLD = order("A", "EXIT", Done(100, 53.0, AT, 1.0))
BOUGHT = order("B", "ENTER", Done(50, 20.0, AT, 1.0))
BEFORE = Standing(10_000.0, 5_000.0, 0.0, {"A": 100}, {"A": 50.0})


def after(cash: float, nav: float, *, accrued: float = 0.0) -> Standing:
    return Standing(nav, cash, accrued, {"B": 50}, {"A": 52.0, "B": 21.0})


def test_one_day_by_hand():
    # Cash 5,000 + 5,300 − 1 − 1,000 − 1 + 50 dividend = 9,348; NAV 9,348 + 50 × 21 = 10,398.
    # Held 100 × (52 − 50) = 200; sold 100 × (53 − 52) = 100; bought 50 × (21 − 20) = 50; dividend 50; commission 2.
    day = attributed(
        BEFORE,
        after(9_348.0, 10_398.0),
        [SOLD, BOUGHT],
        costs={"B": 20.0},
        sectors={"A": "Energy"},
        actions=Actions({}, {"A": 0.5}),
    )
    assert day.change == pytest.approx(398.0)
    parts = [day.total(part) for part in ("held", "traded", "dividend", "commission", "unrealized")]
    assert parts == pytest.approx([200.0, 150.0, 50.0, 2.0, 50.0])
    assert (day.interest, day.unattributed) == pytest.approx((0.0, 0.0))
    assert (day.names["A"].day, day.names["A"].shares, day.names["A"].sector) == (pytest.approx(349.0), 0, "Energy")


def test_a_split_is_no_gain():
    # 100 at 50 become 200 at 25.5: 200 × 25.5 − 5,000 = 100.
    end = Standing(10_100.0, 5_000.0, 0.0, {"A": 200}, {"A": 25.5})
    day = attributed(BEFORE, end, [], costs={"A": 20.0}, sectors={}, actions=Actions({"A": 2.0}, {}))
    assert day.total("held") == pytest.approx(100.0)
    assert day.unattributed == pytest.approx(0.0)


def test_interest_is_what_is_accrued_and_its_payment_is_nothing_new():
    began = Standing(10_030.0, 5_000.0, 30.0, {"A": 100}, {"A": 50.0})
    accrued = attributed(
        began,
        Standing(10_031.0, 5_000.0, 31.0, {"A": 100}, {"A": 50.0}),
        [],
        costs={"A": 50.0},
        sectors={},
        actions=NOTHING,
    )
    paid = attributed(
        began,
        Standing(10_031.0, 5_030.0, 1.0, {"A": 100}, {"A": 50.0}),
        [],
        costs={"A": 50.0},
        sectors={},
        actions=NOTHING,
    )
    assert (accrued.interest, paid.interest) == pytest.approx((1.0, 1.0))
    assert (accrued.unattributed, paid.unattributed) == pytest.approx((0.0, 0.0))


def test_a_deposit_that_was_told_is_no_gain_and_one_that_was_not_is_unattributed():
    rich = Standing(15_000.0, 10_000.0, 0.0, {"A": 100}, {"A": 50.0})
    told = attributed(BEFORE, rich, [], costs={"A": 50.0}, sectors={}, actions=NOTHING, flow=5_000.0)
    untold = attributed(BEFORE, rich, [], costs={"A": 50.0}, sectors={}, actions=NOTHING)
    assert (told.change, told.unattributed) == pytest.approx((0.0, 0.0))
    assert untold.unattributed == pytest.approx(5_000.0)
    assert too_much(untold.unattributed, 15_000.0)
    assert not too_much(149.0, 15_000.0)


PRICE = st.floats(1.0, 1_000.0)
TRADE = st.tuples(st.sampled_from("ABC"), st.booleans(), st.integers(1, 500), PRICE, st.floats(0.0, 5.0))


@given(st.lists(TRADE, max_size=12), st.lists(PRICE, min_size=6, max_size=6))
def test_the_parts_add_up_to_the_change_whatever_was_traded(trades, prices):
    held, cash = {"A": 400, "B": 30}, 1e7
    opened, closed = dict(zip("ABC", prices[:3], strict=True)), dict(zip("ABC", prices[3:], strict=True))
    before = Standing(cash + sum(n * opened[t] for t, n in held.items()), cash, 0.0, dict(held), opened)
    orders = []
    for ticker, buys, shares, price, commission in trades:
        count = shares if buys else min(shares, held.get(ticker, 0))
        if count:
            held[ticker] = held.get(ticker, 0) + (count if buys else -count)
            cash -= (count if buys else -count) * price + commission
            orders.append(order(ticker, "ENTER" if buys else "EXIT", Done(count, price, AT, commission)))
    end = Standing(cash + sum(n * closed[t] for t, n in held.items()), cash, 0.0, held, closed)
    day = attributed(before, end, orders, costs={}, sectors={}, actions=NOTHING)
    assert day.unattributed == pytest.approx(0.0, abs=1e-6)
    assert sum(name.day for name in day.names.values()) == pytest.approx(day.change, abs=1e-6)


def test_sectors_have_weight_and_the_days_contribution():
    day = attributed(
        BEFORE,
        after(9_298.0, 10_348.0),
        [SOLD, BOUGHT],
        costs={"B": 20.0},
        sectors={"A": "Energy", "B": "Energy"},
        actions=NOTHING,
    )
    weight, contribution, held = by_sector(day.names, 10_348.0)["Energy"]
    # Day: 200 + 100 + 50 − 2 = 348.
    assert (weight, contribution, held) == (pytest.approx(1_050 / 10_348), pytest.approx(348 / 10_348), 1)
