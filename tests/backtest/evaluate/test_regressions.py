"""The seed's faults are worth what they are worth, and never in the right figure."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.performance import maximum_drawdown, sharpe_ratio
from alphalib.backtest.evaluate.regressions import seed_faults
from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.run import first_scored
from alphalib.decision import history
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from tests.backtest.runs import flat_run, random_run

RUN = random_run(3, names=12, sessions=250)
PAST = history(RUN.market, RUN.signals, percentile=RUN.percentile, veto=RUN.veto, params=ExecutorParams())
LOOSE = ExecutorParams(max_position_pct=0.25, target_positions=4, max_sector_pct=1.0, max_equity_pct=1.0, min_score=0.0)


def faults(returns=None, **options):
    return seed_faults(PAST, LOOSE, returns, rng=np.random.default_rng(0), **options)


def test_a_year_of_365_sessions_is_a_fifth_too_much():
    row = faults().loc["√365 for daily returns"]
    assert row["seed"] == pytest.approx(row["right"] * (365 / 252) ** 0.5)  # 1.2035
    assert row["low"] < row["right"] < row["high"]


def test_tiers_that_act_late_or_never_let_the_book_fall_deeper():
    table = faults(costs=Costs(slippage_bps=100.0))
    late, dead = table.iloc[0], table.iloc[1]
    assert dead["seed"] < late["seed"] < late["right"] < 0
    assert late["right"] == dead["right"]


def test_the_right_figures_are_those_of_the_book():
    daily = simulate(PAST, LOOSE).nav.iloc[first_scored(PAST) :].pct_change().dropna().to_numpy()
    table = faults()["right"]
    assert table.iloc[0] == pytest.approx(maximum_drawdown(daily))
    assert table.iloc[2] == pytest.approx(sharpe_ratio(daily))


def test_a_holdout_that_was_trained_on_shows_luck_and_a_sealed_one_does_not():
    # 40 settings without merit; one of them had a lucky first part. Chosen by it, its last part is as bad as any.
    rng = np.random.default_rng(1)
    returns = pd.DataFrame(rng.normal(0, 0.01, (500, 40)))
    returns.iloc[:350, 7] += 0.002
    row = faults(returns).iloc[3]
    assert row["seed"] == pytest.approx(sharpe_ratio(returns[7].to_numpy()))
    assert row["right"] == pytest.approx(sharpe_ratio(returns[7].to_numpy()[350:]))
    assert row["seed"] > 1.5 > 0.8 > row["right"]
    assert "best of 40" in row["note"]


def test_without_a_sweep_nothing_was_chosen():
    row = faults().iloc[3]
    assert np.isnan([row["seed"], row["right"]]).all()
    assert "needs the returns of a sweep" in row["note"]


def test_a_holdout_needs_sessions_and_settings_that_trade():
    returns = pd.DataFrame(np.full((5, 2), 0.0))
    with pytest.raises(InputError, match="between 0 and 1, got 1"):
        faults(returns, holdout=1.0)
    with pytest.raises(InputError, match="5 sessions are too few for a holdout of 90%"):
        faults(returns, holdout=0.9)
    with pytest.raises(InputError, match="no setting of the sweep ever traded"):
        faults(pd.DataFrame(np.zeros((50, 2))))


def test_a_short_history_has_figures_without_intervals():
    run = flat_run()
    past = history(run.market, run.signals, params=ExecutorParams())
    row = seed_faults(past, ExecutorParams(), None, rng=np.random.default_rng(0)).iloc[0]
    assert np.isfinite(row["right"])
    assert np.isnan(row["low"])
    assert "too few for blocks of 21" in row["note"]
