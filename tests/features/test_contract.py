"""What every feature keeps, whoever adds it: a new entry of FEATURES is tested by existing."""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from alphalib.features import FEATURES
from alphalib.market import Market
from tests.corruption import CORRUPTIONS, PANELS, corrupted
from tests.worlds import random_market

CUT = 300


def market_of_battery() -> Market:
    market = random_market(names=12, sessions=420, missing=0.01, seed=3)
    market.volume.iloc[100:140, 5] *= 0.0  # nobody trades
    for name in ("open", "high", "low", "close"):
        getattr(market, name).iloc[200:240, 6] = getattr(market, name).iloc[200:240, 6] * 0.0 + 20.0  # nothing moves
    second = market.earnings.assign(
        date=market.sessions[np.arange(12) * 5 + 270], surprise=np.linspace(-0.1, 0.1, 12), scheduled=pd.NaT
    )
    return replace(market, earnings=pd.concat([market.earnings, second], ignore_index=True))


MARKET = market_of_battery()
corrupt_market = cache(lambda how: corrupted(MARKET, CUT, how))
cut_market = cache(lambda: MARKET.asof(MARKET.sessions[CUT]))
expected = cache(lambda feature: feature.panel(MARKET))


@pytest.fixture(params=list(FEATURES.values()), ids=list(FEATURES))
def feature(request):
    return request.param


def test_past_values_ignore_the_future_when_it_is_cut(feature):
    cut = feature.panel(cut_market())
    pd.testing.assert_frame_equal(cut, expected(feature).iloc[: CUT + 1], check_exact=True)


@pytest.mark.parametrize("how", CORRUPTIONS)
def test_past_values_ignore_a_corrupted_future(feature, how):
    with np.errstate(all="ignore"):
        corrupt = feature.panel(corrupt_market(how))
    assert corrupt.iloc[: CUT + 1].to_numpy().tobytes() == expected(feature).iloc[: CUT + 1].to_numpy().tobytes()


def test_labels_are_kept(feature):
    panel = expected(feature)
    assert panel.index.equals(MARKET.close.index)
    assert panel.columns.equals(MARKET.close.columns)
    assert (panel.index.name, panel.columns.name) == ("date", "ticker")
    assert {dtype.kind for dtype in panel.dtypes} == {"f"}


def test_the_input_is_untouched(feature):
    market = market_of_battery()
    before = market.data_hash
    feature.panel(market)
    assert Market(**{field.name: getattr(market, field.name) for field in fields(Market)}).data_hash == before


def test_the_order_of_tickers_is_irrelevant(feature):
    order = np.random.default_rng(2).permutation(len(MARKET.tickers))
    panels = {name: getattr(MARKET, name).iloc[:, order] for name in PANELS if name not in ("benchmarks", "macro")}
    shuffled = feature.panel(replace(MARKET, **panels, earnings=MARKET.earnings.iloc[::-1]))
    ordered = shuffled[MARKET.tickers]
    pd.testing.assert_frame_equal(ordered, expected(feature), check_exact=False, rtol=1e-9, atol=1e-12)


def test_there_are_values_and_no_infinities(feature):
    values = expected(feature).to_numpy()
    assert np.isfinite(values).mean() > 0.2
    assert not np.isinf(values).any()


def test_no_value_without_a_close(feature):
    assert MARKET.close.isna().to_numpy().sum() > 100
    assert expected(feature).where(MARKET.close.isna()).isna().all(axis=None)


def test_a_missing_bar_costs_its_own_row_only(feature):
    market = market_of_battery()
    lost = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close", "volume", "vwap")}
    row = 320
    for panel in lost.values():
        panel.iloc[row, 2] = np.nan
    whole, holed = feature.panel(market), feature.panel(replace(market, **lost))
    assert pd.notna(whole.iloc[row, 2])
    assert pd.isna(holed.iloc[row, 2])
    assert (whole.notna() == holed.notna()).to_numpy().sum() == whole.size - 1
