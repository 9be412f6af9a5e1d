"""The trailing stop and its sector veto."""

from __future__ import annotations

import math

from alphalib.compiled import compiled


@compiled
def trailing_stop(level: float, atr: float, multiplier: float, anchor: float, fallback: float) -> float:
    """Stop below a level, in ATRs; without an ATR a fraction below an anchor. [currency]

    Parameters
    ----------
    level : float
        What the stop trails: the high-water mark, or under a veto the close. [currency]
    atr : float
        Average true range, NaN when unknown. [currency]
    multiplier : float
        Distance. [ATR]
    anchor : float
        What the fallback is measured from: the average cost, or under a veto the close. [currency]
    fallback : float
        Its distance. [fraction]
    """
    return anchor * (1.0 - fallback) if math.isnan(atr) else level - multiplier * atr


@compiled
def sector_veto(momentum: float, sector_momentum: float, limit: float) -> bool:
    """Whether a name runs so far ahead of its sector's ETF that its stop is suspended; missing values never are."""
    return momentum - sector_momentum > limit
