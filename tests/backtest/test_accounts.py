"""Sleeves lived through together: alone what `simulate` gives, and within the account's caps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.accounts import simulate_account
from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.holdings import holdings, weights
from alphalib.backtest.simulate import simulate
from alphalib.decision import Portfolio, Position, history
from alphalib.decision.strategies import DollarNeutral, TopkDropout
from alphalib.decision.strategies.account import Account, Sleeve, decide_account
from alphalib.errors import InputError
from tests.backtest.runs import random_run

TOP = TopkDropout(topk=4, n_drop=2, hold_sessions=2, rebalance_sessions=2, max_position_pct=0.3)
NEUTRAL = DollarNeutral(tail=0.3, rebalance_sessions=3, max_position_pct=0.2)
LOOSE = {"max_position_pct": 1.0, "max_sector_pct": 4.0, "max_equity_pct": 4.0}


def world(seed):
    run = random_run(seed, names=12, sessions=120)
    return run, history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=run.params)


def account_of(params, **caps):
    kinds = {"rules": params, "top": TOP, "neutral": NEUTRAL}
    return Account(sleeves={name: Sleeve(allocation=0.3, params=kind) for name, kind in kinds.items()}, **caps)


@pytest.mark.parametrize("seed", range(3))
def test_without_caps_that_bind_each_sleeve_is_a_book_of_its_own(seed):
    run, known = world(seed)
    result = simulate_account(known, account_of(run.params, **LOOSE), costs=Costs(), cash=1_000_000.0)
    for name, params in {"rules": run.params, "top": TOP, "neutral": NEUTRAL}.items():
        assert result.sleeves[name].hash == simulate(known, params, costs=Costs(), cash=300_000.0).hash
    assert result.aside == pytest.approx(100_000)
    assert result.nav.iloc[0] == pytest.approx(1_000_000)
    assert set(result.trades["sleeve"]) <= {"rules", "top", "neutral"}


def test_caps_over_the_sum_hold_when_orders_are_given():
    run, known = world(4)
    account = account_of(run.params, max_position_pct=0.08, max_equity_pct=0.6)
    capped, free = (simulate_account(known, a) for a in (account, account_of(run.params, **LOOSE)))
    # What is held may drift above a cap between two orders, but not by the whole difference.
    of = [
        {name: weights(book, run.market).abs().mul(book.nav, axis=0) for name, book in r.sleeves.items()}
        for r in (capped, free)
    ]
    most = [sum(part.sum(axis=1) for part in parts.values()).max() / 900_000 for parts in of]
    assert most[0] < 0.7 < most[1]
    reasons = {reason for book in capped.sleeves.values() for reason in book.orders["bound_by"]}
    assert {"position_cap", "equity_cap"} <= reasons


def test_the_first_day_is_decided_as_decide_account_decides():
    run, known = world(5)
    account = account_of(run.params, max_position_pct=0.05, max_equity_pct=0.3)
    result = simulate_account(known, account, cash=1_000_000.0)
    first = next(
        row
        for row, day in enumerate(known.sessions)
        if any((b.orders["date"] == day).any() for b in result.sleeves.values())
    )
    books = {name: Portfolio.of_cash(300_000.0) for name in account.sleeves}
    decision = decide_account(books, known.day(first), account)
    for name, part in decision.decisions.items():
        orders = result.sleeves[name].orders
        orders = orders[orders["date"] == known.sessions[first]]
        assert orders["ticker"].tolist() == [entry.ticker for entry in part.entries]
        assert orders["shares"].tolist() == [abs(entry.shares) for entry in part.entries]


def sleeve_of(memory, book, known, market, row, days):
    """The sleeve's portfolio at a close, told from its fills; `days` are its positions, carried from close to close."""
    date, held = known.sessions[row], holdings(book, market).iloc[row]
    bars = pd.DataFrame(known.bars[row], index=known.tickers)
    for ticker, memo in days.items():
        memo["cost"], memo["high"] = (memo[field] / bars.at[ticker, "split"] for field in ("cost", "high"))
    stopped = dict(memory.stopped)
    for fill in book.trades[book.trades["date"] == date].itertuples():
        if fill.reason in ("stop", "loss_floor", "gap_exit"):
            stopped[fill.ticker] = date
        if fill.reason in ("profit_take", "time_reduce"):
            days[fill.ticker][fill.reason] = True
        if fill.reason in ("entry", "short"):
            days.setdefault(fill.ticker, {"cost": fill.price, "high": fill.price, "entry": fill.entry_date})
    positions = []
    for ticker in list(days):
        if held[ticker] == 0:
            del days[ticker]
            continue
        memo = days[ticker]
        memo["high"] = float(np.fmax(memo["high"], bars.at[ticker, "high"]))
        flags = memo.get("profit_take", False), memo.get("time_reduce", False)
        positions.append(Position(ticker, int(held[ticker]), memo["cost"], memo["entry"], memo["high"], *flags))
    cash = float(book.cash.iloc[row])
    return replace(memory, cash=cash, positions=tuple(positions), stopped=tuple(stopped.items()))


def test_the_loop_decides_what_decide_account_decides_day_by_day():
    run, known = world(1)
    params = run.params.model_copy(update={"sizing_rule": "equal", "max_position_pct": 0.2, "target_positions": 4})
    account = account_of(params, max_position_pct=0.07, max_sector_pct=0.2, max_equity_pct=0.5)
    result = simulate_account(known, account)
    memories, days = account.portfolios(1_000_000.0), {name: {} for name in account.sleeves}
    cut = set()
    for row, date in enumerate(known.sessions):
        books = {
            name: sleeve_of(memories[name], book, known, run.market, row, days[name])
            for name, book in result.sleeves.items()
        }
        for name, decision in decide_account(books, known.day(row), account).decisions.items():
            memories[name] = decision.remembered(books[name])
            orders, blocked = (getattr(result.sleeves[name], log) for log in ("orders", "blocked"))
            orders, blocked = orders[orders["date"] == date], blocked[blocked["date"] == date]
            expected = [(sale.ticker, abs(sale.shares), sale.rule, "") for sale in decision.exits]
            expected += [
                (entry.ticker, abs(entry.shares), "entry" if entry.shares > 0 else "short", entry.bound_by)
                for entry in decision.entries
            ]
            columns = ["ticker", "shares", "reason", "bound_by"]
            assert list(orders[columns].itertuples(index=False, name=None)) == expected
            assert list(zip(blocked["ticker"], blocked["rule"], strict=True)) == [
                (refusal.ticker, refusal.rule) for refusal in decision.blocked
            ]
            cut |= {(name, entry.bound_by) for entry in decision.entries}
    assert {("rules", "equity_cap"), ("top", "equity_cap"), ("neutral", "equity_cap")} <= cut


def test_it_shows_itself_and_refuses_nonsense():
    run, known = world(0)
    result = simulate_account(known, account_of(run.params))
    assert list(result.table) == ["neutral", "rules", "top"]
    assert "<table" in result._repr_html_()
    assert f"→ {result.nav.iloc[-1]:,.0f}" in repr(result).splitlines()[0]
    with pytest.raises(InputError, match="cash must be above 0"):
        simulate_account(known, account_of(run.params), cash=-1.0)
