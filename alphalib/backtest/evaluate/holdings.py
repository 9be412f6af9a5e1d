"""What a backtest held at each close, rebuilt from its fills."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from alphalib.backtest.result import Backtest
from alphalib.market import Market, Panel


def holdings(backtest: Backtest, market: Market) -> Panel:
    """Shares held at each close, in units of the day; short positions are negative.

    A split turns whole shares into whole shares, to 1e-9, before what is traded on that session.

    Parameters
    ----------
    backtest : Backtest
        Only its fills are read.
    market : Market
        The one simulated.

    Returns
    -------
    Panel
        Sessions of the backtest down, names ever traded across. [shares]
    """
    trades, sessions = backtest.trades, backtest.sessions
    signed = trades["shares"].where(trades["side"] == "buy", -trades["shares"])
    tickers = pd.Index(sorted(trades["ticker"].unique()), name="ticker", dtype="str")
    bought = np.zeros((len(sessions), len(tickers)))
    np.add.at(bought, (sessions.get_indexer(trades["date"]), tickers.get_indexer(trades["ticker"])), signed)
    held = np.cumsum(bought, axis=0)
    for column, ticker in enumerate(tickers):
        factor = market.split_factor[ticker].reindex(sessions).to_numpy()
        splits = np.flatnonzero(factor[1:] != factor[:-1]) + 1
        for row in splits:
            before = held[row - 1, column]
            after = math.copysign(math.floor(abs(before) * factor[row] / factor[row - 1] + 5e-10), before)
            held[row:, column] += after - before
    return pd.DataFrame(held, index=sessions, columns=tickers)


def weights(backtest: Backtest, market: Market) -> Panel:
    """Value of each position over NAV at each close; the last close stands where there is none. [fraction]"""
    held = holdings(backtest, market)
    split = market.split_factor[held.columns]
    mark = (market.close[held.columns] * split).ffill() / split
    return (held * mark.loc[held.index]).fillna(0.0).div(backtest.nav, axis=0)
