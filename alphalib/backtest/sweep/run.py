"""Hundreds of settings over one history: each a trial in the ledger, its result on the bus, resumable after a kill.

Cells run in batches, in this process, in local processes that share the history's arrays by memory map, or on a Dask
cluster. What a batch gave is written as one part, atomically, and forgotten: memory does not grow with the cells.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.summary import LINEAGE
from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.measures import MEASURES, measured
from alphalib.backtest.sweep.space import cell_name, varied
from alphalib.decision.decide import require_windows
from alphalib.decision.history import History
from alphalib.decision.strategies.params import Strategy
from alphalib.errors import InputError
from alphalib.evidence.ledger import Ledger
from alphalib.params import ExecutorParams
from alphalib.store import Store, parquet_bytes

LARGEST_BATCH = 16
IDLE = 20
"""After so long without work a local process ends, also when the one that began it was killed. [seconds]"""
Step: TypeAlias = Callable[[str], object]
Setting: TypeAlias = ExecutorParams | Strategy
Cells: TypeAlias = Mapping[str, Setting]


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a sweep found.

    Parameters
    ----------
    store : Store
        Where its parts lie.
    folder : str
        Under which path.
    cells : mapping
        The settings by their `cell_name`, in the order they were given.
    sessions : DatetimeIndex
        Of the daily returns: from the session after the first scored name on.
    table : DataFrame
        Cells down; the parameters that differ, then the measures of `measures.MEASURES`, then `note` (why a measure is
        missing) and `trial` (id in the ledger).
    """

    store: Store
    folder: str
    cells: Cells
    sessions: pd.DatetimeIndex
    table: pd.DataFrame

    def returns(self, cells: Sequence[str] | None = None) -> pd.DataFrame:
        """Daily returns, sessions down, cells across; all of them, or those named. [fraction]"""
        return self._daily("returns", cells)

    def trades(self, cells: Sequence[str] | None = None) -> pd.DataFrame:
        """Fills of each session, sessions down, cells across. [fills]"""
        return self._daily("trades_daily", cells).astype(np.int64)

    def _daily(self, field: str, cells: Sequence[str] | None) -> pd.DataFrame:
        wanted = list(self.cells) if cells is None else list(cells)
        strange = [name for name in wanted if name not in self.cells]
        if strange:
            raise InputError(f"the sweep has no cell {strange[0]!r}")
        values = np.full((len(self.sessions), len(wanted)), np.nan)
        column = {name: place for place, name in enumerate(wanted)}
        for part in _parts(self.store, self.folder, ["cell", field]):
            for name, daily in zip(part["cell"], part[field], strict=True):
                if name in column:
                    values[:, column[name]] = daily
        return pd.DataFrame(values, index=self.sessions, columns=pd.Index(wanted, name="cell", dtype="str"))

    def __repr__(self) -> str:
        return f"Sweep {self.folder}: {len(self.table):,} cells, {len(self.sessions):,} sessions; read `table`"

    def _repr_html_(self) -> str:
        best = self.table.sort_values("sharpe", ascending=False).head(10)
        tried = best.drop(columns=[*MEASURES, "note", "trial"])
        figures = {
            "Sharpe": _with_interval(best, "sharpe", "{:.2f}"),
            "alpha a year": _with_interval(best, "alpha", "{:.1%}"),
            "beta": best["beta"].map("{:.2f}".format),
            "deepest fall": best["max_drawdown"].map("{:.1%}".format),
            "turnover a year": best["turnover"].map("{:.1f}".format),
            "fills": best["trades"].map("{:,.0f}".format),
            "halted": best["halted"].map("{:.0%}".format),
        }
        shown = pd.DataFrame(figures).replace("nan", "–").replace("nan%", "–")
        shown = shown.assign(note=best["note"]) if best["note"].any() else shown
        # Names of words wrap, so that what they hold stands beside its result on a page.
        tried = tried.map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
        whole = tried.rename(columns=lambda name: name.replace("_", " ")).join(shown)
        caption = f"{len(self.table):,} cells, {len(self.sessions):,} sessions; the ten highest Sharpe ratios"
        html: str = whole.style.set_caption(caption).to_html()
        return html


def run_sweep(
    history: History,
    cells: Sequence[Setting],
    *,
    ledger: Ledger,
    store: Store,
    name: str,
    costs: Costs | None = None,
    cash: float = 1_000_000.0,
    spy: pd.Series | None = None,
    n_jobs: int = 1,
    cluster: str | None = None,
    step: Step | None = None,
    lineage: str = LINEAGE,
    made_by: Mapping[str, Any] | None = None,
    code_version: str = "not stated",
) -> Sweep:
    """Simulate every cell; a run that was killed goes on where it was and gives the same table.

    Parameters
    ----------
    history : History
        Ends where outcomes are sealed: what is not in it cannot be chosen by.
    cells : sequence of ExecutorParams or Strategy
        As `space.grid` or `space.sample` make them; twins count once.
    ledger : Ledger
        Each cell is opened there before the first one runs.
    store : Store
        Parts go to `sweeps/{name}/{hash}/`, the hash being of all that decides a result: history, costs, cash,
        benchmark, lineage, `made_by` and `code_version`.
    name : str
        Of the sweep.
    costs, cash
        As in `simulate`. [currency]
    spy : Series, optional
        Total-return index that alpha and beta are measured against.
    n_jobs : int
        Processes; −1 for one a core. With a cluster, tasks at a time, −1 for all its threads.
    cluster : str, optional
        Address of a Dask scheduler, `settings().cluster`; its workers need alphalib installed.
    step : callable, optional
        Is told after each part how far it is.
    lineage : str
        What the trials count under.
    made_by : mapping, optional
        What else makes it another trial: the other parameter files and the model, as in `summary.tried`.
    code_version : str
        `pipeline.provenance.code_version()`.

    Raises
    ------
    InputError
        Before anything runs, when a cell needs other windows than the history's.
    BusyError
        When the same sweep is already running on the store.
    """
    named = {cell_name(params): params for params in cells}
    if not named:
        raise InputError("a sweep needs at least one cell")
    for params in named.values():
        if isinstance(params, ExecutorParams):
            require_windows(history.atr_window, history.correlation_window, params)
    costs, first, tell = costs or Costs(), first_scored(history), step or _silent
    benchmark = None if spy is None else spy.reindex(history.sessions).to_numpy(dtype=float)
    data = fingerprint(history)
    context = {**(made_by or {}), "costs": costs.model_dump(), "cash": cash}
    trial = {"lineage": lineage, "kind": "backtest", "data_hash": data, "code_version": code_version}
    folder = f"sweeps/{name}/{fingerprint(benchmark, json.dumps([trial, context], sort_keys=True))}"
    with store.lock(f"sweep-{name}".replace("/", "-")):
        done = _done(store, folder, ledger)
        pending = {cell: params for cell, params in named.items() if cell not in done}
        asked = [{**context, type(params).__name__: params.model_dump(mode="json")} for params in pending.values()]
        opened = dict(zip(pending, ledger.open_trials(asked, asof=history.sessions[-1], **trial), strict=True))
        counted = len(named) - len(pending)
        for records in _computed(history, pending, (costs, cash, first, benchmark), n_jobs=n_jobs, cluster=cluster):
            part = records.assign(trial=[opened[cell] for cell in records["cell"]])
            _close(ledger, part, history.sessions[first + 1 :])
            store.write_bytes(f"{folder}/{part['cell'].iloc[0]}.parquet", parquet_bytes(part))
            counted += len(part)
            tell(f"{counted:,} of {len(named):,} cells")
    return Sweep(store, folder, named, history.sessions[first + 1 :], _table(store, folder, named))


def first_scored(history: History) -> int:
    """Row of the first session with a scored name: what is before it is idle time and not measured.

    Raises
    ------
    InputError
        When no name is ever scored, or fewer than two sessions follow.
    """
    scored = np.isfinite(history.names["score"]).any(axis=1)
    first = int(np.argmax(scored))
    if not scored[first] or first + 3 > len(scored):
        raise InputError(
            f"the history from {history.sessions[0]:%Y-%m-%d} to {history.sessions[-1]:%Y-%m-%d} has no scored name "
            "with two sessions after it; nothing could be measured"
        )
    return first


def fingerprint(*parts: Any) -> str:
    """Content hash of arrays, indices, histories and tuples of them: 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for array in _arrays(parts):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, History):
        for field in fields(value):
            yield from _arrays(getattr(value, field.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from _arrays(part)
    elif isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, pd.DatetimeIndex):
        yield value.to_numpy().astype("datetime64[us]").astype(np.int64)
    elif isinstance(value, pd.Index):
        yield np.frombuffer("|".join(map(str, value)).encode(), dtype=np.uint8)
    else:
        yield np.frombuffer(repr(value).encode(), dtype=np.uint8)


def _computed(
    history: History, cells: Cells, options: tuple[Any, ...], *, n_jobs: int, cluster: str | None
) -> Iterator[pd.DataFrame]:
    """Records of the cells, a batch at a time, in whatever order the batches end."""
    import joblib

    if not cells:
        return
    with _workers(history, n_jobs=n_jobs, cluster=cluster) as parallel:
        jobs = max(parallel._effective_n_jobs(), 1)
        batch = min(LARGEST_BATCH, math.ceil(len(cells) / (2 * jobs)))
        names = list(cells)
        batches = [{name: cells[name] for name in names[at : at + batch]} for at in range(0, len(names), batch)]
        yield from parallel(joblib.delayed(_run_batch)(history, some, *options) for some in batches)


@contextmanager
def _workers(history: History, *, n_jobs: int, cluster: str | None) -> Iterator[Any]:
    """A joblib pool; results come as they are ready."""
    import joblib

    if cluster is None:
        with joblib.parallel_config("loky", idle_worker_timeout=IDLE):
            yield joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        return
    with _client(cluster) as client, joblib.parallel_config("dask", client=client, scatter=[history]):
        yield joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")


def _client(cluster: str) -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InputError("a Dask cluster needs the extra `sweep`: pip install 'alphalib[sweep]'") from error
    connect: Any = distributed.Client
    try:
        return connect(cluster, timeout=5, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {cluster!r} (ALPHALIB_CLUSTER); start one, or unset it to run here ({error})"
        ) from error


def _run_batch(
    history: History,
    cells: Cells,
    costs: Costs,
    cash: float,
    first: int,
    spy: np.ndarray[Any, np.dtype[np.float64]] | None,
) -> pd.DataFrame:
    """Simulate some cells; one record each."""
    records = [
        {"cell": name, **measured(simulate(history, params, costs=costs, cash=cash), first=first, spy=spy)}
        for name, params in cells.items()
    ]
    return pd.DataFrame(records)


def _close(ledger: Ledger, part: pd.DataFrame, sessions: pd.DatetimeIndex) -> None:
    """Before the part is written: a kill in between leaves a cell that runs again, never one without its result."""
    metrics = part.set_index("trial")[list(MEASURES)].to_dict("index")
    daily = dict(zip(part["trial"], part["returns"], strict=True))
    ledger.close_trials(metrics, returns=pd.DataFrame(daily, index=sessions))


def _done(store: Store, folder: str, ledger: Ledger) -> set[str]:
    """Cells with a result that the ledger knows; those of a ledger that was lost run again, to be counted anew."""
    trial_of = {
        cell: trial
        for part in _parts(store, folder, ["cell", "trial"])
        for cell, trial in zip(part["cell"], part["trial"], strict=True)
    }
    closed = ledger.closed(list(trial_of.values()))
    return {cell for cell, trial in trial_of.items() if trial in closed}


def _parts(store: Store, folder: str, columns: list[str]) -> Iterator[pd.DataFrame]:
    for path in store.paths(f"{folder}/*.parquet"):
        yield store.read_table(path, columns=columns)


def _table(store: Store, folder: str, cells: Cells) -> pd.DataFrame:
    columns = ["cell", *MEASURES, "note", "trial"]
    known = pd.concat(_parts(store, folder, columns)).drop_duplicates("cell").set_index("cell")
    return varied(cells).join(known.loc[list(cells)])


def _with_interval(table: pd.DataFrame, measure: str, form: str) -> list[str]:
    columns = [measure, f"{measure}_low", f"{measure}_high"]
    rows = table[columns].itertuples(index=False)
    return ["{} [{}, {}]".format(*map(form.format, row)) if np.isfinite(row[0]) else "–" for row in rows]


def _silent(_: str) -> None:
    """Nobody wants to know."""
