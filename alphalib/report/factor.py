"""A factor's report as tables, pictures and a conclusion in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.evidence.estimate import Estimate
from alphalib.evidence.factor_report import FactorReport
from alphalib.evidence.factor_table import SUSPICIOUS, FactorTable
from alphalib.market import Source
from alphalib.report import figures
from alphalib.report.canvas import WIDE, Whisker, colour_of, new_figure, own_style, thinned, titled, year_axis
from alphalib.report.words import LEAST_CHANCE, NONE, chance, count, listed, number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ENOUGH_PRICED = 0.95
"""Share of the members with a price below which a conclusion says what is missing. [fraction]"""


def horizon_words(report: FactorReport) -> pd.DataFrame:
    """ICs by horizon, as a reader sees them."""
    rows = report.horizons
    return pd.DataFrame(
        {
            "rank IC": _estimates(rows, "rank_ic", "low", "high"),
            "by bootstrap": _estimates(rows, "rank_ic", "bootstrap_low", "bootstrap_high"),
            "t": _numbers(rows["t"], 1),
            "p": _chances(rows["p"]),
            "detectable": _numbers(rows["detectable"], 3),
            "IC": _numbers(rows["ic"], 3),
            "ICIR": _numbers(rows["icir"], 2),
            "sessions": _numbers(rows["sessions"], 0),
        },
        rows.index.rename("horizon, sessions"),
    )


def book_words(report: FactorReport) -> pd.DataFrame:
    """The book half long, half short by horizon, as a reader sees it."""
    rows = report.horizons
    return pd.DataFrame(
        {
            "spread, bps": _estimates(rows, "spread", "spread_low", "spread_high", scale=1e4),
            "turnover": _percents(rows["turnover"]),
            "cost, bps": _numbers(1e4 * rows["cost"], 1),
            "net, bps": _estimates(rows, "net", "net_low", "net_high", scale=1e4),
            "net a year": _percents(rows["net_annual"], 1),
            "breaks even at, bps": _numbers(rows["break_even_bps"], 1),
        },
        rows.index.rename("horizon, sessions"),
    )


def quantile_words(report: FactorReport) -> pd.DataFrame:
    """Mean return of each quantile over that of all names by horizon, in bps, as a reader sees it."""
    words = pd.Series(_estimates(report.by_quantile, "mean", "low", "high", scale=1e4), report.by_quantile.index)
    return words.unstack("horizon").rename_axis(columns="bps over, sessions")


def group_words(rows: pd.DataFrame) -> pd.DataFrame:
    """Rank IC by sector or by year, as a reader sees it: `FactorReport.sectors`, `FactorReport.years`."""
    words = {"rank IC": _estimates(rows, "rank_ic", "low", "high"), "t": _numbers(rows["t"], 1)}
    if "spread" in rows:
        words["spread, bps"] = _numbers(1e4 * rows["spread"], 1)
    if "coverage" in rows:
        words["members covered"] = _percents(rows["coverage"])
    words["names"] = _numbers(rows["names"], 0)
    words["sessions"] = _numbers(rows["sessions"], 0)
    return pd.DataFrame(words, rows.index)


def persistence_words(report: FactorReport) -> pd.DataFrame:
    """Rank autocorrelation and turnover of each quantile by lag, as a reader sees them."""
    rows = report.persistence
    turnover = {f"new in quantile {column}": _percents(rows[column]) for column in rows.columns[1:]}
    words = {"rank autocorrelation": _numbers(rows["rank_autocorrelation"], 2), **turnover}
    return pd.DataFrame(words, rows.index.rename("after, sessions"))


def known_words(report: FactorReport, *, first: int = 10) -> pd.DataFrame:
    """The known factors that order the names most alike."""
    rows = report.known.head(first)
    return pd.DataFrame({"rank correlation": _numbers(rows["correlation"], 2)}, rows.index)


def ranked_words(table: FactorTable, *, first: int = 30) -> pd.DataFrame:
    """The head of a ranked table, as a reader sees it."""
    rows = table.rows.head(first)
    if rows.empty:
        return pd.DataFrame()
    words = {
        "rank IC": _estimates(rows, "rank_ic", "low", "high"),
        "t": _numbers(rows["t"], 1),
        "q": _chances(rows["q"]),
        "q, any dependence": _chances(rows["q_any"]),
        "net, bps": _estimates(rows, "net", "net_low", "net_high", scale=1e4),
        "turnover": _percents(rows["turnover"]),
        "half lost after": [_age(age) for age in rows["decay_half"]],
        "covered": _percents(rows["coverage"]),
    }
    if (rows["note"] != "").any():
        words["note"] = list(rows["note"])
    return pd.DataFrame(words, rows.index)


def conclusion(report: FactorReport, source: Source, *, trials: int, effective: float, priced: float) -> str:
    """What the report supports, a sentence a line.

    Parameters
    ----------
    report : FactorReport
        The factor.
    source : Source
        Of the market.
    trials, effective : int, float
        Factors tried in its lineage and how many independent ones they amount to: `Ledger.count`,
        `Ledger.effective_count`. [trials]
    priced : float
        Mean share of the members with a price: `universe.members_priced`. [fraction]
    """
    row = report.horizons.loc[report.horizon]
    as_good = -math.expm1(effective * math.log1p(-min(report.p, 1 - 1e-16))) if math.isfinite(report.p) else math.nan
    lasting = f"Half is lost after {_age(report.half_life)}. " if not math.isnan(report.half_life) else ""
    lines = [
        f"{report.name}: rank IC {report.rank_ic} over {report.horizon} sessions, {_told(report)}. "
        f"One of {number(row['detectable'], digits=3)} would have been found four times out of five.",
        f"p {'' if report.p < LEAST_CHANCE else '= '}{chance(report.p)}. Of {count(trials, 'factor')} tried, worth "
        f"{number(effective, digits=0)} independent ones, the best would look as good with a chance of "
        f"{'less than 1%' if as_good < 0.005 else percent(as_good, digits=0)} if none knew anything.",
        f"{lasting}Renewed every {count(report.horizon, 'session')}, {percent(row['turnover'], digits=0)} of the book "
        "turn over.",
        f"The spread is {number(1e4 * row['spread'], digits=1)} bps a holding. Of the book that follows the sign of "
        f"the rank IC {number(1e4 * row['net'], digits=1)} bps stay after {report.cost_bps:g} bps each way, "
        f"{percent(row['net_annual'])} a year; it breaks even at {number(row['break_even_bps'], digits=1)} bps.",
    ]
    if report.nearest is not None:
        alike = report.known["correlation"].iloc[0]
        lines.append(
            f"It orders the names most like {report.nearest} (rank correlation {number(alike)}); what that does not "
            f"explain has a rank IC of {report.left}."
        )
    if abs(row["rank_ic"]) > SUSPICIOUS:
        lines.append("This is too good for a daily factor: look for a leak before anything else.")
    if source.simulated:
        lines.append("The market is simulated: this says nothing about a real one.")
    if source.members != "by date":
        lines.append(f"Members: {source.members}. This is not evidence.")
    elif priced < ENOUGH_PRICED:
        lines.append(
            f"Only {percent(priced, digits=0)} of the members had a price, on average over the sessions: most of those "
            "that failed or were bought are missing, and nobody knows what the factor said of them."
        )
    return "\n".join(lines)


def ranked_conclusion(table: FactorTable, *, q: float = 0.05) -> str:
    """What a ranked table supports, a sentence a line."""
    hochberg, any_dependence = int((table.rows["q"] <= q).sum()), len(table.found(q=q))
    lines = [
        f"{count(len(table.rows), 'factor')} over {count(table.horizon, 'session')}: {hochberg or 'none'} with q of "
        f"{percent(q, digits=0)} or less by Benjamini–Hochberg, {any_dependence or 'none'} under any dependence.",
        f"{count(table.trials, 'trial')} in {table.lineage!r}, worth {number(table.effective, digits=0)} independent "
        "ones.",
    ]
    if table.duplicates:
        lines.append(
            "Counted once: " + ", ".join(f"{name} is {first}" for name, first in table.duplicates.items()) + "."
        )
    by_reason: dict[str, list[str]] = {}
    for name, reason in table.failed.items():
        by_reason.setdefault(reason, []).append(name)
    lines += [f"Without {_some(names)}: {reason}." for reason, names in by_reason.items()]
    return "\n".join(lines)


def rank_ic_picture(report: FactorReport, *, width: int = WIDE) -> Figure:
    """Rank IC by month and over the year before; dashed the mean over all dates that would have been detected."""
    series = report.by_date.rank_ic[report.horizon].rename("rank_ic").rename_axis("date").reset_index()
    row = report.horizons.loc[report.horizon]
    detectable = math.copysign(row["detectable"], row["rank_ic"])
    known = float(detectable) if math.isfinite(detectable) else None
    return figures.information_coefficient(series, mean=None, detectable=known, width=width)


@own_style
def quantile_picture(report: FactorReport, *, width: int = WIDE) -> Figure:
    """Mean return of each quantile over that of all names, with intervals; beside it the share that was not there."""
    rows = report.by_quantile.loc[report.horizon]
    figure = new_figure(width, 250)
    returns, turnover = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1, 0.6]})
    places = rows.index.to_numpy()
    returns.bar(places, 1e4 * rows["mean"], width=0.62, color=colour_of("--rule"), linewidth=0)
    _whiskers(returns, places, 1e4 * rows["mean"], 1e4 * rows["low"], 1e4 * rows["high"])
    titled(returns, f"Over the mean of all names, bps in {report.horizon} sessions")
    turnover.bar(places, rows["turnover"], width=0.62, color=colour_of("--rule"), linewidth=0)
    turnover.set_ylim(0, 1)
    turnover.yaxis.set_major_formatter(lambda value, _: percent(value, digits=0))
    titled(turnover, f"Names new after {report.horizon} sessions")
    for axes in (returns, turnover):
        axes.set_xticks(places, [f"{place}" for place in places])
        axes.set_xlabel("quantile, highest values last", fontsize=10.5, color=colour_of("--soft"))
    return figure


@own_style
def decay_picture(report: FactorReport, *, width: int = WIDE) -> Figure:
    """Rank IC by length of the holding, and by age of the factor, with intervals."""
    figure = new_figure(width, 240)
    panels = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [0.6, 1]})
    titles = ("By holding, sessions", f"By age of the factor, sessions; holding of {report.horizon}")
    for axes, rows, title in zip(panels, (report.horizons, report.decay), titles, strict=True):
        places = np.arange(len(rows))
        _whiskers(axes, places, rows["rank_ic"], rows["low"], rows["high"])
        axes.set_xticks(places, [f"{label}" for label in rows.index])
        axes.set_xlim(-0.6, len(rows) - 0.4)
        axes.yaxis.set_major_formatter(lambda value, _: number(value, digits=3))
        titled(axes, title)
    return figure


@own_style
def spread_picture(report: FactorReport, *, width: int = WIDE) -> Figure:
    """Returns of the book half long, half short, added up, before and after costs, in the direction of the rank IC."""
    row = report.horizons.loc[report.horizon]
    # A book of `horizon` parts, each renewed every `horizon` sessions: a part of every date's holding is earned.
    gross = (-1 if row["rank_ic"] < 0 else 1) * report.by_date.spread(report.horizon).dropna() / report.horizon
    shown = thinned(pd.DataFrame({"gross": gross.cumsum(), "net": (gross - row["cost"] / report.horizon).cumsum()}))
    figure = new_figure(width, 240)
    axes = figure.subplots()
    axes.axhline(0, color=colour_of("--ink"), linewidth=0.8)
    for column, label, colour in (
        ("gross", "before costs", "--spy"),
        ("net", f"after {report.cost_bps:g} bps each way", "--book"),
    ):
        axes.plot(shown.index, shown[column], color=colour_of(colour), linewidth=1.6, label=label)
    axes.yaxis.set_major_formatter(lambda value, _: percent(value, digits=0))
    axes.legend(frameon=False, fontsize=10.5, labelcolor=colour_of("--ink"), loc="upper left")
    titled(axes, "Half long the best quantile, half short the worst; returns added up")
    year_axis(axes, shown.index)
    return figure


def group_picture(rows: pd.DataFrame, *, title: str, width: int = WIDE) -> Figure:
    """Rank IC by sector or by year, with intervals."""
    whiskers = [
        Whisker(str(name), row["rank_ic"], row["low"], row["high"], "--equal" if name == "all" else "--book")
        for name, row in rows.iterrows()
        if math.isfinite(row["low"])
    ]
    return figures.intervals(whiskers, title=title, width=width, digits=3)


def _whiskers(axes: Axes, places: NDArray[Any], values: pd.Series, low: pd.Series, high: pd.Series) -> None:
    axes.vlines(places, low, high, color=colour_of("--book"), linewidth=2.2)
    axes.plot(places, values, "o", color=colour_of("--book"), markersize=6, markeredgecolor=colour_of("--paper"))
    axes.axhline(0, color=colour_of("--ink"), linewidth=0.8)


def _told(report: FactorReport) -> str:
    row = report.horizons.loc[report.horizon]
    told = [row["low"] * row["high"] > 0, row["bootstrap_low"] * row["bootstrap_high"] > 0]
    if all(told):
        return f"told from zero by both intervals (t = {number(row['t'], digits=1)})"
    if any(told):
        return f"told from zero by one interval of two (t = {number(row['t'], digits=1)})"
    return f"which cannot be told from zero (t = {number(row['t'], digits=1)})"


def _age(sessions: float) -> str:
    if math.isnan(sessions):
        return NONE
    return "more than 63 sessions" if math.isinf(sessions) else f"{sessions:.0f} sessions"


def _some(names: list[str], *, first: int = 6) -> str:
    """Names in a row, of many the first few."""
    return listed(names if len(names) <= first + 1 else [*names[:first], f"{len(names) - first} more"])


def _estimates(rows: pd.DataFrame, value: str, low: str, high: str, *, scale: float = 1.0) -> list[str]:
    ends = zip(scale * rows[value], scale * rows[low], scale * rows[high], strict=True)
    return [str(Estimate(*estimate, n=0)) for estimate in ends]


def _numbers(column: pd.Series, digits: int) -> list[str]:
    return [number(value, digits=digits) for value in column]


def _chances(column: pd.Series) -> list[str]:
    return [chance(value) for value in column]


def _percents(column: pd.Series, digits: int = 0) -> list[str]:
    return [percent(value, digits=digits) for value in column]
