"""Whatever goes wrong, in whatever order: I1–I5 hold when it is over. The schedules are hypothesis's."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.execute.machine import Mischief

PARTS = 5


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_schedule_of_mishaps_breaks_a_promise(part):
    run_state_machine_as_test(
        hypothesis.seed(part)(type("Mischief", (Mischief,), {})),
        settings=settings(
            max_examples=200 // PARTS,
            stateful_step_count=8,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
