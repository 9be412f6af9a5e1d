"""Means over events that share dates: what happened on one date is one observation, and neighbouring dates overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.errors import InputError
from alphalib.evidence.significance import false_discovery

FEWEST_BLOCKS = 4
"""Fewer independent stretches of time than this give no interval."""


def event_means(
    events: pd.DataFrame,
    values: Sequence[str],
    *,
    dates: pd.DatetimeIndex,
    block: int,
    rng: np.random.Generator,
    draws: int = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Mean of each value over all events, with the interval of a circular block bootstrap over the dates.

    Parameters
    ----------
    events : DataFrame
        One row an event: `date`, one of `dates`, and the values; an event with a missing value does not count for it.
    values : sequence of str
        Columns to average.
    dates : DatetimeIndex
        Every date on which there could have been an event, ascending.
    block : int
        Neighbouring dates drawn together: enough of them to cover the overlap of outcomes. [dates]
    rng : Generator
        Randomness.
    draws : int
        Resamples.
    level : float
        Coverage of the two-sided intervals. [fraction]

    Returns
    -------
    DataFrame
        Values down; `events`, `dates` with one, `mean`, `low`, `high`, `p` (two-sided, of a mean of 0: Student's t
        with as many degrees of freedom as there are blocks, or dates if those are fewer, less one). NaN ends and p
        with fewer than 4 of them between the first event and the last.

    Raises
    ------
    InputError
        When an event is on none of the dates.
    """
    if block < 1 or draws < 1:
        raise InputError(f"block and draws must be at least 1, got {block} and {draws}")
    rows = dates.get_indexer(pd.DatetimeIndex(events["date"]))
    if (rows < 0).any():
        raise InputError(f"there is an event on {events['date'].iloc[int(np.argmin(rows))]:%Y-%m-%d}, not a date given")
    table = {
        value: _event_mean(rows, events[value].to_numpy(dtype=float), block, rng, draws=draws, level=level)
        for value in values
    }
    columns = ["events", "dates", "mean", "low", "high", "p"]
    return pd.DataFrame.from_dict(table, orient="index", columns=columns).astype({"events": int, "dates": int})


def with_q(table: pd.DataFrame, p: str = "p", *, q: str = "q") -> pd.DataFrame:
    """The table with its p-values adjusted for how many there are (Benjamini–Hochberg), in a column of their own."""
    return table.assign(**{q: false_discovery(table[p])})


def _event_mean(
    rows: np.ndarray, values: np.ndarray, block: int, rng: np.random.Generator, *, draws: int, level: float
) -> tuple[int, int, float, float, float, float]:
    known = np.isfinite(values)
    if not known.any():
        return 0, 0, np.nan, np.nan, np.nan, np.nan
    rows, values = rows[known] - rows[known].min(), values[known]
    count, total = np.bincount(rows).astype(float), np.bincount(rows, weights=values)
    mean, happened = float(total.sum() / count.sum()), int((count > 0).sum())
    # Two dates ten years apart are two observations, however many blocks lie between them.
    blocks = min(len(count) / block, happened)
    found = len(values), happened, mean
    if blocks < FEWEST_BLOCKS:
        return *found, np.nan, np.nan, np.nan
    starts = rng.integers(len(count), size=(draws, -(-len(count) // block)))
    drawn = ((starts[:, :, None] + np.arange(block)) % len(count)).reshape(draws, -1)[:, : len(count)]
    events = count[drawn].sum(axis=1)
    means = np.divide(total[drawn].sum(axis=1), events, out=np.full(draws, np.nan), where=events > 0)
    error = float(np.nanstd(means))
    # Percentiles of few blocks are too narrow: Student's t knows how few there are.
    reach = error * float(stats.t.ppf((1 + level) / 2, blocks - 1))
    p = 2 * float(stats.t.sf(abs(mean) / error, blocks - 1)) if error > 0 else np.nan
    return *found, mean - reach, mean + reach, p
