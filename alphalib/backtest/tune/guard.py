"""What the tuner asks for before anything changes, and what it hands on: a proposal with every check it was held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from alphalib.errors import EvidenceError
from alphalib.evidence.check import Check
from alphalib.evidence.holdout import Grant

Outcome = Literal["too few", "keep", "propose", "confirmed", "refused"]


@dataclass(frozen=True)
class Guardrails:
    """What a change must have shown.

    Parameters
    ----------
    validation : float
        Last share of the open sessions, kept out of the search. [fraction]
    embargo : int
        Left out between search and validation, and between validation and holdout: positions reach over. [sessions]
    shortlist : int
        Best settings of the search among which validation chooses; its bound holds for all of them at once. [settings]
    level : float
        One-sided error of the validation bound. [probability]
    holdout_level : float
        One-sided error of the bound in the holdout, which only confirms. [probability]
    deflated : float
        Probability at least that the improvement is larger than the best of all trials by luck. [probability]
    pbo : float
        Probability of backtest overfitting at most. [probability]
    pbo_blocks : int
        Blocks of its cross-validation: 252 splits for 10.
    trades : int
        Fills of the proposed book in the search and in the validation part, each at least. [fills]
    sessions : int
        Open sessions at least; below, nothing is looked at. [sessions]
    drawdown : float
        By how much more the proposed book may have fallen in the validation part. [fraction]
    block : int
        Of the bootstrap. [sessions]
    draws : int
        Resamples.
    """

    validation: float = 0.30
    embargo: int = 21
    shortlist: int = 5
    level: float = 0.10
    holdout_level: float = 0.20
    deflated: float = 0.90
    pbo: float = 0.50
    pbo_blocks: int = 10
    trades: int = 50
    sessions: int = 504
    drawdown: float = 0.02
    block: int = 10
    draws: int = 500


@dataclass(frozen=True)
class Proposal:
    """What the tuner would change, and everything it decided on.

    Parameters
    ----------
    lineage : str
        As in the ledger: "executor params", "scoring weights", "veto" or "research boosts".
    asof : Timestamp
        Last session known.
    line : Timestamp
        Up to which outcomes were open.
    current : str
        The setting in use.
    candidate : str or None
        The setting that did best, whether or not it passed; None when nothing beside the current one was looked at.
    outcome : {"too few", "keep", "propose", "confirmed", "refused"}
        "keep": a check failed, or nothing did better; "refused": by the holdout.
    checks : tuple of Check
        In the order in which they were made; none is left out after a failure.
    numbers : mapping
        What a reader wants to see beside them, by name.
    grant : str or None
        Id of the grant that confirmed or refused it.
    """

    lineage: str
    asof: pd.Timestamp
    line: pd.Timestamp
    current: str
    candidate: str | None
    outcome: Outcome
    checks: tuple[Check, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)
    grant: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it waits for a grant, or has been confirmed by one."""
        return self.outcome in ("propose", "confirmed")

    def __str__(self) -> str:
        head = f"{self.lineage}: {self.outcome}" + (f" {self.candidate}" if self.passed else "")
        return "\n".join([head, *(f"  {check}" for check in self.checks)])


def judged(proposal: Proposal, checks: tuple[Check, ...], *, numbers: Mapping[str, float]) -> Proposal:
    """The proposal with its checks: to be made when all of them passed, and kept as it is otherwise."""
    passed = proposal.candidate is not None and all(check.passed for check in checks)
    return replace(proposal, outcome="propose" if passed else "keep", checks=checks, numbers=dict(numbers))


def require_proposed(proposal: Proposal) -> str:
    """The candidate of a proposal that waits for a grant; an `EvidenceError` for any other."""
    if proposal.outcome != "propose" or proposal.candidate is None:
        raise EvidenceError(f"a proposal that says {proposal.outcome!r} is not confirmed; the grant is kept")
    return proposal.candidate


def answered(proposal: Proposal, checks: tuple[Check, ...], *, numbers: Mapping[str, float], grant: Grant) -> Proposal:
    """The proposal with what the holdout said: confirmed when all of it passed, and refused otherwise."""
    return replace(
        proposal,
        outcome="confirmed" if all(check.passed for check in checks) else "refused",
        checks=(*proposal.checks, *checks),
        numbers={**proposal.numbers, **numbers},
        grant=grant.id,
    )
