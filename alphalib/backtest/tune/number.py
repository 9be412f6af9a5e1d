"""A single number tuned on outcomes by date: a weight, a threshold, a boost. Searched, blended, validated, confirmed.

What is validated is the very number that would be written: part of the way from the one in use to the best of the
search, so that little evidence moves it little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.backtest.tune.guard import Guardrails, Proposal, answered, judged, require_proposed
from alphalib.backtest.tune.paired import simultaneous_bounds
from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.check import Check, above, at_least
from alphalib.evidence.holdout import Grant, Sealed, holdout_line, require_grant
from alphalib.evidence.significance import expected_maximum, minimum_detectable
from alphalib.labels import label_end
from alphalib.market import Panel
from alphalib.sessions import Day, all_sessions

SMALLEST_BLEND, LARGEST_BLEND, ENOUGH = 0.20, 0.50, 500


@dataclass(frozen=True, eq=False)
class Question:
    """Which number, what it may become, and how good one is on a date.

    Parameters
    ----------
    lineage : str
        As in the ledger.
    current : float
        In use.
    values : tuple of float
        What the search tries, the current one apart: within a step of it, and above the floor.
    quality : callable
        `quality(value, outcomes)`: one number a date, the higher the better and 0 for no merit; NaN where it has none.
    described : callable
        `described(value, outcomes)`: what the number acted on; `samples` among it.
    samples : int
        Outcomes acted on at least, in the search and in the validation part together. [names × dates]
    horizon : int
        Of the outcomes. [sessions]
    """

    lineage: str
    current: float
    values: tuple[float, ...]
    quality: Callable[[float, Panel], pd.Series]
    described: Callable[[float, Panel], Mapping[str, float]]
    samples: int
    horizon: int


def steps(current: float, *, step: float, by: float, low: float, high: float) -> tuple[float, ...]:
    """Values up to `step` away from the current one, `by` apart, within bounds; the current one left out."""
    count = int(step / by + 1e-9)
    tried = [round(current + by * k, 6) for k in range(-count, count + 1) if k]
    return tuple(value for value in tried if low - 1e-9 <= value <= high + 1e-9)


def choose_number(
    question: Question,
    outcomes: Sealed[pd.DataFrame],
    *,
    asof: Day,
    trials: float,
    rng: np.random.Generator,
    guard: Guardrails | None = None,
) -> Proposal:
    """Propose what the number should become, or say why nothing.

    Parameters
    ----------
    question : Question
        What is tuned.
    outcomes : Sealed
        Forward returns by date and name; only the open ones are read. [fraction]
    asof : Day
        Last session known; the line follows from it.
    trials : float
        Effective number tried in the lineage, from the ledger, these values included. [trials]
    rng : Generator
        Of the bootstrap.
    guard : Guardrails, optional
        Limits.

    Returns
    -------
    Proposal
        Its candidate is the number as text.

    Raises
    ------
    EvidenceError
        When the outcomes were sealed at a later line than `asof` has.
    """
    guard, line = guard or Guardrails(), holdout_line(asof)
    if outcomes.line > line:
        raise EvidenceError(f"these outcomes are sealed from {outcomes.line:%Y-%m-%d} on, the line is {line:%Y-%m-%d}")
    known = outcomes.open
    blank = Proposal(question.lineage, pd.Timestamp(asof), line, f"{question.current:g}", None, "too few", ())
    own = question.quality(question.current, known).dropna()
    search, validation = _parts(pd.DatetimeIndex(own.index), question.horizon, guard)
    block = _block(pd.DatetimeIndex(own.index), question.horizon)
    rows = at_least("validation_dates", len(validation), 4 * block, "fewer give no interval")
    seen = _samples(question, known)
    size = at_least("samples", seen, question.samples, "outcomes that the number acted on")
    if not (rows.passed and size.passed and question.values):
        return replace(blank, checks=(size, rows))
    best, ahead = _best(question, known, own, search)
    proposed = blended(question.current, best, samples=seen)
    if not ahead > 0 or proposed == question.current:
        return replace(blank, outcome="keep", checks=(size, above("search", ahead, note="none is better")))
    quality = question.quality(proposed, known).reindex(own.index)
    difference = (quality - own).dropna()
    checks, numbers = _checks(difference, quality, search, validation, block, trials, rng, guard)
    numbers |= {"search_best": best, **question.described(proposed, known)}
    return judged(replace(blank, candidate=f"{proposed:g}"), (size, rows, *checks), numbers=numbers)


def confirm_number(
    question: Question,
    proposal: Proposal,
    outcomes: Sealed[pd.DataFrame],
    grant: Grant | None,
    *,
    rng: np.random.Generator,
    guard: Guardrails | None = None,
) -> Proposal:
    """Hold the proposed number against the outcomes behind the line, once, with a grant.

    Raises
    ------
    EvidenceError
        Without a fitting grant, or for a proposal that did not pass.
    """
    guard = guard or Guardrails()
    candidate = require_proposed(proposal)
    grant = require_grant(grant, line=proposal.line, what="outcomes", lineage=proposal.lineage)
    opened = outcomes.opened(grant)
    sessions = pd.DatetimeIndex(opened.index)
    sealed_rows = label_end(sessions, question.horizon) > proposal.line
    opened = opened.loc[sealed_rows]
    difference = (question.quality(float(candidate), opened) - question.quality(question.current, opened)).dropna()
    block = _block(pd.DatetimeIndex(difference.index), question.horizon)
    enough = at_least("holdout_dates", len(difference), 4 * block)
    checks: tuple[Check, ...] = (enough,)
    numbers: dict[str, float] = {}
    if enough.passed:
        bound, error = _bound(difference, guard.holdout_level, block, rng, guard)
        reach = 1.645 * float(np.hypot(error, proposal.numbers["validation_error"]))
        promised = proposal.numbers["validation_difference"] - reach
        checks += (
            above("holdout_bound", bound, note=f"one-sided {guard.holdout_level:.2g}"),
            at_least("holdout_promise", float(difference.mean()), promised, "as validation promised"),
        )
        numbers = {"holdout_difference": float(difference.mean()), "holdout_error": error}
    return answered(proposal, checks, numbers=numbers, grant=grant)


def proposed_number(
    question: Question, outcomes: Sealed[pd.DataFrame], *, guard: Guardrails | None = None
) -> float | None:
    """The number that `choose_number` will judge, to be counted before it is; None when it will judge none.

    The search alone decides it: how good the number itself was is not looked at.
    """
    known = outcomes.open
    own = question.quality(question.current, known).dropna()
    search, _ = _parts(pd.DatetimeIndex(own.index), question.horizon, guard or Guardrails())
    if not question.values or not len(search):
        return None
    best, ahead = _best(question, known, own, search)
    proposed = blended(question.current, best, samples=_samples(question, known))
    return proposed if ahead > 0 and proposed != question.current else None


def blended(current: float, best: float, *, samples: float) -> float:
    """Part of the way to the best value: a fifth with few samples, half from 500 on; to two decimals."""
    share = SMALLEST_BLEND + (LARGEST_BLEND - SMALLEST_BLEND) * min(samples / ENOUGH, 1.0)
    return round(current + share * (best - current), 2)


def _samples(question: Question, known: Panel) -> float:
    return max((question.described(value, known)["samples"] for value in question.values), default=0.0)


def _best(question: Question, known: Panel, own: pd.Series, search: pd.DatetimeIndex) -> tuple[float, float]:
    """The value that did best on the dates to search by, and by how much it was ahead of the one in use."""
    tried = pd.DataFrame({value: question.quality(value, known).reindex(own.index) for value in question.values})
    ahead = tried.loc[search].sub(own.loc[search], axis=0).mean()
    if ahead.isna().all():
        return question.current, 0.0
    best = float(ahead.idxmax())
    return best, float(ahead[best])


def _parts(dates: pd.DatetimeIndex, horizon: int, guard: Guardrails) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """Dates to search by, and dates to validate by; outcomes of the first ended before the second begin."""
    validation = dates[round(len(dates) * (1 - guard.validation)) :]
    before = dates[: len(dates) - len(validation)]
    if not len(validation):
        return before, validation
    return before[label_end(before, horizon) < validation[0]], validation


def _block(dates: pd.DatetimeIndex, horizon: int) -> int:
    """Rows that four horizons span, 2 at least; weekly dates span five sessions a row. [rows]"""
    if len(dates) < 2:
        return 2
    spacing = float(np.median(np.diff(all_sessions().searchsorted(dates))))
    if spacing <= 0:
        raise InputError("the dates of the outcomes must be sessions in order, each once")
    return max(2, int(np.ceil(4 * horizon / spacing)))


def _bound(
    difference: pd.Series, level: float, block: int, rng: np.random.Generator, guard: Guardrails
) -> tuple[float, float]:
    values = difference.to_numpy(dtype=float)[:, None]
    bounds, errors = simultaneous_bounds(values, level=level, block=block, draws=guard.draws, rng=rng)
    return float(bounds[0]), float(errors[0])


def _checks(
    difference: pd.Series,
    quality: pd.Series,
    search: pd.DatetimeIndex,
    validation: pd.DatetimeIndex,
    block: int,
    trials: float,
    rng: np.random.Generator,
    guard: Guardrails,
) -> tuple[tuple[Check, ...], dict[str, float]]:
    """Checks of the proposed number against the current one, and what they were made of."""
    after = difference.loc[difference.index.isin(validation)]
    bound, error = _bound(after, guard.level, block, rng, guard)
    _, whole = _bound(difference, guard.level, block, rng, guard)
    searched = float(difference.loc[difference.index.isin(search)].mean())
    ahead, detectable = float(after.mean()), minimum_detectable(whole)
    luck = float(stats.norm.cdf(difference.mean() / whole - expected_maximum(max(trials, 1.0)))) if whole > 0 else 0.0
    checks = (
        above("search", searched),
        above("validation", ahead, note="a sign that flips is a failure"),
        above("validation_bound", bound, note=f"one-sided {guard.level:.2g}"),
        at_least("detectable", ahead, detectable, "what this history finds four times in five"),
        at_least("deflated", luck, guard.deflated, f"of the difference, among {trials:.3g} trials"),
        above("merit", float(quality.reindex(validation).mean()), note="of the proposed number itself, in validation"),
    )
    numbers = {
        "search_difference": searched,
        "validation_difference": ahead,
        "validation_error": error,
        "validation_bound": bound,
        "detectable": detectable,
    }
    return checks, numbers
