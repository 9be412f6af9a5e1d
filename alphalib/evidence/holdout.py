"""The sealed holdout: outcomes after the line are read with a grant, or not at all.

Prices stay readable, or nothing could trade. What is sealed is what came of a decision: labels, and the results of
simulated books. The line moves once a quarter, so that a year of weekly looks is four looks.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

import pandas as pd

from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.ic import rank_ic
from alphalib.labels import label_end
from alphalib.market import Panel
from alphalib.sessions import Day, last_session

Outcomes = TypeVar("Outcomes", pd.DataFrame, pd.Series)


def quarter_of(asof: Day) -> str:
    """Calendar quarter of a day, as `2023Q4`."""
    return str(pd.Timestamp(asof).to_period("Q"))


def holdout_line(asof: Day, *, quarters: int = 4) -> pd.Timestamp:
    """Last session whose outcomes are open: those of the last full quarters and of the present one are sealed.

    Parameters
    ----------
    asof : Day
        Last session known.
    quarters : int
        Full quarters that are sealed, besides the present one.

    Returns
    -------
    Timestamp
        2022-09-30 for 2023-12-29: the present quarter is 2023Q4, and 2022Q4 to 2023Q3 are sealed with it.
    """
    if quarters < 1:
        raise InputError(f"at least one full quarter must be sealed, got {quarters}")
    before = pd.Timestamp(asof).to_period("Q") - quarters - 1
    return last_session(before.end_time.normalize())


@dataclass(frozen=True)
class Grant:
    """Leave to read the outcomes after the line, once; only `Ledger.use_grant` gives it.

    Parameters
    ----------
    id : str
        In the ledger; made of all that follows, so that a grant that was edited is none.
    lineage : str
        The question it was given for.
    quarter : str
        In which it was given and is used, as `2023Q4`.
    line : Timestamp
        Up to which outcomes were open without it.
    asof : Timestamp
        Up to which outcomes are open with it.
    reason : str
        What it was used for.
    """

    id: str
    lineage: str
    quarter: str
    line: pd.Timestamp
    asof: pd.Timestamp
    reason: str


def grant_id(*, lineage: str, quarter: str, line: pd.Timestamp, asof: pd.Timestamp, reason: str) -> str:
    """Id of a grant: a hash of all it says."""
    text = json.dumps([lineage, quarter, f"{line:%Y-%m-%d}", f"{asof:%Y-%m-%d}", reason], ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class Sealed(Generic[Outcomes]):
    """Outcomes of which those after the line stay closed; made by `seal`.

    Whatever trains, tunes or poses hypotheses takes `open`. It prints without its values, and asking it for what a
    frame has, such as `.loc` or arithmetic, is an error that says what to do instead.
    """

    def __init__(self, outcomes: Outcomes, ends: pd.DatetimeIndex, line: pd.Timestamp) -> None:
        self._outcomes = outcomes
        self.ends = ends
        self.line = line

    def __repr__(self) -> str:
        closed = int((self.ends > self.line).sum())
        return f"Sealed(line {self.line:%Y-%m-%d}, {len(self.ends) - closed} rows open, {closed} closed)"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise EvidenceError(
            f"outcomes after {self.line:%Y-%m-%d} are sealed, there is no .{name}; take .open, or .opened(grant)"
        )

    def __getitem__(self, key: object) -> NoReturn:
        raise EvidenceError(f"outcomes after {self.line:%Y-%m-%d} are sealed; take .open[…], or .opened(grant)[…]")

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise EvidenceError(f"outcomes after {self.line:%Y-%m-%d} are sealed; take .open, or .opened(grant)")

    def __reduce__(self) -> tuple[object, ...]:
        return Sealed, (self._outcomes, self.ends, self.line)

    @property
    def open(self) -> Outcomes:
        """Outcomes that ended by the line; same labels, the others NaN."""
        return self._until(self.line)

    def opened(self, grant: Grant | None) -> Outcomes:
        """Outcomes that ended by the day of the grant; same labels, later ones NaN.

        Raises
        ------
        EvidenceError
            Without a grant, with one that was edited, or with one given for another line.
        """
        return self._until(require_grant(grant, line=self.line, what="outcomes").asof)

    def seen_with(self, grant: Grant | None) -> Outcomes:
        """What may be seen with a grant, or without one: `opened(grant)`, or `open` when there is none."""
        return self.open if grant is None else self.opened(grant)

    def behind(self, grant: Grant | None) -> Outcomes:
        """Rows that ended after the line and by the day of the grant: the holdout alone. Raises as `opened`."""
        last = require_grant(grant, line=self.line, what="outcomes").asof
        return self._outcomes.loc[(self.ends > self.line) & (self.ends <= last)]

    def _until(self, day: pd.Timestamp) -> Outcomes:
        kept = self._outcomes.copy()
        kept.loc[self.ends > day] = float("nan")
        return kept


def seal(outcomes: Outcomes, *, ends: pd.DatetimeIndex, line: Day) -> Sealed[Outcomes]:
    """Close the outcomes that ended after the line.

    Parameters
    ----------
    outcomes : Panel or Series
        Labels, per-date ICs or daily returns; sessions down.
    ends : DatetimeIndex
        Session at whose close each row is known, as from `labels.label_end`; for daily returns the session itself.
    line : Day
        From `holdout_line`.

    Returns
    -------
    Sealed
    """
    if len(ends) != len(outcomes):
        raise InputError(f"every row needs the session at which it is known: {len(outcomes)} rows, {len(ends)} ends")
    if len(ends) and (ends < pd.DatetimeIndex(outcomes.index)).any():
        raise InputError("an outcome cannot be known before the session it belongs to; are these the label ends?")
    floats = outcomes.astype(float)  # a copy, in which a row can be NaN
    return Sealed(floats, ends, pd.Timestamp(line))


def seal_label(label: Outcomes, *, horizon: int) -> Sealed[Outcomes]:
    """Close the labels that ended after the line of their last session.

    Parameters
    ----------
    label : Panel or Series
        As from `labels.sector_relative_return`, or the ICs made from it; its last session is the `asof`.
    horizon : int
        Of the label. [sessions]
    """
    sessions = pd.DatetimeIndex(label.index)
    if sessions.empty:
        raise InputError("there are no labels to seal")
    return seal(label, ends=label_end(sessions, horizon), line=holdout_line(sessions[-1]))


def sealed_rank_ic(prediction: Panel, label: Sealed[Panel], *, minimum: int = 10) -> Sealed[pd.Series]:
    """Per-date rank ICs, each as closed as the labels it was made from.

    Parameters
    ----------
    prediction : Panel
        Of models that saw `label.open` at most.
    label : Sealed Panel
        Outcomes.
    minimum : int
        As in `ic.rank_ic`. [names]
    """
    return Sealed(rank_ic(prediction, label._outcomes, minimum=minimum), label.ends, label.line)


def require_grant(
    grant: Grant | None, *, line: Day, what: str, lineage: str | None = None, reaches: Day | None = None
) -> Grant:
    """The grant, when it opens `what` behind this line.

    Parameters
    ----------
    grant : Grant, optional
        Nothing is opened without one.
    line : Day
        Behind which something is to be read.
    what : str
        What is to be read, for the message.
    lineage : str, optional
        For which it must have been given.
    reaches : Day, optional
        Last session that is to be read.

    Raises
    ------
    EvidenceError
        Says what was wrong, and how a grant is had.
    """
    after = f"{what} after {pd.Timestamp(line):%Y-%m-%d}"
    if grant is None:
        raise EvidenceError(f"{after} are sealed: they are read with a grant from Ledger.use_grant, one a quarter")
    said = {"lineage": grant.lineage, "quarter": grant.quarter, "line": grant.line, "asof": grant.asof}
    if grant.id != grant_id(**said, reason=grant.reason):
        raise EvidenceError(f"{after} are sealed, and grant {grant.id} is not as the ledger gave it; use that one")
    if grant.line != pd.Timestamp(line):
        raise EvidenceError(
            f"{after} are sealed: grant {grant.id} of {grant.quarter} opens those after {grant.line:%Y-%m-%d}"
        )
    if lineage is not None and grant.lineage != lineage:
        raise EvidenceError(f"{after} are sealed: grant {grant.id} was given for {grant.lineage!r}, not {lineage!r}")
    if reaches is not None and pd.Timestamp(reaches) > grant.asof:
        raise EvidenceError(
            f"{after} are sealed: grant {grant.id} opens them up to {grant.asof:%Y-%m-%d}, not to "
            f"{pd.Timestamp(reaches):%Y-%m-%d}"
        )
    return grant
