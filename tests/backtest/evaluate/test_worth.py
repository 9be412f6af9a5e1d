from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.evaluate.worth import blocked_worth, exit_worth, trigger_worth, veto_worth
from alphalib.backtest.simulate import simulate
from alphalib.decision import history
from alphalib.decision.strategies import DollarNeutral
from alphalib.errors import InputError
from alphalib.labels import forward_return, sector_relative_return
from alphalib.models.predictions import percentile
from alphalib.params import PredictorParams
from tests.backtest.runs import random_run
from tests.worlds import random_market

RUN = random_run(5, names=20, sessions=300)
BACKTEST = RUN.backtest()


def test_what_a_rule_blocked_is_followed_from_the_session_after_against_spy():
    table = blocked_worth(BACKTEST, RUN.market, rng=np.random.default_rng(0), draws=50)
    spy = RUN.market.benchmarks["SPY"]
    after = forward_return(RUN.market, horizon=5)
    outcomes = [
        after.loc[row.date, row.ticker] - (spy.shift(-6)[row.date] / spy.shift(-1)[row.date] - 1)
        for row in BACKTEST.blocked[BACKTEST.blocked["rule"] == "min_score"].itertuples()
    ]
    assert table.loc["min_score", "events"] == np.isfinite(outcomes).sum()
    assert table.loc["min_score", "mean"] == pytest.approx(np.nanmean(outcomes))
    assert table.index[0] == "entered"


def test_a_sale_is_followed_from_the_close_of_its_session():
    table = exit_worth(BACKTEST, RUN.market, rng=np.random.default_rng(0), draws=50)
    market, spy = RUN.market, RUN.market.benchmarks["SPY"]
    sales = BACKTEST.trades[(BACKTEST.trades["side"] == "sell") & (BACKTEST.trades["reason"] == "research_exit")]
    outcomes = []
    for sale in sales.itertuples():
        row = market.sessions.get_loc(sale.date)
        if row + 5 < len(market.sessions) and market.tradable.loc[sale.date, sale.ticker]:
            wealth = market.wealth[sale.ticker]
            name = wealth.iloc[row + 5] / wealth.iloc[row]
            outcomes.append(name - spy.iloc[row + 5] / spy.iloc[row])
    assert table.loc["research_exit", "mean"] == pytest.approx(np.mean(outcomes))
    assert table.loc["research_exit", "realised"] == pytest.approx(sales["realised"].mean())


def test_a_book_that_did_nothing_has_no_exits():
    idle = replace(RUN, params=RUN.params.model_copy(update={"sizing_rule": "kelly", "kelly_win_rate": 0.1})).backtest()
    assert idle.trades.empty
    assert len(exit_worth(idle, RUN.market, rng=np.random.default_rng(0), draws=10)) == 0
    assert blocked_worth(idle, RUN.market, rng=np.random.default_rng(0), draws=10).loc["entered", "events"] == 0


def test_a_short_sale_is_no_exit_and_a_cover_no_entry():
    places = pd.DataFrame(
        np.random.default_rng(1).random(RUN.market.close.shape), index=RUN.market.sessions, columns=RUN.market.tickers
    )
    known = history(RUN.market, RUN.signals, percentile=places, params=RUN.params)
    book = simulate(known, DollarNeutral(tail=0.3))
    assert {"short", "cover"} <= set(book.trades["reason"])
    exits = exit_worth(book, RUN.market, rng=np.random.default_rng(0), draws=10)
    assert set(exits.index) == {"dropped", "rebalance"}
    entered = blocked_worth(book, RUN.market, rng=np.random.default_rng(0), draws=10).loc["entered", "events"]
    assert 0 < entered <= (book.orders["reason"] == "entry").sum()


def test_vetoes_that_know_are_told_from_vetoes_that_do_not():
    market = random_market(seed=4, names=60, sessions=400)
    rng, params = np.random.default_rng(0), PredictorParams()
    label = sector_relative_return(market, horizon=5)
    noise = pd.DataFrame(rng.random(label.shape), index=label.index, columns=label.columns)
    known = percentile(label.rank(axis=1, pct=True) + 2 * noise)
    blind = percentile(noise)
    right = veto_worth(known, market, params, rng=rng, draws=200)
    wrong = veto_worth(blind, market, params, rng=rng, draws=200)
    assert (right["q"] < 0.001).all()
    assert right["precision"].iloc[-1] > right["precision"].iloc[0]
    assert (wrong["q"] > 0.01).all()
    assert (right["events"].diff().dropna() < 0).all()


def test_a_veto_without_an_outcome_is_refused():
    market = random_market(names=20, sessions=60)
    with pytest.raises(InputError, match="no prediction with a known outcome"):
        veto_worth(market.close * np.nan, market, PredictorParams(), rng=np.random.default_rng(0))


def test_a_trigger_is_judged_by_its_price_before_slippage():
    opens = pd.DataFrame({"A": [100.0, 100.0]}, index=pd.DatetimeIndex(["2024-03-07", "2024-03-08"]))
    trades = pd.DataFrame(
        {
            "date": opens.index,
            "ticker": "A",
            "side": "buy",
            "shares": 10,
            "price": [98.1, 101.1],
            "slippage": [1.0, 1.0],  # .10 a share: 98.0 and 101.0 before it
            "trigger": ["pullback", "expiry"],
        }
    )
    table = trigger_worth(trades, opens)
    assert table["mean_bps"].to_dict() == pytest.approx({"expiry": 100.0, "pullback": -200.0})


def test_fills_of_one_date_are_one_observation_of_a_trigger():
    days = pd.DatetimeIndex(["2024-03-07", "2024-03-07", "2024-03-08", "2024-03-11"])
    opens = pd.DataFrame(100.0, index=days.unique(), columns=["A", "B"])
    trades = pd.DataFrame(
        {
            "date": days,
            "ticker": ["A", "B", "A", "A"],
            "side": "buy",
            "shares": 10,
            "price": [99.0, 99.0, 101.0, 101.0],
            "slippage": 0.0,
            "trigger": ["vwap", "vwap", "vwap", "expiry"],
        }
    )
    table = trigger_worth(trades, opens)
    # Mean −100/3; by date −400/3 and +400/3; √(2 · (400/3)² · 2/1) / 3 = 800/9, and t(1) at 97.5 % is 12.7062.
    assert table.loc["vwap", ["fills", "dates", "mean_bps"]].tolist() == pytest.approx([3, 2, -100 / 3])
    assert table.loc["vwap", "high"] == pytest.approx(-100 / 3 + 12.7062 * 800 / 9, rel=1e-4)
    assert table.loc["expiry", ["low", "high"]].isna().all()
    assert trigger_worth(trades.iloc[:0], opens).empty


def test_without_spy_nothing_is_judged():
    market = replace(RUN.market, benchmarks=RUN.market.benchmarks.drop(columns="SPY"))
    with pytest.raises(InputError, match="measured against SPY"):
        blocked_worth(BACKTEST, market, rng=np.random.default_rng(0))
