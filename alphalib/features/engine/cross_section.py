"""Statistics of each date's members, and values set against them.

Here arrays are (sessions, names), so that a date is contiguous. Statistics come from the members with a finite value;
every name with a finite value gets a result. Means are taken around a member's value and spreads around the mean: where
all are equal, the mean is that value and the spread 0, to the bit.
"""

import numpy as np

from alphalib.compiled import Bools, Floats, kernel, kernel_part, stamp
from alphalib.features.engine import values
from alphalib.features.engine.values import FLAT

MEAN, SUM, COUNT, MAX, MIN, STD, SKEW, DEMEANED, SCORE, SCALED = range(10)


@kernel
def cross_moment(x: Floats, members: Bools, kind: int, total: float, out: Floats, sources: int = stamp(values)) -> None:
    """A statistic of the members for every name, or the names' values less it or over it."""
    sessions, names = x.shape
    for t in range(sessions):
        row, result = x[t], out[t]
        count, mean = _count_and_mean(row, members[t])
        statistic, scale = mean, 1.0
        if kind == SUM:
            statistic = _sum(row, members[t], False) if count > 0 else np.nan
        elif kind == COUNT:
            statistic = float(count)
        elif kind in (MAX, MIN):
            statistic = _extreme(row, members[t], 1.0 if kind == MAX else -1.0)
        elif kind == STD:
            statistic = _deviation(row, members[t], count, mean)
        elif kind == SKEW:
            statistic = _skew(row, members[t], count, mean)
        elif kind == SCORE:
            deviation = _deviation(row, members[t], count, mean)
            scale = deviation if deviation > FLAT * abs(mean) else np.nan
        elif kind == SCALED:
            size = _sum(row, members[t], True)
            statistic, scale = 0.0, size / total if size > 0.0 else np.nan
        against = kind in (DEMEANED, SCORE, SCALED)
        for name in range(names):
            answer = (row[name] - statistic) / scale if against else statistic
            result[name] = answer if abs(row[name]) < np.inf and abs(answer) < np.inf else np.nan


@kernel_part
def _count_and_mean(row: Floats, members: Bools) -> tuple[int, float]:
    count, pivot, shift = 0, np.nan, 0.0
    for name in range(len(row)):
        if members[name] and abs(row[name]) < np.inf:
            if count == 0:
                pivot = row[name]
            count += 1
            shift += row[name] - pivot
    return count, pivot + shift / count


@kernel_part
def _sum(row: Floats, members: Bools, absolute: bool) -> float:
    total = 0.0
    for name in range(len(row)):
        if members[name] and abs(row[name]) < np.inf:
            total += abs(row[name]) if absolute else row[name]
    return total


@kernel_part
def _extreme(row: Floats, members: Bools, sign: float) -> float:
    best = -np.inf
    for name in range(len(row)):
        if members[name] and abs(row[name]) < np.inf:
            best = max(best, sign * row[name])
    return sign * best


@kernel_part
def _deviation(row: Floats, members: Bools, count: int, mean: float) -> float:
    """Standard deviation with n − 1; at least two."""
    squares = 0.0
    for name in range(len(row)):
        if members[name] and abs(row[name]) < np.inf:
            squares += (row[name] - mean) * (row[name] - mean)
    return float(np.sqrt(squares / (count - 1.0))) if count >= 2 else np.nan


@kernel_part
def _skew(row: Floats, members: Bools, count: int, mean: float) -> float:
    """Unbiased skewness; at least three, and a spread."""
    squares, cubes = 0.0, 0.0
    for name in range(len(row)):
        if members[name] and abs(row[name]) < np.inf:
            distance = row[name] - mean
            squares += distance * distance
            cubes += distance * distance * distance
    variance = squares / count
    if count < 3 or not variance > (FLAT * mean) ** 2:
        return np.nan
    skew = cubes / count / (variance * np.sqrt(variance)) * np.sqrt(count * (count - 1.0)) / (count - 2.0)
    return float(skew)
