"""Promises: what the next quarter should bring if what was measured is true, written down before it begins.

Made when a model or a set of parameters is adopted, scored when the quarter is over. Of intervals of 95 % nineteen in
twenty should hold; what was overfitted, or has stopped working, shows here first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.errors import InputError
from alphalib.evidence.estimate import Estimate
from alphalib.evidence.significance import Floats, bootstrap_means
from alphalib.sessions import SESSIONS_PER_YEAR, next_session, sessions_between

Measure = Literal["mean", "sharpe"]


def promise(
    series: pd.Series,
    *,
    block: int,
    rng: np.random.Generator,
    sessions: int = 63,
    measure: Measure = "mean",
    draws: int = 2000,
    level: float = 0.95,
) -> Estimate:
    """Interval in which the next sessions' mean or Sharpe ratio should lie.

    Parameters
    ----------
    series : Series
        One value a session, such as per-date ICs or daily returns; NaN are left out.
    block : int
        Neighbouring sessions drawn together: a few horizons. [sessions]
    rng : Generator
        Randomness.
    sessions : int
        Length of what is promised. [sessions]
    measure : {"mean", "sharpe"}
        Of the sessions to come; the Sharpe ratio is annualised.
    draws : int
        Resamples.
    level : float
        Coverage of the two-sided interval. [fraction]

    Returns
    -------
    Estimate
        NaN interval where there are fewer than five blocks: too little is known to promise anything.

    Notes
    -----
    Two errors are added up, each from its own block bootstrap: that of the measured value, over as many sessions as it
    was measured on, and that of the sessions to come around the true one. Both are widened for what blocks cut apart
    and for few blocks, by √(1 + 1/blocks).
    """
    if measure not in ("mean", "sharpe"):
        raise InputError(f"a promise is of the mean or the sharpe, got {measure!r}")
    if sessions < 1 or block < 1 or draws < 1:
        raise InputError(f"sessions, block and draws must be at least 1, got {sessions}, {block} and {draws}")
    values = series.dropna().to_numpy(dtype=float)
    n = len(values)
    method = f"predictive block bootstrap, blocks of {block}, {draws} draws, {level:.0%}"
    if n < 5 * block:
        value = float(_measured(values, measure)) if n else math.nan
        return Estimate(value, math.nan, math.nan, n, method=method, note=f"{n} values are too few to promise from")
    found = float(_measured(values, measure))
    drawn = partial(bootstrap_means if measure == "mean" else _sharpes, values, block=block, draws=draws, rng=rng)
    past, future = drawn(size=n), drawn(size=sessions)
    past_error = (past - past.mean()) * math.sqrt(1 + block / n)
    future_error = (future - future.mean()) * math.sqrt(1 + 1 / max(sessions / block, 1))
    low, high = np.nanquantile(found - past_error + future_error, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(found, float(low), float(high), n, method=method)


def score_promises(promises: pd.DataFrame, outcomes: Mapping[str, pd.Series], *, minimum: float = 0.9) -> pd.DataFrame:
    """What came of each promise.

    Parameters
    ----------
    promises : DataFrame
        From `Ledger.promises`.
    outcomes : mapping of str to Series
        By subject: one value a session, as the series that the promise was made from, now for the sessions after it.
    minimum : float
        Share of the promised sessions that must have an outcome; until then it is open. [fraction]

    Returns
    -------
    DataFrame
        The promises with `found` and `kept`, both missing while open.
    """
    scored = promises.copy()
    scored["found"], scored["kept"] = math.nan, pd.array([pd.NA] * len(scored), dtype="boolean")
    for number, made in promises.iterrows():
        series = outcomes.get(str(made["subject"]))
        days = sessions_between(made["first"], made["last"])
        known = pd.Series(dtype=float) if series is None else series.reindex(days).dropna()
        if len(known) >= max(minimum * len(days), 1):
            found = float(_measured(known.to_numpy(dtype=float), made["measure"]))
            scored.loc[number, "found"] = found
            scored.loc[number, "kept"] = bool(made["low"] <= found <= made["high"])
    return scored


def coverage(scored: pd.DataFrame) -> pd.DataFrame:
    """How many promises were kept, by lineage.

    Parameters
    ----------
    scored : DataFrame
        From `score_promises`.

    Returns
    -------
    DataFrame
        One row a lineage: promises made, over, kept, share kept with its exact 95 % interval (Clopper and Pearson,
        1934, https://doi.org/10.1093/biomet/26.4.404), and the share promised.
    """
    rows = {}
    for lineage, group in scored.groupby("lineage"):
        over = group["kept"].dropna()
        kept, count = int(over.sum()), len(over)
        rows[lineage] = {
            "made": len(group),
            "over": count,
            "kept": kept,
            "share": kept / count if count else math.nan,
            "low": float(stats.beta.ppf(0.025, kept, count - kept + 1)) if kept else 0.0,
            "high": float(stats.beta.ppf(0.975, kept + 1, count - kept)) if kept < count else 1.0,
            "promised": float(group["level"].mean()),
        }
    columns = ["made", "over", "kept", "share", "low", "high", "promised"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("lineage")


def promised_span(asof: pd.Timestamp, sessions: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last session of what is promised at the close of `asof`."""
    return next_session(asof), next_session(asof, count=sessions)


def _measured(values: Floats, measure: str) -> Floats:
    """Mean or annualised Sharpe ratio along the last axis."""
    mean = values.mean(axis=-1)
    if measure == "mean":
        return np.asarray(mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(mean / values.std(axis=-1, ddof=1) * SESSIONS_PER_YEAR**0.5)


def _sharpes(values: Floats, *, size: int, block: int, draws: int, rng: np.random.Generator) -> Floats:
    block = min(block, size)
    starts = rng.integers(len(values), size=(draws, -(-size // block)))
    places = (starts[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :size] % len(values)
    return _measured(values[places], "sharpe")
