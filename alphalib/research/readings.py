"""What research reads of each name, with the units it takes them in, and the technical score made of it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd

from alphalib.features import factors, feature, features_off
from alphalib.market import Market, Panel
from alphalib.scores import RegimeCode
from alphalib.sessions import SESSIONS_PER_YEAR

Readings: TypeAlias = dict[str, Panel]

UNITS = {
    "rsi_14": "0–100",
    "macd_12_26_9": "fraction",
    "price_vs_ma50": "fraction",
    "price_vs_ma200": "fraction",
    "momentum_20": "fraction",
    "momentum_5": "fraction",
    "momentum_252_21": "fraction",
    "distance_from_52w_high": "fraction",
    "realized_volatility_20": "per √year",
    "atr_pct_14": "fraction",
    "avg_volume_20": "shares",
    "earnings_surprise_60": "fraction",
    "days_since_earnings": "sessions",
}
"""Features read, each with its unit."""

OPTIONAL = ("avg_volume_20", "earnings_surprise_60", "days_since_earnings")
"""A name without these is still scored."""

RSI_BANDS = {
    RegimeCode.BULL: (40.0, 80.0),
    RegimeCode.NEUTRAL: (30.0, 70.0),
    RegimeCode.CAUTION: (30.0, 70.0),
    RegimeCode.BEAR: (20.0, 60.0),
}
"""Oversold and overbought by regime: in a rising market a strong RSI is no warning yet."""


def readings(market: Market, rows: pd.DatetimeIndex) -> Readings:
    """The features that research reads, at the sessions `rows`; those off on this market are left out."""
    off = features_off(market)
    entries = {name: feature(name, unit=unit).entry for name, unit in UNITS.items() if name not in off}
    return {name: panel.loc[rows] for name, panel in factors(entries, market).items()}


def complete(read: Readings) -> Panel:
    """Whether a name has everything that a score needs. [bool]"""
    needed = [panel.notna().to_numpy() for name, panel in read.items() if name not in OPTIONAL]
    one = read["momentum_20"]
    return pd.DataFrame(np.logical_and.reduce(needed), index=one.index, columns=one.columns)


def technical_score(read: Readings, regime: pd.Series) -> Panel:
    """Technical score: RSI, MACD, close against its 50- and 200-session means and 20-session momentum, a fifth each.

    RSI counts 100 at the oversold band of the regime and 0 at the overbought one; the MACD histogram half a daily
    standard deviation either way, the means 10 % and 20 %, momentum 10 %, from 0 through 50 to 100.

    Parameters
    ----------
    read : Readings
        Features at the rows wanted.
    regime : Series
        `RegimeCode` at the same rows.

    Returns
    -------
    Panel
        Labels of the readings; NaN where one of the five is missing. [0–100]
    """
    low, high = (regime.map({code: band[side] for code, band in RSI_BANDS.items()}) for side in (0, 1))
    oversold = read["rsi_14"].rsub(high, axis=0).div(high - low, axis=0).clip(0.0, 1.0)
    daily = read["realized_volatility_20"] / SESSIONS_PER_YEAR**0.5
    parts = [
        100.0 * oversold,
        _through_fifty(read["macd_12_26_9"] / (0.5 * daily.where(daily > 0))),
        _through_fifty(read["price_vs_ma50"] / 0.10),
        _through_fifty(read["price_vs_ma200"] / 0.20),
        _through_fifty(read["momentum_20"] / 0.10),
    ]
    total: Panel = sum(parts[1:], start=parts[0])
    return total / len(parts)


def _through_fifty(ratio: Panel) -> Panel:
    return 50.0 + 50.0 * ratio.clip(-1.0, 1.0)
