"""`decide`: one day, one portfolio, one parameter file in; orders and every reason out."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from alphalib.compiled import Floats, Records, frozen, plain
from alphalib.decision.core import decide_once
from alphalib.decision.history import Day
from alphalib.decision.limits import numbers
from alphalib.decision.portfolio import Portfolio
from alphalib.decision.shapes import FACTORS, Rule, empty_orders
from alphalib.decision.strategies.params import Strategy
from alphalib.errors import InputError
from alphalib.params import ExecutorParams


@dataclass(frozen=True)
class Sale:
    """A sale at the next open: the whole position (`signal` EXIT) or a part (REDUCE), and what asked for it.

    Shares below 0 buy a short position back.
    """

    ticker: str
    shares: int
    rule: str
    signal: str
    value: float | None
    limit: float | None


@dataclass(frozen=True)
class Purchase:
    """An entry in the next session.

    Parameters
    ----------
    ticker : str
        The market's column.
    shares : int
        Whole; below 0 they are sold short. [shares]
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
    """An entry that is not made: the rule, and its value against its limit (None where a rule has none)."""

    ticker: str
    rule: str
    value: float | None
    limit: float | None


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
    tiers_fired, under_tier : int
        See `Portfolio`. [tiers], [decisions]
    exits : tuple of Sale
        By ticker.
    entries : tuple of Purchase
        Best score first.
    stops : tuple of (str, float)
        Resting in the next session, for every position that is not sold whole, by ticker. [currency]
    blocked : tuple of Refusal
        By guards, then by caps; each best score first.
    """

    date: pd.Timestamp
    nav: float
    nav_peak: float
    drawdown: float
    multiplier: float
    halted: int
    tiers_fired: int
    under_tier: int
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
            portfolio,
            nav_peak=self.nav_peak,
            halted=self.halted,
            tiers_fired=self.tiers_fired,
            under_tier=self.under_tier,
            rearmed=False,
            nav_before=self.nav,
        )


def decide(portfolio: Portfolio, day: Day, params: ExecutorParams | Strategy) -> Decision:
    """Decide what to do in the session after `day`: docs/rules.md. Pure and deterministic.

    Parameters
    ----------
    portfolio : Portfolio
        As it stands after the close of the day.
    day : Day
        What was known then.
    params : ExecutorParams or Strategy
        The rules' numbers, whose windows must be those the day was made for; or another strategy's numbers.

    Returns
    -------
    Decision
    """
    if isinstance(params, Strategy):
        from alphalib.decision.strategies.rebalance import decide_strategy  # it needs this module's `Decision`

        return decide_strategy(portfolio, day, params)
    portfolio.require_long("the rules")
    require_windows(day.atr_window, day.correlation_window, params)
    held, orders = portfolio.held(day.tickers), empty_orders(len(day.tickers), window=day.correlation_window)
    require_possible(held, day)
    verdict = decide_once(
        frozen(day.names), frozen(day.moment), held, plain(portfolio.account()), plain(numbers(params)), plain(orders)
    )
    tickers, kept = day.tickers.tolist(), orders.kept[: verdict.kept]
    resting = ~np.isnan(held["stop"][kept])
    return Decision(
        date=day.date,
        nav=verdict.nav,
        nav_peak=verdict.peak,
        drawdown=verdict.drawdown,
        multiplier=verdict.multiplier,
        halted=verdict.halted,
        tiers_fired=verdict.fired,
        under_tier=verdict.under,
        exits=tuple(_sale(order, tickers) for order in orders.exits[: verdict.exits]),
        entries=tuple(
            _purchase(order, factors, tickers)
            for order, factors in zip(orders.entries[: verdict.entries], orders.factors, strict=False)
        ),
        stops=tuple((tickers[place], float(held["stop"][place])) for place in kept[resting]),
        blocked=_refusals(orders.refused[: verdict.refused], tickers),
    )


def require_possible(held: Records, day: Day) -> None:
    """Refuse positions that nobody can have at this close: never priced, or bought later."""
    unpriced = (held["shares"] != 0) & ~(day.names["mark"] > 0)
    if unpriced.any():
        raise InputError(f"{', '.join(day.tickers[unpriced])} is held but has had no price up to {day.date:%Y-%m-%d}")
    later = (held["shares"] != 0) & (held["entered"] > day.moment.session)
    if later.any():
        raise InputError(f"{', '.join(day.tickers[later])} is held on {day.date:%Y-%m-%d} but was bought later")


def require_windows(atr_window: int, correlation_window: int, params: ExecutorParams) -> None:
    """Refuse parameters whose windows are not those that indicators were made for."""
    made = {"atr_window": atr_window, "correlation_window": correlation_window}
    for name, window in made.items():
        if getattr(params, name) != window:
            raise InputError(
                f"the history was made with {name}={window} and the parameters say {getattr(params, name)}; "
                "make it again with these parameters"
            )


def _sale(order: Any, tickers: list[str]) -> Sale:
    return Sale(
        ticker=tickers[order["name"]],
        shares=int(order["shares"]),
        rule=Rule(order["rule"]).label,
        signal="EXIT" if order["rule"] <= Rule.DRAWDOWN_EXIT else "REDUCE",
        value=_known(order["value"]),
        limit=_known(order["limit"]),
    )


def _purchase(order: Any, factors: Floats, tickers: list[str]) -> Purchase:
    return Purchase(
        ticker=tickers[order["name"]],
        shares=int(order["shares"]),
        weight=float(order["weight"]),
        bound_by=Rule(order["bound"]).label,
        factors=tuple(zip(FACTORS, factors.tolist(), strict=True)),
    )


def _refusals(refused: Records, tickers: list[str]) -> tuple[Refusal, ...]:
    columns = (refused[field].tolist() for field in ("name", "rule", "value", "limit"))
    return tuple(
        Refusal(tickers[place], Rule(rule).label, _known(value), _known(limit))
        for place, rule, value, limit in zip(*columns, strict=True)
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
