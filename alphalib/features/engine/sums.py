"""Rolling sums, means, products and counts: two-sided windows, so that nothing is ever subtracted.

Sessions are cut into blocks of one window each, at absolute multiples of the window (van Herk 1992, Gil and Werman
1993). Inside a block a running sum goes forwards from its first session; a second one goes backwards from the session
before the block. Every window is one of each. There is no drift, a value leaves no trace once it is out of the window,
and since both sums lie inside the window, a row has the same bits wherever the input starts.

Everywhere in the engine `first` is the absolute number of column 0, arrays are (names, sessions), what is not finite
counts as missing, and a result that is not finite is missing.
"""

import numpy as np

from alphalib.compiled import Floats, kernel


@kernel
def rolling_sum(x: Floats, window: int, first: int, mean: bool, out: Floats) -> None:
    """Sum, or mean, of the window's values; at least one. The mean of equal values is that value, to the bit."""
    names, sessions = x.shape
    tail = np.zeros(sessions)
    tail_count = np.zeros(sessions)
    for name in range(names):
        row, result = x[name], out[name]
        begin, end = 0, min(window - first % window, sessions)
        latest, equal = np.nan, 0
        while begin < sessions:
            total, count = 0.0, 0.0
            tail[begin], tail_count[begin] = total, count
            for t in range(begin - 1, max(begin - window, -1), -1):
                value = row[t]
                if abs(value) < np.inf:
                    total += value
                    count += 1.0
                tail[t], tail_count[t] = total, count
            total, count = 0.0, 0.0
            for t in range(begin, end):
                value = row[t]
                if abs(value) < np.inf:
                    total += value
                    count += 1.0
                    equal = equal + 1 if value == latest else 1
                    latest = value
                oldest = max(t - window + 1, 0)
                values = count + tail_count[oldest]
                answer = total + tail[oldest]
                if mean:
                    answer = latest if equal >= values else answer / values
                result[t] = answer if values > 0.0 and abs(answer) < np.inf else np.nan
            begin, end = end, min(end + window, sessions)


@kernel
def rolling_product(x: Floats, window: int, first: int, out: Floats) -> None:
    """Product of the window's values; at least one."""
    names, sessions = x.shape
    tail = np.ones(sessions)
    tail_count = np.zeros(sessions)
    for name in range(names):
        row, result = x[name], out[name]
        begin, end = 0, min(window - first % window, sessions)
        while begin < sessions:
            product, count = 1.0, 0.0
            tail[begin], tail_count[begin] = product, count
            for t in range(begin - 1, max(begin - window, -1), -1):
                value = row[t]
                if abs(value) < np.inf:
                    product *= value
                    count += 1.0
                tail[t], tail_count[t] = product, count
            product, count = 1.0, 0.0
            for t in range(begin, end):
                value = row[t]
                if abs(value) < np.inf:
                    product *= value
                    count += 1.0
                oldest = max(t - window + 1, 0)
                answer = product * tail[oldest]
                result[t] = answer if count + tail_count[oldest] > 0.0 and abs(answer) < np.inf else np.nan
            begin, end = end, min(end + window, sessions)


@kernel
def rolling_count(x: Floats, window: int, first: int, out: Floats) -> None:
    """Number of values in the window: 0 where there are none, never missing."""
    names, sessions = x.shape
    for name in range(names):
        row, result = x[name], out[name]
        count = 0
        for t in range(sessions):
            count += abs(row[t]) < np.inf
            if t >= window:
                count -= abs(row[t - window]) < np.inf
            result[t] = count
