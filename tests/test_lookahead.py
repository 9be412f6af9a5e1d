"""Nothing after t changes what artefacts say at t: the final model, signals, predictions, the morning's order book.

The certificate proves the same of panels and of the simulation, see tests/proof.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalib.contracts import OrderBook
from alphalib.decision import Portfolio
from alphalib.execute.plan import Inputs, planned
from alphalib.features import feature_panels
from alphalib.labels import sector_relative_return
from alphalib.market import Market
from alphalib.models.predictions import predictions
from alphalib.models.trees import RankedTrees
from alphalib.models.walkforward import final_model
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signals
from alphalib.sources.sample import simulate_market, write_sample
from alphalib.sources.stored import read_market
from alphalib.store import Store
from tests.corruption import CORRUPTIONS, corrupted

WORLD = simulate_market(names=40, sessions=600)
HORIZON = 5
TREES = RankedTrees(n_estimators=10, min_child_samples=200, n_jobs=1)
WEIGHTS, RESEARCH = ScoringWeights(), ResearchParams(min_avg_volume=1.0)
RULES, VETO = ExecutorParams(), PredictorParams()

CUTS = pd.DatetimeIndex(["2017-05-31", "2017-12-29", "2018-02-14"])


def morning_after(market: Market, alpha: pd.Series) -> tuple[str, OrderBook]:
    """What the last close of a market leads to: the model's text, and the order book of a book that holds cash."""
    features, label = feature_panels(market), sector_relative_return(market, horizon=HORIZON)
    final = final_model(features, label, market.member, TREES, horizon=HORIZON)
    week = signals(market, previous=None, weights=WEIGHTS, params=RESEARCH)
    expected = predictions(market.last, alpha.dropna(), VETO, model_version="v1")
    inputs = Inputs(signals=week, predictions=expected, portfolio=Portfolio.of_cash(1e6), read={})
    return final.estimator.to_text(), planned(market, inputs, RULES)[1]


@pytest.mark.parametrize("how", CORRUPTIONS)
@pytest.mark.parametrize("day", CUTS, ids=lambda day: f"{day:%Y-%m-%d}")
def test_model_and_order_book_at_t_ignore_a_nonsensical_future(day, how):
    market = WORLD.market()
    alpha = market.adj_close.pct_change(20, fill_method=None).loc[day]
    spoilt = corrupted(market, market.sessions.get_loc(day), how).asof(day)
    assert morning_after(spoilt, alpha) == morning_after(market.asof(day), alpha)


@pytest.mark.parametrize("sessions", [300, 600])
def test_a_store_that_goes_on_tells_the_same_about_its_past(tmp_path, sessions):
    short, long = (simulate_market(names=40, sessions=count) for count in (sessions, sessions + 60))
    stores = [Store(tmp_path / name) for name in ("short", "long")]
    for store, world in zip(stores, (short, long), strict=True):
        write_sample(store, world)
    last = short.sessions[-1]
    ended, going_on = (read_market(store, asof=last) for store in stores)
    assert going_on.data_hash == ended.data_hash == read_market(stores[0]).data_hash


def test_labels_that_have_not_ended_are_missing():
    day = CUTS[0]
    market = WORLD.market().asof(day)
    label, whole = (sector_relative_return(of, horizon=HORIZON) for of in (market, WORLD.market()))
    assert label.iloc[-1 - HORIZON :].isna().to_numpy().all()
    assert np.array_equal(label.iloc[: -1 - HORIZON], whole.loc[:day].iloc[: -1 - HORIZON], equal_nan=True)
