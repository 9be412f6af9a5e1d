"""Rolling variance, skewness and kurtosis from two-sided sums around a pivot.

Blocks as in `sums`. Powers are of distances from a pivot that is itself a value of the window: the block's first value,
and while the block has none, the latest before it. So a constant window has spread 0 to the bit, at most a factor of
the window's length is lost to rounding, and no value outside the window, however large, touches the result.
"""

import numpy as np

from alphalib.compiled import Floats, kernel, kernel_part, stamp
from alphalib.features.engine import values
from alphalib.features.engine.values import FLAT, first_value, latest_value


@kernel
def rolling_variance(x: Floats, window: int, first: int, root: bool, out: Floats, sources: int = stamp(values)) -> None:
    """Variance with n − 1, or its root; at least two values."""
    names, sessions = x.shape
    sums, tails = np.empty((3, sessions)), np.empty((3, sessions))
    for name in range(names):
        row, result = x[name], out[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            start = begin
            while start < end:  # once for the block, or before its first value and from there
                stop, pivot = end, row[start]
                if not abs(pivot) < np.inf:
                    stop, pivot = first_value(row, start, end), latest_value(row, begin, window)
                _tails(row, begin, window, pivot, tails)
                _forward(row, start, stop, window, pivot, tails, sums)
                start = stop
            begin, end = end, min(end + window, sessions)
        for t in range(sessions):
            count, shift, square = sums[0, t], sums[1, t], sums[2, t]
            spread = count * square - shift * shift
            variance = max(spread, 0.0) / (count * (count - 1.0))
            answer = np.sqrt(variance) if root else variance
            result[t] = answer if count >= 2.0 and abs(spread) < np.inf else np.nan


@kernel_part
def _tails(row: Floats, begin: int, window: int, pivot: float, tails: Floats) -> None:
    """Sums from each of the window − 1 sessions before `begin` up to it."""
    count, shift, square = 0.0, 0.0, 0.0
    tails[0, begin], tails[1, begin], tails[2, begin] = count, shift, square
    for t in range(begin - 1, max(begin - window, -1), -1):
        distance = row[t] - pivot
        if abs(row[t]) < np.inf:
            count += 1.0
            shift += distance
            square += distance * distance
        tails[0, t], tails[1, t], tails[2, t] = count, shift, square


@kernel_part
def _forward(row: Floats, start: int, end: int, window: int, pivot: float, tails: Floats, sums: Floats) -> None:
    """Sums over the windows that end in start … end − 1, of the block that begins at `begin`."""
    count, shift, square = 0.0, 0.0, 0.0
    for t in range(start, end):
        distance = row[t] - pivot
        if abs(row[t]) < np.inf:
            count += 1.0
            shift += distance
            square += distance * distance
        oldest = max(t - window + 1, 0)
        sums[0, t] = count + tails[0, oldest]
        sums[1, t] = shift + tails[1, oldest]
        sums[2, t] = square + tails[2, oldest]


@kernel
def rolling_shape(x: Floats, window: int, first: int, fourth: bool, out: Floats, sources: int = stamp(values)) -> None:
    """Unbiased skewness (at least three values), or excess kurtosis (four), as in pandas; missing without spread."""
    names, sessions = x.shape
    sums, tails = np.empty((6, sessions)), np.empty((5, sessions))
    for name in range(names):
        row, result = x[name], out[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            start = begin
            while start < end:  # once for the block, or before its first value and from there
                stop, pivot = end, row[start]
                if not abs(pivot) < np.inf:
                    stop, pivot = first_value(row, start, end), latest_value(row, begin, window)
                _power_tails(row, begin, window, pivot, tails)
                _power_forward(row, start, stop, window, pivot, tails, sums)
                start = stop
            begin, end = end, min(end + window, sessions)
        for t in range(sessions):
            result[t] = _shape(sums[:, t], fourth)


@kernel_part
def _power_tails(row: Floats, begin: int, window: int, pivot: float, tails: Floats) -> None:
    """As `_tails`, up to the fourth power."""
    count, one, two, three, four = 0.0, 0.0, 0.0, 0.0, 0.0
    for power in range(5):
        tails[power, begin] = 0.0
    for t in range(begin - 1, max(begin - window, -1), -1):
        if abs(row[t]) < np.inf:
            distance = row[t] - pivot
            square = distance * distance
            count += 1.0
            one += distance
            two += square
            three += square * distance
            four += square * square
        tails[0, t], tails[1, t], tails[2, t], tails[3, t], tails[4, t] = count, one, two, three, four


@kernel_part
def _power_forward(row: Floats, start: int, end: int, window: int, pivot: float, tails: Floats, sums: Floats) -> None:
    """As `_forward`, up to the fourth power, with the pivot after them."""
    count, one, two, three, four = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(start, end):
        if abs(row[t]) < np.inf:
            distance = row[t] - pivot
            square = distance * distance
            count += 1.0
            one += distance
            two += square
            three += square * distance
            four += square * square
        oldest = max(t - window + 1, 0)
        sums[0, t] = count + tails[0, oldest]
        sums[1, t] = one + tails[1, oldest]
        sums[2, t] = two + tails[2, oldest]
        sums[3, t] = three + tails[3, oldest]
        sums[4, t] = four + tails[4, oldest]
        sums[5, t] = pivot


@kernel_part
def _shape(sums: Floats, fourth: bool) -> float:
    """Skewness or excess kurtosis from count, sums of powers around the pivot, and the pivot."""
    n, pivot = sums[0], sums[5]
    if n < (4.0 if fourth else 3.0):
        return np.nan
    a, b, c, d = sums[1] / n, sums[2] / n, sums[3] / n, sums[4] / n
    variance = b - a * a
    level = FLAT * abs(pivot + a)
    if not variance > level * level:
        return np.nan
    if fourth:
        ratio = (d - 4.0 * a * c + 6.0 * a * a * b - 3.0 * a * a * a * a) / (variance * variance)
        answer = ((n * n - 1.0) * ratio - 3.0 * (n - 1.0) * (n - 1.0)) / ((n - 2.0) * (n - 3.0))
    else:
        ratio = (c - 3.0 * a * b + 2.0 * a * a * a) / (variance * np.sqrt(variance))
        answer = ratio * np.sqrt(n * (n - 1.0)) / (n - 2.0)
    return answer if abs(answer) < np.inf else np.nan
