"""Trees on the order of labels."""

import numpy as np
import pytest
from scipy import stats

from alphalib.errors import InputError
from alphalib.models.design import stack, take
from alphalib.models.trees import RankedTrees, label_places
from tests.models.planted import planted, small_trees


@pytest.fixture(scope="module")
def rows():
    features, label, mask = planted(sessions=200, strength=0.5)
    design = stack(features, mask)
    y = take(label, design)
    known = np.isfinite(y)
    return design.X[known], y[known], design.row[known]


def test_label_places_by_hand():
    places = label_places(np.array([0.03, -0.5, 0.01, 7.0, 7.0]), np.array([1, 1, 1, 2, 2]))
    assert places.tolist() == pytest.approx([1 / 3, -1 / 3, 0, 0, 0])


def test_a_planted_order_is_learnt(rows):
    X, y, dates = rows
    model = small_trees().fit(X, y, dates=dates)
    assert stats.spearmanr(model.predict(X), y).statistic > 0.3
    assert model.importance_.argmax() == 0
    assert model.importance_.sum() == pytest.approx(1)


def test_only_the_order_within_a_date_counts(rows):
    X, y, dates = rows
    plain = small_trees().fit(X, y, dates=dates).predict(X)
    shifted = small_trees().fit(X, np.exp(50 * y) + dates, dates=dates).predict(X)
    assert np.array_equal(plain, shifted)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_fit_is_the_same_to_the_last_bit(rows, threads):
    X, y, dates = rows
    first = small_trees().fit(X, y, dates=dates).predict(X)
    assert np.array_equal(first, small_trees(n_jobs=threads).fit(X, y, dates=dates).predict(X))


def test_text_round_trips_to_the_last_bit(rows):
    X, y, dates = rows
    model = small_trees().fit(X, y, dates=dates)
    again = RankedTrees().from_text(model.to_text())
    assert np.array_equal(again.predict(X), model.predict(X))
    assert again.to_text() == model.to_text()


def test_it_clones_as_scikit_learn_clones(rows):
    from sklearn.base import clone

    model = small_trees(reg_lambda=3.0)
    copy = clone(model.fit(*rows[:2], dates=rows[2]))
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "booster_")


def test_unknown_outcomes_are_refused(rows):
    X, y, dates = rows
    with pytest.raises(InputError, match=r"1 of \d+ labels are missing"):
        small_trees().fit(X, np.where(np.arange(len(y)) == 5, np.nan, y), dates=dates)


def test_another_number_of_features_is_refused(rows):
    X, y, dates = rows
    model = small_trees().fit(X, y, dates=dates)
    with pytest.raises(InputError, match="trained on 4 features, got 3"):
        model.predict(X[:, :3])


def test_a_broken_text_is_refused():
    with pytest.raises(InputError, match="not the text of a LightGBM model"):
        RankedTrees().from_text("tree\nversion=v4\nnum_cl")
