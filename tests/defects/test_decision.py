"""Seed defects of risk, sizing and simulation."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.simulate import simulate
from alphalib.decision import decide, history
from alphalib.params import ExecutorParams
from alphalib.scores import RegimeCode, SignalCode
from tests.backtest.runs import random_run
from tests.decision.days import PARAMS, day_of_names, held, portfolio

CASH = portfolio(cash=100_000.0)
RUN = random_run(7)
HISTORY = history(RUN.market, RUN.signals, percentile=RUN.percentile, veto=RUN.veto, params=RUN.params)
BACKTEST = simulate(HISTORY, RUN.params, cash=RUN.cash)


def test_d01_drawdown_is_measured_from_the_peak_of_the_nav_even_when_nothing_trades():
    quiet, book, multipliers = day_of_names({"signal": SignalCode.HOLD}), CASH, []
    for nav in (99_000.0, 97_000.0, 95_000.0, 91_000.0):
        book = type(book)(**{**book.__dict__, "cash": nav})
        decision = decide(book, quiet, PARAMS)
        book = decision.remembered(book)
        multipliers.append(decision.multiplier)
    assert multipliers == [1.0, 0.5, 0.25, 0.0]


def test_d01_the_peak_moves_with_deposits_and_withdrawals():
    book = portfolio(cash=97_000.0, peak=100_000.0)
    for amount in (100_000.0, -50_000.0):
        decision = decide(book.with_flows(amount, nav=97_000.0), day_of_names({}), PARAMS)
        assert decision.drawdown == pytest.approx(-0.03)


@pytest.mark.parametrize("tier", PARAMS.drawdown_tiers)
def test_d02_every_default_tier_is_reached_at_its_own_value(tier):
    above, below = (
        decide(portfolio(cash=1e6 * (1 + tier.drawdown) + gap, peak=1e6), day_of_names({}), PARAMS)
        for gap in (1.0, -1.0)
    )
    assert below.multiplier == tier.multiplier < above.multiplier


def test_d03_ten_names_of_one_sector_stay_below_its_cap():
    decision = decide(CASH, day_of_names(*[{"sector": 7} for _ in range(10)]), PARAMS)
    assert sum(entry.shares for entry in decision.entries) * 100.0 <= 25_000.0
    assert len(decision.entries) + len(decision.blocked) == 10


def test_d03_a_book_that_drifted_above_a_cap_is_not_enlarged():
    drifted = portfolio(held("A", shares=300), cash=70_000.0)
    decision = decide(drifted, day_of_names({"sector": 7}, {"sector": 7}), PARAMS)
    assert decision.entries == ()
    assert [refusal.rule for refusal in decision.blocked] == ["sector_cap"]


def test_d04_correlation_is_asked_within_the_sector_and_by_date():
    rng = np.random.default_rng(1)
    common, own = rng.normal(0, 0.01, 60), rng.normal(0, 0.01, 60)
    elsewhere = day_of_names({"sector": 1}, {"sector": 2}, returns=np.column_stack([common, common]))
    assert len(decide(portfolio(held("A")), elsewhere, PARAMS).entries) == 1
    # The same returns a day apart are no correlation; position by position after dropping gaps they would be.
    shifted = np.column_stack([np.append(np.nan, common[:-1]), common])
    assert len(
        decide(portfolio(held("A")), day_of_names({"sector": 1}, {"sector": 1}, returns=shifted), PARAMS).entries
    )
    alike = day_of_names({"sector": 1}, {"sector": 1}, returns=np.column_stack([common + 0.1 * own, common]))
    assert decide(portfolio(held("A")), alike, PARAMS).blocked[0].rule == "correlation"


def test_d05_a_bear_market_resizes_an_entry_and_rejects_none():
    decision = decide(CASH, day_of_names({"rating": 1}, {"atr": 1.0}, regime=RegimeCode.BEAR), PARAMS)
    assert [entry.shares for entry in decision.entries] == [25, 25]  # 2.5 % of 100,000 at 100
    assert {entry.bound_by for entry in decision.entries} == {"position_cap"}
    assert decision.blocked == ()


FIVE = [{} for _ in range(5)]


@pytest.mark.parametrize(
    "changes",
    [{"rating": -1}, {"upside": 0.01}, {"percentile": 0.1}, {"atr": 4.0}, {"report_in": 2}],
    ids=["sector", "upside", "confidence", "atr", "earnings"],
)
def test_d06_with_five_entries_every_factor_still_changes_the_order(changes):
    plain = decide(CASH, day_of_names(*FIVE), PARAMS).entries
    tilted = decide(CASH, day_of_names(changes, *FIVE[1:]), PARAMS).entries
    assert next(e.shares for e in tilted if e.ticker == "A") < next(e.shares for e in plain if e.ticker == "A")


def test_d06_drawdown_and_staleness_change_the_order_though_the_cap_binds():
    capped = {"rating": 1}
    plain = decide(CASH, day_of_names(capped), PARAMS).entries[0]
    fallen = decide(portfolio(cash=100_000.0, peak=103_000.0), day_of_names(capped), PARAMS).entries[0]
    stale = decide(CASH, day_of_names(capped, age=8), PARAMS).entries[0]
    assert plain.bound_by == fallen.bound_by == stale.bound_by == "position_cap"
    assert (plain.shares, fallen.shares, stale.shares) == (50, 25, 45)  # × 1, × 0.5, × 0.91


def test_d12_no_sale_is_larger_than_the_holding_and_every_trade_pays():
    trades = BACKTEST.trades
    bought = trades["shares"].where(trades["side"] == "buy", -trades["shares"])
    unsplit = trades[~trades["ticker"].isin(RUN.market.actions.query("kind == 'split'")["ticker"])]
    assert (bought.loc[unsplit.index].groupby(unsplit["ticker"]).cumsum() >= 0).all()
    assert (trades.loc[trades["reason"] != "delisting", ["cost", "slippage"]] > 0).all(axis=None)
    assert (BACKTEST.cash >= 0).all()


def test_d14_a_halt_sees_unrealised_losses_and_lasts():
    # Nothing was sold: the loss is in the mark of what is held.
    book = portfolio(held("A", shares=800, cost=125.0), cash=10_000.0, peak=110_000.0)
    day = day_of_names({"momentum": 0.5}, {})  # the veto keeps the position
    first = decide(book, day, PARAMS)
    assert (first.halted, first.entries) == (1, ())
    assert decide(first.remembered(book), day, PARAMS).halted == 2


def test_d14_in_simulation_the_rearm_policy_is_a_parameter_and_halted_time_is_reported():
    shallow = [{"drawdown": -0.001, "multiplier": 0.0}]
    halted = {}
    for rule, sessions in (("sessions", 2), ("sessions", 20), ("person", 20)):
        rules = ExecutorParams(
            **{**RUN.params.model_dump(), "drawdown_tiers": shallow, "rearm_rule": rule, "rearm_sessions": sessions}
        )
        halted[rule, sessions] = int(simulate(HISTORY, rules).halted.sum())
    assert 0 < halted["sessions", 2] < halted["sessions", 20] < halted["person", 20]


def test_d15_positions_are_closed_by_the_simulation():
    closed = BACKTEST.trades.query("side == 'sell'")
    assert {"stop", "research_exit"} <= set(closed["reason"])
    assert BACKTEST.positions.max() > BACKTEST.positions.min()


def test_d16_the_second_day_sees_the_first_days_fills():
    first = BACKTEST.trades.query("side == 'buy'")["date"].iloc[0]
    bought = set(BACKTEST.trades.loc[BACKTEST.trades["date"] == first, "ticker"])
    again = BACKTEST.orders[(BACKTEST.orders["date"] == first) & (BACKTEST.orders["side"] == "buy")]
    assert bought
    assert not bought & set(again["ticker"])
    assert BACKTEST.cash[first] < RUN.cash


def test_d20_a_book_is_valued_on_days_without_a_trade():
    quiet = BACKTEST.sessions.difference(BACKTEST.trades["date"])[20:]
    invested = quiet[BACKTEST.exposure[quiet] > 0]
    assert (BACKTEST.nav.diff()[invested] != 0).mean() > 0.9


def test_d21_a_reduction_sells_a_part():
    reduced = BACKTEST.orders[BACKTEST.orders["reason"].isin(["research_reduce", "profit_take", "time_reduce"])]
    filled = BACKTEST.trades[BACKTEST.trades["reason"].isin(reduced["reason"])]
    kept = [
        BACKTEST.trades.query("ticker == @f.ticker and date > @f.date and side == 'sell'") for f in filled.itertuples()
    ]
    assert len(filled) > 0
    assert any(len(rest) for rest in kept)


def test_d21_exits_and_entries_fill_at_the_open_of_the_same_session():
    free = simulate(HISTORY, RUN.params, costs=Costs.none(), cash=RUN.cash).trades
    at_open = free[~free["reason"].isin(["stop", "delisting"])]
    opens = [RUN.market.open.loc[f.date, f.ticker] for f in at_open.itertuples()]
    np.testing.assert_array_equal(at_open["price"], opens)
    assert set(at_open["side"]) == {"buy", "sell"}
    pd.testing.assert_index_equal(
        pd.DatetimeIndex(free["date"]), pd.DatetimeIndex(free["date"].sort_values()), check_names=False
    )
