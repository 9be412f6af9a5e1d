"""Pictures of the weekly report, as matplotlib figures: SVG for the page, PNG for the mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alphalib.report.canvas import (
    NARROW,
    TYPE_SIZE,
    WIDE,
    Whisker,
    colour_of,
    is_wide,
    new_figure,
    own_style,
    plain,
    thinned,
    titled,
    year_axis,
)
from alphalib.report.words import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@own_style
def growth(nav: pd.DataFrame, *, width: int = WIDE) -> Figure:
    """Growth of 100 for the book, SPY and equal weight; below it the drawdown, then the share invested.

    Parameters
    ----------
    nav : DataFrame
        `date`, `nav`, and where known `spy`, `equal_weight` [index], `exposure` [fraction], `halted` [bool].
    width : int
        [px]
    """
    frame = nav.set_index("date").sort_index()
    lines = [
        (column, name, colour)
        for column, name, colour in (
            ("equal_weight", "Equal weight", "--equal"),
            ("spy", "SPY", "--spy"),
            ("nav", "Book", "--book"),
        )
        if column in frame and frame[column].notna().any()
    ]
    with_exposure = "exposure" in frame and frame["exposure"].notna().any()
    heights = [3.4, 1.25, 0.8] if with_exposure else [3.4, 1.25]
    figure = new_figure(width, (430 if width > 500 else 400) if with_exposure else 340)
    axes = figure.subplots(len(heights), 1, sharex=True, gridspec_kw={"height_ratios": heights, "hspace": 0.1})
    shown = thinned(frame)
    _growth_lines(axes[0], shown, lines)
    _drawdowns(axes[1], frame, shown.index, lines)
    if with_exposure:
        axes[2].fill_between(shown.index, shown["exposure"], color=colour_of("--rule"), linewidth=0, step="post")
        titled(axes[2], "Share of the book invested")
        axes[2].set_ylim(0, 1)
        axes[2].set_yticks([0, 0.5, 1], ["0", "50", "100%"])
    _halts(axes, frame)
    year_axis(axes[-1], frame.index)
    return figure


@own_style
def information_coefficient(
    ic: pd.DataFrame, *, mean: Whisker | None, detectable: float | None, width: int = WIDE
) -> Figure:
    """Out-of-sample rank IC: its mean by month as bars, over a year as a line, and over all dates with its interval.

    Parameters
    ----------
    ic : DataFrame
        `date`, `rank_ic`: one value a date, never pooled.
    mean : Whisker, optional
        Mean over all dates with its interval, drawn at the right.
    detectable : float, optional
        Smallest mean that could have been told from zero; drawn dashed.
    width : int
        [px]
    """
    series = ic.set_index("date")["rank_ic"].sort_index().dropna()
    monthly = series.groupby(series.index.to_period("M")).mean()
    yearly = series.rolling("365D").mean()[series.index >= series.index[0] + pd.Timedelta(days=364)]
    figure = new_figure(width, 270 if width > 500 else 250)
    with_mean = mean is not None
    axes = figure.subplots(
        1, 1 + with_mean, sharey=True, squeeze=False, gridspec_kw={"width_ratios": [1, 0.13][: 1 + with_mean]}
    )[0]
    months = monthly.index.to_timestamp() + pd.Timedelta(days=14)
    axes[0].bar(months, monthly.to_numpy(), width=22, color=colour_of("--rule"), linewidth=0)
    trailing = thinned(yearly.to_frame("ic"))
    axes[0].plot(trailing.index, trailing["ic"], color=colour_of("--book"), linewidth=1.8)
    for panel in axes:
        panel.axhline(0, color=colour_of("--ink"), linewidth=0.8)
        if detectable is not None:
            panel.axhline(detectable, color=colour_of("--loss"), linewidth=1, linestyle=(0, (4, 3)))
    heights = [-0.01, 0.01, *monthly, detectable or 0.0, *([mean.low, mean.high] if mean else [])]
    axes[0].set_ylim(1.1 * min(heights), 1.1 * max(heights))
    axes[0].yaxis.set_major_formatter(lambda value, _: number(value, digits=2))
    titled(axes[0], "Rank IC: mean of each month, and over the year before")
    year_axis(axes[0], series.index)
    if mean is not None:
        _standing(axes[1], mean)
    return figure


@own_style
def intervals(
    rows: Sequence[Whisker], *, title: str, width: int = WIDE, as_percent: bool = False, digits: int = 1
) -> Figure:
    """Values with their intervals, one under the other, with a line at zero."""
    figure = new_figure(width, 46 + 34 * len(rows))
    axes = figure.subplots()
    titled(axes, title)
    for place, row in enumerate(reversed(rows)):
        colour = colour_of(row.colour)
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot([row.value], [place], "o", color=colour, markersize=7, markeredgecolor=colour_of("--paper"))
    axes.axvline(0, color=colour_of("--ink"), linewidth=0.8)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_yticks(range(len(rows)), [row.name for row in reversed(rows)])
    axes.tick_params(axis="y", colors=colour_of("--ink"))
    axes.grid(visible=True, axis="x", color=colour_of("--rule"), linewidth=0.7)
    axes.grid(visible=False, axis="y")
    axes.spines["bottom"].set_visible(False)
    form = (
        (lambda value, _: percent(value, digits=0)) if as_percent else (lambda value, _: number(value, digits=digits))
    )
    axes.xaxis.set_major_formatter(form)
    return figure


@own_style
def coverage(priced: pd.DataFrame, *, width: int = NARROW) -> Figure:
    """Share of the members of each date that had a price.

    Parameters
    ----------
    priced : DataFrame
        `date`, `share` [fraction].
    width : int
        [px]
    """
    share = priced.set_index("date")["share"].sort_index().dropna()
    shown = thinned(share.to_frame("share"))["share"]
    figure = new_figure(width, 150)
    axes = figure.subplots()
    axes.plot(shown.index, shown, color=colour_of("--book"), linewidth=1.6)
    axes.fill_between(shown.index, shown, 1.0, color=colour_of("--halt"), linewidth=0)
    bottom = min(0.9, np.floor(10 * share.min()) / 10) if len(share) else 0.9
    axes.set_ylim(bottom, 1.0)
    axes.set_yticks([bottom, (1 + bottom) / 2, 1.0])
    axes.yaxis.set_major_formatter(lambda value, _: percent(value, digits=0))
    titled(axes, "Members with a price, by date")
    year_axis(axes, share.index)
    return figure


def _growth_lines(axes: Axes, shown: pd.DataFrame, lines: list[tuple[str, str, str]]) -> None:
    axes.set_yscale("log")
    base = {column: 100.0 * shown[column] / shown[column].dropna().iloc[0] for column, _, _ in lines}
    low = min(99.0, *(series.min() for series in base.values()))
    high = max(101.0, *(series.max() for series in base.values()))
    axes.set_ylim(low / 1.03, high * 1.03)  # before the lines: a flat one has no range of its own
    for column, _, colour in lines:
        axes.plot(shown.index, base[column], color=colour_of(colour), linewidth=2.0 if column == "nav" else 1.4)
    ticks = _round_levels(low, high)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    ends = [float(np.log(base[column].dropna().iloc[-1])) for column, _, _ in lines]
    apart = _spread(ends, least=(0.078 if is_wide(axes) else 0.115) * float(np.log(high / low * 1.06)))
    for (_, name, colour), height in zip(lines, apart, strict=True):
        axes.annotate(
            name if is_wide(axes) else name.replace(" ", "\n"),
            (1.0, float(np.exp(height))),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            color=colour_of(colour),
            va="center",
            fontsize=TYPE_SIZE,
            fontweight="bold" if name == "Book" else "normal",
            annotation_clip=False,
        )
    titled(axes, "Growth of 100, ratio scale")


def _drawdowns(axes: Axes, frame: pd.DataFrame, shown: pd.Index, lines: list[tuple[str, str, str]]) -> None:
    deepest = -0.01
    for column, _, colour in lines:
        fallen = (frame[column] / frame[column].cummax() - 1.0).reindex(shown)
        if column == "nav":
            axes.fill_between(shown, fallen, color=colour_of(colour), alpha=0.25, linewidth=0)
        if column in ("nav", "spy"):
            axes.plot(shown, fallen, color=colour_of(colour), linewidth=1.1)
            deepest = min(deepest, 1.05 * float(fallen.min()))
    axes.set_ylim(deepest, 0)
    axes.locator_params(axis="y", nbins=3)
    axes.yaxis.set_major_formatter(lambda value, _: percent(value, digits=0))
    titled(axes, "Fall from the highest value so far")


def _halts(axes: Sequence[Axes], frame: pd.DataFrame) -> None:
    if "halted" not in frame:
        return
    halted = frame["halted"].fillna(False).astype(bool)
    spells = (halted != halted.shift(fill_value=False)).cumsum()[halted]
    for _, spell in spells.groupby(spells):
        for panel in axes:
            panel.axvspan(spell.index[0], spell.index[-1], color=colour_of("--halt"), linewidth=0, zorder=0)


def _standing(axes: Axes, mean: Whisker) -> None:
    axes.plot([0, 0], [mean.low, mean.high], color=colour_of("--book"), linewidth=2.2, solid_capstyle="butt")
    axes.plot([0], [mean.value], "o", color=colour_of("--book"), markersize=7, markeredgecolor=colour_of("--paper"))
    axes.set_xlim(-1, 1)
    plain(axes)
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.set_xticks([0], ["all"])


def _round_levels(low: float, high: float) -> list[float]:
    """At most seven round numbers within a range, as ticks of a ratio scale; finer steps where they fit."""
    fine = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.2, 2.5)
    inside: list[float] = []
    for steps in (fine, (1, 1.2, 1.5, 2, 2.5, 3, 4, 6, 8), (1, 2, 5), (1,)):
        decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        levels = {round(step * 10.0**decade, 6) for decade in decades for step in steps}
        inside = sorted(level for level in levels if low <= level <= high)
        if len(inside) <= 7:
            break
    return inside or [float(np.sqrt(low * high))]


def _spread(heights: list[float], *, least: float) -> list[float]:
    """Heights moved apart so that no two are closer than `least`, each as little as need be."""
    order = np.argsort(heights, kind="stable")
    placed = np.array(heights, dtype=float)[order]
    for _ in range(50):
        short = least - np.diff(placed)
        if (short <= 1e-9).all():
            break
        for gap in np.flatnonzero(short > 1e-9):
            push = (least - (placed[gap + 1] - placed[gap])) / 2
            if push > 0:
                placed[gap] -= push
                placed[gap + 1] += push
    back = np.empty_like(placed)
    back[order] = placed
    return [float(height) for height in back]
