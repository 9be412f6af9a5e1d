"""Fills change positions, sales realise against average cost, and what execution cost is counted by hand."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.contracts.account import TradeRow
from alphalib.decision import Position
from alphalib.execute.account.round_trips import Done, Sent, round_trips, shortfall, slippage_bps, walked
from alphalib.execute.broker import Side, State

SESSION, EARLIER = pd.Timestamp("2024-03-08"), pd.Timestamp("2024-03-04")
OPEN = datetime(2024, 3, 8, 14, 30, tzinfo=UTC)
HELD = Position("A", 100, 40.0, EARLIER, 55.0)


def at(minute: float) -> datetime:
    return OPEN + timedelta(minutes=minute)


def order(action: str, *fills: Done, ticker: str = "A", rule: str = "entry", number: int = 1) -> Sent:
    role = {"ENTER": "entry", "EXIT": "exit", "REDUCE": "reduce"}[action]
    shares = sum(fill.shares for fill in fills)
    ref = f"al-240308-{ticker}-{role}-{number}"
    return Sent(ref, ticker, action, shares, rule, State.FILLED, at=fills[0].at, fills=fills)


def highs(*values: float) -> pd.Series:
    return pd.Series(values, index=pd.DatetimeIndex([at(minute) for minute in range(len(values))]), dtype=float)


def test_a_reduction_keeps_the_cost_and_sets_its_flag():
    orders = [order("REDUCE", Done(30, 50.0, at(0)), rule="profit_take")]
    walk = walked([HELD], orders, SESSION, {"A": highs(51.0, 54.0)})
    position = walk.positions["A"]
    assert (position.shares, position.cost, position.high_water, position.profit_taken) == (70, 40.0, 55.0, True)
    assert walk.realised[orders[0].ref] == (30, 40.0, EARLIER)
    assert walk.faults == ()


@pytest.mark.parametrize(
    ("rule", "flag"), [("time_reduce", "time_reduced"), ("intraday_profit", "intraday_profit_taken")]
)
def test_each_reduction_is_remembered(rule, flag):
    walk = walked([HELD], [order("REDUCE", Done(30, 50.0, at(0)), rule=rule)], SESSION, {})
    assert getattr(walk.positions["A"], flag)


@pytest.mark.parametrize(("rule", "rests"), [("stop", True), ("collapse", True), ("time_exit", False)])
def test_a_name_sold_by_a_stop_rests(rule, rests):
    walk = walked([HELD], [order("EXIT", Done(100, 38.0, at(3)), rule=rule)], SESSION, {})
    assert walk.positions == {}
    assert walk.stopped == (frozenset({"A"}) if rests else frozenset())


def test_partial_fills_average_and_the_high_counts_from_the_first_of_them():
    # (60 × 50 + 40 × 51) / 100 = 50.4. Minute 0 reached 60, before the first fill at minute 1.
    bought = order("ENTER", Done(60, 50.0, at(1.02)), Done(40, 51.0, at(2)))
    position = walked([], [bought], SESSION, {"A": highs(60.0, 50.5, 52.0)}).positions["A"]
    assert (position.shares, position.cost) == (100, pytest.approx(50.4))
    assert (position.entry_date, position.high_water) == (SESSION, 52.0)


def test_bought_and_stopped_out_in_one_session():
    orders = [order("ENTER", Done(100, 50.0, at(1))), order("EXIT", Done(100, 48.0, at(9)), rule="stop")]
    walk = walked([], orders, SESSION, {"A": highs(50.0, 51.0)})
    assert (walk.positions, walk.stopped) == ({}, {"A"})
    assert walk.realised[orders[1].ref] == (100, 50.0, SESSION)


def test_more_sold_than_held_is_said_and_makes_no_short_position():
    walk = walked([HELD], [order("EXIT", Done(130, 50.0, at(1)), rule="stop")], SESSION, {})
    assert walk.positions == {}
    assert walk.faults == ("al-240308-A-exit-1 sold 130 A and 100 were held",)


FILL = st.tuples(st.booleans(), st.integers(1, 200), st.floats(1.0, 500.0), st.integers(0, 389))


@given(st.lists(FILL, max_size=20))
def test_shares_are_those_before_and_what_the_fills_say(fills):
    orders, held = [], 100
    for number, (buys, shares, price, minute) in enumerate(sorted(fills, key=lambda f: f[3])):
        count = shares if buys else min(shares, held)
        if count:
            held += count if buys else -count
            action = "ENTER" if buys else "EXIT"
            orders.append(order(action, Done(count, price, at(minute + number / 1e4)), number=number))
    walk = walked([HELD], orders, SESSION, {})
    assert sum(position.shares for position in walk.positions.values()) == held
    assert walk.faults == ()
    for position in walk.positions.values():
        lowest = min([40.0, *(o.fills[0].price for o in orders if o.side is Side.BUY)])
        assert position.cost >= lowest * (1 - 1e-12)


def row(**given_: object) -> dict[str, object]:
    base = {"date": "2024-03-08", "trading_day": "2024-03-08", "created_at": "", "shares": 100}
    return TradeRow(**{**base, **given_}).model_dump()


BOUGHT = {
    "trade_id": "e1",
    "ticker": "A",
    "action": "ENTER",
    "decided_shares": 100,
    "signal_price": 50.0,
    "trigger_price": 49.0,
}


def test_shortfall_by_hand():
    # Decided 100 at 50, triggered at 49, 60 filled at 49.1, the session closes at 52, commission 1.
    # Delay 60 × (49 − 50) = −60; execution 60 × .1 = 6; missed 40 × (52 − 50) = 80; 1; together 27 = 54 bps of 5,000.
    trades = pd.DataFrame(
        [row(**BOUGHT, filled_shares=60, fill_price=49.1, commission_usd=1.0, session_close=52.0, status="cancelled")]
    )
    found = shortfall(trades).loc[("2024-03-08", "A", "ENTER")]
    parts = found[["delay", "execution", "missed", "commission", "shortfall", "shortfall_bps"]].tolist()
    assert parts == pytest.approx([-60.0, 6.0, 80.0, 1.0, 27.0, 54.0])


def test_an_order_sent_again_is_one_decision_and_a_sale_that_fell_cost():
    trades = pd.DataFrame(
        [
            row(trade_id="x1", ticker="A", action="EXIT", decided_shares=100, signal_price=50.0, session_close=47.0),
            row(
                trade_id="x2",
                ticker="A",
                action="EXIT",
                decided_shares=100,
                signal_price=50.0,
                filled_shares=100,
                fill_price=48.0,
                commission_usd=1.0,
                session_close=47.0,
            ),
            row(trade_id="s", ticker="B", action="EXIT", signal_price=9.0, filled_shares=5, fill_price=8.0),
        ]
    )
    found = shortfall(trades)
    assert len(found) == 1  # a stop carries no decision of the close before
    # 100 × (50 − 48) + 1 = 201, of 5,000.
    assert found["shortfall"].tolist() == pytest.approx([201.0])
    assert found["shortfall_bps"].tolist() == pytest.approx([402.0])
    assert found["decided_shares"].tolist() == [100]


def test_what_filled_whole_needs_no_close():
    trades = pd.DataFrame([row(**BOUGHT, filled_shares=100, fill_price=49.1, commission_usd=1.0)])
    assert shortfall(trades)["shortfall"].tolist() == pytest.approx([100 * (49.1 - 50.0) + 1.0])


def test_shortfall_of_nothing_is_empty():
    assert shortfall(pd.DataFrame(columns=list(TradeRow.model_fields), dtype=object)).empty


def test_a_round_trip_shows_both_sides():
    sold = row(
        trade_id="x",
        ticker="A",
        action="EXIT",
        filled_shares=100,
        fill_price=55.0,
        entry_trade_id="e1",
        realized_pnl=498.0,
        realized_return_pct=10.0,
        spy_return_during_hold=4.0,
        realized_alpha_pct=6.0,
        days_held=3,
        exit_reason="stop",
        slippage_vs_signal_bps=2.0,
    )
    entered = row(**BOUGHT | {"date": "2024-03-05"}, filled_shares=100, fill_price=50.0, slippage_vs_signal_bps=-3.0)
    found = round_trips(pd.DataFrame([entered, sold])).iloc[0]
    assert (found["entry_date"], found["rule"], found["days_held"]) == ("2024-03-05", "stop", 3)
    numbers = found[["cost", "return", "spy", "alpha", "slippage_in_bps", "slippage_out_bps"]].tolist()
    assert numbers == pytest.approx([50.0, 0.10, 0.04, 0.06, -3.0, 2.0])


def test_slippage_is_above_zero_against_the_book_on_both_sides():
    assert slippage_bps(Side.BUY, 50.05, 50.0) == pytest.approx(10.0)
    assert slippage_bps(Side.SELL, 50.05, 50.0) == pytest.approx(-10.0)
    assert slippage_bps(Side.SELL, 50.0, None) is None
