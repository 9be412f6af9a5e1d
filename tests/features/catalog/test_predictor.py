"""The predictor's 53: the names are all there, and what is the same for every name says so."""

import numpy as np
import pandas as pd
import pytest

from alphalib.features.catalog.predictor import CENTRED, PREDICTOR, SAME
from alphalib.features.compute import FactorWarning, factors
from tests.features.catalog.markets import complete_market
from tests.worlds import random_market

NAMES = [
    "rsi_14", "macd_cross", "macd_above_zero", "macd_line_last", "price_vs_ma50", "price_vs_ma200", "momentum_20d",
    "avg_volume_20d", "dist_from_52w_high", "momentum_5d", "rel_volume_ratio", "return_vs_spy_5d", "vix_level",
    "dist_from_52w_low", "vol_ratio_10_60", "bollinger_pct", "sector_vs_spy_5d", "sector_vs_spy_10d",
    "sector_vs_spy_20d", "yield_10y", "yield_curve_slope", "gold_mom_5d", "oil_mom_5d", "vix_term_slope",
    "xsect_dispersion", "price_accel", "ema_cross_8_21", "atr_14_pct", "realized_vol_20d", "volume_trend",
    "obv_slope_10d", "rsi_slope_5d", "volume_price_div", "mom5d_x_vix", "rsi_x_vix", "sector_x_trend", "atr_x_vix",
    "vol_trend_x_vix", "earnings_surprise_pct", "days_since_earnings", "eps_revision_4w", "revision_streak",
    "put_call_ratio", "iv_rank", "iv_vs_rv", "pe_ratio", "pb_ratio", "debt_to_equity", "revenue_growth_yoy",
    "fcf_yield", "gross_margin", "roe", "current_ratio",
]  # fmt: skip

MARKET = complete_market(seed=8, names=12, sessions=420, missing=0.0)
MARKET_WIDE = [name for name, entry in PREDICTOR.items() if SAME in entry.note]


@pytest.fixture(scope="module")
def computed():
    return factors({name: entry.node for name, entry in PREDICTOR.items()}, MARKET)


def spread(panel: pd.DataFrame) -> pd.Series:
    """Largest less smallest value of each date's members."""
    members = panel.where(MARKET.member)
    return (members.max(axis=1) - members.min(axis=1))[members.notna().sum(axis=1) > 1]


def test_the_fifty_three_are_there():
    assert sorted(PREDICTOR) == sorted(NAMES)
    assert len(PREDICTOR) == 53


def test_each_has_values_where_the_market_has_the_data(computed):
    missing = [name for name, panel in computed.items() if not np.isfinite(panel.iloc[340:].to_numpy()).mean() > 0.8]
    assert missing == []


def test_those_that_need_more_than_prices_say_so():
    plain = random_market(seed=8, names=12, sessions=420)
    with pytest.warns(FactorWarning):
        found = factors({name: entry.node for name, entry in PREDICTOR.items()}, plain)
    prices_only = {name for name, entry in PREDICTOR.items() if not entry.node.fields & FUNDAMENTAL}
    said = {name for name, entry in PREDICTOR.items() if "left out without" in entry.note}
    assert set(found.failed) & prices_only == {"vix_term_slope", "gold_mom_5d", "oil_mom_5d"}
    assert {"eps_revision_4w", "revision_streak", "put_call_ratio", "iv_rank", "iv_vs_rv", "vix_term_slope"} <= said
    assert said <= set(found.failed)


FUNDAMENTAL = {
    field
    for name in ("pe_ratio", "pb_ratio", "debt_to_equity", "revenue_growth_yoy", "gross_margin", "roe", "current_ratio")
    for field in PREDICTOR[name].node.fields
} | {"eps_estimate", "put_call_ratio", "implied_volatility", "free_cash_flow_4q"}


def test_d34_only_what_says_so_is_the_same_for_every_name(computed):
    equal = [name for name, panel in computed.items() if spread(panel).max() < 1e-12]
    assert sorted(equal) == sorted(MARKET_WIDE)


@pytest.mark.parametrize("name", [name for name, entry in PREDICTOR.items() if CENTRED in entry.note])
def test_d34_products_with_the_market_cannot_tilt_the_cross_section(name, computed):
    means = computed[name].where(MARKET.member).mean(axis=1).dropna()
    assert len(means) > 100
    assert means.abs().max() < 1e-12


def test_d34_every_other_use_of_a_market_series_is_a_difference_from_a_names_own(computed):
    market_wide_fields = {"vix", "vix3m", "yield_10y", "yield_3m", "oil", "gold"}
    uses = {name for name, entry in PREDICTOR.items() if entry.node.fields & market_wide_fields}
    declared = {name for name, entry in PREDICTOR.items() if SAME in entry.note or CENTRED in entry.note}
    assert uses <= declared


def test_a_streak_counts_weeks_of_the_same_direction():
    # Estimates that rise for ever have risen for four weeks in a row, the most that is counted; then they fall once.
    market = complete_market(seed=8, names=2, sessions=120)
    estimates = market.fundamentals["eps_estimate"].notna()
    order = market.fundamentals[estimates].groupby("ticker")["known"].rank()
    market.fundamentals.loc[estimates, "eps_estimate"] = np.where(order <= 20, order, 40 - order)
    streak = factors({"streak": PREDICTOR["revision_streak"].node}, market, mask=False)["streak"].iloc[:, 0]
    # weekly figures arrive at sessions 0, 5, …; the 20th at session 95, the first fall at session 100
    assert streak.iloc[95] == 4
    assert streak.iloc[100] == -1
    assert streak.iloc[105] == -2


def test_a_cross_of_the_macd_is_seen_for_three_sessions():
    entry = PREDICTOR["macd_cross"]
    values = factors({"cross": entry.node}, MARKET)["cross"].to_numpy()
    assert set(np.unique(values[np.isfinite(values)])) <= {-1.0, 0.0, 1.0}


def test_returns_against_spy_by_hand(computed):
    day, name = MARKET.sessions[350], MARKET.tickers[3]
    own = MARKET.adj_close[name].iloc[350] / MARKET.adj_close[name].iloc[345] - 1
    spy = MARKET.benchmarks["SPY"].iloc[350] / MARKET.benchmarks["SPY"].iloc[345] - 1
    assert computed["return_vs_spy_5d"].loc[day, name] == pytest.approx(own - spy, rel=1e-12)


def test_price_to_earnings_takes_the_figures_known_at_the_close(computed):
    name, row = MARKET.tickers[4], 300
    day = MARKET.sessions[row]
    filed = MARKET.fundamentals.query("ticker == @name and known <= @day").dropna(subset=["net_income"])
    last_four = filed.sort_values("period_end").tail(4)
    shares = last_four["shares_outstanding"].iloc[-1]  # the name has no split
    expected = MARKET.close[name].iloc[row] * shares / last_four["net_income"].sum()
    assert computed["pe_ratio"].loc[day, name] == pytest.approx(expected, rel=1e-12)
