"""Figures of four quarters, shares after splits, and the sector's index in a chain."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.features.fields import FIELDS
from alphalib.market import Market
from tests.worlds import random_market

MARKET = random_market(names=3, sessions=300)
NAME = MARKET.tickers[2]


def filed(*rows: tuple[str, int, float]) -> Market:
    """A market whose third name filed: end of the period, session of the filing, net income."""
    table = pd.DataFrame(
        [(NAME, pd.Timestamp(end), MARKET.sessions[at], value) for end, at, value in rows],
        columns=["ticker", "period_end", "known", "net_income"],
    )
    return replace(MARKET, fundamentals=table)


def year(market: Market) -> pd.Series:
    return FIELDS["net_income_4q"].read(market)[NAME]


def test_a_year_is_the_sum_of_the_newest_four_quarters():
    market = filed(
        ("2018-06-30", 5, 1.0),
        ("2018-09-30", 10, 2.0),
        ("2018-12-31", 15, 3.0),
        ("2019-03-31", 80, 4.0),
        ("2019-06-30", 140, 5.0),
    )
    sums = year(market)
    assert sums.iloc[:10].isna().all()  # one quarter says little about a year
    assert sums.iloc[10] == 6.0  # 4 · (1 + 2)/2
    assert sums.iloc[79] == 8.0  # 4 · (1 + 2 + 3)/3
    assert sums.iloc[80] == 10.0
    assert sums.iloc[140] == sums.iloc[-1] == 14.0  # the first has dropped out


def test_a_quarter_without_the_figure_is_left_out():
    assert year(filed(("2018-09-30", 5, 2.0), ("2018-12-31", 10, np.nan), ("2019-03-31", 70, 4.0))).iloc[-1] == 12.0


def test_a_restatement_replaces_its_quarter_from_its_own_filing_on():
    sums = year(filed(("2018-09-30", 5, 2.0), ("2018-12-31", 10, 2.0), ("2018-09-30", 100, 6.0)))
    assert (sums.iloc[99], sums.iloc[100]) == (8.0, 16.0)


def test_estimates_between_filings_do_not_move_the_quarters():
    market = filed(("2018-06-30", 5, 1.0), ("2018-09-30", 10, 3.0))
    later = pd.DataFrame(
        {"ticker": NAME, "period_end": MARKET.sessions[250:], "known": MARKET.sessions[250:], "eps_estimate": 1.0}
    )
    both = replace(market, fundamentals=pd.concat([market.fundamentals, later], ignore_index=True))
    assert year(both).equals(year(market))


def test_shares_of_a_period_before_a_split_count_after_it():
    # The first name splits two for one at session 100; the period ends before, the filing comes after.
    split = MARKET.tickers[0]
    table = pd.DataFrame(
        {
            "ticker": [split],
            "period_end": [MARKET.sessions[90]],
            "known": [MARKET.sessions[120]],
            "shares_outstanding": [1000.0],
        }
    )
    shares = FIELDS["shares_outstanding"].read(replace(MARKET, fundamentals=table))[split]
    assert shares.iloc[:120].isna().all()
    assert shares.iloc[120] == 2000.0


def test_a_change_of_sector_is_no_jump_of_its_index():
    codes = MARKET.sector.copy()
    codes.iloc[150:, 1] = 7
    market = replace(MARKET, sector=codes)
    index = FIELDS["sector_index"].read(market).iloc[:, 1]
    etf = MARKET.benchmarks[["XLY", "XLK"]]  # codes 1 and 7
    growth = etf / etf.shift()
    np.testing.assert_allclose((index / index.shift()).iloc[1:150], growth["XLY"].iloc[1:150], rtol=1e-12)
    np.testing.assert_allclose((index / index.shift()).iloc[150:], growth["XLK"].iloc[150:], rtol=1e-12)


def test_a_sector_whose_fund_has_not_begun_has_no_index():
    benchmarks = MARKET.benchmarks.copy()
    benchmarks.iloc[:50, benchmarks.columns.get_loc("XLY")] = np.nan
    index = FIELDS["sector_index"].read(replace(MARKET, benchmarks=benchmarks)).iloc[:, 1]
    assert index.iloc[:50].isna().all()
    assert index.iloc[50:].notna().all()


def test_market_capitalisation_is_in_currency_and_needs_printed_prices():
    assert str(FIELDS["market_cap"].unit) == "currency"
    assert FIELDS["market_cap"].needs == "raw prices"


@pytest.mark.parametrize("name", ["net_income_4q", "market_cap", "shares_outstanding", "sector_index"])
def test_fields_know_nothing_of_the_future(name):
    market = filed(("2018-09-30", 5, 2.0), ("2018-12-31", 10, 2.0), ("2018-09-30", 200, 6.0))
    market = replace(market, fundamentals=market.fundamentals.assign(shares_outstanding=1e6))
    day = market.sessions[150]
    pd.testing.assert_frame_equal(
        FIELDS[name].read(market.asof(day)), FIELDS[name].read(market).loc[:day], check_exact=True
    )
