"""Which settings to try: a space of values by field, its grid, a sample of it, and who is whose neighbour."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ValidationError

from alphalib.errors import InputError

Space: TypeAlias = Mapping[str, Sequence[Any]]
Rules = TypeVar("Rules", bound=BaseModel)

GRID_SEED: Space = MappingProxyType(
    {
        "min_score": (65.0, 70.0, 75.0, 80.0),
        "max_position_pct": (0.05, 0.10, 0.15),
        "atr_multiplier": (2.0, 2.5, 3.0, 4.0),
        "time_decay_reduce_days": (5, 7, 10),
        "time_decay_exit_days": (10, 15, 20),
        "profit_take_pct": (0.15, 0.20, 0.25, 0.30),
    }
)
"""The seed's 1,728 cells, of which it tried 60 at random and ran out of two hours."""


def cell_name(params: BaseModel) -> str:
    """Name of a setting, the same wherever and whenever it is tried: 16 hexadecimal digits."""
    content = params.model_dump(mode="json", exclude={"updated_at", "schema_version"})
    text = json.dumps([type(params).__name__, content], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def size(space: Space) -> int:
    """Cells of the grid. [cells]"""
    empty = [name for name, values in space.items() if not len(values)]
    if empty:
        raise InputError(f"the space has no value for {empty[0]!r}")
    return math.prod(len(values) for values in space.values())


def grid(space: Space, base: Rules) -> list[Rules]:
    """Every combination of the space's values; what it does not name is the base's.

    Raises
    ------
    InputError
        When the space names what the parameters have not or has no value for, a value is out of bounds, or a
        combination makes no sense.
    """
    return [_cell(space, base, place) for place in range(size(space))]


def sample(space: Space, base: Rules, count: int, *, rng: np.random.Generator) -> list[Rules]:
    """Cells of the grid drawn at random, none twice; all of them when there are not more than `count`.

    The chance that none of k cells is among the best 5 % is .95ᵏ: 60 cells find one of those 95 times in 100.
    """
    if count < 1:
        raise InputError(f"count must be at least 1 cell, got {count}")
    places = rng.choice(size(space), size=min(count, size(space)), replace=False)
    return [_cell(space, base, int(place)) for place in places]


def changed(base: Rules, values: Mapping[str, Any]) -> Rules:
    """The base with some values changed, checked like a file.

    Raises
    ------
    InputError
        Says which value of which field cannot be.
    """
    strange = [name for name in values if name not in type(base).model_fields]
    if strange:
        raise InputError(f"{type(base).__name__} has no parameter {strange[0]!r}")
    try:
        return type(base).model_validate({**base.model_dump(), **values})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))} {fault['msg']}".strip() for fault in error.errors())
        raise InputError(f"no such setting, {dict(values)}: {faults}") from None


def varied(cells: Mapping[str, BaseModel]) -> pd.DataFrame:
    """In which parameters the cells differ: cells down, fields across, and `strategy` where there are several kinds."""
    rows = {name: params.model_dump(exclude={"updated_at", "schema_version"}) for name, params in cells.items()}
    if len({type(params) for params in cells.values()}) > 1:
        rows = {name: {"strategy": type(cells[name]).__name__, **row} for name, row in rows.items()}
    every = list(dict.fromkeys(field for row in rows.values() for field in row))
    table = {field: [row.get(field) for row in rows.values()] for field in every}
    differing = {field: column for field, column in table.items() if any(value != column[0] for value in column)}
    return pd.DataFrame(differing, index=pd.Index(list(rows), name="cell", dtype="str"))


def neighbourhood(table: pd.DataFrame, space: Space, *, measure: str) -> pd.DataFrame:
    """How a figure of each cell stands beside those of its neighbours, which differ by one step in one field.

    Parameters
    ----------
    table : DataFrame
        Cells down; the fields of the space and `measure` across, as `Sweep.table` has them.
    space : Space
        Fields and values that the cells were taken from; their order is the order of steps.
    measure : str
        A column of the table, the higher the better.

    Returns
    -------
    DataFrame
        Cells down: `own`, `neighbours` [cells], `mean` and `worst` of the neighbours, `drop` = own − mean. A peak that
        stands alone drops far and is luck rather than a rule. A cell that is not of the space, such as the setting in
        use, is left out.
    """
    fields = [field for field in space if field in table]
    missing = [field for field, values in space.items() if field not in table and len(values) > 1]
    if missing or measure not in table:
        raise InputError(f"the table has no column {(missing or [measure])[0]!r}")
    if not fields:
        raise InputError("the space has no field in which the cells differ, so nothing has neighbours")
    inside = np.logical_and.reduce([table[field].isin(list(space[field])) for field in fields])
    if not inside.any():
        raise InputError(f"no cell of the table has values of the space in {', '.join(fields)}")
    table = table[inside]
    steps = pd.DataFrame({field: table[field].map(list(space[field]).index) for field in fields})
    at = {tuple(place): row for row, place in enumerate(steps.to_numpy())}
    own = table[measure].to_numpy(dtype=float)
    rows = []
    for row, place in enumerate(steps.to_numpy()):
        moves = (tuple(place + step) for step in _unit_steps(len(fields)))
        around = own[[at[move] for move in moves if move in at]]
        known = around[~np.isnan(around)]
        mean = float(known.mean()) if len(known) else np.nan
        worst = float(known.min()) if len(known) else np.nan
        rows.append((own[row], len(known), mean, worst, own[row] - mean))
    return pd.DataFrame(rows, index=table.index, columns=["own", "neighbours", "mean", "worst", "drop"])


def _cell(space: Space, base: Rules, place: int) -> Rules:
    """One combination by its number; the last field runs fastest."""
    places = np.unravel_index(place, [len(values) for values in space.values()]) if space else ()
    return changed(base, {field: values[int(p)] for (field, values), p in zip(space.items(), places, strict=True)})


def _unit_steps(fields: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    whole = np.eye(fields, dtype=np.int64)
    return list(itertools.chain(whole, -whole))
