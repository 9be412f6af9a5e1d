"""The names that research follows from week to week, and who replaces whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from alphalib.params import ResearchParams


@dataclass(frozen=True)
class Change:
    """One name that came or went."""

    ticker: str
    change: Literal["in", "out"]
    reason: str


def rotate(
    previous: Sequence[str],
    scores: pd.Series,
    params: ResearchParams,
    *,
    challengers: Collection[str] | None = None,
) -> tuple[list[str], list[Change]]:
    """The population after one week.

    A name leaves at once when it left the universe, scores below `drop_score` or is rated SELL. At most `max_rotations`
    names come in a week: first into empty places, then each for the weakest incumbent it beats by
    `challenger_margin`. An empty population is filled whole. A name whose score cannot be read stays for review.

    Parameters
    ----------
    previous : sequence of str
        Population of the week before; empty at first.
    scores : Series
        Score by ticker for every name of the universe; NaN where it could not be scored. [0–100]
    params : ResearchParams
        Size, limits and margins.
    challengers : collection of str, optional
        Names that may come in; every scored one without it.

    Returns
    -------
    (list of str, list of Change)
        Population, by ticker; who went and who came, each with the reason.
    """
    kept, changes = _kept(previous, scores, params)
    places = len(scores) if not previous else params.max_rotations
    waiting = _strongest_first(scores, scores.index if challengers is None else challengers)
    waiting = [name for name in waiting if name not in set(previous) and not _failing(scores[name], params)]
    vacancies = min(params.population - len(kept), places, len(waiting))
    arrived, waiting = waiting[:vacancies], waiting[vacancies:]
    changes += [Change(name, "in", f"score {scores[name]:g}, a free place") for name in arrived]
    weakest = _strongest_first(scores, kept)[::-1]
    for challenger, incumbent in zip(waiting[: places - len(arrived)], weakest, strict=False):
        if scores[challenger] < scores[incumbent] + params.challenger_margin:
            break
        kept.remove(incumbent)
        arrived.append(challenger)
        changes += [
            Change(incumbent, "out", f"score {scores[incumbent]:g}, replaced by {challenger}"),
            Change(challenger, "in", f"score {scores[challenger]:g}, replaces {incumbent} with {scores[incumbent]:g}"),
        ]
    return sorted([*kept, *arrived]), changes


def _kept(previous: Sequence[str], scores: pd.Series, params: ResearchParams) -> tuple[list[str], list[Change]]:
    """Incumbents that may stay, and why the others go."""
    kept: list[str] = []
    changes: list[Change] = []
    for name in sorted(previous):
        if name not in scores.index:
            changes.append(Change(name, "out", "left the universe"))
        elif _failing(scores[name], params):
            changes.append(Change(name, "out", f"score {scores[name]:g}, {_failing(scores[name], params)}"))
        else:
            kept.append(name)
    unread = [name for name in kept if np.isnan(scores[name])]
    ranked = [*unread, *_strongest_first(scores, kept)]
    changes += [
        Change(name, "out", f"score {scores[name]:g}, the population holds {params.population}")
        for name in ranked[params.population :]
    ]
    return ranked[: params.population], changes


def _failing(score: float, params: ResearchParams) -> str:
    """Why a name of that score may not be followed; empty when it may."""
    if score <= params.sell_score:
        return f"a SELL up to {params.sell_score:g}"
    return f"below {params.drop_score:g}" if score < params.drop_score else ""


def _strongest_first(scores: pd.Series, names: Collection[str]) -> list[str]:
    """Scored names from the highest score down, tickers breaking ties."""
    scored = [(name, scores[name]) for name in names if not np.isnan(scores[name])]
    return [name for name, score in sorted(scored, key=lambda pair: (-pair[1], pair[0]))]
