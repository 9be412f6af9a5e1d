"""What companies reported, and how long ago."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.errors import InputError
from alphalib.market import Panel


def earnings_surprise(earnings: pd.DataFrame, close: Panel, *, within: int = 60) -> Panel:
    """Surprise of the latest earnings report, while it is not older than `within` sessions.

    Bernard and Thomas (1989), doi:10.2307/2491062, on the drift that follows.

    Parameters
    ----------
    earnings : DataFrame
        `ticker`, `date` of the report, `surprise`; see `Market.earnings`.
    close : Panel
        Close; its labels and gaps are those of the result. [currency]
    within : int
        Oldest age. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now or such a report, or when its surprise is unknown. [fraction]
    """
    if within < 0:
        raise InputError(f"within must be at least 0 sessions, got {within}")
    rows, columns, surprise = _reports(earnings, close)
    told = np.full(close.shape, np.nan)
    told[rows, columns] = surprise
    latest = _latest_row(rows, columns, close.shape)
    age = np.arange(len(close))[:, None] - latest
    values = np.where((latest >= 0) & (age <= within), np.take_along_axis(told, np.maximum(latest, 0), axis=0), np.nan)
    return pd.DataFrame(values, index=close.index, columns=close.columns).where(close.notna())


def sessions_since_earnings(earnings: pd.DataFrame, close: Panel, *, within: int = 126) -> Panel:
    """Sessions since the latest earnings report: 0 on its own session.

    Companies report every quarter; an older report says that the data ended, not that the company fell silent.

    Parameters
    ----------
    earnings : DataFrame
        `ticker`, `date` of the report, `surprise`; see `Market.earnings`.
    close : Panel
        Close; its labels and gaps are those of the result. [currency]
    within : int
        Oldest age. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now or such a report. [sessions]
    """
    if within < 0:
        raise InputError(f"within must be at least 0 sessions, got {within}")
    rows, columns, _ = _reports(earnings, close)
    latest = _latest_row(rows, columns, close.shape)
    age = np.arange(len(close))[:, None] - latest
    values = np.where((latest >= 0) & (age <= within), age, np.nan)
    return pd.DataFrame(values, index=close.index, columns=close.columns).where(close.notna())


def _reports(earnings: pd.DataFrame, close: Panel) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Row, column and surprise of every report made by the last session, in the order they were made."""
    made = earnings.sort_values(["date", "ticker", "surprise"])
    rows = close.index.searchsorted(pd.DatetimeIndex(made["date"]))
    columns = close.columns.get_indexer(pd.Index(made["ticker"]))
    # A report from before the first session would fall on it, though its news is old.
    inside = (columns >= 0) & (rows < len(close)) & (made["date"] >= close.index[0]).to_numpy()
    return rows[inside], columns[inside], made["surprise"].to_numpy(dtype=float)[inside]


def _latest_row(rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.intp]:
    """Row of the latest report at each session; −1 before the first."""
    latest = np.full(shape, -1, dtype=np.intp)
    latest[rows, columns] = rows
    return np.maximum.accumulate(latest, axis=0)
