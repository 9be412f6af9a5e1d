"""The morning's plan is what the backtest does: same state, same date, through the artefacts on the bus."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.simulate import simulate
from alphalib.decision import Portfolio, decide, history
from alphalib.decision.portfolio import Position
from alphalib.errors import ContractError
from alphalib.execute.plan import planned, read_inputs, read_portfolio
from alphalib.models.predictions import percentile, predictions, veto
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signal_history, signals
from alphalib.sessions import week_ends
from alphalib.sources.sample import simulate_market, write_sample
from alphalib.sources.stored import read_market
from alphalib.store import Store

WEIGHTS, RESEARCH, VETO = ScoringWeights(), ResearchParams(min_avg_volume=1.0), PredictorParams()
# Never halted, so that the drawdown's memory need not be known from outside.
RULES = ExecutorParams(drawdown_tiers=())
ROWS = [264, 311, 399, 454, 487]  # sessions with purchases, sales, vetoes and names that rest


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    bus = Store(tmp_path_factory.mktemp("bus"))
    write_sample(bus, simulate_market(names=40, sessions=500))
    return bus


@pytest.fixture(scope="module")
def world(store):
    """The market, alphas at random, and the backtest on them."""
    market = read_market(store)
    rng = np.random.default_rng(3)
    noise = pd.DataFrame(rng.normal(size=market.close.shape), index=market.sessions, columns=market.tickers)
    alpha = noise.where(market.member)
    places = percentile(alpha)
    weekly = signal_history(market, WEIGHTS, RESEARCH)
    past = history(market, weekly, percentile=places, veto=veto(places, VETO), params=RULES)
    return market, alpha, past, simulate(past, RULES)


def portfolio_at(backtest, market, day) -> Portfolio:
    """What the backtest holds at the close of a session, told from its fills and payments alone."""
    trades = backtest.trades[backtest.trades["date"] <= day]
    positions = []
    for ticker, fills in trades.groupby("ticker"):
        fills = fills[fills["entry_date"] == fills["entry_date"].iloc[-1]]
        entry = fills["entry_date"].iloc[-1]
        splits = market.split_factor[ticker].loc[entry:day]
        assert splits.iloc[0] == splits.iloc[-1], "the fills of this world need no split"
        shares = int(np.where(fills["side"] == "buy", fills["shares"], -fills["shares"]).sum())
        if shares:
            cost = fills["price"].iloc[0]
            high = max(cost, market.high[ticker].loc[entry:day].max())
            done = set(fills["reason"])
            positions.append(Position(ticker, shares, cost, entry, high, "profit_take" in done, "time_reduce" in done))
    resting = trades[trades["reason"].isin(["stop", "loss_floor", "gap_exit"])].groupby("ticker")["date"].max()
    return Portfolio(
        cash=float(backtest.cash[day]),
        nav_peak=float(backtest.nav.loc[:day].max()),
        positions=tuple(positions),
        nav_before=float(backtest.nav.loc[:day].iloc[-2]),
        stopped=tuple(resting.items()),
    )


@pytest.mark.parametrize("row", ROWS)
def test_the_order_book_is_the_backtests_own_decision(store, world, row):
    market, alpha, past, backtest = world
    day = market.sessions[row]
    known = read_market(store, asof=day)
    monday = week_ends(market.sessions[: row + 1])[-1]
    before = week_ends(market.sessions[market.sessions < monday])
    week = None
    for end in [*before[-1:], monday]:
        week = signals(read_market(store, asof=end), previous=week, weights=WEIGHTS, params=RESEARCH)
    store.write(week.at(), week)
    expected = predictions(day, alpha.loc[day].dropna(), VETO, model_version="v1")
    store.write(expected.at(), expected)
    portfolio = portfolio_at(backtest, market, day)
    file = portfolio.to_file(day, nav=float(backtest.nav[day]))
    store.write(file.at(), file)

    decision, book, _ = planned(known, read_inputs(store, asof=day, cash=1.0), RULES)

    assert portfolio.positions
    assert decision.hash == decide(portfolio, past.day(day), RULES).hash == book.decision_hash
    ordered = backtest.orders[backtest.orders["date"] == day]
    blocked = backtest.blocked[backtest.blocked["date"] == day]
    assert len({*ordered["side"], *blocked["rule"]}) > 1, "a date that orders too little to tell"
    bought = ordered[ordered["side"] == "buy"]
    assert [(p.ticker, p.shares) for p in decision.entries] == list(
        zip(bought["ticker"], bought["shares"], strict=True)
    )
    sold = ordered[ordered["side"] == "sell"]
    assert [(s.ticker, s.shares, s.rule) for s in decision.exits] == list(
        zip(sold["ticker"], sold["shares"], sold["reason"], strict=True)
    )
    assert [(b.ticker, b.rule) for b in decision.blocked] == list(zip(blocked["ticker"], blocked["rule"], strict=True))
    assert decision.nav == pytest.approx(backtest.nav[day], rel=1e-12)


def test_a_portfolio_of_an_earlier_close_is_not_traded_on(tmp_path):
    bus, file = Store(tmp_path), Portfolio.of_cash(1e6).to_file(pd.Timestamp("2023-12-28"), nav=1e6)
    bus.write(file.at(), file)
    portfolio, paths = read_portfolio(bus, asof=pd.Timestamp("2023-12-28"))
    assert (portfolio, paths) == (Portfolio.of_cash(1e6), [file.at()])
    with pytest.raises(ContractError, match=r"dated 2023-12-28, 1 session\(s\) before 2023-12-29; at most 0 old"):
        read_portfolio(bus, asof=pd.Timestamp("2023-12-29"))
