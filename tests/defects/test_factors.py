"""Seed defects of factors that trade: one evaluator for backtest and live, and it can sell."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.simulate import simulate
from alphalib.decision import Portfolio, decide, history
from alphalib.features.catalog import CATALOG
from alphalib.features.compute import factor, factors
from alphalib.features.language.parser import parse
from alphalib.market import SECTORS, Market, Panel
from alphalib.params import ExecutorParams
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode, SignalPanels
from alphalib.sessions import previous_session
from tests.decision.days import held
from tests.worlds import random_market

MARKET = random_market(seed=9, names=12, sessions=300, missing=0.02)
PARAMS = ExecutorParams()
EXPRESSION = "CSRank($close / Ref(Last($close, 21), 20))"
LIVE = MARKET.sessions[[150, 201, 260]]


def wanted(rank: Panel) -> SignalPanels:
    """Signals of a factor: in from its best third, out below its middle."""
    signal = np.select([rank.isna(), rank > 2 / 3, rank < 0.5], [SignalCode.NONE, SignalCode.ENTER, SignalCode.EXIT], 1)

    def like(value: float) -> Panel:
        return pd.DataFrame(value, index=rank.index, columns=rank.columns)

    return SignalPanels(
        score=100 * rank,
        signal=pd.DataFrame(signal.astype(np.int8), index=rank.index, columns=rank.columns),
        conviction=like(ConvictionCode.STABLE).astype(np.int8),
        upside=like(0.2),
        sector_rating=pd.DataFrame(0, index=rank.index, columns=pd.Index(SECTORS), dtype=np.int8),
        regime=pd.Series(RegimeCode.NEUTRAL, index=rank.index),
        age=pd.Series(0, index=rank.index),
    )


def known(market: Market):
    """What decisions are made from: the factor, evaluated on the market as it is known."""
    return history(market, wanted(factor(EXPRESSION, market)), params=PARAMS)


HISTORY = known(MARKET)
BACKTEST = simulate(HISTORY, PARAMS, cash=1_000_000.0)


@pytest.mark.parametrize("day", LIVE)
def test_d49_a_live_factor_is_the_row_of_its_backtest(day):
    nodes = {name: entry.node for name, entry in CATALOG["technical"].items()} | {"ranked": parse(EXPRESSION)}
    everything = factors(nodes, MARKET)
    live = factors(nodes, MARKET.asof(day))
    latest = factors(nodes, MARKET.asof(day), after=MARKET.sessions[MARKET.sessions.get_loc(day) - 1])
    for name, panel in everything.items():
        row = panel.loc[day].to_numpy()
        assert live[name].iloc[-1].to_numpy().tobytes() == row.tobytes(), name
        assert latest[name].iloc[-1].to_numpy().tobytes() == row.tobytes(), name


def test_d49_a_factor_sells_in_its_backtest():
    sold = BACKTEST.trades.query("side == 'sell'")
    rank = factor(EXPRESSION, MARKET)
    fallen = [rank.loc[: trade.date, trade.ticker].iloc[-2] < 0.5 for trade in sold.itertuples()]
    assert sum(fallen) > 10


@pytest.mark.parametrize("day", LIVE)
def test_d49_a_live_factor_sells_what_it_ranks_last(day):
    live = known(MARKET.asof(day))
    worst = factor(EXPRESSION, MARKET.asof(day)).loc[day].idxmin()
    position = replace(held(worst, cost=float(MARKET.close.loc[day, worst])), entry_date=previous_session(day))
    book = Portfolio(cash=990_000.0, nav_peak=1_000_000.0, positions=(position,))
    decision = decide(book, live.day(len(live.sessions) - 1), PARAMS)
    assert [(order.ticker, order.shares, order.rule) for order in decision.exits] == [(worst, 100, "research_exit")]
    assert decide(book, HISTORY.day(HISTORY.sessions.get_loc(day)), PARAMS) == decision
