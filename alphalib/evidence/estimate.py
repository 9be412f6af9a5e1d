"""A number as it may be shown: with its interval, how many observations it rests on, and how the interval was made."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval; prints as `0.021 [−0.004, 0.046]`.

    Parameters
    ----------
    value : float
        The estimate; NaN where there was too little to estimate it from.
    low, high : float
        Ends of the interval, in the unit of `value`; NaN where it could not be made.
    n : int
        Observations it rests on.
    standard_error : float
        Of `value`; NaN where the method gives none.
    method : str
        How the interval was made, for the note under a figure.
    note : str
        What a reader must know beside it.
    """

    value: float
    low: float
    high: float
    n: int
    standard_error: float = math.nan
    method: str = ""
    note: str = ""

    def __str__(self) -> str:
        decimals = self._decimals()
        interval = f" [{_number(self.low, decimals)}, {_number(self.high, decimals)}]" if self.bounded else ""
        return _number(self.value, decimals) + (interval or " [no interval]")

    @property
    def bounded(self) -> bool:
        """Whether both ends of the interval are known."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def _decimals(self) -> int:
        """As many decimals as the interval's width justifies: two figures of its half."""
        half = (self.high - self.low) / 2 if self.bounded else 0.0
        return min(max(1 - math.floor(math.log10(half)), 0), 6) if half > 0 else 3


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−") if math.isfinite(value) else "n/a"
