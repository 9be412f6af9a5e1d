"""How the market and its sectors stand, by rule: regime, sector modifiers and ratings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alphalib.contracts import SectorRating, SectorView
from alphalib.features.momentum import momentum, price_vs_mean
from alphalib.market import SECTOR_ETFS, SECTORS, Market, Panel
from alphalib.scores import MODIFIER_RANGE, RegimeCode

CRISIS_VIX, CRISIS_FALL = 30.0, -0.10
HIGH_VIX, CALM_VIX = 25.0, 20.0
SECTOR_WINDOW = 60
MODIFIER_SLOPE = 3.0
OVERWEIGHT, UNDERWEIGHT = 1.08, 0.92

RATINGS: dict[int, SectorRating] = {-1: "underweight", 0: "market_weight", 1: "overweight"}


def regime(market: Market) -> pd.Series:
    """State of the market by session, from the trend of SPY and the level of the VIX.

    Bear: VIX above 30 and SPY down more than 10 % in 30 sessions, whatever else holds; or SPY and its 50-session mean
    below its 200-session mean. Caution: SPY below its 200-session mean, or VIX above 25. Bull: SPY above its 50-session
    mean, that above the 200-session mean, VIX below 20. Neutral otherwise, and while SPY has no 200 sessions.

    Returns
    -------
    Series
        `RegimeCode`, sessions of the market. [int8]
    """
    nothing = pd.Series(np.nan, index=market.sessions)
    spy = market.benchmarks.get("SPY", nothing).to_frame()
    vix = market.macro.get("vix", nothing)
    above_50, above_200 = (price_vs_mean(spy, window=window).iloc[:, 0] for window in (50, 200))
    rising = above_200 > above_50  # the 50-session mean is above the 200-session mean
    falling = above_200 < above_50
    crisis = (vix > CRISIS_VIX) & (momentum(spy, window=30).iloc[:, 0] < CRISIS_FALL)
    states = [
        (crisis | ((above_200 < 0) & falling), RegimeCode.BEAR),
        ((above_200 < 0) | (vix > HIGH_VIX), RegimeCode.CAUTION),
        ((above_50 > 0) & rising & ~(vix >= CALM_VIX), RegimeCode.BULL),
    ]
    codes = np.select([where for where, _ in states], [code for _, code in states], RegimeCode.NEUTRAL)
    return pd.Series(codes.astype(np.int8), index=market.sessions, name="regime")


def sector_modifiers(market: Market) -> Panel:
    """What a sector multiplies scores by: 1 + 3 × its fund's 60-session return over SPY's, within 0.70 and 1.30.

    Returns
    -------
    Panel
        Sessions down, `SECTORS` across; 1 while the fund or SPY has no such return. [ratio]
    """
    lead = _sector_lead(market)
    modifier = (1.0 + MODIFIER_SLOPE * lead).clip(1.0 - MODIFIER_RANGE, 1.0 + MODIFIER_RANGE)
    return modifier.fillna(1.0)


def sector_ratings(modifiers: Panel) -> Panel:
    """Overweight from a modifier of 1.08, underweight up to 0.92.

    Returns
    -------
    Panel
        Labels of `modifiers`: −1, 0, +1. [int8]
    """
    return (modifiers >= OVERWEIGHT).astype(np.int8) - (modifiers <= UNDERWEIGHT).astype(np.int8)


def sector_views(market: Market, ratings: Panel) -> dict[str, SectorView]:
    """Rating of each sector at the last session of `ratings`, with the numbers behind it."""
    last = ratings.index[-1]
    lead = _sector_lead(market).loc[last]
    views = {}
    for name, fund in zip(SECTORS, SECTOR_ETFS, strict=True):
        told = (
            f"{fund} has no {SECTOR_WINDOW}-session return to compare with SPY's"
            if np.isnan(lead[name])
            else f"{fund} returned {100 * lead[name]:+.1f} points against SPY over {SECTOR_WINDOW} sessions"
        )
        views[name] = SectorView(rating=RATINGS[int(ratings.loc[last, name])], rationale=told)
    return views


def _sector_lead(market: Market) -> Panel:
    """Return of each sector's fund minus SPY's."""
    funds = momentum(market.benchmarks.reindex(columns=["SPY", *SECTOR_ETFS]), window=SECTOR_WINDOW)
    lead = funds[list(SECTOR_ETFS)].sub(funds["SPY"], axis=0)
    return lead.set_axis(pd.Index(SECTORS, name="sector"), axis=1)
