"""Figures by hand, in the units they claim, never without a benchmark, an interval or a reason."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.evaluate.performance import (
    STATISTICS,
    alpha_beta,
    annual_return,
    calmar_ratio,
    equal_weight,
    hit_rate,
    information_ratio,
    maximum_drawdown,
    performance,
    sharpe_ratio,
    sortino_ratio,
    total_return,
    volatility,
)
from alphalib.contracts import Performance as Row
from alphalib.errors import InputError
from alphalib.sessions import sessions_between
from tests.worlds import random_market

FOUR = np.array([0.02, -0.01, 0.03, -0.02])


def series(values, *, start="2020-01-02"):
    return pd.Series(values, index=sessions_between(start, "2030-12-31")[: len(values)], dtype=float)


def walk(seed, sessions=200):
    return series(100 * np.cumprod(1 + np.random.default_rng(seed).normal(0.0004, 0.01, sessions)))


def table_of(nav, **options):
    chosen = {"spy": walk(1, len(nav)), "equal_weight": walk(2, len(nav)), "draws": 50, **options}
    return performance(nav, rng=np.random.default_rng(0), **chosen)


def test_the_figures_of_four_returns_by_hand():
    # 1.02 · 0.99 · 1.03 · 0.98 = 1.01929212; a year is 252/4 = 63 of them.
    assert total_return(FOUR) == pytest.approx(0.01929212)
    assert annual_return(FOUR) == pytest.approx(1.01929212**63 - 1)
    # Mean 0.005; deviations 0.015, −0.015, 0.025, −0.025: squares sum to 0.0017, over 3 = 0.00056667.
    assert volatility(FOUR) == pytest.approx(math.sqrt(0.0017 / 3 * 252))
    assert sharpe_ratio(FOUR) == pytest.approx(0.005 / math.sqrt(0.0017 / 3) * math.sqrt(252))
    # Shortfalls 0, 0.01, 0, 0.02: mean square 0.0005 / 4 over all four periods.
    assert sortino_ratio(FOUR) == pytest.approx(0.005 * 252 / math.sqrt(0.0005 / 4 * 252))
    assert maximum_drawdown(FOUR) == pytest.approx(-0.02)
    assert calmar_ratio(FOUR) == pytest.approx(annual_return(FOUR) / 0.02)
    assert hit_rate(FOUR) == 0.5
    # Against half of itself the difference is FOUR / 2, whose ratio is that of FOUR.
    assert information_ratio(FOUR, FOUR / 2) == pytest.approx(sharpe_ratio(FOUR))


def test_alpha_and_beta_of_an_exact_line():
    market = np.random.default_rng(0).normal(0, 0.01, 300)
    alpha, beta = alpha_beta(0.0001 + 1.5 * market, market)
    assert alpha.value == pytest.approx(0.0001 * 252)
    assert (beta.value, beta.low, beta.high) == pytest.approx((1.5, 1.5, 1.5))


def test_alpha_interval_covers_nothing_but_noise():
    rng = np.random.default_rng(3)
    market = rng.normal(0, 0.01, 1000)
    alpha, beta = alpha_beta(0.8 * market + rng.normal(0, 0.01, 1000), market)
    assert alpha.low < 0 < alpha.high
    assert beta.low < 0.8 < beta.high
    # Noise of 1 % a day over 1000 days: 1.96 · .01 · 252 / √1000 = .156 either way.
    assert (alpha.high - alpha.low) / 2 == pytest.approx(0.156, rel=0.15)


def test_every_interval_holds_its_value_and_widens_with_the_level():
    narrow = table_of(walk(0), draws=200, level=0.5).table()
    wide = table_of(walk(0), draws=200, level=0.95).table()
    for title in ("Book", "SPY", "Equal weight"):
        bounded = wide[f"{title} low"].notna()
        assert (wide[f"{title} low"] <= wide[title])[bounded].all()
        assert (wide[title] <= wide[f"{title} high"])[bounded].all()
        width = {name: t[f"{title} high"] - t[f"{title} low"] for name, t in (("wide", wide), ("narrow", narrow))}
        assert (width["wide"] > width["narrow"])[bounded].all()


def test_the_same_randomness_gives_the_same_table():
    pd.testing.assert_frame_equal(table_of(walk(0)).table(), table_of(walk(0)).table(), check_exact=True)


def test_turnover_and_exposure_by_hand():
    nav = series([100.0] * 100)
    result = table_of(nav, exposure=series([0.0] + [0.5] * 99), traded=series([0.0] + [2.0] * 99))
    # 2 traded of 100 each session: half of it bought, half sold, is 1 % a session and 252 % a year.
    assert result["Turnover a year, one way"].book.value == pytest.approx(2.52)
    assert result["Exposure"].book.value == 0.5


def test_what_cannot_be_computed_says_why():
    result = table_of(series([100.0] * 100))
    assert result["Sharpe ratio"].book.value is None
    assert result["Sharpe ratio"].note == "Book: the value never moved"
    assert result["Sortino ratio"].note == "Book: no session fell"
    assert result["Calmar ratio"].note == "Book: there was no drawdown"
    short = table_of(walk(0, 20))
    assert short["Sharpe ratio"].book.low is None
    assert short["Sharpe ratio"].note == "no interval: 19 returns are fewer than two blocks of 21"
    assert short["Beta"].note == "needs 30 returns and a benchmark that moves"


def test_no_number_is_missing_in_silence():
    for nav in (series([100.0] * 100), walk(0, 3), walk(0)):
        table = table_of(nav, trials=3, variance_of_trials=float("nan")).table()
        silent = table[table["Book"].isna() & (table["note"] == "")]
        assert silent.empty, silent.index.tolist()


def test_a_benchmark_with_a_gap_is_left_out_and_named():
    spy = walk(1)
    spy.iloc[7] = np.nan
    result = table_of(walk(0), spy=spy)
    assert result["Sharpe ratio"].spy is None
    assert result["Beta"].book.value is None
    assert result["Beta"].note == f"SPY has no value on {spy.index[7]:%Y-%m-%d} and is left out"


def test_trials_lower_the_probability():
    alone = table_of(walk(0), trials=1, variance_of_trials=0.01)
    many = table_of(walk(0), trials=100, variance_of_trials=0.01)
    positive = alone["Probability of a positive Sharpe"].book.value
    assert alone["… above the best of 1 without skill"].book.value == pytest.approx(positive)
    assert many["… above the best of 100 without skill"].book.value < positive


def test_rows_are_those_of_the_summary_on_the_bus():
    result = table_of(walk(0), trials=2, variance_of_trials=0.001)
    assert all(isinstance(row, Row) for row in result.rows)
    assert {statistic.name for statistic in STATISTICS} < set(result.table().index)
    page = result._repr_html_()
    assert "Equal weight" in page
    assert "199 sessions" in page
    with pytest.raises(KeyError, match="no measure 'Sharp'"):
        result["Sharp"]


def test_a_value_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match="must be positive"):
        table_of(series([100.0, -1.0]))


def test_equal_weight_by_hand():
    market = random_market(names=3, sessions=60)
    index = equal_weight(market)
    close = market.close
    # Session 1: the mean of three plain returns. Session 30 pays 0.50 on N001. Session 50: N002 ends with −40 %.
    assert index.iloc[0] == 1.0
    assert index.iloc[1] == pytest.approx((close.iloc[1] / close.iloc[0]).mean())
    growth = close.iloc[30] / close.iloc[29]
    growth["N001"] = (close["N001"].iloc[30] + 0.5) / close["N001"].iloc[29]
    assert index.iloc[30] / index.iloc[29] == pytest.approx(growth.mean())
    survivors = (close.iloc[50] / close.iloc[49]).iloc[:2]
    assert index.iloc[50] / index.iloc[49] == pytest.approx((survivors.sum() + 0.6) / 3)
    assert index.iloc[51] / index.iloc[50] == pytest.approx((close.iloc[51] / close.iloc[50]).iloc[:2].mean())


def test_equal_weight_holds_the_members_of_the_session_before():
    market = random_market(names=3, sessions=60)
    member = market.member.copy()
    member.iloc[10:, 0] = False
    index, full = equal_weight(replace(market, member=member)), equal_weight(market)
    assert index.iloc[10] == full.iloc[10]
    assert index.iloc[11] / index.iloc[10] == pytest.approx(
        (market.adj_close.iloc[11] / market.adj_close.iloc[10]).iloc[1:].mean()
    )
    cut = equal_weight(market.asof(market.sessions[40]))
    pd.testing.assert_series_equal(cut, full.iloc[:41], check_exact=True)
