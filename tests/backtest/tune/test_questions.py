"""What a weight, a boost and a veto are judged by."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.tune.questions import boost_question, veto_question, weight_question
from alphalib.params import PredictorParams, ResearchParams, ScoringWeights
from tests.backtest.tune.matrices import SESSIONS

DATES = SESSIONS[:40]
NAMES = [f"N{number:02d}" for number in range(20)]


def random(seed: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).standard_normal((40, 20)), index=DATES, columns=NAMES)


def test_vetoes_pay_for_losses_avoided_and_charge_for_gains_missed():
    dates, names = DATES[:1], ["A", "B", "C", "D"]

    def row(*values):
        return pd.DataFrame([values], index=dates, columns=names)

    places, outcomes = row(0.02, 0.06, 0.20, 0.90), row(-0.04, 0.01, 0.02, 0.03)
    asked = veto_question(places, row(True, True, True, True), PredictorParams(), horizon=5)
    # confidence 2·|p − ½| is .96, .88, .60, .80, and only low places are DOWN. From .90 on: A; four entries
    assert asked.quality(0.90, outcomes).iloc[0] == pytest.approx(0.04 / 4)
    # from .80 on: A and B, a loss of 4 % avoided and a gain of 1 % missed
    assert asked.quality(0.80, outcomes).iloc[0] == pytest.approx(0.03 / 4)
    assert asked.described(0.80, outcomes) == {"samples": 2.0, "precision": 0.5}
    without = veto_question(places, row(False, False, True, True), PredictorParams(), horizon=5)
    assert without.quality(0.80, outcomes).iloc[0] == 0  # nothing that was to be entered is vetoed
    assert without.described(0.80, outcomes)["samples"] == 0


def test_weights_are_judged_by_names_with_both_sub_scores():
    quant, qual = random(0), random(1)
    qual.iloc[:, 12:] = np.nan
    asked = weight_question(quant, qual, ScoringWeights(), horizon=5)
    assert asked.described(0.5, random(2))["samples"] == 40 * 12
    assert asked.quality(0.97, quant).mean() > 0.95 > asked.quality(0.5, quant).mean()
    assert asked.values == (0.4, 0.45, 0.55, 0.6)
    assert not asked.quality(0.5, quant * np.nan).notna().any()


def test_boosts_are_judged_by_names_that_reported():
    unit = pd.DataFrame(0.0, index=DATES, columns=NAMES)
    unit.iloc[:, :6], unit.iloc[:, 6:12] = 1.0, -1.0
    asked = boost_question(50 + random(0), unit, ResearchParams(), horizon=5)
    assert asked.described(5, random(1))["samples"] == 40 * 12
    assert asked.quality(5.0, unit + 0.01 * random(1)).mean() > asked.quality(1.0, unit + 0.01 * random(1)).mean()
    assert min(asked.values) >= 3.0  # two points a time
    assert min(boost_question(random(0), unit, ResearchParams(pead_boost=1.5), horizon=5).values) == 1.0
