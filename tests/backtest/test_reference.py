"""The backtest and the plain reference, both written from docs/rules.md, agree fill by fill; neither saw the other."""

from functools import cache

import pandas as pd
import pytest

from alphalib.backtest.triggers import Trigger
from alphalib.decision.shapes import Rule
from tests import reference
from tests.backtest.runs import Run, flat_run, random_minutes, random_run

SEEDS, MINUTE_SEEDS = range(60), range(8)
WITHIN_SESSION = {Rule.COLLAPSE, Rule.INTRADAY_PROFIT}  # not on daily bars
LOOSE = {"check_dtype": False, "check_names": False, "check_freq": False}


def in_order(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Sorted by date and name; what one name does in a session keeps its order.

    With all of NAV to invest the rooms in equity and in cash are one, and rounding picks the name: call both cash.
    """
    same = {"equity_cap": "cash"} if run.params.max_equity_pct == 1.0 else {}
    return table.sort_values(["date", "ticker"], kind="stable", ignore_index=True).replace(same)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_agree_on(seed):
    require_agreement(random_run(seed))


@cache
def minute_run(seed: int) -> Run:
    """With the half-day of 2019-07-03 in it."""
    return random_minutes(random_run(400 + seed, names=5, sessions=132), seed=seed)


@pytest.mark.parametrize("seed", MINUTE_SEEDS)
def test_both_agree_on_minute_bars(seed):
    require_agreement(minute_run(seed))


def test_every_trigger_acts_somewhere_in_these_worlds():
    trades = pd.concat([minute_run(seed).backtest().trades for seed in MINUTE_SEEDS])
    assert {trigger.label for trigger in Trigger} == set(trades["trigger"])
    sold_first_day = trades[(trades["side"] == "sell") & (trades["date"] == trades["entry_date"])]
    assert {"stop", *(rule.label for rule in WITHIN_SESSION)} <= set(sold_first_day["reason"])
    assert {"stop", *(rule.label for rule in WITHIN_SESSION)} <= set(trades.drop(sold_first_day.index)["reason"])
    assert trades.loc[trades["date"] == "2019-07-03", "minute"].max() < 210


def require_agreement(run: Run) -> None:
    plain, fast = reference.simulate(**run.arguments()), run.backtest()
    refused = fast.blocked[["date", "ticker", "rule"]]
    pd.testing.assert_frame_equal(in_order(plain.blocked, run), in_order(refused, run), **LOOSE)
    fills = fast.trades.assign(minute=fast.trades["minute"].fillna(-1))[reference.FILL]
    pd.testing.assert_frame_equal(in_order(plain.fills, run), in_order(fills, run), rtol=1e-9, **LOOSE)
    for name in ("nav", "cash"):
        pd.testing.assert_series_equal(plain.daily[name], getattr(fast, name), rtol=0, atol=1e-6, **LOOSE)
    pd.testing.assert_series_equal(plain.daily["halted"], fast.halted, **LOOSE)


def test_every_rule_acts_somewhere_in_these_worlds():
    seen = set()
    for seed in SEEDS:
        backtest = random_run(seed).backtest()
        seen |= set(backtest.trades["reason"]) | set(backtest.trades["bound_by"]) | set(backtest.blocked["rule"])
    of_strategies = {Rule.DROPPED, Rule.COVER, Rule.REBALANCE, Rule.INFEASIBLE, Rule.SHORT}
    nowhere = {
        Rule.CASH,
        Rule.KILL_SWITCH,
    }  # cash binds only where rounding calls it so; nobody is there to pull a switch
    assert {rule.label for rule in set(Rule) - of_strategies - nowhere - WITHIN_SESSION} <= seen
    assert not {rule.label for rule in WITHIN_SESSION} & seen


def test_the_reference_by_hand():
    """One name on a flat market of 100, bought with a twentieth of NAV."""
    run = flat_run()
    result = reference.simulate(**run.arguments())
    # Decided at the first close: min(1/20, 5 %) of 100,000 buys 50 shares; at the next open each costs
    # 100 × 1.001, and 10 bps of 5,005 are 5.005. The exit is decided at session 10 and sold at 100 × 0.999 on the 11th.
    day = run.market.sessions
    assert result.fills.values.tolist() == [
        [day[1], "N000", "buy", 50, pytest.approx(100.1), "entry", "", "open", -1],
        [day[11], "N000", "sell", 50, pytest.approx(99.9), "research_exit", "", "", -1],
    ]
    assert result.daily["cash"].iloc[1] == pytest.approx(100_000 - 5005 - 5.005)
    assert result.daily["nav"].iloc[1] == pytest.approx(100_000 - 5 - 5.005)
    assert result.daily["nav"].iloc[-1] == pytest.approx(100_000 - 5 - 5.005 - 5 - 4.995)
