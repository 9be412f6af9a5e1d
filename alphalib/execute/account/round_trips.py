"""What the orders of a session did to the positions, what each sale realised, and what execution cost.

Shortfall after Perold (1988), "The implementation shortfall: paper versus reality", https://doi.org/10.3905/jpm.1988.409150:
a paper portfolio that trades everything at the price it was decided on, against what happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from alphalib.decision import Position
from alphalib.execute.broker import Side, State

Action: TypeAlias = Literal["ENTER", "EXIT", "REDUCE"]

STOPPING = frozenset({"stop", "loss_floor", "gap_exit", "collapse"})
"""Rules after whose sale a name is left alone for a while."""

_FLAGS = {"profit_take": "profit_taken", "time_reduce": "time_reduced", "intraday_profit": "intraday_profit_taken"}
"""Rule of a reduction to what the position remembers of it."""


class Done(NamedTuple):
    """An execution as it finally is, corrections applied. [shares], [currency], UTC"""

    shares: int
    price: float
    at: datetime
    commission: float = 0.0


@dataclass(frozen=True)
class Sent:
    """An order of the session: what was meant, and what became of it.

    Parameters
    ----------
    ref : str
        The order's name.
    ticker : str
        The market's column.
    action : {"ENTER", "EXIT", "REDUCE"}
        Of the whole position, or a part.
    shares : int
        Ordered. [shares]
    rule : str
        `entry`, or what sold.
    state : State
        Last known.
    perm_id : int
        The broker's number; 0 when it never gave one.
    at : datetime, optional
        When it was written down; None for an entry that was never sent.
    decided : float, optional
        Price that it was decided on: the close before, or the stop's level. [currency]
    trigger, trigger_price : str, float
        Of an entry: what made it act, and the price then. [currency]
    price : float, optional
        Last seen when it was written down. [currency]
    wanted : int, optional
        Shares that the order book wanted, for its entries and its own sales. [shares]
    fills : tuple of Done
        By time.
    """

    ref: str
    ticker: str
    action: Action
    shares: int
    rule: str
    state: State = State.UNKNOWN
    perm_id: int = 0
    at: datetime | None = None
    decided: float | None = None
    trigger: str = ""
    trigger_price: float | None = None
    price: float | None = None
    wanted: int | None = None
    fills: tuple[Done, ...] = ()

    @property
    def side(self) -> Side:
        """Which way."""
        return Side.BUY if self.action == "ENTER" else Side.SELL

    @property
    def filled(self) -> int:
        """[shares]"""
        return sum(fill.shares for fill in self.fills)

    @property
    def paid(self) -> float:
        """Mean price of its fills; NaN without one. [currency]"""
        return sum(fill.shares * fill.price for fill in self.fills) / self.filled if self.fills else np.nan

    @property
    def commission(self) -> float:
        """[currency]"""
        return sum(fill.commission for fill in self.fills)


class Realised(NamedTuple):
    """What the fills of one sale closed.

    Parameters
    ----------
    shares : int
        [shares]
    cost : float
        Average price paid for them. [currency]
    entry_date : Timestamp
        When they were bought.
    """

    shares: int
    cost: float
    entry_date: pd.Timestamp


class Walk(NamedTuple):
    """Positions after the session's fills, what each selling order realised, and what could not be."""

    positions: dict[str, Position]
    realised: dict[str, Realised]
    stopped: frozenset[str]
    faults: tuple[str, ...]


def walked(
    positions: Sequence[Position], orders: Sequence[Sent], session: pd.Timestamp, highs: Mapping[str, pd.Series]
) -> Walk:
    """Every fill of a session in its order, from the positions that it began with.

    Parameters
    ----------
    positions : sequence of Position
        At the close before, in shares of this session.
    orders : sequence of Sent
        Of the session.
    session : Timestamp
        Which.
    highs : mapping of str to Series
        Highest price of each minute, by the minute's start in UTC. [currency]
    """
    held = {position.ticker: position for position in positions}
    realised: dict[str, Realised] = {}
    since: dict[str, datetime] = {}
    stopped: set[str] = set()
    faults: list[str] = []
    steps = sorted(((fill.at, order.ref, fill, order) for order in orders for fill in order.fills), key=lambda s: s[:2])
    for _, _, fill, order in steps:
        position = held.get(order.ticker)
        if order.side is Side.BUY:
            held[order.ticker] = _bought(position, order.ticker, fill, session)
            if position is None:
                since[order.ticker] = fill.at
            continue
        if position is None or fill.shares > position.shares:
            faults.append(
                f"{order.ref} sold {fill.shares} {order.ticker} and {position.shares if position else 0} were held"
            )
        if position is None:
            continue
        sold = min(fill.shares, position.shares)
        realised[order.ref] = _with(realised.get(order.ref), sold, position)
        if order.rule in STOPPING:
            stopped.add(order.ticker)
        if order.rule in _FLAGS:
            done: dict[str, Any] = {_FLAGS[order.rule]: True}
            position = replace(position, **done)
        held.pop(order.ticker)
        if sold < position.shares:
            held[order.ticker] = replace(position, shares=position.shares - sold)
        else:
            since.pop(order.ticker, None)
    seen = {ticker: _seen(position, highs.get(ticker), since.get(ticker)) for ticker, position in held.items()}
    return Walk(dict(sorted(seen.items())), realised, frozenset(stopped), tuple(faults))


def shortfall(trades: pd.DataFrame) -> pd.DataFrame:
    """Implementation shortfall of what the order book decided: entries and its own sales, one a row.

    Parameters
    ----------
    trades : DataFrame
        `trades_full.csv`.

    Returns
    -------
    DataFrame
        Index `date, ticker, action`; `decided_shares, filled_shares` [shares] `, delay` (from the price decided on to
        the trigger's) `, execution` (from there to the fill) `, missed` (what did not fill, to the session's close) `,
        commission, shortfall` (their sum, above 0 against the book) [currency] `, shortfall_bps` (of the value decided
        on) [bps]. NaN where a price is missing.
    """
    rows = trades[trades["decided_shares"].notna()]
    keys = ["date", "ticker", "action"]
    filled = rows["filled_shares"].fillna(0.0)
    side = np.where(rows["action"] == "ENTER", 1.0, -1.0)
    trigger = rows["trigger_price"].fillna(rows["signal_price"])
    paid = rows["fill_price"].where(filled > 0, trigger)
    parts = rows[keys].assign(
        side=side,
        wanted=rows["decided_shares"],
        filled=filled,
        delay=side * filled * (trigger - rows["signal_price"]),
        execution=side * filled * (paid - trigger),
        commission=rows["commission_usd"].fillna(0.0),
        decided=rows["signal_price"],
        close=rows["session_close"],
    )
    # An order that was refused and sent again is one decision.
    first = parts.groupby(keys)[["side", "wanted", "decided", "close"]].first()
    total = parts.groupby(keys)[["filled", "delay", "execution", "commission"]].sum(min_count=1)
    missed = first["side"] * (first["wanted"] - total["filled"]).clip(lower=0) * (first["close"] - first["decided"])
    missed = missed.where(first["wanted"] > total["filled"], 0.0)
    sum_ = total["delay"] + total["execution"] + missed + total["commission"]
    return pd.DataFrame(
        {
            "decided_shares": first["wanted"].astype("int64"),
            "filled_shares": total["filled"].astype("int64"),
            "delay": total["delay"],
            "execution": total["execution"],
            "missed": missed,
            "commission": total["commission"],
            "shortfall": sum_,
            "shortfall_bps": 1e4 * sum_ / (first["wanted"] * first["decided"]),
        }
    )


def round_trips(trades: pd.DataFrame) -> pd.DataFrame:
    """Every sale with the purchase that it closed, wholly or in part.

    Parameters
    ----------
    trades : DataFrame
        `trades_full.csv`.

    Returns
    -------
    DataFrame
        `ticker, entry_date, exit_date, shares, cost, price, realized_pnl` [currency] `, return, spy, alpha` [fraction]
        `, days_held` [sessions] `, rule, slippage_in_bps, slippage_out_bps` (against the price decided on, above 0
        against the book) `, trigger_in_bps` (against the trigger's price) [bps], by exit.
    """
    sold = trades[trades["realized_pnl"].notna()]
    bought = trades.set_index("trade_id").reindex(sold["entry_trade_id"])
    gained = sold["realized_return_pct"].to_numpy(dtype=float) / 100.0
    return pd.DataFrame(
        {
            "ticker": sold["ticker"].to_numpy(),
            "entry_date": bought["date"].to_numpy(),
            "exit_date": sold["date"].to_numpy(),
            "shares": sold["filled_shares"].to_numpy(dtype=float),
            "cost": sold["fill_price"].to_numpy(dtype=float) / (1.0 + gained),
            "price": sold["fill_price"].to_numpy(dtype=float),
            "realized_pnl": sold["realized_pnl"].to_numpy(dtype=float),
            "return": gained,
            "spy": sold["spy_return_during_hold"].to_numpy(dtype=float) / 100.0,
            "alpha": sold["realized_alpha_pct"].to_numpy(dtype=float) / 100.0,
            "days_held": sold["days_held"].to_numpy(dtype=float),
            "rule": sold["exit_reason"].to_numpy(),
            "slippage_in_bps": bought["slippage_vs_signal_bps"].to_numpy(dtype=float),
            "trigger_in_bps": bought["slippage_vs_trigger_bps"].to_numpy(dtype=float),
            "slippage_out_bps": sold["slippage_vs_signal_bps"].to_numpy(dtype=float),
        }
    )


def slippage_bps(side: Side, price: float, against: float | None) -> float | None:
    """A price against another, above 0 against the book; None without both. [bps]"""
    if against is None or not against > 0 or not price > 0:
        return None
    return (1e4 if side is Side.BUY else -1e4) * (price / against - 1.0) + 0.0  # nothing is no minus nothing


def _bought(position: Position | None, ticker: str, fill: Done, session: pd.Timestamp) -> Position:
    """After one more purchase: a new position, or the average cost of both."""
    if position is None:
        return Position(ticker, fill.shares, fill.price, session, fill.price)
    shares = position.shares + fill.shares
    cost = (position.shares * position.cost + fill.shares * fill.price) / shares
    return replace(position, shares=shares, cost=cost, high_water=max(position.high_water, fill.price))


def _with(before: Realised | None, sold: int, position: Position) -> Realised:
    """What an order has realised with some more shares of the same position."""
    shares = sold + (before.shares if before else 0)
    cost = (sold * position.cost + (before.shares * before.cost if before else 0.0)) / shares
    return Realised(shares, cost, position.entry_date)


def _seen(position: Position, highs: pd.Series | None, since: datetime | None) -> Position:
    """With the session's high; of what was bought in it, from the minute of its first fill on."""
    if highs is None or highs.empty:
        return position
    later = highs if since is None else highs[highs.index >= pd.Timestamp(since).floor("min")]
    return replace(position, high_water=float(np.nanmax([position.high_water, *later])))
