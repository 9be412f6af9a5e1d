"""Exponentially and geometrically weighted means, as running means: a value moves the mean by its share of the weight.

A mean that is moved is a mean of equal values to the bit, and never leaves the range of what it has seen.
"""

import numpy as np

from alphalib.compiled import Floats, kernel


@kernel
def exponential_mean(x: Floats, alpha: float, restart: int, first: int, out: Floats) -> None:
    """Mean with weights (1 − alpha)^sessions ago over the values there are, as pandas' `ewm(alpha=alpha).mean()`.

    At every absolute multiple b of `restart` the mean begins anew, from the session b − `restart`: what lies before has
    no weight left that a double could hold. So two means run at a time, one that is used and one that warms up. A
    missing session shows the mean so far; after `restart` missing ones there is none.
    """
    names, sessions = x.shape
    keep = 1.0 - alpha
    for name in range(names):
        row, result = x[name], out[name]
        mean, weight, next_mean, next_weight = 0.0, 0.0, 0.0, 0.0
        until, gap = restart - first % restart, restart
        for t in range(sessions):
            if t == until:
                mean, weight, next_mean, next_weight = next_mean, next_weight, 0.0, 0.0
                until += restart
            weight *= keep
            next_weight *= keep
            gap += 1
            if abs(row[t]) < np.inf:
                weight += 1.0
                next_weight += 1.0
                mean += (row[t] - mean) * (1.0 / weight)
                next_mean += (row[t] - next_mean) * (1.0 / next_weight)
                gap = 0
            result[t] = mean if gap < restart and abs(mean) < np.inf else np.nan


@kernel
def growing_exponential_mean(x: Floats, out: Floats) -> None:
    """Exponential mean of everything up to each session, with a span of the number of sessions; at least one value.

    qlib's `EMA(x, 0)`: the t-th session weighs its history with (1 − 2/(t + 1))^sessions ago.
    """
    names, sessions = x.shape
    for name in range(names):
        row, result = x[name], out[name]
        for t in range(sessions):
            keep = 1.0 - 2.0 / (t + 2.0)
            total, weight, share = 0.0, 0.0, 1.0
            for earlier in range(t, -1, -1):
                if abs(row[earlier]) < np.inf:
                    total += share * row[earlier]
                    weight += share
                share *= keep
            answer = total / weight
            result[t] = answer if abs(answer) < np.inf else np.nan


@kernel
def geometric_mean_weights(x: Floats, window: int, first: int, ratio: float, out: Floats) -> None:
    """Mean with weights ratio^sessions ago over the window's values; at least one. Two-sided, as in `sums`."""
    names, sessions = x.shape
    tail, tail_weight = np.empty(sessions), np.empty(sessions)
    for name in range(names):
        row, result = x[name], out[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            mean, weight, share = 0.0, 0.0, 1.0
            tail[begin], tail_weight[begin] = mean, weight
            for t in range(begin - 1, max(begin - window, -1), -1):
                if abs(row[t]) < np.inf and share > 0.0:
                    weight += share
                    mean += (row[t] - mean) * (share / weight)
                share *= ratio
                tail[t], tail_weight[t] = mean, weight
            mean, weight, share = 0.0, 0.0, 1.0
            for t in range(begin, end):
                weight *= ratio
                share *= ratio
                if abs(row[t]) < np.inf:
                    weight += 1.0
                    mean += (row[t] - mean) / weight
                oldest = max(t - window + 1, 0)
                earlier = share * tail_weight[oldest]
                answer = mean + (tail[oldest] - mean) * (earlier / (weight + earlier))
                result[t] = answer if weight + earlier > 0.0 and abs(answer) < np.inf else np.nan
            begin, end = end, min(end + window, sessions)
