"""The composite score, and what research hands on as panels: shared by the analyst, the tuner and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.market import Panel
from alphalib.params import ScoringWeights

MODIFIER_POINTS = 10.0
"""Points that a sector modifier at the end of its range adds or takes."""

MODIFIER_RANGE = 0.30
"""Sector modifiers run from 1 − this to 1 + this."""


class SignalCode(IntEnum):
    """What research wants done with a name."""

    NONE = 0
    HOLD = 1
    ENTER = 2
    REDUCE = 3
    EXIT = 4


class ConvictionCode(IntEnum):
    """Where the conviction in a name is going."""

    DECLINING = 0
    STABLE = 1
    RISING = 2


class RegimeCode(IntEnum):
    """State of the market."""

    BULL = 0
    NEUTRAL = 1
    CAUTION = 2
    BEAR = 3


@dataclass(frozen=True, eq=False)
class SignalPanels:
    """Signals in force at the close of each session, weekly ones carried forward with their age.

    Parameters
    ----------
    score : Panel
        Composite score; NaN where the name was not scored. [0–100]
    signal : Panel
        `SignalCode`. [int8]
    conviction : Panel
        `ConvictionCode`. [int8]
    upside : Panel
        Target price over close − 1; NaN where there is no target. [fraction]
    sector_rating : Panel
        Sessions down, `SECTORS` across: −1, 0, +1. [int8]
    regime : Series
        `RegimeCode` by session. [int8]
    age : Series
        Sessions since the signals in force were made; −1 before the first. [sessions]
    """

    score: Panel
    signal: Panel
    conviction: Panel
    upside: Panel
    sector_rating: Panel
    regime: pd.Series
    age: pd.Series


def composite(
    quant: NDArray[np.float64],
    qual: NDArray[np.float64],
    *,
    weights: ScoringWeights,
    modifier: NDArray[np.float64],
    boosts: NDArray[np.float64],
    max_boost: float,
) -> NDArray[np.float64]:
    """Composite score: weighted sub-scores, plus the sector's modifier, plus bounded boosts.

    Parameters
    ----------
    quant : array
        Quantitative sub-score. [0–100]
    qual : array
        Qualitative sub-score; where it is NaN its weight goes to `quant`. [0–100]
    weights : ScoringWeights
        Weights of the two.
    modifier : array
        Sector modifier, 0.70 to 1.30; 1 changes nothing. [ratio]
    boosts : array
        Sum of the boosts. [points]
    max_boost : float
        Bound on that sum, both ways. [points]

    Returns
    -------
    array
        In the shape the inputs broadcast to; NaN where `quant` is. [0–100]
    """
    blended = np.where(np.isnan(qual), quant, weights.quant * quant + weights.qual * qual)
    tilt = MODIFIER_POINTS * (modifier - 1.0) / MODIFIER_RANGE
    return np.clip(blended + tilt + np.clip(boosts, -max_boost, max_boost), 0.0, 100.0)
