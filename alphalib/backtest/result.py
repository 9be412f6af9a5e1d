"""What a simulated book did: frozen, hashed, and readable as tables."""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel

from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.performance import STATISTICS
from alphalib.backtest.triggers import Trigger
from alphalib.compiled import Bools, Floats, Ints, Records
from alphalib.decision.history import History
from alphalib.decision.shapes import Rule
from alphalib.sessions import SESSIONS_PER_YEAR, all_sessions

PAYMENTS = ("dividend", "fraction", "borrow")  # by the code of `session.Payment`


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
    params : BaseModel
        ExecutorParams, or another strategy's: what was decided by.
    costs : Costs
        What trading cost.
    left : DataFrame
        What was held at the last close: `ticker, shares, cost, mark` [currency] `, priced` (session of the last close).
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    days: Days
    logs: Logs
    params: BaseModel
    costs: Costs
    left: pd.DataFrame

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
        bought = np.isin(log["rule"], (Rule.ENTRY, Rule.COVER))  # strategies sign their shares, the rules do not
        return pd.DataFrame(
            {
                "date": _dates(log["session"]),
                "ticker": self.tickers[log["name"]],
                "side": np.where(bought, "buy", "sell"),
                "shares": np.abs(log["shares"]),
                "reason": _labels(log["rule"]),
                "bound_by": _labels(log["bound"]),
            }
        )

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Every fill, in the order it happened.

        `date, ticker, side, shares, price` (slippage in it) `, value` (shares × price) `, cost` (commission)
        `, slippage` (spread and impact) [currency] `, reason, bound_by, trigger` (of an entry) `, minute` (from the
        open, missing on daily bars) `, entry_date, realised` (sales: price over average cost − 1).
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
                "trigger": _named(log["trigger"], Trigger),
                "minute": pd.array(np.where(log["minute"] < 0, pd.NA, log["minute"]), dtype="Int64"),
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
        """Cash without a trade: `date, ticker, kind` (dividend, fraction, borrow) `, amount` [currency]."""
        log = self.logs.payments
        return pd.DataFrame(
            {
                "date": _dates(log["session"]),
                "ticker": self.tickers[log["name"]],
                "kind": np.array(PAYMENTS, dtype=object)[log["kind"]],
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
        return _digest("|".join(self.tickers).encode(), *_columns(self.logs.ordered))

    @cached_property
    def hash(self) -> str:
        """Content hash of what it was made by and of all that happened: 16 hexadecimal digits."""
        labels = ["|".join(self.tickers), "|".join(self.sessions.strftime("%Y-%m-%d"))]
        made_by = [self.params.model_dump_json(exclude={"updated_at"}), self.costs.model_dump_json()]
        content = [text.encode() for text in labels + made_by]
        for log in self.logs:
            content += _columns(log)
        return _digest(*content, *(values.tobytes() for values in self.days))

    @cached_property
    def headline(self) -> pd.Series:
        """The figures to look at first, as text, with a reason in place of one that cannot be computed."""
        nav, traded = self.days.nav, self.trades["value"].sum()
        returns = nav[1:] / nav[:-1] - 1.0
        sold = self.trades["realised"].dropna()
        years = len(returns) / SESSIONS_PER_YEAR
        figures = {"Value": f"{nav[0]:,.0f} → {nav[-1]:,.0f}"}
        for figure in STATISTICS:
            if not figure.relative and len(returns):
                figures[figure.name] = _shown(figure.formula(returns), figure.unit, figure.undefined)
        return pd.Series(
            figures
            | {
                "Exposure": f"{self.exposure.mean():.1%}",
                "Turnover a year, one way": f"{traded / 2 / nav.mean() / years:.1f}" if years else "– (one session)",
                "Fills": f"{len(self.trades):,}",
                "Sales above cost": f"{(sold > 0).mean():.1%} of {len(sold):,}" if len(sold) else "– (no sale)",
                "Costs": f"{self.total_costs:,.0f}, of which spread and impact {self.trades['slippage'].sum():,.0f}",
                "Sessions halted": f"{self.halted.mean():.1%}",
                "Held although prices have stopped": ", ".join(self.unpriced["ticker"]) or "none",
                "Hash": self.hash,
            },
            name="book",
        )

    @property
    def unpriced(self) -> pd.DataFrame:
        """What of `left` has no close at the last session: it counts at a price that nobody pays any more."""
        return self.left[self.left["priced"] < self.sessions[-1]].reset_index(drop=True)

    def __repr__(self) -> str:
        span = f"{self.sessions[0]:%Y-%m-%d} to {self.sessions[-1]:%Y-%m-%d}, {len(self.sessions):,} sessions"
        return "\n".join([f"Backtest {span}", *(f"  {name}: {text}" for name, text in self.headline.items())])

    def _repr_html_(self) -> str:
        span = f"{self.sessions[0]:%Y-%m-%d} to {self.sessions[-1]:%Y-%m-%d}, {len(self.sessions):,} sessions"
        rows = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in self.headline.items())
        note = "Single figures of one path: intervals, benchmarks and the number of trials are in `judged`."
        return f"<table><caption>{span}</caption>{rows}</table><p>{note}</p>"

    def _by_session(self, values: Floats | Ints | Bools, name: str) -> pd.Series:
        return pd.Series(values, index=self.sessions, name=name)


def _dates(numbers: Ints) -> pd.DatetimeIndex:
    return all_sessions()[numbers - 1]


def _labels(codes: Ints) -> NDArray[np.object_]:
    return _named(codes, Rule)


def _named(codes: Ints, kind: type[Rule] | type[Trigger]) -> NDArray[np.object_]:
    labels = np.array([""] * (max(kind) + 1), dtype=object)
    for code in kind:
        labels[code] = code.label
    chosen: NDArray[np.object_] = labels[codes]
    return chosen


def _columns(records: Records) -> list[bytes]:
    """Field by field, so that what lies between the fields does not count."""
    return [np.ascontiguousarray(records[field]).tobytes() for field in records.dtype.names or ()]


def _digest(*content: bytes) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for part in content:
        digest.update(part)
    return digest.hexdigest()


def _shown(value: float, unit: str, undefined: str) -> str:
    if np.isnan(value):
        return f"– ({undefined})"
    return f"{value:.2f}" if unit == "ratio" else f"{value:.1%}"


def left_of(history: History, held: Records) -> pd.DataFrame:
    """What is held at the last close, and when each name had its last one."""
    places = np.flatnonzero(held["shares"] != 0)
    closed = ~np.isnan(history.names["close"][:, places])
    return pd.DataFrame(
        {
            "ticker": history.tickers[places],
            "shares": held["shares"][places],
            "cost": held["cost"][places],
            "mark": history.names["mark"][-1, places],
            "priced": history.sessions[len(closed) - 1 - closed[::-1].argmax(axis=0)],
        }
    )
