"""Correlation of a candidate with what is held in its sector.

The mean correlation with many peers is one product: that of the candidate's standardised window with the sum of theirs.
It takes whole windows; a window with gaps is compared pair by pair.
"""

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
def mean_correlation(
    returns: Floats, end: int, window: int, name: int, peers: Ints, whole: int, together: Floats
) -> float:
    """Mean of the correlations of one column with each of its peers; NaN when none is defined. [correlation]

    Parameters
    ----------
    returns : array, T × N
        Daily total returns, NaN where missing; column by column in memory. [fraction]
    end : int
        Row after the last one used.
    window : int
        Rows used. [sessions]
    name : int
        Column of the candidate.
    peers : array of int
        Columns compared with.
    whole, together : int, array
        How many of the first peers `add_up` has found whole, and the sum of their standardised windows.
    """
    total, count = 0.0, 0
    if whole > 0:
        column, mean = column_and_mean(returns, end, window, name)
        product, spread = product_and_spread(column, mean, together)
        if spread > 0.0:
            total, count = product / math.sqrt(spread), whole
    for peer in peers[count:]:
        value = pair_correlation(returns, end, window, name, peer)
        if not math.isnan(value):
            total += value
            count += 1
    return total / count if count else math.nan


@compiled
def add_up(returns: Floats, end: int, window: int, peers: Ints, together: Floats) -> int:
    """Sum the standardised windows of the peers that have whole ones into `together`, and sort those peers first.

    Returns
    -------
    int
        How many they are; a window that never varies is not whole.
    """
    together[:] = 0.0
    whole = 0
    for place in range(len(peers)):
        peer = peers[place]
        column, mean = column_and_mean(returns, end, window, peer)
        _, spread = product_and_spread(column, mean, together)
        if spread > 0.0:
            scale = 1.0 / math.sqrt(spread)
            for row in range(window):
                together[row] += (column[row] - mean) * scale
            peers[place], peers[whole] = peers[whole], peer
            whole += 1
    return whole


@compiled
def highest_correlation(together: Floats, whole: int, peers: int) -> float:
    """Bound on the mean correlation of any whole window with peers that `add_up` has added. [correlation]

    By Cauchy and Schwarz it is the length of their mean, the root of 1/k + (1 − 1/k) × their own mean correlation: many
    peers that are not alike themselves leave nothing that could be alike to all. Infinite when a peer has no whole
    window, and below everything without peers.
    """
    if whole < peers:
        return math.inf
    if peers == 0:
        return -math.inf
    square = 0.0
    for value in together:
        square += value * value
    return math.sqrt(square) / whole + 1e-9  # more than rounding can add


@compiled
def column_and_mean(returns: Floats, end: int, window: int, name: int) -> tuple[Floats, float]:
    """A column's window and its mean, NaN when a row of it is missing or does not exist yet. [fraction]"""
    column = returns.T[name, max(end - window, 0) : end]
    if len(column) < window:
        return column, math.nan
    # Four sums at a time: a processor need not wait for one addition before the next.
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    fours = window - window % 4
    for row in range(0, fours, 4):
        a += column[row]
        b += column[row + 1]
        c += column[row + 2]
        d += column[row + 3]
    for row in range(fours, window):
        a += column[row]
    return column, ((a + b) + (c + d)) / window


@compiled
def product_and_spread(column: Floats, mean: float, together: Floats) -> tuple[float, float]:
    """Product of a window's deviations with `together`, and their sum of squares; NaN when its mean is."""
    if math.isnan(mean):
        return math.nan, math.nan
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    e, f, g, h = 0.0, 0.0, 0.0, 0.0
    fours = len(column) - len(column) % 4
    for row in range(0, fours, 4):
        x, y, z, w = column[row] - mean, column[row + 1] - mean, column[row + 2] - mean, column[row + 3] - mean
        a += x * together[row]
        b += y * together[row + 1]
        c += z * together[row + 2]
        d += w * together[row + 3]
        e += x * x
        f += y * y
        g += z * z
        h += w * w
    for row in range(fours, len(column)):
        x = column[row] - mean
        a += x * together[row]
        e += x * x
    return (a + b) + (c + d), (e + f) + (g + h)
