import numpy as np
import pytest

from alphalib.params import ScoringWeights
from alphalib.scores import composite


def score(quant, qual=np.nan, *, modifier=1.0, boosts=0.0, max_boost=10.0, weights=None):
    parts = (np.array([value], dtype=float) for value in (quant, qual, modifier, boosts))
    quant, qual, modifier, boosts = parts
    weights = weights or ScoringWeights()
    return composite(quant, qual, weights=weights, modifier=modifier, boosts=boosts, max_boost=max_boost)[0]


def test_composite_by_hand():
    # .6 · 70 + .4 · 50 = 62; modifier 1.15 adds 10 · .15 / .30 = 5; boosts of −3: 64.
    weights = ScoringWeights(quant=0.6, qual=0.4)
    assert score(70, 50, modifier=1.15, boosts=-3, weights=weights) == pytest.approx(64)


def test_without_a_qualitative_score_its_weight_goes_to_the_other():
    assert score(70) == 70
    assert score(70, 70) == 70


def test_boosts_are_bounded_and_the_score_too():
    assert score(50, boosts=25) == 60
    assert score(50, boosts=-25) == 40
    assert score(95, modifier=1.3, boosts=10) == 100
    assert score(5, modifier=0.7) == 0


def test_without_a_quantitative_score_there_is_none():
    assert np.isnan(score(np.nan, 80))
