"""The nearest known factor by its tree."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.features.language.nearest import nearest
from alphalib.features.language.parser import parse
from tests.features.language.expressions import expressions, random_expressions

KNOWN = {
    "ROC20": parse("Ref($close, 20) / $close"),
    "MA5": parse("Mean($close, 5) / $close"),
    "MA20": parse("Mean($close, 20) / $close"),
    "VMA5": parse("Mean($volume, 5) / $volume"),
    "CORR": parse("Corr($close, Log($volume + 1), 20)"),
}


def test_by_hand():
    first, second, third = nearest(parse("CSRank(Mean($close, 20) / $close) - 0.5"), KNOWN)
    # Div, Mean, $close, $close are 4 nodes; with CSRank, Sub and 0.5 they are 7: 2·4/(7 + 4)
    assert (first.name, first.similarity) == ("MA20", pytest.approx(8 / 11))
    assert (second.name, second.similarity) == ("MA5", pytest.approx(8 / 11))
    assert (first.common, first.theirs) == ("Div(Mean($close, 20), $close)",) * 2
    assert second.theirs == "Div(Mean($close, 5), $close)"
    # only $close is common: 2·1/(7 + 4)
    assert (third.name, third.common, third.similarity) == ("ROC20", "$close", pytest.approx(2 / 11))


def test_the_same_factor_is_a_duplicate_however_it_is_written():
    found = nearest(parse("Corr(Log(1 + $volume), $close, 20)"), KNOWN, count=1)
    assert [(near.name, near.similarity, near.duplicate) for near in found] == [("CORR", 1.0, True)]


def test_other_numbers_are_the_same_shape_but_no_duplicate():
    found = nearest(parse("Corr(Log(2 + $volume), $close, 60)"), KNOWN, count=1)
    assert [(near.name, near.similarity, near.duplicate) for near in found] == [("CORR", 1.0, False)]


def test_shape_does_not_depend_on_how_numbers_sort():
    # In canonical order 1/$vix stands before 2/$oil, but 2/$oil before 3/$vix.
    ours, theirs = parse("(1 / $vix) * (2 / $oil)"), parse("(3 / $vix) * (2 / $oil)")
    assert [str(node.arguments[0]) for node in (ours, theirs)] == ["Div(1, $vix)", "Div(2, $oil)"]
    assert nearest(ours, {"other": theirs})[0].similarity == 1.0


def test_nothing_in_common():
    assert nearest(parse("$vix"), {"MA5": KNOWN["MA5"]})[0].similarity == 0.0
    assert nearest(parse("$vix"), {}) == []


@given(expressions(), expressions())
def test_similarity_is_symmetric_and_a_fraction(first, second):
    a, b = parse(first), parse(second)
    there, back = nearest(a, {"b": b})[0].similarity, nearest(b, {"a": a})[0].similarity
    assert there == back
    assert 0.0 <= there <= 1.0
    assert nearest(a, {"a": a})[0].duplicate


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_known_does_not_matter(rng):
    known = {f"f{place}": parse(text) for place, text in enumerate(random_expressions(60, seed=5))}
    names = list(known)
    rng.shuffle(names)
    node = known["f7"]
    assert nearest(node, {name: known[name] for name in names}, count=9) == nearest(node, known, count=9)
