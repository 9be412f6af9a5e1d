import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.features.technical import atr, rsi, true_range
from tests.features.panels import NAN, panel
from tests.worlds import random_market


def test_atr_by_hand():
    high, low, close = panel(A=[11, 13, 12, 15]), panel(A=[9, 11, 9, 12]), panel(A=[10, 12, 10, 14])
    # True ranges: 11 − 9 = 2 (no close before); 13 − min(11, 10) = 3; 12 − 9 = 3; max(15, 10) − min(12, 10) = 5.
    assert true_range(high, low, close)["A"].tolist() == [2, 3, 3, 5]
    # Seed (2 + 3) / 2 = 2.5, then (2.5 + 3) / 2 = 2.75, then (2.75 + 5) / 2 = 3.875.
    assert atr(high, low, close, window=2)["A"].tolist()[1:] == [2.5, 2.75, 3.875]


def test_rsi_by_hand():
    close = panel(A=[10, 11, 13, 12, 14])
    # Moves +1 +2 −1 +2. Seed of two: gain 1.5, loss 0: 100.
    # Then gain .75, loss .5: 100 · .75 / 1.25 = 60; then gain 1.375, loss .25: 100 · 1.375 / 1.625.
    assert rsi(close, window=2)["A"].tolist()[2:] == pytest.approx([100, 60, 100 * 1.375 / 1.625])


def test_rsi_of_nothing_moving_is_fifty():
    assert rsi(panel(A=[10.0] * 20), window=14)["A"].dropna().tolist() == [50.0] * 6


def test_wilder_steps_over_missing_bars():
    market = random_market(sessions=120)
    bars = [market.adj_high[["N003"]], market.adj_low[["N003"]], market.adj_close[["N003"]]]
    holed = [bar.reindex(bar.index.delete([40, 41, 90])) for bar in bars]
    missing = [bar.reindex(market.sessions) for bar in holed]
    for compute in (lambda h, low, c: atr(h, low, c), lambda h, low, c: rsi(c)):
        # The same bars give the same averages, whether the missing sessions have a row or not.
        pd.testing.assert_frame_equal(compute(*missing).dropna(), compute(*holed).dropna(), check_freq=False)
        assert compute(*missing).iloc[[40, 41, 90]].isna().all(axis=None)


def test_a_bar_without_a_high_is_no_bar():
    high, low, close = panel(A=[11, NAN, 12]), panel(A=[9, 11, 9]), panel(A=[10, 12, 10])
    assert np.isnan(true_range(high, low, close)["A"].iloc[1])


def test_bad_windows_are_refused():
    with pytest.raises(InputError, match="window must be at least 1 bar, got 0"):
        rsi(panel(A=[1, 2]), window=0)
