"""What the strategies of the systems before this one got wrong."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.simulate import simulate
from alphalib.decision import decide, history
from alphalib.decision.strategies import TopkDropout
from tests.backtest.runs import random_signals
from tests.decision.days import PARAMS, day_of_names, portfolio
from tests.worlds import random_market

BOOK = TopkDropout(
    topk=5, n_drop=1, hold_sessions=0, rebalance_sessions=1, max_position_pct=1, max_sector_pct=4, drawdown_tiers=()
)


def test_d26_ties_at_the_last_place_do_not_let_more_names_in():
    day = day_of_names(*({"percentile": 0.5} for _ in range(9)))
    decision = decide(portfolio(cash=100_000.0), day, BOOK)
    assert [entry.ticker for entry in decision.entries] == ["A", "B", "C", "D", "E"]


@pytest.fixture(scope="module")
def known():
    market = random_market(names=24, sessions=120)
    percentile = market.close.rank(axis=1, pct=True)  # drifts, so that names fall behind
    return history(market, random_signals(market, np.random.default_rng(0)), percentile=percentile, params=PARAMS)


def simulated(known, **changes):
    return simulate(known, BOOK.model_copy(update=changes), costs=Costs.none())


def dropped(backtest):
    orders = backtest.orders
    return orders[orders["reason"] == "dropped"]


def test_d26_no_more_than_n_drop_are_replaced_at_a_time(known):
    for n_drop in (1, 3):
        each = dropped(simulated(known, n_drop=n_drop)).groupby("date").size()
        assert each.max() == n_drop
    assert simulated(known).positions.max() == 5


def test_d26_a_name_is_held_for_hold_sessions(known):
    freely, kept = (dropped(simulated(known, hold_sessions=n)) for n in (0, 20))
    assert len(kept) < len(freely)
    trades = simulated(known, hold_sessions=20).trades
    sold = trades[trades["reason"] == "dropped"]
    sessions = pd.Series(range(len(known.sessions)), index=known.sessions)
    held = sessions[sold["date"]].to_numpy() - sessions[sold["entry_date"]].to_numpy()
    assert held.min() == 21  # decided when 20 are held, sold in the next


def test_d26_a_buffer_lowers_the_turnover(known):
    assert len(dropped(simulated(known, buffer=5))) < len(dropped(simulated(known)))
