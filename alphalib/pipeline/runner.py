"""Runs the steps of a pipeline through papermill; what is done stays done, what failed is where the next run starts.

`reports/{pipeline}/{date}/` gets each executed notebook, its HTML and `run.json`. A notebook is written under a
temporary name and renamed when it went through; one that failed is kept as `{step}.failed.ipynb`.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pandas as pd

from alphalib.errors import AlphalibError, StoreError
from alphalib.pipeline.bars import Bars, bars
from alphalib.pipeline.plan import Pipeline, Project, Step, notebook_parameters
from alphalib.pipeline.provenance import MIME, PRICE_FILES, code_version, stored_data_hash
from alphalib.pipeline.scrub import scrubbed
from alphalib.store import Store, content_hash, reason


class StepError(AlphalibError):
    """A step failed; the message says which, why, and where its traceback is."""


@dataclass(frozen=True)
class StepRecord:
    """How a step went."""

    step: str
    status: Literal["done", "failed", "interrupted"]
    seconds: float
    peak_mb: float
    asked: str  # hash of code, notebook and parameters
    data_after: str  # hash of the data on the bus when it was through
    wrote: Mapping[str, str]  # hash of each artefact it wrote, the data and the ledger aside


@dataclass(frozen=True)
class Run:
    """A pipeline on a date."""

    project: Project
    store: Store
    pipeline: Pipeline
    asof: pd.Timestamp
    parameters: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where the executed notebooks and pages go."""
        return self.project.folder / "reports" / self.pipeline.name / f"{self.asof:%Y-%m-%d}"

    def given(self, step: Step) -> dict[str, Any]:
        """Parameters of a step: those of the run that its notebook has, then those of the pipeline file."""
        known = notebook_parameters(self.project.notebook(step.notebook))
        mine = {"store": self.store.url, "asof": f"{self.asof:%Y-%m-%d}", "folder": str(self.folder)}
        shared = mine | self.parameters
        return {name: value for name, value in shared.items() if name in known} | step.parameters

    def asked(self, step: Step) -> str:
        """Hash of what a step would do, the data aside."""
        notebook = self.project.notebook(step.notebook).read_bytes()
        return content_hash(notebook + code_version().encode() + json.dumps(self.given(step), sort_keys=True).encode())


def run_pipeline(run: Run, *, fresh: bool = False, tell: Callable[[str], None] = print) -> list[StepRecord]:
    """Run the steps that are not done yet, in order, holding the store's lock.

    Parameters
    ----------
    run : Run
        What to run.
    fresh : bool
        Run every step, done or not.
    tell : callable
        Gets one line an event.

    Raises
    ------
    StepError
        When a step fails; those before it stay done.
    BusyError
        When another run holds the store.
    StoreError
        When `reports/` is read-only or full.
    """
    steps = run.pipeline.steps
    with run.store.lock("pipeline"), _writing(run.folder), bars(run.pipeline.name, len(steps)) as shown:
        run.folder.mkdir(parents=True, exist_ok=True)
        done = [] if fresh else _still_done(run)
        for number, step in enumerate(steps, start=1):
            label = f"[{number}/{len(steps)}] {step.notebook}"
            if number <= len(done):
                tell(f"{label} was done, {done[number - 1].seconds:.0f} s")
            else:
                record = _run_step(run, step, shown)
                done.append(record)
                _write_records(run, done)
                tell(f"{label} done in {record.seconds:.0f} s, peak {record.peak_mb:,.0f} MB")
            if shown:
                shown.done(number)
        return done


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (AlphalibError, BrokenPipeError):
        raise
    except OSError as error:
        raise StoreError(f"cannot write to {_short(folder)}: {reason(error)}") from error


def read_records(folder: Path) -> list[StepRecord]:
    """How the steps of a run went; empty when there was none, or its record is unreadable."""
    try:
        return [StepRecord(**record) for record in json.loads((folder / "run.json").read_text())["steps"]]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []


def _still_done(run: Run) -> list[StepRecord]:
    """The leading steps that went through with the same code, parameters and data, and left what is still there."""
    data = stored_data_hash(run.store)
    kept: list[StepRecord] = []
    for step, record in zip(run.pipeline.steps, read_records(run.folder), strict=False):
        same = record.status == "done" and record.asked == run.asked(step) and record.data_after == data
        if not same or not (run.folder / f"{step.notebook}.ipynb").exists() or not _still_there(run.store, record):
            break
        kept.append(record)
    return kept


def _still_there(store: Store, record: StepRecord) -> bool:
    return all(store.exists(path) and content_hash(store.read_bytes(path)) == was for path, was in record.wrote.items())


def _written(store: Store, before: Mapping[str, Any]) -> dict[str, str]:
    """Hash of each artefact that changed since `before`; the data has its own hash, the ledger grows all the time."""
    aside = (*PRICE_FILES, "locks/*", "evidence/*")
    changed = [path for path, stamp in store.stamps().items() if before.get(path) != stamp]
    kept = sorted(path for path in changed if not any(fnmatch(path, pattern) for pattern in aside))
    return {path: content_hash(store.read_bytes(path)) for path in kept}


def _run_step(run: Run, step: Step, shown: Bars | None) -> StepRecord:
    target = run.folder / f"{step.notebook}.ipynb"
    temporary, failed = target.with_suffix(".running.ipynb"), target.with_suffix(".failed.ipynb")
    page = target.with_suffix(".running.html")
    record = StepRecord(step.notebook, "failed", 0.0, 0.0, run.asked(step), "", {})
    before, started = run.store.stamps(), time.monotonic()
    if shown:
        shown.begin(step.notebook)
    try:
        error = execute_notebook(run.project.notebook(step.notebook), temporary, run.given(step), shown=shown)
        record = replace(record, seconds=time.monotonic() - started, peak_mb=_peak_memory(temporary))
        _write_scrubbed(temporary)
        if error is not None:
            temporary.replace(failed)
            _append_record(run, record)
            raise StepError(
                f"{step.notebook} failed: {error}\nIts traceback is in {_short(failed)}; run the same again to resume"
            )
        _write_html(temporary, page, title=f"{step.notebook} {run.asof:%Y-%m-%d}")
        page.replace(target.with_suffix(".html"))
        temporary.replace(target)
    except KeyboardInterrupt:
        _append_record(run, replace(record, status="interrupted", seconds=time.monotonic() - started))
        raise
    finally:
        temporary.unlink(missing_ok=True)
        page.unlink(missing_ok=True)
    failed.unlink(missing_ok=True)
    left = _written(run.store, before)
    return replace(record, status="done", data_after=stored_data_hash(run.store), wrote=left)


def execute_notebook(
    notebook: Path, output: Path, parameters: dict[str, Any], *, shown: Bars | None = None
) -> str | None:
    """Run a notebook by papermill; the error it ended in, as one line."""
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    # Sockets in a folder of their own: TCP would be open to everyone on the machine, and jupyter's names for sockets
    # are the same for all kernels that start in one folder.
    with TemporaryDirectory(prefix="alphalib-") as sockets, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            papermill.execute_notebook(
                str(notebook),
                str(output),
                parameters=parameters,
                kernel_name="python3",
                progress_bar={"file": shown.cells, "mininterval": 0} if shown else False,
                stderr_file=shown.loops if shown else None,
                cwd=os.getcwd(),
                extra_arguments=["--IPKernelApp.log_level=50"],  # what went wrong is in the notebook
                config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
            )
        except PapermillExecutionError as error:
            return f"{error.ename}: {error.evalue}"
    return None


def _write_scrubbed(path: Path) -> None:
    import nbformat

    nbformat.write(scrubbed(nbformat.read(path, as_version=4)), path)


def _write_html(notebook: Path, target: Path, *, title: str) -> None:
    import nbformat
    from nbconvert import HTMLExporter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exporter = HTMLExporter(template_name="lab", exclude_input_prompt=True, exclude_output_prompt=True)
        body, _ = exporter.from_notebook_node(
            nbformat.read(notebook, as_version=4), resources={"metadata": {"name": title}}
        )
    target.write_text(body)


def _peak_memory(notebook: Path) -> float:
    """Peak memory that the notebook's provenance footer states; 0 when it did not get that far. [MB]"""
    import nbformat

    for cell in reversed(nbformat.read(notebook, as_version=4).cells):
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                return float(output["data"][MIME]["peak_memory_mb"])
    return 0.0


def _append_record(run: Run, record: StepRecord) -> None:
    _write_records(run, [*_still_done(run), record])


def _write_records(run: Run, records: list[StepRecord]) -> None:
    content = {
        "pipeline": run.pipeline.name,
        "asof": f"{run.asof:%Y-%m-%d}",
        "code": code_version(),
        "steps": [asdict(record) for record in records],
    }
    path = run.folder / "run.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1))
    temporary.replace(path)


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
