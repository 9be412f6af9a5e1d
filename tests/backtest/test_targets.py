"""Signed books: every event by hand, books that add up, the decision of `decide`, and vectorbt on the long ones."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.books import check_books
from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.holdings import holdings
from alphalib.backtest.minutes import no_minutes
from alphalib.backtest.session import BORROW, DIVIDEND, FILL, FRACTION, PAYMENT
from alphalib.backtest.signed import live_on
from alphalib.backtest.simulate import simulate
from alphalib.compiled import frozen, plain
from alphalib.decision import Portfolio, Position, decide, history
from alphalib.decision.history import BAR
from alphalib.decision.limits import tiers
from alphalib.decision.shapes import HELD, NAME, ORDER, Rule
from alphalib.decision.strategies import BetaNeutral, DollarNeutral, MeanVariance, TopkDropout
from alphalib.errors import InputError
from tests.backtest.runs import random_run
from tests.decision.days import PARAMS

TOP = TopkDropout(topk=4, n_drop=2, hold_sessions=2, rebalance_sessions=2, max_position_pct=0.3)
NEUTRAL = DollarNeutral(tail=0.3, rebalance_sessions=3, max_position_pct=0.2)
BETA = BetaNeutral(tail=0.3, rebalance_sessions=3, max_position_pct=0.2, beta_window=20)
MEAN = MeanVariance(rebalance_sessions=10, covariance_window=20)
COSTS = Costs(slippage_bps=10, commission_bps=2, impact=0.5, borrow_bps=300)


def known_of(run):
    return history(run.market, run.signals, percentile=run.percentile, params=PARAMS)


def run_of(seed):
    run = random_run(seed, names=12, sessions=120)
    rng = np.random.default_rng(seed)
    places = pd.DataFrame(rng.random(run.market.close.shape), index=run.market.sessions, columns=run.market.tickers)
    return replace(run, percentile=places)


def session(shares, *, exits=(), entries=(), cash=10_000.0, costs=None, **bar):
    """One session of one name held at 100, whose bars stand at 100 but for what is given."""
    bars, names, held = np.zeros((2, 1), BAR), np.zeros((2, 1), NAME), np.zeros(1, HELD)
    for field, value in {"open": 100.0, "high": 100.0, "low": 100.0, "split": 1.0, "delisting": np.nan, **bar}.items():
        bars[field] = value
    names["mark"], names["adv"] = 100.0, np.nan
    held["shares"], held["cost"], held["entered"] = shares, 100.0, 1
    orders = []
    for signed in (exits, entries):
        table = np.zeros(len(signed), ORDER)
        table["shares"], table["rule"] = signed, Rule.ENTRY
        orders.append(frozen(table))
    _, memory, fills, payments = live_on(
        1,
        2,
        frozen(np.array([1, 2])),
        frozen(names),
        frozen(bars),
        held,
        *orders,
        (1_000, False),
        (cash, 10_000.0, 0, 0, 0),
        plain(tiers(TOP)),
        plain((costs or Costs.none()).tariff),
        (np.zeros(1, FILL), np.zeros(1, PAYMENT)),
        tuple(np.zeros(2, kind) for kind in (float, float, float, int, bool)),
    )
    return memory[0], held[0], fills, payments


def test_a_short_pays_the_dividend_and_for_being_borrowed():
    # 10 × .5 = 5; 10 × 100 × 252 bps / 252 sessions = .1
    cash, _, _, payments = session(-10, dividend=0.5, costs=Costs.none().model_copy(update={"borrow_bps": 252.0}))
    assert cash == pytest.approx(10_000 - 5 - 0.1)
    assert payments["kind"].tolist() == [DIVIDEND, BORROW]
    assert payments["amount"] == pytest.approx([-5.0, -0.1])


def test_a_split_leaves_a_fraction_on_either_side():
    # 3 for 2 of 5 shares is 7 and a half; half a share is worth half of 100 / 1.5.
    for side in (1, -1):
        cash, position, _, payments = session(5 * side, split=1.5)
        assert position["shares"] == 7 * side
        assert cash == pytest.approx(10_000 + side * 0.5 * 100 / 1.5)
        assert payments["kind"].tolist() == [FRACTION]


def test_a_delisted_short_is_closed_at_what_holders_received():
    cash, position, fills, _ = session(-10, delisting=-0.4, open=np.nan)
    assert position["shares"] == 0
    assert cash == pytest.approx(10_000 - 10 * 60)
    assert fills["realised"] == pytest.approx([0.4])


def test_a_short_is_opened_below_the_open_and_covered_above_it():
    costs = Costs.none().model_copy(update={"slippage_bps": 100.0, "commission_bps": 10.0})
    cash, position, fills, _ = session(0, entries=[-10], costs=costs)
    # Sold at 99, commission .99: 10,000 + 990 − .99.
    assert cash == pytest.approx(10_000 + 990 - 0.99)
    assert (position["shares"], position["cost"]) == (-10, 99.0)
    cash, position, fills, _ = session(-10, exits=[10], costs=costs)
    assert cash == pytest.approx(10_000 - 1010 - 1.01)
    assert position["shares"] == 0
    assert fills["realised"] == pytest.approx([-0.01])
    assert fills["slippage"] == pytest.approx([10.0])


def test_a_purchase_ends_where_the_cash_ends_and_a_cover_does_not():
    assert session(0, entries=[150], cash=10_000.0)[1]["shares"] == 100
    cash, position, _, _ = session(-150, exits=[150], cash=10_000.0)
    assert (cash, position["shares"]) == (-5_000.0, 0)


def test_sales_come_first_and_their_cash_is_spent():
    cash, position, fills, _ = session(50, exits=[-50], entries=[60], cash=1_000.0)
    assert fills["shares"].tolist() == [-50, 60]
    assert (cash, position["shares"]) == (0.0, 60)


def test_an_addition_averages_the_cost():
    _, position, _, _ = session(-10, entries=[-30], open=80.0)
    assert (position["shares"], position["cost"], position["entered"]) == (-40, 85.0, 1)


def test_nothing_fills_without_an_open():
    cash, position, fills, _ = session(10, exits=[-10], entries=[5], open=np.nan)
    assert (cash, position["shares"], len(fills)) == (10_000.0, 10, 0)


@pytest.mark.parametrize("params", [TOP, NEUTRAL, BETA, MEAN], ids=lambda params: type(params).__name__)
@pytest.mark.parametrize("seed", range(3))
def test_the_books_add_up(params, seed):
    run = run_of(seed)
    book = simulate(known_of(run), params, costs=COSTS, cash=run.cash)
    trades, payments = book.trades, book.payments
    signed = trades["shares"].where(trades["side"] == "buy", -trades["shares"])
    flows = (-signed * trades["price"] - trades["cost"]).groupby(trades["date"]).sum()
    paid = payments.groupby("date")["amount"].sum()
    cash = (
        run.cash
        + flows.reindex(book.sessions, fill_value=0).cumsum()
        + paid.reindex(book.sessions, fill_value=0).cumsum()
    )
    held = holdings(book, run.market)
    split = run.market.split_factor[held.columns]
    mark = (run.market.close[held.columns] * split).ffill() / split
    pd.testing.assert_series_equal(book.cash, cash.rename("cash"), check_freq=False, check_index_type=False)
    assert (cash + (held * mark).sum(axis=1)).to_numpy() == pytest.approx(book.nav.to_numpy(), abs=1e-6)
    assert len(trades) > 20


@pytest.mark.parametrize("params", [TOP, NEUTRAL, MEAN], ids=lambda params: type(params).__name__)
def test_the_loop_decides_what_decide_decides_day_by_day(params):
    run = run_of(4)
    known = known_of(run)
    book = simulate(known, params, costs=COSTS)
    held, bought = holdings(book, run.market), {}
    for trade in book.trades.itertuples():
        bought.setdefault(trade.ticker, []).append((trade.date, trade.entry_date))
    logged, memory = book.orders, Portfolio.of_cash(1_000_000.0)
    for row, date in enumerate(known.sessions):
        shares = held.loc[date]
        positions = tuple(
            Position(t, int(n), 100.0, [e for d, e in bought[t] if d <= date][-1], 100.0)
            for t, n in shares[shares != 0].items()
        )
        decision = decide(replace(memory, cash=float(book.cash.iloc[row]), positions=positions), known.day(row), params)
        memory = decision.remembered(memory)
        expected = [(s.ticker, abs(s.shares), s.rule) for s in decision.exits]
        expected += [(e.ticker, abs(e.shares), "entry" if e.shares > 0 else "short") for e in decision.entries]
        of_day = logged[logged["date"] == date]
        assert list(zip(of_day["ticker"], of_day["shares"], of_day["reason"], strict=True)) == expected
        assert decision.nav == pytest.approx(book.nav.iloc[row])


def test_sides_and_payments_of_a_neutral_book():
    book = simulate(known_of(run_of(1)), NEUTRAL, costs=COSTS)
    orders = book.orders
    assert set(orders.loc[orders["side"] == "buy", "reason"]) == {"entry", "cover"}
    assert {"short", "dropped"} <= set(orders.loc[orders["side"] == "sell", "reason"])
    assert (orders["shares"] > 0).all()
    assert book.payments.groupby("kind")["amount"].sum()["borrow"] < 0
    assert book.exposure.abs().median() < 0.02  # a leg that finds no market leaves the other one alone
    assert (book.left["shares"] < 0).any()


def test_trading_for_nothing_costs_nothing_and_costs_lower_the_value():
    known = known_of(run_of(1))
    free, dear = simulate(known, NEUTRAL, costs=Costs.none()), simulate(known, NEUTRAL, costs=COSTS)
    assert free.total_costs == 0
    assert dear.nav.iloc[-1] < free.nav.iloc[-1]


def test_a_book_to_the_end_is_up_to_a_day_the_book_to_that_day():
    run = run_of(2)
    cut = run.market.sessions[80]
    signals = replace(run.signals, **{name: panel.loc[:cut] for name, panel in run.signals.__dict__.items()})
    shorter = history(run.market.asof(cut), signals, percentile=run.percentile.loc[:cut], params=PARAMS)
    for params in (TOP, BETA):
        whole, part = simulate(known_of(run), params), simulate(shorter, params)
        assert part.nav.to_numpy().tolist() == whole.nav.loc[:cut].to_numpy().tolist()


@pytest.mark.slow
@pytest.mark.parametrize("params", [TOP, MEAN], ids=lambda params: type(params).__name__)
@pytest.mark.parametrize("seed", range(4))
def test_a_long_book_agrees_with_vectorbt_to_the_cent(params, seed):
    run = run_of(seed)
    check = check_books(run.market, simulate(known_of(run), params, costs=COSTS))
    assert check.agrees
    assert check.max_nav_difference < 1e-6


@pytest.mark.slow
def test_vectorbt_is_not_asked_about_a_short_book():
    run = run_of(1)
    with pytest.raises(InputError, match="rebuilds long books only"):
        check_books(run.market, simulate(known_of(run), NEUTRAL))


def test_nonsense_is_refused():
    known = known_of(run_of(0))
    with pytest.raises(InputError, match="cash must be above 0"):
        simulate(known, TOP, cash=0.0)
    with pytest.raises(InputError, match="TopkDropout trades at the open; minute bars are for ExecutorParams"):
        simulate(known, TOP, minutes=no_minutes(known))
    run = run_of(0)
    with pytest.raises(InputError, match="TopkDropout trades on predictions, and the history has none"):
        simulate(history(run.market, run.signals, params=PARAMS), TOP)
