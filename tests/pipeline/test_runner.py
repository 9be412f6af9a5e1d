"""Steps run once, atomically, and resume where they failed. Real kernels, tiny notebooks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from alphalib.pipeline.runner import Run, StepError, read_records, run_pipeline
from alphalib.store import Store
from tests.pipeline.projects import write_notebook, write_project

PARAMETERS = ["store: str = 'data'", "asof: str = ''", "flag: str = ''"]
WRITE = "import pathlib; pathlib.Path(flag, 'ran').open('a').write('{name} ')"
FAIL_WHILE = "assert not pathlib.Path(flag, 'broken').exists(), 'the vendor is down'"


@pytest.fixture
def run(tmp_path):
    flags = tmp_path / "flags"
    flags.mkdir()
    code = {"one": [WRITE.format(name="one")], "two": [WRITE.format(name="two"), FAIL_WHILE]}
    project = write_project(tmp_path / "project", {"one": PARAMETERS, "two": PARAMETERS}, code=code)
    store = Store(tmp_path / "bus")
    return Run(project, store, project.pipeline("test"), pd.Timestamp("2024-03-08"), {"flag": str(flags)})


def ran(run: Run) -> str:
    return Path(run.parameters["flag"], "ran").read_text()


def test_a_failed_step_is_where_the_next_run_starts(run):
    broken = Path(run.parameters["flag"], "broken")
    broken.touch()
    with pytest.raises(StepError, match="two failed: AssertionError: the vendor is down") as caught:
        run_pipeline(run, tell=lambda line: None)
    assert "two.failed.ipynb" in str(caught.value)
    assert not (run.folder / "two.ipynb").exists()
    assert [record.status for record in read_records(run.folder)] == ["done", "failed"]

    broken.unlink()
    told: list[str] = []
    run_pipeline(run, tell=told.append)
    assert ran(run) == "one two two "
    assert told[0].startswith("[1/2] one was done")
    assert [record.status for record in read_records(run.folder)] == ["done", "done"]
    names = {path.name for path in run.folder.iterdir()}
    assert names == {"one.ipynb", "one.html", "two.ipynb", "two.html", "run.json"}

    run_pipeline(run, tell=lambda line: None)
    assert ran(run) == "one two two "  # nothing runs twice

    run.store.write_bytes("prices/daily/2024.parquet", b"other data")
    run_pipeline(run, tell=lambda line: None)
    assert ran(run) == "one two two one two "  # other data is another run


def test_an_executed_notebook_holds_no_secret_and_no_personal_path(tmp_path):
    code = {"one": ["import os; print(os.getcwd(), os.environ['ALPHALIB_SMTP_PASSWORD'])"]}
    write_project(tmp_path, {"one": ["asof: str = ''"]}, code=code)
    script = (
        "import pandas as pd\n"
        "from pathlib import Path\n"
        "from alphalib.pipeline.plan import Project\n"
        "from alphalib.pipeline.runner import Run, run_pipeline\n"
        "from alphalib.store import Store\n"
        "project = Project(Path('.'))\n"
        "run_pipeline(Run(project, Store('bus'), project.pipeline('test'), pd.Timestamp('2024-03-08'), {}))\n"
    )
    secret = "correct-horse-battery"
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"ALPHALIB_SMTP_PASSWORD": secret},
        check=True,
        capture_output=True,
    )
    for path in (tmp_path / "reports/test/2024-03-08").iterdir():
        text = path.read_text()
        assert secret not in text, path.name
        assert str(tmp_path) not in text, path.name
    [output] = nbformat.read(tmp_path / "reports/test/2024-03-08/one.ipynb", 4).cells[-1].outputs
    assert output["text"] == ". ***\n"


def test_interrupted_in_the_middle_then_the_same_command_again(tmp_path):
    """A real process, a real Ctrl-C."""
    flag = tmp_path / "flag"
    wait = "pathlib.Path(flag).touch(); time.sleep(0 if pathlib.Path(flag + '2').exists() else 60)"
    notebooks = {"one": ["asof: str = ''"], "two": ["asof: str = ''", "flag: str = ''"]}
    project = write_project(tmp_path, notebooks, code={"two": ["import pathlib, time", wait]})
    command = [sys.executable, "-m", "alphalib.pipeline", "test", "--asof", "2023-12-29", "--store", "bus"]
    command += ["--set", f"flag={flag}"]
    first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not flag.exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=30)
    assert first.returncode == 130, said
    assert "run the same command again to resume" in said

    Path(f"{flag}2").touch()
    second = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert second.returncode == 0, second.stderr
    assert "[1/2] one was done" in second.stdout
    assert "pages: reports/test/2023-12-29\n" in second.stdout
    records = json.loads((project.folder / "reports/test/2023-12-29/run.json").read_text())["steps"]
    assert [record["status"] for record in records] == ["done", "done"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["weekyl"], "unknown pipeline 'weekyl'; there are test"),
        (["test", "--asof", "2023-12-25"], "2023-12-25 (Monday) is not a session of the exchange; take 2023-12-22"),
        (["test", "--asof", "1995-01-03"], "has prices from 2016-01-04"),
        (["test", "--set", "lookbak=3"], "no step has a parameter 'lookbak'; there are window"),
        (["test", "--set", "window=many"], "one: window must be a whole number, such as 20, got 'many'"),
        (["test", "--set", "asof=2023-12-29"], "--set does not take asof: use --asof"),
        (["test", "--set", "lookback"], "--set takes NAME=VALUE"),
    ],
)
def test_bad_words_get_one_clear_line_and_exit_code_2(tmp_path, arguments, message):
    write_project(tmp_path, {"one": ["asof: str = ''", "window: int = 20"]})
    command = [sys.executable, "-m", "alphalib.pipeline", *arguments, "--store", "bus"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "reports").exists()


def test_a_corrupted_record_of_a_run_is_run_again(run):
    run.folder.mkdir(parents=True)
    (run.folder / "run.json").write_text('{"steps": [{"st')
    run_pipeline(run, tell=lambda line: None)
    assert ran(run) == "one two "


def test_a_step_whose_artefact_is_damaged_is_run_again(run):
    made = run.store.local_path("signals/2024-03-08/signals.json")
    write_notebook(
        run.project.notebook("one"),
        PARAMETERS,
        [WRITE.format(name="one"), f"out = pathlib.Path({str(made)!r})", "out.write_text('{\"names\": 3}')"],
    )
    run_pipeline(run, tell=lambda line: None)
    run_pipeline(run, tell=lambda line: None)
    assert ran(run) == "one two "
    made.write_text('{"nam')
    run_pipeline(run, tell=lambda line: None)
    assert ran(run) == "one two one two "
    assert made.read_text() == '{"names": 3}'


def test_a_wrong_setting_gets_one_clear_line_without_its_value(tmp_path):
    write_project(tmp_path, {"one": ["asof: str = ''"]})
    ended = subprocess.run(
        [sys.executable, "-m", "alphalib.pipeline", "test", "--asof", "2023-12-29"],
        cwd=tmp_path,
        env=os.environ | {"ALPHALIB_SMTP_PORT": "abc", "ALPHALIB_SMTP_PASSWORD": "correct-horse-battery"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: in the environment or .env: ALPHALIB_SMTP_PORT: Input should be a valid")
    assert "correct-horse-battery" not in ended.stderr


def test_a_damaged_source_of_prices_gets_one_clear_line(tmp_path):
    write_project(tmp_path, {"one": ["asof: str = ''"]})
    for path, content in {"prices/daily/2023.parquet": b"PAR1", "prices/source.json": b'{"name": "em'}.items():
        Store(tmp_path / "bus").write_bytes(path, content)
        command = [sys.executable, "-m", "alphalib.pipeline", "test", "--asof", "2023-12-29", "--store", "bus"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert ended.returncode == 2
        assert ended.stderr.startswith("error: prices/")
        assert "Traceback" not in ended.stderr
        assert "restore it from a copy, import it again, or name an empty folder" in ended.stderr


def test_a_notebook_changed_is_run_again_with_those_after_it(run):
    run_pipeline(run, tell=lambda line: None)
    write_notebook(run.project.notebook("two"), PARAMETERS, [WRITE.format(name="other")])
    run_pipeline(run, tell=lambda line: None)
    assert ran(run) == "one two other "


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    """A file as large as the limit stops `write` as a full disk does, with another number."""
    write_project(tmp_path, {"one": ["asof: str = ''"]}, code={"one": ["print('x' * 10**6)"]})
    command = [sys.executable, "-m", "alphalib.pipeline", "test", "--asof", "2023-12-29", "--store", "bus"]
    limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 150; exec "$@"', "bash"]  # of 1024 bytes
    ended = subprocess.run([*limited, *command], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    assert "error: cannot write to reports/test/2023-12-29: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [path.name for path in (tmp_path / "reports/test/2023-12-29").iterdir()] == []

    sample = (
        "from alphalib.sources.embedded import ensure_prices; from alphalib.store import Store; import pandas as pd;"
    )
    sample += "ensure_prices(Store('new'), asof=pd.Timestamp('2018-12-31'), names=40)"
    ended = subprocess.run([*limited, sys.executable, "-c", sample], cwd=tmp_path, capture_output=True, text=True)
    assert "StoreError" in ended.stderr
    assert [path for path in (tmp_path / "new").rglob("*") if path.is_file()] == []


def test_kernels_that_start_at_once_in_one_folder_do_not_meet(tmp_path):
    path = write_notebook(tmp_path / "one.ipynb", ["x: int = 1"], ["x + 1"])
    script = (
        "import sys; from pathlib import Path; from alphalib.pipeline.runner import execute_notebook\n"
        f"print(execute_notebook(Path({str(path)!r}), Path(sys.argv[1]), {{}}))\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, f"{number}.ipynb"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        for number in range(3)
    ]
    assert [process.communicate(timeout=100)[0] for process in started] == ["None\n"] * 3
