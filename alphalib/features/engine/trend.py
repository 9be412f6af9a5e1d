"""Rolling regressions on time, and the linearly weighted mean: the same two-sided sums, with the place in time.

Blocks and pivots as in `moments`. Places count from the block's first session, so their sums are whole numbers, exact.
"""

import numpy as np

from alphalib.compiled import Floats, kernel, kernel_part, stamp
from alphalib.features.engine import values
from alphalib.features.engine.values import FLAT, first_value, latest_value

SLOPE, RSQUARE, RESIDUAL, WEIGHTED = range(4)

# Rows of the sums of a window: number of values, Σ place, Σ place², Σ distance, Σ place · distance, Σ distance²;
# then the pivot that distances are from and the place of the window's last session.
_COUNT, _PLACE, _SQUARE, _SHIFT, _CROSS, _SPREAD, _PIVOT, _NOW = range(8)


@kernel
def rolling_trend(
    x: Floats, window: int, first: int, kind: int, growing: bool, out: Floats, sources: int = stamp(values)
) -> None:
    """Slope per session, R², residual of the last session (at least two values), or weighted mean (at least one).

    Weights of the mean fall by one a session, from `window` for the last session, or from its number since the first
    session when `growing`; they are divided by their sum over the values that are there. The residual is missing where
    the last session is, R² where the values have no spread.
    """
    names, sessions = x.shape
    sums, tails = np.empty((8, sessions)), np.empty((6, sessions))
    for name in range(names):
        row = x[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            start = begin
            while start < end:  # once for the block, or before its first value and from there
                stop, pivot = end, row[start]
                if not abs(pivot) < np.inf:
                    stop, pivot = first_value(row, start, end), latest_value(row, begin, window)
                _tails(row, begin, window, pivot, tails)
                _forward(row, start, stop, begin, window, pivot, tails, sums)
                start = stop
            begin, end = end, min(end + window, sessions)
        if kind == SLOPE:
            _slope(sums, out[name])
        elif kind == RSQUARE:
            _rsquare(sums, out[name])
        elif kind == RESIDUAL:
            _residual(sums, row, out[name])
        else:
            _weighted(sums, 0 if growing else window, out[name])


@kernel_part
def _tails(row: Floats, begin: int, window: int, pivot: float, tails: Floats) -> None:
    """Sums from each of the window − 1 sessions before `begin` up to it."""
    count, places, squares, shift, cross, spread = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for kind in range(6):
        tails[kind, begin] = 0.0
    for t in range(begin - 1, max(begin - window, -1), -1):
        if abs(row[t]) < np.inf:
            distance, place = row[t] - pivot, float(t - begin)
            count += 1.0
            places += place
            squares += place * place
            shift += distance
            cross += place * distance
            spread += distance * distance
        tails[0, t], tails[1, t], tails[2, t] = count, places, squares
        tails[3, t], tails[4, t], tails[5, t] = shift, cross, spread


@kernel_part
def _forward(
    row: Floats, start: int, end: int, begin: int, window: int, pivot: float, tails: Floats, sums: Floats
) -> None:
    """Sums over the windows that end in start … end − 1, of the block that begins at `begin`."""
    count, places, squares, shift, cross, spread = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(start, end):
        place = float(t - begin)
        if abs(row[t]) < np.inf:
            distance = row[t] - pivot
            count += 1.0
            places += place
            squares += place * place
            shift += distance
            cross += place * distance
            spread += distance * distance
        oldest = max(t - window + 1, 0)
        sums[0, t], sums[1, t] = count + tails[0, oldest], places + tails[1, oldest]
        sums[2, t], sums[3, t] = squares + tails[2, oldest], shift + tails[3, oldest]
        sums[4, t], sums[5, t] = cross + tails[4, oldest], spread + tails[5, oldest]
        sums[6, t], sums[7, t] = pivot, place


@kernel_part
def _slope(sums: Floats, result: Floats) -> None:
    count, places, squares, shift, cross = sums[_COUNT], sums[_PLACE], sums[_SQUARE], sums[_SHIFT], sums[_CROSS]
    for t in range(len(result)):
        n = count[t]
        slope = (n * cross[t] - places[t] * shift[t]) / (n * squares[t] - places[t] * places[t])
        result[t] = slope if n >= 2.0 and abs(slope) < np.inf else np.nan


@kernel_part
def _rsquare(sums: Floats, result: Floats) -> None:
    count, places, squares, shift, cross = sums[_COUNT], sums[_PLACE], sums[_SQUARE], sums[_SHIFT], sums[_CROSS]
    spreads, pivot = sums[_SPREAD], sums[_PIVOT]
    for t in range(len(result)):
        n = count[t]
        covariance = n * cross[t] - places[t] * shift[t]
        spread = n * spreads[t] - shift[t] * shift[t]
        level = FLAT * (n * pivot[t] + shift[t])
        share = covariance / spread * covariance / (n * squares[t] - places[t] * places[t])
        result[t] = min(share, 1.0) if n >= 2.0 and spread > level * level and share < np.inf else np.nan


@kernel_part
def _residual(sums: Floats, row: Floats, result: Floats) -> None:
    count, places, squares, shift, cross = sums[_COUNT], sums[_PLACE], sums[_SQUARE], sums[_SHIFT], sums[_CROSS]
    pivot, now = sums[_PIVOT], sums[_NOW]
    for t in range(len(result)):
        n = count[t]
        slope = (n * cross[t] - places[t] * shift[t]) / (n * squares[t] - places[t] * places[t])
        residual = (row[t] - pivot[t]) - (shift[t] + slope * (n * now[t] - places[t])) / n
        result[t] = residual if n >= 2.0 and abs(residual) < np.inf else np.nan


@kernel_part
def _weighted(sums: Floats, window: int, result: Floats) -> None:
    count, places, shift, cross, pivot, now = (
        sums[_COUNT], sums[_PLACE], sums[_SHIFT], sums[_CROSS], sums[_PIVOT], sums[_NOW]
    )  # fmt: skip
    for t in range(len(result)):
        # the weight of a place is `oldest` + place: `window` for the last session
        oldest = window - now[t] if window > 0 else 1.0
        weight = oldest * count[t] + places[t]
        shifted = oldest * shift[t] + cross[t]
        mean = pivot[t] if shifted == 0.0 else (pivot[t] * weight + shifted) / weight
        result[t] = mean if count[t] >= 1.0 and abs(mean) < np.inf else np.nan
