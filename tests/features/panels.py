"""Small panels for values by hand."""

import numpy as np
import pandas as pd

from alphalib.sessions import all_sessions


def panel(**columns: list[float]) -> pd.DataFrame:
    """A panel of these columns from 2024-01-02 on."""
    length = len(next(iter(columns.values())))
    first = all_sessions().searchsorted(pd.Timestamp("2024-01-02"))
    table = pd.DataFrame(columns, index=all_sessions()[first : first + length], dtype=float)
    return table.rename_axis(columns="ticker")


NAN = np.nan
