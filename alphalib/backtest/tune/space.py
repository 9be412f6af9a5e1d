"""What may be tuned, and how far one change may go. Whatever is not named here is never tuned.

Safety is not: drawdown tiers and their re-arming, caps on sector and equity, daily loss, loss floor.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

import numpy as np
from pydantic import BaseModel

from alphalib.backtest.sweep.space import changed
from alphalib.backtest.tune.questions import BOOST_STEP, VETO_STEP, WEIGHT_STEP
from alphalib.errors import EvidenceError, InputError
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights

EXECUTOR_STEPS: Mapping[str, float] = MappingProxyType(
    {
        "min_score": 5.0,
        "max_position_pct": 0.025,
        "atr_multiplier": 0.5,
        "time_decay_reduce_days": 3,
        "time_decay_exit_days": 5,
        "profit_take_pct": 0.05,
    }
)
"""How far one change may move each tuned field of the executor: the seed's six, one step of its grid or less."""

LARGEST_STEPS: Mapping[type[BaseModel], Mapping[str, float]] = MappingProxyType(
    {
        ExecutorParams: EXECUTOR_STEPS,
        ScoringWeights: {"quant": WEIGHT_STEP, "qual": WEIGHT_STEP},
        PredictorParams: {"veto_confidence": VETO_STEP},
        ResearchParams: {"pead_boost": BOOST_STEP},
    }
)
NOTES = frozenset(
    {"updated_at", "schema_version", "n_samples", "confidence", "precision", "n_vetoes", "recommendation_reason"}
)
"""Fields that only say where a value comes from."""


def executor_cells(current: ExecutorParams, count: int, *, rng: np.random.Generator) -> list[ExecutorParams]:
    """Settings within one step of the current one in every tuned field: itself first, then others drawn at random.

    Parameters
    ----------
    current : ExecutorParams
        In use.
    count : int
        How many at most, the current one included. [settings]
    rng : Generator
        Of the draw. The same seed draws the same: settings that are drawn anew each week are trials anew each week.
    """
    if count < 2:
        raise InputError(f"count must be at least 2 settings, the current one and another, got {count}")
    values = [
        [type(getattr(current, field))(round(getattr(current, field) + move * step, 6)) for move in (0, -1, 1)]
        for field, step in EXECUTOR_STEPS.items()
    ]
    combinations = list(itertools.product(*values))[1:]
    cells = [current]
    for place in rng.permutation(len(combinations)):
        if len(cells) == count:
            break
        with suppress(InputError):  # out of bounds, or two fields that do not go together
            cells.append(changed(current, dict(zip(EXECUTOR_STEPS, combinations[place], strict=True))))
    return cells


def require_step(before: BaseModel, after: BaseModel) -> None:
    """Refuse a change of what is never tuned, and one that goes further than a step.

    Raises
    ------
    EvidenceError
        Names the field.
    """
    largest = LARGEST_STEPS.get(type(after), {})
    for field in type(after).model_fields.keys() - NOTES:
        old, new = getattr(before, field), getattr(after, field)
        if old == new:
            continue
        if field not in largest:
            raise EvidenceError(f"{field} is never tuned; {old!r} would become {new!r}")
        if abs(new - old) > largest[field] + 1e-9:
            raise EvidenceError(f"{field} may move by {largest[field]:g} at a time; {old:g} would become {new:g}")
