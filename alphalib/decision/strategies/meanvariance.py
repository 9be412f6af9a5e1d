"""The mean-variance optimiser: covariances of the candidates, and one convex problem (cvxpy)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from alphalib.compiled import Floats, Ints
from alphalib.errors import InputError
from alphalib.sessions import SESSIONS_PER_YEAR


class Limits(NamedTuple):
    """What the optimiser may do; arrays over the candidates, everything over NAV. [fraction]

    Parameters
    ----------
    buy, sell : array, shape (n,)
        At most, of each name.
    position : array, shape (n,)
        Cap of each name.
    sector : float
        Cap of each sector.
    elsewhere : array, shape (groups,)
        What each sector holds beside the candidates.
    equity, minimum : float
        Cap of all positions, and the least there must be.
    turnover : float
        Bought plus sold.
    """

    buy: Floats
    sell: Floats
    position: Floats
    sector: float
    elsewhere: Floats
    equity: float
    minimum: float
    turnover: float


def mean_variance(
    alpha: Floats,
    covariance: Floats,
    current: Floats,
    group: Ints,
    limits: Limits,
    *,
    risk_aversion: float,
    cost: float,
) -> Floats | None:
    """Weights that maximise αᵀw − ½ λ wᵀΣw − cost Σ|w − current|; None when the limits leave no way.

    What drift has carried above a cap may stay but not grow, so that only `minimum` can be out of reach.

    Parameters
    ----------
    alpha : array, shape (n,)
        Expected returns. [1 / year]
    covariance : array, n × n
        Of returns. [1 / year]
    current : array, shape (n,)
        Weights held, none below 0. [fraction]
    group : array of int, shape (n,)
        Sector of each, an index into `limits.elsewhere`.
    limits : Limits
        Bounds.
    risk_aversion : float
        λ. [1 / variance a year]
    cost : float
        Of trading, spread over the holding period. [1 / year]

    Raises
    ------
    InputError
        When cvxpy is not installed.
    """
    cvxpy = _cvxpy()
    weight, bought = cvxpy.Variable(len(alpha)), cvxpy.Variable(len(alpha), nonneg=True)
    sold, elsewhere = current + bought - weight, limits.elsewhere.sum()
    of_sector = (np.arange(len(limits.elsewhere))[:, None] == group).astype(float)
    held_by_sector = of_sector @ current + limits.elsewhere
    constraints = [
        bought <= limits.buy,
        sold >= 0,
        sold <= np.minimum(limits.sell, current),
        weight <= np.maximum(limits.position, current),
        of_sector @ weight + limits.elsewhere <= np.maximum(limits.sector, held_by_sector),
        cvxpy.sum(weight) + elsewhere <= max(limits.equity, held_by_sector.sum()),
        cvxpy.sum(weight) + elsewhere >= limits.minimum,
        cvxpy.sum(bought + sold) <= limits.turnover,
    ]
    gain = alpha @ weight - cost * cvxpy.sum(bought + sold)
    risk = cvxpy.quad_form(weight, cvxpy.psd_wrap(covariance))
    problem = cvxpy.Problem(cvxpy.Maximize(gain - risk_aversion / 2 * risk), constraints)
    problem.solve(solver=cvxpy.CLARABEL)
    if problem.status != cvxpy.OPTIMAL:
        return None
    result: Floats = np.clip(np.asarray(weight.value), 0.0, None)
    return result


def _cvxpy() -> Any:
    try:
        import cvxpy
    except ImportError as error:
        raise InputError("MeanVariance needs cvxpy: install alphalib[optimiser]") from error
    return cvxpy


def covariance_shrunk(returns: Floats) -> Floats:
    """Covariance shrunk towards a multiple of the identity: Ledoit and Wolf (2004), doi:10.1016/S0047-259X(03)00096-4.

    Parameters
    ----------
    returns : array, T × n
        Daily, NaN where missing: counts as the column's mean. [fraction]

    Returns
    -------
    array, n × n
        [1 / year]
    """
    from sklearn.covariance import ledoit_wolf

    matrix, _ = ledoit_wolf(_centred(returns), assume_centered=True)
    return np.asarray(matrix) * SESSIONS_PER_YEAR


def covariance_ewma(returns: Floats, *, halflife: float) -> Floats:
    """Covariance with weights that halve every `halflife` sessions back.

    Parameters
    ----------
    returns : array, T × n
        Daily, NaN where missing: counts as the column's mean. [fraction]
    halflife : float
        [sessions]

    Returns
    -------
    array, n × n
        [1 / year]
    """
    share = 0.5 ** (np.arange(len(returns))[::-1] / halflife)
    rows = _centred(returns) * np.sqrt(share / share.sum())[:, None]
    matrix: Floats = rows.T @ rows * SESSIONS_PER_YEAR
    return matrix


def _centred(returns: Floats) -> Floats:
    known = ~np.isnan(returns)
    mean = np.where(known, returns, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, returns - mean, 0.0)
