"""Compiled statistics by date, against SciPy and pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from alphalib.evidence import by_date as d

TIED = st.sampled_from([-2.5, -1e-300, -0.0, 0.0, 1e-300, 0.1, 0.3, 7.0, 1e300, np.nan, np.inf])
ROWS = arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=TIED | st.floats(-1e6, 1e6))


@settings(max_examples=200, deadline=None)
@given(ROWS)
def test_order_is_ascending_and_ranks_are_scipys(values):
    panel = d.sorted_by_date(values)
    ranks = d.ranks_by_date(panel)
    for row, order, count, ranked in zip(values, panel.order, panel.count, ranks, strict=True):
        known = np.isfinite(row)
        assert count == known.sum()
        assert (np.diff(row[order[:count]]) >= 0).all()
        assert sorted(order[:count]) == np.flatnonzero(known).tolist()
        assert ranked[known].tolist() == stats.rankdata(row[known]).tolist()
        assert np.isnan(ranked[~known]).all()


@settings(max_examples=300, deadline=None)
@given(arrays(float, st.integers(2, 60), elements=TIED | st.floats(-1e3, 1e3)), st.integers(2, 10))
def test_quantiles_are_those_of_pandas_qcut(row, quantiles):
    numbers = d.quantiles_by_date(d.sorted_by_date(row[None]), quantiles)[0]
    known = np.isfinite(row)
    assert (numbers[~known] == 0).all()
    if not known.any():
        return
    try:
        expected = pd.qcut(row[known], quantiles, labels=False) + 1
    except ValueError:  # pandas refuses two equal edges
        assert numbers[known].min() == 1
        assert numbers.max() <= quantiles
    else:
        assert numbers[known].tolist() == expected.tolist()


@pytest.mark.parametrize("quantiles", [3, 5, 10, 49])
def test_a_name_on_an_edge_is_in_the_lower_quantile(quantiles):
    # n − 1 divisible by the quantiles: every edge is a name, and rounding decides on which side it would fall.
    for n in range(quantiles + 1, 400, quantiles):
        values = np.random.default_rng(n).permutation(n) / 10.0
        numbers = d.quantiles_by_date(d.sorted_by_date(values[None]), quantiles)[0]
        assert numbers.tolist() == (pd.qcut(values, quantiles, labels=False) + 1).tolist()


def test_correlation_among_some_names_ranks_them_anew():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 300, 25)).round(1)
    first[rng.random(first.shape) < 0.2] = np.nan
    among = rng.random(first.shape) < 0.7
    pearson, spearman = d.correlations(d.sorted_by_date(first), d.sorted_by_date(second), among=among, minimum=5)
    for row in range(300):
        both = np.isfinite(first[row]) & among[row]
        if both.sum() < 5:
            assert np.isnan(spearman[row])
            continue
        one, other = first[row, both], second[row, both]
        assert spearman[row] == pytest.approx(stats.spearmanr(one, other).statistic, abs=1e-12)
        assert pearson[row] == pytest.approx(stats.pearsonr(one, other).statistic, abs=1e-12)


def test_means_by_hand():
    numbers = np.array([[1, 1, 2, 2, 0]], dtype=np.int8)
    label = np.array([[0.01, 0.03, 0.05, np.nan, 9.0]])
    # The mean of all three is 0.03; quantile 1 has 0.02, quantile 2 has 0.05, quantile 3 has nobody.
    assert d.means_by_quantile(numbers, label, 3)[0].tolist() == pytest.approx([-0.01, 0.02, np.nan], nan_ok=True)


def test_turnover_by_hand():
    numbers = np.array([[1, 1, 2, 2], [1, 2, 2, 2], [0, 1, 2, 0]], dtype=np.int8)
    # Of the names {b, c, d} in quantile 2 on the second date one is new; on the third {b} is new in 1, none in 2.
    turned = d.turnover_by_quantile(numbers, 2, lag=1)
    assert np.isnan(turned[0]).all()
    assert turned[1:].tolist() == [[0.0, pytest.approx(1 / 3)], [1.0, 0.0]]
    assert d.turnover_by_quantile(numbers, 2, lag=2)[2].tolist() == [0.0, 0.0]  # b was in 1, c in 2
    assert np.isnan(d.turnover_by_quantile(numbers, 2, lag=3)).all()


def test_the_input_stays_as_it_is():
    panel = pd.DataFrame(np.random.default_rng(1).normal(size=(200, 12)))
    before = panel.copy()
    d.correlations(d.sorted_by_date(panel, panel > 0), d.sorted_by_date(panel), minimum=2)
    pd.testing.assert_frame_equal(panel, before)
