"""Information coefficient: how well a date's predictions order its outcomes. Always per date, never pooled."""

import pandas as pd

from alphalib.errors import InputError
from alphalib.evidence.by_date import correlations, pearson_by_date, sorted_by_date
from alphalib.market import Panel


def rank_ic(prediction: Panel, label: Panel, *, minimum: int = 10) -> pd.Series:
    """Spearman correlation of prediction and label over the names of each date; ties share their mean rank.

    Parameters
    ----------
    prediction, label : Panel
        Same sessions, same tickers; names with a finite value in both are counted.
    minimum : int
        Names a date must have. [names]

    Returns
    -------
    Series
        One value a session; NaN with fewer names, or where one of the two is constant. [correlation]
    """
    _check(prediction, label, minimum)
    _, spearman = correlations(sorted_by_date(prediction), sorted_by_date(label), minimum=minimum)
    return pd.Series(spearman, index=prediction.index)


def ic(prediction: Panel, label: Panel, *, minimum: int = 10) -> pd.Series:
    """Pearson correlation of prediction and label over the names of each date.

    Parameters
    ----------
    prediction, label : Panel
        Same sessions, same tickers; names with a finite value in both are counted.
    minimum : int
        Names a date must have. [names]

    Returns
    -------
    Series
        One value a session; NaN with fewer names, or where one of the two is constant. [correlation]
    """
    _check(prediction, label, minimum)
    return pd.Series(pearson_by_date(prediction, label, minimum=minimum), index=prediction.index)


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


def _check(prediction: Panel, label: Panel, minimum: int) -> None:
    if minimum < 2:
        raise InputError(f"a correlation needs at least 2 names, got minimum {minimum}")
    if not (prediction.index.equals(label.index) and prediction.columns.equals(label.columns)):
        raise InputError("prediction and label must have the same sessions and the same tickers")
