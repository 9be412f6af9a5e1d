"""The tuner's week as an artefact, and the parameter file that a proposal amounts to."""

from __future__ import annotations

import math

from alphalib.backtest.tune.apply import FILES
from alphalib.backtest.tune.guard import Proposal
from alphalib.backtest.tune.space import NOTES
from alphalib.backtest.tune.watch import Watch
from alphalib.contracts import GateCheck, TuneProposal, TuneWatch
from alphalib.errors import InputError
from alphalib.params import Params, PredictorParams, ResearchParams, ScoringWeights

MEDIUM, HIGH = 100, 300


def proposed_file(proposal: Proposal, current: Params) -> Params:
    """The file with a proposed number in it; the one in use when there is none.

    Parameters
    ----------
    proposal : Proposal
        From `choose_number`.
    current : Params
        The file in use.
    """
    if proposal.candidate is None:
        return current
    number = float(proposal.candidate)
    samples = int(proposal.numbers.get("samples", 0))
    if isinstance(current, ScoringWeights):
        confidence = "high" if samples >= HIGH else "medium" if samples >= MEDIUM else "low"
        change: dict[str, object] = {"quant": number, "qual": round(1 - number, 6), "n_samples": samples}
        change["confidence"] = confidence
    elif isinstance(current, PredictorParams):
        precision = proposal.numbers.get("precision")
        known = precision if precision is not None and math.isfinite(precision) else None
        change = {"veto_confidence": number, "precision": known, "n_vetoes": samples}
        change["recommendation_reason"] = f"{len(proposal.checks)} checks, see tune/{proposal.asof:%Y-%m-%d}.json"
    elif isinstance(current, ResearchParams):
        change = {"pead_boost": number}
    else:
        raise InputError(f"{type(current).__name__} is not tuned by one number")
    return type(current).model_validate({**current.model_dump(), **change})


def proposal_row(
    proposal: Proposal, current: Params, looked_at: Params, *, trials: float, applied: bool = False, note: str = ""
) -> TuneProposal:
    """A proposal for the report, with every field in which the file looked at differs from the one in use."""
    changes = {
        field: (getattr(current, field), getattr(looked_at, field))
        for field in type(current).model_fields
        if field not in NOTES and getattr(current, field) != getattr(looked_at, field)
    }
    return TuneProposal(
        lineage=proposal.lineage,
        outcome=proposal.outcome,
        file=FILES[proposal.lineage].path,
        changes=changes,
        checks=[
            GateCheck(
                rule=check.rule,
                value=check.value if math.isfinite(check.value) else None,
                limit=check.limit,
                passed=check.passed,
                note=check.note,
            )
            for check in proposal.checks
        ],
        numbers={name: value for name, value in proposal.numbers.items() if math.isfinite(value)},
        line=f"{proposal.line:%Y-%m-%d}",
        trials=trials,
        grant=proposal.grant,
        applied=applied,
        note=note,
    )


def watch_row(found: Watch, *, file: str, rolled_back: bool) -> TuneWatch:
    """A watch for the report."""
    return TuneWatch(
        file=file,
        adopted=f"{found.adopted:%Y-%m-%d}",
        sessions=len(found.evidence),
        evidence=float(found.evidence.iloc[-1]) if len(found.evidence) else 1.0,
        false_alarm_rate=found.alpha,
        difference=found.difference if math.isfinite(found.difference) else None,
        alarm=f"{found.alarm:%Y-%m-%d}" if found.alarm is not None else None,
        rolled_back=rolled_back,
    )
