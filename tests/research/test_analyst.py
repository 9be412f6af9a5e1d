from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.research.analyst import conviction, earnings_boost, quant_score, rationale, scorecard
from alphalib.research.outlook import sector_modifiers
from alphalib.research.readings import technical_score
from alphalib.scores import ConvictionCode, RegimeCode
from alphalib.sessions import week_ends
from tests.research.worlds import PARAMS, WEIGHTS, research_market

DAYS = pd.DatetimeIndex(["2024-01-05"], name="date")


def row(*values):
    return pd.DataFrame([values], index=DAYS, columns=list("ABCDE")[: len(values)], dtype=float)


def card_of_today(rows=2):
    market = research_market()
    return scorecard(market, WEIGHTS, PARAMS, week_ends(market.sessions)[-rows:])


def test_quant_score_by_hand():
    read = {
        "momentum_252_21": row(0.1, 0.2, 0.3),
        "distance_from_52w_high": row(-0.3, -0.2, -0.1),
        "momentum_5": row(0.0, 0.0, 0.0),
        "realized_volatility_20": row(0.4, 0.3, 0.2),
        "rsi_14": row(50, 50, 50),
        "macd_12_26_9": row(0, 0, 0),
        "price_vs_ma50": row(0, 0, 0),
        "price_vs_ma200": row(0, 0, 0),
        "momentum_20": row(0, 0, 0),
    }
    state = pd.Series([int(RegimeCode.NEUTRAL)], index=DAYS)
    # Technical 50 for all: 25 points. C leads in all that differs: place 1; B ½; A 0. Of two peers the places are 0, 1.
    assert quant_score(read, state, row(1, 1, 1) > 0).iloc[0].tolist() == [25, 50, 75]
    alone = quant_score(read, state, row(1, 1, 0) > 0).iloc[0]
    assert alone.tolist()[:2] == [25, 75]
    assert np.isnan(alone["C"])
    assert quant_score(read, state, row(0, 1, 0) > 0)["B"].iloc[0] == 50


def test_boost_after_earnings_by_hand():
    read = {
        "earnings_surprise_60": row(0.05, 0.025, -0.2, 0.0249, np.nan),
        "days_since_earnings": row(20, 0, 5, 5, 5),
    }
    assert earnings_boost(read, PARAMS).iloc[0].tolist() == [5, 2.5, -5, 0, 0]
    read["days_since_earnings"] = row(21, np.nan, 20, 20, 20)
    assert earnings_boost(read, PARAMS).iloc[0].tolist() == [0, 0, -5, 0, 0]


@pytest.mark.parametrize(
    ("score", "change", "expected"),
    [
        (70, 0, "RISING"),
        (69.9, 0, "STABLE"),
        (50, 10, "RISING"),
        (39.9, 20, "DECLINING"),
        (40, np.nan, "STABLE"),
        (90, -10, "DECLINING"),
        (90, -9.9, "RISING"),
        (np.nan, np.nan, "STABLE"),
    ],
)
def test_conviction_by_rule(score, change, expected):
    assert conviction(row(score), row(change)).iloc[0, 0] == ConvictionCode[expected]


def test_the_score_is_the_sum_of_its_parts():
    market, card = research_market(), card_of_today()
    tick = card.boost.iloc[-1].abs().where(card.score.iloc[-1].between(1, 99)).idxmax()
    sector = market.sector[tick].iloc[-1]
    modifier = sector_modifiers(market).loc[card.rows[-1]].iloc[sector]
    parts = card.quant[tick].iloc[-1] + 10 * (modifier - 1) / 0.30 + card.boost[tick].iloc[-1]
    assert card.boost[tick].iloc[-1] != 0
    assert card.score[tick].iloc[-1] == pytest.approx(parts, abs=0.011)


def test_who_is_scored():
    market, card = research_market(), card_of_today()
    scored = card.score.iloc[-1].notna()
    assert not scored[["N004", "N006", "N039"]].any()  # no sector, no member, delisted
    assert scored[["N003", "N005"]].all()  # the scanner rejects them, the analyst has a view
    assert not card.passed.iloc[-1][["N003", "N004", "N005", "N006"]].any()
    assert scored.equals(card.universe.iloc[-1] & market.tradable.loc[card.rows[-1]])


def test_a_halted_name_has_no_score():
    market = research_market()
    volume = market.volume.copy()
    volume.iloc[-1, 11] = 0.0
    card = scorecard(replace(market, volume=volume), WEIGHTS, PARAMS, market.sessions[-1:])
    assert np.isnan(card.score["N011"].iloc[-1])
    assert card.universe["N011"].iloc[-1]


def test_each_row_stands_by_itself():
    many, few = card_of_today(rows=9), card_of_today(rows=2)
    for name in ("score", "quant", "boost", "passed", "modifiers"):
        pd.testing.assert_frame_equal(getattr(few, name), getattr(many, name).iloc[-2:], check_exact=True)


def test_technical_score_knows_the_times_and_the_place_does_not():
    card = card_of_today(rows=40)
    technical = technical_score(card.read, card.regime).where(card.score.notna()).mean(axis=1)
    assert technical.std() > 2
    place = (card.quant - 0.5 * technical_score(card.read, card.regime)).where(card.score.notna()).mean(axis=1)
    assert place.dropna().std() < 0.1


def test_the_sentence_says_the_numbers():
    card = card_of_today()
    name = card.boost.iloc[-1].abs().idxmax()
    sentence = rationale(card, name, "Communication Services")
    assert sentence.startswith(f"Quant {card.quant[name].iloc[-1]:.0f}: 12-month momentum ")
    assert f"RSI {card.read['rsi_14'][name].iloc[-1]:.0f}" in sentence
    assert "sessions ago, boost " in sentence
