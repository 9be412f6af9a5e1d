"""Factors of a market: expressions in, panels or a parquet file out."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from alphalib.compiled import Floats
from alphalib.errors import InputError
from alphalib.features.catalog import Entry, entry_at
from alphalib.features.engine.available import missing_fields
from alphalib.features.engine.evaluate import Progress, evaluate
from alphalib.features.engine.inputs import inputs_of
from alphalib.features.engine.plan import starts
from alphalib.features.engine.show import Shown
from alphalib.features.language.parser import Dialect, parse
from alphalib.features.language.tree import Node
from alphalib.market import Market, Panel
from alphalib.sessions import Day, last_session

Expression: TypeAlias = str | Node | Entry
"""A factor: its text or its place in a catalogue, the tree that was read from it, or an entry of a catalogue."""

Precision: TypeAlias = Literal["float64", "float32"]


class FactorWarning(UserWarning):
    """Some factors could not be computed; the others were."""


class FactorPanels(dict[str, Panel]):
    """Panels by the name of their factor.

    Attributes
    ----------
    failed : dict of str to str
        Factors that could not be computed, each with the reason.
    """

    def __init__(self, panels: Mapping[str, Panel], failed: Mapping[str, str]) -> None:
        super().__init__(panels)
        self.failed = dict(failed)

    def __repr__(self) -> str:
        shape = " × ".join(map(str, next(iter(self.values())).shape)) if self else "none"
        return f"<{len(self)} panels, {shape}: {reprlib.repr(list(self))}; {len(self.failed)} failed>"


def factor(expression: Expression, market: Market, *, dialect: Dialect = "qlib", mask: bool = True) -> Panel:
    """A factor of every name at every close.

    Parameters
    ----------
    expression : str, Node or Entry
        In the factor language, such as `CSRank(Mean($close, 5) / Ref($close, 20))`, or a place: `technical/rsi_14`.
    market : Market
        What it is computed from.
    dialect : {"qlib", "quant-stream"}
        Spelling of a text.
    mask : bool
        Missing until a name has the sessions the expression looks back on, and on sessions without a close.

    Returns
    -------
    Panel
        With the labels of `market.close`. [unit of the expression]

    Raises
    ------
    InputError
        When the expression cannot be read, or names what this market does not have.
    """
    node = _available(expression, market, dialect)
    return _computed([node], market, mask=mask)[node]


def factors(
    expressions: Mapping[str, Expression],
    market: Market,
    *,
    dialect: Dialect = "qlib",
    mask: bool = True,
    after: Day | None = None,
    dtype: Precision = "float64",
    threads: int | None = None,
    progress: Progress | None = None,
) -> FactorPanels:
    """Many factors at once; what they share is computed once.

    Parameters
    ----------
    expressions : mapping of str to str, Node or Entry
        Factors by name: `CATALOG["alpha158"]`, `{"reversal": "-Delta(Log($close), 5)"}`.
    market : Market
        What they are computed from.
    dialect : {"qlib", "quant-stream"}
        Spelling of texts.
    mask : bool
        As in `factor`.
    after : date, optional
        Only sessions after it; equal to the last bit to the same rows of all history, at a fraction of the work.
    dtype : {"float64", "float32"}
        Of the result; it is computed in float64.
    threads : int, optional
        As many as this process may use cores, without it.
    progress : callable, optional
        Told how many pieces of the work are done, and of how many.

    Returns
    -------
    FactorPanels
        Panels with the labels of `market.close`, and the factors that failed; these are warned of.
    """
    nodes, failed = readable(expressions, market, dialect=dialect)
    panels = _computed(
        list(dict.fromkeys(nodes.values())),
        market,
        mask=mask,
        after=after,
        dtype=dtype,
        threads=threads,
        progress=progress,
    )
    # One factor under two names is one array; of such lazy copies the one that is written to goes its own way.
    return FactorPanels({name: panels[node].copy(deep=False) for name, node in nodes.items()}, failed)


@dataclass(frozen=True)
class Written:
    """What `write_factors` has done.

    Parameters
    ----------
    path : Path
        File or folder.
    done : str
        In words: "written", "2 sessions added", "nothing new", "rewritten: the past of the market changed".
    rows : int
        Rows written.
    coverage : dict of str to float
        Share of these rows in which a factor has a value.
    nodes : dict of str to Node
        Factors written, by column.
    failed : dict of str to str
        Factors that could not be computed, each with the reason.
    """

    path: Path
    done: str
    rows: int
    coverage: dict[str, float]
    nodes: dict[str, Node]
    failed: dict[str, str]


def write_factors(
    expressions: Mapping[str, Expression],
    market: Market,
    path: str | Path,
    *,
    dialect: Dialect = "qlib",
    mask: bool = True,
    dtype: Precision = "float64",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write factors as tidy parquet, in pieces: memory does not grow with their number.

    The table has the columns `ticker`, `date` and one a factor, and a row for every close of a name (without `mask`,
    for every session since its first one); it is sorted by ticker and date. What is missing is null.

    Parameters
    ----------
    expressions : mapping of str to str, Node or Entry
        Factors by column.
    market : Market
        What they are computed from.
    path : str or Path
        A name that ends in `.parquet` becomes one file. One without an ending becomes a folder of such files that
        grows: when it holds the same factors of the same past, only the sessions after it are computed and added;
        otherwise everything is written anew. Either way the old state stays until the new one is complete.
    dialect, mask, dtype, threads, progress
        As in `factors`.

    Returns
    -------
    Written
        What was done, and the factors that failed; these are warned of, too.

    Raises
    ------
    InputError
        When no factor can be computed, the path has another ending, or the folder holds something else, or later
        sessions than the market.
    StoreError
        When the disk is full or the folder cannot be written.
    """
    from alphalib.features.engine.dataset import grow, recipe_of, write_single
    from alphalib.features.engine.parts import Job, write_file

    target = Path(path)
    if target.suffix not in ("", ".parquet") and not target.is_dir():
        raise InputError(f"a name ends in .parquet, for one file, or has no ending, for a folder; got {target.name}")
    nodes, failed = readable(expressions, market, dialect=dialect)
    if not nodes:
        raise InputError(f"none of {len(expressions)} factors can be computed")
    if taken := {"ticker", "date"} & nodes.keys():
        raise InputError(f"a factor cannot be called {min(taken)!r}: the table has a column of that name")
    market = _sorted(market)
    inputs = inputs_of(market, _fields(nodes.values()))
    job = Job(nodes, inputs, Shown.of(market, mask=mask), market.tickers, market.sessions, dtype)
    write = partial(write_file, threads=threads or cores(), progress=progress)
    recipe = recipe_of(job, market)
    done, content = (write_single if target.suffix == ".parquet" else grow)(job, target, recipe, write)
    coverage = {name: count / max(content.rows, 1) for name, count in content.values.items()}
    return Written(target, done, content.rows, coverage, nodes, failed)


def readable(
    expressions: Mapping[str, Expression], market: Market, *, dialect: Dialect = "qlib"
) -> tuple[dict[str, Node], dict[str, str]]:
    """Factors that this market can give, and the reasons for the others, which are warned of."""
    if not hasattr(expressions, "items"):
        kind = type(expressions).__name__
        raise InputError(f"factors go by name, {{'name': expression}} or CATALOG['alpha158']; got {kind}")
    nodes, failed = {}, {}
    for name, expression in expressions.items():
        try:
            nodes[name] = _available(expression, market, dialect)
        except InputError as error:
            failed[name] = str(error)
    if failed:
        reasons = "\n".join(f"  {name}: {reason}" for name, reason in failed.items())
        warnings.warn(f"{len(failed)} of {len(expressions)} factors failed:\n{reasons}", FactorWarning, stacklevel=3)
    return nodes, failed


def cores() -> int:
    """Cores that this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


def _available(expression: Expression, market: Market, dialect: Dialect) -> Node:
    node = _node(expression, dialect)
    if not node.fields:
        raise InputError(f"{node} is a number; a factor needs a field such as $close")
    if reason := missing_fields(node, market):
        raise InputError(reason)
    return node


def _node(expression: Expression, dialect: Dialect) -> Node:
    if isinstance(expression, str):
        expression = entry_at(expression) or expression
    if isinstance(expression, Entry):
        return expression.node
    return expression if isinstance(expression, Node) else parse(expression, dialect=dialect)


def _computed(
    nodes: Sequence[Node],
    market: Market,
    *,
    mask: bool = True,
    after: Day | None = None,
    dtype: Precision = "float64",
    threads: int | None = None,
    progress: Progress | None = None,
) -> dict[Node, Panel]:
    if dtype not in get_args(Precision):
        raise InputError(f"dtype must be one of {', '.join(get_args(Precision))}, got {dtype!r}")
    cut = 0 if after is None else int(market.sessions.searchsorted(last_session(after), side="right"))
    shown = Shown.of(market, cut=cut, mask=mask)
    panels = {node: np.empty((len(market.tickers), len(market.sessions) - cut), dtype=dtype) for node in nodes}
    inputs = inputs_of(market, _fields(nodes))
    for start, group in starts(nodes, cut).items() if cut < len(market.sessions) else ():

        def keep(node: Node, name: int, values: Floats, start: int = start) -> None:
            shown.copy(values, panels[node][name : name + len(values)], name=name, start=start, lookback=node.lookback)

        evaluate(group, inputs.since(start), keep, threads=threads or cores(), progress=progress)
    labels = market.close.index[cut:], market.close.columns
    return {node: pd.DataFrame(values.T, *labels, copy=False) for node, values in panels.items()}


def _fields(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset[str]().union(*(node.fields for node in nodes))


def _sorted(market: Market) -> Market:
    """The market with its names in ascending order."""
    if market.tickers.is_monotonic_increasing:
        return market
    panels = ("open", "high", "low", "close", "volume", "vwap", "member", "sector")
    return replace(market, **{name: getattr(market, name).sort_index(axis=1) for name in panels})
