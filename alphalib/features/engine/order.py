"""Rolling extremes, ranks and quantiles: what depends on the order of the window's values alone."""

import numpy as np

from alphalib.compiled import Floats, kernel, kernel_part


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
    tail, tail_place = np.empty(sessions), np.empty(sessions, np.int64)
    for name in range(names):
        row, result = x[name], out[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            best, place = -np.inf, begin
            tail[begin], tail_place[begin] = best, place
            for t in range(begin - 1, max(begin - window, -1), -1):
                value = sign * row[t]
                if (value > best or (value == best and not since)) and value < np.inf:
                    best, place = value, t
                tail[t], tail_place[t] = best, place
            best, place = -np.inf, begin
            for t in range(begin, end):
                value = sign * row[t]
                if (value > best or (value == best and since)) and value < np.inf:
                    best, place = value, t
                oldest = max(t - window + 1, 0)
                earlier = tail[oldest]
                is_earlier = earlier > best or (earlier == best and not since)
                found = tail_place[oldest] if is_earlier else place
                answer = t - found if since else found - max(t - window + 1, -first) + 1
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

    The window is kept sorted, missing sessions as +inf at its end. A session replaces the oldest value by the newest in
    one pass without a branch: every place takes the value it has or the one beside it.
    """
    names, sessions = x.shape
    length = min(window, sessions)
    padded = np.empty(length + 2)
    ordered = padded[1:-1]
    for name in range(names):
        row, result = x[name], out[name]
        padded[:] = np.inf
        padded[0] = -np.inf
        count = 0
        for t in range(sessions):
            new = row[t] + 0.0 if abs(row[t]) < np.inf else np.inf  # −0 + 0 = 0: equal values, equal bits
            old = np.inf
            if t >= window and abs(row[t - window]) < np.inf:
                old = row[t - window] + 0.0
            count += (new < np.inf) - int(old < np.inf)
            if new > old:
                _replace_up(padded, old, new)
            elif new < old:
                _replace_down(padded, old, new)
            if count == 0:
                result[t] = np.nan
                continue
            place = share * (count - 1)
            below = int(place)
            low = ordered[below]
            high = ordered[min(below + 1, count - 1)]
            answer = low + (high - low) * (place - below)
            result[t] = answer if abs(answer) < np.inf else np.nan


@kernel_part
def _replace_up(padded: Floats, old: float, new: float) -> None:
    """Sorted values between −inf and +inf: take `old` out, put the larger `new` in."""
    for place in range(1, len(padded) - 1):
        value, following = padded[place], padded[place + 1]
        moved = value if value > new else (min(new, following))
        padded[place] = value if value < old else moved


@kernel_part
def _replace_down(padded: Floats, old: float, new: float) -> None:
    """Sorted values between −inf and +inf: take `old` out, put the smaller `new` in."""
    for place in range(len(padded) - 2, 0, -1):
        value, preceding = padded[place], padded[place - 1]
        moved = value if value < new else (max(new, preceding))
        padded[place] = value if value > old else moved


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
