"""Numbers as readers see them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.report import words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.percent(0.1234), "12.3%"),
        (words.percent(-0.0004), "0.0%"),  # rounds to nothing: no minus in front of zero
        (words.percent(0.012, signed=True), "+1.2%"),
        (words.number(-1234.5), "−1,234.50"),
        (words.chance(0.0004), "<\u00a00.001"),
        (words.chance(0.0016), "0.002"),
        (words.chance(np.nan), words.NONE),
        (words.money(-12345.4), "−$12,345"),
        (words.interval(-0.021, 0.142, "fraction"), "−2.1 to 14.2%"),
        (words.interval(-0.0013, 0.0427, digits=3), "−0.001 to 0.043"),
        (words.interval(None, 0.1, "fraction"), ""),
        (words.measured(0.58, "probability"), "58%"),
        (words.measured(40, "sessions"), "40 sessions"),
        (words.plain(1511.0), "1,511"),
        (words.plain(0.02134), "0.021"),
        (words.day("2024-03-08", weekday=True), "Friday, 8 March 2024"),
        (words.week_day("2024-03-08"), "Fri 8 Mar"),
        (words.duration(0.44), "0.4 s"),
        (words.duration(125), "2 min 5 s"),
        (words.duration(4325), "1 h 12 min"),
        (words.count(0, "name"), "no names"),
        (words.count(1204, "name"), "1,204 names"),
        (words.listed(["a", "b", "c"]), "a, b and c"),
        (words.against("momentum_gate", -0.072, -0.05), "−7.2% against −5.0%"),
        (words.against("min_score", 64.2, 70.0), "64.2 against 70"),
        (words.against("conviction", None, None), ""),
        (words.rule("a_rule_of_next_year"), "a rule of next year"),
    ],
)
def test_words_by_hand(said, expected):
    assert said == expected


@pytest.mark.parametrize("missing", [None, np.nan, np.inf])
@pytest.mark.parametrize("say", [words.percent, words.number, words.money, words.plain, words.duration])
def test_a_missing_number_is_a_dash(say, missing):
    assert say(missing) == words.NONE


@given(st.floats(-1e9, 1e9))
def test_a_number_reads_back_as_itself(value):
    said = words.number(value, digits=4).replace("−", "-").replace(",", "")
    assert float(said) == pytest.approx(value, abs=5.1e-5)
