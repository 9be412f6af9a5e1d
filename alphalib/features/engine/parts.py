"""Factors as a tidy parquet file, written by blocks of names, so that memory does not grow with their number."""

from __future__ import annotations

import json
import os
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alphalib.compiled import Floats
from alphalib.errors import StoreError
from alphalib.features.engine.evaluate import Blocks, Progress, evaluate, silenced
from alphalib.features.engine.inputs import Inputs
from alphalib.features.engine.plan import crosses, plan, starts
from alphalib.features.engine.show import Shown
from alphalib.features.language.tree import Node
from alphalib.store import reason

GROUP_BYTES = 32 * 1024**2
"""Size of a row group in memory, about."""

METADATA = b"alphalib.factors"
"""Key of what is known about the file, in the metadata of the parquet schema."""


@dataclass(frozen=True)
class Job:
    """What goes into a file.

    Parameters
    ----------
    nodes : mapping of str to Node
        Factors by column.
    inputs : Inputs
        Their fields, from the market's first session on.
    shown : Shown
        Which cells are written.
    tickers : Index
        Names across, ascending.
    sessions : DatetimeIndex
        All of the market.
    dtype : str
        Of the columns.
    """

    nodes: Mapping[str, Node]
    inputs: Inputs
    shown: Shown
    tickers: pd.Index
    sessions: pd.DatetimeIndex
    dtype: str = "float64"

    def since(self, session: int) -> Job:
        """The same for the sessions from a number on."""
        return replace(self, shown=replace(self.shown, cut=session))

    @property
    def written(self) -> pd.DatetimeIndex:
        """The sessions that are written."""
        return self.sessions[self.shown.cut :]

    @cached_property
    def slices(self) -> dict[int, list[Node]]:
        """Every factor once, by the number of the session from which it must be computed."""
        return starts(dict.fromkeys(self.nodes.values()), self.shown.cut)


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Parameters
    ----------
    rows : int
        Closes of names.
    values : dict of str to int
        Rows with a value, by column.
    """

    rows: int
    values: dict[str, int]


def write_file(
    job: Job, path: Path, metadata: Mapping[str, Any], *, threads: int = 1, progress: Progress | None = None
) -> Content:
    """Write one parquet file, sorted by ticker and date, a row group a group of names; atomic.

    Raises
    ------
    StoreError
        When the disk is full or the folder cannot be written; what was there before is untouched.
    """
    rows, values = 0, dict.fromkeys(job.nodes, 0)
    schema = _schema(job, metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(path) as temporary, tempfile.TemporaryFile(dir=path.parent) as file:
            crossed = _Crossed(job, file.fileno())
            crossed.compute(threads)
            with pq.ParquetWriter(temporary, schema, **_OPTIONS) as writer:
                for table in _tables(job, schema, crossed, threads, progress):
                    writer.write_table(table, row_group_size=max(len(table), 1))
                    rows += len(table)
                    values = {name: values[name] + len(table) - table[name].null_count for name in values}
    except OSError as error:
        raise StoreError(f"cannot write {path}: {reason(error)}; nothing was changed") from error
    return Content(rows, values)


_OPTIONS: dict[str, Any] = {
    "compression": "lz4",  # half the time of zstd for a tenth more space: numbers like these hardly shrink
    "use_dictionary": ["ticker"],
    "write_statistics": ["ticker", "date"],
}


def read_metadata(path: Path) -> dict[str, Any]:
    """What `write_file` was told about the file; empty for a file from elsewhere."""
    return dict(json.loads((pq.read_schema(path).metadata or {}).get(METADATA, b"{}")))


def _schema(job: Job, metadata: Mapping[str, Any]) -> pa.Schema:
    number = pa.float32() if job.dtype == "float32" else pa.float64()
    columns = [("ticker", pa.string()), ("date", pa.timestamp("us")), *((name, number) for name in job.nodes)]
    return pa.schema(columns, metadata={METADATA: json.dumps(metadata, ensure_ascii=False).encode()})


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, which takes its place when all went well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class _Crossed:
    """Factors with a barrier below them, which come for all names at once, laid down in a file until they are written.

    Parameters
    ----------
    job : Job
        What goes into the parquet file.
    descriptor : int
        Of an empty file.
    """

    def __init__(self, job: Job, descriptor: int) -> None:
        self._job, self._file = job, descriptor
        found = [node for group in job.slices.values() for node in group if any(map(crosses, node.walk()))]
        self.place = {node: number for number, node in enumerate(found)}
        self._row = len(job.written) * np.dtype(job.dtype).itemsize

    def compute(self, threads: int) -> None:
        """Compute all of them."""
        for start, group in self._job.slices.items():
            here = [node for node in group if node in self.place]
            if here:
                evaluate(here, self._job.inputs.since(start), partial(self._lay_down, start), threads=threads)

    def read(self, node: Node, block: slice) -> NDArray[Any]:
        """A block of names, as shown."""
        names = block.stop - block.start
        content = os.pread(self._file, names * self._row, self._at(node, block.start))
        return np.frombuffer(content, dtype=self._job.dtype).reshape(names, -1)

    def _lay_down(self, start: int, node: Node, name: int, values: Floats) -> None:
        shown = np.empty((len(values), len(self._job.written)), dtype=self._job.dtype)
        self._job.shown.copy(values, shown, name=name, start=start, lookback=node.lookback)
        rest, at = shown.data.cast("B"), self._at(node, name)
        while rest:
            written = os.pwrite(self._file, rest, at)
            rest, at = rest[written:], at + written

    def _at(self, node: Node, name: int) -> int:
        return (self.place[node] * len(self._job.tickers) + name) * self._row


def _tables(
    job: Job, schema: pa.Schema, crossed: _Crossed, threads: int, progress: Progress | None
) -> Iterator[pa.Table]:
    """Row groups in order, computed on threads a little ahead of the one that is being written."""
    groups = _groups(job, threads)
    sweeps = _sweeps(job, crossed)
    pending: deque[Future[pa.Table]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="factors") as pool:
        try:
            for number in range(len(groups) + threads):
                if number < len(groups):
                    compute = partial(_table, job, schema, crossed, sweeps, groups[number])
                    pending.append(pool.submit(silenced, compute))
                if number >= threads:
                    yield pending.popleft().result()
                    if progress is not None:
                        progress(number - threads + 1, len(groups))
        finally:
            pool.shutdown(cancel_futures=True)


def _groups(job: Job, threads: int) -> list[slice]:
    names, sessions = len(job.tickers), len(job.written)
    rows = max(1, min(GROUP_BYTES // (8 * sessions * len(job.nodes)), -(-names // threads)))
    return [slice(start, min(start + rows, names)) for start in range(0, names, rows)]


def _sweeps(job: Job, crossed: _Crossed) -> dict[int, Blocks]:
    """How the factors without a barrier are computed, by the session they start from."""
    sweeps = {}
    for start, group in job.slices.items():
        inputs = job.inputs.since(start)
        here = [node for node in group if node not in crossed.place]
        if here:
            sweeps[start] = Blocks(plan(here, inputs.market_wide)[0].sweep, inputs, {})
    return sweeps


def _table(job: Job, schema: pa.Schema, crossed: _Crossed, sweeps: Mapping[int, Blocks], group: slice) -> pa.Table:
    """The rows of a group of names."""
    names = group.stop - group.start
    values: dict[Node, NDArray[Any]] = {node: crossed.read(node, group) for node in crossed.place}
    for start, blocks in sweeps.items():

        def keep(node: Node, name: int, block: Floats, start: int = start) -> None:
            if node not in values:
                values[node] = np.empty((names, len(job.written)), dtype=job.dtype)
            out = values[node][name - group.start :][: len(block)]
            job.shown.copy(block, out, name=name, start=start, lookback=node.lookback)

        blocks.compute_all(group, keep)
    rows = job.shown.rows(group)
    name, session = np.nonzero(rows)
    tickers = pa.DictionaryArray.from_arrays(name.astype(np.int32), job.tickers[group].to_numpy(dtype=object))
    dates = job.written.to_numpy().astype("datetime64[us]")[session]
    # Missing is null, not NaN: SQL's averages step over the one and drown in the other.
    columns = [pa.array(values[node][rows], from_pandas=True) for node in job.nodes.values()]
    return pa.Table.from_arrays([tickers.cast(pa.string()), pa.array(dates), *columns], schema=schema)
