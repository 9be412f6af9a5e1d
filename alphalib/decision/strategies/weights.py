"""From the day's percentiles to who is dropped and bought, and to weights of neutral books. Pure functions of arrays.

Names come in the order of their tickers, so that a stable sort breaks ties by symbol.
"""

from __future__ import annotations

import numpy as np

from alphalib.compiled import Bools, Floats, Ints

UNRANKED = 2**31
"""Rank of a name without a percentile, or that may not be bought: behind every other."""


def ranks(percentile: Floats, eligible: Bools) -> Ints:
    """Place of each eligible name with a percentile, the highest first from 1 on; `UNRANKED` for the others. [names]"""
    ranked = eligible & ~np.isnan(percentile)
    order = np.argsort(np.where(ranked, -percentile, np.inf), kind="stable")[: ranked.sum()]
    result = np.full(len(percentile), UNRANKED, np.int64)
    result[order] = np.arange(1, len(order) + 1)
    return result


def topk_dropout(rank: Ints, held: Bools, may_drop: Bools, *, topk: int, n_drop: int, buffer: int) -> tuple[Ints, Ints]:
    """Places of the names to drop, worst first, and of those to buy, best first.

    Parameters
    ----------
    rank : array of int, shape (n,)
        As `ranks` gives it.
    held, may_drop : array of bool, shape (n,)
        Whether the name is held; whether it could be sold and was held long enough.
    topk, n_drop : int
        Names held; dropped at a time at most. [names]
    buffer : int
        Only what ranks below topk + buffer is dropped. [names]
    """
    behind = np.flatnonzero(held & may_drop & (rank > topk + buffer))
    dropped = behind[np.lexsort((-behind, -rank[behind]))][:n_drop]
    free = max(topk - int(held.sum()) + len(dropped), 0)
    candidates = np.flatnonzero(~held & (rank < UNRANKED))
    bought = candidates[np.argsort(rank[candidates])][:free]
    return dropped, bought


def neutral_weights(
    rank: Ints,
    exposure: Floats,
    sector: Ints,
    *,
    tail: float,
    gross: float,
    max_position: Floats,
    max_sector: float,
) -> Floats:
    """Weights long the best and short the worst names whose exposures cancel: Σ w × exposure = 0.

    Each tail gets half of `gross`, shared in proportion to the distance from the middle rank, each name at most its
    `max_position`; then sectors above their cap are scaled down, and last the side with the larger exposure. Nothing is
    scaled up after a cap, so every cap holds and the gross may stay below what was asked.

    Parameters
    ----------
    rank : array of int, shape (n,)
        As `ranks` gives it; the unranked get no weight.
    exposure : array, shape (n,)
        What is to cancel: 1 for money, a beta for the market. [any]
    sector : array of int, shape (n,)
        Codes; each is a group.
    tail : float
        Share of the ranked names on each side. [fraction]
    gross, max_sector : float
        Over NAV. [fraction]
    max_position : array, shape (n,)
        Over NAV. [fraction]

    Returns
    -------
    array, shape (n,)
        Over NAV; all 0 when a side has no exposure to set against the other. [fraction]
    """
    ranked = rank < UNRANKED
    count, weight = int(ranked.sum()), np.zeros(len(rank))
    side = int(count * tail)
    longs, shorts = ranked & (rank <= side), ranked & (rank > count - side)
    distance = np.abs(rank - (count + 1) / 2)
    weight[longs] = shared(distance[longs], total=gross / 2, cap=max_position[longs])
    weight[shorts] = -shared(distance[shorts], total=gross / 2, cap=max_position[shorts])
    _, group = np.unique(sector, return_inverse=True)
    in_sector = np.bincount(group, np.abs(weight))
    weight *= np.minimum(1.0, max_sector / np.maximum(in_sector, 1e-300))[group]
    above, below = float((weight * exposure)[longs].sum()), -float((weight * exposure)[shorts].sum())
    if not (above > 0 and below > 0):
        return np.zeros(len(rank))
    weight[longs] *= min(1.0, below / above)
    weight[shorts] *= min(1.0, above / below)
    return weight


def shared(scores: Floats, *, total: float, cap: Floats) -> Floats:
    """`total` shared in proportion to positive scores, none above its cap; what is cut goes to others. [fraction]"""
    if cap.sum() <= total:
        return cap
    result, open_ = np.zeros(len(scores)), np.ones(len(scores), bool)
    while True:
        left = total - float(cap[~open_].sum())
        result[open_] = scores[open_] / scores[open_].sum() * left
        over = open_ & (result > cap)
        if not over.any():
            return result
        result[over], open_[over] = cap[over], False


def betas(returns: Floats, *, shrinkage: float) -> Floats:
    """Beta of each column against the mean of all columns, shrunk towards 1; 1 where less than half is known.

    Parameters
    ----------
    returns : array, T × n
        Daily total returns, NaN where missing. [fraction]
    shrinkage : float
        0 keeps the regression's, 1 makes all betas 1. [fraction]
    """
    known = ~np.isnan(returns)
    counted = known.sum(axis=1)
    market = np.where(known, returns, 0.0).sum(axis=1) / np.maximum(counted, 1)
    x = np.where(known, market[:, None], 0.0)
    count = np.maximum(known.sum(axis=0), 1)
    x = np.where(known, x - x.sum(axis=0) / count, 0.0)
    spread = (x**2).sum(axis=0)
    slope = (x * np.where(known, returns, 0.0)).sum(axis=0) / np.where(spread > 0, spread, 1.0)
    enough = (2 * known.sum(axis=0) >= len(returns)) & (spread > 0)
    return np.where(enough, shrinkage + (1 - shrinkage) * slope, 1.0)
