"""Who is dropped and bought, and weights that cancel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.decision.strategies.weights import UNRANKED, betas, neutral_weights, ranks, shared, topk_dropout


def turn(percentile, held, *, topk=3, n_drop=1, buffer=0, may_drop=None):
    rank = ranks(np.array(percentile), np.ones(len(percentile), bool))
    held = np.isin(np.arange(len(percentile)), held)
    may = np.ones(len(percentile), bool) if may_drop is None else np.isin(np.arange(len(percentile)), may_drop)
    dropped, bought = topk_dropout(rank, held, may, topk=topk, n_drop=n_drop, buffer=buffer)
    return dropped.tolist(), bought.tolist()


def test_ranks_begin_at_the_highest_and_leave_out_what_cannot_be_bought():
    eligible = np.array([True, True, False, True, True])
    assert ranks(np.array([0.2, 0.9, 0.95, np.nan, 0.5]), eligible).tolist() == [3, 1, UNRANKED, UNRANKED, 2]


def test_ties_are_broken_by_symbol():
    assert ranks(np.array([0.5, 0.7, 0.5, 0.5]), np.ones(4, bool)).tolist() == [2, 1, 3, 4]


def test_an_empty_book_buys_the_best():
    assert turn([0.1, 0.9, 0.5, 0.8, 0.2, 0.7], []) == ([], [1, 3, 5])


def test_the_worst_that_fell_behind_make_way_for_the_best():
    # Ranks: 1, 2, 3, 4, 5, 6; held are 1, 5 and 6: the last is dropped, the second of all bought.
    assert turn([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0, 4, 5]) == ([5], [1])
    assert turn([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0, 4, 5], n_drop=2) == ([5, 4], [1, 2])
    assert turn([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0, 4, 5], n_drop=3) == ([5, 4], [1, 2])


def test_a_name_within_the_buffer_stays():
    assert turn([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0, 4, 5], n_drop=2, buffer=2) == ([5], [1])
    assert turn([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0, 4, 5], n_drop=2, buffer=3) == ([], [])


def test_what_may_not_be_dropped_stays():
    assert turn([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0, 4, 5], may_drop=[0, 4]) == ([4], [1])


def test_a_held_name_without_a_percentile_is_behind_all_others():
    assert turn([0.9, np.nan, 0.7, 0.6, 0.5, 0.4], [0, 1, 5]) == ([1], [2])


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 12), st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_the_book_never_exceeds_topk_and_never_turns_over_more_than_n_drop(seed, topk, n_drop, buffer):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    percentile = np.round(rng.random(n), 1)
    percentile[rng.random(n) < 0.1] = np.nan
    rank, held = ranks(percentile, rng.random(n) < 0.9), np.zeros(n, bool)
    for _ in range(4):
        before = held.copy()
        dropped, bought = topk_dropout(rank, held, np.ones(n, bool), topk=topk, n_drop=n_drop, buffer=buffer)
        held[dropped], held[bought] = False, True
        assert held.sum() <= topk
        assert len(dropped) <= n_drop
        assert not before[bought].any()
        assert before[dropped].all()
        assert held.sum() == min(topk, before.sum() - len(dropped) + ((rank < UNRANKED) & ~before).sum())
        rank = ranks(np.round(rng.random(n), 1), rng.random(n) < 0.9)


def test_shares_of_a_side_by_hand():
    # 0.6 by 3 : 2 : 1 is .3, .2, .1; with at most .25 the other two share .35 by 2 : 1.
    assert shared(np.array([3.0, 2.0, 1.0]), total=0.6, cap=np.full(3, 1.0)) == pytest.approx([0.3, 0.2, 0.1])
    assert shared(np.array([3.0, 2.0, 1.0]), total=0.6, cap=np.full(3, 0.25)) == pytest.approx(
        [0.25, 0.35 * 2 / 3, 0.35 / 3]
    )
    assert shared(np.array([3.0, 2.0, 1.0]), total=0.6, cap=np.full(3, 0.1)).tolist() == [0.1, 0.1, 0.1]


def test_a_dollar_neutral_book_by_hand():
    # Ten names, tails of two: distances from the middle rank 5.5 are 4.5 and 3.5, so .5 is shared as 4.5/8 and 3.5/8.
    weight = neutral_weights(
        np.arange(1, 11),
        np.ones(10),
        np.arange(10) % 3,
        tail=0.2,
        gross=1.0,
        max_position=np.ones(10),
        max_sector=4.0,
    )
    assert weight[[0, 1, 8, 9]] == pytest.approx([0.28125, 0.21875, -0.21875, -0.28125])
    assert (weight[2:8] == 0).all()


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=300, deadline=None)
def test_both_sides_cancel_and_every_cap_holds(seed, by_beta):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 60))
    rank = ranks(np.round(rng.random(n), 2), rng.random(n) < 0.9)
    exposure = rng.normal(1, 0.5, n) if by_beta else np.ones(n)
    sector = rng.integers(-1, 4, n)
    position, in_sector = rng.choice([0.02, 0.2], n), float(rng.choice([0.1, 0.5]))
    gross = float(rng.choice([0.5, 2.0]))
    weight = neutral_weights(rank, exposure, sector, tail=0.3, gross=gross, max_position=position, max_sector=in_sector)
    assert abs(weight @ exposure) < 1e-9
    assert np.abs(weight).sum() <= gross + 1e-9
    assert (np.abs(weight) <= position + 1e-12).all()
    assert all(np.abs(weight[sector == code]).sum() <= in_sector + 1e-9 for code in set(sector.tolist()))
    assert (weight[rank == UNRANKED] == 0).all()


def test_a_beta_by_hand():
    # Market: the mean of both columns. Column 0 moves 1.5 times as much, column 1 half as much.
    market = np.array([0.01, -0.02, 0.03, -0.01])
    returns = np.column_stack([1.5 * market, 0.5 * market])
    assert betas(returns, shrinkage=0.0) == pytest.approx([1.5, 0.5])
    assert betas(returns, shrinkage=0.5) == pytest.approx([1.25, 0.75])


def test_a_beta_of_too_few_returns_is_one():
    rng = np.random.default_rng(0)
    returns = rng.normal(0, 0.02, (60, 3))
    returns[:31, 2] = np.nan
    assert betas(returns, shrinkage=0.0)[2] == 1.0
    assert betas(returns, shrinkage=0.0)[0] != 1.0


def qlib_turn(score, held, *, topk, n_drop):
    """Who is sold and bought by the text of qlib's TopkDropoutStrategy, as sets."""
    best_first = np.argsort(-score)
    last = [place for place in best_first if held[place]]
    today = [place for place in best_first if not held[place]][: n_drop + topk - len(last)]
    together = sorted(last + today, key=lambda place: -score[place])
    sold = set(together[-n_drop:]) & set(last)
    return sold, set(today[: len(sold) + topk - len(last)])


@given(st.integers(0, 2**32 - 1), st.integers(1, 10), st.integers(1, 10))
@settings(max_examples=300, deadline=None)
def test_without_buffer_it_turns_over_as_qlib_does(seed, topk, n_drop):
    rng = np.random.default_rng(seed)
    n_drop = min(n_drop, topk)
    score = rng.permutation(topk + n_drop + int(rng.integers(1, 20))) / 100
    held = np.zeros(len(score), bool)
    held[rng.choice(len(score), size=int(rng.integers(topk + 1)), replace=False)] = True
    rank, every = ranks(score, np.ones(len(score), bool)), np.ones(len(score), bool)
    dropped, bought = topk_dropout(rank, held, every, topk=topk, n_drop=n_drop, buffer=0)
    assert (set(dropped.tolist()), set(bought.tolist())) == qlib_turn(score, held, topk=topk, n_drop=n_drop)
