"""Artefacts compared to the last bit: frames whose index says when each row became known, ascending."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd

from alphalib.errors import InputError

_NOTHING = {"f": np.nan, "b": False, "i": -1, "O": ""}
"""What a panel holds where it knows nothing, by the kind of its numbers."""


def until(frame: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Rows known by the close of a day."""
    if not frame.index.is_monotonic_increasing:
        raise InputError("the rows of an artefact must stand in the order in which they become known")
    return frame.iloc[: int(frame.index.searchsorted(day, side="right"))]


def aligned(frame: pd.DataFrame, columns: pd.Index) -> pd.DataFrame | None:
    """A frame with other columns; None when one of its own that is not among them holds something."""
    if frame.columns.equals(columns):
        return frame
    extra = frame.columns[~frame.columns.isin(columns)]
    if len(extra) and not is_nothing(frame[extra]):
        return None
    filled = frame.reindex(columns=columns, fill_value=_NOTHING.get(_kind(frame) or "O"))
    return filled.astype(frame.dtypes.iloc[0]) if _kind(frame) == "i" else filled


def is_nothing(frame: pd.DataFrame) -> bool:
    """Whether a frame holds no row, or a panel nothing but what it holds where it knows nothing."""
    if frame.empty:
        return True
    kind = _kind(frame)
    if kind is None:
        return False
    values = frame.to_numpy()
    return bool(np.isnan(values).all() if kind == "f" else (values == _NOTHING[kind]).all())


def _kind(frame: pd.DataFrame) -> str | None:
    """Kind of a panel's values, a key of `_NOTHING`; None for a table of several kinds."""
    kinds = {dtype.kind if isinstance(dtype, np.dtype) else "O" for dtype in set(frame.dtypes)}
    return kinds.pop() if len(kinds) == 1 and kinds <= set(_NOTHING) else None


def digest(frame: pd.DataFrame) -> bytes:
    """Hash of a frame's times and values."""
    found = hashlib.sha256(frame.index.to_numpy().tobytes())
    if _kind(frame) in ("f", "b", "i"):
        found.update(np.ascontiguousarray(frame.to_numpy().T).data)
    else:
        for place in range(frame.shape[1]):
            found.update(_bits(frame.iloc[:, place]).data)
    return found.digest()


def _bits(column: pd.Series) -> npt.NDArray[np.unsignedinteger]:
    """Values as whole numbers that are equal when the values are, to the last bit; a missing one equals itself."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fib":
        return np.ascontiguousarray(column.to_numpy()).view(f"u{column.dtype.itemsize}")
    return np.asarray(pd.util.hash_pandas_object(column, index=False))


def first_difference(one: pd.DataFrame, other: pd.DataFrame) -> str:
    """The first value that differs, in words: its column, its date, what it is and what it became."""
    if len(one) != len(other):
        return f"{len(one):,} rows are known, and {len(other):,} then"
    moved = np.flatnonzero(one.index != other.index)
    if len(moved):
        return f"a row known on {one.index[moved[0]]:%Y-%m-%d} is known on {other.index[moved[0]]:%Y-%m-%d} then"
    differs = np.column_stack([_bits(one.iloc[:, i]) != _bits(other.iloc[:, i]) for i in range(one.shape[1])])
    if not differs.any():
        return "two runs on the same rows differ: it is not deterministic"
    row, column = np.argwhere(differs)[0]
    name, date = one.columns[column], one.index[row]
    return f"{name} on {date:%Y-%m-%d} is {one.iat[row, column]!s}, and {other.iat[row, column]!s} then"
