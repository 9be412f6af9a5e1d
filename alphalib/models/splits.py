"""Walk-forward splits that purge by label end, with scikit-learn's split interface."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.sessions import all_sessions

Positions: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]


class PurgedWalkForward:
    """Train on everything known before a test span, test on the span, move on by one span.

    The label of row t runs from the close of t+1 to the close of t+1+horizon. A row trains only if its label ends
    before the first test session, so that no outcome in training overlaps anything a test sees or is scored on.

    Parameters
    ----------
    horizon : int
        Of the label. [sessions]
    min_train : int
        Sessions in the first training span, after purging. [sessions]
    test : int
        Length of a test span; one model a span. The last span may be shorter. [sessions]
    embargo : int
        Sessions left out between the last label of training and the test, beyond the purge. [sessions]
    """

    def __init__(self, *, horizon: int = 5, min_train: int = 504, test: int = 252, embargo: int = 0) -> None:
        for name, value, least in (
            ("horizon", horizon, 1),
            ("min_train", min_train, 1),
            ("test", test, 1),
            ("embargo", embargo, 0),
        ):
            if value < least:
                raise InputError(f"{name} must be at least {least} session(s), got {value}")
        self.horizon = horizon
        self.min_train = min_train
        self.test = test
        self.embargo = embargo

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Positions, Positions]]:
        """Positions of the training rows and of the test rows, one pair a span.

        Parameters
        ----------
        X : array-like
            Rows; only their number is read, and their dates when it is a frame indexed by date.
        y : ignored
        groups : array-like, optional
            Session of each row, in any order; default the index of `X`, or one row a session.
        """
        numbers = session_numbers(self._dates(X, groups))
        for start in self._starts(numbers):
            train = np.flatnonzero(numbers + self._reach < start)
            test = np.flatnonzero((numbers >= start) & (numbers < start + self.test))
            if len(train) and len(test):
                yield train, test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of test spans over the dates of these rows."""
        return sum(1 for _ in self.split(X, y, groups))

    @property
    def _reach(self) -> int:
        """From a row to the last session that its label, and the embargo after it, touches."""
        return 1 + self.horizon + self.embargo

    def _starts(self, numbers: Positions) -> range:
        first = int(numbers.min()) + self.min_train + self._reach
        last = int(numbers.max())
        if first > last:
            raise InputError(
                f"{last - int(numbers.min()) + 1} sessions are too few to walk forward: the first test needs "
                f"{self.min_train} to train on, {self._reach} to purge, and one to test"
            )
        return range(first, last + 1, self.test)

    @staticmethod
    def _dates(X: Any, groups: Any) -> Any:
        if groups is not None:
            return groups
        return X.index if isinstance(getattr(X, "index", None), pd.DatetimeIndex) else np.arange(len(X))


def session_numbers(dates: Any) -> Positions:
    """Place of each date among all sessions of the exchange; integers are taken as such places.

    Raises
    ------
    InputError
        When there are no dates, or one is not a session.
    """
    values = pd.Index(dates)
    if values.empty:
        raise InputError("there are no rows to split")
    if pd.api.types.is_integer_dtype(values.dtype):
        return np.asarray(values.to_numpy(dtype=np.int64))
    numbers = all_sessions().get_indexer(pd.DatetimeIndex(values))
    if (numbers < 0).any():
        raise InputError(f"{values[numbers < 0][0]} is not a session of the exchange")
    return np.asarray(numbers, dtype=np.int64)
