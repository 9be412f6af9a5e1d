"""Out-of-fold predictions through time, and the final model on everything known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import Panel
from alphalib.models.design import Design, stack, steady_features, take, unstack
from alphalib.models.splits import PurgedWalkForward, session_numbers

if TYPE_CHECKING:  # scikit-learn takes seconds to import
    from alphalib.models.trees import RankedTrees


@dataclass(frozen=True, eq=False)
class WalkForward:
    """What a walk forward gave.

    Parameters
    ----------
    predictions : Panel
        Out-of-fold predictions, centred on every date; NaN before the first test session. [place among names]
    raw : Panel
        The same before centring, where a tilt of the whole cross-section would show.
    folds : DataFrame
        One row a fold: first and last session of training and of test, and rows of each.
    importances : DataFrame
        Folds down, features across: share of the gain. [fraction]
    """

    predictions: Panel
    raw: Panel
    folds: pd.DataFrame
    importances: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Final:
    """A model trained on everything whose outcome is known.

    Parameters
    ----------
    estimator : RankedTrees
        Fitted.
    names : tuple of str
        Features, in order.
    steady : tuple of str
        Those that had a value on every recent session; one of them missing at inference is a fault.
    asof : Timestamp
        Last session whose close it knows.
    trained_until : Timestamp
        Last session that gave a training row; its label ends at `asof` at the latest.
    rows : int
        Training rows. [names × dates]
    """

    estimator: RankedTrees
    names: tuple[str, ...]
    steady: tuple[str, ...]
    asof: pd.Timestamp
    trained_until: pd.Timestamp
    rows: int


def walk_forward(
    features: Mapping[str, Panel],
    label: Panel,
    mask: Panel,
    splitter: PurgedWalkForward,
    estimator: RankedTrees,
    *,
    progress: Callable[..., Iterable[Any]] = lambda folds, total: folds,
) -> WalkForward:
    """Fit before each test span, predict the span.

    Parameters
    ----------
    features : mapping of str to Panel
        Raw features.
    label : Panel
        Outcomes; rows without one are predicted, never trained on.
    mask : Panel
        Members by date. [bool]
    splitter : PurgedWalkForward
        Its horizon must be the label's.
    estimator : RankedTrees
        Cloned for every fold.
    progress : callable
        Goes around the folds and is told their number: `functools.partial(tqdm, desc="folds")`.

    Returns
    -------
    WalkForward
    """
    from sklearn.base import clone

    design = stack(features, mask)
    outcomes, numbers = take(label, design), session_numbers(design.dates)
    raw = np.full(len(outcomes), np.nan)
    folds, importances = [], []
    total = splitter.get_n_splits(outcomes, groups=numbers)
    for train, test in progress(splitter.split(outcomes, groups=numbers), total=total):
        train = train[np.isfinite(outcomes[train])]
        if not len(train):
            raise InputError(f"no label is known before {design.dates[test[0]]:%Y-%m-%d}: nothing to train on")
        model = clone(estimator).fit(design.X[train], outcomes[train], dates=numbers[train])
        raw[test] = model.predict(design.X[test])
        folds.append(_fold(design, train, test))
        importances.append(model.importance_)
    wide = unstack(raw, design)
    numbered = pd.RangeIndex(1, total + 1, name="fold")
    return WalkForward(
        predictions=centred(wide),
        raw=wide,
        folds=pd.DataFrame(folds, index=numbered),
        importances=pd.DataFrame(importances, index=numbered, columns=list(design.names)),
    )


def final_model(
    features: Mapping[str, Panel], label: Panel, mask: Panel, estimator: RankedTrees, *, horizon: int
) -> Final:
    """Fit on every row whose label ends by the last session of the panels.

    Parameters
    ----------
    features, label, mask
        As in `walk_forward`; their last session is the `asof` of the model.
    estimator : RankedTrees
        Cloned.
    horizon : int
        Of the label. [sessions]

    Returns
    -------
    Final
    """
    from sklearn.base import clone

    design = stack(features, mask)
    outcomes, numbers = take(label, design), session_numbers(design.dates)
    asof = design.sessions[-1]
    ended = numbers + 1 + horizon <= session_numbers([asof])[0]
    train = np.flatnonzero(ended & np.isfinite(outcomes))
    if not len(train):
        raise InputError(f"no label is known by {asof:%Y-%m-%d}: nothing to train on")
    model = clone(estimator).fit(design.X[train], outcomes[train], dates=numbers[train])
    return Final(model, design.names, steady_features(design), asof, design.dates[train[-1]], len(train))


def centred(panel: Panel) -> Panel:
    """Less the mean of each date's names: what remains is an order, not a tilt."""
    return panel.sub(panel.mean(axis=1), axis=0)


def _fold(design: Design, train: np.ndarray, test: np.ndarray) -> dict[str, object]:
    return {
        "train_first": design.dates[train[0]],
        "train_last": design.dates[train[-1]],
        "test_first": design.dates[test[0]],
        "test_last": design.dates[test[-1]],
        "train_rows": len(train),
        "test_rows": len(test),
    }
