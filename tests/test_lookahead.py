"""Nothing after t changes what the library says at t: features, predictions, signals, order book, simulated NAV."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.performance import equal_weight
from alphalib.backtest.simulate import Backtest, simulate
from alphalib.contracts import OrderBook
from alphalib.decision import History, Portfolio, history
from alphalib.execute.plan import Inputs, planned
from alphalib.features import feature_panels
from alphalib.labels import sector_relative_return
from alphalib.market import Market, Panel
from alphalib.models.predictions import percentile, predictions, veto
from alphalib.models.splits import PurgedWalkForward
from alphalib.models.trees import RankedTrees
from alphalib.models.walkforward import WalkForward, final_model, walk_forward
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signal_history, signals
from alphalib.scores import SignalPanels
from alphalib.sources.sample import simulate_market, write_sample
from alphalib.sources.stored import read_market
from alphalib.store import Store
from tests.corruption import CORRUPTIONS, corrupted

WORLD = simulate_market(names=40, sessions=600)
HORIZON = 5
SPLITS = PurgedWalkForward(horizon=HORIZON, min_train=252, test=63)
TREES = RankedTrees(n_estimators=10, min_child_samples=200, n_jobs=1)
WEIGHTS, RESEARCH = ScoringWeights(), ResearchParams(min_avg_volume=1.0)
RULES, VETO = ExecutorParams(), PredictorParams()

MONTH_ENDS = pd.Series(WORLD.sessions).groupby(WORLD.sessions.to_period("M")).last()
CUTS = [
    *MONTH_ENDS[MONTH_ENDS.between("2017-05-01", "2018-04-30")].iloc[::4],
    *WORLD.sessions[[389, 454, 516, 575]],
]
"""Month ends, and days just after a model was fitted, when a label that reaches too far would show."""


@dataclass(frozen=True, eq=False)
class Run:
    """Everything the pipeline makes of a market, in whole panels."""

    features: dict[str, Panel]
    label: Panel
    walk: WalkForward
    places: Panel
    signals: SignalPanels
    history: History
    backtest: Backtest
    equal_weight: pd.Series

    def known_at(self, day: pd.Timestamp) -> dict[str, bytes]:
        """Every value up to a session, as bytes; labels up to the last that has ended by then."""
        t = self.history.sessions.get_loc(day)
        panels = {f"feature {name}": panel for name, panel in self.features.items()}
        panels |= {"predictions": self.walk.predictions, "raw": self.walk.raw, "percentiles": self.places}
        panels |= {name: getattr(self.signals, name) for name in SignalPanels.__dataclass_fields__}
        panels |= {"simulated NAV": self.backtest.nav, "cash": self.backtest.cash, "equal weight": self.equal_weight}
        known = {name: panel.loc[:day].to_numpy().tobytes() for name, panel in panels.items()}
        orders = self.backtest.orders
        return known | {
            "labels": self.label.iloc[: t - HORIZON].to_numpy().tobytes(),
            "history": self.history.names[: t + 1].tobytes(),
            "orders": orders[orders["date"] <= day].to_csv().encode(),
        }


def run(market: Market) -> Run:
    features, label = feature_panels(market), sector_relative_return(market, horizon=HORIZON)
    walk = walk_forward(features, label, market.member, SPLITS, TREES)
    places = percentile(walk.predictions)
    weekly = signal_history(market, WEIGHTS, RESEARCH)
    past = history(market, weekly, percentile=places, veto=veto(places, VETO), params=RULES)
    backtest = simulate(past, RULES)
    return Run(features, label, walk, places, weekly, past, backtest, equal_weight(market))


@cache
def clean() -> Run:
    return run(WORLD.market())


def morning_after(market: Market, alpha: pd.Series) -> tuple[str, OrderBook]:
    """What the last close of a market leads to: the model's text, and the order book of a book that holds cash."""
    features, label = feature_panels(market), sector_relative_return(market, horizon=HORIZON)
    final = final_model(features, label, market.member, TREES, horizon=HORIZON)
    week = signals(market, previous=None, weights=WEIGHTS, params=RESEARCH)
    expected = predictions(market.last, alpha.dropna(), VETO, model_version="v1")
    inputs = Inputs(signals=week, predictions=expected, portfolio=Portfolio.of_cash(1e6), read={})
    return final.estimator.to_text(), planned(market, inputs, RULES)[1]


def test_the_dates_are_fit_to_catch_something():
    whole = clean()
    fitted = whole.history.sessions.get_indexer(whole.walk.folds["test_first"])
    assert any(0 <= whole.history.sessions.get_loc(day) - first < HORIZON for day in CUTS for first in fitted)
    assert all(whole.places.loc[day].notna().any() for day in CUTS)
    assert (whole.signals.signal.loc[CUTS[0] :] == 2).to_numpy().any()
    assert len(whole.backtest.trades) > 30


@pytest.mark.slow
@pytest.mark.parametrize("how", CORRUPTIONS)
@pytest.mark.parametrize("day", CUTS, ids=lambda day: f"{day:%Y-%m-%d}")
def test_what_is_known_at_t_ignores_a_nonsensical_future(day, how):
    market = WORLD.market()
    spoilt = run(corrupted(market, market.sessions.get_loc(day), how)).known_at(day)
    assert [name for name, value in clean().known_at(day).items() if value != spoilt[name]] == []


@pytest.mark.parametrize("how", CORRUPTIONS)
@pytest.mark.parametrize("day", CUTS[::3], ids=lambda day: f"{day:%Y-%m-%d}")
def test_model_and_order_book_at_t_ignore_a_nonsensical_future(day, how):
    market = WORLD.market()
    alpha = clean().walk.predictions.loc[day]
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
    label = sector_relative_return(market, horizon=HORIZON)
    assert label.iloc[-1 - HORIZON :].isna().to_numpy().all()
    whole = clean().label.loc[:day]
    assert np.array_equal(label.iloc[: -1 - HORIZON], whole.iloc[: -1 - HORIZON], equal_nan=True)
