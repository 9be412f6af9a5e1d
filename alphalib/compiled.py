"""Numba, typed, and with a disk cache that notices changes in other files.

Numba keys its cache on disk by the file of the cached function alone: edit a compiled function that it calls from
another file, and the old machine code goes on running. An entry point therefore takes `sources: int = stamp(…)` as its
last argument; a default value is part of numba's signature, and so of the key. What it takes besides are numbers,
arrays and plain tuples of them: a class in the signature would be pickled into the cache's index, and renaming the
class would make every older cache unreadable. `plain` unwraps named tuples, the entry point wraps them again.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any, TypeAlias, TypeVar, get_type_hints

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Records: TypeAlias = NDArray[np.void]
Int8: TypeAlias = Annotated[int, np.int8]
Int32: TypeAlias = Annotated[int, np.int32]

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """A function compiled into whatever compiled function calls it."""
    result: Function = njit(function)
    return result


def entry_point(function: Function) -> Function:
    """A compiled function that Python calls; its machine code is kept on disk between processes."""
    result: Function = njit(function, cache=True)
    return result


def kernel(function: Function) -> Function:
    """An entry point that loops over arrays: it lets other threads run, and x/0 is ±inf or NaN as in numpy."""
    result: Function = njit(function, cache=True, nogil=True, error_model="numpy")
    return result


def kernel_part(function: Function) -> Function:
    """A compiled function of a kernel's own file; x/0 is ±inf or NaN as in numpy."""
    result: Function = njit(function, error_model="numpy")
    return result


def plain(value: Any) -> Any:
    """A named tuple, and the ones inside it, as plain tuples."""
    return tuple(plain(part) for part in value) if isinstance(value, tuple) else value


def frozen(value: Any) -> Any:
    """Arrays as read-only views, tuples of them as plain tuples of such views.

    Numba compiles anew for an array that may be written, as one that came out of a pickle may.
    """
    if isinstance(value, tuple):
        return tuple(frozen(part) for part in value)
    if not isinstance(value, np.ndarray):
        return value
    view = np.asarray(value)[...]
    view.setflags(write=False)
    return view


def stamp(*modules: ModuleType) -> int:
    """Checksum of the modules' source text."""
    return zlib.crc32("".join(inspect.getsource(module) for module in modules).encode())


def record_type(fields: type) -> np.dtype[np.void]:
    """The numpy record whose fields are a class's annotations; compiled functions take one record like an object.

    `int` and `float` take eight bytes, `Int8` and `Int32` what they say.
    """
    hints = get_type_hints(fields, include_extras=True)
    return np.dtype([(name, getattr(hint, "__metadata__", (hint,))[0]) for name, hint in hints.items()], align=True)
