"""What holds for every strategy, on any book and day of a random world; and by hand."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alphalib.decision import Portfolio, Position, decide, history, order_book
from alphalib.decision.strategies import BetaNeutral, DollarNeutral, LongShort, MeanVariance, TopkDropout
from alphalib.errors import InputError
from alphalib.params import DrawdownTier, ExecutorParams
from tests.backtest.runs import random_run
from tests.decision.days import DATE, PARAMS, day_of_names, held, portfolio

SLACK = 1e-6  # [currency]
TIERS = (DrawdownTier(drawdown=-0.1, multiplier=0.5, forced_exits=1), DrawdownTier(drawdown=-0.2, multiplier=0.0))
BOOKS = (
    TopkDropout(topk=4, n_drop=2, hold_sessions=1, rebalance_sessions=1, max_position_pct=0.2, drawdown_tiers=TIERS),
    DollarNeutral(tail=0.3, rebalance_sessions=1, max_position_pct=0.15, max_sector_pct=0.5, drawdown_tiers=TIERS),
    BetaNeutral(tail=0.3, rebalance_sessions=1, beta_window=20, max_position_pct=0.3, gross=2.0, max_equity_pct=2.0),
    MeanVariance(rebalance_sessions=1, covariance_window=20, max_turnover_pct=1.0, drawdown_tiers=TIERS),
)
ONCE = TopkDropout(topk=2, n_drop=1, hold_sessions=0, rebalance_sessions=1, max_position_pct=0.5, max_sector_pct=1.0)
"""A book of two, on the day made by hand."""


@cache
def world(number):
    run = random_run(100 + number, names=14, sessions=120)
    return history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=run.params)


def random_book(day, rng, *, shorts):
    """Some of the names that have a price, some of them short."""
    priced = np.flatnonzero(day.names["mark"] > 0)
    chosen = sorted(rng.choice(priced, size=int(rng.integers(len(priced) + 1)), replace=False))
    positions = tuple(
        Position(
            ticker=str(day.tickers[place]),
            shares=int(rng.integers(1, 2_000)) * (-1 if shorts and rng.random() < 0.5 else 1),
            cost=float(day.names["mark"][place]),
            entry_date=day.date,
            high_water=float(day.names["mark"][place]),
        )
        for place in chosen
    )
    return Portfolio(
        cash=float(rng.choice([0.0, 3_000.0, 200_000.0, 800_000.0])),
        nav_peak=float(rng.choice([1.0, 300_000.0, 500_000.0])),
        positions=positions,
        halted=int(rng.choice([0, 0, 0, 5])),
        killed=bool(rng.random() < 0.1),
    )


situations = st.tuples(st.integers(0, 3), st.integers(0, 119), st.sampled_from(BOOKS), st.integers(0, 2**32 - 1))


def decided(situation):
    number, row, params, seed = situation
    day = world(number).day(row)
    book = random_book(day, np.random.default_rng(seed), shorts=isinstance(params, LongShort))
    return params, day, book, decide(book, day, params)


def shares_after(book, decision):
    """Positions once everything has filled, and once only the exits have."""
    exits = {p.ticker: p.shares for p in book.positions}
    for sale in decision.exits:
        exits[sale.ticker] -= sale.shares
    both = dict(exits)
    for entry in decision.entries:
        both[entry.ticker] = both.get(entry.ticker, 0) + entry.shares
    return both, exits


@given(situations)
@settings(max_examples=80, deadline=None)
def test_every_cap_holds_after_the_batch(situation):
    params, day, book, decision = decided(situation)
    names = day.table
    after, sold = ({t: abs(n) * names["mark"][t] for t, n in held.items()} for held in shares_after(book, decision))
    before = {t: sold.get(t, 0.0) for t in after}
    assert all(after[t] <= max(params.max_position_pct * decision.nav, before[t]) + SLACK for t in after)
    assert sum(after.values()) <= max(params.max_equity_pct * decision.nav, sum(before.values())) + SLACK
    for sector in set(names["sector"]):
        of_sector = [t for t in after if names["sector"][t] == sector]
        room = max(params.max_sector_pct * decision.nav, sum(before[t] for t in of_sector))
        assert sum(after[t] for t in of_sector) <= room + SLACK


@given(situations)
@settings(max_examples=80, deadline=None)
def test_longs_are_paid_for_and_nothing_is_sold_twice(situation):
    params, day, book, decision = decided(situation)
    close, shares = day.table["mark"], {p.ticker: p.shares for p in book.positions}
    for sale in decision.exits:
        assert 0 < abs(sale.shares) <= abs(shares[sale.ticker])
        assert np.sign(sale.shares) == np.sign(shares[sale.ticker])
    cash = book.cash + sum(sale.shares * close[sale.ticker] for sale in decision.exits)
    cash -= sum(entry.shares * close[entry.ticker] for entry in decision.entries)
    assert cash >= min(0.0, book.cash + sum(s.shares * close[s.ticker] for s in decision.exits)) - SLACK
    if not isinstance(params, LongShort):
        assert all(n >= 0 for n in shares_after(book, decision)[0].values())


@given(situations)
@settings(max_examples=40, deadline=None)
def test_nothing_is_opened_in_a_halt_or_under_the_kill_switch(situation):
    params, day, book, decision = decided(situation)
    if decision.multiplier == 0 or book.killed or decision.nav <= 0:
        assert not decision.entries
    killed = decide(replace(book, killed=True), day, params)
    assert not killed.entries
    if isinstance(params, LongShort):
        assert {sale.ticker: sale.shares for sale in killed.exits} == {p.ticker: p.shares for p in book.positions}


@given(situations)
@settings(max_examples=25, deadline=None)
def test_the_order_of_positions_does_not_matter(situation):
    params, day, book, decision = decided(situation)
    turned = replace(book, positions=book.positions[::-1])
    assert decide(turned, day, params).hash == decision.hash == decide(book, day, params).hash


@given(situations)
@settings(max_examples=25, deadline=None)
def test_in_between_a_strategy_holds(situation):
    params, day, book, _ = decided(situation)
    period = next(n for n in range(2, 252) if day.moment.session % n)
    free = {"rebalance_sessions": period, "drawdown_tiers": ()}
    book = replace(book, killed=False, halted=0)
    quiet = decide(book, day, params.model_copy(update=free))
    if quiet.nav > 0:
        assert not quiet.exits
        assert not quiet.entries


def test_a_book_of_two_by_hand():
    # NAV 100,000, all cash: .95 shared by two is .475, at 100 a share 475 shares each of the highest percentiles.
    day = day_of_names({"percentile": 0.2}, {"percentile": 0.9}, {"percentile": 0.7})
    decision = decide(portfolio(cash=100_000.0), day, ONCE)
    assert [(entry.ticker, entry.shares) for entry in decision.entries] == [("B", 475), ("C", 475)]
    assert decision.entries[0].weight == 0.475
    assert not decision.blocked


def test_the_worst_makes_way_and_the_rest_is_left_alone():
    day = day_of_names({"percentile": 0.2}, {"percentile": 0.9}, {"percentile": 0.7})
    book = portfolio(held("A", shares=400), held("B", shares=300), cash=30_000.0)
    decision = decide(book, day, ONCE)
    assert [(sale.ticker, sale.shares, sale.rule) for sale in decision.exits] == [("A", 400, "dropped")]
    assert (decision.exits[0].value, decision.exits[0].limit) == (3.0, 2.0)
    # Free: .95 − 300 × 100 / 100,000 = .65, at most .5.
    assert [(entry.ticker, entry.shares) for entry in decision.entries] == [("C", 500)]


def test_hold_sessions_protect_a_young_position():
    day = day_of_names({"percentile": 0.2}, {"percentile": 0.9}, {"percentile": 0.7})
    params = ONCE.model_copy(update={"hold_sessions": 3})
    assert not decide(portfolio(held("A", sessions=2), held("B")), day, params).exits
    assert decide(portfolio(held("A", sessions=3), held("B")), day, params).exits


def test_a_sale_needs_a_market_and_a_purchase_a_member():
    day = day_of_names(
        {"percentile": 0.2, "close": np.nan}, {"percentile": 0.9, "tradable": False}, {"percentile": 0.7}
    )
    decision = decide(portfolio(held("A")), day, ONCE)
    assert not decision.exits
    assert [entry.ticker for entry in decision.entries] == ["C"]


def test_a_dollar_neutral_book_by_hand():
    # Five names, tails of one: .5 of 100,000 long the best and short the worst, at 100 a share.
    day = day_of_names(*({"percentile": p} for p in (0.9, 0.7, 0.5, 0.3, 0.1)))
    params = DollarNeutral(rebalance_sessions=1, max_position_pct=0.5, max_sector_pct=0.5)
    decision = decide(portfolio(cash=100_000.0), day, params)
    assert {entry.ticker: entry.shares for entry in decision.entries} == {"A": 500, "E": -500}
    turned = day_of_names(*({"percentile": p} for p in (0.1, 0.7, 0.5, 0.3, 0.9)))
    book = Portfolio(100_000.0, 100_000.0, (held("A", shares=500), held("E", shares=-500)))
    change = decide(book, turned, params)
    assert {sale.ticker: (sale.shares, sale.rule, sale.signal) for sale in change.exits} == {
        "A": (500, "dropped", "EXIT"),
        "E": (-500, "cover", "EXIT"),
    }
    assert {entry.ticker: entry.shares for entry in change.entries} == {"A": -500, "E": 500}


def test_an_order_is_no_more_than_its_share_of_the_volume_and_both_sides_stay_even():
    # A tenth of 200,000 a day is 20,000: 200 shares at 100 of A, and so no more of E.
    day = day_of_names(*({"percentile": p, "adv": 200_000.0 if p == 0.9 else 1e9} for p in (0.9, 0.7, 0.5, 0.3, 0.1)))
    params = DollarNeutral(rebalance_sessions=1, max_position_pct=0.5, max_sector_pct=0.5)
    decision = decide(portfolio(cash=100_000.0), day, params)
    assert {entry.ticker: entry.shares for entry in decision.entries} == {"A": 200, "E": -200}
    top = decide(portfolio(cash=100_000.0), day, ONCE)
    assert {entry.ticker: (entry.shares, entry.bound_by) for entry in top.entries} == {
        "A": (200, "adv_cap"),
        "B": (475, ""),
    }


def test_a_halted_neutral_book_closes_and_a_tier_halves_it():
    day = day_of_names(*({"percentile": p} for p in (0.9, 0.7, 0.5, 0.3, 0.1)))
    params = DollarNeutral(rebalance_sessions=1, max_position_pct=0.5, max_sector_pct=0.5, drawdown_tiers=TIERS)
    book = Portfolio(100_000.0, 115_000.0, (held("A", shares=500), held("E", shares=-500)))
    halved = decide(book, day, params)
    assert halved.multiplier == 0.5
    assert {sale.ticker: sale.shares for sale in halved.exits} == {"A": 250, "E": -250}
    closed = decide(replace(book, nav_peak=130_000.0), day, params)
    assert {sale.ticker: sale.shares for sale in closed.exits} == {"A": 500, "E": -500}


@pytest.mark.parametrize("params", BOOKS, ids=lambda params: type(params).__name__)
def test_a_day_that_predicts_nothing_says_nothing(params):
    day = day_of_names(*({"adv": 1e9} for _ in range(5)), returns=np.random.default_rng(0).normal(0, 0.01, (60, 5)))
    decision = decide(portfolio(held("A"), held("B"), cash=80_000.0), day, params)
    assert not decision.exits
    assert not decision.entries


def test_a_weight_near_its_target_is_left_alone():
    day = day_of_names(*({"percentile": p} for p in (0.9, 0.7, 0.5, 0.3, 0.1)))
    params = DollarNeutral(rebalance_sessions=1, max_position_pct=0.5, max_sector_pct=0.5, band=0.02)
    book = Portfolio(100_000.0, 100_000.0, (held("A", shares=485), held("E", shares=-475)))
    # NAV 101,000: half of it is 505 shares a side; 485 are .0198 of NAV away, 475 more than .02.
    decision = decide(book, day, params)
    assert [(entry.ticker, entry.shares) for entry in decision.entries] == [("E", -30)]


def test_a_tier_forces_out_the_lowest_rank_of_a_long_book_on_any_day():
    day = day_of_names({"percentile": 0.2}, {"percentile": 0.9}, {"percentile": 0.7})
    quiet = next(n for n in range(2, 9) if day.moment.session % n)
    params = ONCE.model_copy(update={"drawdown_tiers": TIERS, "rebalance_sessions": quiet})
    book = portfolio(held("B"), held("C"), cash=80_000.0, peak=112_000.0)
    assert [(sale.ticker, sale.rule) for sale in decide(book, day, params).exits] == [("C", "drawdown_exit")]


def test_a_book_that_lost_everything_covers_and_opens_nothing():
    day = day_of_names(*({"percentile": p} for p in (0.9, 0.7, 0.5, 0.3, 0.1)))
    decision = decide(Portfolio(0.0, 100_000.0, (held("A", shares=-5),)), day, BOOKS[1])
    assert decision.nav == -500
    assert [(sale.ticker, sale.shares) for sale in decision.exits] == [("A", -5)]
    assert not decision.entries


@pytest.mark.parametrize(
    ("params", "change"),
    [
        (ONCE, {"topk": 1, "n_drop": 1}),
        (ONCE, {"n_drop": 2}),
        (ONCE, {"hold_sessions": 30}),
        (ONCE, {"buffer": 2}),
        (ONCE, {"max_position_pct": 0.1}),
        (ONCE, {"max_sector_pct": 0.1}),
        (ONCE, {"max_equity_pct": 0.3}),
        (ONCE, {"max_adv_pct": 0.0001}),
        (BOOKS[1], {"max_adv_pct": 0.0001}),
        (ONCE, {"min_order": 1e9}),
        (ONCE, {"rebalance_sessions": 252}),
        (ONCE, {"drawdown_tiers": (DrawdownTier(drawdown=-0.01, multiplier=0.0),)}),
        (BOOKS[1], {"gross": 0.3}),
        (BOOKS[1], {"tail": 0.15}),
        (BOOKS[2], {"beta_window": 40}),
        (BOOKS[2], {"beta_shrinkage": 1.0}),
        (BOOKS[3], {"risk_aversion": 100.0}),
        (BOOKS[3], {"alpha_scale": 1.0}),
        (BOOKS[3], {"covariance": "ewma"}),
        (BOOKS[3], {"covariance_window": 40}),
        (BOOKS[3], {"candidates": 2}),
        (BOOKS[3], {"cost_bps": 400.0}),
        (BOOKS[3], {"holding_sessions": 2}),
        (BOOKS[3], {"max_turnover_pct": 0.05}),
        (BOOKS[3], {"max_adv_pct": 0.0001}),
        (BOOKS[3], {"min_equity_pct": 0.9}),
        (BOOKS[3], {"min_position_pct": 0.08}),
        (BOOKS[3], {"band": 0.05}),
        (BOOKS[3].model_copy(update={"covariance": "ewma"}), {"covariance_halflife": 3.0}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else type(value).__name__,
)
def test_every_parameter_changes_a_decision(params, change):
    run = random_run(101, names=14, sessions=120)
    known = history(run.market, run.signals, percentile=run.percentile, params=PARAMS)
    changed = type(params).model_validate({**params.model_dump(), **change})
    rng = np.random.default_rng(3)
    for row in range(70, 110, 4):
        day = known.day(row)
        book = replace(random_book(day, rng, shorts=False), nav_peak=1.0, halted=0, killed=False)
        small = replace(book, cash=500_000.0, positions=book.positions[:4])
        small = replace(small, nav_peak=decide(small, day, params).nav * 1.05)
        if decide(small, day, params).hash != decide(small, day, changed).hash:
            return
    raise AssertionError(f"{change} changes nothing")


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (TopkDropout, {"topk": 3, "n_drop": 4}, r"n_drop \(4\) must not exceed topk \(3\)"),
        (MeanVariance, {"min_equity_pct": 0.99}, "must not exceed max_equity_pct"),
        (DollarNeutral, {"gross": 9.0}, "less than or equal to 4"),
        (DollarNeutral, {"beta_window": 30}, "Extra inputs are not permitted"),
        (BetaNeutral, {"drawdown_tiers": TIERS[::-1]}, "must fall in drawdown"),
    ],
)
def test_nonsense_is_refused(kind, values, message):
    with pytest.raises(ValidationError, match=message):
        kind(**values)


def test_a_window_longer_than_the_history_knows_is_refused():
    day = world(0).day(80)
    with pytest.raises(InputError, match=r"beta_window=200 is longer .* make it again"):
        decide(Portfolio.of_cash(1e6), day, BOOKS[2].model_copy(update={"beta_window": 200}))


def test_shorts_live_in_backtests_only():
    day = day_of_names(*({"percentile": p} for p in (0.9, 0.7, 0.5, 0.3, 0.1)))
    short = Portfolio(100_000.0, 100_000.0, (held("A", shares=-5),))
    with pytest.raises(InputError, match="the rules takes no short positions, A is short"):
        decide(short, day, PARAMS)
    with pytest.raises(InputError, match="a portfolio file takes no short positions"):
        short.to_file(DATE, nav=1.0)
    cash, params = Portfolio.of_cash(100_000.0), DollarNeutral(rebalance_sessions=1, max_position_pct=0.5)
    with pytest.raises(InputError, match="sells nothing short, the decision wants E"):
        order_book(decide(cash, day, params), day, cash, ExecutorParams())


def test_a_long_strategy_makes_an_order_book_where_research_has_scores():
    names = ({"percentile": 0.2}, {"percentile": 0.9}, {"percentile": 0.7})
    day, book = day_of_names(*names), portfolio(held("A"), held("B"))
    shown = order_book(decide(book, day, ONCE), day, book, ExecutorParams())
    assert [entry.ticker for entry in shown.approved_entries] == ["C"]
    assert [(sale.ticker, sale.reason) for sale in shown.urgent_exits] == [("A", "dropped")]
    silent = day_of_names(*({**name, "score": np.nan} for name in names))
    with pytest.raises(InputError, match="score beside every entry, C has none on 2024-03-08"):
        order_book(decide(book, silent, ONCE), silent, book, ExecutorParams())


def test_what_is_held_but_unknown_is_refused():
    day = day_of_names({"percentile": 0.5, "mark": np.nan, "close": np.nan})
    with pytest.raises(InputError, match="A is held but has had no price"):
        decide(portfolio(held("A")), day, ONCE)
