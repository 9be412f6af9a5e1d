"""Statistics over the names of each date, compiled: order, ranks, correlation, quantiles, turnover.

Arrays are (sessions, names), rows contiguous. A panel is sorted once, and whatever is asked of it afterwards walks that
order: ranks among a part of the names cost no second sort. Kernels hold no lock, so that threads share the sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alphalib.compiled import Bools, Floats, kernel, kernel_part
from alphalib.market import Panel

Order: TypeAlias = NDArray[np.int32]
Quantiles: TypeAlias = NDArray[np.int8]

_SHORT = 64  # sessions: fewer are not worth a second thread


@dataclass(frozen=True)
class Sorted:
    """A panel and, for every date, its names in the order of their values.

    Parameters
    ----------
    values : array (sessions, names)
        Finite where a name counts, NaN elsewhere.
    order : array (sessions, names)
        Positions of the names that count, smallest value first; what follows them in a row means nothing.
    count : array (sessions,)
        Names that count. [names]
    """

    values: Floats
    order: Order
    count: Order

    def __getitem__(self, rows: slice) -> Sorted:
        """The same of some sessions, without a copy."""
        return Sorted(self.values[rows], self.order[rows], self.count[rows])


def sorted_by_date(panel: Panel | Floats, counted: Panel | Bools | None = None) -> Sorted:
    """Sort every date of a panel; names outside `counted` or without a finite value are left out."""
    values = _rows(panel, np.float64)
    usable = np.isfinite(values)
    if counted is not None:
        usable &= _rows(counted, np.bool_)
    values = np.where(usable, values, np.nan)
    order, count = np.empty(values.shape, dtype=np.int32), np.empty(len(values), dtype=np.int32)
    _threaded(_sort, values, order, count)
    return Sorted(values, order, count)


def correlations(first: Sorted, second: Sorted, *, among: Bools | None = None, minimum: int) -> tuple[Floats, Floats]:
    """Pearson and Spearman correlation of two panels over the names that both have, date by date.

    Parameters
    ----------
    first, second : Sorted
        The same sessions and names.
    among : array (sessions, names), optional
        Names to look at; all without it. [bool]
    minimum : int
        Names a date must have. [names]

    Returns
    -------
    (array, array)
        One value a session; NaN with fewer names, or where one of the two is constant. [correlation]
    """
    seen = np.ones((len(first.values), 1), np.bool_) if among is None else _rows(among, np.bool_)
    pearson, spearman = np.empty(len(first.values)), np.empty(len(first.values))
    pairs = (first.values, first.order, first.count, second.values, second.order, second.count)
    _threaded(_correlate, *pairs, seen, pearson, spearman, scalars=(minimum,))
    return pearson, spearman


def pearson_by_date(first: Panel | Floats, second: Panel | Floats, *, minimum: int) -> Floats:
    """Pearson correlation alone, which needs no order; see `correlations`."""
    a, b = _rows(first, np.float64), _rows(second, np.float64)
    result = np.empty(len(a))
    _threaded(_correlate_values, a, b, result, scalars=(minimum,))
    return result


def ranks_by_date(panel: Sorted) -> Floats:
    """Rank of each name that counts, 1 for the smallest, ties share their mean; NaN elsewhere. (sessions, names)"""
    ranks = np.full(panel.values.shape, np.nan)
    _threaded(_rank, panel.values, panel.order, panel.count, ranks)
    return ranks


def quantiles_by_date(panel: Sorted, quantiles: int) -> Quantiles:
    """Number of the quantile each name is in, 1 for the lowest values; 0 for names that do not count.

    The edges are those of `pandas.qcut`, bit by bit: linear between neighbours, a value on an edge belongs below it.
    Where ties make two edges equal, the quantile between them is empty, and `pandas.qcut` would refuse the date.
    """
    numbers = np.zeros(panel.values.shape, dtype=np.int8)
    fractions = np.linspace(0, 1, quantiles + 1)
    # As pandas does: a fraction that binary cannot represent is rounded up, never down, or its own name would be above.
    fractions = np.where(quantiles * fractions == np.arange(quantiles + 1), fractions, np.nextafter(fractions, 1))
    _threaded(_divide, panel.values, panel.order, panel.count, numbers, scalars=(fractions,))
    return numbers


def means_by_quantile(numbers: Quantiles, label: Floats, quantiles: int) -> Floats:
    """Mean label of each date's quantiles, less the mean over all its names with a quantile and a label.

    Returns
    -------
    array (sessions, quantiles)
        NaN for a quantile without a label. [unit of the label]
    """
    means = np.empty((len(label), quantiles))
    _threaded(_average, numbers, label, means)
    return means


def turnover_by_quantile(numbers: Quantiles, quantiles: int, *, lag: int) -> Floats:
    """Share of a quantile's names that were not in it `lag` sessions before.

    Returns
    -------
    array (sessions, quantiles)
        NaN in the first `lag` sessions, and where the quantile was empty on one of the two dates. [fraction]
    """
    turnover = np.full((len(numbers), quantiles), np.nan)
    if 0 < lag < len(numbers):
        _threaded(_turn, numbers[lag:], numbers[:-lag], turnover[lag:])
    return turnover


def _rows(panel: Panel | Floats | Bools, dtype: type) -> NDArray[Any]:
    return np.require(panel, dtype, ["C", "W"])  # writable, or numba would compile a second time for it


@cache
def _cores() -> int:
    """Cores that this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


def _threaded(function: Callable[..., None], *arrays: NDArray[Any], scalars: tuple[Any, ...] = ()) -> None:
    """Run a kernel on shares of the sessions, one a processor; the result does not depend on how many there are."""
    sessions, threads = len(arrays[0]), _cores()
    if threads == 1 or sessions < 2 * _SHORT:
        function(*arrays, *scalars)
        return
    cuts = np.linspace(0, sessions, min(threads, sessions // _SHORT) + 1).astype(int)
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        shares = [
            pool.submit(function, *(array[start:end] for array in arrays), *scalars) for start, end in pairwise(cuts)
        ]
        for share in shares:
            share.result()


@kernel
def _sort(values: Floats, order: Order, count: Order) -> None:
    """Radix sort of each row by the bits of its values, eight at a time: linear in the names, and stable."""
    sessions, names = values.shape
    sign = np.uint64(1 << 63)
    keys, other_keys = np.empty(names, np.uint64), np.empty(names, np.uint64)
    places, other_places = np.empty(names, np.int32), np.empty(names, np.int32)
    tally = np.empty((8, 256), np.int32)
    for row in range(sessions):
        tally[:] = 0
        n = 0
        bits = values[row].view(np.uint64)
        for name in range(names):
            if np.isfinite(values[row, name]):
                # Negative numbers grow as their bits fall, and all of them stand before the positive ones.
                key = ~bits[name] if bits[name] & sign else bits[name] | sign
                keys[n], places[n] = key, name
                n += 1
                for digit in range(8):
                    tally[digit, (key >> np.uint64(8 * digit)) & np.uint64(255)] += 1
        for digit in range(8):
            shift = np.uint64(8 * digit)
            if n and tally[digit, (keys[0] >> shift) & np.uint64(255)] == n:
                continue  # all alike in this digit
            before = 0
            for value in range(256):
                before, tally[digit, value] = before + tally[digit, value], before
            for k in range(n):
                value = (keys[k] >> shift) & np.uint64(255)
                place = tally[digit, value]
                tally[digit, value] = place + 1
                other_keys[place], other_places[place] = keys[k], places[k]
            keys, other_keys = other_keys, keys
            places, other_places = other_places, places
        count[row] = n
        order[row, :n] = places[:n]


@kernel_part
def _ranked(values: Floats, order: Order, count: int, seen: Bools, ranks: Floats) -> None:
    """Ranks among the names seen, ties at their mean."""
    k, rank = 0, 0
    while k < count:
        value, first, tied = values[order[k]], k, 0
        while k < count and values[order[k]] == value:
            tied += seen[order[k]]
            k += 1
        mean = rank + (tied + 1) / 2
        for place in range(first, k):
            ranks[order[place]] = mean
        rank += tied


@kernel_part
def _of_values(a: Floats, b: Floats, seen: Bools, count: int) -> float:
    """Pearson correlation over the names seen; NaN where one of the two is constant."""
    mean_a, mean_b = 0.0, 0.0
    low_a, high_a, low_b, high_b = np.inf, -np.inf, np.inf, -np.inf
    for name in range(len(a)):
        if seen[name]:
            mean_a += a[name]
            mean_b += b[name]
            low_a, high_a = min(low_a, a[name]), max(high_a, a[name])
            low_b, high_b = min(low_b, b[name]), max(high_b, b[name])
    if not (low_a < high_a and low_b < high_b):  # rounding may leave a constant row a spread of 1e-17
        return np.nan
    mean_a /= count
    mean_b /= count
    both, one, other = 0.0, 0.0, 0.0
    for name in range(len(a)):
        if seen[name]:
            x, y = a[name] - mean_a, b[name] - mean_b
            both += x * y
            one += x * x
            other += y * y
    # Two roots: the product of two small spreads may be too small for a float.
    spread = np.sqrt(one) * np.sqrt(other)
    return both / spread if spread > 0 else np.nan


@kernel
def _correlate(
    a: Floats,
    order_a: Order,
    count_a: Order,
    b: Floats,
    order_b: Order,
    count_b: Order,
    among: Bools,
    pearson: Floats,
    spearman: Floats,
    minimum: int,
) -> None:
    sessions, names = a.shape
    everyone = among.shape[1] != names
    seen = np.empty(names, np.bool_)
    ranks_a, ranks_b = np.empty(names), np.empty(names)
    for row in range(sessions):
        n = 0
        for name in range(names):
            seen[name] = np.isfinite(a[row, name]) and np.isfinite(b[row, name]) and (everyone or among[row, name])
            n += seen[name]
        pearson[row] = spearman[row] = np.nan
        if n < minimum:
            continue
        _ranked(a[row], order_a[row], count_a[row], seen, ranks_a)
        _ranked(b[row], order_b[row], count_b[row], seen, ranks_b)
        pearson[row] = _of_values(a[row], b[row], seen, n)
        spearman[row] = _of_values(ranks_a, ranks_b, seen, n)


@kernel
def _correlate_values(a: Floats, b: Floats, pearson: Floats, minimum: int) -> None:
    seen = np.empty(a.shape[1], np.bool_)
    for row in range(a.shape[0]):
        n = 0
        for name in range(a.shape[1]):
            seen[name] = np.isfinite(a[row, name]) and np.isfinite(b[row, name])
            n += seen[name]
        pearson[row] = _of_values(a[row], b[row], seen, n) if n >= minimum else np.nan


@kernel
def _rank(values: Floats, order: Order, count: Order, ranks: Floats) -> None:
    seen = np.ones(values.shape[1], np.bool_)
    for row in range(values.shape[0]):
        _ranked(values[row], order[row], count[row], seen, ranks[row])


@kernel
def _divide(values: Floats, order: Order, count: Order, numbers: Quantiles, fractions: Floats) -> None:
    edges = np.empty(len(fractions))
    for row in range(values.shape[0]):
        n = count[row]
        if n == 0:
            continue
        for k in range(len(fractions)):
            place = fractions[k] * (n - 1)
            below = min(int(np.floor(place)), n - 1)
            above = min(below + 1, n - 1)
            low, high, part = values[row, order[row, below]], values[row, order[row, above]], place - below
            # NumPy's interpolation, which reckons from the nearer end.
            edges[k] = low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)
        number = 1
        for k in range(n):
            name = order[row, k]
            while number < len(edges) - 1 and values[row, name] > edges[number]:
                number += 1
            numbers[row, name] = number


@kernel
def _average(numbers: Quantiles, label: Floats, means: Floats) -> None:
    quantiles = means.shape[1]
    total, count = np.empty(quantiles + 1), np.empty(quantiles + 1)
    for row in range(label.shape[0]):
        total[:] = 0.0
        count[:] = 0.0
        for name in range(label.shape[1]):
            if numbers[row, name] and np.isfinite(label[row, name]):
                total[numbers[row, name]] += label[row, name]
                count[numbers[row, name]] += 1
        everyone = count.sum()
        for number in range(1, quantiles + 1):
            known = count[number] > 0
            means[row, number - 1] = total[number] / count[number] - total.sum() / everyone if known else np.nan


@kernel
def _turn(now: Quantiles, before: Quantiles, turnover: Floats) -> None:
    quantiles = turnover.shape[1]
    for row in range(now.shape[0]):
        count, earlier, new = np.zeros((3, quantiles + 1), np.int64)
        for name in range(now.shape[1]):
            count[now[row, name]] += 1
            earlier[before[row, name]] += 1
            new[now[row, name]] += now[row, name] != before[row, name]
        for number in range(1, quantiles + 1):
            if count[number] and earlier[number]:
                turnover[row, number - 1] = new[number] / count[number]
