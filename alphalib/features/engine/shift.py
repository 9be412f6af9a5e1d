"""Values of earlier sessions."""

import numpy as np

from alphalib.compiled import Floats, kernel


def lagged(x: Floats, lag: int, out: Floats) -> None:
    """The value `lag` sessions ago; with lag 0 the first value so far."""
    if lag == 0:
        first_value(x, False, out)
        return
    lag = min(lag, x.shape[1])
    out[:, :lag] = np.nan
    out[:, lag:] = x[:, : x.shape[1] - lag]


@kernel
def difference(x: Floats, lag: int, out: Floats) -> None:
    """The value less that `lag` sessions ago, at least 1; missing where either is."""
    names, sessions = x.shape
    for name in range(names):
        row, result = x[name], out[name]
        result[:lag] = np.nan
        for t in range(lag, sessions):
            answer = row[t] - row[t - lag]
            result[t] = answer if abs(answer) < np.inf else np.nan


@kernel
def first_value(x: Floats, less: bool, out: Floats) -> None:
    """The first value of the history, from that session on; or the value less it, missing where the value is."""
    names, sessions = x.shape
    for name in range(names):
        row, result = x[name], out[name]
        beginning = np.nan
        for t in range(sessions):
            if not abs(beginning) < np.inf and abs(row[t]) < np.inf:
                beginning = row[t]
            answer = row[t] - beginning if less else beginning
            result[t] = answer if abs(answer) < np.inf else np.nan


@kernel
def latest_value(x: Floats, window: int, out: Floats) -> None:
    """The latest value of the last `window` sessions; at least one."""
    names, sessions = x.shape
    for name in range(names):
        row, result = x[name], out[name]
        latest, age = np.nan, 0
        for t in range(sessions):
            age += 1
            if abs(row[t]) < np.inf:
                latest, age = row[t], 0
            result[t] = latest if age < window else np.nan
