"""The rows of `make bench` run, and what they say of equal values is earned."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.space import GRID_SEED
from benchmarks import backtest
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


def test_the_sweep_that_is_timed_takes_distinct_cells_of_the_seeds_grid(tmp_path):
    past = backtest.with_predictions(*backtest.small_world(names=6, sessions=80))
    table = backtest.sweep(past, 5, str(tmp_path)).table
    assert len(table.drop_duplicates(list(GRID_SEED)[:3])) > 2
    assert len(table) == 5


def test_the_floor_holds_the_shares_that_were_traded():
    market, signals = backtest.small_world(names=6, sessions=80)
    ours = simulate(backtest.with_predictions(market, signals), backtest.PARAMS)
    theirs = backtest.vectorbt_orders(market, ours)()
    held = ours.trades["shares"].where(ours.trades["side"] == "buy", -ours.trades["shares"])
    held = held.groupby(ours.trades["ticker"]).sum()
    pd.testing.assert_series_equal(
        theirs.assets().iloc[-1][held.index], held.astype(float), check_names=False, check_index_type=False
    )
