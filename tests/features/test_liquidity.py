import numpy as np
import pytest

from alphalib.errors import InputError
from alphalib.features.liquidity import avg_volume, dollar_volume, obv_slope, relative_volume, volume_trend
from tests.features.panels import NAN, panel


def test_volumes_by_hand():
    volume, close = panel(A=[100, 200, 300]), panel(A=[10, 10, 20])
    assert avg_volume(volume, window=2)["A"].tolist()[1:] == [150, 250]
    # (200 · 10 + 300 · 20) / 2
    assert dollar_volume(close, volume, window=2)["A"].iloc[-1] == 4000
    assert relative_volume(volume, window=2)["A"].iloc[-1] == pytest.approx(300 / 250)
    # Last two over all three: 250 / 200 − 1.
    assert volume_trend(volume, short=2, long=3)["A"].iloc[-1] == pytest.approx(0.25)


def test_a_missing_bar_is_no_day_without_trades():
    volume = panel(A=[100, 100, NAN, 100, 100])
    assert avg_volume(volume, window=5)["A"].iloc[-1] == 100
    assert np.isnan(avg_volume(panel(A=[NAN, NAN, 100, 100, 100]), window=5)["A"].iloc[-1])


def test_obv_slope_is_the_least_squares_line():
    rng = np.random.default_rng(0)
    close, volume = panel(A=list(100 + rng.normal(size=30).cumsum())), panel(A=list(rng.uniform(50, 150, 30)))
    obv = (np.sign(close["A"].diff()).fillna(0) * volume["A"]).cumsum().to_numpy()
    expected = np.polyfit(np.arange(20), obv[-20:], 1)[0] / volume["A"].iloc[-20:].mean()
    assert obv_slope(close, volume, window=20)["A"].iloc[-1] == pytest.approx(expected)


def test_obv_slope_of_up_days_is_one():
    slope = obv_slope(panel(A=[1, 2, 3, 4]), panel(A=[7.0] * 4), window=3)["A"]
    assert slope.iloc[-1] == pytest.approx(1.0)


def test_nobody_trading_is_missing():
    quiet = panel(A=[0.0] * 6)
    assert relative_volume(quiet, window=3)["A"].isna().all()
    assert obv_slope(panel(A=[1, 2, 3, 4, 5, 6]), quiet, window=3)["A"].isna().all()


def test_bad_windows_are_refused():
    with pytest.raises(InputError, match="window must be at least 1 session, got 0"):
        avg_volume(panel(A=[1]), window=0)
    with pytest.raises(InputError, match="less than long, got 5 and 5"):
        volume_trend(panel(A=[1]), short=5, long=5)
    with pytest.raises(InputError, match="at least 2 sessions, got 1"):
        obv_slope(panel(A=[1]), panel(A=[1]), window=1)
