"""Known factors that order the names as a factor does."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.evidence.nearest import nearest_by_correlation


def panel(values, rng=None):
    values = np.asarray(values, dtype=float)
    return pd.DataFrame(values, index=pd.bdate_range("2024-01-01", periods=len(values)))


def test_by_hand():
    factor = panel([[1, 2, 3, 4], [1, 2, 3, 4]])
    known = {
        "same order": panel([[1, 2, 3, 9], [0, 2, 5, 8]]),
        "reversed": panel([[4, 3, 2, 1], [8, 6, 4, 0]]),
        "two swapped": panel([[2, 1, 3, 4], [2, 1, 3, 4]]),  # 1 − 6·2/(4·15) = 0.8
        "half": panel([[1, 2, 3, 4], [4, 3, 2, 1]]),
        "missing": panel([[np.nan] * 4] * 2),
    }
    found = nearest_by_correlation(factor, known, count=4, minimum=4)
    assert list(found.index) == ["reversed", "same order", "two swapped", "half"]
    assert found.tolist() == pytest.approx([-1.0, 1.0, 0.8, 0.0])


def test_equals_pandas_with_missing_values_and_ties():
    rng = np.random.default_rng(7)
    first, second = (panel(rng.integers(0, 9, (20, 30)).astype(float)) for _ in range(2))
    first = first.mask(rng.random(first.shape) < 0.2)
    expected = [
        a.corr(b, method="spearman") for (_, a), (_, b) in zip(first.iterrows(), second.iterrows(), strict=True)
    ]
    found = nearest_by_correlation(first, {"b": second})
    assert found["b"] == pytest.approx(np.mean(expected), abs=1e-12)


def test_labels_must_be_the_factor_s():
    factor = panel(np.eye(12))
    with pytest.raises(InputError, match="late must have the sessions and tickers of the factor"):
        nearest_by_correlation(factor, {"late": factor.iloc[1:]})
