"""Intervals, power and multiplicity: what an observed mean, Sharpe or table of p-values supports. Pure functions."""

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.errors import InputError
from alphalib.evidence.estimate import Estimate
from alphalib.sessions import SESSIONS_PER_YEAR

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

DETECTABLE = float(stats.norm.ppf(0.95) + stats.norm.ppf(0.80))  # 2.49: 5 % one-sided, 80 % power
NO_EVIDENCE = math.nan


def mean_with_interval(series: pd.Series, *, horizon: int, lags: int | None = None, level: float = 0.95) -> Estimate:
    """Mean of a series whose neighbours overlap, with a Newey–West interval.

    Parameters
    ----------
    series : Series
        One value a session, such as per-date ICs; NaN are left out.
    horizon : int
        Sessions that neighbouring outcomes share. [sessions]
    lags : int, optional
        Autocovariances counted, 4·horizon at least, which is the default. [sessions]
    level : float
        Coverage of the two-sided interval. [fraction]

    Returns
    -------
    Estimate
        NaN interval where there are not more values than twice the lags.

    Notes
    -----
    Newey and West (1987), https://doi.org/10.2307/1913610. The lags reach far beyond the overlap because predictions
    themselves persist. With so many of them the standard error is itself uncertain, and too small on average: with 84
    lags of 252 values a nominal 95 % would hold the truth in 80 % of all cases. It is widened by what Kiefer and
    Vogelsang found for lags that are a fixed share of the values.
    """
    lags = 4 * horizon if lags is None else lags
    if lags < 4 * horizon:
        raise InputError(f"lags must be at least 4 horizons = {4 * horizon} sessions, got {lags}")
    values = series.dropna().to_numpy(dtype=float)
    method = f"Newey–West, {lags} lags, {level:.0%}"
    if len(values) <= 2 * lags:
        mean = float(values.mean()) if len(values) else NO_EVIDENCE
        note = f"{len(values)} values are too few for {lags} lags"
        return Estimate(mean, NO_EVIDENCE, NO_EVIDENCE, len(values), method=method, note=note)
    error = newey_west_error(values, lags=lags) * _widened((lags + 1) / len(values))
    mean = float(values.mean())
    reach = float(stats.norm.ppf((1 + level) / 2)) * error
    return Estimate(mean, mean - reach, mean + reach, len(values), error, method)


def newey_west_error(values: Floats, *, lags: int) -> float:
    """Standard error of the mean of `values` with Bartlett weights on the first `lags` autocovariances."""
    n = len(values)
    deviation = values - values.mean()
    variance = deviation @ deviation / n
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (deviation[lag:] @ deviation[:-lag]) / n
    return math.sqrt(max(variance, 0.0) / (n - 1))


def _widened(share: float) -> float:
    """Critical value of a two-sided 5 % test with Bartlett weights on a share of the values, over the normal one.

    Kiefer and Vogelsang (2005), table 1, https://doi.org/10.1017/S0266466605050565.
    """
    return (1.9600 + 2.9694 * share + 0.4160 * share**2 - 0.5324 * share**3) / 1.9600


def block_bootstrap(
    series: pd.Series | pd.DataFrame,
    statistic: Callable[[Floats], float],
    *,
    block: int,
    draws: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Estimate:
    """A statistic with the percentile interval of a circular block bootstrap over dates.

    Parameters
    ----------
    series : Series or DataFrame
        Sessions down; a frame's rows stay together, so that what happened on one date is drawn as one. Rows with NaN
        are left out.
    statistic : callable
        From an array in the shape of `series` to a number.
    block : int
        Neighbouring sessions drawn together; a few horizons. [sessions]
    draws : int
        Resamples.
    rng : Generator
        Randomness.
    level : float
        Coverage of the two-sided interval. [fraction]

    Returns
    -------
    Estimate
        NaN interval where there are fewer than two blocks.

    Notes
    -----
    Politis and Romano (1992), in LePage and Billard, Exploring the Limits of Bootstrap, 263–270.
    """
    if block < 1 or draws < 1:
        raise InputError(f"block and draws must be at least 1, got {block} and {draws}")
    values = series.dropna().to_numpy(dtype=float)
    n, method = len(values), f"block bootstrap, blocks of {block}, {draws} draws, {level:.0%}"
    if n < 2 * block:
        value = float(statistic(values)) if n else NO_EVIDENCE
        note = f"{n} values are too few for blocks of {block}"
        return Estimate(value, NO_EVIDENCE, NO_EVIDENCE, n, method=method, note=note)
    drawn = np.empty(draws)
    within = np.arange(block)
    for draw in range(draws):
        starts = rng.integers(n, size=-(-n // block))
        drawn[draw] = statistic(values[((starts[:, None] + within) % n).ravel()[:n]])
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(statistic(values)), float(low), float(high), n, float(np.nanstd(drawn)), method)


def bootstrap_means(values: Floats, *, block: int, draws: int, rng: np.random.Generator, size: int = 0) -> Floats:
    """Means of circular block resamples: those of `block_bootstrap`, a hundred times as fast.

    Parameters
    ----------
    values : array
        One a session, without gaps.
    block : int
        Neighbouring sessions drawn together. [sessions]
    draws : int
        Resamples.
    rng : Generator
        Randomness.
    size : int
        Length of a resample; 0 for that of `values`. [sessions]

    Returns
    -------
    array, one a draw
    """
    size = size or len(values)
    block = min(block, size)
    count, rest = divmod(size, block)
    wrapped = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[: block - 1]]))])
    starts = rng.integers(len(values), size=(draws, count + bool(rest)))
    total = (wrapped[block:] - wrapped[:-block])[starts[:, :count]].sum(axis=1)
    if rest:
        total += (wrapped[rest:] - wrapped[:-rest])[starts[:, -1]]
    return np.asarray(total / size)


def minimum_detectable(standard_error: float) -> float:
    """Smallest true effect that a one-sided 5 % test finds four times out of five: 2.49 standard errors.

    Parameters
    ----------
    standard_error : float
        Of the estimate, in its unit.

    Returns
    -------
    float
        In the same unit.
    """
    return DETECTABLE * standard_error


def sharpe_with_interval(returns: pd.Series, *, level: float = 0.95) -> Estimate:
    """Annualised Sharpe ratio of daily returns, with an interval that knows their skewness and kurtosis.

    Parameters
    ----------
    returns : Series
        Daily returns above the cash rate; NaN are left out. [fraction]
    level : float
        Coverage of the two-sided interval. [fraction]

    Returns
    -------
    Estimate
        [per √year]

    Notes
    -----
    Lo (2002), https://doi.org/10.2469/faj.v58.n4.2453, with the moments of Mertens (2002), "Comments on variance of the
    IID estimator in Lo". Returns are taken as independent of one another; overlapping ones need `block_bootstrap`.
    """
    values, ratio = _ratio(returns)
    if not math.isfinite(ratio):
        return Estimate(NO_EVIDENCE, NO_EVIDENCE, NO_EVIDENCE, len(values), note="too few returns, or no spread")
    yearly = SESSIONS_PER_YEAR**0.5
    error = _sharpe_error(values, ratio) * yearly
    reach = float(stats.norm.ppf((1 + level) / 2)) * error
    return Estimate(
        ratio * yearly, ratio * yearly - reach, ratio * yearly + reach, len(values), error, f"Mertens, {level:.0%}"
    )


def probabilistic_sharpe(returns: pd.Series, *, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio exceeds `benchmark`.

    Parameters
    ----------
    returns : Series
        Daily returns above the cash rate; NaN are left out. [fraction]
    benchmark : float
        Sharpe ratio to beat, not annualised. [per √session]

    Returns
    -------
    float
        NaN with fewer than three returns, or without spread. [probability]

    Notes
    -----
    Bailey and López de Prado (2012), https://doi.org/10.21314/JOR.2012.255.
    """
    values, ratio = _ratio(returns)
    if not math.isfinite(ratio):
        return NO_EVIDENCE
    return float(stats.norm.cdf((ratio - benchmark) / _sharpe_error(values, ratio)))


def deflated_sharpe(returns: pd.Series, *, trials: float, variance_of_trials: float) -> float:
    """Probability that the true Sharpe ratio exceeds what the best of `trials` skilless ones would have shown.

    Parameters
    ----------
    returns : Series
        Daily returns of the chosen trial above the cash rate. [fraction]
    trials : float
        Effective number tried, from the ledger. [trials]
    variance_of_trials : float
        Variance of their daily, not annualised, Sharpe ratios; see `sharpe_variance`. [per session]

    Returns
    -------
    float
        [probability]

    Notes
    -----
    Bailey and López de Prado (2014), https://doi.org/10.3905/jpm.2014.40.5.094.
    """
    if variance_of_trials < 0:
        raise InputError(f"a variance is not negative, got {variance_of_trials}")
    return probabilistic_sharpe(returns, benchmark=math.sqrt(variance_of_trials) * expected_maximum(trials))


def expected_maximum(trials: float) -> float:
    """Expected largest of `trials` standard normal values, as approximated in the deflated Sharpe ratio; 0 for one."""
    if trials < 1:
        raise InputError(f"at least one trial was made, got {trials}")
    if trials == 1:
        return 0.0
    upper = stats.norm.ppf(1 - 1 / trials)
    further = stats.norm.ppf(1 - 1 / (trials * math.e))
    return max(float((1 - np.euler_gamma) * upper + np.euler_gamma * further), 0.0)


def sharpe_variance(returns: pd.DataFrame) -> float:
    """Variance of the daily Sharpe ratios of several trials; NaN with fewer than two.

    Parameters
    ----------
    returns : DataFrame
        Sessions down, trials across; daily. [fraction]

    Returns
    -------
    float
        [per session]
    """
    spread = returns.std()
    return float((returns.mean() / spread.where(spread > 0)).var())


def effective_number(returns: pd.DataFrame) -> float:
    """How many independent trials a set of correlated ones amounts to.

    Parameters
    ----------
    returns : DataFrame
        Sessions down, trials across.

    Returns
    -------
    float
        From 1, all alike, to the number of columns, all uncorrelated; 0 without columns. [trials]

    Notes
    -----
    (Σ√λ)² / Σλ over the eigenvalues λ of the correlation matrix: Galwey (2009), https://doi.org/10.1002/gepi.20408. A
    pair that shares fewer than 20 sessions counts as uncorrelated, which errs on the side of more trials. With more
    trials than sessions the matrix is short of rank and the number too small; `Ledger.count` is then the honest one.
    """
    if returns.shape[1] < 2:
        return float(returns.shape[1])
    correlation = _pairwise_correlation(returns.to_numpy(dtype=float), fewest=20)
    np.fill_diagonal(correlation, 1.0)
    eigenvalues = np.clip(np.linalg.eigvalsh(correlation), 0.0, None)
    return float(np.sqrt(eigenvalues).sum() ** 2 / eigenvalues.sum())


def _pairwise_correlation(values: Floats, *, fewest: int) -> Floats:
    """Correlation of each pair over the rows it shares; 0 with fewer than `fewest` of them, or without variance.

    What `DataFrame.corr` gives, by matrix products: with a thousand trials a hundred times as fast.
    """
    shared = ~np.isnan(values)
    known = shared.astype(float)
    number = known.sum(axis=0)
    # Near their means, sums of squares lose no digits; a column that never moved is 0 throughout.
    mean = np.where(shared, values, 0.0).sum(axis=0) / np.maximum(number, 1.0)
    moved = np.nanmax(values, axis=0, initial=-np.inf) > np.nanmin(values, axis=0, initial=np.inf)
    centred = np.where(shared & moved, values - mean, 0.0)
    pairs = np.maximum(known.T @ known, 1.0)
    sums, squares = centred.T @ known, (centred**2).T @ known
    covariance = centred.T @ centred - sums * sums.T / pairs
    variance = np.clip(squares - sums**2 / pairs, 0.0, None)
    scale = np.sqrt(variance * variance.T)
    enough = (pairs >= fewest) & (variance > 1e-12 * squares) & (variance.T > 1e-12 * squares.T)
    return np.where(enough, covariance / np.where(enough, scale, 1.0), 0.0)


def false_discovery(p_values: pd.Series, *, method: Literal["bh", "by"] = "bh") -> pd.Series:
    """p-values adjusted so that keeping those below q leaves an expected share q of false ones among the kept.

    Parameters
    ----------
    p_values : Series
        One a hypothesis; NaN stay NaN and are not counted. [probability]
    method : {"bh", "by"}
        Benjamini–Hochberg, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x, or Benjamini–Yekutieli,
        https://doi.org/10.1214/aos/1013699998, which holds under any dependence.

    Returns
    -------
    Series
        [probability]
    """
    adjusted = p_values.astype(float).copy()
    known = adjusted.notna()
    if known.any():
        adjusted[known] = stats.false_discovery_control(adjusted[known].to_numpy(), method=method)
    return adjusted


def _ratio(returns: pd.Series) -> tuple[Floats, float]:
    """Known returns and their daily Sharpe ratio; NaN with fewer than three or without spread."""
    values = returns.dropna().to_numpy(dtype=float)
    if len(values) < 3 or np.ptp(values) == 0:
        return values, NO_EVIDENCE
    return values, float(values.mean() / values.std(ddof=1))


def _sharpe_error(values: Floats, ratio: float) -> float:
    """Standard error of a daily Sharpe ratio, by Mertens; [per √session]."""
    skewness, kurtosis = stats.skew(values), stats.kurtosis(values, fisher=False)
    return math.sqrt((1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2) / (len(values) - 1))
