from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.market import SECTORS
from alphalib.research.outlook import regime, sector_modifiers, sector_ratings, sector_views
from alphalib.scores import RegimeCode
from tests.worlds import random_market


def market_with(spy, vix):
    market = random_market(sessions=len(spy))
    benchmarks = market.benchmarks.assign(SPY=np.asarray(spy, dtype=float))
    return replace(market, benchmarks=benchmarks, macro=market.macro.assign(vix=np.asarray(vix, dtype=float)))


RISE, FALL = np.linspace(100, 150, 260), np.linspace(150, 100, 260)


@pytest.mark.parametrize(
    ("spy", "vix", "expected"),
    [
        (RISE, 15, RegimeCode.BULL),
        (RISE, 22, RegimeCode.NEUTRAL),
        (RISE, 26, RegimeCode.CAUTION),
        (FALL, 15, RegimeCode.BEAR),
        # Just below the 200-session mean, with the 50-session mean still above it.
        (np.append(RISE, 120), 15, RegimeCode.CAUTION),
        # Above both means but down 12 % in 30 sessions with a VIX of 35: forced.
        (np.r_[np.full(200, 50.0), np.linspace(51, 120, 60), np.linspace(119, 100, 30)], 35, RegimeCode.BEAR),
    ],
)
def test_regime_by_rule(spy, vix, expected):
    assert regime(market_with(spy, np.full(len(spy), vix))).iloc[-1] == expected


def test_without_history_or_vix_the_market_is_neutral_or_judged_by_trend():
    rising = market_with(RISE, np.full(260, np.nan))
    states = regime(rising)
    assert (states.iloc[:199] == RegimeCode.NEUTRAL).all()
    assert states.iloc[-1] == RegimeCode.BULL
    nothing = replace(rising, benchmarks=rising.benchmarks[["XLK"]], macro=rising.macro[[]])
    assert (regime(nothing) == RegimeCode.NEUTRAL).all()


def test_sector_modifier_by_hand():
    market = random_market(sessions=80)
    benchmarks = market.benchmarks * 0 + 100.0
    # XLK +8 %, XLE −30 %, SPY +3 % over 60 sessions: 1 + 3 · .05 = 1.15, and 1 − 3 · .33 bounded by 0.70.
    benchmarks.loc[benchmarks.index[-1], ["XLK", "XLE", "SPY"]] = [108.0, 70.0, 103.0]
    benchmarks["XLC"] = np.nan
    market = replace(market, benchmarks=benchmarks)
    modifiers = sector_modifiers(market)
    last = modifiers.iloc[-1]
    assert last["Information Technology"] == pytest.approx(1.15)
    assert last["Energy"] == pytest.approx(0.70)
    assert last["Utilities"] == pytest.approx(1 - 3 * 0.03)
    assert last["Communication Services"] == 1.0
    ratings = sector_ratings(modifiers)
    assert ratings.iloc[-1][["Information Technology", "Energy", "Communication Services"]].tolist() == [1, -1, 0]
    views = sector_views(market, ratings)
    assert list(views) == list(SECTORS)
    assert views["Energy"].rating == "underweight"
    assert views["Energy"].rationale == "XLE returned -33.0 points against SPY over 60 sessions"
    assert views["Communication Services"].rationale.startswith("XLC has no 60-session return")


def test_ratings_at_their_limits():
    modifiers = pd.DataFrame({"A": [1.08, 1.0799, 0.92, 0.9201]})
    assert sector_ratings(modifiers)["A"].tolist() == [1, 0, -1, 0]
