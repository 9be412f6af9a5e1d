import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.params import ResearchParams
from alphalib.research.population import rotate

PARAMS = ResearchParams(population=3, max_rotations=2, challenger_margin=5, drop_score=45, sell_score=40)


def rotated(previous, params=PARAMS, challengers=None, **scores):
    population, changes = rotate(previous, pd.Series(scores, dtype=float), params, challengers=challengers)
    return population, {change.ticker: (change.change, change.reason) for change in changes}


def test_an_empty_population_is_filled_with_the_best():
    population, changes = rotated([], A=50, B=90, C=80, D=70, E=44)
    assert population == ["B", "C", "D"]
    assert changes["B"] == ("in", "score 90, a free place")


def test_nobody_below_the_drop_score_comes_in():
    assert rotated([], A=44, B=90)[0] == ["B"]


def test_a_challenger_needs_the_margin():
    assert rotated(["A", "B", "C"], A=60, B=70, C=80, D=64.99)[0] == ["A", "B", "C"]
    population, changes = rotated(["A", "B", "C"], A=60, B=70, C=80, D=65)
    assert population == ["B", "C", "D"]
    assert changes == {
        "A": ("out", "score 60, replaced by D"),
        "D": ("in", "score 65, replaces A with 60"),
    }


def test_at_most_so_many_come_in_a_week():
    population, changes = rotated(["A", "B", "C"], A=50, B=51, C=52, D=90, E=91, F=92)
    # The two strongest replace the two weakest.
    assert population == ["C", "E", "F"]
    assert sum(change == "in" for change, _ in changes.values()) == 2
    assert rotated(["A", "B", "C"], A=10, B=11, C=12, D=90, E=91, F=92)[0] == ["E", "F"]


def test_free_places_come_first_and_count():
    # A leaves; E takes the free place, D then replaces B, and C stays though F would beat it.
    population, _ = rotated(["A", "B", "C"], A=30, B=50, C=55, D=80, E=90, F=70)
    assert population == ["C", "D", "E"]


@pytest.mark.parametrize(
    ("score", "reason"), [(44.9, "score 44.9, below 45"), (40, "score 40, a SELL up to 40"), (45, None)]
)
def test_below_the_drop_score_a_name_leaves_now(score, reason):
    population, changes = rotated(["A"], A=score)
    assert population == ([] if reason else ["A"])
    assert changes == ({"A": ("out", reason)} if reason else {})


def test_a_name_outside_the_universe_leaves_and_an_unread_one_stays():
    population, changes = rotated(["A", "B"], B=np.nan, C=90)
    assert population == ["B", "C"]
    assert changes["A"] == ("out", "left the universe")


def test_a_smaller_population_lets_the_weakest_go():
    small = PARAMS.model_copy(update={"population": 1})
    population, changes = rotated(["A", "B"], small, A=60, B=70)
    assert population == ["B"]
    assert changes["A"] == ("out", "score 60, the population holds 1")


def test_only_challengers_come_in_and_ties_go_by_ticker():
    assert rotated([], challengers=["D", "B", "C", "A"], A=70, B=70, C=70, D=70, E=99)[0] == ["A", "B", "C"]


@given(
    scores=st.dictionaries(
        st.sampled_from("ABCDEFGHIJKL"), st.one_of(st.just(np.nan), st.integers(0, 100)), min_size=1
    ),
    previous=st.sets(st.sampled_from("ABCDEFGHIJKL"), max_size=5),
    size=st.integers(1, 5),
    rotations=st.integers(0, 4),
)
def test_what_a_week_never_breaks(scores, previous, size, rotations):
    params = PARAMS.model_copy(update={"population": size, "max_rotations": rotations})
    series = pd.Series(scores, dtype=float)
    population, changes = rotate(sorted(previous), series, params)
    assert len(population) == len(set(population)) <= size
    assert set(population) <= set(scores)
    assert not previous or len(set(population) - previous) <= rotations
    assert {c.ticker for c in changes if c.change == "in"} == set(population) - previous
    assert {c.ticker for c in changes if c.change == "out"} == previous - set(population)
    assert all(not series[name] < params.drop_score for name in population)
    assert rotate(sorted(previous)[::-1], series.iloc[::-1], params) == (population, changes)
