"""Rules by hand: one name, one reason; sizes with their arithmetic; caps over a batch."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.decision import Portfolio, decide
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode
from alphalib.sessions import next_session, previous_session
from tests.decision.days import DATE, PARAMS, day_of_names, held, portfolio

DECLINING = ConvictionCode.DECLINING
CASH = portfolio(cash=100_000.0)


def sale_of(name, position, *, params=PARAMS, age=0, **memory):
    """Rule and shares of what is sold of the one name held, or None."""
    decision = decide(portfolio(position, **memory), day_of_names(name, age=age, params=params), params)
    return (decision.exits[0].rule, decision.exits[0].shares) if decision.exits else None


KEEP = {"signal": SignalCode.ENTER}


@pytest.mark.parametrize(
    ("name", "position", "expected"),
    [
        (KEEP, held(), None),
        ({"signal": SignalCode.EXIT}, held(), ("research_exit", 100)),
        # 105 − 2.5 × 2 = 100: the close has reached it
        (KEEP, held(high_water=105.0), ("stop", 100)),
        (KEEP, held(high_water=104.9), None),
        # without a range: 112 × (1 − 0.10) = 100.8
        ({"atr": np.nan}, held(cost=112.0), ("stop", 100)),
        # 100 ≤ 118 × (1 − 0.15) = 100.3, while the stop, 101 − 5 = 96, is not reached
        (KEEP, held(cost=118.0, high_water=101.0), ("loss_floor", 100)),
        (KEEP, held(cost=117.0, high_water=101.0), None),
        # a floor that no lead over the sector suspends
        ({"momentum": 0.12, "sector_momentum": 0.05}, held(cost=118.0), ("loss_floor", 100)),
        ({"gap": -0.15}, held(sessions=1), ("gap_exit", 100)),
        ({"gap": -0.14}, held(sessions=1), None),
        ({"gap": -0.15}, held(sessions=0), None),  # bought after the gap
        ({"momentum": -0.16, "rsi": 29.0}, held(), ("momentum_exit", 100)),
        ({"momentum": -0.16, "rsi": 30.0}, held(), None),
        ({"momentum": -0.15, "rsi": 29.0}, held(), None),
        ({"signal": SignalCode.HOLD}, held(sessions=14), ("time_exit", 100)),
        ({"signal": SignalCode.NONE}, held(sessions=14), ("time_exit", 100)),
        (KEEP, held(sessions=40), None),
        ({"signal": SignalCode.REDUCE}, held(), ("research_reduce", 50)),
        (KEEP, held(cost=80.0), ("profit_take", 50)),
        (KEEP, held(cost=80.0, profit_taken=True), None),
        ({"signal": SignalCode.HOLD}, held(sessions=7), ("time_reduce", 50)),
        ({"signal": SignalCode.HOLD}, held(sessions=7, time_reduced=True), None),
        ({"signal": SignalCode.HOLD}, held(sessions=6), None),
        ({"signal": SignalCode.REDUCE}, held(shares=1), ("research_reduce", 1)),
    ],
)
def test_the_first_reason_that_holds_sells(name, position, expected):
    assert sale_of(name, position) == expected


def test_a_call_to_reduce_counts_on_its_own_day_only():
    assert sale_of({"signal": SignalCode.REDUCE}, held(), age=1) is None


def test_a_name_without_a_close_is_sold_for_no_reason_of_price():
    silent = {"close": np.nan, "gap": np.nan, "momentum": -0.5, "rsi": 10.0}
    assert sale_of(silent, held(high_water=200.0, cost=50.0)) is None
    assert sale_of({**silent, "signal": SignalCode.EXIT}, held()) == ("research_exit", 100)


def test_a_veto_moves_the_stop_below_the_close():
    ahead = {"momentum": 0.12, "sector_momentum": 0.05}
    decision = decide(portfolio(held(high_water=110.0)), day_of_names(ahead), PARAMS)
    assert decision.exits == ()
    assert decision.stops == (("A", 95.0),)  # 100 − 2.5 × 2


def test_what_stays_has_a_stop_and_what_goes_has_none():
    day = day_of_names(KEEP, {"signal": SignalCode.EXIT}, {"signal": SignalCode.REDUCE})
    decision = decide(portfolio(held("A"), held("B"), held("C")), day, PARAMS)
    assert decision.stops == (("A", 95.0), ("C", 95.0))


def test_the_lowest_scores_are_forced_out_unscored_first():
    day = day_of_names({"score": 71.0}, {"score": 70.0}, {"score": np.nan, "signal": SignalCode.HOLD}, {"score": 70.0})
    positions = [held(ticker, shares=100) for ticker in "ABCD"]
    decision = decide(portfolio(*positions, peak=150_000.0), day, PARAMS)  # −13 %: two are forced out
    assert [(sale.ticker, sale.rule) for sale in decision.exits] == [("B", "drawdown_exit"), ("C", "drawdown_exit")]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ({"tradable": False, "score": 10.0}, "not_tradable"),
        ({"score": 69.9, "conviction": DECLINING}, "min_score"),
        ({"score": np.nan}, "min_score"),
        ({"conviction": DECLINING, "momentum": -0.06}, "conviction"),
        ({"momentum": -0.06, "veto": True}, "momentum_gate"),
        ({"veto": True}, "veto"),
        ({"rating": -1}, None),
        ({"momentum": np.nan}, None),
        ({"signal": SignalCode.HOLD}, "nothing"),
    ],
)
def test_the_first_guard_that_fails_blocks(name, rule):
    decision = decide(CASH, day_of_names(name), PARAMS)
    blocked = [refusal.rule for refusal in decision.blocked]
    assert (blocked, len(decision.entries)) == {None: ([], 1), "nothing": ([], 0)}.get(rule, ([rule], 0))


def test_a_bear_market_blocks_an_underweight_sector_only():
    day = day_of_names({"rating": -1}, {"rating": 0}, regime=RegimeCode.BEAR)
    decision = decide(CASH, day, PARAMS)
    assert [(b.ticker, b.rule) for b in decision.blocked] == [("A", "bear_sector")]
    assert [entry.ticker for entry in decision.entries] == ["B"]


def test_a_blocked_entry_says_value_and_limit():
    blocked = decide(CASH, day_of_names({"momentum": -0.06}), PARAMS).blocked[0]
    assert (blocked.value, blocked.limit) == (-0.06, -0.05)


def refusals(start, *names, params=PARAMS):
    return [(b.ticker, b.rule, b.value, b.limit) for b in decide(start, day_of_names(*names), params).blocked]


def test_a_pulled_kill_switch_blocks_entries_and_no_exit():
    start = portfolio(held("A"), killed=True)
    decision = decide(start, day_of_names({"signal": SignalCode.EXIT}, {}), PARAMS)
    assert [(b.ticker, b.rule) for b in decision.blocked] == [("B", "kill_switch")]
    assert [sale.rule for sale in decision.exits] == ["research_exit"]
    assert decision.remembered(start).killed


@pytest.mark.parametrize(("before", "entered"), [(102_100.0, 0), (102_000.0, 1), (90_000.0, 1), (None, 1)])
def test_a_session_that_lost_too_much_lets_nothing_in(before, entered):
    # 100,000 / 102,100 − 1 = −2.06 %, 100,000 / 102,000 − 1 = −1.96 %
    start = portfolio(cash=100_000.0, nav_before=before)
    assert len(decide(start, day_of_names({}), PARAMS).entries) == entered


def test_the_days_loss_is_said_with_its_limit_and_the_nav_is_remembered():
    start = portfolio(cash=100_000.0, nav_before=125_000.0)
    assert refusals(start, {}) == [("A", "daily_loss", pytest.approx(0.2), 0.02)]
    assert decide(start, day_of_names({}), PARAMS).remembered(start).nav_before == 100_000.0


@pytest.mark.parametrize(("ago", "blocked"), [(0, True), (4, True), (5, False)])
def test_a_name_that_was_stopped_rests(ago, blocked):
    start = portfolio(cash=100_000.0, stopped=(("A", previous_session(next_session(DATE), count=ago + 1)),))
    expected = [("A", "cooldown", float(ago), 5.0)] if blocked else []
    assert refusals(start, {}) == expected


def test_a_stopped_name_that_the_market_has_no_more_is_forgotten():
    assert refusals(portfolio(cash=100_000.0, stopped=(("GONE", DATE),)), {}) == []


def test_the_book_holds_so_many_names_and_no_more():
    few = ExecutorParams(max_positions=3)
    names = [{"signal": SignalCode.EXIT}, {}, {"score": 85.0}, {"score": 90.0}]
    decision = decide(portfolio(held("A")), day_of_names(*names), few)  # the sale of the morning makes no room
    assert [entry.ticker for entry in decision.entries] == ["D", "C"]
    assert [(b.ticker, b.rule, b.value, b.limit) for b in decision.blocked] == [("B", "max_positions", 4.0, 3.0)]


def test_an_entry_is_a_small_part_of_a_days_trading():
    # 10 % of 20,000 a day are 2,000: 20 shares of 100 instead of 50; where nothing is known nothing is cut
    decision = decide(CASH, day_of_names({"adv": 20_000.0}, {"adv": np.nan}, {"adv": 0.0}, {"adv": 4_000.0}), PARAMS)
    assert [(e.ticker, e.shares, e.bound_by) for e in decision.entries] == [
        ("A", 20, "adv_cap"),
        ("B", 50, ""),
        ("C", 50, ""),
    ]
    assert [(b.rule, b.value, b.limit) for b in decision.blocked] == [("adv_cap", 1.25, 0.10)]  # 5,000 of 4,000


def test_a_name_that_moves_with_its_sector_is_blocked():
    common = np.random.default_rng(0).normal(0, 0.01, 60)
    returns = np.column_stack([common, common + 1e-5, -common])
    day = day_of_names({"sector": 3}, {"sector": 3}, {"sector": 5}, returns=returns)
    decision = decide(portfolio(held("A")), day, PARAMS)
    assert [(b.ticker, b.rule) for b in decision.blocked] == [("B", "correlation")]
    assert decision.blocked[0].value == pytest.approx(1.0)


def weights_of(*names, params=PARAMS, of=CASH, **moment):
    decision = decide(of, day_of_names(*names, params=params, **moment), params)
    return [entry.weight for entry in decision.entries]


SMALL = ExecutorParams(max_position_pct=0.25)  # the cap far above the base of 1/20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ({}, 0.05),  # 1 / max(1, 20)
        ({"rating": 1}, 0.05 * 1.05),
        ({"rating": -1}, 0.05 * 0.85),
        ({"upside": 0.05}, 0.05 * 0.70),
        ({"percentile": 0.75}, 0.05 * (0.70 + 0.60 * 0.75)),
        ({"atr": 4.0}, 0.05 * 0.5),  # 0.02 / 0.04
        ({"report_in": 5}, 0.05 * 0.5),
        ({"rating": 1, "percentile": 1.0, "atr": 1.0, "report_in": 1}, 0.05 * 1.05 * 1.30 * 1.5 * 0.5),
    ],
)
def test_a_weight_is_the_product_of_its_factors(name, expected):
    assert weights_of(name, params=SMALL) == [pytest.approx(expected)]


def test_the_kelly_rule_bets_a_part_of_the_best_bet():
    # (0.52 × 1.2 − 0.48) / 1.2 = 0.12, a quarter of it is 0.03, however many names there are
    kelly = ExecutorParams(sizing_rule="kelly", max_position_pct=0.25)
    assert weights_of(*[{} for _ in range(25)], params=kelly)[0] == pytest.approx(0.03)
    assert weights_of({"rating": 1}, params=kelly) == [pytest.approx(0.03 * 1.05)]


def test_without_an_edge_the_kelly_rule_buys_nothing():
    kelly = ExecutorParams(sizing_rule="kelly", kelly_win_rate=0.4)
    assert [b.rule for b in decide(CASH, day_of_names({}), kelly).blocked] == ["below_minimum"]


def test_a_declining_conviction_may_only_reduce():
    reduce = ExecutorParams(conviction_rule="reduce", max_position_pct=0.25)
    ignore = ExecutorParams(conviction_rule="ignore", max_position_pct=0.25)
    assert weights_of({"conviction": DECLINING}, params=reduce) == [pytest.approx(0.05 * 0.70)]
    assert weights_of({"conviction": DECLINING}, params=ignore) == [pytest.approx(0.05)]


def test_scalers_act_after_the_cap():
    # Capped at 0.05 first, then: 8 sessions are 3 past the cadence, 1 − 3 × 0.03 = 0.91
    assert weights_of({"rating": 1, "report_in": 2}, age=8) == [pytest.approx(0.05 * 0.91 * 0.5)]


def test_many_entries_share_the_book():
    tickers = [{} for _ in range(25)]
    assert weights_of(*tickers, params=SMALL)[0] == pytest.approx(1 / 25)


def test_shares_are_whole_and_the_cap_that_bound_is_named():
    entry = decide(CASH, day_of_names({"rating": 1, "close": 99.0, "mark": 99.0, "atr": 1.98}), PARAMS).entries[0]
    assert (entry.shares, entry.bound_by) == (50, "position_cap")  # floor(5,000 / 99)
    assert dict(entry.factors)["sector_tilt"] == 1.05


def test_a_batch_fills_its_sector_best_score_first():
    # Six of one sector at 5 % each and room for 25 %: the lowest score stays out. Equal scores go by ticker.
    names = [{"sector": 4, "score": score} for score in (90.0, 75.0, 80.0, 80.0, 85.0, 95.0)]
    decision = decide(CASH, day_of_names(*names), PARAMS)
    assert [entry.ticker for entry in decision.entries] == ["F", "A", "E", "C", "D"]
    assert [(b.ticker, b.rule) for b in decision.blocked] == [("B", "sector_cap")]
    assert decision.blocked[0].value == pytest.approx(0.30)


def test_a_partly_filled_room_cuts_the_last_entry():
    names = [{"sector": 4, "signal": SignalCode.HOLD}, {"sector": 4}]
    decision = decide(portfolio(held("A", shares=220), cash=78_000.0), day_of_names(*names), PARAMS)
    assert [(entry.shares, entry.bound_by) for entry in decision.entries] == [(30, "sector_cap")]  # 25 % − 22 %


def test_a_batch_fills_the_equity_cap_and_no_more():
    low = ExecutorParams(max_equity_pct=0.12)
    decision = decide(CASH, day_of_names({}, {}, {}, {}, params=low), low)
    assert [(entry.shares, entry.bound_by) for entry in decision.entries] == [(50, ""), (50, ""), (20, "equity_cap")]
    assert [(b.rule, b.limit) for b in decision.blocked] == [("equity_cap", 0.12)]


def test_names_of_unknown_sector_share_one_room():
    decision = decide(CASH, day_of_names(*[{"sector": -1} for _ in range(6)]), PARAMS)
    assert len(decision.entries) == 5


def test_an_entry_never_relies_on_a_sale_of_the_same_morning():
    day = day_of_names({"signal": SignalCode.EXIT}, {})
    decision = decide(portfolio(held("A", shares=995), cash=500.0), day, ExecutorParams(max_equity_pct=1.0))
    assert [sale.ticker for sale in decision.exits] == ["A"]
    assert [entry.shares for entry in decision.entries] == [5]


def test_less_than_the_smallest_order_is_not_sent():
    day = day_of_names({"report_in": 1})
    decision = decide(portfolio(cash=15_000.0), day, PARAMS)  # 5 % × 0.5 × 15,000 = 375: 3 shares
    assert [(b.rule, b.value, b.limit) for b in decision.blocked] == [("below_minimum", 300.0, 500.0)]


def test_a_halt_blocks_entries_and_is_remembered():
    start = portfolio(held("A"), peak=120_000.0)
    decision = decide(start, day_of_names({"signal": SignalCode.EXIT}, {}), PARAMS)
    assert decision.halted == 1
    assert [b.rule for b in decision.blocked] == ["halted"]
    assert [sale.rule for sale in decision.exits] == ["research_exit"]
    assert decision.remembered(start).halted == 1


def test_a_book_long_under_a_tier_starts_a_new_peak_and_remembers_the_days_till_then():
    start = portfolio(cash=100_000.0, peak=103_000.0, under_tier=62)  # −2.9 %
    waiting = decide(start, day_of_names({}), PARAMS)
    assert (waiting.multiplier, waiting.under_tier) == (0.5, 63)
    after = decide(waiting.remembered(start), day_of_names({}), PARAMS)
    assert (after.multiplier, after.under_tier, after.nav_peak) == (1.0, 0, 100_000.0)


def test_a_person_rearms():
    rules = ExecutorParams(rearm_rule="person")
    halted = portfolio(held("A"), peak=120_000.0, halted=40)
    again = portfolio(held("A"), peak=120_000.0, halted=40, rearmed=True)
    assert decide(halted, day_of_names({}, {}), rules).halted == 41
    assert decide(again, day_of_names({}, {}), rules).halted == 0
    assert decide(again, day_of_names({}, {}), rules).nav_peak == 100_000.0


def test_windows_other_than_the_days_are_refused():
    with pytest.raises(InputError, match="made with atr_window=14 and the parameters say 20"):
        decide(CASH, day_of_names({}), ExecutorParams(atr_window=20))


def test_a_position_the_market_does_not_know_is_an_error():
    with pytest.raises(InputError, match="Z is held but the market has no such ticker"):
        decide(portfolio(held("Z")), day_of_names({}), PARAMS)


def test_a_position_without_any_price_is_an_error():
    with pytest.raises(InputError, match="A is held but has had no price up to 2024-03-08"):
        decide(portfolio(held("A")), day_of_names({"close": np.nan, "mark": np.nan}), PARAMS)


def test_a_portfolio_must_make_sense():
    with pytest.raises(InputError, match="one position a ticker, A has several"):
        portfolio(held("A"), held("A"))
    with pytest.raises(InputError, match="at least one share, A has none"):
        portfolio(held("A", shares=0))
    with pytest.raises(InputError, match="cash must not be negative"):
        Portfolio(cash=-1.0, nav_peak=100.0)
    with pytest.raises(InputError, match="nav_peak must be above 0"):
        Portfolio.of_cash(0.0)
    for cash in (math.nan, math.inf):
        with pytest.raises(InputError, match=f"must be known, got {cash}"):
            Portfolio(cash=cash, nav_peak=100.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shares": 1.5}, "A: shares are whole, got 1.5"),
        ({"shares": math.nan}, "A: shares are whole, got nan"),
        ({"cost": math.nan}, "A: cost must be above 0, got nan"),
        ({"high_water": 0.0}, "A: high_water must be above 0, got 0.0; without it there is no stop"),
    ],
)
def test_a_position_must_make_sense(changes, message):
    with pytest.raises(InputError, match=message):
        held("A", **changes)


def test_a_position_of_a_later_session_is_an_error():
    with pytest.raises(InputError, match="A is held on 2024-03-08 but was bought later"):
        decide(portfolio(replace(held("A"), entry_date=pd.Timestamp("2024-03-11"))), day_of_names({}), PARAMS)


def test_the_hash_sees_every_part():
    one = decide(CASH, day_of_names({}), PARAMS)
    assert one.hash == decide(CASH, day_of_names({}), PARAMS).hash
    other = decide(CASH, day_of_names({"momentum": math.nextafter(-0.06, 0)}), PARAMS)
    assert len({one.hash, other.hash, decide(CASH, day_of_names({"momentum": -0.06}), PARAMS).hash}) == 3
