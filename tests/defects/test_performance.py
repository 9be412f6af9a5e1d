"""Seed defects of the statistics: annualisation, Sortino, drawdown, and figures that stood alone."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.evaluate.performance import COLUMNS, maximum_drawdown, performance, sharpe_ratio, sortino_ratio
from alphalib.errors import InputError
from alphalib.sessions import sessions_between, week_ends


def table(nav: pd.Series, **options):
    rng = np.random.default_rng(7)
    spy, equal = (pd.Series(100 * np.cumprod(1 + rng.normal(0, 0.01, len(nav))), index=nav.index) for _ in range(2))
    chosen = {"spy": spy, "equal_weight": equal, "draws": 100, **options}
    return performance(nav, rng=np.random.default_rng(0), **chosen)


def daily_nav() -> pd.Series:
    days = sessions_between("2019-01-02", "2021-12-31")
    return pd.Series(100 * np.cumprod(1 + np.random.default_rng(0).normal(0.0005, 0.01, len(days))), index=days)


def test_d20_daily_sharpe_uses_252_and_weekly_52():
    returns = daily_nav().pct_change().dropna().to_numpy()
    by_hand = returns.mean() / returns.std(ddof=1)
    assert sharpe_ratio(returns) == pytest.approx(by_hand * np.sqrt(252))
    assert sharpe_ratio(returns, per_year=52) == pytest.approx(by_hand * np.sqrt(52))
    assert table(daily_nav())["Sharpe ratio"].book.value == pytest.approx(by_hand * np.sqrt(252))


def test_d20_a_book_valued_weekly_is_refused():
    nav = daily_nav()
    with pytest.raises(InputError, match="must be valued at every session"):
        table(nav[nav.index.isin(week_ends(pd.DatetimeIndex(nav.index)))])


def test_d23_sortino_counts_every_period():
    # One loss of 10 % among ten periods: the root mean square shortfall is .1 / √10, not .1, and not zero spread.
    returns = np.array([0.02] * 9 + [-0.1])
    assert sortino_ratio(returns) == pytest.approx(0.008 * 252 / (0.1 / np.sqrt(10) * np.sqrt(252)))


def test_d23_drawdown_counts_from_the_starting_value():
    # A book that only falls has lost 19 % from its start, not 10 % from its first close.
    assert maximum_drawdown(np.array([-0.1, -0.1])) == pytest.approx(-0.19)
    assert maximum_drawdown(np.array([-0.1, 0.5])) == pytest.approx(-0.1)


def test_d27_no_figure_without_benchmark_and_interval():
    figures = table(daily_nav(), trials=5, variance_of_trials=0.001).table()
    own = {"Alpha a year", "Beta", "Tracking error", "Information ratio"}  # of the book against SPY
    for measure, row in figures[figures["unit"] != "probability"].iterrows():
        titles = [title for title in COLUMNS.values() if title != "SPY" or measure not in own]
        for title in titles:
            assert np.isfinite(row[[title, f"{title} low", f"{title} high"]].astype(float)).all(), (measure, title)


def test_d27_performance_cannot_be_asked_for_without_a_benchmark():
    with pytest.raises(TypeError, match="spy"):
        performance(daily_nav(), rng=np.random.default_rng(0))
