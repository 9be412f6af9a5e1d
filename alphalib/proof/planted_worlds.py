"""Worlds in which something was planted: what is there, what the model reaches of it, what costs leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalib.evidence.ic import rank_ic
from alphalib.market import Panel
from alphalib.models.predictions import percentile
from alphalib.proof.null_worlds import World
from alphalib.sessions import SESSIONS_PER_YEAR

COST_BPS = 10.0  # a side


@dataclass(frozen=True)
class Reach:
    """Mean rank ICs over the same sessions.

    Parameters
    ----------
    oracle : float
        Of the planted expectation itself: nobody can do better. [correlation]
    reached : float
        Of the predictions. [correlation]
    net : float
        The same after costs, see `net_ic`. [correlation]
    """

    oracle: float
    reached: float
    net: float


def reach(world: World, predicted: Panel) -> Reach:
    """What was planted and what predictions reach of it, on the sessions that have predictions."""
    label = world.label.loc[predicted.index]
    scored = predicted.notna().any(axis=1)
    member = world.member.loc[predicted.index]
    oracle = np.nan
    if world.oracle is not None:
        oracle = float(rank_ic(world.oracle.reindex_like(label).where(member), label)[scored].mean())
    reached = float(rank_ic(predicted, label)[scored].mean())
    return Reach(oracle, reached, net_ic(predicted, label, horizon=world.horizon))


def net_ic(prediction: Panel, label: Panel, *, horizon: int, cost_bps: float = COST_BPS) -> float:
    """Rank IC times the share of the return that costs leave to a rank-weighted long–short book.

    Parameters
    ----------
    prediction : Panel
        Any quantity; larger is better.
    label : Panel
        Return over `horizon` sessions. [fraction]
    horizon : int
        The book is made anew so often; averaged over the days it may begin on. [sessions]
    cost_bps : float
        Of what is traded, a side. [bps]

    Returns
    -------
    float
        Negative when costs eat more than there is; NaN without a gross return above 0. [correlation]
    """
    place = percentile(prediction) - 0.5
    weight = place.div(place.abs().sum(axis=1), axis=0)
    gross = (weight * label).sum(axis=1, min_count=2)
    traded = (weight.fillna(0.0) - weight.fillna(0.0).shift(horizon)).abs().sum(axis=1)
    known = gross.notna() & weight.shift(horizon).notna().any(axis=1)
    earned, paid = float(gross[known].mean()), float(traded[known].mean()) * cost_bps / 1e4
    return float(rank_ic(prediction, label).mean()) * (earned - paid) / earned if earned > 0 else float("nan")


def handicapped(returns: pd.DataFrame, current: str, *, sharpe: float) -> pd.DataFrame:
    """Daily returns of books with the one in use made worse: every other setting is truly better by about `sharpe`.

    Parameters
    ----------
    returns : DataFrame
        Sessions down, settings across. [fraction]
    current : str
        The setting in use, which loses the same return every session.
    sharpe : float
        What it loses of its annualised Sharpe ratio. [per √year]
    """
    lost = sharpe * float(returns[current].std()) / SESSIONS_PER_YEAR**0.5
    return returns.assign(**{current: returns[current] - lost})
