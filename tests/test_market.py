"""Adjustment, wealth and what the past knows."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError, SessionError
from alphalib.market import sector_name
from tests.worlds import random_market

PANELS = ["adj_close", "adj_open", "adj_volume", "return_factor", "split_factor", "wealth", "listed", "tradable"]


@pytest.mark.parametrize("name", PANELS)
def test_past_values_ignore_the_future(name):
    market = random_market(missing=0.02)
    day = market.sessions[150]
    pd.testing.assert_frame_equal(getattr(market.asof(day), name), getattr(market, name).loc[:day], check_exact=True)


def test_adjusted_close_by_hand():
    market = random_market(names=3, sessions=60)
    # N000 splits 2:1 at session 20: one share of the first session is two from then on.
    assert market.split_factor["N000"].iloc[[19, 20]].tolist() == [1.0, 2.0]
    # N001 pays 0.50 at session 30, reinvested at that close: 1 + 0.5 / close shares from then on.
    paid = market.close["N001"].iloc[30]
    assert market.return_factor["N001"].iloc[30] == pytest.approx(1 + 0.5 / paid)
    assert market.adj_close["N001"].iloc[30] == pytest.approx(paid + 0.5)


def test_delisting_proceeds_are_kept_as_cash():
    market = random_market(names=3, sessions=60)
    last_price = market.close["N002"].dropna().iloc[-1]
    assert market.wealth["N002"].iloc[-1] == pytest.approx(0.6 * last_price)
    assert not market.tradable["N002"].iloc[-1]


def test_asof_knows_no_later_surprise_but_the_announced_date():
    market = random_market()
    row = market.earnings.iloc[0]
    known = market.asof(row["scheduled"]).earnings
    assert known.loc[known["ticker"] == row["ticker"], "surprise"].isna().all()
    assert row["ticker"] in set(known["ticker"])
    assert row["ticker"] not in set(market.asof(market.sessions[0]).earnings["ticker"])


def test_asof_outside_the_market_says_its_span():
    with pytest.raises(SessionError, match="runs from 2019-01-02"):
        random_market().asof(pd.Timestamp("2030-01-02"))


def test_panels_of_other_labels_are_refused():
    market = random_market()
    with pytest.raises(InputError, match=r"market\.open must have the labels"):
        type(market)(**{**market.__dict__, "open": market.open.iloc[1:]})


def test_the_hash_sees_every_bit():
    market, other = random_market(), random_market()
    assert market.data_hash == other.data_hash
    other.close.iloc[7, 3] = np.nextafter(other.close.iloc[7, 3], np.inf)
    assert type(other)(**{k: v for k, v in other.__dict__.items() if k != "data_hash"}).data_hash != market.data_hash


def test_sectors_are_known_by_any_vendors_name():
    assert sector_name("Technology") == sector_name("information technology") == "Information Technology"
    assert sector_name("Healthcare") == "Health Care"
    assert sector_name("Unknown") is None


def test_a_market_is_shown_in_a_line():
    market = random_market(names=3, sessions=60)
    assert repr(market) == (
        f"<Market: {market.source.name}, 3 names, members by date, 60 sessions, "
        f"{market.sessions[0]:%Y-%m-%d} to {market.last:%Y-%m-%d}>"
    )
