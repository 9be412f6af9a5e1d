"""What holds for any book on any day of a random world."""

from dataclasses import replace
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.decision import Portfolio, Position, decide, history
from alphalib.scores import RegimeCode, SignalCode
from tests.backtest.runs import random_run

RUNS, SESSIONS = 6, 160
SLACK = 1e-6  # [currency], of a NAV near a million


@cache
def world(number):
    run = random_run(100 + number, names=14, sessions=SESSIONS)
    return run.params, history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=run.params)


def random_portfolio(day, rng):
    """Some of the names that have a price, at costs around it, some with reductions behind them."""
    priced = np.flatnonzero(day.names["mark"] > 0)
    chosen = sorted(rng.choice(priced, size=int(rng.integers(len(priced) + 1)), replace=False))
    return Portfolio(
        cash=float(rng.choice([0.0, 3_000.0, 200_000.0])),
        nav_peak=float(rng.choice([1.0, 300_000.0, 500_000.0])),
        positions=tuple(
            Position(
                ticker=str(day.tickers[place]),
                shares=int(rng.integers(1, 2_000)),
                cost=float(day.names["mark"][place] * rng.uniform(0.7, 1.2)),
                entry_date=day.date,
                high_water=float(day.names["mark"][place] * rng.uniform(1.0, 1.2)),
                profit_taken=bool(rng.random() < 0.5),
                time_reduced=bool(rng.random() < 0.5),
            )
            for place in chosen
        ),
        halted=int(rng.choice([0, 0, 0, 5])),
        tiers_fired=int(rng.integers(4)),
        under_tier=int(rng.choice([0, 4, 5, 63])),
        killed=bool(rng.random() < 0.05),
        nav_before=float(rng.choice([1.0, 1_000_000.0])) if rng.random() < 0.9 else None,
        stopped=tuple((str(ticker), day.date) for ticker in rng.choice(day.tickers, 2, replace=False)),
    )


situations = st.builds(
    lambda number, row, seed: (*world(number), row, seed),
    st.integers(0, RUNS - 1),
    st.integers(0, SESSIONS - 1),
    st.integers(0, 2**32 - 1),
)


def decided(situation):
    params, known, row, seed = situation
    day = known.day(row)
    portfolio = random_portfolio(day, np.random.default_rng(seed))
    return params, day, portfolio, decide(portfolio, day, params)


@given(situations)
@settings(max_examples=300, deadline=None)
def test_every_cap_holds_after_the_batch(situation):
    params, day, portfolio, decision = decided(situation)
    names = day.table
    value = {p.ticker: p.shares * names["mark"][p.ticker] for p in portfolio.positions}
    bought = {e.ticker: e.shares * names["close"][e.ticker] for e in decision.entries}
    bear = day.moment.regime == RegimeCode.BEAR
    cap = min(params.max_position_pct, params.bear_max_position_pct if bear else 1.0)
    assert decision.nav > 0 or not bought
    assert all(spent <= cap * decision.nav + SLACK for spent in bought.values())
    assert sum(bought.values()) <= portfolio.cash + SLACK
    assert all(not spent > params.max_adv_pct * names["adv"][ticker] + SLACK for ticker, spent in bought.items())
    assert len(value) + len(bought) <= max(params.max_positions, len(value))
    drift = sum(value.values())
    assert drift + sum(bought.values()) <= max(params.max_equity_pct * decision.nav, drift) + SLACK
    for sector in set(names["sector"]):
        before = sum(worth for ticker, worth in value.items() if names["sector"][ticker] == sector)
        after = before + sum(spent for ticker, spent in bought.items() if names["sector"][ticker] == sector)
        assert after <= max(params.max_sector_pct * decision.nav, before) + SLACK


@given(situations)
@settings(max_examples=300, deadline=None)
def test_nothing_is_sold_that_is_not_held_and_nothing_held_is_bought(situation):
    _, _, portfolio, decision = decided(situation)
    shares = {p.ticker: p.shares for p in portfolio.positions}
    assert all(0 < sale.shares <= shares[sale.ticker] for sale in decision.exits)
    assert not {entry.ticker for entry in decision.entries} & set(shares)
    whole = {sale.ticker for sale in decision.exits if sale.shares == shares[sale.ticker]}
    assert {ticker for ticker, _ in decision.stops} == set(shares) - whole


@given(situations)
@settings(max_examples=200, deadline=None)
def test_nothing_ever_blocks_an_exit(situation):
    params, day, portfolio, decision = decided(situation)
    calls = {str(t) for t, name in zip(day.tickers, day.names, strict=True) if name["signal"] == SignalCode.EXIT}
    sold = {sale.ticker for sale in decision.exits if sale.rule == "research_exit"}
    assert sold == calls & {position.ticker for position in portfolio.positions}
    closed = {"min_score": 100.0, "max_equity_pct": 0.1, "min_order": 1e9, "max_positions": 1, "daily_loss_limit": 1e-9}
    assert decide(portfolio, day, params.model_copy(update=closed)).exits == decision.exits
    assert decide(replace(portfolio, killed=True, nav_before=1e12), day, params).exits == decision.exits


@given(situations)
@settings(max_examples=200, deadline=None)
def test_nothing_is_entered_by_a_closed_book_or_bought_back_at_once(situation):
    params, _, portfolio, decision = decided(situation)
    lost = portfolio.nav_before and decision.nav / portfolio.nav_before - 1 <= -params.daily_loss_limit
    if portfolio.killed or decision.halted or lost:
        assert not decision.entries
    if params.cooldown_sessions > 0:
        assert not {entry.ticker for entry in decision.entries} & {ticker for ticker, _ in portfolio.stopped}


@given(situations)
@settings(max_examples=200, deadline=None)
def test_every_name_to_enter_is_entered_or_blocked_once(situation):
    _, day, portfolio, decision = decided(situation)
    wanted = {str(t) for t, name in zip(day.tickers, day.names, strict=True) if name["signal"] == SignalCode.ENTER}
    answered = [entry.ticker for entry in decision.entries] + [refusal.ticker for refusal in decision.blocked]
    assert decision.nav == 0 or sorted(answered) == sorted(
        wanted - {position.ticker for position in portfolio.positions}
    )


@given(situations)
@settings(max_examples=100, deadline=None)
def test_the_order_of_positions_does_not_matter(situation):
    params, day, portfolio, decision = decided(situation)
    turned = replace(portfolio, positions=portfolio.positions[::-1], stopped=portfolio.stopped[::-1])
    assert decide(turned, day, params).hash == decision.hash == decide(portfolio, day, params).hash
