"""Several strategies in one account: each for itself, the caps over their sum."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alphalib.decision import Portfolio, decide
from alphalib.decision.strategies import DollarNeutral, TopkDropout
from alphalib.decision.strategies.account import Account, Sleeve, decide_account
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from tests.decision.days import PARAMS, day_of_names
from tests.decision.strategies.test_rebalance import SLACK, random_book, shares_after, world

TOP = TopkDropout(topk=4, n_drop=2, hold_sessions=1, rebalance_sessions=1, max_position_pct=0.3)
NEUTRAL = DollarNeutral(tail=0.3, rebalance_sessions=1, max_position_pct=0.3)
LOOSE = {"max_position_pct": 1.0, "max_sector_pct": 4.0, "max_equity_pct": 4.0}


def account_of(**caps):
    kinds = {"a": TOP, "b": NEUTRAL, "c": TOP.model_copy(update={"topk": 2})}
    return Account(sleeves={name: Sleeve(allocation=0.3, params=kind) for name, kind in kinds.items()}, **caps)


def books_of(day, rng, account):
    return {
        name: replace(random_book(day, rng, shorts=name == "b"), nav_peak=1.0, killed=False, halted=0)
        for name in account.sleeves
    }


@given(st.integers(0, 3), st.integers(0, 119), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_every_cap_holds_over_the_sum_of_the_sleeves(number, row, seed):
    account, day = account_of(max_position_pct=0.1, max_sector_pct=0.3, max_equity_pct=0.7), world(number).day(row)
    books = books_of(day, np.random.default_rng(seed), account)
    decision = decide_account(books, day, account)
    names, after, sold = day.table, {}, {}
    for name, book in books.items():
        for total, shares in zip((after, sold), shares_after(book, decision.decisions[name]), strict=True):
            for ticker, count in shares.items():
                total[ticker] = total.get(ticker, 0.0) + abs(count) * names["mark"][ticker]
    before = {ticker: sold.get(ticker, 0.0) for ticker in after}
    assert decision.nav == pytest.approx(sum(part.nav for part in decision.decisions.values()))
    assert all(after[t] <= max(0.1 * decision.nav, before[t]) + SLACK for t in after)
    assert sum(after.values()) <= max(0.7 * decision.nav, sum(before.values())) + SLACK
    for sector in set(names["sector"]):
        of_sector = [t for t in after if names["sector"][t] == sector]
        room = max(0.3 * decision.nav, sum(before[t] for t in of_sector))
        assert sum(after[t] for t in of_sector) <= room + SLACK


@given(st.integers(0, 3), st.integers(0, 119), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_without_caps_that_bind_each_sleeve_decides_as_if_alone(number, row, seed):
    account, day = account_of(**LOOSE), world(number).day(row)
    books = books_of(day, np.random.default_rng(seed), account)
    decision = decide_account(dict(reversed(books.items())), day, account)
    alone = {name: decide(book, day, account.sleeves[name].params) for name, book in books.items()}
    if all(part.nav > 0 for part in alone.values()):
        assert decision.decisions == alone
    assert decision.hash == decide_account(books, day, account).hash


def test_two_sleeves_that_want_one_name_share_its_room():
    # Both want 475 shares of A at 100 (the cap .475 of 100,000); the account has room for .1 × 200,000 / 100 = 200.
    sole = TOP.model_copy(update={"topk": 2, "max_position_pct": 0.475, "max_sector_pct": 1.0})
    account = Account(
        sleeves={"a": Sleeve(allocation=0.5, params=sole), "b": Sleeve(allocation=0.5, params=sole)},
        max_position_pct=0.1,
    )
    decision = decide_account(account.portfolios(200_000.0), day_of_names({"percentile": 0.9}), account)
    for part in decision.decisions.values():
        assert [(entry.shares, entry.bound_by) for entry in part.entries] == [(100, "position_cap")]


def test_what_falls_below_the_smallest_order_is_blocked_as_the_cap():
    rules = Account(
        sleeves={"rules": Sleeve(allocation=1.0, params=PARAMS.model_copy(update={"min_order": 2_000.0}))},
        max_equity_pct=0.015,
    )
    decision = decide_account(rules.portfolios(100_000.0), day_of_names({}), rules)
    blocked = decision.decisions["rules"].blocked
    assert not decision.decisions["rules"].entries
    assert [(refusal.rule, refusal.limit) for refusal in blocked] == [("equity_cap", 0.015)]


def test_the_account_takes_any_strategy():
    account = Account(
        sleeves={"rules": Sleeve(allocation=0.6, params=ExecutorParams()), "top": Sleeve(allocation=0.4, params=TOP)}
    )
    assert Account.model_validate(account.model_dump()) == account
    assert {name: book.cash for name, book in account.portfolios(1_000.0).items()} == {"rules": 600.0, "top": 400.0}


@pytest.mark.parametrize(
    ("sleeves", "message"),
    [
        ({"a": 0.7, "b": 0.4}, r"must not sum to more than 1, got 1\.1"),
        ({}, "at least 1 item"),
        ({"a": 0.0}, "greater than 0"),
    ],
)
def test_nonsense_is_refused(sleeves, message):
    with pytest.raises(ValidationError, match=message):
        Account(sleeves={name: {"allocation": share, "params": TOP} for name, share in sleeves.items()})


def test_portfolios_of_other_sleeves_are_refused():
    with pytest.raises(InputError, match="has the sleeves a, b, c, the portfolios are of x"):
        decide_account({"x": Portfolio.of_cash(1.0)}, day_of_names({}), account_of())
