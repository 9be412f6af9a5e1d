"""What several kernels share. Each takes `sources: int = stamp(values)`, so that a change here compiles it anew."""

import numpy as np

from alphalib.compiled import Floats, kernel_part

FLAT = 1e-12
"""A standard deviation below this share of the mean is rounding, not spread: what is divided by it is missing."""


@kernel_part
def first_value(row: Floats, begin: int, end: int) -> int:
    """Column of the first value in begin … end − 1; `end` when there is none."""
    for t in range(begin, end):
        if abs(row[t]) < np.inf:
            return t
    return end


@kernel_part
def latest_value(row: Floats, begin: int, window: int) -> float:
    """The latest of the window − 1 values before `begin`; 0 when there is none."""
    for t in range(begin - 1, max(begin - window, -1), -1):
        if abs(row[t]) < np.inf:
            return float(row[t])
    return 0.0
