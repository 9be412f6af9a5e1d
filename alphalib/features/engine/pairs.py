"""Rolling correlation, covariance and regression of two inputs, over the sessions on which both have a value.

Blocks and pivots as in `moments`; the pivot is the first session of the block on which both have a value.
"""

import numpy as np

from alphalib.compiled import Floats, kernel, kernel_part, stamp
from alphalib.features.engine import values
from alphalib.features.engine.values import FLAT

CORRELATION, COVARIANCE, SLOPE, RESIDUAL = range(4)

# Rows of the sums of a window: number of pairs, Σ dx, Σ dy, Σ dx², Σ dy², Σ dx · dy, d = distance from the pivot; then
# the two pivots.
_COUNT, _X, _Y, _XX, _YY, _XY, _PIVOT_X, _PIVOT_Y = range(8)


@kernel
def rolling_pair(
    x: Floats, y: Floats, window: int, first: int, kind: int, out: Floats, sources: int = stamp(values)
) -> None:
    """Correlation, covariance with n − 1, slope of x on y, or the last session's residual of it; at least two pairs.

    Correlation is missing where either has no spread, slope and residual where y has none; the residual also on
    sessions without a pair.
    """
    names, sessions = x.shape
    sums, tails = np.empty((8, sessions)), np.empty((6, sessions))
    for name in range(names):
        left, right = x[name], y[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            start = begin
            while start < end:  # once for the block, or before its first pair and from there
                stop, pivot = end, start
                if not (abs(left[start]) < np.inf and abs(right[start]) < np.inf):
                    stop, pivot = _first_pair(left, right, start, end), _latest_pair(left, right, begin, window)
                _tails(left, right, begin, window, pivot, tails)
                _forward(left, right, start, stop, window, pivot, tails, sums)
                start = stop
            begin, end = end, min(end + window, sessions)
        if kind == CORRELATION:
            _correlation(sums, out[name])
        elif kind == COVARIANCE:
            _covariance(sums, out[name])
        else:
            _regression(sums, left, right, kind == RESIDUAL, out[name])


@kernel_part
def _first_pair(left: Floats, right: Floats, begin: int, end: int) -> int:
    """Column of the first pair in begin … end − 1, or end."""
    for t in range(begin, end):
        if abs(left[t]) < np.inf and abs(right[t]) < np.inf:
            return t
    return end


@kernel_part
def _latest_pair(left: Floats, right: Floats, begin: int, window: int) -> int:
    """Column of the latest pair in the window − 1 sessions before `begin`; `begin` when there is none."""
    for t in range(begin - 1, max(begin - window, -1), -1):
        if abs(left[t]) < np.inf and abs(right[t]) < np.inf:
            return t
    return begin


@kernel_part
def _tails(left: Floats, right: Floats, begin: int, window: int, pivot: int, tails: Floats) -> None:
    """Sums from each of the window − 1 sessions before `begin` up to it."""
    count, x, y, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    pivot_x, pivot_y = left[pivot], right[pivot]
    for kind in range(6):
        tails[kind, begin] = 0.0
    for t in range(begin - 1, max(begin - window, -1), -1):
        if abs(left[t]) < np.inf and abs(right[t]) < np.inf:
            dx, dy = left[t] - pivot_x, right[t] - pivot_y
            count += 1.0
            x += dx
            y += dy
            xx += dx * dx
            yy += dy * dy
            xy += dx * dy
        tails[0, t], tails[1, t], tails[2, t], tails[3, t], tails[4, t], tails[5, t] = count, x, y, xx, yy, xy


@kernel_part
def _forward(
    left: Floats, right: Floats, start: int, end: int, window: int, pivot: int, tails: Floats, sums: Floats
) -> None:
    """Sums over the windows that end in start … end − 1; the block has no pair before `start`."""
    count, x, y, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    pivot_x, pivot_y = left[pivot], right[pivot]
    for t in range(start, end):
        if abs(left[t]) < np.inf and abs(right[t]) < np.inf:
            dx, dy = left[t] - pivot_x, right[t] - pivot_y
            count += 1.0
            x += dx
            y += dy
            xx += dx * dx
            yy += dy * dy
            xy += dx * dy
        oldest = max(t - window + 1, 0)
        sums[0, t], sums[1, t], sums[2, t] = count + tails[0, oldest], x + tails[1, oldest], y + tails[2, oldest]
        sums[3, t], sums[4, t], sums[5, t] = xx + tails[3, oldest], yy + tails[4, oldest], xy + tails[5, oldest]
        sums[6, t], sums[7, t] = pivot_x, pivot_y


@kernel_part
def _correlation(sums: Floats, result: Floats) -> None:
    count, x, y, xx, yy, xy = sums[_COUNT], sums[_X], sums[_Y], sums[_XX], sums[_YY], sums[_XY]
    pivot_x, pivot_y = sums[_PIVOT_X], sums[_PIVOT_Y]
    for t in range(len(result)):
        n = count[t]
        spread_x, spread_y = n * xx[t] - x[t] * x[t], n * yy[t] - y[t] * y[t]
        level_x, level_y = FLAT * (n * pivot_x[t] + x[t]), FLAT * (n * pivot_y[t] + y[t])
        spread = np.sqrt(spread_x) * np.sqrt(spread_y)
        correlation = min(max((n * xy[t] - x[t] * y[t]) / spread, -1.0), 1.0)
        known = n >= 2.0 and spread_x > level_x * level_x and spread_y > level_y * level_y and spread < np.inf
        result[t] = correlation if known else np.nan


@kernel_part
def _covariance(sums: Floats, result: Floats) -> None:
    count, x, y, xy = sums[_COUNT], sums[_X], sums[_Y], sums[_XY]
    for t in range(len(result)):
        n = count[t]
        covariance = (n * xy[t] - x[t] * y[t]) / (n * (n - 1.0))
        result[t] = covariance if n >= 2.0 and abs(covariance) < np.inf else np.nan


@kernel_part
def _regression(sums: Floats, left: Floats, right: Floats, residual: bool, result: Floats) -> None:
    count, x, y, yy, xy = sums[_COUNT], sums[_X], sums[_Y], sums[_YY], sums[_XY]
    pivot_x, pivot_y = sums[_PIVOT_X], sums[_PIVOT_Y]
    for t in range(len(result)):
        n = count[t]
        spread = n * yy[t] - y[t] * y[t]
        level = FLAT * (n * pivot_y[t] + y[t])
        answer = (n * xy[t] - x[t] * y[t]) / spread
        if residual:
            answer = (left[t] - pivot_x[t] - x[t] / n) - answer * (right[t] - pivot_y[t] - y[t] / n)
        result[t] = answer if n >= 2.0 and spread > level * level and abs(answer) < np.inf else np.nan
