"""Correlation of a candidate with what is held."""

import math

import numpy as np
import pytest

from alphalib.risk.correlation import add_up, highest_correlation, pair_correlation
from alphalib.risk.correlation import mean_correlation as _mean_correlation


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


def mean_correlation(returns, end, window, name, peers):
    """The mean with whole windows added up first, as the guard asks for it."""
    peers, together = peers.copy(), np.zeros(window)
    whole = add_up(returns, end, window, peers, together)
    return _mean_correlation(returns, end, window, name, peers, whole, together)


@pytest.mark.parametrize("window", [20, 21, 22, 23, 60])
@pytest.mark.parametrize("gaps", [0, 1, 3])
def test_adding_windows_up_is_the_mean_of_pairs(window, gaps):
    rng = np.random.default_rng(window + gaps)
    returns = np.asfortranarray(rng.normal(0, 0.01, (80, 6)) + rng.normal(0, 0.01, (80, 1)))
    returns[:, 5] = 0.0
    for column in range(gaps):
        returns[70 + column, 2 * column] = np.nan
    for name in (0, 1):
        peers = np.array([place for place in range(6) if place != name])
        pairs = [pair_correlation(returns, 78, window, name, peer) for peer in peers]
        assert mean_correlation(returns, 78, window, name, peers) == pytest.approx(np.nanmean(pairs), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_no_window_is_more_alike_to_peers_than_the_highest_possible(seed):
    rng = np.random.default_rng(seed)
    returns = np.asfortranarray(rng.normal(0, 0.01, (60, 8)) + 0.01 * rng.random() * rng.normal(0, 1, (60, 1)))
    peers, together = np.arange(1, 1 + int(rng.integers(1, 6))), np.zeros(60)
    whole = add_up(returns, 60, 60, peers, together)
    highest = highest_correlation(together, whole, len(peers))
    returns[:, 0] = together  # what is most alike to their sum
    assert _mean_correlation(returns, 60, 60, 0, peers, whole, together) == pytest.approx(highest, abs=1e-8)
    assert _mean_correlation(returns, 60, 60, 0, peers, whole, together) <= highest
    assert all(_mean_correlation(returns, 60, 60, name, peers, whole, together) <= highest for name in (6, 7))


def test_peers_with_gaps_leave_no_bound_and_none_leave_nothing():
    together = np.full(60, 0.1)
    assert highest_correlation(together, 1, 2) == math.inf
    assert highest_correlation(together, 0, 0) == -math.inf


def test_before_a_window_is_full_pairs_are_compared(returns):
    expected = pair_correlation(returns, 40, 60, 0, 1)
    assert mean_correlation(returns, 40, 60, 0, np.array([1])) == expected


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
