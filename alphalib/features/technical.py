"""Indicators of the chartists.

Wilder's averages (1978, "New Concepts in Technical Trading Systems") are seeded with the plain mean of the first
`window` values. A session without a bar is stepped over: the average stays as it was, and its row is NaN.
"""

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.errors import InputError
from alphalib.market import Panel


def true_range(high: Panel, low: Panel, close: Panel) -> Panel:
    """Span of a session including the gap from the last close before it; of the first bar high − low.

    Parameters
    ----------
    high, low, close : Panel
        Bars in one adjustment. [currency]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without high, low or close. [currency]
    """
    before = close.ffill().shift()
    span: Panel = np.fmax(high, before) - np.fmin(low, before)
    return span.where(high.notna() & low.notna() & close.notna())


def atr(high: Panel, low: Panel, close: Panel, *, window: int = 14) -> Panel:
    """Average true range, Wilder's.

    Parameters
    ----------
    high, low, close : Panel
        Bars in one adjustment. [currency]
    window : int
        Length of the average. [bars]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now or `window` true ranges. [currency]
    """
    return _wilder_average(true_range(high, low, close), window).where(close.notna())


def rsi(close: Panel, *, window: int = 14) -> Panel:
    """Relative strength index, Wilder's: share of the gains in all moves; 50 when nothing moved.

    Parameters
    ----------
    close : Panel
        Total-return close. [currency]
    window : int
        Length of the averages. [bars]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now or `window` moves. [0–100]
    """
    move = close - close.ffill().shift()
    gain, loss = _wilder_average(move.clip(lower=0.0), window), _wilder_average((-move).clip(lower=0.0), window)
    moved = gain + loss
    return (100.0 * (gain / moved.where(moved > 0))).where(moved != 0, 50.0).where(close.notna() & moved.notna())


def _wilder_average(values: Panel, window: int) -> Panel:
    if window < 1:
        raise InputError(f"window must be at least 1 bar, got {window}")
    averages = _wilder(np.ascontiguousarray(values.to_numpy()), window)
    return pd.DataFrame(averages, index=values.index, columns=values.columns)


@numba.njit(cache=True)
def _wilder(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    sessions, names = values.shape
    averages = np.full(values.shape, np.nan)
    level = np.zeros(names)  # a sum until the seed is complete, the average from then on
    seen = np.zeros(names, dtype=np.int64)
    for t in range(sessions):
        for name in range(names):
            value = values[t, name]
            if not np.isnan(value):
                seen[name] += 1
                if seen[name] <= window:
                    level[name] += value
                    if seen[name] == window:
                        level[name] /= window
                else:
                    level[name] = (level[name] * (window - 1) + value) / window
            if seen[name] >= window:
                averages[t, name] = level[name]
    return averages
