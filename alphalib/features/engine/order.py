"""Rolling extremes, ranks and quantiles: what depends on the order of the window's values alone."""

import numpy as np

from alphalib.compiled import Floats, kernel, kernel_part

VECTOR = 16
"""A sorted window is padded to a multiple of what a compiled loop takes at a time."""


@kernel
def rolling_extreme(x: Floats, window: int, first: int, sign: float, out: Floats) -> None:
    """Largest value of the window (sign 1) or smallest (sign −1); at least one. Two-sided, as in `sums`."""
    names, sessions = x.shape
    tail = np.empty(sessions)
    for name in range(names):
        row, result = x[name], out[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            best = -np.inf
            tail[begin] = best
            for t in range(begin - 1, max(begin - window, -1), -1):
                value = sign * row[t]
                best = value if value > best and value < np.inf else best
                tail[t] = best
            best = -np.inf
            for t in range(begin, end):
                value = sign * row[t]
                best = value if value > best and value < np.inf else best
                earlier = tail[max(t - window + 1, 0)]
                answer = max(best, earlier)
                result[t] = sign * answer if answer > -np.inf else np.nan
            begin, end = end, min(end + window, sessions)


@kernel
def rolling_extreme_place(x: Floats, window: int, first: int, sign: float, since: bool, out: Floats) -> None:
    """Place of the largest (sign 1) or smallest (sign −1) value; at least one value.

    Either the position of the first of equals in the window, which begins with session 0 at the earliest, from 1; or,
    with `since`, the sessions since the latest of equals. Missing sessions have a place, but are never it.
    """
    names, sessions = x.shape
    tail, tail_place = np.empty(sessions), np.empty(sessions)
    for name in range(names):
        row, result = x[name], out[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            best, place = -np.inf, float(begin)
            tail[begin], tail_place[begin] = best, place
            for t in range(begin - 1, max(begin - window, -1), -1):
                value = sign * row[t] if abs(row[t]) < np.inf else -np.inf
                better = value > best if since else value >= best
                best = value if better else best
                place = float(t) if better else place
                tail[t], tail_place[t] = best, place
            best, place = -np.inf, float(begin)
            for t in range(begin, end):
                value = sign * row[t] if abs(row[t]) < np.inf else -np.inf
                better = value >= best if since else value > best
                best = value if better else best
                place = float(t) if better else place
                oldest = max(t - window + 1, 0)
                earlier = tail[oldest]
                is_earlier = earlier > best if since else earlier >= best
                found = tail_place[oldest] if is_earlier else place
                answer = t - found if since else found - oldest + 1
                result[t] = answer if best > -np.inf or earlier > -np.inf else np.nan
            begin, end = end, min(end + window, sessions)


@kernel
def rolling_rank(x: Floats, window: int, first: int, out: Floats) -> None:
    """Mean rank of the last session's value among the window's, as a share of their number; missing where it is.

    Every session looks at every other of its window; one pass over the sessions for each lag keeps the inner loop
    free of dependencies, and eight comparisons go through at a time.
    """
    names, sessions = x.shape
    values, doubled, count = np.empty(sessions), np.empty(sessions), np.empty(sessions)
    for name in range(names):
        row, result = x[name], out[name]
        present = 0
        for t in range(sessions):
            there = abs(row[t]) < np.inf
            values[t] = row[t] if there else np.nan
            present += there
            if t >= window:
                present -= abs(row[t - window]) < np.inf
            count[t] = present
        doubled[:] = 2.0  # the value itself: equal, and one for the mean of the ranks it shares
        for lag in range(1, min(window, sessions)):
            _compare(values[: sessions - lag], values[lag:], doubled[lag:])
        for t in range(sessions):
            result[t] = doubled[t] / (2.0 * count[t]) if abs(values[t]) < np.inf else np.nan


@kernel_part
def _compare(earlier: Floats, now: Floats, doubled: Floats) -> None:
    """Add 2 where the earlier value is below, 1 where it is equal."""
    for t in range(len(now)):
        doubled[t] += (1.0 if earlier[t] < now[t] else 0.0) + (1.0 if earlier[t] <= now[t] else 0.0)


@kernel
def rolling_quantile(x: Floats, window: int, first: int, share: float, out: Floats) -> None:
    """Quantile of the window's values, linear between them; at least one.

    The window is kept sorted, missing sessions as +inf at its end; each session puts its value in the place of the
    oldest.
    """
    names, sessions = x.shape
    length = -(-min(window, sessions) // VECTOR) * VECTOR
    ordered, spare = np.empty(length + 2), np.empty(length + 2)
    for name in range(names):
        row, result = x[name], out[name]
        ordered[:], spare[:] = np.inf, np.inf
        ordered[0], spare[0] = -np.inf, -np.inf
        count = 0
        for t in range(sessions):
            new, old = np.inf, np.inf
            if abs(row[t]) < np.inf:
                new = row[t]
                count += 1
            if t >= window and abs(row[t - window]) < np.inf:
                old = row[t - window]
                count -= 1
            _replace(ordered, old, new, spare)
            ordered, spare = spare, ordered
            place = share * max(count - 1, 0)
            below = int(place)
            low, high = ordered[1 + below], ordered[1 + min(below + 1, max(count - 1, 0))]
            answer = low + (high - low) * (place - below)
            result[t] = answer if abs(answer) < np.inf else np.nan


@kernel_part
def _replace(ordered: Floats, old: float, new: float, result: Floats) -> None:
    """Sorted values between −inf and +inf, with `new` instead of `old`.

    Without a branch, so that a vector of places goes at a time: without `old` the values beside a place are `low` and
    `high`, and it takes the middle one of those and `new`.
    """
    length = len(ordered) - 2
    before, here, after, changed = ordered[:length], ordered[1:-1], ordered[2:], result[1:-1]
    for place in range(length):
        low = before[place] if before[place] < old else here[place]
        high = here[place] if here[place] < old else after[place]
        least = low if low > new else new  # noqa: FURB136
        changed[place] = least if least < high else high  # noqa: FURB136


@kernel
def rolling_deviation(x: Floats, window: int, first: int, out: Floats) -> None:
    """Mean absolute deviation of the window's values from their mean; at least one. Exactly 0 for equal values.

    One pass over the sessions for each lag, as in `rolling_rank`: no sum is carried from one window to the next.
    """
    names, sessions = x.shape
    pivot, mean, count, total = np.empty(sessions), np.empty(sessions), np.empty(sessions), np.empty(sessions)
    for name in range(names):
        row, result = x[name], out[name]
        latest = 0.0
        for t in range(sessions):
            latest = row[t] if abs(row[t]) < np.inf else latest
            pivot[t] = latest
        count[:] = 0.0
        total[:] = 0.0
        for lag in range(min(window, sessions)):
            _add_distance(row[: sessions - lag], pivot[lag:], count[lag:], total[lag:])
        for t in range(sessions):
            mean[t] = pivot[t] + total[t] / count[t]
        total[:] = 0.0
        for lag in range(min(window, sessions)):
            _add_deviation(row[: sessions - lag], mean[lag:], total[lag:])
        for t in range(sessions):
            answer = total[t] / count[t]
            result[t] = answer if answer < np.inf else np.nan


@kernel_part
def _add_distance(earlier: Floats, pivot: Floats, count: Floats, total: Floats) -> None:
    for t in range(len(pivot)):
        there = abs(earlier[t]) < np.inf
        count[t] += 1.0 if there else 0.0
        total[t] += earlier[t] - pivot[t] if there else 0.0


@kernel_part
def _add_deviation(earlier: Floats, mean: Floats, total: Floats) -> None:
    for t in range(len(mean)):
        total[t] += abs(earlier[t] - mean[t]) if abs(earlier[t]) < np.inf else 0.0
