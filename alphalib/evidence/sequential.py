"""Evidence that may be looked at every day: whether what replaced another is worse than it.

An e-process starts at 1 and, while the new one is no worse, ever reaches 1/α with a probability of at most α, however
often one looks and whenever one stops. Reaching 1/α is the alarm.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import pandas as pd

from alphalib.errors import InputError

Differences = TypeVar("Differences", pd.Series, pd.DataFrame)

_STAKES = 2.0 ** -np.arange(6)
_SEEN, _SPREAD = 1.5, 5.0


def worse_evidence(difference: Differences, *, before: Differences) -> Differences:
    """By what factor a sceptic's capital has grown who bets each day that the new one is worse.

    Parameters
    ----------
    difference : Series or DataFrame
        Daily return of the new book less that of the old, from the first day of its use; a frame's columns are judged
        apart. NaN counts as no difference. [fraction]
    before : Series or DataFrame
        The same difference on days before, simulated; it tells how large differences are and never whether they are
        good: a stake that is too large or small costs time, not honesty. [fraction]

    Returns
    -------
    Series or DataFrame
        Labels of `difference`; 1 where nothing was seen to differ. [ratio]

    Raises
    ------
    InputError
        When the two never differed before: nothing tells how much to stake.

    Notes
    -----
    The mean over stakes f = 1, ½, … 1/32 of Π(1 − f·d/b). With E[d | past] ≥ 0 and d ≤ b, where b is known the day
    before, each factor is at least 0 and expected to be at most 1, whatever the distribution of d, so that by Ville's
    inequality the capital ever reaches 20 with a probability of at most .05: Waudby-Smith and Ramdas (2024),
    https://doi.org/10.1093/jrsssb/qkad009. As b stands 1.5 times the largest difference so far, or five times its root
    mean square if that is more. A gain beyond it counts as one of b/f; what it takes from the guarantee is measured in
    the tests on tails, skews and scales that change: between 0 and 2 % of false alarms where 5 % are allowed.
    """
    past = before.fillna(0.0)
    spread, largest = np.sqrt((past**2).mean()), past.abs().max()
    if not len(past) or not np.all(spread > 0):
        raise InputError("the two books never differed before: there is nothing to tell how large a difference is")
    known = difference.fillna(0.0)
    so_far = known.abs().cummax().shift(1, fill_value=0.0).clip(lower=largest, axis=_columns(known))
    share = known / (_SEEN * so_far).clip(lower=_SPREAD * spread, axis=_columns(known))
    capital = 0.0 * known
    for stake in _STAKES:
        capital += (1 - stake * share).clip(lower=0.0).cumprod()
    return capital / len(_STAKES)


def first_alarm(evidence: pd.Series, *, alpha: float = 0.05) -> pd.Timestamp | None:
    """First session at which the evidence reaches 1/α, or None.

    Parameters
    ----------
    evidence : Series
        From `worse_evidence`.
    alpha : float
        Probability of ever raising a false alarm. [probability]
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, got {alpha}")
    raised = evidence.index[evidence >= 1 / alpha]
    return raised[0] if len(raised) else None


def sessions_to_alarm(sharpe: float, *, alpha: float = 0.05, sessions: int = 2520, paths: int = 400) -> float:
    """Sessions after which a book that is steadily worse has raised the alarm in half of all cases, simulated.

    Parameters
    ----------
    sharpe : float
        How much worse: annualised mean of the difference over its standard deviation, negative. [per √year]
    alpha : float
        As in `first_alarm`. [probability]
    sessions : int
        How long one would wait. [sessions]
    paths : int
        Simulated differences, normal, with 504 sessions before.

    Returns
    -------
    float
        Infinite when fewer than half of them raise it in that time. [sessions]
    """
    rng = np.random.default_rng(0)  # a fixed question has one answer
    drawn = pd.DataFrame(rng.standard_normal((504 + sessions, paths)))
    evidence = worse_evidence(drawn.iloc[504:] + sharpe / 252**0.5, before=drawn.iloc[:504])
    raised = (evidence >= 1 / alpha).to_numpy()
    first = np.where(raised.any(axis=0), raised.argmax(axis=0) + 1.0, math.inf)
    return float(np.sort(first)[paths // 2])


def _columns(frame: pd.Series | pd.DataFrame) -> int | None:
    return 1 if isinstance(frame, pd.DataFrame) else None
