from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.evaluate.attribution import (
    brinson,
    factor_attribution,
    factor_returns,
    sub_score_attribution,
)
from alphalib.backtest.evaluate.holdings import holdings, weights
from alphalib.errors import InputError
from alphalib.labels import sector_relative_return
from tests.backtest.runs import flat_run, random_run
from tests.worlds import random_market


@pytest.mark.parametrize("seed", range(6))
def test_weights_add_up_to_the_exposure_through_splits_and_delistings(seed):
    run = random_run(seed)
    backtest = run.backtest()
    pd.testing.assert_series_equal(
        weights(backtest, run.market).sum(axis=1), backtest.exposure, check_names=False, atol=1e-9, rtol=0
    )


def test_what_was_bought_is_held_until_it_is_sold():
    run = flat_run()
    backtest = run.backtest()
    held = holdings(backtest, run.market)["N000"]
    bought, sold = (backtest.trades[backtest.trades["side"] == side] for side in ("buy", "sell"))
    assert (held[held.index < bought["date"].iloc[0]] == 0).all()
    assert held[bought["date"].iloc[0]] == bought["shares"].iloc[0]
    assert held.iloc[-1] == bought["shares"].sum() - sold["shares"].sum()


@pytest.mark.parametrize("seed", range(6))
def test_the_parts_of_brinson_add_up_to_the_difference_of_total_returns(seed):
    run = random_run(seed)
    result = brinson(run.backtest(), run.market)
    assert result.table().loc["All", "total"] == pytest.approx(result.book - result.benchmark, abs=1e-12)
    nav = run.backtest().nav
    assert result.book == pytest.approx(nav.iloc[-1] / nav.iloc[0] - 1)


def test_a_book_that_holds_nothing_lost_what_the_benchmark_earned_to_cash():
    run = flat_run()
    idle = replace(run, signals=replace(run.signals, signal=run.signals.signal * 0))
    rising = idle.market.close * np.linspace(1.0, 1.1, 20)[:, None]
    market = replace(idle.market, close=rising, open=rising, high=rising, low=rising)
    table = brinson(replace(idle, market=market).backtest(), market).table()
    assert table.loc["Cash", "allocation"] == pytest.approx(-0.10)
    assert table["total"].drop(["Cash", "All"]).abs().max() < 1e-12


def test_a_book_made_of_factors_is_taken_apart_again():
    market = random_market(seed=1, names=40, sessions=600)
    returns = factor_returns(market)
    mixed = 0.0001 + 0.8 * returns["market"] + 0.5 * returns["reversal"]
    nav = (1 + mixed.fillna(0.0)).cumprod()
    table = factor_attribution(nav, returns)
    assert table.loc["market", "beta"] == pytest.approx(0.8)
    assert table.loc["reversal", "beta"] == pytest.approx(0.5)
    assert table.loc["alpha", "beta"] == pytest.approx(0.0252)  # .0001 × 252
    known = returns.dropna().index
    assert table["contribution"].sum() == pytest.approx(nav.pct_change().loc[known].mean() * 252)


def test_a_style_earns_by_what_was_known_the_day_before():
    market = random_market(seed=1, names=40, sessions=400)
    cut = market.asof(market.sessions[300])
    pd.testing.assert_frame_equal(factor_returns(cut), factor_returns(market).loc[: market.sessions[300]])
    # Yesterday's losers are bought at yesterday's close: today's return is not in what chose them.
    assert abs(factor_returns(market)["reversal"].mean()) < 0.004


def test_too_few_sessions_are_said():
    market = random_market(names=20, sessions=300)
    returns = factor_returns(market)
    with pytest.raises(InputError, match="sessions are too few for 5 factors"):
        factor_attribution(market.benchmarks["SPY"], returns)


def test_a_sub_score_that_knows_is_told_from_one_that_copies_it():
    market = random_market(seed=2, names=120, sessions=700)
    rng = np.random.default_rng(0)
    dates = market.sessions[::5]
    label = sector_relative_return(market, horizon=5).loc[dates]
    knows = label.rank(axis=1, pct=True) + rng.normal(0, 1, label.shape)
    copy = knows + rng.normal(0, 0.2, label.shape)
    noise = pd.DataFrame(rng.random(label.shape), index=dates, columns=label.columns)
    scores = {"knows": knows, "copy": copy, "noise": noise, "qual": noise * np.nan}
    table = sub_score_attribution(scores, market, horizons=[5]).set_index("sub_score")
    assert table.loc["knows", "q"] < 0.01
    assert table.loc["copy", "rank_ic"] > 0.1
    assert abs(table.loc["copy", "alone"]) < 0.03 < table.loc["knows", "alone"]
    assert table.loc["noise", "low"] < 0 < table.loc["noise", "high"]
    assert table.loc["qual", "note"] == "it has no value"
