"""Operators on a cell: by hand, with what is missing, and written over their own arguments."""

import numpy as np
import pytest

from alphalib.features.engine.elementwise import ELEMENTWISE
from alphalib.features.language.operators import OPERATORS

NAN = np.nan
X = np.array([[4.0, -2.0, 0.0, NAN, 1e300]])
Y = np.array([[2.0, -2.0, 0.0, 1.0, 1e300]])

EXPECTED = {
    "Add": [6.0, -4.0, 0.0, NAN, 2e300],
    "Sub": [2.0, 0.0, 0.0, NAN, 0.0],
    "Mul": [8.0, 4.0, 0.0, NAN, NAN],  # 1e600 is no double
    "Div": [2.0, 1.0, NAN, NAN, 1.0],
    "Power": [16.0, 0.25, 1.0, NAN, NAN],
    "Greater": [4.0, -2.0, 0.0, NAN, 1e300],
    "Less": [2.0, -2.0, 0.0, NAN, 1e300],
    "Gt": [1.0, 0.0, 0.0, NAN, 0.0],
    "Ge": [1.0, 1.0, 1.0, NAN, 1.0],
    "Lt": [0.0, 0.0, 0.0, NAN, 0.0],
    "Le": [0.0, 1.0, 1.0, NAN, 1.0],
    "Eq": [0.0, 1.0, 1.0, NAN, 1.0],
    "Ne": [1.0, 0.0, 0.0, NAN, 0.0],
    "And": [1.0, 1.0, 0.0, NAN, 1.0],
    "Or": [1.0, 1.0, 0.0, NAN, 1.0],
    "Neg": [-4.0, 2.0, 0.0, NAN, -1e300],
    "Abs": [4.0, 2.0, 0.0, NAN, 1e300],
    "Sign": [1.0, -1.0, 0.0, NAN, 1.0],
    "Log": [np.log(4.0), NAN, NAN, NAN, np.log(1e300)],
    "Exp": [np.exp(4.0), np.exp(-2.0), 1.0, NAN, NAN],
    "Sqrt": [2.0, NAN, 0.0, NAN, 1e150],
    "Floor": [4.0, -2.0, 0.0, NAN, 1e300],
    "Not": [0.0, 0.0, 1.0, NAN, 0.0],
    "If": [2.0, -2.0, -1.0, NAN, 1e300],
    "Plain": [4.0, -2.0, 0.0, NAN, 1e300],
}


def operands(name):
    return {1: [X.copy()], 2: [X.copy(), Y.copy()], 3: [X.copy(), Y.copy(), np.full_like(X, -1.0)]}[
        OPERATORS[name].expressions[0]
    ]


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_by_hand(name):
    out = np.empty_like(X)
    ELEMENTWISE[name](operands(name), out)
    np.testing.assert_allclose(out, [EXPECTED[name]], rtol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_result_may_be_written_over_any_argument(name):
    for place in range(OPERATORS[name].expressions[0]):
        arguments = operands(name)
        ELEMENTWISE[name](arguments, arguments[place])
        np.testing.assert_allclose(arguments[place], [EXPECTED[name]], rtol=1e-15)


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if OPERATORS[name].expressions[0] == 2])
def test_a_missing_argument_gives_a_missing_result_on_either_side(name):
    for x, y in [
        (np.array([[NAN]]), 0.0),
        (np.array([[NAN]]), 1.0),
        (0.0, np.array([[NAN]])),
        (1.0, np.array([[NAN]])),
    ]:
        out = np.empty((1, 1))
        ELEMENTWISE[name]([x, y], out)
        assert np.isnan(out).all(), (x, y)


def test_a_choice_needs_its_condition_and_what_is_chosen():
    out = np.empty((1, 4))
    condition, one = np.array([[1.0, 0.0, NAN, 0.5]]), np.array([[NAN, NAN, 7.0, 8.0]])
    ELEMENTWISE["If"]([condition, one, 3.0], out)
    np.testing.assert_array_equal(out, [[NAN, 3.0, NAN, 8.0]])


def test_numbers_and_market_wide_rows_meet_every_name():
    block, row, out = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[10.0, 20.0]]), np.empty((2, 2))
    ELEMENTWISE["Mul"]([block, row], out)
    np.testing.assert_array_equal(out, [[10.0, 40.0], [30.0, 80.0]])
    ELEMENTWISE["Gt"]([2.5, block], out)
    np.testing.assert_array_equal(out, [[1.0, 1.0], [0.0, 0.0]])
