"""Factors before the cap."""

import math

import pytest

from alphalib.sizing.tilts import atr_tilt, confidence_tilt, sector_tilt, upside_tilt


def test_a_sector_tilts_by_its_rating():
    assert [sector_tilt(rating, 1.05, 0.85) for rating in (-1, 0, 1)] == [0.85, 1.0, 1.05]


def test_little_upside_reduces_and_none_known_does_not():
    assert [upside_tilt(upside, 0.08, 0.7) for upside in (0.05, 0.08, math.nan)] == [0.7, 1.0, 1.0]


def test_confidence_goes_from_its_minimum_over_its_range():
    assert confidence_tilt(0.25, 0.7, 0.6) == pytest.approx(0.85)  # 0.7 + 0.6 × 0.25
    assert confidence_tilt(math.nan, 0.7, 0.6) == 1.0


def test_a_wider_range_makes_a_smaller_position_within_the_clips():
    # ATR 4 on a close of 100 is 4 % a day: 0.02 / 0.04 = 0.5
    assert atr_tilt(4.0, 100.0, 0.02, 0.4, 1.5) == pytest.approx(0.5)
    assert atr_tilt(20.0, 100.0, 0.02, 0.4, 1.5) == 0.4
    assert atr_tilt(0.1, 100.0, 0.02, 0.4, 1.5) == 1.5
    assert atr_tilt(0.0, 100.0, 0.02, 0.4, 1.5) == 1.5
    assert atr_tilt(math.nan, 100.0, 0.02, 0.4, 1.5) == 1.0
