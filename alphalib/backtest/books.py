"""The books once more, by vectorbt: from a backtest's fills alone to cash and NAV, which must agree to the cent.

vectorbt knows no splits, dividends or order of events within a day. So shares are counted in units of the first session
(shares ÷ split factor, at price × split factor), in which a split changes nothing but for the fraction paid out, which
is sold; a day is several bars: what corporate actions pay, then sales and purchases in turn, one of a name in a bar,
then the close; and dividends are claims, handed out for nothing, worth nothing until they are sold for 1 each when the
dividend is paid.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import Market

PAYMENTS, FILLS = 0, 1
CLOSE = 1_000_000  # after all fills of a session
CLAIMS = "(dividends)"
CENT = 0.01


class Books(Protocol):
    """What is needed of a backtest: daily NAV and cash, and the fills behind them."""

    @property
    def nav(self) -> pd.Series:
        """NAV at each close. [currency]"""

    @property
    def cash(self) -> pd.Series:
        """Cash at each close. [currency]"""

    @property
    def trades(self) -> pd.DataFrame:
        """Fills."""


@dataclass(frozen=True)
class BooksCheck:
    """Largest differences between a backtest's books and vectorbt's, and whether they are below a cent. [currency]"""

    max_cash_difference: float
    max_nav_difference: float
    agrees: bool

    def __str__(self) -> str:
        largest = max(self.max_cash_difference, self.max_nav_difference)
        said = "agrees to the cent" if self.agrees else "DOES NOT agree"
        return f"vectorbt rebuilt the book from its fills and {said}; largest difference {largest:.2g}"


def check_books(market: Market, backtest: Books) -> BooksCheck:
    """Compare cash and NAV of every session with vectorbt's."""
    other = rebuilt(market, backtest)
    cash = float(np.abs(other["cash"] - backtest.cash).max(skipna=False))
    nav = float(np.abs(other["nav"] - backtest.nav).max(skipna=False))
    return BooksCheck(max_cash_difference=cash, max_nav_difference=nav, agrees=cash < CENT and nav < CENT)


def rebuilt(market: Market, backtest: Books) -> pd.DataFrame:
    """Cash and NAV at each close, rebuilt by vectorbt from the fills and the corporate actions.

    Parameters
    ----------
    market : Market
        The one simulated.
    backtest : Books
        `trades` with `date, ticker, side` ("buy" or "sell"), `shares`, `price` with slippage and `cost`, the commission
        [currency], in the order of filling. Nothing but the first value is taken from `nav`.

    Returns
    -------
    DataFrame
        Sessions of `backtest.nav` down; `nav`, `cash`. [currency]
    """
    sessions = pd.DatetimeIndex(backtest.nav.index)
    if "short" in backtest.trades.get("reason", pd.Series(dtype=str)).to_numpy():
        raise InputError("vectorbt rebuilds long books only, this one sells short")
    orders = _orders(market, backtest.trades)
    if not orders["row"].isin(market.sessions.get_indexer(sessions)).all():
        raise InputError("the backtest has fills outside the sessions of its NAV")
    bars = _bars(market.sessions.get_indexer(sessions), orders)
    columns = pd.Index([*sorted(set(orders["ticker"]) - {CLAIMS}), CLAIMS])
    size, price, fees = (_matrix(orders, field, bars, columns) for field in ("size", "price", "fees"))
    claims = columns.get_loc(CLAIMS)
    total = -np.nansum(size[:, claims])
    if total > 0:
        size[0, claims], price[0, claims], fees[0, claims] = total, 1.0, -total
    adjusted = (market.close * market.split_factor).ffill().reindex(columns=columns).fillna(0.0)
    close = adjusted.to_numpy()[bars.get_level_values("row")]
    portfolio = _vectorbt().Portfolio.from_orders(
        close=pd.DataFrame(close, columns=columns),
        size=size,
        price=price,
        fixed_fees=np.nan_to_num(fees),
        init_cash=float(backtest.nav.iloc[0]),
        direction="longonly",
        group_by=True,
        cash_sharing=True,
        freq="1D",
    )
    closing = bars.get_level_values("stage") == CLOSE
    return pd.DataFrame(
        {"nav": portfolio.value().to_numpy()[closing], "cash": portfolio.cash().to_numpy()[closing]}, index=sessions
    )


def _vectorbt() -> Any:
    """Import vectorbt: seconds, so only here; 252 sessions a year and no widgets, which vanish from saved notebooks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports warn under pandas 3
        import vectorbt
    vectorbt.settings.returns["year_freq"] = "252 days"
    vectorbt.settings.plotting["use_widgets"] = False
    return vectorbt


def _orders(market: Market, trades: pd.DataFrame) -> pd.DataFrame:
    """Every change of units: fills, fractions of shares paid out at a split, claims paid as dividends.

    Returns
    -------
    DataFrame
        `row` of the session, `stage` of the day, `ticker`, `size` [units of the first session], `price` in that unit,
        `fees` [currency].
    """
    factor = {name: column.to_numpy() for name, column in market.split_factor.items()}
    last = {name: column.to_numpy() for name, column in (market.close * market.split_factor).ffill().items()}
    shares: dict[str, float] = {}
    orders: list[tuple[int, int, str, float, float, float]] = []
    for row, happened in _events(market, trades):
        held = dict(shares)
        for name, ratio in happened["split"]:
            exact = round(shares.get(name, 0) * ratio, 9)
            shares[name] = math.floor(exact)
            if exact > shares[name]:
                units = (exact - shares[name]) / factor[name][row]
                orders.append((row, PAYMENTS, name, -units, last[name][row - 1], 0.0))
        dividends = sum(held.get(name, 0) * amount for name, amount in happened["dividend"])
        if dividends > 0:
            orders.append((row, PAYMENTS, CLAIMS, -dividends, 1.0, 0.0))
        stage, side, traded = FILLS, "sell", set[str]()
        for trade in happened["trade"]:
            if trade.side != side or trade.ticker in traded:
                stage, side, traded = stage + 1, trade.side, set()
            traded.add(trade.ticker)
            signed = trade.shares if trade.side == "buy" else -trade.shares
            shares[trade.ticker] = shares.get(trade.ticker, 0) + signed
            per_unit = factor[trade.ticker][row]
            orders.append((row, stage, trade.ticker, signed / per_unit, trade.price * per_unit, trade.cost))
    return pd.DataFrame(orders, columns=["row", "stage", "ticker", "size", "price", "fees"])


def _events(market: Market, trades: pd.DataFrame) -> list[tuple[int, dict[str, list[Any]]]]:
    """Splits, dividends and fills by session, in the order of time."""
    happened: dict[int, dict[str, list[Any]]] = {}

    def add(date: pd.Timestamp, kind: str, event: Any) -> None:
        if date in market.close.index:
            of_day = happened.setdefault(int(market.sessions.get_loc(date)), {"split": [], "dividend": [], "trade": []})
            of_day[kind].append(event)

    for action in market.actions.itertuples():
        if action.kind in ("split", "dividend") and action.ticker in market.tickers:
            add(action.date, action.kind, (action.ticker, action.value))
    for trade in trades.itertuples():
        add(trade.date, "trade", trade)
    return sorted(happened.items())


def _bars(rows: np.ndarray[Any, Any], orders: pd.DataFrame) -> pd.MultiIndex:
    """The bars of vectorbt: a first one before everything, then per session those with orders, and its last one."""
    wanted = {(int(rows[0]), -1), *((int(row), CLOSE) for row in rows)}
    wanted |= set(zip(orders["row"].astype(int), orders["stage"].astype(int), strict=True))
    return pd.MultiIndex.from_tuples(sorted(wanted), names=["row", "stage"])


def _matrix(orders: pd.DataFrame, field: str, bars: pd.MultiIndex, columns: pd.Index) -> np.ndarray[Any, Any]:
    """One field of the orders with bars down and names across; NaN where there is no order."""
    matrix = np.full((len(bars), len(columns)), np.nan)
    at = bars.get_indexer(pd.MultiIndex.from_frame(orders[["row", "stage"]])), columns.get_indexer(orders["ticker"])
    matrix[at] = orders[field]
    return matrix
