"""Notebooks are thin and stripped, and each runs end to end through the runner that cron uses."""

import ast
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from alphalib.contracts import BacktestSummary, OrderBook, Predictions, PredictorMetrics, Signals
from alphalib.pipeline.plan import notebook_parameters
from alphalib.sessions import next_session
from alphalib.store import Store

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_cells(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_thin_and_asks_a_question(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].source.splitlines()[0].rstrip().endswith("?")
    lines = [line for source in code_cells(path) for line in source.splitlines() if line.strip()]
    assert len(lines) <= 80
    for source in code_cells(path):
        defined = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        assert not defined, f"defines {defined[0].name}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stripped_and_has_one_parameters_cell_and_a_provenance_footer(path):
    assert notebook_parameters(path)["store"] == "data"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
    assert code_cells(path)[-1].rstrip().splitlines()[-1].startswith("provenance(")


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """The weekly and the weekday pipeline on a small embedded market, as a newcomer runs them."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("notebooks", "pipelines"):
        (folder / part).symlink_to(ROOT / part)
    command = [sys.executable, "-m", "alphalib.pipeline", "weekly", "weekday", "--asof", "2019-06-28"]
    command += ["--set", "names=40"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder, ended.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("small_run")  # one run serves them all
def test_the_run_ends_with_five_lines_and_the_path_of_the_report(small_run):
    folder, said = small_run
    *_, line = said.strip().splitlines()
    assert line == "The report: reports/weekly/2019-06-28/report.html"
    assert (folder / "reports/weekly/2019-06-28/report.html").stat().st_size < 1_000_000
    assert len(said.split("\n\n")[-2].splitlines()) == 5


@pytest.mark.slow
@pytest.mark.xdist_group("small_run")  # one run serves them all
def test_every_step_left_its_artefact(small_run):
    store, asof = Store(small_run[0] / "data"), pd.Timestamp("2019-06-28")
    signals = store.read(Signals.path.format(date="2019-06-28"), Signals)
    assert "no language model" in signals.analyst
    predictions = store.read(Predictions.path.format(date="2019-06-28"), Predictions)
    metrics = store.read(PredictorMetrics.path, PredictorMetrics)
    assert predictions.model_version == metrics.model_version
    summary = store.read(BacktestSummary.path.format(date="2019-06-28"), BacktestSummary)
    assert summary.cross_checks
    assert all(check.agrees for check in summary.cross_checks)
    book = store.read(OrderBook.path.format(date=f"{next_session(asof):%Y-%m-%d}"), OrderBook)
    assert book.decided_on == "2019-06-28"


@pytest.mark.slow
@pytest.mark.xdist_group("small_run")  # one run serves them all
def test_the_page_says_simulated_and_no_language_model(small_run):
    page = (small_run[0] / "reports/weekly/2019-06-28/report.html").read_text()
    assert "imulated market" in page
    assert "language model" in page


@pytest.mark.slow
@pytest.mark.xdist_group("small_run")  # one run serves them all
def test_d50_nothing_that_was_made_holds_a_personal_path(small_run):
    folder, _ = small_run
    for path in (folder / "reports").rglob("*"):
        if path.is_file():
            text = path.read_text(errors="replace")
            assert str(folder) not in text, path.name
            assert str(Path.home()) + "/" not in text, path.name
