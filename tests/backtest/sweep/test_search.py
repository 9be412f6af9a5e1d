"""The sampler learns from results, and is a function of its seed and of them."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.sweep.run import run_sweep
from alphalib.backtest.sweep.search import penalised_sharpe, search
from alphalib.backtest.sweep.space import GRID_SEED, grid
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from tests.backtest.sweep.test_run import PAST, Place

SPACE = {"atr_multiplier": (1.0, 1.5, 2.0, 2.5, 3.0, 4.0), "conviction_rule": ("block", "reduce", "ignore")}


def runner(place, **options):
    return partial(run_sweep, PAST, ledger=place.ledger, store=place.store, name="search", **options)


def test_a_search_that_was_killed_goes_on_and_gives_the_same_table(tmp_path):
    places = [Place(tmp_path / name) for name in ("whole", "killed")]
    whole = search(runner(places[0]), SPACE, ExecutorParams(), 12, seed=5, batch=4)
    told = []

    def killed(said):
        told.append(said)
        if len(told) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(runner(places[1], step=killed), SPACE, ExecutorParams(), 12, seed=5, batch=4)
    again = search(runner(places[1]), SPACE, ExecutorParams(), 12, seed=5, batch=4)
    pd.testing.assert_frame_equal(again.table, whole.table)
    assert places[1].ledger.trials()["runs"].sum() <= len(whole.table) + 2  # the part that was not written
    other = search(runner(places[0]), SPACE, ExecutorParams(), 12, seed=6, batch=4)
    assert list(other.table.index) != list(whole.table.index)


def test_what_was_shown_draws_the_search_to_it(tmp_path):
    # The higher the multiple the better, by decree: most later proposals are high ones, where chance gives a third.
    high = lambda table: table["atr_multiplier"].astype(float) if "atr_multiplier" in table else table["sharpe"]  # noqa: E731
    space = {"atr_multiplier": tuple(np.linspace(1.0, 8.0, 30))}
    sweep = search(runner(Place(tmp_path)), space, ExecutorParams(), 40, seed=1, batch=8, objective=high)
    late = sweep.table["atr_multiplier"].iloc[len(sweep.table) // 2 :]
    assert (late > 5.6).mean() > 0.5


def test_values_that_exclude_one_another_are_passed_over(tmp_path):
    space = {"time_decay_reduce_days": (5, 20), "time_decay_exit_days": (10, 30)}
    sweep = search(runner(Place(tmp_path)), space, ExecutorParams(), 20, seed=0)
    pairs = set(zip(sweep.table["time_decay_reduce_days"], sweep.table["time_decay_exit_days"], strict=True))
    assert pairs == {(7, 14), (5, 10), (5, 30), (20, 30)}


def test_the_seeds_score_of_a_cell():
    table = pd.DataFrame({"sharpe": [1.0, 0.8], "max_drawdown": [-0.5, -0.02]})
    assert penalised_sharpe(table).tolist() == [0.75, 0.79]


def test_a_search_for_nothing_is_an_error(tmp_path):
    with pytest.raises(InputError, match="at least 1 cell, got 0 and 16"):
        search(runner(Place(tmp_path)), GRID_SEED, grid({}, ExecutorParams())[0], 0, seed=0)
