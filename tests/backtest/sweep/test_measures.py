"""The quick figures of a cell agree with the careful ones, and one that is missing says why."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.evaluate.performance import alpha_beta, performance
from alphalib.backtest.sweep.measures import MEASURES, market_line, measured
from tests.backtest.runs import flat_run, random_run


def test_the_line_of_a_book_that_is_twice_the_market_and_ten_points_a_day():
    market = np.tile([0.01, -0.02, 0.015], 20)
    spy = np.concatenate([[100.0], 100.0 * np.cumprod(1 + market)])
    # 0.001 + 2 × market: alpha .001 × 252 = .252 without any error, beta 2
    assert market_line(0.001 + 2 * market, spy)[:4] == pytest.approx((0.252, 0.252, 0.252, 2.0))


def test_the_line_is_that_of_the_regression():
    rng = np.random.default_rng(3)
    market = rng.normal(0.0004, 0.01, 700)
    returns = 0.0002 + 0.7 * market + rng.normal(0, 0.008, 700)
    alpha, beta = alpha_beta(returns, market)
    ours = market_line(returns, np.concatenate([[1.0], np.cumprod(1 + market)]))
    assert (ours[0], ours[3]) == pytest.approx((alpha.value, beta.value), rel=1e-9)
    assert ours[1:3] == pytest.approx((alpha.low, alpha.high), rel=0.01)


@pytest.mark.parametrize(
    ("returns", "spy", "why"),
    [
        (np.full(40, 0.01), None, "no benchmark was given"),
        (np.full(40, 0.01), np.r_[np.ones(40), np.nan], "no value in 1 of the sessions"),
        (np.full(40, 0.01), np.ones(41), "a benchmark that moves"),
        (np.full(10, 0.01), np.arange(1.0, 12.0), "needs 30 returns"),
    ],
)
def test_a_line_that_cannot_be_drawn_says_why(returns, spy, why):
    *values, said = market_line(returns, spy)
    assert np.isnan(values).all()
    assert why in said


def test_measures_are_those_of_the_performance_table():
    run = random_run(5)
    backtest, spy = run.backtest(), run.market.benchmarks["SPY"]
    found = measured(backtest, first=3, spy=spy.to_numpy())
    traded = backtest.trades.groupby("date")["value"].sum()
    table = performance(
        backtest.nav.iloc[3:],
        spy=spy,
        equal_weight=spy,
        rng=np.random.default_rng(0),
        exposure=backtest.exposure.iloc[3:],
        traded=traded,
        draws=2,
    )
    names = {
        "annual_return": "Annual return",
        "volatility": "Volatility",
        "sharpe": "Sharpe ratio",
        "sortino": "Sortino ratio",
        "max_drawdown": "Maximum drawdown",
        "calmar": "Calmar ratio",
        "alpha": "Alpha a year",
        "beta": "Beta",
        "turnover": "Turnover a year, one way",
        "exposure": "Exposure",
    }
    for ours, theirs in names.items():
        assert found[ours] == pytest.approx(table[theirs].book.value), ours
    assert set(MEASURES) <= set(found)
    assert found["note"] == ""


def test_fills_are_counted_on_their_session():
    backtest = random_run(5).backtest()
    assert len(backtest.trades)
    found = measured(backtest, first=0, spy=None)
    counted = backtest.trades.groupby("date").size().reindex(backtest.sessions[1:], fill_value=0)
    np.testing.assert_array_equal(found["trades_daily"], counted)
    np.testing.assert_allclose(found["returns"], backtest.nav.pct_change().iloc[1:])
    assert found["trades"] == len(backtest.trades)
    assert found["final_nav"] == backtest.nav.iloc[-1]


def test_a_book_that_never_moved_says_which_figures_it_lacks():
    run = flat_run()
    still = pd.DataFrame(0, index=run.market.sessions, columns=run.market.tickers).astype("int8")
    signals = type(run.signals)(**{**vars(run.signals), "signal": still})
    found = measured(type(run)(**{**vars(run), "signals": signals}).backtest(), first=0, spy=None)
    assert np.isnan([found["sharpe"], found["sortino"], found["calmar"], found["alpha"]]).all()
    assert "sharpe: the value never moved; sortino: no session fell; calmar: there was no drawdown" in found["note"]
    assert "alpha, beta: no benchmark was given" in found["note"]
    assert (found["trades"], found["volatility"], found["max_drawdown"]) == (0, 0.0, 0.0)
