"""Each feature in use, which is an expression, gives the values of its second writing in plain pandas.

They agree to 1e-9 from the expression's look-back on, but for what is written below.

- `rsi_14`, `atr_pct_14`: the averages there start from the mean of the first 14 and step over a session without a bar;
  the expressions' weights are normalised and fade by the session, with a bar or without. Without gaps they agree from
  session 400 on. The first true range is high − low there and missing here.
- `macd_12_26_9`: the means there start from the first close. They agree from session 500 on.
- Means of volume need four fifths of their window there, one value here.
"""

from functools import cache

import numpy as np
import pytest

from alphalib.features import FEATURES, feature_panels
from alphalib.market import Market, Panel
from tests.features.plain import PLAIN
from tests.worlds import random_market

FADING = {"rsi_14": 400, "atr_pct_14": 400, "macd_12_26_9": 500}
AGES_WITHOUT_A_BAR = ("rsi_14", "atr_pct_14")


def test_each_has_one():
    assert list(PLAIN) == list(FEATURES)


@cache
def world(missing: float) -> tuple[Market, dict[str, Panel]]:
    market = random_market(seed=5, names=12, sessions=700, missing=missing)
    return market, feature_panels(market)


@pytest.mark.parametrize(
    ("name", "missing"),
    [(name, missing) for name in FEATURES for missing in (0.0, 0.02) if not (missing and name in AGES_WITHOUT_A_BAR)],
)
def test_equal_values(name, missing):
    market, computed = world(missing)
    ours, plain = computed[name].to_numpy(), PLAIN[name](market).to_numpy()
    start = FADING.get(name, FEATURES[name].entry.node.lookback)
    np.testing.assert_allclose(ours[start:], plain[start:], rtol=1e-9, atol=1e-9 * np.nanstd(plain))
    assert np.isfinite(plain[start:]).any()


@pytest.mark.parametrize("name", AGES_WITHOUT_A_BAR)
def test_near_values_where_bars_are_missing(name):
    market, computed = world(0.02)
    ours, plain = computed[name].iloc[400:], PLAIN[name](market).iloc[400:]
    assert ours.isna().equals(plain.isna())
    assert ours.corrwith(plain).min() > 0.99


@pytest.mark.parametrize("name", ["relative_volume_20", "avg_volume_20", "dollar_volume_20"])
def test_means_of_volume_take_what_is_there(name):
    market = random_market(seed=5, names=2, sessions=120)
    for panel in (market.volume, market.close):
        panel.iloc[60:70, 0] = np.nan
    computed = FEATURES[name].panel(market)
    plain = PLAIN[name](market)
    assert plain.iloc[75:79, 0].isna().all()
    assert computed.iloc[75:79, 0].notna().all()
