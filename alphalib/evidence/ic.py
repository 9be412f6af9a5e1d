"""Information coefficient: how well a date's predictions order its outcomes. Always per date, never pooled."""

from typing import TypeAlias

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import Panel

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def rank_ic(prediction: Panel, label: Panel, *, minimum: int = 10) -> pd.Series:
    """Spearman correlation of prediction and label over the names of each date; ties share their mean rank.

    Parameters
    ----------
    prediction, label : Panel
        Same sessions, same tickers; names with both are counted.
    minimum : int
        Names a date must have. [names]

    Returns
    -------
    Series
        One value a session; NaN with fewer names, or where one of the two is constant. [correlation]
    """
    _check(prediction, label, minimum)
    both = prediction.notna() & label.notna()
    return _correlation(prediction.where(both).rank(axis=1), label.where(both).rank(axis=1), minimum)


def ic(prediction: Panel, label: Panel, *, minimum: int = 10) -> pd.Series:
    """Pearson correlation of prediction and label over the names of each date.

    Parameters
    ----------
    prediction, label : Panel
        Same sessions, same tickers; names with both are counted.
    minimum : int
        Names a date must have. [names]

    Returns
    -------
    Series
        One value a session; NaN with fewer names, or where one of the two is constant. [correlation]
    """
    _check(prediction, label, minimum)
    both = prediction.notna() & label.notna()
    return _correlation(prediction.where(both), label.where(both), minimum)


def icir(per_date: pd.Series) -> float:
    """Mean over standard deviation of per-date ICs: how steady the IC is, not how large.

    Parameters
    ----------
    per_date : Series
        ICs by session; NaN are left out. [correlation]

    Returns
    -------
    float
        Per session, not annualised; NaN with fewer than two values or without spread. [ratio]
    """
    spread = per_date.std()
    return float(per_date.mean() / spread) if spread > 0 else float("nan")


def _correlation(first: Panel, second: Panel, minimum: int) -> pd.Series:
    a, b = first.to_numpy(dtype=float), second.to_numpy(dtype=float)
    known = np.isfinite(a)
    count = known.sum(axis=1)
    a, b = _centred(a, known, count), _centred(b, known, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    usable = (count >= minimum) & _varies(first) & _varies(second)
    return pd.Series(np.where(usable, correlation, np.nan), index=first.index)


def _centred(values: Floats, known: Floats, count: Floats) -> Floats:
    """Less the mean of the row; 0 where unknown."""
    filled = np.where(known, values, 0.0)
    return np.where(known, filled - (filled.sum(axis=1) / np.maximum(count, 1))[:, None], 0.0)


def _varies(panel: Panel) -> Floats:
    """Whether a row has two different values: rounding may leave a constant row a spread of 1e-17."""
    return np.asarray(panel.max(axis=1) > panel.min(axis=1))


def _check(prediction: Panel, label: Panel, minimum: int) -> None:
    if minimum < 2:
        raise InputError(f"a correlation needs at least 2 names, got minimum {minimum}")
    if not (prediction.index.equals(label.index) and prediction.columns.equals(label.columns)):
        raise InputError("prediction and label must have the same sessions and the same tickers")
