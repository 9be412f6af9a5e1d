"""The three numbers tuned on outcomes: the weight of the sub-scores, the veto threshold, the boost after earnings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from alphalib.backtest.tune.number import Question, steps
from alphalib.evidence.ic import rank_ic
from alphalib.market import Panel
from alphalib.models.predictions import veto
from alphalib.params import PredictorParams, ResearchParams, ScoringWeights

WEIGHTS, VETO, BOOSTS = "scoring weights", "veto", "research boosts"
WEIGHT_STEP, WEIGHT_FLOOR = 0.10, 0.03
VETO_STEP = 0.10
BOOST_STEP, BOOST_FLOOR = 2.0, 1.0


def weight_question(quant: Panel, qual: Panel, current: ScoringWeights, *, horizon: int) -> Question:
    """How much the quantitative sub-score should weigh; only names that have both are looked at.

    Quality is the per-date rank IC of the weighted score, so a score whose sign flips out of sample has no merit.

    Parameters
    ----------
    quant, qual : Panel
        Sub-scores at the dates they were made. [0–100]
    current : ScoringWeights
        In use.
    horizon : int
        Of the outcomes. [sessions]
    """
    both = quant.notna() & qual.notna()

    def quality(value: float, outcomes: Panel) -> pd.Series:
        blend = (value * quant + (1 - value) * qual).where(both)
        return rank_ic(blend, outcomes.reindex_like(blend))

    def described(_: float, outcomes: Panel) -> Mapping[str, float]:
        return {"samples": _count(both, outcomes)}

    # From 3 % to 97 %: a sub-score that is switched off could never earn its way back.
    values = steps(current.quant, step=WEIGHT_STEP, by=0.05, low=WEIGHT_FLOOR, high=1 - WEIGHT_FLOOR)
    return Question(WEIGHTS, current.quant, values, quality, described, samples=100, horizon=horizon)


def veto_question(percentiles: Panel, entering: Panel, current: PredictorParams, *, horizon: int) -> Question:
    """From which confidence on a prediction should veto an entry.

    Quality is what the vetoes of a date kept from a book of all its entries in equal parts: the outcomes of those
    vetoed, signs turned, over the number of entries. It pays for losses avoided and charges for gains missed.

    Parameters
    ----------
    percentiles : Panel
        Place of each out-of-fold prediction among its date's names. [fraction]
    entering : Panel
        Whether research wanted to enter. [bool]
    current : PredictorParams
        In use.
    horizon : int
        Of the outcomes. [sessions]
    """

    def vetoed(value: float) -> Panel:
        return veto(percentiles, current.model_copy(update={"veto_confidence": value})) & entering

    def known(outcomes: Panel) -> Panel:
        return outcomes.reindex_like(percentiles).where(entering & percentiles.notna())

    def quality(value: float, outcomes: Panel) -> pd.Series:
        came = known(outcomes)
        entries = came.notna().sum(axis=1)
        return -came.where(vetoed(value)).sum(axis=1) / entries.where(entries > 0)

    def described(value: float, outcomes: Panel) -> Mapping[str, float]:
        came = known(outcomes).where(vetoed(value)).to_numpy()
        count = int(np.isfinite(came).sum())
        return {"samples": float(count), "precision": float((came < 0).sum() / count) if count else float("nan")}

    values = steps(current.veto_confidence, step=VETO_STEP, by=0.05, low=0.40, high=1.0)
    return Question(VETO, current.veto_confidence, values, quality, described, samples=30, horizon=horizon)


def boost_question(without: Panel, unit: Panel, current: ResearchParams, *, horizon: int) -> Question:
    """How many points a full earnings surprise should add.

    Quality is the per-date rank IC of the score among the names that reported lately.

    Parameters
    ----------
    without : Panel
        Composite score without the boost. [0–100]
    unit : Panel
        The boost of one point, −1 to 1; 0 without a recent report. [ratio]
    current : ResearchParams
        In use.
    horizon : int
        Of the outcomes. [sessions]
    """
    concerned = without.notna() & (unit != 0)

    def quality(value: float, outcomes: Panel) -> pd.Series:
        boost = (value * unit).clip(-current.max_boost, current.max_boost)
        return rank_ic((without + boost).where(concerned), outcomes.reindex_like(without))

    def described(_: float, outcomes: Panel) -> Mapping[str, float]:
        return {"samples": _count(concerned, outcomes)}

    values = steps(current.pead_boost, step=BOOST_STEP, by=0.5, low=BOOST_FLOOR, high=10.0)
    return Question(BOOSTS, current.pead_boost, values, quality, described, samples=200, horizon=horizon)


def _count(mask: Panel, outcomes: Panel) -> float:
    return float((mask & outcomes.reindex_like(mask).notna()).to_numpy().sum())
