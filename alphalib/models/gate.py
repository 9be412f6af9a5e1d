"""The gate: which model may be used. Out-of-sample ICs in, a verdict with every reason out.

Two stages. `gate` judges what is open before the line, as often as one likes; `confirm` holds what passed against the
holdout, with a grant, once a quarter. Refusing is as normal as promoting, and what is missing counts as failed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.check import Check, above, at_least
from alphalib.evidence.estimate import Estimate
from alphalib.evidence.holdout import Grant, Sealed
from alphalib.evidence.ic import icir
from alphalib.evidence.power import level_among
from alphalib.evidence.promises import promise
from alphalib.evidence.significance import bootstrap_means, mean_with_interval, minimum_detectable
from alphalib.market import Panel


@dataclass(frozen=True)
class GateParams:
    """What the gate asks for.

    Parameters
    ----------
    level : float
        Error of the one-sided tests at one look, before the number of trials tightens it. Half of the usual .05, since
        the line moves four times a year and each time noise may pass: on simulated ICs without skill a year
        of looks then asks for a grant in 4 of 100 worlds and promotes in 3, at .05 in 8 and 5. [probability]
    minimum_ic : float
        Mean rank IC at least, however sure it is: below it costs eat everything. [correlation]
    minimum_folds : int
        Out-of-sample folds at least; with the holdout behind them these are four years.
    fold : int
        Length of a fold; a remainder shorter than half of it joins the fold before. [sessions]
    positive_folds : float
        Share of folds with a positive mean IC at least. [fraction]
    coverage : float
        Share of the sessions between the first and the last IC that have one, at least. [fraction]
    priced : float
        Mean share of the members that had a price at least: the others are mostly those that failed. [fraction]
    draws : int
        Resamples of the bootstrap.
    holdout : int
        Sessions of the holdout that must have an IC, at least. [sessions]
    """

    level: float = 0.025
    minimum_ic: float = 0.005
    minimum_folds: int = 3
    fold: int = 252
    positive_folds: float = 0.6
    coverage: float = 0.9
    priced: float = 0.9
    draws: int = 2000
    holdout: int = 126


@dataclass(frozen=True)
class Verdict:
    """What the gate decided, and everything it decided on.

    Parameters
    ----------
    passed : bool
        Whether every check so far passed.
    checks : tuple of Check
        In the order in which they were made; none is left out after a failure.
    rank_ic : Estimate
        Mean of the per-date rank ICs with its two-sided 95 % interval. [correlation]
    icir : float
        [ratio]
    minimum_detectable : float
        True mean IC that this much history would have found four times out of five. [correlation]
    folds : int
        Out-of-sample folds.
    trials : float
        Effective number tried that the level was divided among. [trials]
    notes : tuple of str
        What decided nothing but should be read.
    last : Timestamp, optional
        Last session with an IC among those it was reached on.
    grant : str, optional
        Under which `confirm` read the holdout; None before that.
    """

    passed: bool
    checks: tuple[Check, ...]
    rank_ic: Estimate
    icir: float
    minimum_detectable: float
    folds: int
    trials: float
    notes: tuple[str, ...] = field(default=())
    last: pd.Timestamp | None = None
    grant: str | None = None

    @property
    def confirmed(self) -> bool:
        """Whether every check passed, the holdout's among them: only then may the model be used."""
        return self.passed and self.grant is not None

    def __str__(self) -> str:
        stage = "promoted" if self.confirmed else "passed what is open" if self.passed else "refused"
        return "\n".join([stage, *(f"  {check}" for check in self.checks)])


def gate(
    oos_ic: pd.Series,
    *,
    horizon: int,
    trials: float,
    rng: np.random.Generator,
    incumbent: pd.Series | None = None,
    raw: Panel | None = None,
    members: Literal["by date", "survivors only"] = "by date",
    priced: float = 1.0,
    forbidden: str | None = None,
    params: GateParams | None = None,
) -> Verdict:
    """First stage: judge a model on the outcomes before the line.

    Parameters
    ----------
    oos_ic : Series
        Per-date rank ICs out of sample, as from `rank_ic(walk.predictions, sealed.open)`; NaN where there is none.
    horizon : int
        Of the label. [sessions]
    trials : float
        `Ledger.effective_count` of the lineage, this trial included. [trials]
    rng : Generator
        For the bootstrap.
    incumbent : Series, optional
        The same for the model in use, when it is of another configuration: it yields only to a model that is better on
        the same dates beyond doubt. A refit of the same configuration replaces itself and needs none.
    raw : Panel, optional
        Out-of-fold predictions before centring; saturation and a tilt to one side are noted.
    members : {"by date", "survivors only"}
        `Source.members` of the market: what was learnt from today's names looked at backwards is not evidence.
    priced : float
        Mean share of the members that had a price, see `universe.members_priced`. [fraction]
    forbidden : str, optional
        Why nothing may be promoted, as from `proof.calibration.promotion_allowed`.
    params : GateParams, optional
        Limits.

    Returns
    -------
    Verdict

    Notes
    -----
    With N effective trials each is tested at 1 − (1 − level)^(1/N): Šidák (1967),
    https://doi.org/10.1080/01621459.1967.10482935. Only the Newey–West bound is tightened so; the bootstrap guards
    against its asymptotics at the plain level, since a far quantile of a bootstrap would be noise.
    """
    params = params or GateParams()
    if not trials >= 1:
        raise InputError(f"this is one trial at least, got {trials}; take the number from the ledger")
    known = _span(oos_ic)
    estimate = mean_with_interval(known, horizon=horizon)
    means = fold_means(known, fold=params.fold)
    checks = [
        *_fold_checks(known, means, params),
        *_bound_checks(known, estimate, horizon=horizon, trials=trials, rng=rng, params=params),
    ]
    if members != "by date":
        checks.append(at_least("members", 0.0, 1.0, "today's members looked at backwards are not evidence"))
    checks.append(at_least("priced", priced, params.priced))
    if forbidden is not None:
        checks.append(Check("calibration", math.nan, 0.0, passed=False, note=forbidden))
    if incumbent is not None:
        checks.append(_incumbent_check(known, incumbent, horizon=horizon, params=params))
    return Verdict(
        passed=all(check.passed for check in checks),
        checks=tuple(checks),
        rank_ic=estimate,
        icir=icir(known),
        minimum_detectable=minimum_detectable(estimate.standard_error),
        folds=len(means),
        trials=float(trials),
        last=known.last_valid_index(),
        notes=() if raw is None else _notes(raw),
    )


def confirm(
    verdict: Verdict,
    oos_ic: Sealed[pd.Series],
    grant: Grant | None,
    *,
    horizon: int,
    rng: np.random.Generator,
    params: GateParams | None = None,
) -> Verdict:
    """Second stage: hold what passed against the holdout.

    Parameters
    ----------
    verdict : Verdict
        From `gate`; one that refused is handed back as it is, and the holdout is not read.
    oos_ic : Sealed Series
        Per-date rank ICs of which `gate` saw those that are open.
    grant : Grant, optional
        From the ledger; without one the holdout is missing, which is a failure.
    horizon : int
        Of the label. [sessions]
    rng : Generator
        For the promise.
    params : GateParams, optional
        Limits.

    Returns
    -------
    Verdict
        With the checks `holdout_sessions`; `holdout`, a mean IC above 0; and `promise`, not below what the ICs before
        the line promised for as many sessions. One above is noted: it is luck, or something that knows too much.

    Raises
    ------
    EvidenceError
        When `gate` was shown other outcomes than those that are open, or the grant opens others.
    """
    if not verdict.passed:
        return verdict
    last = oos_ic.open.last_valid_index()
    if verdict.last != last:
        raise EvidenceError(
            f"the gate saw ICs up to {verdict.last}, open are those up to {last}; judge what is open, then confirm it"
        )
    params = params or GateParams()
    if grant is None:
        missing = Check(
            "holdout", math.nan, 0.0, passed=False, note="no grant at hand, it was not read; one a quarter is given"
        )
        return replace(verdict, passed=False, checks=(*verdict.checks, missing))
    held = oos_ic.behind(grant).dropna()
    promised = promise(
        oos_ic.open,
        block=4 * horizon,
        sessions=max(len(held), 1),
        rng=rng,
        draws=params.draws,
        level=1 - 2 * params.level,
    )
    mean = float(held.mean())
    checks = (
        at_least("holdout_sessions", len(held), params.holdout),
        above("holdout", mean, note=f"{len(held)} sessions after {grant.line:%Y-%m-%d}, grant {grant.id}"),
        at_least("promise", mean, promised.low, note=f"promised {promised.low:.3g} to {promised.high:.3g}"),
    )
    higher = (f"the holdout's mean IC, {mean:.3f}, is above what was promised",) if mean > promised.high else ()
    return replace(
        verdict,
        passed=all(check.passed for check in checks),
        checks=verdict.checks + checks,
        notes=verdict.notes + higher,
        grant=grant.id,
    )


def fold_means(per_date: pd.Series, *, fold: int = 252) -> pd.Series:
    """Mean IC of each run of `fold` sessions from the first on; NaN where a fold has none. [correlation]"""
    count = max(round(len(per_date) / fold), 1) if len(per_date) else 0
    number = np.minimum(np.arange(len(per_date)) // fold, count - 1)
    return per_date.groupby(number).mean().rename_axis("fold")


def _span(oos_ic: pd.Series) -> pd.Series:
    """From the first to the last IC: before is training, after are outcomes still to come."""
    first, last = oos_ic.first_valid_index(), oos_ic.last_valid_index()
    return oos_ic.iloc[:0] if first is None else oos_ic.loc[first:last]


def _fold_checks(known: pd.Series, means: pd.Series, params: GateParams) -> list[Check]:
    return [
        at_least("coverage", float(known.notna().mean()), params.coverage, f"{len(known)} sessions"),
        at_least("folds", len(means), params.minimum_folds),
        # A fold without an IC counts as one that was not positive.
        at_least("positive_folds", float((means > 0).mean()), params.positive_folds, f"of {len(means)}"),
    ]


def _bound_checks(
    known: pd.Series,
    estimate: Estimate,
    *,
    horizon: int,
    trials: float,
    rng: np.random.Generator,
    params: GateParams,
) -> list[Check]:
    level = level_among(trials, level=params.level)
    bound = estimate.value - float(stats.norm.ppf(1 - level)) * estimate.standard_error
    values, block = known.dropna().to_numpy(dtype=float), 4 * horizon
    low = math.nan  # where there are fewer than two blocks
    if len(values) >= 2 * block:
        low = float(np.quantile(bootstrap_means(values, block=block, draws=params.draws, rng=rng), params.level))
    many = "1 trial" if trials == 1 else f"{trials:.3g} trials"
    among = f"one-sided {level:.2g}, which is {params.level:.2g} among {many}"
    return [
        at_least("mean_ic", estimate.value, params.minimum_ic, str(estimate)),
        above("newey_west_bound", bound, note=among),
        above("bootstrap_bound", low, note=f"one-sided {params.level:.2g}"),
    ]


def _incumbent_check(known: pd.Series, incumbent: pd.Series, *, horizon: int, params: GateParams) -> Check:
    """Paired difference on common dates; one that shares too few of them is no comparison and fails."""
    difference = (known - incumbent.reindex(known.index)).dropna()
    shared = len(difference) / max(int(known.notna().sum()), 1)
    if shared < params.coverage:
        return Check("incumbent", math.nan, 0.0, passed=False, note=f"only {shared:.0%} of the dates in common")
    estimate = mean_with_interval(difference, horizon=horizon)
    bound = estimate.value - float(stats.norm.ppf(1 - params.level)) * estimate.standard_error
    detectable = minimum_detectable(estimate.standard_error)
    return above("incumbent", bound, note=f"difference {estimate}, detectable {detectable:.3g}")


def _notes(raw: Panel) -> tuple[str, ...]:
    predicted = raw.dropna(how="all")
    if predicted.empty:
        return ("there are no predictions",)
    mean, spread, names = predicted.mean(axis=1), predicted.std(axis=1), predicted.notna().sum(axis=1)
    up, down = (predicted > 0).sum(axis=1) / names, (predicted < 0).sum(axis=1) / names
    saturated = float((predicted.max(axis=1) == predicted.min(axis=1)).mean())
    tilted = float(((np.maximum(up, down) > 0.8) & (mean.abs() > 0.5 * spread)).mean())
    found = [(saturated, "every name has the same prediction"), (tilted, "over 80 % of the names lean to one side")]
    return tuple(f"on {share:.1%} of the sessions {what}" for share, what in found if share > 0)
