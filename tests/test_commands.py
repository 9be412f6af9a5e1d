"""What a person asks of evidence and of trading, as typed."""

from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from alphalib.__main__ import main
from alphalib.contracts import PortfolioFile
from alphalib.evidence.ledger import Ledger
from alphalib.execute.daemon.switch import FILE, LOCK, pull
from alphalib.execute.journal.journal import journal_of
from alphalib.store import Store


@pytest.fixture
def bus(tmp_path):
    return Store(str(tmp_path))


def run(bus, *words):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--store", bus.url])
    return ended.value.code


def ledger_of(bus):
    return Ledger(bus.local_path("evidence/ledger.db"))


def a_trial(bus, lineage="predictor"):
    ledger = ledger_of(bus)
    trial = ledger.open_trial(
        lineage=lineage, kind="model fit", params={"trees": 50}, data_hash="0", code_version="0", asof="2023-12-29"
    )
    days = pd.date_range("2023-01-02", periods=30, freq="B")
    ledger.close_trial(trial, metrics={"rank_ic": 0.0123}, returns=pd.Series(np.arange(30.0), index=days))


def test_an_empty_ledger_says_so_and_nothing_is_made_by_looking(tmp_path, bus, capsys):
    elsewhere = Store(str(tmp_path / "a folder that was mistyped"))
    assert run(elsewhere, "ledger") == 2
    assert "no trial was ever opened: the store " in capsys.readouterr().err
    assert not (tmp_path / "a folder that was mistyped").exists()
    ledger_of(bus)
    assert run(bus, "ledger", "predictor") == 2
    assert "no trial was ever opened in 'predictor'" in capsys.readouterr().err


def test_a_grant_is_told_before_any_trial(bus, capsys):
    assert run(bus, "grant", "veto", "--by", "a person") == 0
    capsys.readouterr()
    assert run(bus, "ledger") == 0
    assert "veto: no trials worth 0.0 independent ones" in capsys.readouterr().out


def test_trials_are_told_by_lineage(bus, capsys):
    a_trial(bus)
    assert run(bus, "ledger") == 0
    told = "predictor: 1 trial worth 1.0 independent ones, no trials not closed; no grants given, 0 used; no promises"
    assert capsys.readouterr().out.strip() == told
    assert run(bus, "ledger", "predictor") == 0
    assert "model fit    rank_ic 0.0123" in capsys.readouterr().out


def test_a_quarter_has_one_grant(bus, capsys):
    assert run(bus, "grant", "veto", "--by", "a person") == 0
    assert "'veto' may look once at outcomes after 2022-09-30 within 2023Q4" in capsys.readouterr().out
    assert run(bus, "grant", "veto", "--by", "a person") == 2
    assert "possible from 2024-01-01" in capsys.readouterr().err
    assert run(bus, "grant", "luck", "--by", "a person") == 2
    assert "there is no lineage 'luck' with a holdout" in capsys.readouterr().err
    assert ledger_of(bus).grants("veto")["given_by"].to_list() == ["a person"]


def test_a_person_ends_a_halt(bus, capsys):
    assert run(bus, "rearm") == 2
    assert "no portfolio was ever recorded and the kill switch is off" in capsys.readouterr().err
    flat = PortfolioFile(date="2023-12-28", cash=9e5, nav=9e5, nav_peak=1e6)
    bus.write(flat.at(), flat)
    assert run(bus, "rearm") == 2
    assert "nothing is halted" in capsys.readouterr().err
    bus.write(flat.at(), flat.model_copy(update={"decisions_halted": 3, "killed": True}))
    assert run(bus, "rearm") == 0
    found = bus.read(flat.at(), PortfolioFile)
    assert (found.rearmed, found.killed, found.nav_peak) == (True, False, 1e6)


def test_a_person_takes_the_kill_switch_back(bus, capsys):
    """In the file, in the journal and in the portfolio, which may know a later close than the stored prices."""
    pull(bus, flatten=True)
    assert run(bus, "rearm") == 0
    assert "the kill switch is off" in capsys.readouterr().out
    with closing(journal_of(bus)) as journal:
        journal.kill(at=datetime(2024, 1, 3, tzinfo=UTC), by="the file", flatten=True)
    late = PortfolioFile(date="2024-01-02", cash=9e5, nav=9e5, nav_peak=1e6, killed=True)
    bus.write(late.at(), late)
    with bus.lock(LOCK):
        assert run(bus, "rearm") == 2
        assert "execute is already running" in capsys.readouterr().err
    assert run(bus, "rearm") == 0
    with closing(journal_of(bus)) as journal:
        assert journal.flags("") == ()
    assert not bus.exists(FILE)
    assert not bus.read(late.at(), PortfolioFile).killed


def test_parity_without_a_plan_says_what_to_run(bus, capsys):
    assert run(bus, "parity") == 2
    assert "run `python -m alphalib.pipeline weekday` first" in capsys.readouterr().err
    assert run(bus, "parity", "--date", "2024-01-02") == 2
    assert "no plan was archived for 2024-01-02" in capsys.readouterr().err


def test_power_needs_no_store(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["power", "--horizon", "5"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    # 2.4865 standard errors of .12 × √(5 / 252) = .0169 after a year: .042
    assert "0.042" in next(line for line in told.splitlines() if line.startswith("1.00"))
    assert "Sharpe of the difference -2.0: after" in told


def test_a_parameter_file_that_was_never_changed_has_nothing_to_go_back_to(bus, capsys):
    assert run(bus, "rollback", "executor_params", "--reason", "worse") == 2
    assert "was never changed" in capsys.readouterr().err
    assert run(bus, "rollback", "luck", "--reason", "worse") == 2
    assert "there is no parameter file 'luck'" in capsys.readouterr().err
