"""Two decisions compared fact by fact, and paper trading beside the simulation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.parity import STAGES, Decided, drift_of_fills, drift_of_nav, parity, starting
from alphalib.backtest.simulate import simulate
from alphalib.contracts import Intraday
from alphalib.decision import decide, history, order_book
from alphalib.decision.shapes import NAME
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from tests.backtest.runs import random_run
from tests.decision.days import PARAMS, day_of_names, held, portfolio

NAMES = ({}, {"score": 75.0}, {"veto": True, "percentile": 0.01}, {"momentum": -0.2, "rsi": 20.0})


def decided(*changes, params=PARAMS, holding=None) -> Decided:
    day = day_of_names(*(changes or NAMES), params=params)
    book = portfolio(held("D")) if holding is None else holding
    return Decided(params, day, book, order_book(decide(book, day, params), day, book, params))


def differing(one: Decided, other: Decided) -> dict[str, int]:
    return {stage.stage: stage.differences for stage in parity(one, other) if stage.differences}


def changed(place: int, **values) -> Decided:
    names = [dict(name) for name in NAMES]
    names[place] |= values
    return decided(*names)


def test_the_same_decision_is_the_same_in_every_stage():
    stages = parity(decided(), decided())
    assert [stage.stage for stage in stages] == list(STAGES)
    assert all(stage.archived == stage.derived and not stage.differences for stage in stages)


@pytest.mark.parametrize(
    ("other", "first", "example"),
    [
        (decided(params=ExecutorParams(min_score=78.0)), "parameters", "min_score: 70 → 78"),
        (changed(1, close=101.0), "prices", "B close: 100 → 101"),
        (changed(1, score=69.0), "signals", "B score: 75 → 69"),
        (changed(2, veto=False), "vetoes", "C veto: True → False"),
        (decided(holding=portfolio(held("D"), cash=50_000.0)), "portfolio", "cash: 90000 → 50000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_difference_is_named_where_it_begins(other, first, example):
    found = differing(decided(), other)
    assert next(iter(found)) == first
    assert found["orders"] > 0
    told = next(stage.examples for stage in parity(decided(), other) if stage.stage == first)
    assert example in told


def test_the_same_inputs_with_another_decision_differ_in_the_rules_and_after():
    was = decided()
    entry = was.book.approved_entries[0]
    fewer = entry.model_copy(update={"shares": entry.shares - 1})
    other = was.book.model_copy(update={"approved_entries": [fewer, *was.book.approved_entries[1:]]})
    assert differing(was, replace(was, book=other)) == {"orders": 1}
    blocked = was.book.model_copy(update={"blocked": []})
    assert differing(was, replace(was, book=blocked)) == {"rules": 1}


def test_how_what_is_held_is_guarded_is_part_of_the_orders():
    was = decided(holding=portfolio(held("B"), held("D")))
    for field in Intraday.model_fields:
        book = was.book.model_copy(update={"intraday": was.book.intraday.model_copy(update={field: 7})})
        assert differing(was, replace(was, book=book)) == {"orders": 1}
    stop = was.book.active_stops[0]
    for change in ({"intraday_profit_taken": True}, {"entry_date": "2024-01-02"}):
        book = was.book.model_copy(update={"active_stops": [stop.model_copy(update=change)]})
        assert differing(was, replace(was, book=book)) == {"orders": 1}


def test_an_older_book_that_guards_nothing_is_derived_again_without_it():
    now = decided()
    assert differing(replace(now, book=now.book.model_copy(update={"intraday": None})), now) == {}


@pytest.mark.parametrize("field", NAME.names)
def test_every_field_of_a_day_belongs_to_a_stage(field):
    was = decided()
    names = was.day.names.copy()
    names[field][0] = 1 - names[field][0] if names[field].dtype.kind in "bi" else 0.123
    assert differing(was, replace(was, day=replace(was.day, names=names))) != {}


def test_every_return_that_a_day_knows_is_compared_by_its_session():
    was = decided()
    returns = was.day.moment.returns.copy()
    returns[-1, 1] = 0.5
    moment = was.day.moment._replace(returns=returns)
    other = replace(was, day=replace(was.day, moment=moment))
    assert parity(was, other)[1].examples == ["B returns of 2024-03-08: 0 → 0.5"]


def test_what_is_missing_on_both_sides_is_no_difference():
    assert np.isnan(decided().day.names["percentile"][0])
    assert differing(decided(), decided()) == {}


def test_a_book_that_starts_later_is_one_without_signals_before():
    run, params = random_run(3), ExecutorParams(conviction_rule="ignore", drawdown_tiers=())
    past = history(run.market, run.signals, params=params)
    day = past.sessions[80]
    late, whole = simulate(starting(past, day), params), simulate(past, params)
    assert whole.trades["date"].min() < day < late.trades["date"].min()
    assert (late.nav.loc[:day] == late.nav.iloc[0]).all()
    assert np.array_equal(starting(past, day).moments.returns, past.moments.returns, equal_nan=True)
    with pytest.raises(InputError, match="before 2100-01-04"):
        starting(past, pd.Timestamp("2100-01-04"))


PAPER = pd.DataFrame(
    [
        ("2024-03-08", "AAA", "ENTER", 60, 100.2, 100.0),
        ("2024-03-08", "AAA", "ENTER", 40, 100.7, 100.0),
        ("2024-03-08", "BBB", "EXIT", 10, 49.5, 50.0),
        ("2024-03-08", "CCC", "ENTER", 0, np.nan, 20.0),
    ],
    columns=["date", "ticker", "action", "filled_shares", "fill_price", "signal_price"],
)
SIMULATED = pd.DataFrame(
    [
        (pd.Timestamp("2024-03-08"), "AAA", "buy", 100, 100.0),
        (pd.Timestamp("2024-03-08"), "BBB", "sell", 10, 50.0),
        (pd.Timestamp("2024-03-08"), "CCC", "buy", 5, 20.0),
    ],
    columns=["date", "ticker", "side", "shares", "price"],
)


def test_drift_of_fills_by_hand():
    table = drift_of_fills(PAPER, SIMULATED).droplevel(["date", "side"])
    # AAA: (60 · 100.2 + 40 · 100.7) / 100 = 100.4, 40 bps more than 100; BBB: sold for 1 % less.
    assert table.loc["AAA", "paper_price"] == pytest.approx(100.4)
    assert table.loc["AAA", "price_drift_bps"] == pytest.approx(40.0)
    assert table.loc["BBB", "slippage_bps"] == pytest.approx(100.0)
    assert table.loc["CCC", ["paper_shares", "simulated_shares"]].tolist() == [0, 5]
    assert np.isnan(table.loc["CCC", "price_drift_bps"])


def test_a_fill_without_a_price_decided_on_counts_for_no_slippage():
    asked = PAPER["signal_price"].where(PAPER.index != PAPER.index[PAPER["ticker"] == "AAA"][-1])
    table = drift_of_fills(PAPER.assign(signal_price=asked), SIMULATED).droplevel(["date", "side"])
    # Still 100.4 against the 100 that the other fill was decided on.
    assert table.loc["AAA", ["paper_shares", "slippage_bps"]].tolist() == pytest.approx([100, 40.0])


def test_an_action_that_is_none_is_refused():
    with pytest.raises(InputError, match=r"ENTER, EXIT or REDUCE, got \['SHORT'\]"):
        drift_of_fills(PAPER.assign(action="SHORT"), SIMULATED)


def test_drift_of_nav_by_hand():
    days = pd.DatetimeIndex(["2024-03-06", "2024-03-07", "2024-03-08"])
    paper = pd.DataFrame({"date": days, "portfolio_nav": [100.0, 101.0, 100.0], "unattributed_usd": [0.0, 0.5, -1.5]})
    table = drift_of_nav(paper, pd.Series([200.0, 204.0, 204.0], index=days))
    # 1 % against 2 %, then −1/101 against 0; 0.5 of 101 is below 1 %, 1.5 of 100 is not.
    assert table["difference"].tolist() == pytest.approx([-0.01, -1 / 101])
    assert table["cumulative"].iloc[-1] == pytest.approx(-0.01 - 1 / 101)
    assert table["flagged"].tolist() == [False, True]
    with pytest.raises(InputError, match="eod_pnl has 2024-03-08 more than once"):
        drift_of_nav(pd.concat([paper, paper.iloc[-1:]]), table["simulated"])
