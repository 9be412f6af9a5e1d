"""Which settings are tried, and how a cell stands among its neighbours."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.sweep.space import GRID_SEED, cell_name, changed, grid, neighbourhood, sample, size, varied
from alphalib.errors import InputError
from alphalib.params import ExecutorParams

BASE = ExecutorParams()


def test_the_seeds_grid_has_1728_cells_that_all_can_be():
    # 4 scores × 3 positions × 4 multiples × 3 reductions × 3 exits × 4 profits
    cells = grid(GRID_SEED, BASE)
    assert len(cells) == size(GRID_SEED) == 4 * 3 * 4 * 3 * 3 * 4 == 1728
    assert len({cell_name(cell) for cell in cells}) == 1728


def test_a_grid_changes_what_it_names_and_nothing_else():
    cells = grid({"min_score": (60.0, 70.0), "atr_multiplier": (2.0, 3.0)}, changed(BASE, {"max_sector_pct": 0.3}))
    assert [(cell.min_score, cell.atr_multiplier) for cell in cells] == [(60, 2), (60, 3), (70, 2), (70, 3)]
    assert {cell.max_sector_pct for cell in cells} == {0.3}
    table = varied({cell_name(cell): cell for cell in cells})
    assert list(table) == ["min_score", "atr_multiplier"]
    assert varied({cell_name(BASE): BASE}).shape == (1, 0)


def test_a_sample_is_of_the_grid_without_twins_and_the_same_again():
    drawn = [sample(GRID_SEED, BASE, 60, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    names = [[cell_name(cell) for cell in cells] for cells in drawn]
    assert names[0] == names[1] != names[2]
    assert len(set(names[0])) == 60
    assert set(names[0]) <= {cell_name(cell) for cell in grid(GRID_SEED, BASE)}
    small = {"min_score": (60.0, 70.0)}
    assert len(sample(small, BASE, 60, rng=np.random.default_rng(0))) == 2


def test_a_name_is_of_the_rules_and_not_of_the_day_they_were_written():
    assert cell_name(BASE) == cell_name(BASE.model_copy(update={"updated_at": "2026-11-21"}))
    assert cell_name(BASE) != cell_name(changed(BASE, {"min_score": 71.0}))


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"min_scor": (1.0,)}, "ExecutorParams has no parameter 'min_scor'"),
        ({"min_score": (70.0, 170.0)}, r"no such setting, \{'min_score': 170.0\}.*less than or equal to 100"),
        ({"time_decay_exit_days": (3,)}, "must not be earlier than"),
    ],
)
def test_a_cell_that_cannot_be_is_named(space, said):
    with pytest.raises(InputError, match=said):
        grid(space, BASE)


def test_a_space_without_a_value_is_an_error():
    with pytest.raises(InputError, match="no value for 'min_score'"):
        grid({"atr_multiplier": (2.0,), "min_score": ()}, BASE)
    with pytest.raises(InputError, match="no value for 'min_score'"):
        sample({"min_score": ()}, BASE, 3, rng=np.random.default_rng(0))


def test_a_sample_of_nothing_is_an_error():
    with pytest.raises(InputError, match="at least 1 cell, got 0"):
        sample(GRID_SEED, BASE, 0, rng=np.random.default_rng(0))


def test_a_lone_peak_drops_to_its_neighbours_and_a_plateau_does_not():
    # 1 1 1 1 | 1 5 1 3 | 1 1 3 3: the five has neighbours 1 1 1 1, the three in the corner 3 3.
    values = np.array([[1, 1, 1, 1], [1, 5, 1, 3], [1, 1, 3, 3]], dtype=float)
    space = {"a": (10, 20, 30), "b": ("w", "x", "y", "z")}
    rows = [(a, b, values[i, j]) for i, a in enumerate(space["a"]) for j, b in enumerate(space["b"])]
    table = pd.DataFrame(rows, columns=["a", "b", "sharpe"])
    found = neighbourhood(table, space, measure="sharpe").set_index([table["a"], table["b"]])
    assert found.loc[(20, "x")].tolist() == [5, 4, 1, 1, 4]
    assert found.loc[(30, "z")].tolist() == [3, 2, 3, 3, 0]
    missing = neighbourhood(table.replace({"sharpe": {5: np.nan}}), space, measure="sharpe")
    assert missing.loc[4, "neighbours"] == 2  # left of the one that could not be computed: up and down are left


def test_neighbours_need_the_fields_and_values_of_the_space():
    table = pd.DataFrame({"a": [10, 20], "sharpe": [1.0, 2.0]})
    with pytest.raises(InputError, match="no column 'b'"):
        neighbourhood(table, {"a": (10, 20), "b": (1, 2)}, measure="sharpe")
    with pytest.raises(InputError, match="no column 'calmar'"):
        neighbourhood(table, {"a": (10, 20)}, measure="calmar")
    with pytest.raises(InputError, match="no cell of the table has values of the space in a"):
        neighbourhood(table, {"a": (11, 21)}, measure="sharpe")
    assert neighbourhood(table, {"a": (20, 30)}, measure="sharpe")["own"].tolist() == [2.0]
    with pytest.raises(InputError, match="no field in which the cells differ"):
        neighbourhood(table, {"c": (1,)}, measure="sharpe")
