"""A year of weekly looks at one world, by the whole gate and by the whole tuner, with a grant a quarter.

A look sees outcomes up to the line, which moves once a quarter: the looks of a quarter see the same and say the same
(a test holds that), so that one of them is run for all. The first that passes uses the quarter's grant. A lineage-year
ends with the first promotion or change: it is what is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalib.backtest.evaluate.summary import LINEAGE
from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.run import first_scored
from alphalib.backtest.sweep.space import cell_name
from alphalib.backtest.tune import (
    Guardrails,
    Proposal,
    boost_question,
    choose_executor,
    choose_number,
    confirm,
    confirm_number,
    veto_question,
)
from alphalib.backtest.tune.number import Question
from alphalib.backtest.tune.space import executor_cells
from alphalib.decision.history import history
from alphalib.evidence.holdout import Grant, grant_id, holdout_line, quarter_of, seal, sealed_rank_ic
from alphalib.evidence.significance import effective_number
from alphalib.labels import label_end, sector_relative_return
from alphalib.market import Panel
from alphalib.models.gate import GateParams, Verdict, gate
from alphalib.models.gate import confirm as confirm_model
from alphalib.models.predictions import percentile
from alphalib.models.splits import PurgedWalkForward
from alphalib.models.trees import RankedTrees
from alphalib.models.walkforward import walk_forward
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams
from alphalib.proof.null_worlds import World
from alphalib.scores import SignalCode
from alphalib.sessions import SESSIONS_PER_YEAR, all_sessions, week_ends

EXECUTOR = LINEAGE
LOOKS = 52  # a year of weeks
SEED = 7  # of trees and bootstraps, as in the notebooks: a second look at the same is no second chance
SETTINGS = 60  # of the executor that are compared, as in notebook 50
HORIZON = 10  # sessions of the outcomes that numbers are tuned by, as there


@dataclass(frozen=True)
class Look:
    """The first weekly look of a quarter; the others see the same outcomes."""

    asof: pd.Timestamp
    line: pd.Timestamp

    @property
    def quarter(self) -> str:
        """Calendar quarter, as `2023Q4`."""
        return quarter_of(self.asof)

    def rng(self, lineage: str) -> np.random.Generator:
        """Randomness of a lineage, the same all quarter, as `tune.Week.rng`."""
        return np.random.default_rng([SEED, self.line.year, self.line.quarter, *lineage.encode()])

    def grant(self, lineage: str) -> Grant:
        """As the ledger gives it: worlds are many, and none has a ledger of its own."""
        said = {"lineage": lineage, "quarter": self.quarter, "line": self.line, "asof": self.asof}
        reason = "calibration"
        return Grant(id=grant_id(**said, reason=reason), **said, reason=reason)


def looks(sessions: pd.DatetimeIndex, *, count: int = LOOKS) -> list[Look]:
    """Looks of the last `count` weeks that can differ: the first of each quarter."""
    first: dict[pd.Timestamp, pd.Timestamp] = {}
    for asof in week_ends(sessions)[-count:]:
        first.setdefault(holdout_line(asof), asof)
    return [Look(asof, line) for line, asof in first.items()]


@dataclass(frozen=True)
class GateYear:
    """What a year of looks gave.

    Parameters
    ----------
    asked : tuple of str
        Quarters in which the open part passed and a grant was used.
    promoted : str or None
        Quarter in which a model was promoted.
    rank_ic, detectable : float
        Out of sample up to the last line, and the true IC that so much history finds four times in five. [correlation]
    z : float
        The rank IC over its standard error: standard normal in a world without alpha.
    """

    asked: tuple[str, ...]
    promoted: str | None
    rank_ic: float
    detectable: float
    z: float


@dataclass(frozen=True)
class Change:
    """A setting that replaced another; both by their names, a number by its text."""

    quarter: str
    before: str
    after: str


@dataclass(frozen=True)
class TunerYear:
    """What a year of looks gave in one lineage.

    Parameters
    ----------
    asked : tuple of str
        Quarters in which a change was proposed and a grant was used.
    change : Change or None
        The first that the holdout confirmed.
    """

    asked: tuple[str, ...]
    change: Change | None


@dataclass(frozen=True, eq=False)
class Books:
    """Daily books of every setting of a year in one world.

    Parameters
    ----------
    returns, trades : DataFrame
        Sessions down, settings across. [fraction], [fills]
    market : Series
        Daily returns of SPY. [fraction]
    """

    returns: pd.DataFrame
    trades: pd.DataFrame
    market: pd.Series

    @property
    def sharpe(self) -> pd.Series:
        """Annualised Sharpe ratio of each setting over all sessions, what is sealed included. [per √year]"""
        return self.returns.mean() / self.returns.std() * SESSIONS_PER_YEAR**0.5


def gate_year(
    world: World, *, params: GateParams | None = None, trees: RankedTrees | None = None, count: int = LOOKS
) -> tuple[GateYear, Panel]:
    """Train, judge and ask for grants through a year, as notebook 30 does each week.

    Parameters
    ----------
    world : World
        Null or planted.
    params : GateParams, optional
        Limits.
    trees : RankedTrees, optional
        The model; the notebook's without it.
    count : int
        Weekly looks.

    Returns
    -------
    (GateYear, Panel)
        And the out-of-fold predictions up to the last look, by models that know no outcome after its line.
    """
    trees = trees or RankedTrees(random_state=SEED, n_jobs=1)
    year = looks(world.market.sessions, count=count)
    # What is predicted before a line does not depend on what is open after it: one walk serves every look.
    predicted = predictions_until(world, year[-1].asof, line=year[-1].line, trees=trees)
    asked: list[str] = []
    promoted = None
    for look in year:
        verdict = _judged(predicted, world, look, params)
        if not verdict.passed:
            continue
        asked.append(look.quarter)
        if _confirmed(verdict, world, trees, look, params):
            promoted = look.quarter
            break
    last = _judged(predicted, world, year[-1], params)
    z = last.rank_ic.value / last.rank_ic.standard_error
    return GateYear(tuple(asked), promoted, last.rank_ic.value, last.minimum_detectable, z), predicted


def settings_of(
    year: Sequence[Look], *, count: int = SETTINGS, base: ExecutorParams | None = None
) -> dict[str, dict[str, ExecutorParams]]:
    """Settings that each quarter compares, by name, the one in use first: the same in every world."""
    base = base or ExecutorParams()
    return {
        look.quarter: {cell_name(cell): cell for cell in executor_cells(base, count, rng=look.rng(EXECUTOR))}
        for look in year
    }


def books(world: World, settings: Mapping[str, ExecutorParams]) -> Books:
    """Every setting simulated on the world's market with the world's signals, from the first scored session on."""
    past = history(world.market, world.signals, params=next(iter(settings.values())))
    known = past.sessions[first_scored(past) + 1 :]
    last_rows = all_sessions().searchsorted(past.sessions, side="right")  # fills carry the number of their session
    returns, trades = {}, {}
    for name, params in settings.items():
        book = simulate(past, params)
        returns[name] = book.nav.pct_change()
        fills = last_rows.searchsorted(book.logs.fills["session"])
        trades[name] = np.bincount(fills, minlength=len(past.sessions))
    spy = world.market.benchmarks["SPY"].pct_change(fill_method=None)
    return Books(pd.DataFrame(returns).loc[known], pd.DataFrame(trades, index=past.sessions).loc[known], spy.loc[known])


def executor_year(
    kept: Books, year: Sequence[Look], settings: Mapping[str, Sequence[str]], *, guard: Guardrails | None = None
) -> TunerYear:
    """Choose among books and ask for grants through a year, as notebook 50 does each week.

    Parameters
    ----------
    kept : Books
        Of every setting, the one in use first.
    year : sequence of Look
        From `looks`.
    settings : mapping
        Names of the settings that each quarter compares; trials of earlier quarters stay trials.
    guard : Guardrails, optional
        Limits.
    """
    current, tried = str(kept.returns.columns[0]), dict[str, None]()
    sessions = pd.DatetimeIndex(kept.returns.index)

    def proposed(look: Look) -> Proposal:
        known = kept.returns.loc[: look.line]
        tried.update(dict.fromkeys(settings[look.quarter]))
        return choose_executor(
            known[list(settings[look.quarter])],
            current,
            asof=look.asof,
            market=kept.market,
            trades=kept.trades,
            trials=effective_number(known[list(tried)]),
            rng=look.rng(EXECUTOR),
            guard=guard,
        )

    def answered(found: Proposal, look: Look) -> Proposal:
        sealed = seal(kept.returns, ends=sessions, line=look.line)
        return confirm(found, sealed, look.grant(EXECUTOR), rng=look.rng(EXECUTOR), guard=guard)

    return _tuned(year, proposed, answered)


def questions(world: World, predicted: Panel) -> list[Question]:
    """The numbers that have outcomes without a language model: the boost after earnings, and the veto."""
    weeks = week_ends(world.market.sessions)
    score, boost = world.score.loc[weeks], world.boost.loc[weeks]
    places = percentile(predicted.reindex(weeks)).reindex(columns=world.market.tickers)
    entering = (world.signals.signal == SignalCode.ENTER).loc[weeks].reindex(columns=world.market.tickers)
    return [
        boost_question(score, boost, ResearchParams(), horizon=HORIZON),
        veto_question(places, entering, PredictorParams(), horizon=HORIZON),
    ]


def number_year(
    question: Question, outcomes: Panel, year: Sequence[Look], *, guard: Guardrails | None = None
) -> TunerYear:
    """Choose a number and ask for grants through a year, as notebook 50 does each week.

    Parameters
    ----------
    question : Question
        From `questions`.
    outcomes : Panel
        By date and name. [fraction]
    year : sequence of Look
        From `looks`.
    guard : Guardrails, optional
        Limits.
    """
    ends = label_end(pd.DatetimeIndex(outcomes.index), question.horizon)

    def proposed(look: Look) -> Proposal:
        sealed = seal(outcomes, ends=ends, line=look.line)
        known = sealed.open
        tried = {value: question.quality(value, known) for value in (question.current, *question.values)}
        trials = effective_number(pd.DataFrame(tried))
        rng = look.rng(question.lineage)
        return choose_number(question, sealed, asof=look.asof, trials=trials, rng=rng, guard=guard)

    def answered(found: Proposal, look: Look) -> Proposal:
        sealed, grant = seal(outcomes, ends=ends, line=look.line), look.grant(question.lineage)
        return confirm_number(question, found, sealed, grant, rng=look.rng(question.lineage), guard=guard)

    return _tuned(year, proposed, answered)


def tuning_outcomes(world: World) -> Panel:
    """What numbers are judged by: returns over those of the sector. [fraction]"""
    return sector_relative_return(world.market, horizon=HORIZON)


def predictions_until(world: World, until: pd.Timestamp, *, line: pd.Timestamp, trees: RankedTrees) -> Panel:
    """Out-of-fold predictions up to `until` by models that know no outcome after the line."""
    return walk_forward(
        {name: panel.loc[:until] for name, panel in world.features.items()},
        seal(world.label, ends=_ends(world), line=line).open.loc[:until],
        world.member.loc[:until],
        PurgedWalkForward(horizon=world.horizon),
        trees,
    ).predictions


def _tuned(
    year: Sequence[Look], proposed: Callable[[Look], Proposal], answered: Callable[[Proposal, Look], Proposal]
) -> TunerYear:
    asked: list[str] = []
    for look in year:
        found = proposed(look)
        if not found.passed:
            continue
        asked.append(look.quarter)
        answer = answered(found, look)
        if answer.passed and answer.candidate is not None:
            return TunerYear(tuple(asked), Change(look.quarter, answer.current, answer.candidate))
    return TunerYear(tuple(asked), None)


def _judged(predicted: Panel, world: World, look: Look, params: GateParams | None) -> Verdict:
    label = world.label.loc[predicted.index]
    known = sealed_rank_ic(predicted, seal(label, ends=_ends(world)[: len(label)], line=look.line)).open
    return gate(known, horizon=world.horizon, trials=1.0, rng=np.random.default_rng(SEED), params=params)


def _confirmed(verdict: Verdict, world: World, trees: RankedTrees, look: Look, params: GateParams | None) -> bool:
    """What the holdout says of models that were trained before it."""
    predicted = predictions_until(world, look.asof, line=look.line, trees=trees)
    label = world.label.loc[: look.asof]
    sealed = sealed_rank_ic(predicted, seal(label, ends=_ends(world)[: len(label)], line=look.line))
    rng, grant = np.random.default_rng(SEED), look.grant("predictor")
    return confirm_model(verdict, sealed, grant, horizon=world.horizon, rng=rng, params=params).confirmed


def _ends(world: World) -> pd.DatetimeIndex:
    return label_end(world.market.sessions, world.horizon)
