"""Where the price stands against its own past."""

from alphalib.errors import InputError
from alphalib.market import Panel


def momentum(close: Panel, *, window: int = 20, skip: int = 0) -> Panel:
    """Return from `window` sessions ago to `skip` sessions ago.

    `window=252, skip=21` is that of Jegadeesh and Titman (1993), doi:10.1111/j.1540-6261.1993.tb04702.x.

    Parameters
    ----------
    close : Panel
        Total-return close; a session without one carries the last. [currency]
    window : int
        Start of the return. [sessions]
    skip : int
        End of the return, to leave the latest reversal out. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now or `window` sessions of history. [fraction]
    """
    if not 0 <= skip < window:
        raise InputError(f"skip must be at least 0 and less than window, got skip {skip} and window {window}")
    held = close.ffill()
    return (held.shift(skip) / held.shift(window) - 1.0).where(close.notna())


def price_vs_mean(close: Panel, *, window: int = 50) -> Panel:
    """Close over its mean of the last `window` sessions, minus one.

    Parameters
    ----------
    close : Panel
        Total-return close; a session without one carries the last. [currency]
    window : int
        Length of the mean. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now or `window` sessions of history. [fraction]
    """
    if window < 2:
        raise InputError(f"window must be at least 2 sessions, got {window}")
    return close / close.ffill().rolling(window).mean() - 1.0
