"""Correlation of a candidate with what is held in its sector."""

from __future__ import annotations

import math

from alphalib.compiled import Floats, Ints, compiled


@compiled
def pair_correlation(returns: Floats, end: int, window: int, one: int, other: int) -> float:
    """Pearson correlation of two columns over the `window` rows before row `end`, aligned by row.

    Rows where either is missing are left out; NaN when less than half the window is left or either never varies.
    """
    count, mean_one, mean_other = 0, 0.0, 0.0
    start = max(end - window, 0)
    for row in range(start, end):
        x, y = returns[row, one], returns[row, other]
        if not (math.isnan(x) or math.isnan(y)):
            count += 1
            mean_one += x
            mean_other += y
    if 2 * count < window:
        return math.nan
    mean_one /= count
    mean_other /= count
    covariance, square_one, square_other = 0.0, 0.0, 0.0
    for row in range(start, end):
        x, y = returns[row, one] - mean_one, returns[row, other] - mean_other
        if not (math.isnan(x) or math.isnan(y)):
            covariance += x * y
            square_one += x * x
            square_other += y * y
    spread = square_one * square_other
    return covariance / math.sqrt(spread) if spread > 0.0 else math.nan


@compiled
def mean_correlation(returns: Floats, end: int, window: int, name: int, peers: Ints) -> float:
    """Mean of the correlations of one column with each of its peers; NaN when none is defined. [correlation]

    Parameters
    ----------
    returns : array, T × N
        Daily total returns, NaN where missing. [fraction]
    end : int
        Row after the last one used.
    window : int
        Rows used. [sessions]
    name : int
        Column of the candidate.
    peers : array of int
        Columns compared with.
    """
    total, count = 0.0, 0
    for peer in peers:
        value = pair_correlation(returns, end, window, name, peer)
        if not math.isnan(value):
            total += value
            count += 1
    return total / count if count else math.nan
