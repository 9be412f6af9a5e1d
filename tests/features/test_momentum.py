import pytest

from alphalib.errors import InputError
from alphalib.features.momentum import momentum, price_vs_mean
from tests.features.panels import NAN, panel


def test_momentum_by_hand():
    close = panel(A=[100, 110, 121, 115, 130])
    # From 110 three sessions ago to 130 now, and to 121 two sessions ago.
    assert momentum(close, window=3)["A"].iloc[-1] == pytest.approx(130 / 110 - 1)
    assert momentum(close, window=3, skip=2)["A"].iloc[-1] == pytest.approx(0.10)
    assert momentum(close, window=3)["A"].isna().tolist() == [True, True, True, False, False]


def test_a_missing_close_is_carried_and_has_no_momentum():
    close = panel(A=[100, NAN, 120, 150])
    # The session without a close counts with 100, the last close before it.
    assert momentum(close, window=2)["A"].tolist()[2:] == pytest.approx([0.2, 0.5])
    assert momentum(close, window=1)["A"].isna().tolist() == [True, True, False, False]


def test_price_against_its_mean_by_hand():
    close = panel(A=[90, 100, 110, 120])
    # 120 against (100 + 110 + 120) / 3 = 110.
    assert price_vs_mean(close, window=3)["A"].iloc[-1] == pytest.approx(120 / 110 - 1)


def test_bad_windows_are_refused():
    with pytest.raises(InputError, match="less than window, got skip 5 and window 5"):
        momentum(panel(A=[1, 2]), window=5, skip=5)
    with pytest.raises(InputError, match="at least 2 sessions, got 1"):
        price_vs_mean(panel(A=[1, 2]), window=1)
