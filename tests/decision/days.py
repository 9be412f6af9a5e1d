"""Days and portfolios made by hand."""

import numpy as np
import pandas as pd

from alphalib.decision import Day, Portfolio, Position
from alphalib.decision.history import wanted_by_score
from alphalib.decision.shapes import NAME, Moment
from alphalib.params import ExecutorParams
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode
from alphalib.sessions import all_sessions, next_session, previous_session

DATE = pd.Timestamp("2024-03-08")
PARAMS = ExecutorParams()
QUIET = {
    "close": 100.0,
    "mark": 100.0,
    "atr": 2.0,
    "rsi": 50.0,
    "gap": 0.0,
    "adv": np.nan,
    "volatility": 0.02,
    "momentum": 0.0,
    "sector_momentum": 0.0,
    "low": 95.0,
    "score": 80.0,
    "upside": 0.20,
    "percentile": np.nan,
    "signal": SignalCode.ENTER,
    "conviction": ConvictionCode.STABLE,
    "tradable": True,
    "unbroken": 252,
}
"""A name that passes every guard and whose every tilt is 1: ATR 2 on a close of 100 is the target risk."""


def day_of_names(*names: dict, regime=RegimeCode.NEUTRAL, age=0, returns=None, params=PARAMS) -> Day:
    """A day of names A, B, C … that differ from `QUIET` as given; each in a sector of its own, from 0 on."""
    table = np.zeros(len(names), NAME)
    for place, changes in enumerate(names):
        for field, value in {**QUIET, "sector": place % 11, **changes}.items():
            table[field][place] = value
    known = np.zeros((params.correlation_window, len(names))) if returns is None else returns
    number = int(all_sessions().searchsorted(DATE, side="right"))
    return Day(
        date=DATE,
        tickers=pd.Index([chr(ord("A") + place) for place in range(len(names))], name="ticker"),
        names=table,
        moment=Moment(np.asfortranarray(known), len(known), int(regime), age, number, wanted_by_score(table[None])[1]),
        atr_window=params.atr_window,
        correlation_window=params.correlation_window,
    )


def held(ticker="A", *, shares=100, cost=100.0, high_water=None, sessions=0, **flags) -> Position:
    """A position bought so many sessions ago."""
    entered = previous_session(next_session(DATE), count=sessions + 1)
    return Position(ticker, shares, cost, entered, cost if high_water is None else high_water, **flags)


def portfolio(*positions: Position, cash=90_000.0, peak=None, **memory) -> Portfolio:
    """A portfolio whose NAV is its peak, every share counting 100."""
    nav = cash + 100.0 * sum(position.shares for position in positions)
    return Portfolio(cash=cash, nav_peak=nav if peak is None else peak, positions=positions, **memory)
