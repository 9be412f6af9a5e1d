"""Out-of-fold predictions know nothing of their own future."""

import io
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from tqdm import tqdm

from alphalib.errors import InputError
from alphalib.evidence.ic import rank_ic
from alphalib.models.splits import PurgedWalkForward
from alphalib.models.walkforward import final_model, walk_forward
from tests.models.planted import planted, small_trees

SPLITTER = PurgedWalkForward(min_train=250, test=100)


@pytest.fixture(scope="module")
def world():
    return planted(strength=0.3)


@pytest.fixture(scope="module")
def walk(world):
    return walk_forward(*world, SPLITTER, small_trees())


def test_a_planted_signal_is_found_out_of_sample(world, walk):
    assert rank_ic(walk.predictions, world[1]).mean() > 0.15
    assert (walk.importances["f0"] > 0.9).all()


def test_predictions_start_with_the_first_test_and_are_centred(world, walk):
    known = walk.predictions.dropna(how="all")
    # 250 sessions train, 1 + 5 are purged: the first test is session 256.
    assert known.index.equals(world[2].index[256:])
    assert np.allclose(known.mean(axis=1), 0, atol=1e-12)
    assert len(walk.folds) == len(walk.importances) == 5


@pytest.mark.parametrize("cut", [300, 480, 655])
def test_corrupting_the_future_changes_no_earlier_prediction(world, walk, cut):
    features, label, mask = world
    rng = np.random.default_rng(1)
    day = label.index[cut]
    broken = {name: panel.copy() for name, panel in features.items()}
    for panel in broken.values():
        panel.loc[day:] = rng.normal(0, 1e10, panel.loc[day:].shape)
    # The label of t is known at t+6: at the close of `cut` − 1, what started at cut − 7 or before.
    unknown = label.copy()
    unknown.iloc[cut - 6 :] = rng.normal(0, 1e10, unknown.iloc[cut - 6 :].shape)
    members = mask.copy()
    members.loc[day:] = rng.random(members.loc[day:].shape) < 0.5
    again = walk_forward(broken, unknown, members, SPLITTER, small_trees())
    before = slice(None, label.index[cut - 1])
    pd.testing.assert_frame_equal(again.predictions.loc[before], walk.predictions.loc[before], check_exact=True)


def test_progress_counts_the_folds(world):
    shown = io.StringIO()
    folds = partial(tqdm, desc="folds", file=shown, mininterval=0)
    walk_forward(*world, SPLITTER, small_trees(n_estimators=1), progress=folds)
    assert sorted(set(re.findall(r"\d/5", shown.getvalue()))) == ["0/5", "1/5", "2/5", "3/5", "4/5", "5/5"]


def test_the_final_model_uses_every_known_outcome_and_no_other(world):
    features, label, mask = world
    final = final_model(features, label, mask, small_trees(), horizon=5)
    # The label of row −7 ends at the last session; 40 names a session.
    assert final.trained_until == label.index[-7]
    assert final.asof == label.index[-1]
    assert final.rows == (len(label) - 6) * 40
    leaking = label.fillna(1e9)  # as if someone knew
    again = final_model(features, leaking, mask, small_trees(), horizon=5)
    assert again.estimator.to_text() == final.estimator.to_text()


def test_without_outcomes_there_is_nothing_to_train_on(world):
    features, label, mask = world
    with pytest.raises(InputError, match="no label is known before"):
        walk_forward(features, label * np.nan, mask, SPLITTER, small_trees())
