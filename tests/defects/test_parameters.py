"""Every parameter of the executor changes a decision somewhere: none is tuned that does nothing (D31)."""

from functools import cache

import pytest

from alphalib.backtest.minutes import minutes_of
from alphalib.backtest.simulate import simulate
from alphalib.decision import decide, history, order_book
from alphalib.params import ExecutorParams
from tests.backtest.runs import random_minutes, random_run
from tests.decision.days import day_of_names, portfolio

SEEDS = range(12)
OTHER = {
    "min_score": 80.0,
    "conviction_rule": "reduce",
    "conviction_reduction": 0.3,
    "momentum_gate_threshold": -0.01,
    "correlation_block_threshold": 0.3,
    "correlation_window": 20,
    "bear_blocks_underweight": False,
    "cooldown_sessions": 30,
    "daily_loss_limit": 0.002,
    "max_position_pct": 0.03,
    "bear_max_position_pct": 0.01,
    "max_sector_pct": 0.06,
    "max_equity_pct": 0.2,
    "max_positions": 2,
    "max_adv_pct": 0.0002,
    "sizing_rule": "kelly",
    "target_positions": 60,
    "kelly_fraction": 0.1,
    "kelly_cap": 0.02,
    "kelly_win_rate": 0.5,
    "kelly_payoff": 1.0,
    "min_order": 45_000.0,
    "sector_overweight": 1.5,
    "sector_underweight": 0.5,
    "upside_minimum": 0.15,
    "upside_reduction": 0.3,
    "confidence_sizing_min": 0.3,
    "confidence_sizing_range": 0.1,
    "atr_sizing_target_risk": 0.05,
    "atr_sizing_min": 1.0,
    "atr_sizing_max": 1.0,
    "staleness_decay_per_day": 0.1,
    "staleness_floor": 0.95,
    "staleness_grace": 0,
    "earnings_sizing_reduction": 0.1,
    "earnings_proximity_days": 20,
    "drawdown_tiers": (),
    "rearm_rule": "person",
    "rearm_sessions": 2,
    "tier_rearm_sessions": 3,
    "atr_window": 5,
    "atr_multiplier": 1.0,
    "fallback_stop_pct": 0.02,
    "time_decay_reduce_days": 2,
    "time_decay_exit_days": 9,
    "profit_take_pct": 0.05,
    "reduce_fraction": 0.2,
    "momentum_exit_threshold": -0.02,
    "momentum_exit_rsi": 60.0,
    "loss_floor_pct": 0.02,
    "gap_exit_pct": 0.01,
    "sector_veto_pct": 0.0,
}
TRIGGERS = {
    "pullback_pct": 0.03,
    "vwap_discount_pct": 0.01,
    "support_pct": 0.02,
    "expiry_minutes_before_close": 60,
}
WITHIN_SESSION = {
    "intraday_trail_atr": 1.0,
    "intraday_tight_atr": 1.5,
    "intraday_tight_sessions": 1,
    "intraday_profit_pct": 0.02,
    "intraday_profit_fraction": 1.0,
    "intraday_collapse_pct": 0.02,
}
NOT_RULES = {"schema_version", "updated_at"}
BASE = {
    "correlation_block_threshold": 0.9,
    "min_score": 60.0,
    "staleness_floor": 0.5,
    "drawdown_tiers": [
        {"drawdown": -0.01, "multiplier": 0.5},
        {"drawdown": -0.02, "multiplier": 0.25, "forced_exits": 1},
        {"drawdown": -0.03, "multiplier": 0.0, "forced_exits": 2},
    ],
    "rearm_sessions": 5,
}


NEEDS = {
    "sector_veto_pct": {"atr_multiplier": 0.5},
    "correlation_window": {"correlation_block_threshold": 0.3},
    "conviction_reduction": {"conviction_rule": "reduce"},
    "momentum_exit_rsi": {"momentum_exit_threshold": -0.02},
    **{name: {"sizing_rule": "kelly"} for name in ("kelly_fraction", "kelly_cap", "kelly_win_rate", "kelly_payoff")},
}
"""What another rule must say for a parameter to count."""


@cache
def outcome(seed, changes):
    """Orders and last NAV of a random run under `BASE` with changes."""
    params = ExecutorParams(
        **{**BASE, **{name: OTHER.get(name) if value is None else value for name, value in changes}}
    )
    run = random_run(seed)
    known = history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=params)
    backtest = simulate(known, params)
    return backtest.order_hash, float(backtest.nav.iloc[-1])


def test_every_parameter_is_asked_about():
    assert OTHER.keys() | TRIGGERS.keys() | WITHIN_SESSION.keys() | NOT_RULES == set(ExecutorParams.model_fields)


@pytest.mark.parametrize("field", OTHER)
def test_d31_every_tuned_parameter_changes_a_decision(field):
    needed = tuple(NEEDS.get(field, {}).items())
    assert any(outcome(seed, needed) != outcome(seed, (*needed, (field, None))) for seed in SEEDS)


@pytest.mark.parametrize("field", TRIGGERS)
def test_d31_every_trigger_parameter_changes_the_order_book(field):
    day, held = day_of_names({}), portfolio()
    entries = [
        order_book(decide(held, day, params), day, held, params).approved_entries[0]
        for params in (ExecutorParams(), ExecutorParams(**{field: TRIGGERS[field]}))
    ]
    assert entries[0].triggers != entries[1].triggers


@cache
def world(seed):
    """A history of few names with minute bars, and those."""
    run = random_minutes(random_run(400 + seed, names=5, sessions=132), seed=seed)
    known = history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=ExecutorParams())
    return known, minutes_of(run.minutes, known)


def sales(seed, *, within_session=True, **changes):
    """What was sold, when and why."""
    known, minutes = world(seed)
    rules = {"min_score": 60.0, "conviction_rule": "ignore", "drawdown_tiers": (), "intraday_tight_atr": 0.5}
    params = ExecutorParams(**{**rules, **changes})
    trades = simulate(known, params, minutes=minutes if within_session else None).trades
    return trades[["date", "ticker", "shares", "price", "reason"]].values.tolist()


@pytest.mark.parametrize("field", WITHIN_SESSION)
def test_d31_every_parameter_within_the_session_changes_it_on_minute_bars_only(field):
    change = {field: WITHIN_SESSION[field]}
    assert any(sales(seed) != sales(seed, **change) for seed in SEEDS)
    assert sales(0, within_session=False) == sales(0, within_session=False, **change)
