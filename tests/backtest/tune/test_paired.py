"""Differences at equal risk, and bounds that hold for all settings at once."""

import numpy as np
import pytest

from alphalib.backtest.tune.paired import (
    alphas,
    drawdowns,
    drawn_means,
    equal_risk_difference,
    simultaneous_bounds,
)


def test_more_of_the_same_is_no_difference():
    current = np.random.default_rng(0).normal(0.0005, 0.01, 500)
    assert equal_risk_difference(np.column_stack([3 * current]), current) == pytest.approx(0, abs=1e-12)


def test_the_difference_is_that_of_two_sharpe_ratios():
    # current 1 %, −1 %: mean 0, deviation √2 %. other 3 %, 1 %: mean 2 %, deviation √2 %. 2/√2 − 0 = √2
    difference = equal_risk_difference(np.array([[0.03], [0.01]]), np.array([0.01, -0.01]))
    assert difference.mean() == pytest.approx(2**0.5)


def test_a_book_that_never_moves_has_no_difference():
    assert np.isnan(equal_risk_difference(np.zeros((5, 1)), np.arange(5.0))).all()
    assert np.isnan(equal_risk_difference(np.arange(5.0)[:, None], np.zeros(5))).all()


def test_drawn_means_are_means_of_whole_blocks():
    # blocks of 2 of 1, 2, 3, 4 on a circle have sums 3, 5, 7, 5; two of them over 4 values
    drawn = drawn_means(np.array([[1.0], [2.0], [3.0], [4.0]]), block=2, draws=200, rng=np.random.default_rng(0))
    assert set(np.round(drawn[:, 0] * 4, 9)) == {6.0, 8.0, 10.0, 12.0, 14.0}


def test_bounds_hold_for_all_columns_at_once():
    rng, missed = np.random.default_rng(1), 0
    for _ in range(300):
        values = rng.standard_normal((400, 5)) * np.array([1, 2, 1, 1, 3])
        bounds, _ = simultaneous_bounds(values, level=0.10, block=10, draws=300, rng=rng)
        missed += bool((bounds > 0).any())
    assert 15 <= missed <= 45  # 10 % of 300, give or take three standard errors of 5.2


def test_a_bound_over_more_columns_is_wider():
    values = np.random.default_rng(2).standard_normal((400, 8))
    alone, _ = simultaneous_bounds(values[:, :1], level=0.1, block=10, draws=500, rng=np.random.default_rng(0))
    among, _ = simultaneous_bounds(values, level=0.1, block=10, draws=500, rng=np.random.default_rng(0))
    assert among[0] < alone[0]


def test_drawdown_counts_from_the_start():
    # 1 → 0.9 → 0.99 → 0.495: half of 0.99, and 0.495 of the start: −50.5 % of the start is the deepest
    assert drawdowns(np.array([[-0.1], [0.1], [-0.5]])) == pytest.approx([-0.505])


def test_alpha_is_what_the_market_does_not_explain():
    market = np.random.default_rng(0).normal(0, 0.01, 1000)
    alpha, error = alphas(np.column_stack([0.0002 + 0.5 * market, 2 * market]), market)
    assert alpha == pytest.approx([0.0504, 0.0], abs=1e-12)  # 0.0002 × 252
    assert error == pytest.approx([0, 0], abs=1e-9)
    assert np.isnan(alphas(np.ones((10, 1)), np.zeros(10))[0]).all()
