"""A sweep in pictures and words: where it is good, and whether the best cell is a peak or a plateau."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from alphalib.backtest.sweep.space import Space
from alphalib.errors import InputError
from alphalib.report.canvas import TYPE_SIZE, WIDE, colour_of, new_figure, own_style, plain
from alphalib.report.words import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3
"""Maps side by side."""


@own_style
def heat_maps(table: pd.DataFrame, space: Space, *, measure: str, best: str | None = None, width: int = WIDE) -> Figure:
    """A map for each two fields of the space, the mean of a measure over everything that the map does not show.

    Parameters
    ----------
    table : DataFrame
        `Sweep.table`.
    space : Space
        Fields and values, in the order of the axes; a field in which the cells do not differ has no map.
    measure : str
        A column of the table.
    best : str, optional
        Name of a cell that is marked in every map.
    width : int
        [px]
    """
    fields = [field for field, values in space.items() if field in table and len(values) > 1]
    maps = [_mean_map(table, space, down, across, measure) for down, across in combinations(fields, 2)]
    if not maps:
        raise InputError("a map needs two fields in which the cells differ")
    low, high = min(np.nanmin(one) for one in maps), max(np.nanmax(one) for one in maps)
    rows = math.ceil(len(maps) / ACROSS)
    figure = new_figure(width, 60 + 175 * rows)
    axes = figure.subplots(rows, ACROSS, squeeze=False)
    for place in axes.flat[len(maps) :]:
        place.set_axis_off()
    for place, one in zip(axes.flat, maps, strict=False):
        drawn = place.imshow(one, vmin=low, vmax=high, aspect="auto", origin="lower", cmap="cividis")
        _label(place, one)
        if best is not None:
            at = [list(labels).index(table.loc[best, labels.name]) for labels in (one.columns, one.index)]
            place.plot(*at, marker="o", markersize=7, markeredgecolor=colour_of("--paper"), color=colour_of("--loss"))
    bar = figure.colorbar(drawn, ax=axes, location="bottom", fraction=0.05 / rows, aspect=50)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, colors=colour_of("--soft"), labelsize=TYPE_SIZE - 2)
    bar.set_label(f"mean {measure}", fontsize=TYPE_SIZE - 1, color=colour_of("--soft"))
    return figure


@own_style
def plateau_picture(near: pd.DataFrame, chosen: Mapping[str, str], *, measure: str, width: int = WIDE) -> Figure:
    """Each cell against the mean of its neighbours: far above the line is a peak, on it a plateau.

    Parameters
    ----------
    near : DataFrame
        From `neighbourhood`.
    chosen : mapping
        Names of cells to be marked, by what they are called.
    measure : str
        What is compared.
    width : int
        [px]
    """
    figure = new_figure(width, 320)
    axes = figure.subplots()
    plain(axes)
    axes.scatter(near["mean"], near["own"], s=7, color=colour_of("--rule"), linewidths=0)
    known = near["mean"].dropna()
    ends = [known.min(), known.max()]
    axes.plot(ends, ends, color=colour_of("--soft"), linewidth=0.8)
    colours = ("--loss", "--book", "--equal", "--ink")
    for (name, cell), colour in zip(chosen.items(), colours, strict=False):
        if cell in near.index:
            at = near.loc[cell]
            axes.scatter(at["mean"], at["own"], s=40, color=colour_of(colour), label=name, zorder=3)
    axes.set_xlabel(f"mean {measure} of the neighbours", fontsize=TYPE_SIZE, color=colour_of("--soft"))
    axes.set_title(f"{measure} of the cell", loc="left", fontsize=TYPE_SIZE, color=colour_of("--soft"))
    axes.legend(frameon=False, fontsize=TYPE_SIZE, labelcolor=colour_of("--soft"))
    return figure


def compared(table: pd.DataFrame, near: pd.DataFrame, chosen: Mapping[str, str]) -> pd.DataFrame:
    """The chosen cells side by side: parameters and measures down, then what their neighbours have."""
    names = list(chosen.values())
    beside = near.reindex(names)[["neighbours", "mean", "worst"]].add_prefix("neighbours: ")
    beside = beside.rename(columns={"neighbours: neighbours": "neighbours"})
    whole = table.loc[names].drop(columns="trial").join(beside)
    return whole.set_axis(pd.Index(list(chosen)), axis=0).T


def conclusion(
    table: pd.DataFrame, near: pd.DataFrame, *, best: str, own: str, measure: str, trials: float, beaten: float
) -> str:
    """What the best cell is worth, in sentences.

    Parameters
    ----------
    table, near : DataFrame
        `Sweep.table` and its `neighbourhood`.
    best, own : str
        The best cell, and the setting in use.
    measure : str
        By which it is the best.
    trials : float
        Effective number of the lineage. [trials]
    beaten : float
        Deflated Sharpe ratio of the best. [probability]
    """
    row, around = table.loc[best], near.loc[best]
    alpha = (
        f"alpha {percent(row['alpha'])} a year against SPY ({percent(row['alpha_low'])} to "
        f"{percent(row['alpha_high'])})"
        if math.isfinite(row["alpha"])
        else f"no alpha ({row['note']})"
    )
    neighbours = (
        f"Its {around['neighbours']:.0f} neighbours have a mean {measure} of {number(around['mean'])}: "
        f"{number(around['drop'])} of its {number(around['own'])} belongs to this one cell."
        if around["neighbours"]
        else "None of its neighbours was tried, so nothing says whether it is a peak or a plateau."
    )
    return (
        f"The best of {len(table):,} cells by {measure} has a Sharpe ratio of {number(row['sharpe'])} "
        f"({number(row['sharpe_low'])} to {number(row['sharpe_high'])}) and {alpha}; the setting in use has "
        f"{number(table.loc[own, 'sharpe'])}. With {trials:.3g} independent trials behind it, the probability that it "
        f"is more than the luck of the best of them is {beaten:.2f}. {neighbours}"
    )


def _mean_map(table: pd.DataFrame, space: Space, down: str, across: str, measure: str) -> pd.DataFrame:
    means = table.pivot_table(index=down, columns=across, values=measure)
    return means.reindex(index=list(space[down]), columns=list(space[across]))


def _label(axes: Axes, one: pd.DataFrame) -> None:
    soft: dict[str, Any] = {"fontsize": TYPE_SIZE - 2, "color": colour_of("--soft")}
    axes.set_xticks(range(one.shape[1]), [_short(value) for value in one.columns], **soft)
    axes.set_yticks(range(one.shape[0]), [_short(value) for value in one.index], **soft)
    axes.set_xlabel(str(one.columns.name), **soft)
    axes.set_ylabel(str(one.index.name), **soft)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
