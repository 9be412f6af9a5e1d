"""Seed defects that the imports cover, through the command line."""

import numpy as np
import pandas as pd
import pytest

from alphalib.__main__ import main
from alphalib.sources.stored import read_market, read_table
from alphalib.store import Store
from alphalib.universe import members_priced
from tests.sources.test_quality import bars_of
from tests.worlds import random_market


def call(*arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert end.value.code == 0


@pytest.fixture
def market():
    return random_market(seed=8, names=4, sessions=80)


@pytest.fixture
def store(tmp_path, market):
    rows = bars_of(market)
    rows[rows["ticker"] != "N000"].drop(columns="volume").to_csv(tmp_path / "bars.csv", index=False)
    call("import-prices", tmp_path / "bars.csv", "--store", tmp_path / "store")
    return Store(tmp_path / "store")


def test_d36_members_without_prices_count_in_the_share_that_is_priced(tmp_path, store):
    text = "ticker,start,end\nN001,2010-01-04,\nN002,2010-01-04,2019-02-15\nGONE,2010-01-04,\nLOST,2010-01-04,\n"
    (tmp_path / "members.csv").write_text(text)
    call("import-members", tmp_path / "members.csv", "--store", store.url)
    market = read_market(store)
    assert market.source.members == "by date"
    share = members_priced(read_table(store, "membership"), market.close)
    assert share.loc["2019-02-15"].tolist() == [4, 2, 0.5]
    assert share.loc["2019-02-19"].tolist() == pytest.approx([3, 1, 1 / 3])
    assert read_market(store, survivors=True).source.members == "survivors only"


def test_d39_figures_are_seen_from_the_session_after_their_filing(tmp_path, store):
    (tmp_path / "f.csv").write_text("ticker,period_end,filed,net_income\nN001,2018-12-31,2019-02-15,\n")
    call("import-fundamentals", tmp_path / "f.csv", "--store", store.url)
    market = read_market(store)
    # 15 February 2019 was a Friday, Monday a holiday.
    assert market.asof(pd.Timestamp("2019-02-15")).fundamentals.empty
    (figure,) = market.asof(pd.Timestamp("2019-02-19")).fundamentals["net_income"]
    assert np.isnan(figure)


def test_d41_what_a_file_does_not_have_stays_missing(store):
    market = read_market(store)
    assert market.volume.isna().all(axis=None)
    assert market.vwap.isna().all(axis=None)
    assert not (market.actions["kind"] == "dividend").any()
    assert not market.tradable.any(axis=None)
