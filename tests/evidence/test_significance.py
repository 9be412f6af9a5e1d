"""Intervals, power and multiplicity."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alphalib.errors import InputError
from alphalib.evidence import significance as s
from alphalib.evidence.estimate import Estimate


def overlapping(rng, *, n=1500, horizon=5, mean=0.0):
    """Per-date values whose neighbours share horizon − 1 of their horizon shocks, standard deviation about 0.1."""
    shocks = rng.normal(0, 0.1 / horizon**0.5, n + horizon - 1)
    return pd.Series(mean + np.convolve(shocks, np.ones(horizon), "valid"))


def test_newey_west_is_what_statsmodels_computes():
    from statsmodels.regression.linear_model import OLS

    series = overlapping(np.random.default_rng(0))
    theirs = OLS(series, np.ones(len(series))).fit(
        cov_type="HAC", cov_kwds={"maxlags": 20, "use_correction": True}, use_t=False
    )
    assert s.newey_west_error(series.to_numpy(), lags=20) == pytest.approx(float(theirs.bse.iloc[0]), rel=1e-9)
    # Widened for 21 weights on 1,500 values: 1 + (2.9694 · .014 + .416 · .014² − .5324 · .014³) / 1.96 = 1.021251
    ours = s.mean_with_interval(series, horizon=5)
    assert ours.standard_error == pytest.approx(1.021251 * float(theirs.bse.iloc[0]), rel=1e-5)
    assert ours.high - ours.value == pytest.approx(1.959964 * ours.standard_error, rel=1e-6)


@pytest.mark.parametrize(("n", "horizon"), [(252, 21), (500, 21), (252, 5)])
def test_a_short_series_of_long_holdings_is_covered_too(n, horizon):
    # A year of overlapping months: the normal 1.96 errors would cover 80 %, 88 % and 90 %.
    rng, covered = np.random.default_rng(2), 0
    for _ in range(600):
        values = np.convolve(rng.normal(size=n + horizon - 1), np.ones(horizon), "valid")
        estimate = s.mean_with_interval(pd.Series(values), horizon=horizon)
        covered += estimate.low <= 0.0 <= estimate.high
    assert 0.915 <= covered / 600 <= 0.985  # nominal 95 %, 4 standard errors of .9 %


@pytest.mark.parametrize("method", ["newey-west", "bootstrap"])
def test_intervals_cover_despite_overlap(method):
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        series = overlapping(rng, n=600, mean=0.02)
        if method == "newey-west":
            estimate = s.mean_with_interval(series, horizon=5)
        else:
            estimate = s.block_bootstrap(series, np.mean, block=20, draws=200, rng=rng)
        covered += estimate.low <= 0.02 <= estimate.high
    # Nominal 95 %; a naive interval covers 62 % here (its error is √5 too small).
    assert 0.87 <= covered / 200 <= 0.99


def test_fewer_lags_than_four_horizons_are_refused():
    with pytest.raises(InputError, match="at least 4 horizons = 20 sessions, got 5"):
        s.mean_with_interval(pd.Series(range(100)), horizon=5, lags=5)


def test_too_few_values_have_no_interval():
    estimate = s.mean_with_interval(pd.Series([0.01] * 10), horizon=5)
    assert not estimate.bounded
    assert "too few" in estimate.note
    assert not s.block_bootstrap(
        pd.Series([1.0, 2.0]), np.mean, block=5, draws=10, rng=np.random.default_rng(0)
    ).bounded


def test_bootstrap_keeps_rows_together():
    values = np.random.default_rng(2).normal(size=200)
    frame = pd.DataFrame({"a": values, "b": -values})
    estimate = s.block_bootstrap(
        frame, lambda drawn: drawn.sum(axis=1).max(), block=10, draws=50, rng=np.random.default_rng(3)
    )
    assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_minimum_detectable_is_2_49_standard_errors():
    assert s.minimum_detectable(0.01) == pytest.approx(0.0249, abs=5e-5)  # (1.645 + 0.842) · 0.01


def test_sharpe_by_hand():
    returns = pd.Series([0.01, -0.01, 0.02, 0.0])
    # mean 0.005, standard deviation √(5e-4 / 3) = 0.01291: 0.3873 a day, × √252 = 6.148.
    estimate = s.sharpe_with_interval(returns)
    assert estimate.value == pytest.approx(0.005 / math.sqrt(5e-4 / 3) * math.sqrt(252))
    assert estimate.low < estimate.value < estimate.high


def test_probabilistic_sharpe_is_half_at_its_own_sharpe():
    returns = pd.Series(np.random.default_rng(4).normal(0.001, 0.01, 500))
    assert s.probabilistic_sharpe(returns, benchmark=returns.mean() / returns.std()) == pytest.approx(0.5)
    assert math.isnan(s.probabilistic_sharpe(pd.Series([0.01, 0.01, 0.01])))


def test_deflated_sharpe_of_the_paper():
    # Bailey and López de Prado (2014), numerical example: 100 trials, 1250 days, variance of annual Sharpes 1/2,
    # best annual Sharpe 2.5, skewness −3, kurtosis 10 give SR0 = 0.1132 a day and DSR = 0.9004.
    threshold = math.sqrt(1 / (2 * 250)) * s.expected_maximum(100)
    assert threshold == pytest.approx(0.1132, abs=5e-5)
    daily = 2.5 / math.sqrt(250)
    error = math.sqrt((1 + 3 * daily + 9 / 4 * daily**2) / 1249)
    assert stats.norm.cdf((daily - threshold) / error) == pytest.approx(0.9004, abs=5e-5)


def test_more_trials_deflate_more():
    returns = pd.Series(np.random.default_rng(5).normal(0.001, 0.01, 500))
    deflated = [s.deflated_sharpe(returns, trials=n, variance_of_trials=0.002) for n in (1, 2, 10, 100)]
    assert deflated[0] == s.probabilistic_sharpe(returns)
    assert deflated == sorted(deflated, reverse=True)
    assert deflated[3] < deflated[0]


def test_the_expected_maximum_is_that_of_a_simulation():
    simulated = np.random.default_rng(6).normal(size=(20_000, 50)).max(axis=1).mean()
    assert s.expected_maximum(50) == pytest.approx(simulated, abs=0.03)


def test_effective_number_counts_copies_once():
    rng = np.random.default_rng(7)
    one = pd.Series(rng.normal(size=2000))
    copies = pd.DataFrame(dict.fromkeys(range(5), one))
    assert s.effective_number(copies) == pytest.approx(1.0, abs=1e-6)
    independent = pd.DataFrame(rng.normal(size=(2000, 5)))
    assert s.effective_number(independent) == pytest.approx(5.0, abs=0.02)
    assert 1 < s.effective_number(independent.add(2 * one, axis=0)) < 4.6


def test_false_discovery_by_hand():
    adjusted = s.false_discovery(pd.Series({"a": 0.01, "b": np.nan, "c": 0.04, "d": 0.03, "e": 0.5}))
    # Four p-values: 0.01·4/1 = 0.04; 0.03·4/2 = 0.06, but 0.04·4/3 = 0.0533 comes after it and is smaller; 0.5·4/4.
    assert adjusted.drop("b").tolist() == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert np.isnan(adjusted["b"])


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.0211, -0.0042, 0.0464, 100), "0.021 [−0.004, 0.046]"),
        (Estimate(0.82, -0.1, 1.74, 100), "0.82 [−0.10, 1.74]"),
        (Estimate(-0.01, math.nan, math.nan, 3), "−0.010 [no interval]"),
        (Estimate(math.nan, math.nan, math.nan, 0), "n/a [no interval]"),
    ],
)
def test_an_estimate_prints_as_many_figures_as_it_has(estimate, text):
    assert str(estimate) == text


def test_the_number_of_complete_trials_is_that_of_any_trials():
    rng = np.random.default_rng(21)
    common = rng.normal(size=(300, 1))
    returns = pd.DataFrame(0.7 * common + rng.normal(size=(300, 6)))
    returns[6] = 0.0  # never traded
    with_a_gap = pd.concat([returns, pd.DataFrame(np.nan, index=[300], columns=returns.columns)])
    assert s.effective_number(returns) == pytest.approx(s.effective_number(with_a_gap), rel=1e-12)


def test_the_correlation_of_trials_of_different_spans_is_that_of_pandas():
    rng = np.random.default_rng(22)
    values = 5.0 + rng.normal(size=(300, 8)) + rng.normal(size=(300, 1))
    values[rng.random(values.shape) < 0.1] = np.nan
    values[:, 1] = 0.3  # never moved
    values[:120, 2] = np.nan
    values[100:, 3] = np.nan
    values[:, 4] = np.nan
    returns = pd.DataFrame(values)
    returns[8] = returns[0].where(returns.index > 285)  # shares fewer than 20 rows with anybody
    expected = returns.corr(min_periods=20).fillna(0.0).to_numpy(copy=True)
    np.fill_diagonal(expected, 1.0)
    eigenvalues = np.clip(np.linalg.eigvalsh(expected), 0.0, None)
    assert s.effective_number(returns) == pytest.approx(np.sqrt(eigenvalues).sum() ** 2 / eigenvalues.sum(), rel=1e-9)
