"""A confirmed change is written whole, with what was before it, and can be taken back once."""

from dataclasses import replace

import pandas as pd
import pytest

from alphalib.backtest.sweep.space import cell_name
from alphalib.backtest.tune.apply import apply, history_path, previous_path, rollback, settings_used
from alphalib.backtest.tune.guard import Proposal
from alphalib.contracts import ConfigHistory
from alphalib.errors import EvidenceError, InputError, StoreError
from alphalib.evidence.ledger import Ledger
from alphalib.params import ExecutorParams, ScoringWeights
from alphalib.store import Store
from tests.backtest.tune.matrices import ASOF, LINE

LINEAGE = "executor params"
BETTER = ExecutorParams(min_score=65.0)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data")


@pytest.fixture
def grant(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.give_grant(LINEAGE, asof=ASOF, by="a test")
    return ledger.use_grant(LINEAGE, asof=ASOF, reason="a test")


@pytest.fixture
def confirmed(grant):
    current, candidate = cell_name(ExecutorParams()), cell_name(BETTER)
    return Proposal(LINEAGE, pd.Timestamp(ASOF), LINE, current, candidate, "confirmed", (), grant=grant.id)


def test_a_change_keeps_what_was_before_it(store, confirmed, grant):
    written = apply(store, confirmed, BETTER, grant=grant)
    assert written.min_score == 65.0
    assert store.read(ExecutorParams.path, ExecutorParams) == written
    assert store.read(previous_path(ExecutorParams), ExecutorParams) == ExecutorParams()
    history = store.read("config/executor_params_history/2023-12-29.json", ConfigHistory)
    assert history.at() == history_path(ExecutorParams, ASOF)
    assert [(change.event, change.grant) for change in history.changes] == [("applied", grant.id)]
    used = settings_used(store, ExecutorParams)
    assert used.never_tuned == used.previous == ExecutorParams()
    assert used.adopted == pd.Timestamp(ASOF)


def test_a_change_is_taken_back_once(store, confirmed, grant):
    before = ExecutorParams(min_score=68.0)
    store.write(ExecutorParams.path, before)
    apply(store, replace(confirmed, current=cell_name(before)), BETTER, grant=grant)
    restored = rollback(store, ExecutorParams, asof=ASOF, reason="it disappointed")
    assert restored.min_score == store.read(ExecutorParams.path, ExecutorParams).min_score == 68.0
    history = store.read(history_path(ExecutorParams, ASOF), ConfigHistory)
    assert [change.event for change in history.changes] == ["applied", "rolled back"]
    used = settings_used(store, ExecutorParams)
    assert used.never_tuned == before
    assert used.previous is None
    assert used.adopted is None
    with pytest.raises(StoreError, match=r"executor_params_previous\.json is not there: .* taken back already"):
        rollback(store, ExecutorParams, asof=ASOF, reason="again")


def test_what_a_person_changed_since_survives_a_rollback(store, confirmed, grant):
    written = apply(store, confirmed, BETTER, grant=grant)
    store.write(ExecutorParams.path, written.model_copy(update={"daily_loss_limit": 0.01}))
    used = settings_used(store, ExecutorParams)
    assert (used.previous.min_score, used.previous.daily_loss_limit) == (ExecutorParams().min_score, 0.01)
    restored = rollback(store, ExecutorParams, asof=ASOF, reason="it disappointed")
    assert (restored.min_score, restored.daily_loss_limit) == (ExecutorParams().min_score, 0.01)


def test_a_change_that_was_overwritten_by_hand_is_not_undone(store, confirmed, grant):
    apply(store, confirmed, BETTER, grant=grant)
    store.write(ExecutorParams.path, ExecutorParams(min_score=75.0))
    with pytest.raises(InputError, match="was written by hand since its last change, of which nothing is left to undo"):
        rollback(store, ExecutorParams, asof=ASOF, reason="it disappointed")
    assert store.read(ExecutorParams.path, ExecutorParams).min_score == 75.0


def test_nothing_is_written_without_a_confirmation_by_that_grant(store, confirmed, grant):
    for proposal, given, message in (
        (replace(confirmed, outcome="propose"), grant, "only a confirmed proposal is applied, this one says 'propose'"),
        (confirmed, None, "are sealed: they are read with a grant"),
        (replace(confirmed, grant="another"), grant, "confirmed by grant another, not by"),
        (confirmed, replace(grant, reason="edited"), "is not as the ledger gave it"),
    ):
        with pytest.raises(EvidenceError, match=message):
            apply(store, proposal, BETTER, grant=given)
    unsafe = ExecutorParams(max_equity_pct=1.0)
    with pytest.raises(EvidenceError, match="max_equity_pct is never tuned"):
        apply(store, replace(confirmed, candidate=cell_name(unsafe)), unsafe, grant=grant)
    with pytest.raises(EvidenceError, match=f"the proposal confirmed {cell_name(BETTER)}, not "):
        apply(store, confirmed, ExecutorParams(atr_multiplier=3.5), grant=grant)
    with pytest.raises(EvidenceError, match=r"executor_params\.json is not as it was when the change was proposed"):
        apply(store, replace(confirmed, current=cell_name(BETTER)), BETTER, grant=grant)
    with pytest.raises(InputError, match=r"a proposal on executor params does not change config/scoring_weights\.json"):
        apply(store, confirmed, ScoringWeights(), grant=grant)
    assert store.paths("config/*") == []


def test_a_store_that_cannot_be_written_keeps_the_old_file(store, confirmed, grant):
    store.write(ExecutorParams.path, ExecutorParams(min_score=68.0))
    store.local_path("config/executor_params_history").write_text("a file where a folder is needed")
    with pytest.raises(StoreError, match="nothing was changed"):
        apply(store, replace(confirmed, current=cell_name(ExecutorParams(min_score=68.0))), BETTER, grant=grant)
    assert store.read(ExecutorParams.path, ExecutorParams).min_score == 68.0
    assert not store.exists(previous_path(ExecutorParams))
