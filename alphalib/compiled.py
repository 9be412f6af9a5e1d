"""Numba, typed, and with a disk cache that notices changes in other files.

Numba keys its cache on disk by the file of the cached function alone: edit a compiled function that it calls from
another file, and the old machine code goes on running. An entry point therefore takes `sources: int = stamp(…)` as its
last argument; a default value is part of numba's signature, and so of the key.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Codes: TypeAlias = NDArray[np.int8]
Bools: TypeAlias = NDArray[np.bool_]

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """A function compiled into whatever compiled function calls it."""
    result: Function = njit(function)
    return result


def entry_point(function: Function) -> Function:
    """A compiled function that Python calls; its machine code is kept on disk between processes."""
    result: Function = njit(function, cache=True)
    return result


def stamp(*modules: ModuleType) -> int:
    """Checksum of the modules' source text."""
    return zlib.crc32("".join(inspect.getsource(module) for module in modules).encode())
