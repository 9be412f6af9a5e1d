"""The alarm that may be looked at every day: false alarms, power, and what it does with odd differences."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.evidence.sequential import first_alarm, sessions_to_alarm, worse_evidence
from alphalib.sessions import all_sessions

PATHS, BEFORE, WATCHED = 600, 504, 1260


def normal(rng, shape):
    return rng.normal(0, 1, shape)


def heavy_tails(rng, shape):
    return rng.standard_t(3, shape)


def changing_size(rng, shape):
    return rng.standard_t(4, shape) * np.exp(0.05 * rng.normal(0, 1, shape).cumsum(axis=0))


def mostly_alike(rng, shape):
    return rng.normal(0, 1, shape) * (rng.random(shape) < 0.05)


def rare_gains(rng, shape):
    return np.where(rng.random(shape) < 0.02, 1.0, -0.02 / 0.98)


def rare_losses(rng, shape):
    return -rare_gains(rng, shape)


def alarms(draw, *, mean=0.0, alpha=0.05):
    drawn = pd.DataFrame(draw(np.random.default_rng(11), (BEFORE + WATCHED, PATHS)))
    evidence = worse_evidence(drawn.iloc[BEFORE:] + mean, before=drawn.iloc[:BEFORE])
    return float((evidence.max() >= 1 / alpha).mean())


@pytest.mark.parametrize("draw", [normal, heavy_tails, changing_size, mostly_alike, rare_gains, rare_losses])
def test_five_years_of_daily_looks_raise_few_false_alarms(draw):
    # 5 % are allowed; of 600 paths 7.5 % would be beyond 99 % of what 5 % gives.
    assert alarms(draw) <= 0.05


def test_what_is_better_raises_none_and_what_is_much_worse_soon_does():
    assert alarms(normal, mean=0.05) == 0.0
    assert alarms(normal, mean=-3 / 252**0.5) > 0.99


def test_the_capital_of_three_days_by_hand():
    # Before: ±.01, root mean square .01, so b = max(1.5 · .01, 5 · .01) = .05 until a difference exceeds .05/1.5.
    before = pd.Series([0.01, -0.01])
    difference = pd.Series([-0.05, 0.025, 0.0])
    # Day 1: d/b = −1, factors 1 + f. Day 2: b = max(1.5 · .05, .05) = .075, d/b = 1/3, factors 1 − f/3. Day 3: 1.
    stakes = [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]
    first = np.mean([1 + f for f in stakes])
    second = np.mean([(1 + f) * (1 - f / 3) for f in stakes])
    np.testing.assert_allclose(worse_evidence(difference, before=before), [first, second, second])


def test_yesterdays_evidence_does_not_know_today():
    rng = np.random.default_rng(3)
    days = all_sessions()[5000:5300]
    difference, before = pd.Series(rng.normal(size=300), index=days), pd.Series(rng.normal(size=100))
    evidence = worse_evidence(difference, before=before)
    pd.testing.assert_series_equal(worse_evidence(difference[:200], before=before), evidence[:200])
    pd.testing.assert_series_equal(worse_evidence(difference * 7, before=before * 7), evidence)


def test_missing_days_say_nothing():
    before = pd.Series([0.01, -0.01])
    gap = worse_evidence(pd.Series([-0.02, np.nan, -0.02]), before=before)
    assert gap[1] == gap[0]
    assert (worse_evidence(pd.Series([0.0, np.nan]), before=before) == 1.0).all()


def test_the_first_alarm_is_the_first():
    evidence = pd.Series([1.0, 21.0, 3.0, 30.0], index=all_sessions()[5000:5004])
    assert first_alarm(evidence) == all_sessions()[5001]
    assert first_alarm(evidence, alpha=0.04) == all_sessions()[5003]
    assert first_alarm(evidence, alpha=0.01) is None
    with pytest.raises(InputError, match="between 0 and 1, got 5"):
        first_alarm(evidence, alpha=5)


def test_the_wait_is_long_for_what_is_a_little_worse():
    assert sessions_to_alarm(-8.0, sessions=504) < sessions_to_alarm(-3.0, sessions=1008) < 400
    assert sessions_to_alarm(-0.2, sessions=504, paths=100) == np.inf


def test_books_that_never_differed_cannot_be_judged():
    with pytest.raises(InputError, match="never differed before"):
        worse_evidence(pd.Series([0.1]), before=pd.Series([0.0, np.nan]))
