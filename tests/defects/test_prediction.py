"""Defects of the seed's predictor, each of which would fail a test here if it came back."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import ContractError, EvidenceError, InputError
from alphalib.evidence.holdout import seal_label
from alphalib.evidence.ic import ic, icir, rank_ic
from alphalib.models.design import require_names, stack, unstack
from alphalib.models.gate import GateParams, confirm, gate
from alphalib.models.predictions import percentile, predictions, require_two_sided, veto
from alphalib.models.registry import promote, return_scale
from alphalib.models.splits import PurgedWalkForward
from alphalib.models.walkforward import final_model, walk_forward
from alphalib.params import PredictorParams
from alphalib.store import Store
from tests.models.planted import granted, planted, small_trees

SPLITTER = PurgedWalkForward(min_train=250, test=100)


@pytest.fixture(scope="module")
def world():
    return planted(strength=0.3)


@pytest.fixture(scope="module")
def walk(world):
    features, label, mask = world
    return walk_forward(features, seal_label(label, horizon=5).open, mask, SPLITTER, small_trees())


def verdict_of(per_date, **options):
    return gate(
        per_date,
        horizon=5,
        trials=1,
        rng=np.random.default_rng(0),
        params=GateParams(minimum_folds=1, draws=200),
        **options,
    )


def promoted(store, world, walk):
    features, label, mask = world
    grant, per_date = granted(label.index[-1]), seal_label(rank_ic(walk.predictions, label), horizon=5)
    rng = np.random.default_rng(0)
    return promote(
        store,
        final_model(features, label, mask, small_trees(), horizon=5),
        walk,
        label,
        verdict=confirm(verdict_of(per_date.open), per_date, grant, horizon=5, rng=rng),
        grant=grant,
        horizon=5,
        data_hash="d",
        code_version="c",
        trial="t",
    )


@pytest.mark.parametrize("left", [0, 30])
def test_d18_a_missing_validation_is_a_fail(left):
    per_date = pd.Series(np.full(1500, np.nan))
    per_date[:left] = 0.5
    verdict = verdict_of(per_date)
    assert not verdict.passed
    assert not next(check for check in verdict.checks if check.rule == "newey_west_bound").passed


def test_d18_gaps_in_the_validation_are_a_fail():
    per_date = pd.Series(np.random.default_rng(0).normal(0.1, 0.1, 1500))
    assert verdict_of(per_date).passed
    per_date[::5] = np.nan
    failed = [check.rule for check in verdict_of(per_date).checks if not check.passed]
    assert failed == ["coverage"]


def test_d19_no_model_predicts_dates_it_was_trained_on(world, walk, tmp_path):
    features, _, mask = world
    model = promoted(Store(tmp_path), world, walk)
    with pytest.raises(EvidenceError, match="must not predict"):
        model.alpha(features, mask, date=mask.index[400])


def test_d24_icir_is_not_the_ic_and_ic_is_per_date():
    rng = np.random.default_rng(1)
    label = pd.DataFrame(rng.normal(size=(300, 40)))
    prediction = label * 0.1 + rng.normal(size=label.shape)
    per_date = rank_ic(prediction, label)
    assert icir(per_date) == pytest.approx(np.mean(per_date) / np.std(per_date, ddof=1))
    assert abs(icir(per_date) - per_date.mean()) > 0.1
    # A level that both share on each date makes a pooled correlation of .9 and orders no names.
    level = pd.Series(rng.normal(0, 3, 300))
    shifted = prediction.add(level, axis=0), label.add(level, axis=0)
    assert np.corrcoef(shifted[0].to_numpy().ravel(), shifted[1].to_numpy().ravel())[0, 1] > 0.8
    assert rank_ic(*shifted).mean() == pytest.approx(per_date.mean())
    assert ic(*shifted).mean() == pytest.approx(ic(prediction, label).mean())


def test_d31_changing_the_veto_confidence_changes_the_vetoes():
    alpha = pd.DataFrame([np.random.default_rng(2).normal(0, 0.002, 60)])
    counts = [
        int(veto(percentile(alpha), PredictorParams(veto_confidence=limit)).sum(axis=None))
        for limit in (0.4, 0.6, 0.8, 0.9, 1.0)
    ]
    # Of 60 names a confidence of .6 is reached by the worst 12, of .9 by the worst 3.
    assert counts == [18, 12, 6, 3, 0]


def test_d31_changing_the_direction_share_changes_the_directions():
    alpha = pd.Series(np.random.default_rng(3).normal(0, 0.002, 60), index=[f"N{n:02d}" for n in range(60)])
    sides = {
        share: sum(
            row.predicted_direction == "UP"
            for row in predictions(
                pd.Timestamp("2024-03-08"), alpha, PredictorParams(direction_share=share), model_version="m"
            ).predictions
        )
        for share in (0.1, 0.3)
    }
    assert sides == {0.1: 6, 0.3: 18}


def test_d32_one_path_builds_features_for_training_and_inference(world):
    features, _, mask = world
    whole, day = stack(features, mask), mask.index[-1]
    alone = stack({name: panel.loc[[day]] for name, panel in features.items()}, mask.loc[[day]])
    assert np.array_equal(whole.X[whole.dates == day], alone.X)


def test_d32_a_feature_missing_at_inference_fails_the_run(world, walk, tmp_path):
    features, _, mask = world
    model = promoted(Store(tmp_path), world, walk)
    gone = {**features, "f3": features["f3"].drop(index=mask.index[-1]).reindex(mask.index)}
    with pytest.raises(InputError, match="'f3' has no value for any name"):
        model.alpha(gone, mask, date=mask.index[-1])


def test_d33_the_gate_sees_out_of_sample_rows_only(world, walk):
    features, label, mask = world
    rng = np.random.default_rng(4)
    noise = pd.DataFrame(rng.normal(size=label.shape), index=label.index, columns=label.columns).where(label.notna())
    eager = small_trees(n_estimators=200, num_leaves=60, min_child_samples=5, reg_lambda=0.0)
    fitted = final_model(features, noise, mask, eager, horizon=5).estimator
    design = stack(features, mask)
    in_sample = rank_ic(unstack(fitted.predict(design.X), design), noise)
    out_of_sample = rank_ic(walk_forward(features, noise, mask, SPLITTER, eager).predictions, noise)
    assert verdict_of(in_sample).passed  # what the seed's gate was shown
    assert not verdict_of(out_of_sample).passed
    assert out_of_sample.first_valid_index() == label.index[256]


def test_d34_a_feature_equal_for_all_names_tilts_nothing(world):
    features, label, mask = world
    vix = pd.Series(np.random.default_rng(5).normal(20, 5, len(mask)), index=mask.index)
    level = pd.DataFrame(dict.fromkeys(mask.columns, vix)).rename_axis(columns="ticker")
    # Outcomes that follow the level, all names together: a model that saw it would call everything UP or DOWN.
    driven = label.add(0.01 * (vix - 20), axis=0)
    with_level = walk_forward({**features, "vix": level}, driven, mask, SPLITTER, small_trees())
    assert (with_level.importances["vix"] == 0).all()
    assert with_level.raw.mean(axis=1).abs().max() < 0.25 * with_level.raw.std(axis=1).mean()
    assert with_level.predictions.mean(axis=1).abs().max() < 1e-12


def test_d34_a_one_sided_cross_section_stops_the_run():
    raw = pd.Series(np.random.default_rng(6).normal(-1.0, 0.7, 100))
    with pytest.raises(ContractError, match="are DOWN before centring"):
        require_two_sided(raw, date=pd.Timestamp("2024-03-08"))


def test_d35_the_scale_of_the_alpha_is_measured_out_of_sample(walk, world):
    _, label, _ = world
    scale = return_scale(walk.predictions, label)
    calibrated = (walk.predictions * scale).stack().dropna()
    outcome = label.stack().reindex(calibrated.index)
    known = outcome.notna()
    # A slope of 1: an alpha of 1 % is followed by 1 % on average (clipping the extremes costs a little).
    assert np.polyfit(calibrated[known], outcome[known], 1)[0] == pytest.approx(1.0, abs=0.05)


def test_d35_a_saturated_model_is_reported():
    raw = pd.DataFrame(np.full((200, 20), 0.03))
    verdict = verdict_of(pd.Series(np.nan, index=range(200)), raw=raw)
    assert not verdict.passed
    assert verdict.notes[0] == "on 100.0% of the sessions every name has the same prediction"
    with pytest.raises(ContractError, match="saturated"):
        require_two_sided(raw.iloc[0], date=pd.Timestamp("2024-03-08"))


def test_d40_inputs_are_checked_by_name(world, walk, tmp_path):
    features, _, mask = world
    model = promoted(Store(tmp_path), world, walk)
    renamed = {("g0" if name == "f0" else name): panel for name, panel in features.items()}
    with pytest.raises(InputError, match="missing: f0; not known to the model: g0"):
        model.alpha(renamed, mask, date=mask.index[-1])
    with pytest.raises(InputError, match="another order"):
        require_names(["b", "a"], trained=["a", "b"])
