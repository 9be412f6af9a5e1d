import os
import socket
import subprocess
import sys

import pytest

from alphalib.execute.__main__ import main
from alphalib.execute.daemon.switch import LOCK
from alphalib.execute.journal.journal import journal_of
from alphalib.store import Store
from tests.execute import morning


@pytest.fixture
def store(tmp_path):
    bus = Store(tmp_path)
    book = morning.book(
        morning.HALF_DAY,
        entries=[morning.entry("AAA", 10, 100.0)],
        exits=[morning.sale("BBB", 5)],
        stops=[morning.stop("CCC", 7, 41.5, cost=50.0)],
    )
    file = morning.portfolio(morning.HALF_DAY, {"BBB": (5, 50.0), "CCC": (7, 50.0)})
    for artefact in (book, file):
        bus.write(artefact.at(), artefact)
    return bus


def refused(arguments: list[str], capsys) -> str:
    """The one line that a command ends with, exit code 2."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def done(arguments: list[str], capsys) -> str:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    return capsys.readouterr().out


def test_a_plan_is_told_before_it_is_traded(store, capsys):
    told = done(["--dry-run", "--store", store.url], capsys)
    assert "sell      5 BBB      at the open: time_decay" in told
    assert "stop      7 CCC      at 41.50" in told
    assert "buy      10 AAA      near 100.00, 1.0% of NAV, when a trigger fires" in told


@pytest.mark.parametrize("arguments", [[], ["--paper", "--simulate"], ["--paper", "--dry-run"]])
def test_one_way_at_a_time(arguments, capsys):
    assert "say one of --paper, --simulate and --dry-run" in refused(arguments, capsys)


@pytest.mark.parametrize(
    "arguments", [["--paper", "--speed", "2"], ["--simulate", "--speed", "0"], ["--simulate", "--speed", "101"]]
)
def test_speed_is_for_rehearsal(arguments, capsys):
    assert "--speed is for --simulate, above 0 and at most 100" in refused(arguments, capsys)


@pytest.mark.parametrize("arguments", [["--paper"], ["liquidate"], ["connection-test"]])
def test_without_a_gateway_it_says_where_it_looked_and_what_to_start(arguments, tmp_path):
    """A process of its own, as a person starts it; a store without any plan, for the gateway comes first."""
    with socket.socket() as taken:  # bound and not listening: nobody else gets it meanwhile
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        environment = os.environ | {"ALPHALIB_IB_PORT": str(port), "ALPHALIB_STORE": str(tmp_path)}
        command = [sys.executable, "-m", "alphalib.execute", *arguments]
        left = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert left.returncode == 2
    assert left.stderr.count("\n") == 1
    assert f"no gateway at 127.0.0.1:{port} (connection refused); start IB Gateway" in left.stderr


def test_a_rehearsal_needs_a_plan(store, capsys):
    said = refused(["--simulate", "--store", store.url], capsys)
    assert "inputs/2026-11-27/plan.json is not in the store" in said
    assert "`python -m alphalib.pipeline weekday --asof 2026-11-25`" in said  # the 26th is Thanksgiving


def test_a_second_rehearsal_is_refused(store, capsys):
    with store.lock("rehearsal"):
        assert "rehearsal is already running" in refused(["--simulate", "--store", store.url], capsys)


def test_the_kill_switch_is_a_file(store, capsys):
    assert "stops stay" in done(["kill", "--store", store.url], capsys)
    assert store.local_path("trades/KILL").read_text() == ""
    assert "everything of ours is sold" in done(["kill", "--flatten", "--store", store.url], capsys)
    assert store.local_path("trades/KILL").read_text() == "flatten\n"


def test_a_pulled_switch_is_told_before_anything_was_traded(store, capsys):
    assert "kill switch" not in done(["--dry-run", "--store", store.url], capsys)
    done(["kill", "--store", store.url], capsys)
    said = "kill switch: pulled by the file trades/KILL; `python -m alphalib rearm` takes it back"
    assert said in done(["status", "--store", store.url], capsys)
    assert f"no entries: {said}" in done(["--dry-run", "--store", store.url], capsys)


def test_status_says_what_the_journal_has(store, capsys):
    told = done(["status", "--store", store.url], capsys)
    assert "nothing was traded yet" in told
    assert "kill switch: off" in told
    journal_of(store).close()
    assert "kill switch: off" in done(["status", "--store", store.url], capsys)
    done(["kill", "--store", store.url], capsys)
    assert "kill switch: pulled by the file trades/KILL" in done(["status", "--store", store.url], capsys)


def test_a_record_that_is_being_written_is_not_reset(store, capsys):
    journal_of(store).close()
    with store.lock(LOCK):
        assert "execute is already running" in refused(["reset", "--store", store.url], capsys)
    assert "2 files of the record are in the archive" in done(["reset", "--store", store.url], capsys)
    assert "nothing to reset" in refused(["reset", "--store", store.url], capsys)
