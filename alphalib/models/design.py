"""The design matrix: panels down to (date, ticker) rows and back. One path for training and for inference.

Every feature becomes its place among the date's members, centred: −½ to ½, mean 0. A feature that is equal for all
names of a date, such as the level of VIX, is then 0 for all of them and cannot tilt the cross-section.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import Panel
from alphalib.models.predictions import percentile

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Matrix: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Places: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int32]]


@dataclass(frozen=True, eq=False)
class Design:
    """Rows of names on dates, ascending in date, then in the order of the tickers.

    Parameters
    ----------
    X : array of float32, rows × features
        Centred places, −½ to ½; NaN where the feature is unknown.
    names : tuple of str
        Features, in the order of the columns.
    row, column : array of int, one a row
        Where the row stands in `sessions` and `tickers`.
    sessions : DatetimeIndex
        Of the panels.
    tickers : Index
        Of the panels.
    """

    X: Matrix
    names: tuple[str, ...]
    row: Places
    column: Places
    sessions: pd.DatetimeIndex
    tickers: pd.Index

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Session of each row."""
        return self.sessions[self.row]


def stack(features: Mapping[str, Panel], mask: Panel) -> Design:
    """Rows for every name in `mask` that has at least one feature.

    Parameters
    ----------
    features : mapping of str to Panel
        Raw features; all with the labels of `mask`.
    mask : Panel
        Members: those that are ranked among one another, whether or not their outcome is known. [bool]

    Returns
    -------
    Design
    """
    if not features:
        raise InputError("a design matrix needs at least one feature")
    for name, panel in features.items():
        if not (panel.index.equals(mask.index) and panel.columns.equals(mask.columns)):
            raise InputError(f"feature {name!r} must have the sessions and tickers of the mask")
    any_known = np.zeros(mask.shape, dtype=bool)
    for panel in features.values():
        any_known |= panel.notna().to_numpy()
    chosen = mask.to_numpy(dtype=bool) & any_known
    X = np.empty((int(chosen.sum()), len(features)), dtype=np.float32)
    for place, panel in enumerate(features.values()):
        X[:, place] = (percentile(panel.where(mask)).to_numpy() - 0.5)[chosen]
    row, column = (where.astype(np.int32) for where in np.nonzero(chosen))
    return Design(X, tuple(features), row, column, pd.DatetimeIndex(mask.index), mask.columns)


def take(panel: Panel, design: Design) -> Floats:
    """Values of a panel at the rows of a design, such as its labels."""
    if not (panel.index.equals(design.sessions) and panel.columns.equals(design.tickers)):
        raise InputError("the panel must have the sessions and tickers of the design")
    return np.asarray(panel.to_numpy(dtype=float)[design.row, design.column])


def unstack(values: Floats, design: Design) -> Panel:
    """Values of rows as a panel; NaN where there is no row."""
    wide = np.full((len(design.sessions), len(design.tickers)), np.nan)
    wide[design.row, design.column] = values
    return pd.DataFrame(wide, index=design.sessions, columns=design.tickers)


def require_names(names: Sequence[str], *, trained: Sequence[str]) -> None:
    """Check that a model gets the features it was trained on, in that order.

    Raises
    ------
    InputError
        Names what is missing, what is new, or that only the order differs.
    """
    if list(names) == list(trained):
        return
    missing = [name for name in trained if name not in names]
    unknown = [name for name in names if name not in trained]
    faults = [
        f"missing: {', '.join(missing)}" if missing else "",
        f"not known to the model: {', '.join(unknown)}" if unknown else "",
    ]
    text = "; ".join(fault for fault in faults if fault) or f"another order: {', '.join(names)}"
    raise InputError(f"features differ from those the model was trained on ({len(trained)}): {text}")


def steady_features(design: Design, *, sessions: int = 252) -> tuple[str, ...]:
    """Features that had a value for some name on each of the last `sessions` sessions with rows."""
    recent = np.unique(design.row)[-sessions:]
    rows = design.row >= recent[0] if len(recent) else np.zeros(0, dtype=bool)
    places = np.searchsorted(recent, design.row[rows])
    known = np.isfinite(design.X[rows])
    return tuple(
        name
        for place, name in enumerate(design.names)
        if len(recent) and np.bincount(places, known[:, place], len(recent)).all()
    )


def require_present(design: Design, *, steady: Sequence[str]) -> None:
    """Check that no feature that was always there in training is missing for all names on a date.

    Raises
    ------
    InputError
        Names the feature and the first date; it is never filled in silence.
    """
    dates = np.unique(design.row)
    places = np.searchsorted(dates, design.row)
    for name in steady:
        known = np.isfinite(design.X[:, design.names.index(name)])
        empty = dates[np.bincount(places, known, len(dates)) == 0]
        if len(empty):
            day = design.sessions[empty[0]]
            raise InputError(f"feature {name!r} has no value for any name on {day:%Y-%m-%d}; in training it always had")
