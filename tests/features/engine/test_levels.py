"""What split-adjusted data may not be asked: levels that know which names will be split."""

from dataclasses import replace

import numpy as np
import pytest

from alphalib.errors import InputError
from alphalib.features import CATALOG, parse
from alphalib.features.compute import factor
from alphalib.features.engine.levels import knows_levels
from alphalib.market import Source
from tests.worlds import random_market

MARKET = replace(random_market(names=14, sessions=80), source=Source(name="vendor", prices="split-adjusted"))

LEVELS = [
    "$close",
    "$volume",
    "CSRank($volume)",  # the name of shares is gone, what they know is not
    "CSRank(Mean(Log($close), 5))",
    "CSDemean(Sign($close-10))",
    "Std($close, 10)",
    "CSResid(Log(Plain($close*$volume)), Log($volume))",
    "Ref(CSRank($low), 60)",
]
RATIOS = [
    "$close/Ref($close, 60)",
    "CSRank(Delta(Log($close), 5))",
    "Corr($close, Log($volume+1), 10)",  # the 1 is nothing beside a day's volume
    "Rank($volume, 20)",
    "CSRank($close*$volume)",  # money: half the price, twice the shares
    "Sign($close-Ref($close, 5))",
    "CSNeutralize($close/Mean($close, 20), $sector)",
    "$vix",
]


@pytest.mark.parametrize("text", LEVELS)
def test_a_level_is_refused_where_it_knows_later_splits(text):
    with pytest.raises(InputError, match="it compares levels, and the split-adjusted prices and volumes of vendor"):
        factor(text, MARKET)
    raw = replace(MARKET, source=Source(name="vendor"))
    assert factor(text, raw).notna().to_numpy().any()


@pytest.mark.parametrize("text", RATIOS)
def test_what_compares_a_name_with_itself_stays(text):
    assert factor(text, MARKET).notna().to_numpy().any()


@pytest.mark.parametrize("text", RATIOS)
def test_what_stays_does_not_change_when_a_name_is_split_later(text):
    # N003 is split eight for one after the last session: its past has an eighth of the price, eight times the volume.
    prices = {name: getattr(MARKET, name).copy() for name in ("open", "high", "low", "close", "vwap")}
    for panel in prices.values():
        panel["N003"] /= 8
    later = replace(MARKET, **prices, volume=MARKET.volume.assign(N003=MARKET.volume["N003"] * 8))
    assert np.allclose(factor(text, MARKET), factor(text, later), rtol=1e-4, atol=1e-6, equal_nan=True)


def test_no_catalogue_but_the_101_alphas_lives_on_levels():
    found = {name for group in CATALOG if group != "alpha101" for name in CATALOG[group] if _tells(group, name)}
    assert found == {"avg_volume_20", "avg_volume_20d"}


def _tells(group, name):
    return knows_levels(parse(CATALOG[group][name].expression, dialect=CATALOG[group][name].dialect))
