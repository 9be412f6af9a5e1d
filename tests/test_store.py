"""The bus: atomic, verified, one at a time, with errors that say what to do."""

import multiprocessing
import subprocess
import sys

import pandas as pd
import pytest

from alphalib.errors import BusyError, ContractError, InputError, StoreError
from alphalib.params import ExecutorParams, ScoringWeights
from alphalib.store import Store


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    return Store(tmp_path / "bus" if request.param == "folder" else f"memory://{tmp_path.name}")


def test_what_was_written_reads_back(store):
    table = pd.DataFrame({"ticker": ["AAA", "BBB"], "value": [1.0, None]})
    store.write_table("a/b.parquet", table)
    pd.testing.assert_frame_equal(store.read_table("a/b.parquet"), table)
    store.write("config/executor_params.json", ExecutorParams(min_score=75))
    assert store.read("config/executor_params.json", ExecutorParams).min_score == 75


def test_paths_are_sorted_and_hide_temporaries(store):
    for name in ("b", "a"):
        store.write_bytes(f"x/{name}.json", b"{}")
    assert store.paths("x/*.json") == ["x/a.json", "x/b.json"]


def test_an_absent_artefact_names_itself_and_the_store(store):
    with pytest.raises(StoreError, match=r"signals/2024\.json is not in the store"):
        store.read_bytes("signals/2024.json")


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "a/../../b"])
def test_paths_stay_inside_the_store(store, path):
    with pytest.raises(InputError, match="stays inside"):
        store.write_bytes(path, b"")


def test_a_corrupted_artefact_is_a_contract_error(store):
    store.write_bytes("config/scoring_weights.json", b'{"quant": 0.5, "qua')
    with pytest.raises(ContractError, match="not readable as JSON"):
        store.read("config/scoring_weights.json", ScoringWeights)


def test_each_fault_is_one_line(store):
    store.write_json("config/executor_params.json", {"schema_version": 2, "min_score": 170, "surprise": 1})
    with pytest.raises(ContractError) as caught:
        store.read("config/executor_params.json", ExecutorParams)
    assert len(caught.value.faults) == 2
    assert "min_score: Input should be less than or equal to 100" in str(caught.value)


def test_nan_does_not_reach_json(store):
    with pytest.raises(ContractError, match="not a number"):
        store.write_json("x.json", {"value": float("nan")})
    assert not store.exists("x.json")


def test_latest_is_not_newer_than_asof_nor_older_than_allowed(store):
    for date in ("2024-03-01", "2024-03-08"):
        store.write_bytes(f"signals/{date}/signals.json", b"{}")
    pattern = "signals/{date}/signals.json"
    assert store.latest(pattern, asof=pd.Timestamp("2024-03-07"))[1] == pd.Timestamp("2024-03-01")
    assert store.latest(pattern, asof=pd.Timestamp("2024-03-15"), within=5)[1] == pd.Timestamp("2024-03-08")
    assert store.latest(pattern, asof=pd.Timestamp("2024-03-18"), within=5) is None


def test_d45_a_failed_write_is_a_failure_and_leaves_the_old_artefact(tmp_path):
    """The operating system refuses the second write for its size, as it does on a full disk."""
    script = (
        "import resource\n"
        "from alphalib.store import Store\n"
        f"store = Store({str(tmp_path)!r})\n"
        "store.write_bytes('x/y.json', b'old')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "store.write_bytes('x/y.json', b'new' * 1000)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "StoreError: cannot write x/y.json" in ran.stderr
    assert (tmp_path / "x" / "y.json").read_bytes() == b"old"
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["y.json"]


def test_a_file_where_a_folder_is_needed_is_said(tmp_path):
    (tmp_path / "bus").write_text("not a folder")
    with pytest.raises(StoreError, match="cannot write"):
        Store(tmp_path / "bus").write_bytes("x/y.json", b"")


def test_an_unknown_protocol_is_said():
    with pytest.raises(StoreError, match="cannot open the store 'gopher://x'"):
        Store("gopher://x")


def _hold(folder, ready, release):
    with Store(folder).lock("pipeline"):
        ready.set()
        release.wait(20)


def test_a_second_run_is_refused_until_the_first_is_gone(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    first = context.Process(target=_hold, args=(str(tmp_path), ready, release))
    first.start()
    try:
        assert ready.wait(20)
        with (
            pytest.raises(BusyError, match=f"process {first.pid} on .* holds the lock"),
            Store(tmp_path).lock("pipeline"),
        ):
            pass
    finally:
        first.kill()  # as rough as a crash: the lock falls with the process
        first.join()
    with Store(tmp_path).lock("pipeline"):
        pass


def test_object_stores_lock_too():
    store = Store("memory://locks-test")
    with (
        store.lock("pipeline"),
        pytest.raises(BusyError, match="delete it if that process is gone"),
        store.lock("pipeline"),
    ):
        pass
    with store.lock("pipeline"):
        pass


def test_several_artefacts_are_written_together_instead_of_others(store):
    store.write_together({"daily/2019.parquet": b"old", "daily/2020.parquet": b"old"})
    store.write_together({"daily/2020.parquet": b"new"}, instead_of=store.paths("daily/*.parquet"))
    assert store.paths("daily/*") == ["daily/2020.parquet"]
    assert store.read_bytes("daily/2020.parquet") == b"new"


def test_of_artefacts_written_together_none_appears_when_one_cannot(tmp_path):
    store = Store(tmp_path)
    store.write_bytes("taken", b"a file where a folder is needed")
    with pytest.raises(StoreError, match="nothing was changed"):
        store.write_together({"a": b"1", "taken/b": b"2"})
    assert [path.name for path in tmp_path.rglob("*")] == ["taken"]


def test_a_relative_folder_is_the_projects_wherever_a_notebook_runs(tmp_path):
    for part in ("notebooks/scratch", "pipelines"):
        (tmp_path / part).mkdir(parents=True)
    write = "from alphalib.store import Store; Store('data').write_bytes('x/y.json', b'here')"
    subprocess.run([sys.executable, "-c", write], cwd=tmp_path / "notebooks/scratch", check=True)
    assert (tmp_path / "data/x/y.json").read_bytes() == b"here"
