"""Which values of a factor are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphalib.compiled import Bools, Floats, Ints, kernel
from alphalib.market import Market


@dataclass(frozen=True)
class Shown:
    """Copies what is shown of a factor.

    Parameters
    ----------
    begins : array (names)
        Number of the session with a name's first close; one past the last session when there is none.
    traded : array (names, sessions)
        Whether there is a close. [bool]
    cut : int
        Number of the first session shown.
    mask : bool
        Whether sessions with too little history or without a close are missing; otherwise everything is shown.
    """

    begins: Ints
    traded: Bools
    cut: int = 0
    mask: bool = True

    @classmethod
    def of(cls, market: Market, *, cut: int = 0, mask: bool = True) -> Shown:
        """What is shown of the factors of a market."""
        traded = np.ascontiguousarray(market.close.notna().to_numpy().T)
        begins = np.where(traded.any(axis=1), traded.argmax(axis=1), traded.shape[1])
        return cls(begins.astype(np.int64), traded, cut, mask)

    def copy(self, values: Floats, out: NDArray[Any], *, name: int, start: int, lookback: int) -> None:
        """Copy a block of a factor.

        Parameters
        ----------
        values : array (names of the block, sessions from `start` on)
            The block.
        out : array (names of the block, sessions shown)
            float64 or float32.
        name : int
            Number of the block's first name.
        start : int
            Number of the session in column 0 of `values`.
        lookback : int
            Earlier sessions a name needs. [sessions]
        """
        block = slice(name, name + len(values))
        ready = self.begins[block] + lookback
        largest = float(np.finfo(out.dtype).max)
        _copy(values, self.cut - start, ready, self.traded[block], self.cut, self.mask, largest, out)

    def rows(self, block: slice) -> Bools:
        """Which cells (names of the block, sessions shown) make a row of a tidy table.

        Masked, those with a close; otherwise all since a name's first close.
        """
        if self.mask:
            return self.traded[block, self.cut :]
        sessions = np.arange(self.cut, self.traded.shape[1])
        rows: Bools = sessions >= self.begins[block, None]
        return rows


@kernel
def _copy(
    values: Floats, offset: int, ready: Ints, traded: Bools, cut: int, mask: bool, largest: float, out: NDArray[Any]
) -> None:
    """What `out` cannot hold, being of less precision, is missing like everything that is not finite."""
    for name in range(out.shape[0]):
        for column in range(out.shape[1]):
            session = cut + column
            value = values[name, column + offset]
            shown = not mask or (session >= ready[name] and traded[name, session])
            out[name, column] = value if shown and abs(value) <= largest else np.nan
