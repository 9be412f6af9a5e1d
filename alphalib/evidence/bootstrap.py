"""Resampling of dates in blocks, which keeps what neighbouring sessions have in common."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


def block_indices(n: int, *, block: int, draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of `draws` resamples of `n` dates, each glued from blocks that begin anywhere and wrap around the end.

    Parameters
    ----------
    n : int
        Dates in the sample, and in each resample. [sessions]
    block : int
        Length of a block; longer than the dependence, much shorter than the sample. [sessions]
    draws : int
        Number of resamples.
    rng : Generator
        Source of chance.

    Returns
    -------
    ndarray, shape (draws, n)
        Positions 0 … n−1; every date is equally likely in every place.

    References
    ----------
    Politis and Romano (1992), "A circular block-resampling procedure for stationary data", in Exploring the Limits of
    Bootstrap, pp. 263–270.
    """
    if not 1 <= block <= n:
        raise ValueError(f"block must lie between 1 and the {n} dates of the sample, got {block}")
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    starts = rng.integers(n, size=(draws, -(-n // block)))
    return ((starts[:, :, None] + np.arange(block)) % n).reshape(draws, -1)[:, :n]


def percentile_interval(
    statistic: Callable[..., Floats], *series: Floats, indices: NDArray[np.int64], level: float = 0.95
) -> tuple[float, float] | None:
    """Interval of a statistic of one or several aligned series, resampled together.

    Parameters
    ----------
    statistic : callable
        Takes the series with time as the last axis and reduces it.
    *series : ndarray, shape (n,)
        Aligned by date.
    indices : ndarray, shape (draws, n)
        From `block_indices`.
    level : float
        Coverage. [fraction]

    Returns
    -------
    (low, high) or None
        None when more than one resample in twenty has no value: then the rest would be a selection.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    with np.errstate(divide="ignore", invalid="ignore"):
        values = statistic(*(values[indices] for values in series))
    usable = values[np.isfinite(values)]
    if len(usable) < 0.95 * len(values):
        return None
    low, high = np.quantile(usable, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
