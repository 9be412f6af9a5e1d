"""Ranks and quantiles among each date's members. Arrays are (sessions, names), as in `cross_section`."""

import numpy as np
from numpy.typing import NDArray

from alphalib.compiled import Bools, Floats, Ints, kernel, kernel_part

DIGITS = 256
"""The sort looks at eight bits at a time."""


@kernel
def cross_rank(x: Floats, members: Bools, out: Floats) -> None:
    """Mean rank among the members as a share of their number, in (0, 1]; missing on a date without members.

    A member counts itself: (below + (equal + 1) / 2) / n. Any other name gets the rank it would have between them,
    (below + equal / 2 + 1 / 2) / n, at most 1.
    """
    sessions, names = x.shape
    keys, order = np.empty((2, names), np.uint64), np.empty((2, names), np.int64)
    for t in range(sessions):
        row, member, result = x[t], members[t], out[t]
        count = _sort(row, keys, order)
        total = 0
        for place in range(count):
            total += member[order[0, place]]
        for name in range(names):
            result[name] = np.nan
        begin, below = 0, 0
        while begin < count and total > 0:
            end, equal = begin, 0
            while end < count and keys[0, end] == keys[0, begin]:
                equal += member[order[0, end]]
                end += 1
            for place in range(begin, end):
                result[order[0, place]] = min((below + 0.5 * equal + 0.5) / total, 1.0)
            below += equal
            begin = end


@kernel
def cross_median(x: Floats, members: Bools, out: Floats) -> None:
    """Median of the members, for every name with a value; missing on a date without members."""
    sessions, names = x.shape
    keys, order, ordered = np.empty((2, names), np.uint64), np.empty((2, names), np.int64), np.empty(names)
    for t in range(sessions):
        total = _sort_members(x[t], members[t], keys, order, ordered)
        median = _quantile(ordered[:total], 0.5)
        for name in range(names):
            out[t, name] = median if abs(x[t, name]) < np.inf else np.nan


@kernel
def cross_winsor(x: Floats, members: Bools, limit: float, out: Floats) -> None:
    """Values clipped to the members' quantiles `limit` and 1 − `limit`; missing on a date without members."""
    sessions, names = x.shape
    keys, order, ordered = np.empty((2, names), np.uint64), np.empty((2, names), np.int64), np.empty(names)
    for t in range(sessions):
        total = _sort_members(x[t], members[t], keys, order, ordered)
        low, high = _quantile(ordered[:total], limit), _quantile(ordered[:total], 1.0 - limit)
        for name in range(names):
            known = total > 0 and abs(x[t, name]) < np.inf
            out[t, name] = min(max(x[t, name], low), high) if known else np.nan


@kernel_part
def _sort_members(row: Floats, members: Bools, keys: NDArray[np.uint64], order: Ints, ordered: Floats) -> int:
    """Number of members with a value; those values from the smallest to the largest in `ordered`."""
    total = 0
    for place in range(_sort(row, keys, order)):
        name = order[0, place]
        if members[name]:
            ordered[total] = row[name]
            total += 1
    return total


@kernel_part
def _quantile(ordered: Floats, share: float) -> float:
    """Linear between the values; NaN where there are none."""
    if len(ordered) == 0:
        return np.nan
    place = share * (len(ordered) - 1)
    below = int(place)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return float(low + (high - low) * (place - below))


@kernel_part
def _sort(row: Floats, keys: NDArray[np.uint64], order: Ints) -> int:
    """Number of finite values; their names from the smallest to the largest in order[0], and their keys in keys[0].

    A radix sort: the bits of a double, with the sign turned over (all bits, where it is negative), sort as whole
    numbers. Digits that all keys share are passed over.
    """
    sign, low = np.uint64(1 << 63), np.uint64(DIGITS - 1)
    counts = np.zeros((8, DIGITS), np.int64)
    values = np.empty(1)
    bits = values.view(np.uint64)
    count = 0
    for name in range(len(row)):
        if abs(row[name]) < np.inf:
            values[0] = row[name] + 0.0  # −0 + 0 = 0: equal values, equal keys
            key = ~bits[0] if bits[0] & sign else bits[0] | sign
            keys[0, count], order[0, count] = key, name
            for digit in range(8):
                counts[digit, (key >> np.uint64(8 * digit)) & low] += 1
            count += 1
    here = 0
    for digit in range(8):
        shift = np.uint64(8 * digit)
        if count == 0 or counts[digit, (keys[here, 0] >> shift) & low] == count:
            continue
        place = 0
        for value in range(DIGITS):
            place, counts[digit, value] = place + counts[digit, value], place
        there = 1 - here
        for old in range(count):
            value = (keys[here, old] >> shift) & low
            new = counts[digit, value]
            counts[digit, value] = new + 1
            keys[there, new], order[there, new] = keys[here, old], order[here, old]
        here = there
    for place in range(count):
        keys[0, place], order[0, place] = keys[here, place], order[here, place]
    return count
