"""From alphas to percentiles, directions and vetoes."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import ContractError
from alphalib.models import predictions as p
from alphalib.params import PredictorParams

DAY = pd.Timestamp("2024-03-08")
ALPHA = pd.Series({"A": 0.02, "B": -0.01, "C": np.nan, "D": 0.00, "E": 0.00, "F": -0.03}, name=DAY)


def test_percentiles_by_hand():
    places = p.percentile(ALPHA.to_frame().T).iloc[0]
    # Five names: ranks F 1, B 2, D and E 3½, A 5; (rank − ½)/5.
    assert places.tolist() == pytest.approx([0.9, 0.3, np.nan, 0.6, 0.6, 0.1], nan_ok=True)
    assert p.confidence(places.to_frame().T).iloc[0].tolist() == pytest.approx(
        [0.8, 0.4, np.nan, 0.2, 0.2, 0.8], nan_ok=True
    )


def test_directions_are_shares_of_the_date():
    alpha = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 30)))
    sides = p.direction(p.percentile(alpha), PredictorParams(direction_share=0.2))
    assert ((sides == 1).sum(axis=1) == 6).all()
    assert ((sides == -1).sum(axis=1) == 6).all()
    assert p.direction(p.percentile(alpha * 0), PredictorParams()).eq(0).all(axis=None)


def test_a_veto_is_down_and_sure():
    alpha = pd.DataFrame([np.arange(20.0)])
    vetoed = p.veto(p.percentile(alpha), PredictorParams(veto_confidence=0.8)).iloc[0]
    # Places .025, .075, .125 …: confidence .95, .85, .75; the sure best are not vetoed.
    assert np.flatnonzero(vetoed).tolist() == [0, 1]
    assert not p.veto(p.percentile(alpha * np.nan), PredictorParams()).any(axis=None)


def test_the_artefact_by_hand():
    made = p.predictions(DAY, ALPHA, PredictorParams(), model_version="m1")
    rows = {row.ticker: row for row in made.predictions}
    assert [row.ticker for row in made.predictions] == ["A", "D", "E", "B", "F"]
    assert [row.combined_rank for row in made.predictions] == [1, 2, 3, 4, 5]
    assert (rows["A"].predicted_direction, rows["D"].predicted_direction, rows["F"].predicted_direction) == (
        "UP",
        "FLAT",
        "DOWN",
    )
    assert [row.gbm_veto for row in made.predictions] == [False, False, False, False, True]
    # Mean of the five is −0.004: A is 0.024 above it.
    assert rows["A"].predicted_alpha == pytest.approx(0.024)
    assert made.at() == "predictor/predictions/2024-03-08.json"


def test_the_order_of_tickers_is_irrelevant():
    turned = p.predictions(DAY, ALPHA.iloc[::-1], PredictorParams(), model_version="m1")
    assert turned == p.predictions(DAY, ALPHA, PredictorParams(), model_version="m1")


def test_without_a_model_nothing_acts_and_the_note_says_why():
    made = p.no_predictions(DAY, ["B", "A"])
    assert made.model_version == "none"
    assert [(row.ticker, row.predicted_direction, row.gbm_veto) for row in made.predictions] == [
        ("A", "FLAT", False),
        ("B", "FLAT", False),
    ]
    assert made.note == "no model has passed the gate"


def test_a_tilt_stops_the_run_and_a_skew_does_not():
    rng = np.random.default_rng(1)
    balanced = pd.Series(rng.normal(size=50))
    p.require_two_sided(balanced, date=DAY)
    p.require_two_sided(pd.Series([0.1] * 45 + [-0.9] * 5), date=DAY)  # 90 % above 0, mean 0: nothing is tilted
    with pytest.raises(ContractError, match="100% of the names are DOWN before centring, at most 80%"):
        p.require_two_sided(balanced - 5, date=DAY)
    with pytest.raises(ContractError, match="one and the same value: saturated"):
        p.require_two_sided(balanced * 0 + 0.1, date=DAY)
