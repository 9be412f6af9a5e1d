"""The ledger on a PostgreSQL server: the same calls, the same answers. The tests start their own server, or skip."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import EvidenceError
from alphalib.evidence.estimate import Estimate
from alphalib.evidence.ledger import Ledger
from alphalib.sessions import sessions_between

pytest.importorskip("psycopg", reason="needs alphalib[postgres]")
INSTALLED = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
INSTALLED += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
DAYS = sessions_between("2019-01-02", "2019-12-31")
SWEEP = {
    "lineage": "executor params",
    "kind": "backtest",
    "data_hash": "d1",
    "code_version": "c1",
    "asof": "2023-12-29",
}


@pytest.fixture(scope="module")
def url():
    """Of a server on a free port, in a folder that goes with it; it refuses to run as root."""
    if not INSTALLED:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="ledger-", ignore_cleanup_errors=True) as folder:
        if other:
            shutil.chown(folder, other["user"], other["group"])
        data = f"{folder}/data"
        make = [INSTALLED[0] / "initdb", "-D", data, "-U", "ledger", "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **other)
        serve = [INSTALLED[0] / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder]
        with open(f"{folder}/log", "wb") as log:
            server = subprocess.Popen(serve, stdout=log, stderr=log, cwd=folder, **other)
        try:
            ready = [INSTALLED[0] / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            for _ in range(100):
                if subprocess.run(ready, check=False).returncode == 0:
                    break
                time.sleep(0.1)
            else:
                pytest.fail(Path(f"{folder}/log").read_text())
            yield f"postgresql+psycopg://ledger:secret@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown
            server.wait(timeout=20)


@pytest.fixture
def ledger(url):
    ledger = Ledger(url)
    yield ledger
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE trials, grants, promises")
    ledger.close()


def test_trials_are_counted_once_and_come_back(ledger, tmp_path):
    answers, other = [], Ledger(tmp_path / "ledger.db")
    for book in (ledger, other):
        ids = book.open_trials([{"min_score": score} for score in (65, 70, 75)], **SWEEP)
        assert book.open_trial(params={"min_score": 70}, **SWEEP) == ids[1]
        returns = pd.DataFrame(np.random.default_rng(0).normal(size=(len(DAYS), 2)), index=DAYS, columns=ids[:2])
        book.close_trials({ids[0]: {"sharpe": 0.5}, ids[1]: {"sharpe": float("nan")}}, returns=returns)
        pd.testing.assert_frame_equal(
            book.returns("executor params").set_axis(ids[:2], axis=1), returns, check_freq=False, check_exact=True
        )
        trials = book.trials().drop(columns="id").to_dict("records")
        answers.append((ids, book.count("executor params"), book.effective_count("executor params"), trials))
        with pytest.raises(EvidenceError, match="trial ffff was never opened"):
            book.close_trial("ffff", metrics={})
    other.close()
    assert answers[0] == answers[1]


def test_grants_and_promises_are_kept(ledger):
    ledger.give_grant("predictor", asof="2023-11-15", by="Ada")
    grant = ledger.use_grant("predictor", asof="2023-12-29", reason="a test")
    assert ledger.grants()["id"].tolist() == [grant.id]
    with pytest.raises(EvidenceError, match="of 2023Q4 was given already"):
        ledger.give_grant("predictor", asof="2023-12-29", by="Ada")
    for low in (-0.1, -0.2):
        ledger.add_promise(Estimate(0.02, low, 0.1, 500), lineage="predictor", subject="m", asof="2023-12-29")
    assert ledger.promises()["low"].tolist() == [-0.1]


def test_many_writers_at_once_count_a_trial_once(url, ledger):
    def opened(_):
        book = Ledger(url)
        book.open_trial(params={"min_score": 70}, **SWEEP)
        book.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(opened, range(24)))
    assert ledger.trials()["runs"].tolist() == [24]


def test_of_many_that_ask_one_gets_the_grant(url, ledger):
    ledger.give_grant("predictor", asof="2023-11-15", by="Ada")

    def asked(number):
        book = Ledger(url)
        try:
            return book.use_grant("predictor", asof="2023-11-15", reason=f"trial {number}")
        except EvidenceError:
            return None
        finally:
            book.close()

    with ThreadPoolExecutor(8) as pool:
        grants = [grant for grant in pool.map(asked, range(16)) if grant]
    assert [grant.id for grant in grants] == ledger.grants()["id"].tolist()


def test_a_password_is_not_printed_and_a_silent_server_is_named(url):
    ledger = Ledger(url)
    assert "secret" not in repr(ledger)
    ledger.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"postgresql+psycopg://ledger:secret@127.0.0.1:{free.getsockname()[1]}/postgres"
        with pytest.raises(EvidenceError, match="the server does not answer; check that it runs") as error:
            Ledger(nobody)
    assert "secret" not in str(error.value)


def test_a_read_only_server_says_so(url, ledger):
    reader = Ledger(f"{url}?options=-c%20default_transaction_read_only%3Don")
    with pytest.raises(EvidenceError, match="it is read-only; make"):
        reader.open_trial(params={}, **SWEEP)
    assert reader.count("predictor") == 0
    reader.close()
