"""Everything about one factor: does it order returns, for how long, where, is it new, and what is left after costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.errors import InputError
from alphalib.evidence.estimate import Estimate
from alphalib.evidence.factor_known import against_known, rank_ic_left
from alphalib.evidence.factor_measure import (
    HORIZONS,
    MINIMUM,
    Measured,
    Outcomes,
    delayed_rank_ic,
    measured,
    outcomes,
    sector_rank_ic,
)
from alphalib.evidence.significance import block_bootstrap, mean_with_interval, minimum_detectable
from alphalib.market import SECTORS, Market, Panel
from alphalib.sessions import SESSIONS_PER_YEAR

DELAYS = (0, 1, 2, 5, 10, 21, 42, 63)
"""Ages at which a factor is looked at again. [sessions]"""

COST_BPS = 6.0
"""What trading costs each way: slippage and commission of the default backtest. [bps]"""

_NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class FactorReport:
    """A factor and what became of the names it ordered; from `factor_report`.

    Parameters
    ----------
    name : str
        What it is called in tables and pictures.
    horizon : int
        The one that everything but `horizons` is about. [sessions]
    cost_bps : float
        Of a trade, each way. [bps]
    by_date : Measured
        What all means are means of.
    horizons : DataFrame
        Horizons down: `ic`, `rank_ic` with `low`, `high` (Newey–West) and `bootstrap_low`, `bootstrap_high`, `t`, `p`
        (two-sided), `icir`, `detectable`, `sessions`; `spread` with its interval, of a book half long in the highest
        quantile, half short in the lowest, over one holding; `turnover` one way a holding; `cost`; `net` with its
        interval, in the direction of the rank IC; `net_annual`; `break_even_bps`.
    by_quantile : DataFrame
        (horizon, quantile) down: `mean` over that of all names, `low`, `high`; `turnover` after one holding.
    decay : DataFrame
        Ages of the factor down: `rank_ic`, `low`, `high`, `t`, `p`, `sessions`.
    persistence : DataFrame
        Lags down: `rank_autocorrelation`, then `turnover` of each quantile. [fraction]
    sectors : DataFrame
        Sectors down, then `within sectors` (their mean, weighted by names) and `all`: as `decay`, and `names`.
    years : DataFrame
        Years down: as `decay`, with `spread`, `coverage` and `names`.
    known : DataFrame
        Known factors down, the most alike first: mean per-date rank `correlation`.
    left : Estimate
        Rank IC of what the nearest known factor does not explain.
    """

    name: str
    horizon: int
    cost_bps: float
    by_date: Measured
    horizons: pd.DataFrame
    by_quantile: pd.DataFrame
    decay: pd.DataFrame
    persistence: pd.DataFrame
    sectors: pd.DataFrame
    years: pd.DataFrame
    known: pd.DataFrame
    left: Estimate

    @property
    def rank_ic(self) -> Estimate:
        """Mean rank IC at the report's horizon."""
        return mean_with_interval(self.by_date.rank_ic[self.horizon], horizon=self.horizon)

    @property
    def p(self) -> float:
        """Chance of a rank IC as far from zero, either way, if the factor knew nothing. [probability]"""
        return float(self.horizons.loc[self.horizon, "p"])

    @property
    def half_life(self) -> float:
        """Age at which half of the rank IC is lost. [sessions]"""
        return decay_half(self.decay)

    @property
    def nearest(self) -> str | None:
        """The known factor that orders the names most alike."""
        return str(self.known.index[0]) if len(self.known) else None

    def __str__(self) -> str:
        row = self.horizons.loc[self.horizon]
        return (
            f"{self.name}: rank IC {self.rank_ic} over {self.horizon} sessions, t = {row['t']:.1f}, "
            f"detectable {row['detectable']:.3f}; "
            f"spread net of {self.cost_bps:g} bps each way {1e4 * row['net']:.1f} bps a holding"
        )


def factor_report(
    factor: Panel,
    market: Market,
    *,
    rng: np.random.Generator,
    name: str = "factor",
    horizon: int = 5,
    horizons: Sequence[int] = HORIZONS,
    quantiles: int = 5,
    cost_bps: float = COST_BPS,
    known: Iterable[tuple[str, Panel]] = (),
    draws: int = 1000,
) -> FactorReport:
    """Measure a factor against a market from every side.

    Parameters
    ----------
    factor : Panel
        Known at the close of its session; any unit. Members of the date are looked at, others are not.
    market : Market
        Wealth, tradability, membership and sectors are read.
    rng : Generator
        Of the bootstrap.
    name : str
        What the factor is called.
    horizon : int
        The main one; added to `horizons` when it is not among them. [sessions]
    horizons : sequence of int
        Lengths of the holding. [sessions]
    quantiles : int
        Groups of equally many names. [groups]
    cost_bps : float
        Of a trade, each way. [bps]
    known : iterable of (str, Panel)
        Factors to compare with; one is in memory at a time, besides the nearest so far.
    draws : int
        Resamples of the bootstrap.
    """
    if not cost_bps >= 0:
        raise InputError(f"cost_bps must not be negative, got {cost_bps}")
    after = outcomes(market, horizons=[horizon, *horizons])
    result = measured(factor, after, quantiles=quantiles)
    if not result.rank_ic[horizon].notna().any():
        raise InputError(
            f"{name} has no session with {MINIMUM} members that have a value and a return over {horizon} sessions"
        )
    similar, nearest = against_known(result, known, after)
    return FactorReport(
        name=name,
        horizon=horizon,
        cost_bps=cost_bps,
        by_date=result,
        horizons=horizon_table(result, cost_bps=cost_bps, rng=rng, draws=draws),
        by_quantile=quantile_table(result),
        decay=decay_table(result, after, horizon=horizon),
        persistence=persistence_table(result, lags=[1, *after.returns]),
        sectors=sector_table(result, after, horizon=horizon),
        years=year_table(result, horizon=horizon),
        known=similar,
        left=rank_ic_left(result, nearest, after, horizon=horizon) if nearest is not None else _NOTHING,
    )


def mean_row(series: pd.Series, horizon: int) -> dict[str, float]:
    """Mean of per-date rank ICs as a row: `rank_ic`, Newey–West `low` and `high`, `t`, two-sided `p`, `sessions`."""
    mean = mean_with_interval(series, horizon=horizon)
    t = mean.value / mean.standard_error if mean.standard_error > 0 else math.nan
    return {
        "rank_ic": mean.value,
        "low": mean.low,
        "high": mean.high,
        "t": t,
        "p": float(2 * stats.norm.sf(abs(t))),
        "sessions": mean.n,
    }


def horizon_table(result: Measured, *, cost_bps: float, rng: np.random.Generator, draws: int = 1000) -> pd.DataFrame:
    """`FactorReport.horizons`."""
    rows = {}
    for horizon, series in result.rank_ic.items():
        drawn = block_bootstrap(series, np.mean, block=4 * int(horizon), draws=draws, rng=rng)
        estimate = mean_with_interval(series, horizon=int(horizon))
        rows[horizon] = {
            "ic": result.ic[horizon].mean(),
            **mean_row(series, int(horizon)),
            "bootstrap_low": drawn.low,
            "bootstrap_high": drawn.high,
            "icir": series.mean() / series.std() if series.std() > 0 else math.nan,
            "detectable": minimum_detectable(estimate.standard_error),
            **net_of_costs(result, int(horizon), direction=_sign(estimate.value), cost_bps=cost_bps),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("horizon")


def net_of_costs(result: Measured, horizon: int, *, direction: float, cost_bps: float) -> dict[str, float]:
    """Spread of a book that is renewed every `horizon` sessions, before and after costs.

    Parameters
    ----------
    result : Measured
        From `measured`.
    horizon : int
        Length of the holding. [sessions]
    direction : float
        1 to hold the highest quantile and be short the lowest, −1 for the opposite.
    cost_bps : float
        Of a trade, each way. [bps]

    Returns
    -------
    dict
        `spread` and its interval as the factor stands; `turnover`, one way a holding; `cost`; `net` and its interval
        in the given direction; `net_annual` [fraction / year]; `break_even_bps`, the cost each way that leaves nothing.

    Notes
    -----
    Names that leave a quantile are sold and those that enter are bought; trades that restore equal weights among those
    that stay are not counted, nor is the cost of borrowing.
    """
    spread = mean_with_interval(result.spread(horizon), horizon=horizon)
    turned = result.turnover(horizon)
    turnover = float(turned[[1, result.quantiles]].mean(axis=1, skipna=False).mean())
    cost = 2 * turnover * cost_bps / 1e4  # what is sold is bought again
    ends = sorted((direction * spread.low - cost, direction * spread.high - cost))
    net = direction * spread.value - cost
    return {
        "spread": spread.value,
        "spread_low": spread.low,
        "spread_high": spread.high,
        "turnover": turnover,
        "cost": cost,
        "net": net,
        "net_low": ends[0],
        "net_high": ends[1],
        "net_annual": net * SESSIONS_PER_YEAR / horizon,
        "break_even_bps": direction * spread.value / (2 * turnover) * 1e4 if turnover > 0 else math.nan,
    }


def quantile_table(result: Measured) -> pd.DataFrame:
    """`FactorReport.by_quantile`."""
    rows = []
    for horizon in result.rank_ic.columns:
        turned = result.turnover(int(horizon)).mean()
        for quantile, series in result.quantile_return[horizon].items():
            mean = mean_with_interval(series, horizon=int(horizon))
            rows.append((horizon, quantile, mean.value, mean.low, mean.high, turned[quantile]))
    columns = ["horizon", "quantile", "mean", "low", "high", "turnover"]
    return pd.DataFrame(rows, columns=columns).set_index(["horizon", "quantile"])


def decay_table(result: Measured, after: Outcomes, *, horizon: int, delays: Sequence[int] = DELAYS) -> pd.DataFrame:
    """`FactorReport.decay`: the factor of `delays` sessions before against the same returns."""
    returns = after.returns[horizon]
    rows = {
        delay: mean_row(pd.Series(delayed_rank_ic(result.factor, returns, delay)), horizon)
        for delay in delays
        if delay < len(after.sessions)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("delay")


def decay_half(decay: pd.DataFrame) -> float:
    """Age at which a factor's rank IC has fallen to half of the fresh one's, linear between the ages looked at.

    Parameters
    ----------
    decay : DataFrame
        From `decay_table`.

    Returns
    -------
    float
        Infinite when it has not by the last age; NaN where the fresh one cannot be told from zero. [sessions]
    """
    fresh = decay.iloc[0]
    return _half(decay["rank_ic"].items()) if fresh["low"] * fresh["high"] > 0 else math.nan


def half_life(result: Measured, after: Outcomes, *, horizon: int) -> float:
    """`decay_half`, looking no further than it must."""
    fresh = mean_with_interval(result.rank_ic[horizon], horizon=horizon)
    if not fresh.low * fresh.high > 0:
        return math.nan
    later = (
        (delay, float(np.nanmean(delayed_rank_ic(result.factor, after.returns[horizon], delay))))
        for delay in DELAYS[1:]
        if delay < fresh.n
    )
    return _half(chain([(0, fresh.value)], later))


def _half(ages: Iterable[tuple[Any, float]]) -> float:
    """Where rank ICs by age cross half of the first; infinite when they do not."""
    known = iter(ages)
    age, fresh = next(known)
    share = 1.0
    for older, value in known:
        earlier, share, age = (age, share), value / fresh, older
        if share <= 0.5:
            return float(earlier[0] + (earlier[1] - 0.5) / (earlier[1] - share) * (age - earlier[0]))
    return math.inf


def persistence_table(result: Measured, *, lags: Sequence[int]) -> pd.DataFrame:
    """`FactorReport.persistence`."""
    rows = {
        lag: {"rank_autocorrelation": result.rank_autocorrelation(lag).mean(), **result.turnover(lag).mean()}
        for lag in sorted(set(lags))
        if lag < len(result.rank_ic)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("lag")


def sector_table(result: Measured, after: Outcomes, *, horizon: int) -> pd.DataFrame:
    """`FactorReport.sectors`; sectors that never have 10 names with a value are left out."""
    both = np.isfinite(result.factor.values) & np.isfinite(after.returns[horizon].values)
    names = pd.DataFrame(
        {name: (both & (after.sector == code)).sum(axis=1) for code, name in enumerate(SECTORS)}, after.sessions
    )
    ics = sector_rank_ic(result.factor, after, horizon=horizon)
    weights = names.where(ics.notna())
    within = (ics * weights).sum(axis=1) / weights.sum(axis=1)
    series = {**{name: ics[name] for name in ics if ics[name].notna().any()}, "within sectors": within}
    rows = {
        name: {**mean_row(values, horizon), "names": names.get(name, weights.sum(axis=1))[values.notna()].mean()}
        for name, values in series.items()
    }
    everyone = result.rank_ic[horizon]
    rows["all"] = {**mean_row(everyone, horizon), "names": both.sum(axis=1)[everyone.notna()].mean()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("sector")


def year_table(result: Measured, *, horizon: int) -> pd.DataFrame:
    """`FactorReport.years`."""
    series, spread = result.rank_ic[horizon], result.spread(horizon)
    names = pd.Series(result.factor.count, series.index)
    rows = {
        year: {
            **mean_row(values, horizon),
            "spread": spread[values.index].mean(),
            "coverage": result.coverage[values.index].mean(),
            "names": names[values.index].mean(),
        }
        for year, values in series.groupby(pd.DatetimeIndex(series.index).year)
        if values.notna().any()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("year")


def _sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0
