"""The design matrix: one path, both ways."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.models.design import require_names, require_present, stack, steady_features, take, unstack
from tests.models.planted import planted


def test_features_become_centred_places_by_hand():
    features, _, mask = planted(sessions=2, names=4, features=1)
    features["f0"].iloc[0] = [3.0, 1.0, 2.0, np.nan]
    features["f0"].iloc[1] = [5.0, 5.0, 9.0, 1e6]
    mask.iloc[1, 3] = False
    design = stack(features, mask)
    # (rank − ½)/n − ½ of 3, 1, 2 is ⅓, −⅓, 0; the tie shares rank 1½: 1/3 − ½ = −1/6, the best 2.5/3 − ½; the
    # name without a feature and the one that is no member have no row, and do not count in n.
    assert design.X[:, 0].tolist() == pytest.approx([1 / 3, -1 / 3, 0, -1 / 6, -1 / 6, 1 / 3], abs=1e-7)
    assert design.X.dtype == np.float32
    assert list(design.dates) == [mask.index[0]] * 3 + [mask.index[1]] * 3


def test_unstack_undoes_take():
    features, label, mask = planted(sessions=30, names=5)
    mask.iloc[3:9, 2] = False
    design = stack(features, mask)
    pd.testing.assert_frame_equal(unstack(take(label, design), design), label.where(mask))


def test_missing_values_stay_missing():
    features, _, mask = planted(sessions=5, names=6)
    features["f1"].iloc[2, 3] = np.nan
    design = stack(features, mask)
    assert np.isnan(design.X).sum() == 1
    assert np.isnan(design.X[2 * 6 + 3, 1])


def test_the_order_of_tickers_is_irrelevant():
    features, _, mask = planted(sessions=20, names=7)
    turned = {name: panel.iloc[:, ::-1] for name, panel in features.items()}
    here, there = stack(features, mask), stack(turned, mask.iloc[:, ::-1])
    for place in range(len(features)):
        pd.testing.assert_frame_equal(unstack(here.X[:, place], here), unstack(there.X[:, place], there)[mask.columns])


def test_features_of_other_labels_are_refused():
    features, _, mask = planted(sessions=20, names=5)
    features["f2"] = features["f2"].iloc[1:]
    with pytest.raises(InputError, match="feature 'f2' must have the sessions and tickers"):
        stack(features, mask)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "missing: c"),
        (["a", "b", "c", "d"], "not known to the model: d"),
        (["b", "a", "c"], "another order: b, a, c"),
    ],
)
def test_names_are_checked_as_a_list(names, message):
    require_names(["a", "b", "c"], trained=["a", "b", "c"])
    with pytest.raises(InputError, match=message):
        require_names(names, trained=["a", "b", "c"])


def test_a_feature_that_was_always_there_must_not_vanish():
    features, _, mask = planted(sessions=30, names=5, features=3)
    features["f1"].iloc[25] = np.nan
    design = stack(features, mask)
    assert steady_features(design) == ("f0", "f2")
    assert steady_features(design, sessions=4) == ("f0", "f1", "f2")
    with pytest.raises(InputError, match=f"'f1' has no value for any name on {mask.index[25]:%Y-%m-%d}"):
        require_present(design, steady=["f0", "f1"])
