"""A book lived through day by day: decide at each close, fill in the next session. One compiled loop over both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from alphalib.backtest import session as session_module
from alphalib.backtest.costs import Costs
from alphalib.backtest.session import Fills, Tariff, empty_fills, trade_session
from alphalib.compiled import Bools, Floats, Ints, compiled, entry_point, stamp
from alphalib.decision import core
from alphalib.decision.core import SOURCES as DECISION_SOURCES
from alphalib.decision.core import decide_day
from alphalib.decision.decide import require_windows
from alphalib.decision.history import Bars, History
from alphalib.decision.shapes import (
    Account,
    Held,
    Numbers,
    Orders,
    Rows,
    Rule,
    Verdict,
    empty_orders,
    nothing_held,
    numbers,
)
from alphalib.errors import InputError
from alphalib.params import ExecutorParams


class Days(NamedTuple):
    """One number a session."""

    nav: Floats
    cash: Floats
    positions: Ints
    peak: Floats
    multiplier: Floats
    halted: Bools


@dataclass(frozen=True, eq=False)
class Backtest:
    """What a simulated book did.

    Parameters
    ----------
    sessions : DatetimeIndex
        The history's.
    tickers : Index
        The history's.
    days : Days
        Arrays over the sessions.
    ordered, filled, paid, refused : array
        Raw records, one a row; read `orders`, `trades`, `payments` and `blocked`.
    params : ExecutorParams
        What was decided by.
    costs : Costs
        What trading cost.
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    days: Days
    ordered: Floats
    filled: Floats
    paid: Floats
    refused: Floats
    params: ExecutorParams
    costs: Costs

    @cached_property
    def nav(self) -> pd.Series:
        """Net asset value at each close. [currency]"""
        return self._by_session(self.days.nav, "nav")

    @cached_property
    def cash(self) -> pd.Series:
        """Cash at each close. [currency]"""
        return self._by_session(self.days.cash, "cash")

    @cached_property
    def exposure(self) -> pd.Series:
        """Value of the positions over NAV at each close. [fraction]"""
        return self._by_session(1.0 - self.days.cash / self.days.nav, "exposure")

    @cached_property
    def positions(self) -> pd.Series:
        """Names held at each close. [names]"""
        return self._by_session(self.days.positions, "positions")

    @cached_property
    def drawdown(self) -> pd.Series:
        """NAV over its highest so far − 1, whatever was re-armed in between. [fraction]"""
        return self._by_session(self.days.nav / np.maximum.accumulate(self.days.nav) - 1.0, "drawdown")

    @cached_property
    def halted(self) -> pd.Series:
        """Whether the decision after each close allowed no entries. [bool]"""
        return self._by_session(self.days.halted, "halted")

    @cached_property
    def multiplier(self) -> pd.Series:
        """Share of their size that new entries got after each close. [fraction]"""
        return self._by_session(self.days.multiplier, "multiplier")

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Every order, by the session it was decided in: `date, ticker, side, shares, reason, bound_by`."""
        date, ticker, shares, rule, bound = self.ordered.T
        return pd.DataFrame(
            {
                "date": self._dates(date),
                "ticker": self._names(ticker),
                "side": np.where(shares > 0, "buy", "sell"),
                "shares": np.abs(shares).astype(int),
                "reason": _labels(rule),
                "bound_by": _labels(bound),
            }
        )

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Every fill, in the order it happened.

        `date, ticker, side, shares, price` (slippage in it) `, value` (shares × price) `, cost` (commission)
        `, slippage` [currency] `, reason, bound_by, entry_date, realised` (sales: price over average cost − 1).
        A purchase takes value + cost out of the cash, a sale brings value − cost in.
        """
        date, ticker, rule, shares, price, cost, slippage, bound, entered, realised = self.filled.T
        return pd.DataFrame(
            {
                "date": self._dates(date),
                "ticker": self._names(ticker),
                "side": np.where(shares > 0, "buy", "sell"),
                "shares": np.abs(shares).astype(int),
                "price": price,
                "value": np.abs(shares) * price,
                "cost": cost,
                "slippage": slippage,
                "reason": _labels(rule),
                "bound_by": _labels(bound),
                "entry_date": self._dates(entered),
                "realised": realised,
            }
        )

    @property
    def total_costs(self) -> float:
        """Commission and slippage of all trades. [currency]"""
        return float(self.filled[:, 5:7].sum())

    @cached_property
    def payments(self) -> pd.DataFrame:
        """Cash that came in without a trade: `date, ticker, kind` (dividend, fraction) `, amount` [currency]."""
        date, ticker, kind, amount = self.paid.T
        return pd.DataFrame(
            {
                "date": self._dates(date),
                "ticker": self._names(ticker),
                "kind": np.where(kind == session_module.DIVIDEND, "dividend", "fraction"),
                "amount": amount,
            }
        )

    @cached_property
    def blocked(self) -> pd.DataFrame:
        """Every entry not made, by the session it was decided in: `date, ticker, rule, value, limit`."""
        date, ticker, rule, value, limit = self.refused.T
        return pd.DataFrame(
            {
                "date": self._dates(date),
                "ticker": self._names(ticker),
                "rule": _labels(rule),
                "value": value,
                "limit": limit,
            }
        )

    @cached_property
    def order_hash(self) -> str:
        """Content hash of every order in turn: 16 hexadecimal digits."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update("|".join(self.tickers).encode())
        digest.update(self.sessions.to_numpy().tobytes())
        digest.update(np.ascontiguousarray(self.ordered).tobytes())
        return digest.hexdigest()

    def _by_session(self, values: Floats | Ints | Bools, name: str) -> pd.Series:
        return pd.Series(values, index=self.sessions, name=name)

    def _dates(self, rows: Floats) -> pd.DatetimeIndex:
        return self.sessions[rows.astype(np.intp)]

    def _names(self, columns: Floats) -> pd.Index:
        return self.tickers[columns.astype(np.intp)]


def simulate(
    history: History, params: ExecutorParams, *, costs: Costs | None = None, cash: float = 1_000_000.0
) -> Backtest:
    """Run the book over a whole history.

    Parameters
    ----------
    history : History
        Made once; may serve hundreds of settings, as long as their windows are its own.
    params : ExecutorParams
        The rules' numbers.
    costs : Costs, optional
        5 bps slippage and 1 bp commission without it.
    cash : float
        To start with. [currency]

    Returns
    -------
    Backtest
    """
    if not cash > 0:
        raise InputError(f"cash must be above 0, got {cash}")
    require_windows(history.atr_window, history.correlation_window, params)
    costs = costs or Costs()
    names = len(history.tickers)
    days, ordered, filled, paid, refused = run(
        history.rows,
        history.bars,
        numbers(params),
        Tariff(costs.slippage, costs.commission),
        float(cash),
        nothing_held(names),
        empty_orders(names),
        empty_fills(names),
    )
    return Backtest(history.sessions, history.tickers, days, ordered, filled, paid, refused, params, costs)


@entry_point
def run(
    rows: Rows[Ints],
    bars: Bars,
    limits: Numbers,
    tariff: Tariff,
    cash: float,
    held: Held,
    orders: Orders,
    fills: Fills,
    sources: int = stamp(core, session_module) + DECISION_SOURCES,
) -> tuple[Days, Floats, Floats, Floats, Floats]:
    """The loop: a session, then the decision at its close. The first session only decides."""
    count = len(rows.session)
    days = Days(
        np.empty(count),
        np.empty(count),
        np.empty(count, np.int64),
        np.empty(count),
        np.empty(count),
        np.empty(count, np.bool_),
    )
    ordered, filled, paid, refused = np.empty((256, 5)), np.empty((256, 10)), np.empty((256, 4)), np.empty((256, 5))
    n_ordered, n_filled, n_paid, n_refused = 0, 0, 0, 0
    verdict = Verdict(cash, cash, 0.0, 1.0, 0, 0, 0, 0, 0)
    for t in range(count):
        if t > 0:
            bar = Bars(bars.open[t], bars.high[t], bars.low[t], bars.split[t], bars.dividend[t], bars.delisting[t])
            cash = trade_session(bar, rows.mark[t - 1], rows.session[t], held, cash, orders, verdict, tariff, fills)
            filled, n_filled = note_fills(filled, n_filled, t, rows.session, fills)
            paid, n_paid = note_payments(paid, n_paid, t, fills)
        day = row_of(rows, t)
        account = Account(cash, verdict.peak, verdict.halted, verdict.fired, False)
        verdict = decide_day(day, held, account, limits, orders)
        ordered, n_ordered = note_orders(ordered, n_ordered, t, orders, verdict)
        refused, n_refused = note_refusals(refused, n_refused, t, orders, verdict)
        days.nav[t], days.cash[t], days.peak[t] = verdict.nav, cash, verdict.peak
        days.positions[t] = np.count_nonzero(held.shares)
        days.multiplier[t], days.halted[t] = verdict.multiplier, verdict.halted > 0
    return days, ordered[:n_ordered], filled[:n_filled], paid[:n_paid], refused[:n_refused]


@compiled
def row_of(rows: Rows[Ints], t: int) -> Rows[int]:
    """One session of a history's arrays."""
    return Rows(
        rows.close[t],
        rows.mark[t],
        rows.atr[t],
        rows.rsi[t],
        rows.momentum[t],
        rows.sector_momentum[t],
        rows.low[t],
        rows.score[t],
        rows.upside[t],
        rows.percentile[t],
        rows.signal[t],
        rows.conviction[t],
        rows.sector[t],
        rows.rating[t],
        rows.veto[t],
        rows.tradable[t],
        rows.report_in[t],
        rows.returns,
        rows.end[t],
        rows.regime[t],
        rows.age[t],
        rows.session[t],
    )


@compiled
def with_room(records: Floats, used: int, wanted: int) -> Floats:
    """Records with room for `wanted` more; grown by doubling."""
    if used + wanted <= len(records):
        return records
    grown = np.empty((2 * (used + wanted), records.shape[1]))
    grown[:used] = records[:used]
    return grown


@compiled
def note_orders(records: Floats, used: int, t: int, orders: Orders, verdict: Verdict) -> tuple[Floats, int]:
    """Append the day's orders: session, ticker, shares (sales negative), rule, bound."""
    records = with_room(records, used, verdict.exits + verdict.entries)
    for place in range(verdict.exits):
        records[used, 0] = t
        records[used, 1] = orders.exit_name[place]
        records[used, 2] = -orders.exit_shares[place]
        records[used, 3] = orders.exit_rule[place]
        records[used, 4] = 0
        used += 1
    for place in range(verdict.entries):
        records[used, 0] = t
        records[used, 1] = orders.entry_name[place]
        records[used, 2] = orders.entry_shares[place]
        records[used, 3] = Rule.ENTRY.value
        records[used, 4] = orders.entry_bound[place]
        used += 1
    return records, used


@compiled
def note_refusals(records: Floats, used: int, t: int, orders: Orders, verdict: Verdict) -> tuple[Floats, int]:
    """Append what the day blocked: session, ticker, rule, value, limit."""
    records = with_room(records, used, verdict.blocked)
    for place in range(verdict.blocked):
        records[used, 0] = t
        records[used, 1] = orders.block_name[place]
        records[used, 2] = orders.block_rule[place]
        records[used, 3] = orders.block_value[place]
        records[used, 4] = orders.block_limit[place]
        used += 1
    return records, used


@compiled
def note_fills(records: Floats, used: int, t: int, sessions: Ints, fills: Fills) -> tuple[Floats, int]:
    """Append the session's fills: session, ticker, rule, shares, price, cost, slippage, bound, entered, realised."""
    records = with_room(records, used, fills.counts[0])
    for place in range(fills.counts[0]):
        records[used, 0] = t
        records[used, 1] = fills.name[place]
        records[used, 2] = fills.rule[place]
        records[used, 3] = fills.shares[place]
        records[used, 4] = fills.price[place]
        records[used, 5] = fills.cost[place]
        records[used, 6] = fills.slippage[place]
        records[used, 7] = fills.bound[place]
        records[used, 8] = np.searchsorted(sessions, fills.entered[place])
        records[used, 9] = fills.gain[place]
        used += 1
    return records, used


@compiled
def note_payments(records: Floats, used: int, t: int, fills: Fills) -> tuple[Floats, int]:
    """Append the session's payments: session, ticker, kind, amount."""
    records = with_room(records, used, fills.counts[1])
    for place in range(fills.counts[1]):
        records[used, 0] = t
        records[used, 1] = fills.paid_name[place]
        records[used, 2] = fills.paid_kind[place]
        records[used, 3] = fills.paid[place]
        used += 1
    return records, used


def _labels(codes: Floats) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    names = np.array([""] * (max(Rule) + 1), dtype=object)
    for rule in Rule:
        names[rule] = rule.label
    chosen: np.ndarray[tuple[int], np.dtype[np.object_]] = names[codes.astype(np.intp)]
    return chosen
