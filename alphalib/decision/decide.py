"""`decide`: one day, one portfolio, one parameter file in; orders and every reason out."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, fields, replace
from functools import cached_property

import pandas as pd

from alphalib.decision.core import decide_day
from alphalib.decision.history import Day
from alphalib.decision.portfolio import Portfolio
from alphalib.decision.shapes import FACTORS, Orders, Rule, Verdict, empty_orders, numbers
from alphalib.errors import InputError
from alphalib.params import ExecutorParams


@dataclass(frozen=True)
class Sale:
    """A sale at the next open: the whole position (`signal` EXIT) or a part (REDUCE), and what asked for it."""

    ticker: str
    shares: int
    rule: str
    signal: str
    value: float
    limit: float


@dataclass(frozen=True)
class Purchase:
    """An entry in the next session.

    Parameters
    ----------
    ticker : str
        The market's column.
    shares : int
        Whole. [shares]
    weight : float
        Wanted, over NAV, before the rooms left by the caps. [fraction]
    bound_by : str
        The cap that bound the size, empty when none did.
    factors : tuple of (str, float)
        Every factor of the weight by name: min(base × tilts, position cap) × scalers.
    """

    ticker: str
    shares: int
    weight: float
    bound_by: str
    factors: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Refusal:
    """An entry that is not made: the rule, and its value against its limit (NaN where a rule has none)."""

    ticker: str
    rule: str
    value: float
    limit: float


@dataclass(frozen=True)
class Decision:
    """Everything decided after one close.

    Parameters
    ----------
    date : Timestamp
        The session whose close was known.
    nav, nav_peak : float
        At that close, and the peak from which the drawdown counts. [currency]
    drawdown : float
        [fraction]
    multiplier : float
        Of new entries; 0 in a halt. [fraction]
    halted : int
        Decisions in the present halt, this one included. [decisions]
    tiers_fired : int
        See `Portfolio`. [tiers]
    exits : tuple of Sale
        By ticker.
    entries : tuple of Purchase
        Best score first.
    stops : tuple of (str, float)
        Resting in the next session, for every position that is not sold whole, by ticker. [currency]
    blocked : tuple of Refusal
        Guards by ticker, then caps by score.
    """

    date: pd.Timestamp
    nav: float
    nav_peak: float
    drawdown: float
    multiplier: float
    halted: int
    tiers_fired: int
    exits: tuple[Sale, ...]
    entries: tuple[Purchase, ...]
    stops: tuple[tuple[str, float], ...]
    blocked: tuple[Refusal, ...]

    @cached_property
    def hash(self) -> str:
        """Content hash of the decision, every bit of it: 16 hexadecimal digits."""
        content = repr([getattr(self, field.name) for field in fields(self)])
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()

    def remembered(self, portfolio: Portfolio) -> Portfolio:
        """The portfolio with what this decision changes in its memory; cash and positions wait for the fills."""
        return replace(
            portfolio, nav_peak=self.nav_peak, halted=self.halted, tiers_fired=self.tiers_fired, rearmed=False
        )


def decide(portfolio: Portfolio, day: Day, params: ExecutorParams) -> Decision:
    """Decide what to do in the session after `day`: docs/rules.md. Pure and deterministic.

    Parameters
    ----------
    portfolio : Portfolio
        As it stands after the close of the day.
    day : Day
        What was known then.
    params : ExecutorParams
        The rules' numbers; its windows must be those the day was made for.

    Returns
    -------
    Decision
    """
    require_windows(day.atr_window, day.correlation_window, params)
    held, orders = portfolio.held(day.tickers), empty_orders(len(day.tickers))
    unpriced = held.shares.astype(bool) & ~(day.rows.mark > 0)
    if unpriced.any():
        raise InputError(f"{', '.join(day.tickers[unpriced])} is held but has had no price up to {day.date:%Y-%m-%d}")
    verdict = decide_day(day.rows, held, portfolio.account(), numbers(params), orders)
    return Decision(
        date=day.date,
        nav=verdict.nav,
        nav_peak=verdict.peak,
        drawdown=verdict.drawdown,
        multiplier=verdict.multiplier,
        halted=verdict.halted,
        tiers_fired=verdict.fired,
        exits=_exits(orders, verdict, day.tickers),
        entries=_entries(orders, verdict, day.tickers),
        stops=tuple(
            (str(day.tickers[name]), float(orders.stop[name]))
            for name in held.shares.nonzero()[0]
            if not math.isnan(orders.stop[name])
        ),
        blocked=_blocked(orders, verdict, day.tickers),
    )


def require_windows(atr_window: int, correlation_window: int, params: ExecutorParams) -> None:
    """Refuse parameters whose windows are not those that indicators were made for."""
    made = {"atr_window": atr_window, "correlation_window": correlation_window}
    for name, window in made.items():
        if getattr(params, name) != window:
            raise InputError(
                f"the history was made with {name}={window} and the parameters say {getattr(params, name)}; "
                "make it again with these parameters"
            )


def _exits(orders: Orders, verdict: Verdict, tickers: pd.Index) -> tuple[Sale, ...]:
    return tuple(
        Sale(
            ticker=str(tickers[orders.exit_name[place]]),
            shares=int(orders.exit_shares[place]),
            rule=Rule(orders.exit_rule[place]).label,
            signal="EXIT" if orders.exit_rule[place] <= Rule.DRAWDOWN_EXIT else "REDUCE",
            value=float(orders.exit_value[place]),
            limit=float(orders.exit_limit[place]),
        )
        for place in range(verdict.exits)
    )


def _entries(orders: Orders, verdict: Verdict, tickers: pd.Index) -> tuple[Purchase, ...]:
    return tuple(
        Purchase(
            ticker=str(tickers[orders.entry_name[place]]),
            shares=int(orders.entry_shares[place]),
            weight=float(orders.entry_weight[place]),
            bound_by=Rule(orders.entry_bound[place]).label,
            factors=tuple(zip(FACTORS, orders.entry_factors[place].tolist(), strict=True)),
        )
        for place in range(verdict.entries)
    )


def _blocked(orders: Orders, verdict: Verdict, tickers: pd.Index) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            ticker=str(tickers[orders.block_name[place]]),
            rule=Rule(orders.block_rule[place]).label,
            value=float(orders.block_value[place]),
            limit=float(orders.block_limit[place]),
        )
        for place in range(verdict.blocked)
    )
