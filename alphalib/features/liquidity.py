"""How much is traded, and on which side.

Means of volume leave sessions without a bar out and need four fifths of their window.
"""

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import Panel


def avg_volume(volume: Panel, *, window: int = 20) -> Panel:
    """Mean volume a session.

    Parameters
    ----------
    volume : Panel
        Traded volume. [shares]
    window : int
        Length of the mean. [sessions]

    Returns
    -------
    Panel
        Same labels as `volume`; NaN without a volume now or four fifths of the window. [shares]
    """
    return _mean(volume, window).where(volume.notna())


def dollar_volume(close: Panel, volume: Panel, *, window: int = 20) -> Panel:
    """Mean value traded a session, each at its own close.

    Parameters
    ----------
    close : Panel
        Close as printed. [currency]
    volume : Panel
        Traded volume. [shares]
    window : int
        Length of the mean. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a bar now or four fifths of the window. [currency]
    """
    return avg_volume(close * volume, window=window)


def relative_volume(volume: Panel, *, window: int = 20) -> Panel:
    """Volume of the session over the mean of the `window` sessions up to it.

    Parameters
    ----------
    volume : Panel
        Volume adjusted for splits. [shares]
    window : int
        Length of the mean. [sessions]

    Returns
    -------
    Panel
        Same labels as `volume`; NaN without a volume now, four fifths of the window, or any trade in it. [ratio]
    """
    usual = _mean(volume, window)
    return volume / usual.where(usual > 0)


def volume_trend(volume: Panel, *, short: int = 10, long: int = 60) -> Panel:
    """Mean volume of the last `short` sessions over that of the last `long`, minus one.

    Parameters
    ----------
    volume : Panel
        Volume adjusted for splits. [shares]
    short, long : int
        Lengths of the means. [sessions]

    Returns
    -------
    Panel
        Same labels as `volume`; NaN without a volume now, four fifths of `long`, or any trade in it. [fraction]
    """
    if not 1 <= short < long:
        raise InputError(f"short must be at least 1 session and less than long, got {short} and {long}")
    usual = _mean(volume, long)
    return (_mean(volume, short) / usual.where(usual > 0) - 1.0).where(volume.notna())


def obv_slope(close: Panel, volume: Panel, *, window: int = 20) -> Panel:
    """Slope of on-balance volume over the last `window` sessions, in mean volumes a session: +1 when all are up days.

    On-balance volume adds the volume of days that close higher and takes off that of days that close lower (Granville
    1963); the slope is that of least squares.

    Parameters
    ----------
    close : Panel
        Total-return close. [currency]
    volume : Panel
        Volume adjusted for splits. [shares]
    window : int
        Points on the line. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a bar now, `window` sessions of history, or any trade. [ratio]
    """
    if window < 2:
        raise InputError(f"window must be at least 2 sessions, got {window}")
    held = close.ffill()
    signed = np.sign(held.diff()) * volume.fillna(0.0)
    # A day's volume lifts every later point of the line: its weight is the sum of their (x − mean x) / Σ (x − mean x)².
    x = np.arange(window) - (window - 1) / 2
    weights = np.cumsum(x[::-1])[:-1] / (x @ x)
    values = signed.to_numpy()
    slope = np.full(values.shape, np.nan)
    if len(values) >= window:
        slope[window - 1 :] = 0.0
        for lag, weight in enumerate(weights):
            slope[window - 1 :] += weight * values[window - 1 - lag : len(values) - lag]
    usual = _mean(volume, window)
    return (pd.DataFrame(slope, index=close.index, columns=close.columns) / usual.where(usual > 0)).where(close.notna())


def _mean(volume: Panel, window: int) -> Panel:
    if window < 1:
        raise InputError(f"window must be at least 1 session, got {window}")
    return volume.rolling(window, min_periods=window - window // 5).mean()
