"""Correlation of a candidate with what is held."""

import math

import numpy as np
import pytest

from alphalib.risk.correlation import mean_correlation, pair_correlation


@pytest.fixture
def returns():
    rng = np.random.default_rng(0)
    values = np.asfortranarray(rng.normal(0, 0.01, (80, 4)))
    values[:, 1] = 0.5 * values[:, 0] + values[:, 1]
    return values


def test_a_pair_by_numpy(returns):
    expected = np.corrcoef(returns[10:70, 0], returns[10:70, 1])[0, 1]
    assert pair_correlation(returns, 70, 60, 0, 1) == pytest.approx(expected, abs=1e-12)


def test_missing_rows_are_left_out_of_both(returns):
    returns[30:40, 0], returns[45:50, 1] = np.nan, np.nan
    both = ~np.isnan(returns[10:70, :2]).any(axis=1)
    expected = np.corrcoef(returns[10:70, 0][both], returns[10:70, 1][both])[0, 1]
    assert pair_correlation(returns, 70, 60, 0, 1) == pytest.approx(expected, abs=1e-12)


def test_half_the_window_in_common_is_enough_and_less_is_not(returns):
    returns[10:40, 0] = np.nan
    assert not math.isnan(pair_correlation(returns, 70, 60, 0, 1))
    returns[40, 1] = np.nan
    assert math.isnan(pair_correlation(returns, 70, 60, 0, 1))


def test_a_name_that_never_moves_is_no_pair(returns):
    returns[:, 2] = 0.0
    assert math.isnan(pair_correlation(returns, 70, 60, 0, 2))


def test_the_mean_is_over_the_pairs_that_exist(returns):
    returns[:, 2] = np.nan
    peers = np.array([1, 2, 3])
    one, three = (pair_correlation(returns, 70, 60, 0, peer) for peer in (1, 3))
    assert mean_correlation(returns, 70, 60, 0, peers) == pytest.approx((one + three) / 2)
    assert math.isnan(mean_correlation(returns, 70, 60, 0, np.array([2])))


def test_later_rows_do_not_enter(returns):
    before = pair_correlation(returns, 50, 60, 0, 1)
    returns[50:] = 1e10
    assert pair_correlation(returns, 50, 60, 0, 1) == before
