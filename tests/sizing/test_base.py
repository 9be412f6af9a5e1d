"""The untilted weight."""

from math import log

import pytest

from alphalib.sizing.base import equal_weight, kelly_weight


def test_entries_share_the_book_and_few_leave_cash():
    assert [equal_weight(entries, 20.0) for entries in (1, 20, 25)] == [1 / 20, 1 / 20, 1 / 25]


def test_a_fraction_of_the_kelly_bet():
    # p 0.6 at even odds: 0.6 − 0.4 = 0.2 of wealth; half of it is 0.1
    assert kelly_weight(0.6, 1.0, 0.5, 1.0) == pytest.approx(0.1)


def test_the_full_bet_is_capped_before_the_fraction_is_taken():
    assert kelly_weight(0.9, 1.0, 0.5, 0.25) == 0.125  # min(0.8, 0.25) / 2


def test_without_an_edge_nothing_is_bet():
    assert kelly_weight(0.4, 1.0, 0.5, 1.0) == 0.0


def test_the_full_bet_makes_wealth_grow_fastest():
    def growth(bet):  # mean logarithm of wealth after one wager
        return 0.52 * log(1 + 1.2 * bet) + 0.48 * log(1 - bet)

    best = kelly_weight(0.52, 1.2, 1.0, 1.0)
    assert growth(best) > max(growth(best - 0.01), growth(best + 0.01))
