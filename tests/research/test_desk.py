from dataclasses import fields
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from alphalib.contracts import Signals
from alphalib.errors import ContractError, InputError
from alphalib.market import SECTORS
from alphalib.research.desk import signal_history, signals
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode
from alphalib.sessions import week_ends
from alphalib.store import Store
from tests.research.worlds import PARAMS, WEIGHTS, research_market


@pytest.fixture(scope="module")
def history():
    return signal_history(research_market(), WEIGHTS, PARAMS)


@pytest.fixture(scope="module")
def weekly(history):
    """The desk at work, week after week, from the first that can be scored."""
    market, made = research_market(), []
    weeks = week_ends(market.sessions)
    for day in weeks[history.score.loc[weeks].notna().any(axis=1)]:
        made.append(signals(market.asof(day), previous=made[-1] if made else None, weights=WEIGHTS, params=PARAMS))
    return made


def test_each_week_is_the_row_of_the_history(history, weekly):
    assert len(weekly) > 25
    for made in weekly:
        day = pd.Timestamp(made.date)
        codes = history.signal.loc[day]
        assert {entry.ticker: SignalCode[entry.signal] for entry in made.universe} == dict(codes[codes > 0])
        for entry in made.universe:
            score = history.score.at[day, entry.ticker]
            assert entry.score == score or (entry.score is None and np.isnan(score))
            assert ConvictionCode[entry.conviction.upper()] == history.conviction.at[day, entry.ticker]
        assert RegimeCode[made.market_regime.upper()] == history.regime[day]
        ratings = {"underweight": -1, "market_weight": 0, "overweight": 1}
        said = [ratings[made.sector_ratings[sector].rating] for sector in SECTORS]
        assert said == history.sector_rating.loc[day].tolist()


def test_all_that_can_happen_happens_in_this_market(weekly):
    everything = [entry for made in weekly for entry in made.universe]
    assert {entry.signal for entry in everything} == {"ENTER", "HOLD", "EXIT"}
    assert {entry.rating for entry in everything} == {"BUY", "HOLD", "SELL", "REVIEW"}
    assert {entry.conviction for entry in everything} == {"rising", "stable", "declining"}
    reasons = {change["reason"].split(", ")[-1] for made in weekly for change in made.population_changes}
    assert {"a free place", "left the universe"} <= reasons
    assert any(reason.startswith("replaced by") for reason in reasons)


def test_signals_follow_the_population_and_the_scan(weekly):
    for before, made in pairwise(weekly):
        entries = {entry.ticker: entry for entry in made.universe}
        entering = {name for name, entry in entries.items() if entry.signal == "ENTER"}
        assert entering <= set(made.population) & set(made.buy_candidates)
        left = set(before.population) - set(made.population)
        sold = {name for name, entry in entries.items() if entry.rating == "SELL"}
        assert {name for name, entry in entries.items() if entry.signal == "EXIT"} == left | sold
        assert len(made.population) <= PARAMS.population
        assert len(set(made.population) - set(before.population)) <= PARAMS.max_rotations


def test_the_artefact_says_what_it_is(weekly, tmp_path):
    made = weekly[-1]
    assert made.analyst == "rule-based analyst, no language model"
    assert set(made.absent) == {"qual", "price_target_upside"}
    assert (made.buy_score, made.sell_score) == (PARAMS.buy_score, PARAMS.sell_score)
    assert made.scanner["members"] == made.scanner["passed"] + sum(made.scanner["rejected"].values())
    store = Store(tmp_path)
    store.write(made.at(), made)
    assert store.read(made.at(), Signals) == made


def test_weekly_signals_are_carried_with_their_age(history):
    market = research_market()
    weeks = week_ends(market.sessions)
    friday = weeks[-3]
    at = market.sessions.get_loc(friday)
    assert history.age.iloc[at : at + 6].tolist() == [0, 1, 2, 3, 4, 0]
    for name in ("score", "signal", "conviction", "sector_rating"):
        panel = getattr(history, name)
        pd.testing.assert_series_equal(panel.iloc[at + 4], panel.iloc[at], check_names=False)
    before = market.sessions < weeks[0]
    assert (history.age[before] == -1).all()
    assert (history.signal[before] == SignalCode.NONE).all(axis=None)
    assert history.score[before].isna().all(axis=None)
    assert (history.conviction[before] == ConvictionCode.STABLE).all(axis=None)


def test_shapes_and_types_are_those_of_signal_panels(history):
    market = research_market()
    for field in fields(history):
        value = getattr(history, field.name)
        assert value.index.equals(market.sessions)
        if field.name in ("score", "signal", "conviction", "upside"):
            assert value.columns.equals(market.tickers)
        if field.name in ("signal", "conviction", "sector_rating"):
            assert set(value.dtypes) == {np.dtype(np.int8)}
    assert list(history.sector_rating.columns) == list(SECTORS)
    assert history.regime.dtype == np.int8


def test_a_session_within_the_week_is_scored_against_the_last_week_end(weekly, history):
    market = research_market()
    day = market.sessions[market.sessions.get_loc(pd.Timestamp(weekly[-1].date)) - 3]
    made = signals(market.asof(day), previous=weekly[-2], weights=WEIGHTS, params=PARAMS)
    now = pd.Series({entry.ticker: entry.score for entry in made.universe}, dtype=float)
    change = now - history.score.loc[weekly[-2].date].reindex(now.index)
    declining = {entry.ticker for entry in made.universe if entry.conviction == "declining"}
    assert declining == set(now.index[(change <= -10) | (now < 40)])
    assert (change <= -10).any()


def test_a_first_run_goes_on_where_the_history_is(weekly):
    made = weekly[-1]
    first = signals(research_market().asof(pd.Timestamp(made.date)), previous=None, weights=WEIGHTS, params=PARAMS)
    assert first.population == made.population
    assert [(e.ticker, e.signal) for e in first.universe] == [(e.ticker, e.signal) for e in made.universe]


def test_previous_signals_must_be_earlier(weekly):
    market = research_market()
    made = weekly[-1]
    with pytest.raises(InputError, match=f"must be from before {made.date}, got {made.date}"):
        signals(market.asof(pd.Timestamp(made.date)), previous=made, weights=WEIGHTS, params=PARAMS)


def test_a_market_too_young_to_score_is_refused():
    market = research_market()
    with pytest.raises(ContractError, match="universe is empty: no name was scored"):
        signals(market.asof(market.sessions[100]), previous=None, weights=WEIGHTS, params=PARAMS)
