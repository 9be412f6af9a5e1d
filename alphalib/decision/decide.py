"""`decide`: one day, one portfolio, one parameter file in; orders and every reason out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alphalib.compiled import Floats, Records, frozen, plain
from alphalib.decision.core import decide_once
from alphalib.decision.history import Day
from alphalib.decision.limits import numbers
from alphalib.decision.outcome import Decision, Purchase, Refusal, Sale
from alphalib.decision.portfolio import Portfolio, require_possible
from alphalib.decision.shapes import FACTORS, Rule, empty_orders
from alphalib.decision.strategies.params import Strategy
from alphalib.errors import InputError
from alphalib.params import ExecutorParams


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
