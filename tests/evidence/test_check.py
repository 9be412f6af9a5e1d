"""Checks: what is missing has not passed."""

import math

import pytest

from alphalib.evidence.check import above, at_least, at_most


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        (at_least("r", 1, 1), True),
        (at_least("r", 0.9, 1), False),
        (at_most("r", 1, 1), True),
        (at_most("r", 1.1, 1), False),
        (above("r", 0.1), True),
        (above("r", 0.0), False),
    ],
)
def test_a_limit_is_a_limit(check, passed):
    assert check.passed is passed


@pytest.mark.parametrize("rule", [at_least, at_most, above])
def test_d18_a_value_that_is_missing_has_not_passed(rule):
    assert not rule("r", math.nan, 0.5).passed


def test_a_check_prints_value_limit_and_note():
    assert str(at_most("pbo", 0.6123456, 0.3, "16 blocks")) == "failed pbo: 0.6123 against 0.3 (16 blocks)"
