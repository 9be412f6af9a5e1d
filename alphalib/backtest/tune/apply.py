"""Parameter files changed with a grant, with their history kept, and taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeVar

import pandas as pd

from alphalib.backtest.sweep.space import cell_name, changed
from alphalib.backtest.tune.guard import Proposal
from alphalib.backtest.tune.space import require_step
from alphalib.contracts import ConfigChange, ConfigHistory
from alphalib.errors import EvidenceError, InputError, StoreError
from alphalib.evidence.holdout import Grant, require_grant
from alphalib.params import ExecutorParams, Params, PredictorParams, ResearchParams, ScoringWeights
from alphalib.sessions import Day
from alphalib.store import Store, json_bytes, parameters

Tuned = TypeVar("Tuned", bound=Params)

FILES: Mapping[str, type[Params]] = {
    "executor params": ExecutorParams,
    "scoring weights": ScoringWeights,
    "veto": PredictorParams,
    "research boosts": ResearchParams,
}
"""Which file each lineage of the tuner changes."""


@dataclass(frozen=True)
class Settings:
    """A parameter file's contents as they were used.

    Parameters
    ----------
    tuned : Params
        In use.
    previous : Params or None
        Before the last change; None when nothing was changed, or it was taken back.
    never_tuned : Params
        Before the first change.
    adopted : Timestamp or None
        Session of the change that is in use; None without one.
    """

    tuned: Params
    previous: Params | None
    never_tuned: Params
    adopted: pd.Timestamp | None


def previous_path(kind: type[Params]) -> str:
    """Where the file before the last change lies: `config/executor_params_previous.json`."""
    path = PurePosixPath(kind.path)
    return str(path.with_name(f"{path.stem}_previous.json"))


def history_path(kind: type[Params], date: str) -> str:
    """Where the changes of a session lie: `config/executor_params_history/{date}.json`."""
    path = PurePosixPath(kind.path)
    return str(path.with_name(f"{path.stem}_history") / f"{date}.json")


def settings_used(store: Store, kind: type[Params]) -> Settings:
    """What is in use, what was before it, and what there was before anything was tuned."""
    tuned, changes = parameters(store, kind), _changes(store, kind)
    before = _undone(store, tuned, changes) if store.exists(previous_path(kind)) else None
    return Settings(
        tuned=tuned,
        previous=before,
        never_tuned=kind.model_validate(changes[0].before) if changes else tuned,
        adopted=pd.Timestamp(changes[-1].date) if changes and changes[-1].event == "applied" and before else None,
    )


def settings_applied(store: Store, kind: type[Tuned]) -> list[Tuned]:
    """Every setting that was ever put into use by a change, oldest first; those taken back among them."""
    return [kind.model_validate(change.after) for change in _changes(store, kind) if change.event == "applied"]


def apply(store: Store, proposal: Proposal, after: Tuned, *, grant: Grant | None) -> Tuned:
    """Write a confirmed change: the file, the one before it, and its history, all or none.

    Parameters
    ----------
    store : Store
        The bus.
    proposal : Proposal
        Confirmed by that grant.
    after : Params
        The file as it is to be; only what is tuned may differ from the one in use, and not by more than a step.
    grant : Grant
        That confirmed it.

    Returns
    -------
    Params
        As written, dated.

    Raises
    ------
    EvidenceError
        When the proposal was not confirmed, or by another grant, was of another change than this or made from another
        file than the one in use, or when the change goes further than a step or touches what is never tuned.
    """
    kind = type(after)
    if FILES.get(proposal.lineage) is not kind:
        raise InputError(f"a proposal on {proposal.lineage} does not change {kind.path}")
    if proposal.outcome != "confirmed":
        raise EvidenceError(f"only a confirmed proposal is applied, this one says {proposal.outcome!r}")
    grant = require_grant(grant, line=proposal.line, what="outcomes", lineage=proposal.lineage)
    if grant.id != proposal.grant:
        raise EvidenceError(f"the proposal was confirmed by grant {proposal.grant}, not by {grant.id}")
    before = parameters(store, kind)
    if tuned_name(before) != proposal.current:
        raise EvidenceError(f"{kind.path} is not as it was when the change was proposed; run the tuner again")
    if tuned_name(after) != proposal.candidate:
        raise EvidenceError(f"the proposal confirmed {proposal.candidate}, not {tuned_name(after)}")
    require_step(before, after)
    date = f"{proposal.asof:%Y-%m-%d}"
    written = kind.model_validate({**after.model_dump(), "updated_at": date})
    _write(store, before, written, date=date, event="applied", grant=grant.id, reason=grant.reason, keep=True)
    return written


def tuned_name(params: Params) -> str:
    """What a proposal calls the setting of a file: the executor's by `cell_name`, the others by their one number."""
    if isinstance(params, ScoringWeights):
        return f"{params.quant:g}"
    if isinstance(params, PredictorParams):
        return f"{params.veto_confidence:g}"
    if isinstance(params, ResearchParams):
        return f"{params.pead_boost:g}"
    return cell_name(params)


def rollback(store: Store, kind: type[Tuned], *, asof: Day, reason: str) -> Tuned:
    """Undo the last change of a file; it needs no grant. What a person changed in the file since then stays.

    Parameters
    ----------
    store : Store
        The bus.
    kind : type of Params
        Which file.
    asof : Day
        Session of the decision.
    reason : str
        For the history.

    Raises
    ------
    StoreError
        When there is nothing to go back to.
    InputError
        When a person has since overwritten all that the change had set.
    """
    path = previous_path(kind)
    if not store.exists(path):
        raise StoreError(f"{path} is not there: {kind.path} was never changed, or its change was taken back already")
    current, date = parameters(store, kind), f"{pd.Timestamp(asof):%Y-%m-%d}"
    before = _undone(store, current, _changes(store, kind))
    if cell_name(before) == cell_name(current):
        raise InputError(f"{kind.path} was written by hand since its last change, of which nothing is left to undo")
    restored = kind.model_validate({**before.model_dump(), "updated_at": date})
    _write(store, current, restored, date=date, event="rolled back", grant=None, reason=reason, keep=False)
    return restored


def _undone(store: Store, current: Tuned, changes: Sequence[ConfigChange]) -> Tuned:
    """The file in use without its last change: fields that a person has written since stay as they are."""
    before = store.read(previous_path(type(current)), type(current))
    if not changes or changes[-1].event != "applied":
        return before
    last, now = changes[-1], _plain(current)
    ours = [field for field, new in last.after.items() if last.before.get(field) != new and now.get(field) == new]
    return changed(current, {field: getattr(before, field) for field in ours})


def _write(
    store: Store, before: Params, after: Params, *, date: str, event: str, grant: str | None, reason: str, keep: bool
) -> None:
    kind, entry = type(after), history_path(type(after), date)
    earlier = store.read(entry, ConfigHistory).changes if store.exists(entry) else []
    change = ConfigChange(
        date=date, event=event, before=_plain(before), after=_plain(after), grant=grant, reason=reason
    )
    history = ConfigHistory(date=date, file=kind.path, changes=[*earlier, change])
    # In this order, should the machine stop between two renames: what is in use can always be taken back.
    file, entries = {kind.path: _plain(after)}, {entry: history.model_dump(mode="json")}
    contents = {previous_path(kind): _plain(before)} | entries | file if keep else file | entries
    store.write_together(
        {path: json_bytes(content, name=path) for path, content in contents.items()},
        instead_of=() if keep else [previous_path(kind)],
    )


def _changes(store: Store, kind: type[Params]) -> list[ConfigChange]:
    """All changes of a file, oldest first."""
    paths = store.paths(history_path(kind, "*"))
    return [change for path in paths for change in store.read(path, ConfigHistory).changes]


def _plain(params: Params) -> dict[str, Any]:
    return params.model_dump(mode="json")
