"""A year of weekly looks at one world, by the whole gate and by the whole tuner, with a grant a quarter.

A look sees outcomes up to the line, which moves once a quarter: the looks of a quarter see the same and say the same
(a test holds that), so that one of them is run for all. The first that passes uses the quarter's grant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalib.backtest.simulate import simulate
from alphalib.backtest.space import GRID_SEED, cell_name, sample
from alphalib.backtest.sweep import first_scored
from alphalib.backtest.tune.change import choose_executor
from alphalib.backtest.tune.change import confirm as confirm_change
from alphalib.backtest.tune.guard import Guardrails
from alphalib.decision.history import history
from alphalib.evidence.holdout import Grant, grant_id, holdout_line, quarter_of, seal
from alphalib.evidence.ic import rank_ic
from alphalib.evidence.significance import effective_number
from alphalib.labels import label_end
from alphalib.market import Panel
from alphalib.models.gate import GateParams, Verdict, gate
from alphalib.models.gate import confirm as confirm_model
from alphalib.models.splits import PurgedWalkForward
from alphalib.models.trees import RankedTrees
from alphalib.models.walkforward import walk_forward
from alphalib.params import ExecutorParams
from alphalib.proof.null_worlds import World
from alphalib.sessions import SESSIONS_PER_YEAR, week_ends

LOOKS = 52  # a year of weeks
SEED = 7  # of trees and bootstraps, as in the notebooks: a second look at the same is no second chance
TRIED = 60  # settings of the seed's grid, as many as the seed tried


@dataclass(frozen=True)
class Look:
    """The first weekly look of a quarter; the others see the same outcomes."""

    asof: pd.Timestamp
    line: pd.Timestamp

    @property
    def quarter(self) -> str:
        """Calendar quarter, as `2023Q4`."""
        return quarter_of(self.asof)


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
        Quarter in which a model was promoted; there is no second promotion.
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
    """A setting that replaced another."""

    quarter: str
    before: str
    after: str


@dataclass(frozen=True)
class TunerYear:
    """What a year of looks gave.

    Parameters
    ----------
    asked : tuple of str
        Quarters in which a change was proposed and a grant was used.
    changes : tuple of Change
        Those that the holdout confirmed.
    """

    asked: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, eq=False)
class Books:
    """Daily books of every setting in one world.

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
        And the out-of-fold predictions up to the last line.
    """
    trees = trees or RankedTrees(random_state=SEED, n_jobs=1)
    year = looks(world.market.sessions, count=count)
    # What is predicted before a line does not depend on what is open after it: one walk serves every look.
    predicted = _walk(world, trees, line=year[-1].line, until=year[-1].line)
    label = world.label.loc[: year[-1].line]
    per_date = rank_ic(predicted, label)
    asked: list[str] = []
    promoted = None
    for look in year:
        verdict = _judged(per_date, world, look, params)
        if not verdict.passed:
            continue
        asked.append(look.quarter)
        if _confirmed(verdict, world, trees, look, params):
            promoted = look.quarter
            break
    last = _judged(per_date, world, year[-1], params)
    z = last.rank_ic.value / last.rank_ic.standard_error
    return GateYear(tuple(asked), promoted, last.rank_ic.value, last.minimum_detectable, z), predicted


def books(world: World, settings: Mapping[str, ExecutorParams]) -> Books:
    """Every setting simulated on the world's market with the world's signals, from the first scored session on."""
    rules = next(iter(settings.values()))
    past = history(world.market, world.signals, params=rules)
    first = first_scored(past)
    returns, trades = {}, {}
    for name, params in settings.items():
        book = simulate(past, params)
        returns[name] = book.nav.pct_change()
        trades[name] = book.trades.groupby("date").size().reindex(past.sessions, fill_value=0)
    spy = world.market.benchmarks["SPY"].pct_change()
    known = past.sessions[first + 1 :]
    return Books(pd.DataFrame(returns).loc[known], pd.DataFrame(trades).loc[known], spy.loc[known])


def tried_settings(*, count: int = TRIED, base: ExecutorParams | None = None) -> dict[str, ExecutorParams]:
    """The setting in use, then `count` of the seed's grid; the same in every world, so that worlds can be compared."""
    base = base or ExecutorParams()
    drawn = sample(GRID_SEED, base, count, rng=np.random.default_rng(SEED))
    return {cell_name(params): params for params in (base, *drawn)}


def tuner_year(
    kept: Books, *, asofs: Sequence[Look], current: str | None = None, guard: Guardrails | None = None
) -> TunerYear:
    """Choose and ask for grants through a year, as notebook 50 does each week.

    Parameters
    ----------
    kept : Books
        Of every setting, the one in use first.
    asofs : sequence of Look
        From `looks`.
    current : str, optional
        The setting in use at the start; the first one without it.
    guard : Guardrails, optional
        Limits.
    """
    current = current or str(kept.returns.columns[0])
    asked, changes = [], []
    for look in asofs:
        known = kept.returns.loc[: look.line]
        proposal = choose_executor(
            known,
            current,
            asof=look.asof,
            market=kept.market,
            trades=kept.trades,
            trials=effective_number(known),
            rng=np.random.default_rng(SEED),
            guard=guard,
        )
        if not proposal.passed:
            continue
        asked.append(look.quarter)
        sealed = seal(kept.returns, ends=pd.DatetimeIndex(kept.returns.index), line=look.line)
        grant = _grant(proposal.lineage, look)
        answer = confirm_change(proposal, sealed, grant, rng=np.random.default_rng(SEED), guard=guard)
        if answer.passed and answer.candidate is not None:
            changes.append(Change(look.quarter, current, answer.candidate))
            current = answer.candidate
    return TunerYear(tuple(asked), tuple(changes))


def _walk(world: World, trees: RankedTrees, *, line: pd.Timestamp, until: pd.Timestamp) -> Panel:
    """Out-of-fold predictions up to `until` by models that know no outcome after the line."""
    known = seal(world.label, ends=_ends(world.label, world), line=line).open
    return walk_forward(
        {name: panel.loc[:until] for name, panel in world.features.items()},
        known.loc[:until],
        world.market.member.loc[:until],
        PurgedWalkForward(horizon=world.horizon),
        trees,
    ).predictions


def _judged(per_date: pd.Series, world: World, look: Look, params: GateParams | None) -> Verdict:
    known = seal(per_date, ends=_ends(per_date, world), line=look.line).open
    return gate(known, horizon=world.horizon, trials=1.0, rng=np.random.default_rng(SEED), params=params)


def _ends(outcomes: Panel | pd.Series, world: World) -> pd.DatetimeIndex:
    return label_end(pd.DatetimeIndex(outcomes.index), world.horizon)


def _confirmed(verdict: Verdict, world: World, trees: RankedTrees, look: Look, params: GateParams | None) -> bool:
    """What the holdout says of models that were trained before it."""
    predicted = _walk(world, trees, line=look.line, until=look.asof)
    per_date = rank_ic(predicted, world.label.loc[: look.asof])
    sealed = seal(per_date, ends=_ends(per_date, world), line=look.line)
    rng = np.random.default_rng(SEED)
    grant = _grant("predictor", look)
    return confirm_model(verdict, sealed, grant, horizon=world.horizon, rng=rng, params=params).confirmed


def _grant(lineage: str, look: Look) -> Grant:
    """A grant as the ledger gives it: worlds are many, and none has a ledger of its own."""
    said = {"lineage": lineage, "quarter": look.quarter, "line": look.line, "asof": look.asof}
    reason = "calibration"
    return Grant(id=grant_id(**said, reason=reason), **said, reason=reason)
