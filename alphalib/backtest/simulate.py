"""A book lived through day by day: decide at each close, fill in the next session. One compiled loop over both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.backtest import session as session_module
from alphalib.backtest.costs import Costs
from alphalib.backtest.session import DIVIDEND, FILL, PAYMENT, Log, Tariff, trade_session
from alphalib.compiled import Bools, Floats, Ints, Records, compiled, entry_point, frozen, plain, stamp
from alphalib.decision import core
from alphalib.decision.core import SOURCES as DECISION_SOURCES
from alphalib.decision.core import decide_day
from alphalib.decision.decide import require_windows
from alphalib.decision.history import History, Moments
from alphalib.decision.shapes import (
    HELD,
    ORDER,
    REFUSED,
    Account,
    Moment,
    Numbers,
    Orders,
    Rule,
    Verdict,
    empty_orders,
    numbers,
)
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from alphalib.risk.drawdown import Tiers
from alphalib.sessions import all_sessions


class Days(NamedTuple):
    """One number a session."""

    nav: Floats
    cash: Floats
    multiplier: Floats
    positions: Ints
    halted: Bools


class Logs(NamedTuple):
    """Records of `Order`, `Refused`, `Fill` and `Payment`, in the order they happened."""

    ordered: Records
    refused: Records
    fills: Records
    payments: Records


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
    logs : Logs
        Raw records; read `orders`, `trades`, `payments` and `blocked`.
    params : ExecutorParams
        What was decided by.
    costs : Costs
        What trading cost.
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    days: Days
    logs: Logs
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
        log = self.logs.ordered
        return pd.DataFrame(
            {
                "date": _dates(log["session"]),
                "ticker": self.tickers[log["name"]],
                "side": np.where(log["rule"] == Rule.ENTRY, "buy", "sell"),
                "shares": log["shares"],
                "reason": _labels(log["rule"]),
                "bound_by": _labels(log["bound"]),
            }
        )

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Every fill, in the order it happened.

        `date, ticker, side, shares, price` (slippage in it) `, value` (shares × price) `, cost` (commission)
        `, slippage` [currency] `, reason, bound_by, entry_date, realised` (sales: price over average cost − 1).
        A purchase takes value + cost out of the cash, a sale brings value − cost in.
        """
        log = self.logs.fills
        shares = np.abs(log["shares"])
        return pd.DataFrame(
            {
                "date": _dates(log["session"]),
                "ticker": self.tickers[log["name"]],
                "side": np.where(log["shares"] > 0, "buy", "sell"),
                "shares": shares,
                "price": log["price"],
                "value": shares * log["price"],
                "cost": log["cost"],
                "slippage": log["slippage"],
                "reason": _labels(log["rule"]),
                "bound_by": _labels(log["bound"]),
                "entry_date": _dates(log["entered"]),
                "realised": log["realised"],
            }
        )

    @property
    def total_costs(self) -> float:
        """Commission and slippage of all trades. [currency]"""
        return float(self.logs.fills["cost"].sum() + self.logs.fills["slippage"].sum())

    @cached_property
    def payments(self) -> pd.DataFrame:
        """Cash that came in without a trade: `date, ticker, kind` (dividend, fraction) `, amount` [currency]."""
        log = self.logs.payments
        return pd.DataFrame(
            {
                "date": _dates(log["session"]),
                "ticker": self.tickers[log["name"]],
                "kind": np.where(log["kind"] == DIVIDEND, "dividend", "fraction"),
                "amount": log["amount"],
            }
        )

    @cached_property
    def blocked(self) -> pd.DataFrame:
        """Every entry not made, by the session it was decided in: `date, ticker, rule, value, limit`."""
        log = self.logs.refused
        return pd.DataFrame(
            {
                "date": _dates(log["session"]),
                "ticker": self.tickers[log["name"]],
                "rule": _labels(log["rule"]),
                "value": log["value"],
                "limit": log["limit"],
            }
        )

    @cached_property
    def order_hash(self) -> str:
        """Content hash of every order in turn: 16 hexadecimal digits."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update("|".join(self.tickers).encode())
        digest.update(self.logs.ordered.tobytes())
        return digest.hexdigest()

    def _by_session(self, values: Floats | Ints | Bools, name: str) -> pd.Series:
        return pd.Series(values, index=self.sessions, name=name)


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
    tickers = len(history.tickers)
    days, *logs = run(
        frozen(history.names),
        frozen(history.bars),
        frozen(history.moments),
        plain(numbers(params)),
        (costs.slippage, costs.commission),
        float(cash),
        np.zeros(tickers, HELD),
        plain(empty_orders(tickers)),
        tuple(np.zeros(256, kind) for kind in (ORDER, REFUSED, FILL, PAYMENT)),
    )
    return Backtest(history.sessions, history.tickers, days, Logs(*logs), params, costs)


@entry_point
def run(
    names: Records,
    bars: Records,
    known: tuple[Any, ...],
    limits: tuple[Any, ...],
    costs: tuple[float, float],
    cash: float,
    held: Records,
    lists: tuple[Any, ...],
    logs: tuple[Records, ...],
    sources: int = stamp(core, session_module) + DECISION_SOURCES,
) -> tuple[Days, Records, Records, Records, Records]:
    """The loop: a session, then the decision at its close. The first session only decides."""
    moments, orders, tariff = Moments(*known), Orders(*lists), Tariff(*costs)
    rules = Numbers(Tiers(*limits[0]), *limits[1:])
    sessions, tickers = names.shape
    days = Days(
        np.empty(sessions),
        np.empty(sessions),
        np.empty(sessions),
        np.empty(sessions, np.int64),
        np.empty(sessions, np.bool_),
    )
    ordered, refused, fills, payments = logs
    used, n_ordered, n_refused = np.zeros(2, np.int64), 0, 0
    verdict = Verdict(cash, cash, 0.0, 1.0, 0, 0, 0, 0, 0, 0)
    for t in range(sessions):
        if t > 0:
            fills = with_room(fills, used[0], 3 * tickers)
            payments = with_room(payments, used[1], 2 * tickers)
            log = Log(fills, payments, used)
            cash = trade_session(moments.session[t], bars[t], names[t - 1], held, cash, orders, verdict, tariff, log)
        moment = Moment(moments.returns, t + 1, moments.regime[t], moments.age[t], moments.session[t])
        account = Account(cash, verdict.peak, verdict.halted, verdict.fired, False)
        verdict = decide_day(names[t], moment, held, account, rules, orders)
        ordered = with_room(ordered, n_ordered, verdict.exits + verdict.entries)
        n_ordered = append(ordered, n_ordered, orders.exits, verdict.exits)
        n_ordered = append(ordered, n_ordered, orders.entries, verdict.entries)
        refused = with_room(refused, n_refused, verdict.refused)
        n_refused = append(refused, n_refused, orders.refused, verdict.refused)
        days.nav[t], days.cash[t], days.multiplier[t] = verdict.nav, cash, verdict.multiplier
        days.positions[t], days.halted[t] = verdict.kept, verdict.halted > 0
    return days, ordered[:n_ordered], refused[:n_refused], fills[: used[0]], payments[: used[1]]


@compiled
def with_room(records: Records, used: int, wanted: int) -> Records:
    """Records with room for `wanted` more; grown by doubling."""
    if used + wanted <= len(records):
        return records
    grown = np.empty(2 * (used + wanted), records.dtype)
    append(grown, 0, records, used)
    return grown


@compiled
def append(records: Records, used: int, more: Records, count: int) -> int:
    """Copy the first `count` of `more` behind the first `used` of `records`; returns how many are used then."""
    for place in range(count):
        records[used + place] = more[place]
    return used + count


def _dates(numbers: Ints) -> pd.DatetimeIndex:
    return all_sessions()[numbers - 1]


def _labels(codes: Ints) -> NDArray[np.object_]:
    labels = np.array([""] * (max(Rule) + 1), dtype=object)
    for rule in Rule:
        labels[rule] = rule.label
    chosen: NDArray[np.object_] = labels[codes]
    return chosen
