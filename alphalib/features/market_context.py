"""A name against the market and its sector."""

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.features.momentum import momentum
from alphalib.features.volatility import log_return
from alphalib.market import Panel
from alphalib.sessions import SESSIONS_PER_YEAR
from alphalib.universe import sector_totals


def beta(close: Panel, benchmark: pd.Series, *, window: int = 60) -> Panel:
    """Slope of daily log returns on the benchmark's over the last `window` sessions.

    Parameters
    ----------
    close : Panel
        Total-return close. [currency]
    benchmark : Series
        Total-return index by session. [currency]
    window : int
        Number of returns in each estimate. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN without a close now, `window` returns of both, or any move of the benchmark. [ratio]
    """
    covariance, variance = _moments(close, benchmark, window)
    return covariance.div(variance.where(variance > 0), axis=0).where(close.notna())


def idiosyncratic_volatility(close: Panel, benchmark: pd.Series, *, window: int = 60) -> Panel:
    """Annualised standard deviation of what the benchmark does not explain of the last `window` daily log returns.

    Ang, Hodrick, Xing and Zhang (2006), doi:10.1111/j.1540-6261.2006.00836.x.

    Parameters
    ----------
    close : Panel
        Total-return close. [currency]
    benchmark : Series
        Total-return index by session. [currency]
    window : int
        Number of returns in each estimate. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN where `beta` is. [per √year]
    """
    covariance, variance = _moments(close, benchmark, window)
    explained = (covariance**2).div(variance.where(variance > 0), axis=0)
    residual = (log_return(close).rolling(window).var() - explained).clip(lower=0.0)
    return (residual * SESSIONS_PER_YEAR).pow(0.5).where(close.notna())


def sector_relative_momentum(close: Panel, member: Panel, sector: Panel, *, window: int = 20) -> Panel:
    """Momentum minus the mean momentum of the sector's members on that date.

    Parameters
    ----------
    close : Panel
        Total-return close. [currency]
    member : Panel
        Membership. [bool]
    sector : Panel
        Sector codes, −1 unknown.
    window : int
        Length of the return. [sessions]

    Returns
    -------
    Panel
        Same labels as `close`; NaN where momentum is, where the sector is unknown or has no member with one. [fraction]
    """
    own = momentum(close, window=window)
    counted = member.to_numpy() & own.notna().to_numpy()
    total, count = sector_totals(own.to_numpy(), counted, sector.to_numpy())
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return own - mean


def _moments(close: Panel, benchmark: pd.Series, window: int) -> tuple[Panel, pd.Series]:
    """Covariance with the benchmark and its variance, of the last `window` returns."""
    if window < 3:
        raise InputError(f"window must be at least 3 sessions, got {window}")
    own = log_return(close)
    market = log_return(benchmark.to_frame()).iloc[:, 0]
    product = own.mul(market, axis=0).rolling(window).mean()
    means = own.rolling(window).mean().mul(market.rolling(window).mean(), axis=0)
    return (product - means) * (window / (window - 1)), market.rolling(window).var()
