"""The rows of `make bench` run, and what they say of equal values is earned."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.factors import against_pandas, agreement, difference
from benchmarks.timing import around, not_installed


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(3, 100))


def test_alpha158_is_that_of_plain_pandas():
    [line] = against_pandas(5, 150)
    assert "158 of 158 agree to 1e-06" in line.note


def test_a_difference_is_relative_to_value_and_spread(values):
    moved = values.copy()
    moved[1, 70] += 1e-3  # divided by the value's size and by the factor's standard deviation
    scale = abs(values[1, 70]) + values[:, 60:].std()
    assert difference(moved, values) == pytest.approx(1e-3 / scale)
    moved[1, 70] = np.nan
    assert difference(moved, values) == np.inf


def test_agreement_names_the_worst(values):
    ours = {"one": pd.DataFrame(values.T), "two": pd.DataFrame(values.T + 1.0)}
    said = agreement(ours, {"one": values, "two": values}, within=1e-6)
    assert said.startswith("1 of 2 agree to 1e-06, at most")
    assert said.endswith("(two)")


def test_a_slow_reference_runs_once_between_runs_of_ours():
    calls = []
    line = around("x", lambda: calls.append("ours"), "y", lambda: calls.append("theirs") or [1e3], runs=2)
    assert calls == ["ours", "ours", "ours", "theirs", "ours", "ours"]
    assert line.reference == "1000 s"


def test_a_missing_reference_says_how_to_get_it():
    line = not_installed("Alpha158", "pyqlib", "qlib", "pyqlib==0.9.7")
    assert line.reference == "not installed"
    assert "uv pip install -p .bench/qlib pyqlib==0.9.7, or set ALPHALIB_BENCH_QLIB" in line.note
