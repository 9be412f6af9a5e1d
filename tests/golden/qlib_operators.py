"""Writes qlib_operators.csv. Run once, by a Python that has pyqlib 0.9.7; the tests read the file."""

from pathlib import Path

import numpy as np
import pandas as pd
from qlib.data import ops
from qlib.data.base import Expression

SESSIONS = 75
MOMENTS = ["Mean", "Sum", "Std", "Var", "Skew", "Kurt", "Count", "Slope", "Rsquare", "Resi"]
ORDERS = ["Max", "Min", "Med", "Mad", "Rank"]


class Given(Expression):
    """A series as an expression."""

    def __init__(self, values):
        self.values = pd.Series(values)

    def load(self, *_):
        return self.values

    _load_internal = load

    def get_longest_back_rolling(self):
        return 0

    def get_extended_window_size(self):
        return 0, 0


def series():
    """A price with a halt; the same with gaps; and something that goes along with it, with other gaps."""
    rng = np.random.default_rng(7)
    z = np.round(20 + np.cumsum(rng.normal(0, 0.4, SESSIONS)), 2)
    z[30:37] = z[30]
    x = z.copy()
    x[[0, 4, 9, 10, 11, 25, 48, 60, 61]] = np.nan
    y = np.round(rng.normal(size=SESSIONS) * 3 + 0.2 * z, 3)
    y[[5, 33, 50]] = np.nan
    return {"x": x, "y": y, "z": z}


def calls():
    """Operator, series, literals. IdxMax, WMA and EMA(x, 0) of qlib want a series without gaps."""
    for window in (5, 20, 0):
        for name in MOMENTS + ORDERS:
            yield name, "x", window
        for name in ("IdxMax", "IdxMin", "WMA"):
            yield name, "z", window
        yield "Quantile", "x", window, 0.8
        yield "Quantile", "x", window, 0.2
        yield "Cov", "xy", window
        if window:  # with 0 qlib's check of the spread fails
            yield "Corr", "xy", window
        yield "EMA", "x" if window else "z", window
    yield "EMA", "x", 0.1
    yield "Mean", "x", 0.1
    for name in ("Ref", "Delta"):
        yield name, "x", 1
        yield name, "x", 4
        yield name, "z", 0


if __name__ == "__main__":
    columns = series()
    inputs = dict(columns)
    for name, names, *literals in calls():
        operator = getattr(ops, name)(*(Given(inputs[n]) for n in names), *literals)
        columns[f"{name}({','.join([*names, *map(str, literals)])})"] = operator._load_internal("", 0, 0, "day")
    with (Path(__file__).parent / "qlib_operators.csv").open("w") as file:
        file.write("# What the operators of pyqlib 0.9.7 (pandas 3.1) return for the series x, y, z\n")
        pd.DataFrame(columns).to_csv(file, index=False, float_format="%.12g")
