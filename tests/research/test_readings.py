import pandas as pd
import pytest

from alphalib.features import FEATURES
from alphalib.research.readings import UNITS, complete, readings, technical_score
from alphalib.scores import RegimeCode
from tests.research.worlds import research_market

DAY = pd.DatetimeIndex(["2024-01-02"])


def read(**values):
    return {name: pd.DataFrame({"A": [value]}, index=DAY) for name, value in values.items()}


SAMPLE = {
    "rsi_14": 60.0,
    "macd_12_26_9": 0.0025,
    "price_vs_ma50": 0.05,
    "price_vs_ma200": -0.10,
    "momentum_20": 0.30,
    "realized_volatility_20": 0.01 * 252**0.5,
}


@pytest.mark.parametrize(
    ("state", "rsi_part"),
    # Bands 40–80, 30–70 and 20–60: (80 − 60) / 40, (70 − 60) / 40, (60 − 60) / 40.
    [(RegimeCode.BULL, 50.0), (RegimeCode.NEUTRAL, 25.0), (RegimeCode.CAUTION, 25.0), (RegimeCode.BEAR, 0.0)],
)
def test_technical_score_by_hand(state, rsi_part):
    # MACD .25 % over half a daily deviation of 1 %: 75. Means +5 % of 10 %: 75; −10 % of 20 %: 25. Momentum: 100.
    expected = (rsi_part + 75 + 75 + 25 + 100) / 5
    score = technical_score(read(**SAMPLE), pd.Series([int(state)], index=DAY))
    assert score["A"].iloc[0] == pytest.approx(expected)


def test_a_missing_part_is_a_missing_score():
    score = technical_score(read(**{**SAMPLE, "price_vs_ma200": float("nan")}), pd.Series([0], index=DAY))
    assert score.isna().all(axis=None)


def test_units_are_those_of_the_features():
    assert {name: FEATURES[name].unit for name in UNITS} == UNITS


def test_a_name_without_earnings_is_complete():
    market = research_market()
    rows = market.sessions[-1:]
    known = readings(market, rows)
    assert known["earnings_surprise_60"].isna().to_numpy().any()
    traded = market.close.loc[rows].notna()
    pd.testing.assert_frame_equal(complete(known), traded, check_freq=False)
