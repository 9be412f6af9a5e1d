"""Probability of backtest overfitting: how often the best of several trials is a poor one where it was not chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.evidence.significance import Floats
from alphalib.sessions import SESSIONS_PER_YEAR

_CHUNK = 512  # splits at once: with 2,000 trials some 30 MB


@dataclass(frozen=True)
class Overfitting:
    """What choosing the best by its Sharpe ratio was worth on the other half of the sessions.

    Parameters
    ----------
    probability : float
        Share of the splits in which the chosen trial was no better outside than the median, or than the one in use;
        0.5 is what choosing among skilless ones gives. [probability]
    loss : float
        Share of the splits in which the chosen trial lost outside. [probability]
    inside, outside : float
        Mean Sharpe ratio of the chosen one where it was chosen, and where it was not. [per √year]
    splits, trials, sessions : int
        What it rests on.
    """

    probability: float
    loss: float
    inside: float
    outside: float
    splits: int
    trials: int
    sessions: int

    def __str__(self) -> str:
        return (
            f"PBO {self.probability:.2f} ({self.trials} trials, {self.splits} splits of {self.sessions} sessions): "
            f"Sharpe {self.inside:.2f} where chosen, {self.outside:.2f} where not, a loss there in {self.loss:.0%}"
        )


def probability_of_overfitting(returns: pd.DataFrame, *, blocks: int = 16, in_use: str | None = None) -> Overfitting:
    """Combinatorially symmetric cross-validation of choosing the trial with the best Sharpe ratio.

    Parameters
    ----------
    returns : DataFrame
        Sessions down, trials across; daily, above the cash rate. Sessions that a trial misses are left out. [fraction]
    blocks : int
        Runs of neighbouring sessions, an even number; each half of them chooses once, 12,870 times for 16.
    in_use : str, optional
        The trial that the choice would replace: outside it is held against this one rather than against the median.
        Where many trials are alike and all of them better than what is in use, the best is no better than their
        median, and yet right to be chosen.

    Returns
    -------
    Overfitting

    Raises
    ------
    InputError
        With fewer than two trials, or fewer than ten sessions a block.

    Notes
    -----
    Bailey, Borwein, López de Prado and Zhu (2017), https://doi.org/10.21314/JCF.2016.322. Trials that tie with the
    chosen one share its rank. A trial without spread, such as one that never traded, has a Sharpe ratio of 0.
    """
    if blocks < 2 or blocks % 2:
        raise InputError(f"blocks must be an even number from 2 on, got {blocks}")
    known = returns.dropna().to_numpy(dtype=float)
    sessions, trials = known.shape
    if in_use is not None and in_use not in returns:
        raise InputError(f"the trial in use, {in_use!r}, is not among the returns")
    if trials < 2:
        raise InputError(f"overfitting is a matter of choosing: it needs at least 2 trials, got {trials}")
    if sessions < 10 * blocks:
        raise InputError(f"{blocks} blocks need {10 * blocks} sessions that every trial has, got {sessions}")
    length = sessions // blocks
    cut = known[sessions - length * blocks :].reshape(blocks, length, trials)  # the oldest few are left over
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    halves = _halves(blocks)
    ranks, inside, outside = (np.empty(len(halves)) for _ in range(3))
    for first in range(0, len(halves), _CHUNK):
        chosen_by = halves[first : first + _CHUNK]
        number = length * blocks // 2
        within = _sharpe(chosen_by @ sums, chosen_by @ squares, number)
        without = _sharpe((1 - chosen_by) @ sums, (1 - chosen_by) @ squares, number)
        if in_use is not None:
            replaced = returns.columns.get_loc(in_use)
            within[:, replaced] = -np.inf
        rows, best = np.arange(len(chosen_by)), within.argmax(axis=1)
        found = without[rows, best]
        span = slice(first, first + len(rows))
        inside[span], outside[span] = within[rows, best], found
        below, equal = (without < found[:, None]).sum(axis=1), (without == found[:, None]).sum(axis=1)
        ranks[span] = (below + (equal + 1) / 2) / (trials + 1)
        if in_use is not None:
            ranks[span] = found > without[:, replaced]
    return Overfitting(
        probability=float((ranks <= 0.5).mean()),
        loss=float((outside < 0).mean()),
        inside=float(inside.mean()),
        outside=float(outside.mean()),
        splits=len(halves),
        trials=trials,
        sessions=length * blocks,
    )


def _sharpe(sums: Floats, squares: Floats, number: int) -> Floats:
    """Annualised Sharpe ratios from sums and sums of squares; 0 where there is no spread."""
    mean = sums / number
    variance = (squares - sums * mean) / (number - 1)
    steady = variance > 1e-12 * squares / number  # what is left of equal values after rounding
    ratio = mean / np.sqrt(np.where(steady, variance, 1.0))
    return np.asarray(np.where(steady, ratio, 0.0) * SESSIONS_PER_YEAR**0.5)


@cache
def _halves(blocks: int) -> Floats:
    """One row a way to take half of the blocks: 1 for those that are taken."""
    rows = list(combinations(range(blocks), blocks // 2))
    taken = np.zeros((len(rows), blocks))
    taken[np.arange(len(rows))[:, None], rows] = 1.0
    return taken
