"""Corporate actions out of an adjusted close."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.sources.adjustment import implied_actions
from tests.worlds import random_market


def vendor_file(market, *, decimals=None, dtype="float64"):
    """What a vendor writes: raw closes, and closes adjusted backwards so that the last row is unadjusted."""
    factor = market.return_factor / market.return_factor.iloc[-1]
    adjusted, close = (market.close * factor).stack(), market.close.stack()
    table = pd.DataFrame({"close": close, "adj_close": adjusted}).dropna().reset_index()
    table[["close", "adj_close"]] = table[["close", "adj_close"]].astype(dtype)
    if decimals is not None:
        table[["close", "adj_close"]] = table[["close", "adj_close"]].round(decimals)
    return table.sort_values(["ticker", "date"], ignore_index=True)


def test_a_dividend_by_hand():
    days = pd.DatetimeIndex(["2020-01-02", "2020-01-03", "2020-01-06"], name="date")
    bars = pd.DataFrame({"date": days, "ticker": "A", "close": [100.0, 99.0, 99.0], "adj_close": [99.0, 99.0, 99.0]})
    # The factor grows from .99 to 1: g = 1 / .99, so the dividend is 99 × (1 / .99 − 1) = 1.
    (action,) = implied_actions(bars).actions.itertuples()
    assert (action.date, action.kind) == (days[1], "dividend")
    assert action.value == pytest.approx(1.0)


@pytest.mark.parametrize(("dtype", "decimals"), [("float64", None), ("float32", None), ("float64", 6), ("float64", 2)])
def test_actions_come_back_however_the_file_is_rounded(dtype, decimals):
    market = random_market(seed=3)
    found = implied_actions(vendor_file(market, dtype=dtype, decimals=decimals))
    true = market.actions[market.actions["kind"] != "delisting"].reset_index(drop=True)
    assert found.prices == "raw"
    merged = true.merge(found.actions, on=["date", "ticker", "kind"], suffixes=("", "_found"))
    assert len(merged) == len(true) == len(found.actions)
    np.testing.assert_allclose(merged["value_found"], merged["value"], rtol=0.1 if decimals == 2 else 1e-3)


def test_total_returns_of_the_market_are_the_vendors():
    market = random_market(seed=4)
    file = vendor_file(market, dtype="float32")
    own = replace(market, actions=implied_actions(file).actions)
    vendor = file.pivot(index="date", columns="ticker", values="adj_close").astype(float)
    difference = own.adj_close.pct_change(fill_method=None) - vendor.pct_change(fill_method=None)
    assert difference.abs().max().max() < 2e-6


def test_split_adjusted_files_have_no_splits():
    market = random_market(seed=3)
    dividends = market.actions[market.actions["kind"] == "dividend"]
    file = vendor_file(replace(market, close=market.close * market.split_factor, actions=dividends))
    found = implied_actions(file)
    assert found.prices == "split-adjusted"
    assert set(found.actions["kind"]) == {"dividend"}
    assert implied_actions(file, prices="raw").why == "as given"


def test_a_slipped_close_is_not_a_split():
    file = vendor_file(random_market(seed=3))
    row = file.index[file["ticker"] == "N005"][100]
    file.loc[row, "close"] *= 10.0
    found = implied_actions(file)
    assert "N005" not in set(found.actions.loc[found.actions["kind"] == "split", "ticker"])


def test_rows_captured_one_by_one_show_rises_only():
    # A file of rows captured a day late: the row before a 2:1 split is restated, the rows after it start again.
    days = pd.bdate_range("2020-01-06", periods=6, name="date")
    bars = pd.DataFrame(
        {
            "date": days,
            "ticker": "A",
            "close": [100.0, 101.0, 102.0, 51.5, 52.0, 51.0],
            "adj_close": [100.0, 101.0, 51.0, 51.5, 52.0, 51.0],
        }
    )
    found = implied_actions(bars)
    (split,) = found.actions.itertuples()
    assert (split.date, split.kind, split.value) == (days[3], "split", 2.0)
    assert found.unexplained == 1
