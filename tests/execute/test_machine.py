"""Whatever goes wrong, in whatever order: I1–I5 hold when it is over. The schedules are hypothesis's."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.execute.machine import Mischief


@pytest.mark.slow
def test_no_schedule_of_mishaps_breaks_a_promise():
    run_state_machine_as_test(
        Mischief,
        settings=settings(
            max_examples=200,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
