"""Tiers, halts and what ends them."""

import numpy as np
import pytest

from alphalib.risk.drawdown import PERSON, RECOVERY, SESSIONS, Tiers, drawdown_step


def tiers(*, rule=SESSIONS, sessions=20, patience=63):
    return Tiers(
        np.array([-0.02, -0.04, -0.08]), np.array([0.5, 0.25, 0.0]), np.array([0, 1, 2]), rule, sessions, patience
    )


def walk(navs, rules, *, peak=100.0, rearmed=()):
    """Steps along a path of NAVs, each from the memory of the one before."""
    halted, fired, under, steps = 0, 0, 0, []
    for number, nav in enumerate(navs):
        step = drawdown_step(nav, peak, halted, fired, under, number in rearmed, rules)
        peak, halted, fired, under = step.peak, step.halted, step.fired, step.under
        steps.append(step)
    return steps


def test_every_tier_is_reached_at_its_own_value():
    steps = walk([100.0, 98.01, 97.99, 95.99, 91.99], tiers())
    assert [step.multiplier for step in steps] == [1.0, 1.0, 0.5, 0.25, 0.0]


def test_the_drawdown_counts_from_the_peak():
    # 100 → 120 → 117: 117 / 120 − 1 = −2.5 %
    assert walk([100.0, 120.0, 117.0], tiers())[-1].drawdown == pytest.approx(-0.025)


def test_exits_are_forced_once_until_the_drawdown_has_passed():
    forced = [step.forced_exits for step in walk([96.0, 95.0, 97.0, 96.0, 99.0, 96.0], tiers())]
    assert forced == [1, 0, 0, 0, 0, 1]


def test_tiers_reached_at_once_force_the_most_that_any_of_them_forces():
    assert walk([90.0], tiers())[0].forced_exits == 2


def test_a_halt_lasts_its_sessions_whatever_the_nav_does_and_starts_a_new_peak():
    steps = walk([91.0, 99.0, 99.0, 99.0, 97.5], tiers(sessions=3))
    assert [step.halted for step in steps] == [1, 2, 3, 0, 0]
    assert [step.multiplier for step in steps] == [0.0, 0.0, 0.0, 1.0, 1.0]  # 97.5 / 99 − 1 = −1.5 %
    assert steps[3].peak == 99.0


def test_a_book_long_under_a_tier_starts_a_new_peak():
    steps = walk([97.0, 96.9, 97.1, 96.0, 95.0], tiers(patience=3))
    assert [step.under for step in steps] == [1, 2, 3, 0, 0]
    assert [step.multiplier for step in steps] == [0.5, 0.5, 0.5, 1.0, 1.0]  # 95 / 96 − 1 = −1.04 %
    assert steps[-1].peak == 96.0


def test_only_decisions_in_a_row_and_not_halted_count_as_under_a_tier():
    assert [step.under for step in walk([97.0, 99.0, 97.0, 91.0, 97.0], tiers(patience=3))] == [1, 0, 1, 0, 0]


@pytest.mark.parametrize("rule", [RECOVERY, PERSON])
def test_time_under_a_tier_counts_under_the_rule_of_sessions_only(rule):
    assert walk([97.0] * 9, tiers(rule=rule, patience=3))[-1].peak == 100.0


def test_a_halt_ends_with_the_recovery_and_keeps_the_peak():
    steps = walk([91.0, 97.0, 98.0, 98.5], tiers(rule=RECOVERY))
    assert [step.halted for step in steps] == [1, 2, 3, 0]
    assert steps[-1].peak == 100.0


def test_only_a_person_ends_a_halt_that_waits_for_one():
    steps = walk([91.0] + [99.0] * 300 + [91.0], tiers(rule=PERSON), rearmed={301})
    assert [step.halted > 0 for step in steps] == [True] * 301 + [False]
    assert steps[-1].peak == 91.0


def test_without_tiers_nothing_is_scaled():
    none = Tiers(np.empty(0), np.empty(0), np.empty(0, np.int64), SESSIONS, 20, 63)
    assert walk([50.0], none)[0].multiplier == 1.0


def test_a_book_that_lost_everything_stays_halted():
    assert walk([0.0] * 5, tiers(sessions=2))[-1].halted == 5
