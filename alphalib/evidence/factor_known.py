"""Is a factor new: how much it orders the names like known ones, and what it knows besides the nearest."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import special

from alphalib.compiled import Floats
from alphalib.errors import InputError
from alphalib.evidence.by_date import Sorted, correlations, ranks_by_date, sorted_by_date
from alphalib.evidence.estimate import Estimate
from alphalib.evidence.factor_measure import MINIMUM, Measured, Outcomes
from alphalib.evidence.significance import mean_with_interval
from alphalib.market import Panel

_EVERY = 5  # sessions: how two factors order the names changes slowly


def against_known(
    result: Measured, known: Iterable[tuple[str, Panel]], after: Outcomes
) -> tuple[pd.DataFrame, Sorted | None]:
    """Mean per-date rank correlation with known factors on every fifth session, and the nearest of them.

    Returns
    -------
    (DataFrame, Sorted or None)
        `FactorReport.known`, and the panel of its first row.
    """
    some = slice(None, None, _EVERY)
    sample = sorted_by_date(result.factor.values[some])
    found: dict[str, float] = {}
    nearest, closest = None, -1.0
    for name, panel in known:
        if not (panel.index.equals(after.sessions) and panel.columns.equals(after.tickers)):
            raise InputError(f"{name} must have the sessions and tickers of the market")
        values = panel.to_numpy(dtype=float)
        _, per_date = correlations(sample, sorted_by_date(values[some], after.member[some]), minimum=MINIMUM)
        if not np.isfinite(per_date).any():
            continue
        found[name] = float(np.nanmean(per_date))
        if abs(found[name]) > closest:
            closest, nearest = abs(found[name]), values
    table = pd.DataFrame({"correlation": pd.Series(found, dtype=float)}).rename_axis("factor")
    table = table.sort_values("correlation", key=lambda column: column.abs(), ascending=False, kind="stable")
    return table, sorted_by_date(nearest, after.member) if nearest is not None else None


def rank_ic_left(result: Measured, other: Sorted, after: Outcomes, *, horizon: int) -> Estimate:
    """Rank IC of what another factor does not explain: the rest of a line through the normal scores of both, by date.

    Parameters
    ----------
    result : Measured
        Of the factor.
    other : Sorted
        The factor it may be a copy of.
    after : Outcomes
        Of the same market.
    horizon : int
        [sessions]

    Returns
    -------
    Estimate
        NaN where the two order the names alike on every date. [correlation]
    """
    both = np.isfinite(result.factor.values) & np.isfinite(other.values)
    left = _residual(_scores(sorted_by_date(result.factor.values, both)), _scores(sorted_by_date(other.values, both)))
    _, per_date = correlations(sorted_by_date(left), after.returns[horizon], minimum=MINIMUM)
    return mean_with_interval(pd.Series(per_date, after.sessions), horizon=horizon)


def _scores(panel: Sorted) -> Floats:
    """Ranks as quantiles of a normal distribution: between them a line tells all, where between ranks a curve would."""
    places = (ranks_by_date(panel) - 0.5) / np.maximum(panel.count, 1)[:, None]
    scores: Floats = special.ndtri(places)
    return scores


def _residual(values: Floats, others: Floats) -> Floats:
    """Of a line fitted on each date; NaN on dates where nothing but rounding is left."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    x, y = (np.where(known, scores, 0.0) for scores in (others, values))
    x, y = (np.where(known, scores - scores.sum(axis=1, keepdims=True) / count, 0.0) for scores in (x, y))
    xx, xy, yy = ((a * b).sum(axis=1, keepdims=True) for a, b in ((x, x), (x, y), (y, y)))
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(xx > 0, xy / xx, 0.0)
        left = np.where(yy > 0, 1 - slope * xy / yy, 0.0)
    return np.where(known & (left > 1e-9), y - slope * x, np.nan)
