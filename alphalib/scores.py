"""What research hands on, as panels: the shape shared by the analyst, the tuner and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import pandas as pd

from alphalib.market import Panel


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
