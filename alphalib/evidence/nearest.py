"""Which known factors order the names as a factor does; by their formulas, see `features.language.nearest`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.evidence.by_date import correlations, sorted_by_date
from alphalib.market import Panel


def nearest_by_correlation(
    factor: Panel, known: Mapping[str, Panel], *, count: int = 3, minimum: int = 10
) -> pd.Series:
    """Mean over the dates of the rank correlation with known factors, the strongest first whatever its sign.

    Parameters
    ----------
    factor : Panel
        The factor in question.
    known : mapping of str to Panel
        Known factors by name, with the same sessions and tickers.
    count : int
        At most so many.
    minimum : int
        Names with both values that a date must have. [names]

    Returns
    -------
    Series
        By name; factors that share no such date are left out. [correlation]
    """
    ours = sorted_by_date(factor)
    found: dict[str, float] = {}
    for name, panel in known.items():
        if not (panel.index.equals(factor.index) and panel.columns.equals(factor.columns)):
            raise InputError(f"{name} must have the sessions and tickers of the factor")
        _, per_date = correlations(ours, sorted_by_date(panel), minimum=minimum)
        if np.isfinite(per_date).any():
            found[name] = float(np.nanmean(per_date))
    strongest = sorted(found, key=lambda name: (-abs(found[name]), name))[:count]
    return pd.Series([found[name] for name in strongest], index=strongest, dtype=float, name="correlation")
