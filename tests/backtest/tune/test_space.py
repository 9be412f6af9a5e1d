"""How far a change may go, and what no change may touch."""

import numpy as np
import pytest

from alphalib.backtest.sweep.space import cell_name
from alphalib.backtest.tune.space import EXECUTOR_STEPS, LARGEST_STEPS, executor_cells, require_step
from alphalib.errors import EvidenceError, InputError
from alphalib.params import ExecutorParams, ResearchParams

SAFETY = (
    "drawdown_tiers",
    "rearm_rule",
    "max_sector_pct",
    "max_equity_pct",
    "daily_loss_limit",
    "loss_floor_pct",
    "gap_exit_pct",
    "max_adv_pct",
)


def test_cells_begin_with_the_one_in_use_and_stay_within_a_step():
    current = ExecutorParams(min_score=64.0, profit_take_pct=0.08)
    cells = executor_cells(current, 60, rng=np.random.default_rng(0))
    assert cells[0] == current
    assert len(cells) == len({cell_name(cell) for cell in cells}) == 60
    for cell in cells:
        require_step(current, cell)


def test_cells_that_make_no_sense_are_left_out():
    cells = executor_cells(ExecutorParams(time_decay_reduce_days=14), 2000, rng=np.random.default_rng(0))
    assert all(cell.time_decay_reduce_days <= cell.time_decay_exit_days for cell in cells)
    assert len(cells) < 3 ** len(EXECUTOR_STEPS)


def test_the_same_seed_draws_the_same_cells():
    first, second = (executor_cells(ExecutorParams(), 20, rng=np.random.default_rng(4)) for _ in range(2))
    assert first == second


def test_one_cell_is_no_comparison():
    with pytest.raises(InputError, match="count must be at least 2 settings"):
        executor_cells(ExecutorParams(), 1, rng=np.random.default_rng(0))


def test_safety_is_never_tuned():
    for field in SAFETY:
        assert field in ExecutorParams.model_fields
        assert field not in LARGEST_STEPS[ExecutorParams]
    with pytest.raises(EvidenceError, match=r"max_sector_pct is never tuned; 0\.25 would become 0\.9"):
        require_step(ExecutorParams(), ExecutorParams(max_sector_pct=0.9))


def test_a_leap_is_refused():
    with pytest.raises(EvidenceError, match="pead_boost may move by 2 at a time; 5 would become 9"):
        require_step(ResearchParams(), ResearchParams(pead_boost=9.0))
