from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.evaluate.quality import blocks_for, signal_events, signal_quality
from alphalib.errors import InputError
from alphalib.labels import forward_return
from alphalib.scores import RegimeCode, SignalCode, SignalPanels
from tests.backtest.runs import random_signals
from tests.worlds import random_market

MARKET = random_market(seed=3, names=30, sessions=300)


def weekly(market=MARKET, *, knows: float = 0.0, seed: int = 0) -> SignalPanels:
    """Signals of every fifth session; the score is noise plus `knows` times what comes."""
    rng = np.random.default_rng(seed)
    plain = random_signals(market, rng)
    ahead = forward_return(market, horizon=5).rank(axis=1, pct=True).fillna(0.5)
    score = (100 * (knows * ahead + (1 - knows) * rng.random(market.close.shape))).clip(0, 100)
    enter = np.where(score >= 70, SignalCode.ENTER, SignalCode.HOLD).astype(np.int8)
    age = pd.Series(np.arange(len(market.sessions)) % 5, index=market.sessions)
    return replace(plain, score=score, signal=pd.DataFrame(enter, index=score.index, columns=score.columns), age=age)


def test_an_event_is_measured_at_the_horizon_against_spy():
    signals = weekly()
    events = signal_events(signals, MARKET, horizon=5).set_index(["date", "ticker"])
    date, later = MARKET.sessions[20], MARKET.sessions[26]
    bought = MARKET.sessions[21]
    name, spy = MARKET.wealth["N003"], MARKET.benchmarks["SPY"]
    expected = name[later] / name[bought] - spy[later] / spy[bought]
    assert events.loc[(date, "N003"), "excess"] == pytest.approx(expected, rel=1e-12)


def test_only_dates_on_which_signals_were_made_count():
    events = signal_events(weekly(), MARKET, horizon=5)
    assert set(MARKET.sessions.get_indexer(events["date"]) % 5) == {0}


def test_noise_has_no_lift_and_knowledge_has():
    rng = np.random.default_rng(0)
    noise = signal_quality(weekly(), MARKET, horizons=[5], rng=rng, draws=200).set_index(["of", "group"])
    known = signal_quality(weekly(knows=0.5), MARKET, horizons=[5], rng=rng, draws=200).set_index(["of", "group"])
    assert (noise["q"].dropna() > 0.05).all()
    assert known.loc[("enter", "all"), "q"] < 1e-6
    assert known.loc[("enter", "all"), "hit_rate"] > known.loc[("enter", "all"), "all_names"]
    assert (noise["q"].dropna() >= noise["p"].dropna() - 1e-12).all()


def test_groups_partition_what_they_split():
    table = signal_quality(weekly(), MARKET, horizons=[5], rng=np.random.default_rng(0), draws=50)
    count = table.groupby("of")["events"].sum()
    assert count["regime"] == count["sector"] == count["enter"]
    assert count["score"] == len(signal_events(weekly(), MARKET, horizon=5))
    assert set(table.loc[table["of"] == "regime", "group"]) <= {code.name.lower() for code in RegimeCode}


def test_lift_is_the_hit_rate_less_that_of_all_names_on_the_same_dates():
    signals = weekly()
    events = signal_events(signals, MARKET, horizon=5)
    entered = events[events["signal"] == SignalCode.ENTER]
    others = entered["date"].map(events.groupby("date")["beat"].mean())
    row = signal_quality(signals, MARKET, horizons=[5], rng=np.random.default_rng(0), draws=50).iloc[0]
    assert row["hit_rate"] == pytest.approx(entered["beat"].mean())
    assert row["all_names"] == pytest.approx(others.mean())
    assert row["lift"] == pytest.approx(entered["beat"].mean() - others.mean())


def test_blocks_are_twice_as_long_as_an_outcome():
    # Weekly dates five business days apart: 2 × (1 + 21) / 5 = 8.8, so 9 of them
    assert blocks_for(MARKET.sessions[::5], horizon=21) == 9
    assert blocks_for(MARKET.sessions[:1], horizon=21) == 1


def test_a_market_without_spy_is_refused():
    with pytest.raises(InputError, match="measured against SPY"):
        signal_events(weekly(), replace(MARKET, benchmarks=MARKET.benchmarks.drop(columns="SPY")), horizon=5)
