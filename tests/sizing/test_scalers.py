"""Factors after the cap."""

import pytest

from alphalib.sizing.scalers import earnings_scaler, staleness_scaler


@pytest.mark.parametrize(("age", "scale"), [(-1, 1.0), (5, 1.0), (6, 0.97), (8, 0.91), (40, 0.7)])
def test_signals_past_their_cadence_shrink_a_size(age, scale):
    assert staleness_scaler(age, 5.0, 0.03, 0.7) == pytest.approx(scale)  # 1 − 0.03 a session past 5


@pytest.mark.parametrize(("report_in", "scale"), [(0, 1.0), (1, 0.5), (5, 0.5), (6, 1.0)])
def test_a_report_within_reach_halves_a_size(report_in, scale):
    assert earnings_scaler(report_in, 5.0, 0.5) == scale
