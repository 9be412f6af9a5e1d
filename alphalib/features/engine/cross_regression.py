"""Residuals across names: on groups, on other quantities, on both. Arrays are (sessions, names)."""

import numpy as np

from alphalib.compiled import Bools, Floats, Ints, kernel, kernel_part

MOST_GROUPS = 10_000
"""Codes of groups are whole numbers from 0 to below this; anything else is an unknown group."""

ALIKE = 1e-10
"""A regressor of which less than this share is left by the groups and the regressors before it says nothing new."""

NOTHING = 1e-13
"""A residual below this share of the members' size is rounding: it is 0."""


@kernel
def cross_residual(x: Floats, groups: Floats, regressors: Floats, members: Bools, out: Floats) -> None:
    """What is left of x after its group's mean and a least-squares fit on the regressors, both of the members.

    Members of one fit have a value of x, a known group and every regressor; so has every name with a result. A
    regressor without variation of its own is left out. A date is missing where, with at least one regressor in, the
    members are not more than the numbers fitted to them; a name also where no member is of its group.

    Parameters
    ----------
    x, groups : Floats
        (sessions, names); codes of groups, 0 everywhere for a fit with a constant.
    regressors : Floats
        (regressors, sessions, names).
    members : Bools
        (sessions, names).
    out : Floats
        (sessions, names).
    """
    count, sessions, names = regressors.shape
    columns = np.empty((count + 1, names))  # x first; taken apart one after the other
    codes, fitted = np.empty(names, np.int64), np.empty(names, np.bool_)
    sizes, sums = np.zeros(MOST_GROUPS, np.int64), np.empty((2, MOST_GROUPS))
    for t in range(sessions):
        total = _take(x[t], groups[t], regressors, t, members[t], columns, codes, fitted)
        present = _group_sizes(codes, fitted, sizes)
        size = np.sqrt(_product(columns[0], columns[0], fitted) / max(total, 1))
        kept = 0
        for column in range(1, count + 1):
            length = np.sqrt(_product(columns[column], columns[column], fitted))
            kept += _orthogonal(columns, column, length, codes, fitted, sizes, sums)
        _demean(columns[0], codes, fitted, sizes, sums)
        for column in range(1, count + 1):
            _project(columns[0], columns[column], fitted)
        enough = kept == 0 or total > present + kept
        for name in range(names):
            known = enough and codes[name] >= 0 and sizes[codes[name]] > 0
            residual = columns[0, name] if abs(columns[0, name]) > NOTHING * size else 0.0
            out[t, name] = residual if known and abs(residual) < np.inf else np.nan


@kernel_part
def _take(
    row: Floats, groups: Floats, regressors: Floats, t: int, members: Bools, columns: Floats, codes: Ints, fitted: Bools
) -> int:
    """Copy a date's columns; codes of names that have everything, −1 for others; which, and how many, are members."""
    total = 0
    for name in range(len(row)):
        columns[0, name] = row[name]
        known = abs(row[name]) < np.inf and 0.0 <= groups[name] < MOST_GROUPS and groups[name] == int(groups[name])
        for column in range(len(regressors)):
            columns[column + 1, name] = regressors[column, t, name]
            known = known and abs(regressors[column, t, name]) < np.inf
        codes[name] = int(groups[name]) if known else -1
        fitted[name] = known and members[name]
        total += fitted[name]
    return total


@kernel_part
def _group_sizes(codes: Ints, fitted: Bools, sizes: Ints) -> int:
    """Count the members of each group that is met; return how many groups have one."""
    for name in range(len(codes)):
        if codes[name] >= 0:
            sizes[codes[name]] = 0
    present = 0
    for name in range(len(codes)):
        if fitted[name]:
            present += sizes[codes[name]] == 0
            sizes[codes[name]] += 1
    return present


@kernel_part
def _demean(column: Floats, codes: Ints, fitted: Bools, sizes: Ints, sums: Floats) -> None:
    """Take the mean of its group's members from each name; around a member's value, so that equals leave 0."""
    for name in range(len(codes)):
        if codes[name] >= 0:
            sums[0, codes[name]], sums[1, codes[name]] = np.nan, 0.0
    for name in range(len(codes)):
        if fitted[name]:
            code = codes[name]
            if not abs(sums[0, code]) < np.inf:
                sums[0, code] = column[name]
            sums[1, code] += column[name] - sums[0, code]
    for name in range(len(codes)):
        code = codes[name]
        if code >= 0 and sizes[code] > 0:
            column[name] = column[name] - sums[0, code] - sums[1, code] / sizes[code]


@kernel_part
def _orthogonal(
    columns: Floats, column: int, length: float, codes: Ints, fitted: Bools, sizes: Ints, sums: Floats
) -> int:
    """Make a regressor orthogonal to the groups and those before it, of length 1; 1 when something is left, else 0.

    Where little is left, rounding is much of it: so it is done again with what is left.
    """
    for _ in range(2):
        _demean(columns[column], codes, fitted, sizes, sums)
        for earlier in range(1, column):
            _project(columns[column], columns[earlier], fitted)
        left = np.sqrt(_product(columns[column], columns[column], fitted))
        kept = left > ALIKE * length
        for name in range(len(codes)):
            columns[column, name] = columns[column, name] / left if kept else 0.0
        if not kept:
            return 0
        length = 1.0
    return 1


@kernel_part
def _project(column: Floats, direction: Floats, fitted: Bools) -> None:
    """Take from a column what lies in a direction, by the members' product, for all names."""
    share = _product(column, direction, fitted)
    for name in range(len(column)):
        column[name] -= share * direction[name]


@kernel_part
def _product(left: Floats, right: Floats, fitted: Bools) -> float:
    total = 0.0
    for name in range(len(left)):
        if fitted[name]:
            total += left[name] * right[name]
    return total
