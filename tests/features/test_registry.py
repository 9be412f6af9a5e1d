from dataclasses import replace

import pytest

from alphalib.errors import InputError
from alphalib.features import FEATURES, Feature, feature, feature_panels, features_off
from alphalib.features.catalog import Entry
from tests.worlds import random_market


def test_names_are_the_keys():
    assert [found.name for found in FEATURES.values()] == list(FEATURES)


def test_a_reader_names_the_unit():
    assert feature("avg_volume_20", unit="shares").name == "avg_volume_20"
    with pytest.raises(InputError, match="'relative_volume_20' is in 'ratio', it was asked for in 'shares'"):
        feature("relative_volume_20", unit="shares")
    with pytest.raises(InputError, match="no feature 'avg_volume'; the nearest is 'avg_volume_20'"):
        feature("avg_volume", unit="shares")


def test_levels_are_off_where_prices_are_split_adjusted():
    market = random_market(sessions=60)
    adjusted = replace(market, source=replace(market.source, prices="split-adjusted"))
    assert features_off(market) == {}
    off = features_off(adjusted)
    assert set(off) == {"avg_volume_20", "dollar_volume_20"}
    assert "the split-adjusted prices of random world know later splits" in off["avg_volume_20"]
    assert list(feature_panels(adjusted)) == [name for name in FEATURES if name not in off]


def test_without_spy_what_reads_it_is_off():
    market = random_market(sessions=60)
    alone = replace(market, benchmarks=market.benchmarks.drop(columns="SPY"))
    assert features_off(alone) == dict.fromkeys(
        ["beta_60", "idiosyncratic_volatility_60"], "$spy: random world has no SPY"
    )


def test_a_model_input_is_never_left_out_in_silence():
    market = random_market(sessions=60)
    adjusted = replace(market, source=replace(market.source, prices="split-adjusted"))
    with pytest.raises(InputError, match=r"'avg_volume_20' is off: .*know later splits.*there is no feature 'luck'"):
        feature_panels(adjusted, names=["momentum_20", "avg_volume_20", "luck"])
    assert list(feature_panels(adjusted, names=["rsi_14", "momentum_20"])) == ["rsi_14", "momentum_20"]


def test_a_unit_out_of_the_list_is_refused():
    with pytest.raises(InputError, match="unit of feature 'x' must be one of"):
        Feature(Entry("x", "$close / Ref($close, 1)", "folklore"), "percent")


def test_average_volume_is_in_shares_of_its_session():
    market = random_market(sessions=60)
    # N000 splits 2:1 at session 20: at session 30 nine of its twenty volumes are from before and count double.
    volume = market.volume["N000"].iloc[11:31].to_numpy().copy()
    volume[:9] *= 2
    measured = FEATURES["avg_volume_20"].panel(market)["N000"].iloc[30]
    assert measured == pytest.approx(volume.mean())
