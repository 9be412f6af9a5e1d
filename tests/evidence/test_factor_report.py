"""The factor report: its means, what it may conclude from noise, and what it finds when something is there."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from alphalib.errors import InputError
from alphalib.evidence import factor_report as report
from alphalib.evidence.by_date import correlations, sorted_by_date
from alphalib.evidence.estimate import Estimate
from alphalib.evidence.factor_known import rank_ic_left
from alphalib.evidence.factor_measure import measured, outcomes
from alphalib.evidence.significance import newey_west_error
from alphalib.labels import forward_return
from tests.worlds import random_market


def noise(market, seed, *, persistence=0.0):
    """A factor that knows nothing and remembers itself."""
    shocks = np.random.default_rng(seed).normal(size=market.close.shape)
    return pd.DataFrame(lfilter([1.0], [1.0, -persistence], shocks, axis=0), market.sessions, market.tickers)


def foresight(market, *, horizon=5, noise_level=3.0, seed=3):
    """A factor that knows what comes: the label, as far as it is there, and noise."""
    label = forward_return(market, horizon=horizon)
    return label / label.stack().std() + noise_level * noise(market, seed)


@pytest.fixture(scope="module")
def market():
    return random_market(names=40, sessions=520)


@pytest.fixture(scope="module")
def known(market):
    """Two known factors: one that knows something, one that does not."""
    return {"knows": foresight(market), "idle": noise(market, 8)}


@pytest.fixture(scope="module")
def found(market, known):
    factor = known["knows"] + noise(market, 9)
    rng = np.random.default_rng(0)
    return report.factor_report(factor, market, rng=rng, name="found", known=known.items(), draws=200)


@pytest.mark.slow
def test_a_five_percent_test_of_nothing_rejects_about_five_percent():
    # 600 pairs of an independent factor, with a half-life of a month, and overlapping 5-session returns.
    rng, horizon, sessions, rejected, short = np.random.default_rng(1), 5, 1200, 0, 0
    for _ in range(600):
        factor = lfilter([1.0], [1.0, -0.97], rng.normal(size=(sessions, 20)), axis=0)
        daily = rng.normal(size=(sessions + horizon, 20))
        total = np.cumsum(daily, axis=0)
        _, ics = correlations(sorted_by_date(factor), sorted_by_date(total[horizon:] - total[:-horizon]), minimum=10)
        rejected += report.mean_row(pd.Series(ics), horizon)["p"] < 0.05
        short += abs(ics.mean()) > 1.96 * newey_west_error(ics, lags=horizon)
    # Nominal 5 %, and a standard error of 0.9 %. As many lags as the overlap has would reject every eleventh time.
    assert 0.03 <= rejected / 600 <= 0.08
    assert short / 600 > 0.08


def test_the_report_finds_what_is_there_and_its_interval_excludes_zero(found):
    row = found.horizons.loc[5]
    assert row["low"] > 0.1
    assert row["bootstrap_low"] > 0.1
    assert row["rank_ic"] > row["detectable"]
    assert found.p == row["p"] < 1e-6
    assert found.by_quantile.loc[5, "mean"].is_monotonic_increasing
    assert str(found).startswith(f"found: rank IC {found.rank_ic} over 5 sessions, t = ")


def test_tables_are_means_of_what_is_by_date(found, market):
    by_date = found.by_date
    assert found.horizons.loc[5, "rank_ic"] == by_date.rank_ic[5].mean()
    assert found.horizons.loc[5, "icir"] == by_date.rank_ic[5].mean() / by_date.rank_ic[5].std()
    assert found.horizons.loc[10, "ic"] == by_date.ic[10].mean()
    of_2019 = by_date.rank_ic[5][by_date.rank_ic.index.year == 2019]
    assert found.years.loc[2019, "rank_ic"] == of_2019.mean()
    assert found.years["sessions"].sum() == by_date.rank_ic[5].notna().sum()
    assert found.sectors.loc["all", "rank_ic"] == by_date.rank_ic[5].mean()
    assert found.sectors.loc["all", "names"] == pytest.approx(
        by_date.factor.count[by_date.rank_ic[5].notna()].mean(), abs=0.1
    )
    assert set(found.sectors.index[:-2]) == {"Communication Services", "Consumer Discretionary", "Consumer Staples"}
    assert found.persistence.loc[1, 5] == by_date.turnover(1)[5].mean()


def test_the_bootstrap_knows_that_holdings_overlap(market):
    factor = noise(market, 11, persistence=0.98)
    table = report.factor_report(factor, market, rng=np.random.default_rng(0), draws=300).horizons
    width = (table["bootstrap_high"] - table["bootstrap_low"]) / (table["high"] - table["low"])
    # Blocks of single sessions would make them a third as wide at 10 sessions.
    assert width[[1, 5, 10]].between(0.7, 1.4).all()


def test_costs_by_hand(found):
    row = found.horizons.loc[5]
    turned = found.by_date.turnover(5)
    turnover = (turned[1].mean() + turned[5].mean()) / 2
    # Half the book is long and half short: of each half a share `turnover` is sold and bought again, 6 bps each way.
    assert row["cost"] == pytest.approx(2 * turnover * 0.0006)
    assert row["net"] == pytest.approx(found.by_date.spread(5).mean() - row["cost"])
    assert row["net_annual"] == pytest.approx(row["net"] * 252 / 5)
    # At the break-even cost nothing is left.
    assert row["spread"] == pytest.approx(2 * turnover * row["break_even_bps"] / 1e4)


def test_a_factor_that_is_wrong_on_purpose_earns_the_same_the_other_way(market):
    rng = np.random.default_rng
    one = report.factor_report(foresight(market), market, rng=rng(0), draws=20).horizons.loc[5]
    other = report.factor_report(-foresight(market), market, rng=rng(0), draws=20).horizons.loc[5]
    assert other["rank_ic"] == pytest.approx(-one["rank_ic"])
    assert other["spread"] < 0 < other["net"]
    assert other["net"] == pytest.approx(one["net"], rel=0.02)
    assert other["net_low"] < other["net"] < other["net_high"]


def test_foresight_fades_with_its_age(found):
    # The label of t shares 5 − k of its sessions with what a factor k sessions old knew.
    ages = found.decay["rank_ic"]
    assert ages[0] > ages[1] > ages[2] > abs(ages[5])
    assert 2 < found.half_life < 5


def test_a_half_life_alone_is_that_of_the_whole_decay(found, market):
    after = outcomes(market, horizons=[5])
    assert report.half_life(found.by_date, after, horizon=5) == pytest.approx(found.half_life)
    assert math.isnan(report.half_life(measured(noise(market, 6), after), after, horizon=5))


def test_half_of_a_decay_by_hand():
    decay = pd.DataFrame({"rank_ic": [0.04, 0.03, 0.01], "low": 0.01, "high": 0.07}, index=[0, 5, 10])
    # Half is 0.02, half way from 5 sessions (0.03) to 10 (0.01); with 0.016 instead, 10 of 14 parts of the way.
    assert report.decay_half(decay) == pytest.approx(7.5)
    assert report.decay_half(decay.assign(rank_ic=[0.04, 0.03, 0.016])) == pytest.approx(5 + 5 * 10 / 14)
    assert report.decay_half(decay.iloc[:2]) == math.inf
    assert math.isnan(report.decay_half(decay.assign(low=-0.01)))
    assert report.decay_half(decay * -1) == pytest.approx(7.5)


def test_the_nearest_known_factor_leaves_only_what_is_new(found, known, market):
    assert found.nearest == "knows"
    assert found.known["correlation"].tolist() == pytest.approx([0.95, 0.0], abs=0.06)
    # 40 names' ranks do not tell all of their values, so that a twentieth of the rank IC may stay.
    assert abs(found.left.value) < 0.1 * found.rank_ic.value


def test_what_is_left_of_a_copy_is_nothing(market, known):
    after = outcomes(market, horizons=[5])
    result = measured(known["knows"], after)
    copy = sorted_by_date(np.exp(known["knows"] / 10), after.member)
    assert not math.isfinite(rank_ic_left(result, copy, after, horizon=5).value)


def test_what_is_left_beside_an_idle_factor_is_everything(market, known):
    after = outcomes(market, horizons=[5])
    result = measured(known["knows"], after)
    left = rank_ic_left(result, sorted_by_date(known["idle"], after.member), after, horizon=5)
    assert left.value == pytest.approx(result.rank_ic[5].mean(), abs=0.02)


def test_within_sectors_a_bet_on_sectors_knows_nothing(market):
    label = forward_return(market, horizon=5)
    by_sector = label.T.groupby(market.sector.iloc[0].to_numpy()).transform("mean").T
    factor = by_sector * 100 + 1e-3 * noise(market, 4)
    table = report.factor_report(factor, market, rng=np.random.default_rng(0), draws=20).sectors
    assert table.loc["all", "low"] > 0.1
    assert abs(table.loc["within sectors", "rank_ic"]) < 0.03
    assert table.loc["within sectors", "names"] == pytest.approx(40, abs=1)


def test_a_factor_of_nothing_says_so(market):
    empty = noise(market, 1) * np.nan
    with pytest.raises(InputError, match="mine has no session with 10 members that have a value and a return over 5"):
        report.factor_report(empty, market, rng=np.random.default_rng(0), name="mine")


def test_options_are_checked(market):
    with pytest.raises(InputError, match="cost_bps must not be negative, got -1"):
        report.factor_report(noise(market, 1), market, rng=np.random.default_rng(0), cost_bps=-1)
    with pytest.raises(InputError, match="other must have the sessions and tickers of the market"):
        report.factor_report(
            noise(market, 1), market, rng=np.random.default_rng(0), known=[("other", noise(market, 2).iloc[1:])]
        )


def test_without_known_factors_there_is_no_nearest(market):
    alone = report.factor_report(noise(market, 1), market, rng=np.random.default_rng(0), horizons=[1], draws=20)
    assert alone.nearest is None
    assert isinstance(alone.left, Estimate)
    assert alone.horizons.index.tolist() == [1, 5]
