"""A sweep in pictures and words."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.sweep.space import cell_name, grid, neighbourhood
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from alphalib.report import sweep as shown
from alphalib.report.canvas import Shown, png

SPACE = {"min_score": (65.0, 70.0, 75.0), "atr_multiplier": (2.0, 3.0), "conviction_rule": ("block", "ignore")}
NAMES = [cell_name(cell) for cell in grid(SPACE, ExecutorParams())]


@pytest.fixture
def table():
    places = np.indices((3, 2, 2)).reshape(3, -1)
    columns = {field: [values[p] for p in place] for (field, values), place in zip(SPACE.items(), places, strict=True)}
    numbers = {"sharpe": 0.1 * places[0] + 0.2 * places[1], "alpha": 0.01, "alpha_low": -0.02, "alpha_high": 0.04}
    table = pd.DataFrame({**columns, **numbers, "note": "", "trial": NAMES}, index=NAMES)
    return table.assign(sharpe_low=table["sharpe"] - 0.5, sharpe_high=table["sharpe"] + 0.5)


@pytest.fixture
def near(table):
    return neighbourhood(table, SPACE, measure="sharpe")


def test_there_is_a_map_for_each_two_fields_and_it_is_the_mean_of_the_rest(table):
    figure = shown.heat_maps(table, SPACE, measure="sharpe", best=NAMES[-1])
    maps = [axes for axes in figure.axes if axes.images]
    assert [(axes.get_ylabel(), axes.get_xlabel()) for axes in maps] == [
        ("min_score", "atr_multiplier"),
        ("min_score", "conviction_rule"),
        ("atr_multiplier", "conviction_rule"),
    ]
    # 75 with 2: sharpe .2; 65 with either multiple: mean of 0 and .2
    assert maps[0].images[0].get_array()[2, 0] == pytest.approx(0.2)
    assert maps[1].images[0].get_array()[0, 0] == pytest.approx(0.1)
    assert [text.get_text() for text in maps[2].get_xticklabels()] == ["block", "ignore"]
    dot = maps[0].lines[0]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (1, 2)
    assert png(figure).startswith(b"\x89PNG")


def test_a_map_needs_two_fields(table):
    with pytest.raises(InputError, match="two fields in which the cells differ"):
        shown.heat_maps(table, {"min_score": SPACE["min_score"]}, measure="sharpe")


def test_the_marked_cells_stand_at_their_figures(near):
    figure = shown.plateau_picture(near, {"best": NAMES[-1], "elsewhere": "nobody"}, measure="sharpe")
    marked = figure.axes[0].collections[-1].get_offsets()
    assert marked.tolist() == [pytest.approx(near.loc[NAMES[-1], ["mean", "own"]].tolist())]
    assert Shown(figure)._repr_png_()[0]


def test_chosen_cells_stand_side_by_side_with_their_neighbours(table, near):
    beside = shown.compared(table, near.drop(NAMES[0]), {"best": NAMES[-1], "in use": NAMES[0]})
    assert beside.loc["min_score"].tolist() == [75.0, 65.0]
    assert beside.loc["neighbours", "best"] == 3  # one step down in each of three fields
    assert np.isnan(beside.loc["neighbours", "in use"])
    assert "trial" not in beside.index


def test_the_conclusion_says_how_much_belongs_to_the_one_cell(table, near):
    # .4 at the best; its neighbours .3 (score), .2 (multiple) and .4 (rule): mean .3, so .1 is its own.
    said = shown.conclusion(table, near, best=NAMES[-1], own=NAMES[0], measure="sharpe", trials=3.2, beaten=0.61)
    assert "best of 12 cells by sharpe has a Sharpe ratio of 0.40 (−0.10 to 0.90)" in said
    assert "alpha 1.0% a year against SPY (−2.0% to 4.0%); the setting in use has 0.00" in said
    assert "With 3.2 independent trials" in said
    assert "3 neighbours have a mean sharpe of 0.30: 0.10 of its 0.40 belongs" in said


def test_a_conclusion_without_benchmark_or_neighbours_says_so(table, near):
    table = table.assign(alpha=np.nan, note="alpha, beta: no benchmark was given")
    near = near.assign(neighbours=0)
    said = shown.conclusion(table, near, best=NAMES[-1], own=NAMES[0], measure="sharpe", trials=1, beaten=0.5)
    assert "no alpha (alpha, beta: no benchmark was given)" in said
    assert "None of its neighbours was tried" in said
