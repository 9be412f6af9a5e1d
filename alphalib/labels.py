"""What happened after t: the one file that looks ahead.

A decision from row t trades at session t+1, so a label of horizon h starts at the close of t+1 and ends at t+1+h.
"""

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import Market, Panel
from alphalib.sessions import all_sessions
from alphalib.universe import sector_totals


def forward_return(market: Market, *, horizon: int = 5) -> Panel:
    """Total return over the `horizon` sessions after t+1: wealth[t+1+horizon] / wealth[t+1] − 1.

    A name that is delisted on the way earns what its holders received.

    Parameters
    ----------
    market : Market
        Wealth and tradability are read.
    horizon : int
        Length of the holding. [sessions]

    Returns
    -------
    Panel
        Labels of `market.close`; NaN where the name did not trade at t+1 and in the last `horizon` + 1 rows. [fraction]
    """
    _check(horizon)
    wealth, tradable = market.wealth.to_numpy(), market.tradable.to_numpy()
    forward = np.full(wealth.shape, np.nan)
    known = max(len(wealth) - 1 - horizon, 0)
    if known:
        bought = np.where(tradable[1 : 1 + known], wealth[1 : 1 + known], np.nan)
        forward[:known] = wealth[1 + horizon :] / bought - 1.0
    return pd.DataFrame(forward, index=market.close.index, columns=market.close.columns)


def return_over_spy(market: Market, *, horizon: int = 5) -> Panel:
    """Forward return minus SPY's over the same sessions.

    Parameters
    ----------
    market : Market
        As in `forward_return`, with SPY among its benchmarks.
    horizon : int
        Length of the holding. [sessions]

    Returns
    -------
    Panel
        Labels of `market.close`; NaN where either return is. [fraction]

    Raises
    ------
    InputError
        When the market has no SPY.
    """
    if "SPY" not in market.benchmarks:
        raise InputError("outcomes are measured against SPY, which is not among the market's benchmarks")
    spy = market.benchmarks["SPY"]
    return forward_return(market, horizon=horizon).sub(spy.shift(-1 - horizon) / spy.shift(-1) - 1.0, axis=0)


def sector_relative_return(market: Market, *, horizon: int = 5) -> Panel:
    """Forward return minus the mean forward return of the sector's other members at t.

    Parameters
    ----------
    market : Market
        Wealth, tradability, membership and sectors are read.
    horizon : int
        Length of the holding. [sessions]

    Returns
    -------
    Panel
        Labels of `market.close`; NaN where the forward return is, where the sector is unknown, and where no other
        member of the sector has one. [fraction]
    """
    forward = forward_return(market, horizon=horizon)
    values, sector = forward.to_numpy(), market.sector.to_numpy()
    counted = market.member.to_numpy() & np.isfinite(values)
    total, count = sector_totals(values, counted, sector)
    others = count - (counted & (sector >= 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(others > 0, (total - np.where(counted, values, 0.0)) / others, np.nan)
    return pd.DataFrame(values - mean, index=forward.index, columns=forward.columns)


def label_end(sessions: pd.DatetimeIndex, horizon: int = 5) -> pd.DatetimeIndex:
    """Session at whose close the label of each session is known: the (1 + horizon)-th after it on the exchange.

    Parameters
    ----------
    sessions : DatetimeIndex
        Sessions of the exchange, in any order, repeated or not.
    horizon : int
        Horizon of the label. [sessions]

    Returns
    -------
    DatetimeIndex
        As long as `sessions`; beyond the last session of a market it is the one that is still to come.
    """
    _check(horizon)
    exchange = all_sessions()
    return exchange[exchange.searchsorted(sessions) + 1 + horizon]


def _check(horizon: int) -> None:
    if horizon < 1:
        raise InputError(f"horizon must be at least 1 session, got {horizon}")
