"""How much the price moves."""

import numpy as np

from alphalib.errors import InputError
from alphalib.market import Panel
from alphalib.sessions import SESSIONS_PER_YEAR


def log_return(close: Panel) -> Panel:
    """Daily log return; zero on a session without a close, the whole move on the next that has one.

    Parameters
    ----------
    close : Panel
        Total-return close. [currency]

    Returns
    -------
    Panel
        Same labels as `close`; NaN until the second close. [fraction]
    """
    return np.log(close.where(close > 0).ffill()).diff()


def realized_volatility(close: Panel, *, window: int = 20) -> Panel:
    """Annualised standard deviation of the last `window` daily log returns.

    Parameters
    ----------
    close : Panel
        Total-return close. [currency]
    window : int
        Number of returns in each estimate. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now or `window` returns. [per √year]
    """
    if window < 2:
        raise InputError(f"window must be at least 2 sessions, got {window}")
    return (log_return(close).rolling(window).std() * SESSIONS_PER_YEAR**0.5).where(close.notna())


def volatility_ratio(close: Panel, *, short: int = 10, long: int = 60) -> Panel:
    """Volatility of the last `short` sessions over that of the last `long`: above one when moves are growing.

    Parameters
    ----------
    close : Panel
        Total-return close. [currency]
    short, long : int
        Numbers of returns. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now, `long` returns, or any move among them. [ratio]
    """
    if not 2 <= short < long:
        raise InputError(f"short must be at least 2 sessions and less than long, got {short} and {long}")
    slow = realized_volatility(close, window=long)
    return realized_volatility(close, window=short) / slow.where(slow > 0)
