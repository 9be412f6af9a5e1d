import numpy as np
import pytest

from alphalib.errors import InputError
from alphalib.features.volatility import log_return, realized_volatility, volatility_ratio
from tests.features.panels import NAN, panel


def test_realized_volatility_by_hand():
    close = panel(A=[100, 100 * np.exp(0.01), 100, 100 * np.exp(0.02)])
    # Log returns 1 %, −1 %, 2 %: mean 2/3 %, variance ((1/3)² + (5/3)² + (4/3)²) / 2 = 7/3 %².
    expected = np.sqrt(7 / 3) * 0.01 * np.sqrt(252)
    assert realized_volatility(close, window=3)["A"].iloc[-1] == pytest.approx(expected)


def test_a_missing_close_moves_the_return_to_the_next():
    returns = log_return(panel(A=[100, NAN, 120]))["A"]
    assert returns.tolist()[1:] == pytest.approx([0.0, np.log(1.2)])


def test_volatility_ratio_is_above_one_when_moves_grow():
    calm = [100 * np.exp(0.001 * (i % 2)) for i in range(20)]
    wild = [100 * np.exp(0.03 * (i % 2)) for i in range(10)]
    ratio = volatility_ratio(panel(A=calm + wild, B=[100.0] * 30), short=5, long=20)
    assert ratio["A"].iloc[-1] > 1.3
    assert ratio["B"].isna().all()


def test_bad_windows_are_refused():
    with pytest.raises(InputError, match="window must be at least 2 sessions, got 1"):
        realized_volatility(panel(A=[1, 2]), window=1)
    with pytest.raises(InputError, match="less than long, got 60 and 10"):
        volatility_ratio(panel(A=[1, 2]), short=60, long=10)
