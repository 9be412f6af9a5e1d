"""Models on the bus."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.contracts import CurrentModel, ModelCard, PredictorMetrics
from alphalib.errors import ContractError, EvidenceError, InputError, StoreError
from alphalib.evidence.holdout import seal_label
from alphalib.evidence.ic import rank_ic
from alphalib.models.gate import GateParams, confirm, gate
from alphalib.models.registry import (
    configuration,
    current,
    live_ic,
    out_of_fold,
    predictor_metrics,
    promote,
    return_scale,
)
from alphalib.models.splits import PurgedWalkForward
from alphalib.models.walkforward import final_model, walk_forward
from alphalib.store import Store
from tests.models.planted import granted, planted, small_trees


@pytest.fixture(scope="module")
def trained():
    features, label, mask = planted(strength=0.3)
    closed, grant, rng = seal_label(label, horizon=5), granted(label.index[-1]), np.random.default_rng(0)
    walk = walk_forward(features, closed.open, mask, PurgedWalkForward(min_train=250, test=100), small_trees())
    per_date = seal_label(rank_ic(walk.predictions, label), horizon=5)
    params = GateParams(minimum_folds=1, draws=200)
    passed = gate(per_date.open, horizon=5, trials=1, rng=rng, raw=walk.raw, params=params)
    verdict = confirm(passed, per_date, grant, horizon=5, rng=rng, params=params)
    final = final_model(features, closed.opened(grant), mask, small_trees(), horizon=5)
    return features, label, mask, walk, final, verdict


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def put(store, trained, **changes):
    _, label, _, walk, final, verdict = trained
    given = {"verdict": verdict, "horizon": 5, "data_hash": "d", "code_version": "c", "trial": "t", **changes}
    given.setdefault("grant", granted(label.index[-1]))
    return promote(store, given.pop("final", final), walk, label, **given)


def test_nothing_is_in_use_until_something_is_promoted(store, trained):
    assert current(store) is None
    model = put(store, trained)
    read = current(store)
    assert read.card == model.card
    features, _, mask, *_ = trained
    date = mask.index[-1]
    expected = model.alpha(features, mask, date=date)
    pd.testing.assert_series_equal(read.alpha(features, mask, date=date), expected, check_exact=True)
    assert expected.mean() == pytest.approx(0, abs=1e-12)


def test_the_alpha_is_a_return(store, trained):
    features, label, mask, walk, *_ = trained
    alpha = put(store, trained).alpha(features, mask, date=mask.index[-1])
    # Deviation of the planted part: 0.3 · 0.04 = 0.012, of which 15 small trees reach a part.
    assert 0.003 < alpha.std() < 0.015
    assert return_scale(walk.predictions, -label) == 0.0


def test_a_refused_model_cannot_be_promoted(store, trained):
    refused = replace(trained[-1], passed=False, checks=(replace(trained[-1].checks[0], passed=False),))
    with pytest.raises(EvidenceError, match=r"the gate refused this model.*coverage"):
        put(store, trained, verdict=refused)
    assert store.paths("predictor/**") == []


def test_d17_no_model_comes_into_use_without_the_grant_that_confirmed_it(store, trained):
    _, label, *_, verdict = trained
    with pytest.raises(EvidenceError, match="that confirm and train a model after 2013-09-30 are sealed"):
        put(store, trained, grant=None)
    with pytest.raises(EvidenceError, match="given for 'veto', not 'predictor'"):
        put(store, trained, grant=granted(label.index[-1], lineage="veto"))
    with pytest.raises(EvidenceError, match=f"opens them up to {label.index[-2]:%Y-%m-%d}, not to"):
        put(store, trained, grant=granted(label.index[-2]))
    with pytest.raises(EvidenceError, match=r"call gate\.confirm with that grant"):
        put(store, trained, verdict=replace(verdict, grant=None))
    features, _, mask, _, final, _ = trained
    knowing = walk_forward(features, label, mask, PurgedWalkForward(min_train=250, test=100), small_trees())
    with pytest.raises(EvidenceError, match="was trained on outcomes after 2013-09-30, so that these confirm nothing"):
        put(store, (features, label, mask, knowing, final, verdict))
    assert store.paths("predictor/**") == []
    assert put(store, trained).card.grant == verdict.grant


def test_d17_training_takes_no_sealed_outcomes(trained):
    features, label, mask, *_ = trained
    with pytest.raises(EvidenceError, match=r"are sealed, there is no \.index; take \.open"):
        walk_forward(
            features, seal_label(label, horizon=5), mask, PurgedWalkForward(min_train=250, test=100), small_trees()
        )
    with pytest.raises(EvidenceError, match=r"are sealed, there is no \.index; take \.open"):
        final_model(features, seal_label(label, horizon=5), mask, small_trees(), horizon=5)


def test_d17_what_lies_behind_the_line_reaches_no_model(trained):
    features, label, mask, walk, *_ = trained
    other = label.where(seal_label(label, horizon=5).open.notna(), 1e10)
    again = walk_forward(
        features, seal_label(other, horizon=5).open, mask, PurgedWalkForward(min_train=250, test=100), small_trees()
    )
    pd.testing.assert_frame_equal(again.raw, walk.raw, check_exact=True)


def test_a_model_predicts_no_date_it_was_trained_on(store, trained):
    features, _, mask, *_ = trained
    with pytest.raises(EvidenceError, match="lies before; read its out-of-fold predictions"):
        put(store, trained).alpha(features, mask, date=mask.index[-2])


def test_features_are_checked_by_name(store, trained):
    features, _, mask, *_ = trained
    model, date = put(store, trained), mask.index[-1]
    turned = dict(reversed(features.items()))
    with pytest.raises(InputError, match="another order"):
        model.alpha(turned, mask, date=date)
    with pytest.raises(InputError, match="missing: f3"):
        model.alpha({name: features[name] for name in ("f0", "f1", "f2")}, mask, date=date)
    with pytest.raises(InputError, match="'f2' has no value for any name"):
        model.alpha({**features, "f2": features["f2"] * np.nan}, mask, date=date)


def test_the_pointer_remembers_the_model_before(store, trained):
    first = put(store, trained)
    put(store, trained)  # again: the same model, not its own predecessor
    assert store.read(CurrentModel.path, CurrentModel).previous is None
    features, label, mask, *_ = trained
    other = final_model(features, label, mask, small_trees(n_estimators=3), horizon=5)
    second = put(store, trained, final=other)
    pointer = store.read(CurrentModel.path, CurrentModel)
    assert (pointer.version, pointer.previous) == (second.version, first.version)


def test_damaged_or_missing_weights_are_a_fault_not_the_absence_of_a_model(store, trained):
    model = put(store, trained)
    path = f"predictor/weights/{model.version}.txt"
    weights = store.read_bytes(path)
    store.write_bytes(path, weights.replace(b"leaf_value=", b"leaf_value=9", 1))
    with pytest.raises(ContractError, match="its card says"):
        current(store)
    store.remove(path)
    with pytest.raises(StoreError, match="is not in the store"):
        current(store)


def test_out_of_fold_predictions_come_back(store, trained):
    model = put(store, trained)
    walk = trained[3]
    expected = walk.predictions.dropna(how="all")
    pd.testing.assert_frame_equal(out_of_fold(store, model.version), expected, check_freq=False, check_exact=True)


def test_a_refit_shares_its_configuration(trained):
    final = trained[4]
    same = configuration(final.names, small_trees(n_jobs=2), horizon=5)
    assert same == configuration(final.names, small_trees(), horizon=5)
    assert same != configuration(final.names, small_trees(num_leaves=5), horizon=5)
    assert same != configuration(final.names[::-1], small_trees(), horizon=5)


def test_metrics_say_what_the_gate_said(store, trained):
    _, label, _, walk, final, verdict = trained
    metrics = predictor_metrics(
        verdict,
        walk,
        rank_ic(walk.predictions, label),
        asof=final.asof,
        model_version="none",
        horizon=5,
        trials=3,
    )
    store.write(metrics.at(), metrics)
    read = store.read(PredictorMetrics.path, PredictorMetrics)
    assert read == metrics
    assert read.ic.low < read.ic.value < read.ic.high
    assert [fold.start for fold in read.folds] == [f"{day:%Y-%m-%d}" for day in walk.folds["test_first"]]
    assert read.trials == 3


def test_the_card_names_its_own_path(store, trained):
    model = put(store, trained)
    assert store.read(model.card.at(), ModelCard) == model.card


def test_a_run_for_an_earlier_session_moves_no_pointer_back(store, trained):
    put(store, trained)
    newer = store.read(CurrentModel.path, CurrentModel).model_copy(update={"date": "2035-12-31", "version": "newer"})
    store.write(CurrentModel.path, newer)
    put(store, trained)
    assert store.read(CurrentModel.path, CurrentModel) == newer


def test_a_model_is_scored_on_what_came_after_it(store, trained):
    features, label, mask, walk, *_ = trained
    known = label.index[500]
    early = {name: panel.loc[:known] for name, panel in features.items()}
    # Trained on 500 sessions; the label of the last of them is not known by then and says nothing here.
    final = final_model(early, label.loc[:known], mask.loc[:known], small_trees(), horizon=5)
    model = put(store, trained)
    model = replace(model, estimator=final.estimator, card=model.card.model_copy(update={"date": f"{known:%Y-%m-%d}"}))
    scored = live_ic(model, features, label, mask)
    assert scored.index.equals(label.index[501:])
    assert scored.mean() == pytest.approx(rank_ic(walk.predictions, label).loc[scored.index].mean(), abs=0.05)
    assert scored.mean() > 0.15
    one = pd.Series(model.alpha(features, mask, date=scored.index[0]))
    assert scored.iloc[0] == pytest.approx(one.corr(label.loc[scored.index[0]], method="spearman"))
    later = model.card.model_copy(update={"date": f"{label.index[-1]:%Y-%m-%d}"})
    assert live_ic(replace(model, card=later), features, label, mask).empty
