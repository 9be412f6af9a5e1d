"""The trial ledger: what is tried is counted, once, before its result is known."""

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr

from alphalib.errors import EvidenceError
from alphalib.evidence.ledger import Ledger, ledger_of
from alphalib.sessions import sessions_between
from alphalib.store import Store

DAYS = sessions_between("2019-01-02", "2019-12-31")


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    ledger.close()


def opened(ledger, *, lineage="predictor", kind="model fit", data_hash="d1", code_version="c1", **params):
    return ledger.open_trial(
        lineage=lineage, kind=kind, params=params, data_hash=data_hash, code_version=code_version, asof="2019-12-31"
    )


def noise(seed):
    return pd.Series(np.random.default_rng(seed).normal(0, 0.01, len(DAYS)), index=DAYS)


def test_a_trial_is_there_before_its_result(ledger, tmp_path):
    opened(ledger, rounds=100)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
        assert other.execute("SELECT lineage, metrics FROM trials").fetchall() == [("predictor", None)]


def test_the_same_trial_counts_once(ledger):
    first = opened(ledger, rounds=100, leaves=8)
    assert opened(ledger, leaves=8, rounds=100, code_version="c2") == first
    assert ledger.count("predictor") == 1
    assert ledger.trials("predictor")["runs"].tolist() == [2]


@pytest.mark.parametrize("other", [{"rounds": 200}, {"data_hash": "d2"}, {"kind": "backtest"}])
def test_other_params_data_or_kind_are_other_trials(ledger, other):
    opened(ledger, **{"rounds": 100})
    opened(ledger, **{"rounds": 100, **other})
    assert ledger.count("predictor") == 2


def test_lineages_are_counted_apart(ledger):
    assert opened(ledger, rounds=1) != opened(ledger, rounds=1, lineage="executor params")
    assert (ledger.count("predictor"), ledger.count("nothing tried")) == (1, 0)
    assert len(ledger.trials()) == 2


def test_effective_count_sees_refits_copies_and_the_unfinished(ledger):
    for number, returns in enumerate([noise(0), noise(0), noise(1)]):
        ledger.close_trial(opened(ledger, number=number), metrics={"sharpe": 0.1}, returns=returns)
    # Two alike and one different: eigenvalues 2, 1, 0, hence (√2 + √1)² / 3 = 1.94.
    assert ledger.effective_count("predictor") == pytest.approx((2**0.5 + 1) ** 2 / 3, abs=0.05)
    before = ledger.effective_count("predictor")
    ledger.close_trial(opened(ledger, number=2, data_hash="a week later"), metrics={}, returns=noise(1))
    assert ledger.effective_count("predictor") == pytest.approx(before)
    assert ledger.count("predictor") == 4
    opened(ledger, number=3)
    assert ledger.effective_count("predictor") == pytest.approx(before + 1)


def test_returns_come_back_as_they_were(ledger):
    returns = noise(2)
    trial = opened(ledger, rounds=1)
    ledger.close_trial(trial, metrics={"ic": 0.02, "sharpe": float("nan")}, returns=returns)
    stored = ledger.returns("predictor").iloc[:, 0]
    pd.testing.assert_series_equal(stored, returns, check_names=False, check_freq=False, check_exact=True)
    assert ledger.trials("predictor")["metrics"].tolist() == [{"ic": 0.02, "sharpe": None}]


def test_a_ledger_outlives_its_process(tmp_path):
    first = Ledger(tmp_path / "ledger.db")
    opened(first, rounds=1)
    first.close()
    second = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    assert second.count("predictor") == 1
    second.close()


def test_every_commit_reaches_the_disk(ledger):
    with ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_result_without_a_trial_is_refused(ledger):
    with pytest.raises(EvidenceError, match="was never opened"):
        ledger.close_trial("0123456789abcdef", metrics={})


def test_params_that_are_not_plain_are_refused(ledger):
    with pytest.raises(EvidenceError, match="plain JSON"):
        opened(ledger, model=object())


def test_a_locked_ledger_says_to_wait(tmp_path):
    Ledger(tmp_path / "ledger.db").close()
    holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    ledger = Ledger(tmp_path / "ledger.db", timeout=0.1)
    with pytest.raises(EvidenceError, match="another process holds it; wait"):
        opened(ledger, rounds=1)
    holder.rollback()
    holder.close()
    opened(ledger, rounds=1)
    ledger.close()


def test_a_read_only_ledger_says_so(tmp_path):
    Ledger(tmp_path / "ledger.db").close()
    ledger = Ledger(f"sqlite:///file:{tmp_path / 'ledger.db'}?mode=ro&uri=true")
    with pytest.raises(EvidenceError, match="read-only; make the file and its folder writable"):
        opened(ledger, rounds=1)
    assert ledger.count("predictor") == 0
    ledger.close()


def test_what_is_not_a_ledger_is_left_alone(tmp_path):
    file = tmp_path / "ledger.db"
    file.write_text("date,close\n" * 500)
    with pytest.raises(EvidenceError, match="not a ledger; restore it from a backup"):
        Ledger(file)
    assert file.read_text() == "date,close\n" * 500


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(EvidenceError, match="check that its folder exists"):
        Ledger(tmp_path / "nowhere" / "ledger.db")


SWEEP = {"lineage": "executor params", "kind": "backtest", "data_hash": "d1", "code_version": "c1"}


def test_a_sweep_is_opened_and_closed_in_one_go(ledger):
    cells = [{"min_score": score} for score in (65, 70, 75)]
    ids = ledger.open_trials(cells, asof="2019-12-31", **SWEEP)
    assert ids == [ledger.open_trial(params=cell, asof="2019-12-31", **SWEEP) for cell in cells]
    assert ledger.trials("executor params")["runs"].tolist() == [2, 2, 2]
    returns = pd.DataFrame({ids[0]: noise(0), ids[2]: noise(1)})
    ledger.close_trials({trial: {"sharpe": 0.5} for trial in ids}, returns=returns)
    assert ledger.trials("executor params")["metrics"].tolist() == [{"sharpe": 0.5}] * 3
    pd.testing.assert_frame_equal(
        ledger.returns("executor params").set_axis([ids[0], ids[2]], axis=1), returns, check_freq=False
    )
    # Two that differ, and one that left no returns and counts whole.
    assert ledger.effective_count("executor params") == pytest.approx(3.0, abs=0.05)


def test_a_sweep_closes_whole_or_not_at_all(ledger):
    ids = ledger.open_trials([{"min_score": 65}], asof="2019-12-31", **SWEEP)
    with pytest.raises(EvidenceError, match="trial ffff was never opened"):
        ledger.close_trials({ids[0]: {"sharpe": 1.0}, "ffff": {"sharpe": 2.0}})
    assert ledger.trials()["metrics"].tolist() == [None]
    assert ledger.open_trials([], asof="2019-12-31", **SWEEP) == []
    ledger.close_trials({})


def test_the_seeds_grid_is_counted_before_it_runs(ledger):
    cells = [{"cell": number} for number in range(1728)]
    ids = ledger.open_trials(cells, asof="2019-12-31", **SWEEP)
    returns = pd.DataFrame(dict.fromkeys(ids[:100], noise(0)))
    ledger.close_trials({trial: {"sharpe": 0.1} for trial in ids}, returns=returns)
    assert ledger.count("executor params") == len(set(ids)) == 1728
    # A hundred that are alike are one; the 1,628 that left no returns count whole.
    assert ledger.effective_count("executor params") == pytest.approx(1629.0, abs=0.01)


def test_a_damaged_ledger_says_what_to_do(tmp_path):
    file = tmp_path / "ledger.db"
    ledger = Ledger(file)
    ledger.open_trials([{"cell": number} for number in range(500)], asof="2019-12-31", **SWEEP)
    ledger.close()
    size = file.stat().st_size
    with open(file, "r+b") as damaged:
        damaged.seek(4096)
        damaged.write(b"\xff" * (size - 4096))
    ledger = Ledger(file)
    with pytest.raises(EvidenceError, match="the file is damaged; restore it from a backup"):
        ledger.trials()
    ledger.close()


def test_the_ledger_lies_in_the_store_or_where_the_settings_say(tmp_path):
    beside = ledger_of(Store(tmp_path / "data"))
    assert beside.url.endswith("data/evidence/ledger.db")
    elsewhere = ledger_of(Store(tmp_path / "data"), url=SecretStr(f"sqlite:///{tmp_path / 'other.db'}"))
    assert elsewhere.count("predictor") == 0
    assert (tmp_path / "other.db").exists()
    with pytest.raises(EvidenceError, match="cannot open the ledger at nonsense://…") as error:
        ledger_of(Store(tmp_path / "data"), url=SecretStr("nonsense://ada:secret@host/db"))
    assert "secret" not in str(error.value)
