"""One factor against what happened next, date by date: ICs, quantile returns, turnover, rank autocorrelation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.compiled import Bools, Floats
from alphalib.errors import InputError
from alphalib.evidence.by_date import (
    Quantiles,
    Sorted,
    correlations,
    means_by_quantile,
    pearson_by_date,
    quantiles_by_date,
    ranks_by_date,
    sorted_by_date,
    turnover_by_quantile,
)
from alphalib.labels import forward_return
from alphalib.market import SECTORS, Market, Panel

HORIZONS = (1, 5, 10, 21)
MINIMUM = 10
"""Names a date must have to be given an IC. [names]"""


@dataclass(frozen=True)
class Outcomes:
    """Forward returns of each date's members, sorted once for every factor that is measured against them.

    Parameters
    ----------
    sessions, tickers : Index
        Labels of the panels.
    member : array (sessions, names)
        Whether the name belonged at the close of the session. [bool]
    sector : array (sessions, names)
        `Market.sector`.
    returns : mapping
        By horizon [sessions]: total return from the close of t+1 to that of t+1+horizon. [fraction]
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    member: Bools
    sector: NDArray[np.int8]
    returns: Mapping[int, Sorted]


def outcomes(market: Market, *, horizons: Sequence[int] = HORIZONS) -> Outcomes:
    """What happened after each session to its members.

    Parameters
    ----------
    market : Market
        Wealth, tradability, membership and sectors are read.
    horizons : sequence of int
        Lengths of the holding. [sessions]
    """
    if not horizons:
        raise InputError("give at least one horizon")
    return Outcomes(
        market.sessions,
        market.tickers,
        market.member.to_numpy(),
        market.sector.to_numpy(),
        {h: sorted_by_date(forward_return(market, horizon=h), market.member) for h in sorted(set(horizons))},
    )


@dataclass(frozen=True)
class Measured:
    """Statistics of a factor by session.

    Parameters
    ----------
    ic, rank_ic : DataFrame
        Sessions down, horizons across; NaN with fewer than 10 names. [correlation]
    quantile_return : DataFrame
        Sessions down, (horizon, quantile) across: mean return of the quantile's names less that of all names with a
        factor, over one holding. [fraction]
    coverage : Series
        Share of the members that have a value. [fraction]
    factor : Sorted
        The factor on its date's members.
    quantile : array (sessions, names)
        Which quantile a name is in, 1 for the lowest values; 0 for none.
    """

    ic: pd.DataFrame
    rank_ic: pd.DataFrame
    quantile_return: pd.DataFrame
    coverage: pd.Series
    factor: Sorted
    quantile: Quantiles

    @property
    def quantiles(self) -> int:
        """Number of quantiles."""
        return int(self.quantile_return.columns.get_level_values("quantile").max())

    @cached_property
    def ranks(self) -> Floats:
        """Rank of each member that has a value, 1 for the smallest."""
        return ranks_by_date(self.factor)

    def spread(self, horizon: int) -> pd.Series:
        """Return of a book half long in the highest quantile, half short in the lowest, over one holding. [fraction]"""
        returns = self.quantile_return[horizon]
        return (returns[self.quantiles] - returns[1]) / 2

    def turnover(self, lag: int) -> pd.DataFrame:
        """Share of each quantile's names that were not in it `lag` sessions before; quantiles across. [fraction]"""
        turned = turnover_by_quantile(self.quantile, self.quantiles, lag=lag)
        return pd.DataFrame(turned, self.ic.index, pd.RangeIndex(1, self.quantiles + 1, name="quantile"))

    def rank_autocorrelation(self, lag: int) -> pd.Series:
        """Correlation of the ranks with those `lag` sessions before, over the names in both. [correlation]"""
        values = np.full(len(self.ranks), np.nan)
        values[lag:] = pearson_by_date(self.ranks[lag:], self.ranks[: len(values) - lag], minimum=MINIMUM)
        return pd.Series(values, self.ic.index)


def measured(factor: Panel, after: Outcomes, *, quantiles: int = 5) -> Measured:
    """ICs and quantile returns of a factor over all horizons.

    Parameters
    ----------
    factor : Panel
        Known at the close of its session; any unit. Members of the date are looked at, others are not.
    after : Outcomes
        From `outcomes`, of the same sessions and tickers.
    quantiles : int
        Groups of equally many names. [groups]

    Notes
    -----
    Where every name with a factor has a return at every horizon these are the numbers of alphalens-reloaded. It drops
    a name that lacks one of the returns from the whole date, before it makes quantiles; here quantiles are made of what
    was known at t, and a missing return is missing at its own horizon only.
    """
    if not 2 <= quantiles <= 100:
        raise InputError(f"quantiles must be 2 to 100, got {quantiles}")
    if not (factor.index.equals(after.sessions) and factor.columns.equals(after.tickers)):
        raise InputError("the factor must have the market's sessions and tickers")
    by_date = sorted_by_date(factor, after.member)
    number = quantiles_by_date(by_date, quantiles)
    pairs = {h: correlations(by_date, returns, minimum=MINIMUM) for h, returns in after.returns.items()}
    means = [means_by_quantile(number, returns.values, quantiles) for returns in after.returns.values()]
    horizons = pd.Index(pairs, name="horizon")
    with np.errstate(invalid="ignore"):
        coverage = by_date.count / after.member.sum(axis=1)
    return Measured(
        ic=pd.DataFrame(np.column_stack([pearson for pearson, _ in pairs.values()]), factor.index, horizons),
        rank_ic=pd.DataFrame(np.column_stack([spearman for _, spearman in pairs.values()]), factor.index, horizons),
        quantile_return=pd.DataFrame(
            np.hstack(means),
            factor.index,
            pd.MultiIndex.from_product([horizons, range(1, quantiles + 1)], names=["horizon", "quantile"]),
        ),
        coverage=pd.Series(coverage, factor.index),
        factor=by_date,
        quantile=number,
    )


def delayed_rank_ic(factor: Sorted, returns: Sorted, delay: int) -> Floats:
    """Rank IC of the factor as it was `delay` sessions before, by session. [correlation]"""
    values = np.full(len(factor.values), np.nan)
    known = len(values) - delay
    if known > 0:
        _, values[delay:] = correlations(factor[:known], returns[delay:], minimum=MINIMUM)
    return values


def sector_rank_ic(factor: Sorted, after: Outcomes, *, horizon: int) -> pd.DataFrame:
    """Rank IC among the names of each sector; sessions down, sectors across. [correlation]"""
    returns = after.returns[horizon]
    values = {
        name: correlations(factor, returns, among=after.sector == code, minimum=MINIMUM)[1]
        for code, name in enumerate(SECTORS)
    }
    return pd.DataFrame(values, after.sessions)
