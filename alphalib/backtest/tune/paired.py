"""Books beside the book in use, session by session: differences at equal risk, and bounds that know who was compared.

Everything takes and gives plain arrays, sessions down and settings across, so that a look costs milliseconds.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from alphalib.sessions import SESSIONS_PER_YEAR

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def equal_risk_difference(returns: Floats, current: Floats) -> Floats:
    """Returns of each setting, scaled to the volatility of the book in use, minus that book's, over its volatility.

    Its mean is the difference of two daily Sharpe ratios: a setting that only holds more of the same gains nothing.

    Parameters
    ----------
    returns : ndarray, shape (sessions, settings)
        Daily. [fraction]
    current : ndarray, shape (sessions,)
        Of the book in use. [fraction]

    Returns
    -------
    ndarray, shape (sessions, settings)
        NaN for a setting, or everywhere for a book in use, that never moves. [standard deviations a session]
    """
    own, beside = current.std(ddof=1), returns.std(axis=0, ddof=1)
    scaled = returns / np.where(beside > 0, beside, np.nan)
    return np.asarray(scaled - (current / (own if own > 0 else np.nan))[:, None])


def drawn_means(values: Floats, *, block: int, draws: int, rng: np.random.Generator) -> Floats:
    """Means of circular block resamples, the same sessions for every column.

    Returns
    -------
    ndarray, shape (draws, columns)
        In the unit of `values`.
    """
    count = len(values)
    longer = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(np.vstack([values, values[:block]]), axis=0)])
    of_block = longer[block : block + count] - longer[:count]
    blocks = -(-count // block)
    starts = rng.integers(count, size=(draws, blocks))
    return np.asarray(of_block[starts].sum(axis=1) / (blocks * block))


def simultaneous_bounds(
    values: Floats, *, level: float, block: int, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Lower bounds of the means that hold for all columns at once with probability 1 − `level`, and standard errors.

    Parameters
    ----------
    values : ndarray, shape (sessions, columns)
        Paired differences.
    level : float
        One-sided error over all columns together. [probability]
    block : int
        Of the bootstrap. [sessions]
    draws : int
        Resamples.
    rng : Generator
        Of the bootstrap.

    Returns
    -------
    bounds, errors : ndarray, shape (columns,)
        In the unit of `values`.

    Notes
    -----
    The largest of the standardised resampled means gives the quantile: White (2000),
    https://doi.org/10.1111/1468-0262.00152; Romano and Wolf (2005), https://doi.org/10.1111/j.1468-0262.2005.00615.x.
    A resample of b blocks varies by (b − 1)/b too little, which is given back.
    """
    mean = values.mean(axis=0)
    drawn = drawn_means(values, block=block, draws=draws, rng=rng)
    blocks = -(-len(values) // block)
    errors = drawn.std(axis=0, ddof=1) * (blocks / max(blocks - 1, 1)) ** 0.5
    away = (drawn - mean) * (blocks / max(blocks - 1, 1)) ** 0.5 / np.where(errors > 0, errors, np.inf)
    reach = float(np.quantile(away.max(axis=1), 1 - level))
    return mean - reach * errors, errors


def drawdowns(returns: Floats) -> Floats:
    """Maximum drawdown of each column, the starting value being the first peak. [fraction, ≤ 0]"""
    wealth = np.cumprod(1.0 + returns, axis=0)
    peaks = np.maximum(np.maximum.accumulate(wealth, axis=0), 1.0)
    return np.asarray((wealth / peaks).min(axis=0) - 1.0)


def alphas(returns: Floats, market: Floats) -> tuple[Floats, Floats]:
    """Return a year that the market does not explain, by column, and its standard error. [fraction]

    NaN when the market never moves.
    """
    centred = market - market.mean()
    variance = float(np.mean(centred**2))
    beta = centred @ returns / len(market) / (variance if variance > 0 else np.nan)
    daily = returns.mean(axis=0) - beta * market.mean()
    residual = returns - daily - market[:, None] * beta
    error = residual.std(axis=0, ddof=2) * np.sqrt((1 + market.mean() ** 2 / max(variance, 1e-300)) / len(market))
    return daily * SESSIONS_PER_YEAR, error * SESSIONS_PER_YEAR
