"""Probability of backtest overfitting."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.evidence.pbo import probability_of_overfitting


def noise(seed, *, sessions=1000, trials=20):
    return pd.DataFrame(np.random.default_rng(seed).normal(0, 0.01, (sessions, trials)))


def test_two_blocks_by_hand():
    # Each half chooses once. First half: A is better (mean .01 against −.01), and in the second it is the worse of
    # two: rank 1 of 2, 1/3, overfitted. Second half: B is chosen, and is the worse in the first. Both are: PBO 1.
    wiggle = np.tile([0.001, -0.001], 10)
    a, b = np.r_[0.01 + wiggle, -0.01 + wiggle], np.r_[-0.01 + wiggle, 0.01 + wiggle]
    found = probability_of_overfitting(pd.DataFrame({"a": a, "b": b}), blocks=2)
    # Sharpe inside: .01 / .001·√(20/19) · √252.
    expected = 10 / (20 / 19) ** 0.5 * 252**0.5
    assert (found.probability, found.loss, found.splits) == (1.0, 1.0, 2)
    assert (found.inside, found.outside) == (pytest.approx(expected), pytest.approx(-expected))


def test_agrees_with_sharpes_taken_one_by_one():
    from itertools import combinations

    returns = noise(1, sessions=64, trials=5)
    ranks = []
    for half in combinations(range(4), 2):
        rows = np.concatenate([np.arange(16 * block, 16 * block + 16) for block in half])
        inside, outside = returns.iloc[rows], returns.drop(index=rows)
        best = (inside.mean() / inside.std()).idxmax()
        ranks.append((outside.mean() / outside.std()).rank()[best] / 6)
    found = probability_of_overfitting(returns, blocks=4)
    assert found.probability == np.mean(np.array(ranks) <= 0.5)


def test_skilless_trials_give_a_half_and_one_with_skill_nearly_nothing():
    skilless = [probability_of_overfitting(noise(seed), blocks=8).probability for seed in range(40)]
    assert np.mean(skilless) == pytest.approx(0.5, abs=0.08)
    skilled = noise(0)
    skilled[3] += 0.003
    assert probability_of_overfitting(skilled, blocks=8).probability < 0.01


def test_the_order_of_trials_and_their_scale_say_nothing():
    returns = noise(2)
    found = probability_of_overfitting(returns, blocks=8)
    assert probability_of_overfitting(returns[returns.columns[::-1]] * 7, blocks=8).probability == found.probability


def test_trials_that_are_all_alike_are_no_choice():
    one = noise(3, trials=1)[0]
    found = probability_of_overfitting(pd.DataFrame({"a": one, "b": one, "c": 0.0}), blocks=4)
    assert 0.0 <= found.probability <= 1.0
    alike = probability_of_overfitting(pd.DataFrame({"a": one, "b": one}), blocks=4)
    assert alike.probability == 1.0


def test_against_the_trial_in_use_the_best_of_many_good_ones_is_no_luck():
    returns = noise(5).rename(columns=str)
    returns["0"] -= 0.003
    # All of 1 to 19 are skilless and better than 0: among themselves the best is the median, beside 0 it is no luck.
    assert probability_of_overfitting(returns, blocks=8).probability > 0.2
    assert probability_of_overfitting(returns, blocks=8, in_use="0").probability < 0.01
    # The other way round nothing beats what is in use.
    returns["0"] += 0.006
    assert probability_of_overfitting(returns, blocks=8, in_use="0").probability > 0.99
    with pytest.raises(InputError, match="the trial in use, 'x', is not among the returns"):
        probability_of_overfitting(returns, in_use="x")


def test_ten_years_are_judged_and_print_well():
    found = probability_of_overfitting(noise(4, sessions=2520, trials=60))
    assert found.splits == 12870
    assert str(found).startswith(f"PBO {found.probability:.2f} (60 trials, 12870 splits of 2512 sessions): Sharpe ")


@pytest.mark.parametrize(
    ("returns", "blocks", "match"),
    [
        (noise(0, trials=1), 4, "at least 2 trials, got 1"),
        (noise(0, sessions=100), 16, "16 blocks need 160 sessions"),
        (noise(0), 5, "even number from 2 on, got 5"),
        (noise(0)[::20].reindex(range(1000)), 8, "need 80 sessions that every trial has, got 50"),
    ],
)
def test_what_cannot_be_judged_is_refused(returns, blocks, match):
    with pytest.raises(InputError, match=match):
        probability_of_overfitting(returns, blocks=blocks)
