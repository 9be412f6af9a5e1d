"""What is planted in the embedded market is there, in the stated size, and nothing else is."""

import numpy as np
import pandas as pd
import pytest

from alphalib.sources.sample import simulate_market
from alphalib.sources.sample.alpha import DECOY_DIES
from alphalib.sources.sample.returns import PREMIUM, climate, flow
from alphalib.sources.sample.roster import companies

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world():
    return simulate_market()


@pytest.fixture(scope="module")
def market(world):
    return world.true_market()


@pytest.fixture(scope="module")
def null():
    return simulate_market(alpha=0.0)


@pytest.fixture(scope="module")
def null_market(null):
    return null.true_market()


def labels(market, horizon=5):
    """Return from t+1 to t+1+horizon minus the mean of the sector's other members."""
    forward = (market.wealth.shift(-1 - horizon) / market.wealth.shift(-1) - 1).where(market.member)
    relative = pd.DataFrame(np.nan, index=forward.index, columns=forward.columns)
    for code in range(11):
        own = forward.where(market.sector == code)
        total, count = own.sum(axis=1), own.notna().sum(axis=1)
        others = own.rsub(total, axis=0).div((count - 1).where(count > 1), axis=0)
        relative = relative.where(own.isna(), own - others)
    return relative


def daily_ic(feature, label):
    """Spearman correlation across names, one a session."""
    both = feature.notna() & label.notna()
    centred = [panel.where(both).rank(axis=1) for panel in (feature, label)]
    x, y = (panel.sub(panel.mean(axis=1), axis=0).fillna(0.0).to_numpy() for panel in centred)
    with np.errstate(invalid="ignore"):
        ic = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return pd.Series(ic, index=feature.index).dropna()


def error(series, lags=20):
    """Newey–West standard error of the mean."""
    x = series.to_numpy() - series.mean()
    variance = x @ x + sum(2 * (1 - lag / (lags + 1)) * (x[lag:] @ x[:-lag]) for lag in range(1, lags + 1))
    return np.sqrt(variance) / len(x)


def score(series):
    return series.mean() / error(series)


def features(market):
    """What a plain learner would start from."""
    close, volume = market.adj_close, market.adj_volume
    returns = close.pct_change(fill_method=None)
    return {
        "momentum_5": close / close.shift(5) - 1,
        "momentum_20": close / close.shift(20) - 1,
        "momentum_60": close / close.shift(60) - 1,
        "momentum_252": close.shift(21) / close.shift(252) - 1,
        "reversal_1": -returns,
        "distance_50": close / close.rolling(50).mean() - 1,
        "high_252": close / close.rolling(252).max(),
        "volatility_63": returns.rolling(63).std(),
        "volatility_ratio": returns.rolling(20).std() / returns.rolling(120).std(),
        "volume_ratio": volume.rolling(5).mean() / volume.rolling(60).mean(),
    }


def long_short(signal, returns):
    """Daily returns gross and turnover of a rank-weighted book of gross size 1, held from the next close on."""
    ranks = signal.rank(axis=1)
    centred = ranks.sub(ranks.mean(axis=1), axis=0)
    weights = centred.div(centred.abs().sum(axis=1), axis=0).fillna(0.0)
    gross = (weights.shift(2) * returns).sum(axis=1)
    return gross, (weights - weights.shift(1)).abs().sum(axis=1)


def test_the_oracle_is_as_documented(world, market):
    ic = daily_ic(world.oracle, labels(market))
    assert 0.03 < ic.mean() < 0.06
    assert ic.mean() - 1.96 * error(ic) > 0.03


def test_the_driver_decays_with_the_horizon(world, market):
    near = daily_ic(world.driver, labels(market, 5).where(market.member))
    later = market.wealth.shift(-26) / market.wealth.shift(-21) - 1  # the fifth week alone
    assert near.mean() > 3 * daily_ic(world.driver, later.where(market.member)).mean()


def test_plain_features_reach_a_part_of_the_driver(world, market):
    label = labels(market)
    found = {name: score(daily_ic(feature, label)) for name, feature in features(market).items()}
    assert found["momentum_20"] > 2
    assert found["volume_ratio"] > 2
    learnable = daily_ic(features(market)["momentum_20"], label).mean()
    assert learnable < 0.7 * daily_ic(world.oracle, label).mean()


def test_one_decoy_dies(world, market):
    ic = daily_ic(world.decoys["calm"], labels(market))
    death = world.sessions[DECOY_DIES]
    alive, dead = ic[:death], ic[death:]
    assert score(alive) > 3
    assert alive.mean() > 0.02
    assert score(dead) < 2.5
    assert dead.mean() < alive.mean() / 2


def test_one_decoy_is_eaten_by_costs(world, market):
    returns = market.wealth.pct_change(fill_method=None).where(market.member)
    gross, turnover = long_short(world.decoys["reversal"].where(market.member), returns)
    assert score(gross.iloc[2:]) > 3
    assert (gross - 10e-4 * turnover).mean() < 0


def test_without_alpha_the_draws_are_the_same(world, null):
    pd.testing.assert_frame_equal(null.macro, world.macro, check_exact=True)
    first = [columns for columns in world.driver.columns if columns in null.driver.columns]
    assert len(first) > 150
    common = world.driver[first].notna() & null.driver[first].notna()
    assert (world.driver[first].where(common).fillna(0) == null.driver[first].where(common).fillna(0)).all().all()
    assert (null.oracle.fillna(0.0) == 0.0).all().all()


def test_without_alpha_only_the_drift_is_missing(world, market, null_market):
    names = [name for name in null_market.tickers if name in market.tickers]
    ours, theirs = (m.wealth[names].pct_change(fill_method=None).iloc[1:] for m in (market, null_market))
    drift = (ours - theirs).where(market.tradable[names] & null_market.tradable[names])
    known = (world.oracle[names].shift(1) / 5).iloc[1:]
    assert drift.abs().quantile(0.9).median() < 0.1 * ours.std().median()
    assert drift.corrwith(known).median() > 0.35  # the decoys are in the drift too


def test_without_alpha_nothing_survives_false_discovery_control(null, null_market):
    from scipy.stats import norm

    label = labels(null_market)
    tried = {**features(null_market), "driver": null.driver, **null.decoys}
    p_values = np.sort([2 * norm.sf(abs(score(daily_ic(feature, label)))) for feature in tried.values()])
    limits = 0.10 * np.arange(1, len(p_values) + 1) / len(p_values)  # Benjamini–Hochberg
    assert (p_values > limits).all()


def test_without_alpha_prices_are_martingales_around_the_market(null, null_market):
    recipe = null.recipe
    roster = companies(recipe.seed, sessions=recipe.sessions, names=recipe.names)
    market = climate(recipe.seed, recipe.sessions).market
    wealth = null_market.wealth[null.sectors["ticker"].unique()]  # in the roster's order
    held = wealth.notna().shift(1, fill_value=False) & null_market.listed[wealth.columns].shift(1, fill_value=False)
    shared = PREMIUM + np.outer(market - PREMIUM, roster.beta)
    excess = (wealth.pct_change(fill_method=None) - shared).where(held)
    assert abs(score(excess.mean(axis=1).dropna())) < 2.5
    fallen = (wealth < 0.4 * wealth.cummax()).shift(1, fill_value=False)
    assert abs(score(excess.where(fallen).mean(axis=1).dropna())) < 2.5  # failures paid for by those that recover


def test_the_premium_does_not_grow_with_beta():
    """Else beta orders the names of every date, and a learner is right to find it where there is no alpha."""
    slopes = []
    for seed in (1, 2, 3):
        roster, common = companies(seed, sessions=2012, names=150), climate(seed, 2012)
        returns = flow(seed, roster, common, np.zeros(roster.sector.shape), alpha=0.0).total
        apart = returns - np.outer(common.market - PREMIUM, roster.beta)
        home = np.arange(roster.count) % 11
        mean, beta = (pd.Series(v) - pd.Series(v).groupby(home).transform("mean") for v in (apart.mean(0), roster.beta))
        slopes.append(np.polyfit(beta, mean, 1)[0])
    # Own volatility .017 over a spread of beta of .25 and 3 × 150 × 2012 returns: 7e-5 of noise around 0 or 3.2e-4.
    assert abs(np.mean(slopes)) < PREMIUM / 2


def test_todays_members_looked_at_backwards_are_too_good(market):
    returns = market.wealth.pct_change(fill_method=None)
    by_date = returns.where(market.member.shift(1, fill_value=False)).mean(axis=1).fillna(0.0)
    survivors = returns.loc[:, market.member.iloc[-1]].mean(axis=1).fillna(0.0)
    bias = [np.prod(1 + daily) ** (252 / len(daily)) - 1 for daily in (survivors, by_date)]
    assert 0.01 < bias[0] - bias[1] < 0.05


def test_it_looks_like_a_market(market):
    whole = market.wealth.loc[:, market.listed.all()].pct_change(fill_method=None).iloc[1:]
    correlation = np.corrcoef(whole.to_numpy(), rowvar=False)
    assert 0.2 < correlation[np.triu_indices(len(correlation), 1)].mean() < 0.4
    volatility = whole.std() * 252**0.5
    assert 0.25 < volatility.median() < 0.35
    assert whole.kurt().median() > 3
    spy = market.benchmarks["SPY"].pct_change(fill_method=None)
    assert 0.13 < spy.std() * 252**0.5 < 0.20
    ahead = spy.rolling(21).std().shift(-21)
    assert market.macro["vix"].corr(ahead) > 0.4
    assert market.macro["vix"].between(9, 80).all()


def test_the_spread_of_daily_ics_is_that_of_real_data(market, null_market):
    for each in (market, null_market):
        assert 0.10 < daily_ic(features(each)["momentum_20"], labels(each)).std() < 0.15
