"""The trailing stop and its veto."""

import math

from alphalib.risk.stops import sector_veto, trailing_stop


def test_a_stop_trails_the_high_by_its_ranges():
    assert trailing_stop(110.0, 2.0, 2.5, 90.0, 0.10) == 105.0  # 110 − 2.5 × 2


def test_without_a_range_it_lies_below_the_cost():
    assert trailing_stop(110.0, math.nan, 2.5, 90.0, 0.10) == 81.0  # 90 × (1 − 0.10)


def test_only_a_lead_above_the_limit_vetoes():
    assert sector_veto(0.12, 0.06, 0.05)
    assert not sector_veto(0.10, 0.06, 0.05)
    assert not sector_veto(0.12, math.nan, 0.05)
    assert not sector_veto(math.nan, 0.0, 0.05)
