"""Killed for real at any point of a day, and started again, the daemon ends where it would have ended."""

import pytest

from tests.execute.crashes import calm, killed_at

MOST = 150
"""Points that are tried here; all of them in the soak."""
PARTS = 10


def test_the_day_has_everything_in_it():
    assert calm().held == {"GAIN": 50, "TRIM": 35, "SOON": 40, "LATE": 30}
    said = "\n".join(calm().points)
    for part in ("before intents", "after intents", "after statement", "* al-261125-HIT-stop-1", "FALL-exit-1"):
        assert part in said


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_point_the_day_ends_as_it_would_have(part):
    number = len(calm().points)
    step = -(-number // MOST)  # rounded up
    for point in range(1 + part * step, number + 1, PARTS * step):
        assert killed_at(point) == [], f"killed at point {point} of {number}: {calm().points[point - 1]}"
