"""vectorbt rebuilds the books from the fills, to the cent, and sees a fill that was changed."""

from dataclasses import dataclass, replace

import pandas as pd
import pytest

from alphalib.backtest.books import check_books, rebuilt
from alphalib.errors import InputError
from tests.backtest.runs import Run, random_minutes, random_run
from tests.worlds import random_market

pytestmark = pytest.mark.slow  # vectorbt alone takes seconds to import


@dataclass(frozen=True)
class Books:
    nav: pd.Series
    cash: pd.Series
    trades: pd.DataFrame


def books_of(run: Run) -> Books:
    backtest = run.backtest()
    return Books(nav=backtest.nav, cash=backtest.cash, trades=backtest.trades)


@pytest.mark.parametrize("seed", range(20))
def test_the_books_agree_to_the_cent(seed):
    run = random_run(seed)
    check = check_books(run.market, run.backtest())
    assert check.agrees
    assert check.max_nav_difference < 1e-6
    assert "agrees to the cent" in str(check)


@pytest.mark.parametrize("seed", range(4))
def test_the_books_agree_when_fills_are_on_minute_bars(seed):
    run = random_minutes(random_run(600 + seed, names=6, sessions=80), seed=seed)
    backtest = run.backtest()
    assert (backtest.trades["minute"] >= 0).any()
    assert check_books(run.market, backtest).max_nav_difference < 1e-6


def test_the_worlds_hold_what_the_books_must_survive():
    kinds, reasons = set(), set()
    for seed in range(20):
        run = random_run(seed)
        kinds |= set(run.market.actions["kind"])
        reasons |= set(books_of(run).trades["reason"])
    assert kinds == {"split", "dividend", "delisting"}
    assert {"entry", "stop", "delisting", "profit_take"} <= reasons


@pytest.mark.parametrize(
    ("field", "change"),
    [("price", lambda price: price * 1.001), ("shares", lambda shares: shares + 1), ("cost", lambda cost: cost + 0.02)],
)
def test_a_corrupted_fill_is_seen(field, change):
    run = random_run(2)
    books = books_of(run)
    trades = books.trades.copy()
    trades.loc[len(trades) // 2, field] = change(trades.loc[len(trades) // 2, field])
    check = check_books(run.market, replace(books, trades=trades))
    assert not check.agrees
    assert check.max_nav_difference > 0.01
    assert "DOES NOT agree; largest difference" in str(check)


@pytest.mark.parametrize("name", ["nav", "cash"])
def test_a_missing_value_does_not_agree(name):
    run = random_run(2)
    books = books_of(run)
    gap = getattr(books, name).copy()
    gap.iloc[40] = float("nan")
    assert not check_books(run.market, replace(books, **{name: gap})).agrees


def test_selling_what_is_not_held_makes_no_money():
    run = random_run(2)
    books = books_of(run)
    sale = books.trades[books.trades["side"] == "sell"].iloc[-1]
    twice = pd.concat([books.trades, sale.to_frame().T], ignore_index=True).astype(books.trades.dtypes)
    nav = rebuilt(run.market, replace(books, trades=twice))["nav"]
    assert nav.iloc[-1] <= books.nav.iloc[-1]


def test_a_split_a_dividend_and_a_delisting_by_hand():
    market = random_market(names=3, sessions=60)
    day, closes = market.sessions, market.close
    trades = pd.DataFrame(
        [
            (day[5], "N000", "buy", 11, 10.0, 0.0),
            (day[5], "N001", "buy", 10, 10.0, 0.25),
            (day[5], "N002", "buy", 10, 10.0, 0.0),
            (day[50], "N002", "sell", 10, 0.6 * closes["N002"].iloc[49], 0.0),
        ],
        columns=["date", "ticker", "side", "shares", "price", "cost"],
    )
    flat = pd.Series(1000.0, index=day)
    table = rebuilt(market, Books(nav=flat, cash=flat, trades=trades))
    # 1000 − 110 − 100.25 − 100 = 689.75; 10 shares × 0.50 at session 30; 10 × 0.6 × the last close at session 50.
    assert table["cash"].iloc[4] == 1000.0
    assert table["cash"].iloc[5] == pytest.approx(689.75)
    assert table["cash"].iloc[30] == pytest.approx(694.75)
    assert table["cash"].iloc[50] == pytest.approx(694.75 + 6 * closes["N002"].iloc[49])
    # After the split 22 shares of N000 are held, at half the price.
    held = 22 * closes["N000"].iloc[55] + 10 * closes["N001"].iloc[55]
    assert table["nav"].iloc[55] == pytest.approx(table["cash"].iloc[55] + held)


def test_fills_outside_the_books_are_refused():
    run = random_run(2)
    books = books_of(run)
    with pytest.raises(InputError, match="fills outside the sessions"):
        rebuilt(run.market, replace(books, nav=books.nav.iloc[:20], cash=books.cash.iloc[:20]))
