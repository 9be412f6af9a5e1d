"""What each strategy wants of a day: target weights, and why a name is sold. Whether it gets them is `rebalance`'s."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphalib.compiled import Bools, Floats, Ints
from alphalib.decision.history import Day
from alphalib.decision.shapes import Rule
from alphalib.decision.strategies.meanvariance import Limits, covariance_ewma, covariance_shrunk, mean_variance
from alphalib.decision.strategies.params import (
    BetaNeutral,
    DollarNeutral,
    MeanVariance,
    Strategy,
    TopkDropout,
)
from alphalib.decision.strategies.weights import betas, neutral_weights, ranks, topk_dropout
from alphalib.errors import InputError
from alphalib.market import SECTORS
from alphalib.sessions import SESSIONS_PER_YEAR


class Book(NamedTuple):
    """A book at a close as a strategy sees it, over the day's names.

    Parameters
    ----------
    shares : array of int
        Shorts negative. [shares]
    weight : array
        Value over NAV, shorts negative. [fraction]
    age : array of int
        Since the entry. [sessions]
    nav : float
        [currency]
    """

    shares: Ints
    weight: Floats
    age: Ints
    nav: float


class Plan(NamedTuple):
    """What a strategy wants, over the day's names.

    Parameters
    ----------
    weight : array
        Target over NAV; NaN leaves the position as it is. [fraction]
    rank : array of int
        As `weights.ranks` gives it: the order in which rooms are given out. [names]
    rule : Rule
        Why a long position is sold whole.
    limit : float
        Of that rule, whose value is the rank; NaN when it has none.
    refused : array of int
        Names that were wanted and cannot be had because the limits leave no way.
    """

    weight: Floats
    rank: Ints
    rule: Rule
    limit: float
    refused: Ints


def plan(day: Day, book: Book, params: Strategy) -> Plan:
    """What the strategy wants after this close."""
    if isinstance(params, TopkDropout):
        return _topk(day, book, params)
    if isinstance(params, DollarNeutral | BetaNeutral):
        return _neutral(day, book, params)
    if isinstance(params, MeanVariance):
        return _mean_variance(day, book, params)
    raise InputError(
        f"{type(params).__name__} is no strategy; use TopkDropout, DollarNeutral, BetaNeutral, MeanVariance"
    )


def _topk(day: Day, book: Book, params: TopkDropout) -> Plan:
    held, tradable = book.shares != 0, day.names["tradable"]
    rank = ranks(day.names["percentile"], tradable)
    may_drop = (book.age >= params.hold_sessions) & ~np.isnan(day.names["close"])
    dropped, bought = topk_dropout(rank, held, may_drop, topk=params.topk, n_drop=params.n_drop, buffer=params.buffer)
    weight = np.full(len(rank), np.nan)
    kept = held.copy()
    kept[dropped] = False
    free = max(params.max_equity_pct - float(book.weight[kept].sum()), 0.0)
    weight[dropped], weight[bought] = 0.0, min(free / max(len(bought), 1), params.max_position_pct)
    return Plan(weight, rank, Rule.DROPPED, float(params.topk + params.buffer), _none())


def _neutral(day: Day, book: Book, params: DollarNeutral | BetaNeutral) -> Plan:
    rank = ranks(day.names["percentile"], day.names["tradable"])
    exposure = np.ones(len(rank))
    if isinstance(params, BetaNeutral):
        exposure = betas(_returns(day, params.beta_window, "beta_window"), shrinkage=params.beta_shrinkage)
    adv = day.names["adv"]
    liquid = np.where(adv > 0, params.max_adv_pct * adv / book.nav, np.inf)
    weight = neutral_weights(
        rank,
        exposure,
        day.names["sector"].astype(np.int64),
        tail=params.tail,
        gross=min(params.gross, params.max_equity_pct),
        max_position=np.minimum(params.max_position_pct, liquid),
        max_sector=params.max_sector_pct,
    )
    return Plan(weight, rank, Rule.DROPPED, np.nan, _none())


def _mean_variance(day: Day, book: Book, params: MeanVariance) -> Plan:
    names, held = day.names, book.shares != 0
    rank = ranks(names["percentile"], names["tradable"])
    returns = _returns(day, params.covariance_window, "covariance_window")
    measured = 2 * (~np.isnan(returns)).sum(axis=0) >= len(returns)
    wanted = (rank <= params.candidates) & measured
    chosen = np.flatnonzero(wanted | (held & measured))
    weight = np.full(len(rank), np.nan)
    if len(chosen) == 0:
        return Plan(weight, rank, Rule.DROPPED, np.nan, _none())
    if params.covariance == "shrunk":
        covariance = covariance_shrunk(returns[:, chosen])
    else:
        covariance = covariance_ewma(returns[:, chosen], halflife=params.covariance_halflife)
    percentile = names["percentile"][chosen]
    solved = mean_variance(
        np.where(np.isnan(percentile), -0.5, percentile - 0.5) * params.alpha_scale,
        covariance,
        book.weight[chosen],
        _group(day)[chosen],
        _limits(day, book, params, chosen, wanted),
        risk_aversion=params.risk_aversion,
        cost=params.cost_bps / 1e4 * SESSIONS_PER_YEAR / params.holding_sessions,
    )
    if solved is None:
        return Plan(weight, rank, Rule.DROPPED, np.nan, np.flatnonzero(wanted & ~held))
    weight[chosen] = np.where(solved < params.min_position_pct, 0.0, solved)
    return Plan(weight, rank, Rule.DROPPED, np.nan, _none())


def _limits(day: Day, book: Book, params: MeanVariance, chosen: Ints, wanted: Bools) -> Limits:
    names = day.names
    most = params.max_adv_pct * np.nan_to_num(names["adv"][chosen]) / book.nav
    others = book.weight.copy()
    others[chosen] = 0.0
    return Limits(
        buy=np.where(wanted[chosen], most, 0.0),
        sell=np.where(np.isnan(names["close"][chosen]), 0.0, most),
        position=np.full(len(chosen), params.max_position_pct),
        sector=params.max_sector_pct,
        elsewhere=np.bincount(_group(day), others, minlength=len(SECTORS) + 1).astype(float),
        equity=params.max_equity_pct,
        minimum=params.min_equity_pct,
        turnover=params.max_turnover_pct,
    )


def _returns(day: Day, window: int, name: str) -> Floats:
    """The last `window` rows of the day's returns."""
    if window > day.correlation_window:
        raise InputError(
            f"{name}={window} is longer than the returns of the history, which was made with "
            f"correlation_window={day.correlation_window}; make it again with a longer one"
        )
    return np.asarray(day.moment.returns[max(day.moment.end - window, 0) : day.moment.end])


def _group(day: Day) -> Ints:
    """Sector of each name, the unknown last."""
    sector = day.names["sector"].astype(np.int64)
    return np.where(sector < 0, len(SECTORS), sector)


def _none() -> Ints:
    return np.empty(0, np.int64)
