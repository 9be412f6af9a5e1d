"""Pictures of paper trading: a day on the price path, its events, what execution cost, and the account's change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from alphalib.report.canvas import TYPE_SIZE, WIDE, colour_of, is_wide, new_figure, own_style, titled
from alphalib.report.words import count, money, number, percent, rule, short_day

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = (("delay", "--spy"), ("execution", "--book"), ("missed", "--equal"), ("commission", "--loss"))
"""Parts of the implementation shortfall, and their colours."""

_MARKS = {
    "buy": ("^", "--book", "bought"),
    "sell": ("v", "--loss", "sold"),
    "stop": ("X", "--loss", "stopped out"),
    "trigger": ("o", "--ink", "trigger"),
}
_KINDS = {
    "notice": "--rule",
    "link": "--spy",
    "change": "--equal",
    "order": "--ink",
    "cancel": "--soft",
    "fill": "--book",
    "kill": "--loss",
    "alert": "--loss",
}
"""Kinds of events that have a colour of their own, drawn in this order."""
_SMALL = TYPE_SIZE - 1.5
_FEW = 10  # sessions; a shorter record leaves room at its right
_RETURNS = ("daily_return_pct", "spy_return_pct")
_HIGH = 178  # of one name's path [px]


@own_style
def paths(
    bars: Mapping[str, pd.DataFrame],
    *,
    marks: pd.DataFrame,
    stops: pd.DataFrame,
    decided: Mapping[str, float],
    hours: tuple[datetime, datetime],
    width: int = WIDE,
) -> Figure:
    """Price path of each name through a session, with its triggers, fills and resting stop.

    Parameters
    ----------
    bars : mapping of str to DataFrame
        By ticker: `time, high, low, close`. [currency]
    marks : DataFrame
        `time, ticker, price, what` (`buy`, `sell`, `stop`, `trigger`) `, label`.
    stops : DataFrame
        `ticker, ref, start, end, level`, the steps of a ref by time. [currency]
    decided : mapping of str to float
        Close that a name was decided on. [currency]
    hours : (datetime, datetime)
        Opening and closing of the session.
    width : int
        [px]
    """
    if not bars:
        return _nothing("no prices were seen of any name with an order", width)
    across = 2 if width > 500 and len(bars) > 1 else 1
    down = -(-len(bars) // across)
    figure = new_figure(width, _HIGH * down + 38)
    grid = figure.subplots(down, across, squeeze=False)
    for axes, (ticker, table) in zip(grid.flat, bars.items(), strict=False):
        _path(axes, ticker, table, marks, stops, decided)
        _session_axis(axes, hours)
    for axes in grid.flat[len(bars) :]:
        axes.set_axis_off()
    _legend(figure, marks, stops, decided)
    return figure


@own_style
def timeline(events: pd.DataFrame, *, hours: tuple[datetime, datetime], width: int = WIDE) -> Figure:
    """What happened in a session, a lane a name, alerts in their own colour.

    Parameters
    ----------
    events : DataFrame
        `time, lane, kind`.
    hours : (datetime, datetime)
        Opening and closing of the session.
    width : int
        [px]
    """
    if events.empty:
        return _nothing("nothing happened", width)
    lanes = sorted(events["lane"].unique(), key=lambda lane: (lane.isupper(), lane), reverse=True)
    kinds = [kind for kind in _KINDS if (events["kind"] == kind).any()]
    kinds += sorted(set(events["kind"]) - set(kinds))
    figure = new_figure(width, 74 + 24 * len(lanes))
    axes = figure.subplots()
    for kind in kinds:
        rows = events[events["kind"] == kind]
        places = [lanes.index(lane) for lane in rows["lane"]]
        colour = colour_of(_KINDS.get(kind, "--rule"))
        axes.plot(rows["time"], places, "|", color=colour, markersize=13, markeredgewidth=1.8, label=kind)
    titled(axes, "What happened, by name; New York time")
    axes.set_ylim(-0.7, len(lanes) - 0.3)
    axes.set_yticks(range(len(lanes)), lanes)
    axes.tick_params(axis="y", colors=colour_of("--ink"))
    _session_axis(axes, hours, first=min(events["time"]), last=max(events["time"]))
    figure.legend(
        loc="outside lower left",
        ncols=7 if width > 500 else 3,
        frameon=False,
        fontsize=_SMALL,
        labelcolor=colour_of("--soft"),
    )
    return figure


@own_style
def shortfalls(table: pd.DataFrame, *, width: int = WIDE) -> Figure:
    """What execution cost against the price decided on, by part, one decision a bar; above 0 against the book.

    Parameters
    ----------
    table : DataFrame
        From `round_trips.shortfall`: index `date, ticker, action`; `delay, execution, missed, commission, shortfall`.
        [currency]
    width : int
        [px]
    """
    if table.empty:
        return _nothing("the order book decided nothing", width)
    names = [f"{ticker} {action.lower()}" for _, ticker, action in table.index]
    figure = new_figure(width, 88 + 26 * len(table))
    axes = figure.subplots()
    rows = np.arange(len(table))[::-1]
    above, below = np.zeros(len(table)), np.zeros(len(table))
    for part, colour in PARTS:
        value = table[part].fillna(0.0).to_numpy(dtype=float)
        left = np.where(value >= 0, above, below)
        axes.barh(rows, value, left=left, height=0.62, color=colour_of(colour), label=part)
        above += np.maximum(value, 0)
        below += np.minimum(value, 0)
    axes.plot(table["shortfall"], rows, "D", color=colour_of("--ink"), markersize=5, label="all together")
    _across(axes, names, rows, "Cost against the price decided on [currency]; above 0 against the book")
    figure.legend(
        loc="outside lower left",
        ncols=5 if width > 500 else 3,
        frameon=False,
        fontsize=_SMALL,
        labelcolor=colour_of("--soft"),
    )
    return figure


@own_style
def change(parts: Mapping[str, float], *, width: int = WIDE) -> Figure:
    """What a session's change of the NAV was made of, part by part, and the change. [currency]"""
    figure = new_figure(width, 52 + 26 * len(parts))
    axes = figure.subplots()
    rows = np.arange(len(parts))[::-1]
    values = np.array(list(parts.values()), dtype=float)
    colours = [colour_of("--loss" if value < 0 else "--book") for value in values]
    axes.barh(rows, values, height=0.62, color=colours)
    for row, value in zip(rows, values, strict=True):
        axes.annotate(
            number(value, digits=2, signed=True),
            (value, row),
            xytext=(5 if value >= 0 else -5, 0),
            textcoords="offset points",
            va="center",
            ha="left" if value >= 0 else "right",
            fontsize=_SMALL,
            color=colour_of("--soft"),
        )
    _across(axes, list(parts), rows, "What the day's change was made of [currency]")
    axes.margins(x=0.18)
    return figure


def paper_words(account: pd.DataFrame, trades: pd.DataFrame, *, sessions: int = 5) -> list[str]:
    """How paper trading went lately, in sentences; empty before the first session was settled.

    Parameters
    ----------
    account, trades : DataFrame
        `eod_pnl.csv` and `trades_full.csv`.
    sessions : int
        Looked back on. [sessions]
    """
    lately = account.tail(sessions)
    if lately.empty:
        return []
    ours, spy = (float((1.0 + lately[c].astype(float) / 100.0).prod() - 1.0) for c in _RETURNS)
    known = lately["spy_return_pct"].notna().all()
    filled = trades[trades["date"].isin(lately["date"]) & trades["filled_shares"].notna()]
    cost = filled["slippage_vs_trigger_bps"].astype(float).dropna()
    last = lately.iloc[-1]
    span = f"In {count(len(lately), 'session')} up to {short_day(last['date'])}"
    against = f"SPY {percent(spy, digits=2, signed=True)}" if known else "SPY is not known for all of them"
    said = [f"{span} the paper account made {percent(ours, digits=2, signed=True)}, {against}; its NAV is "
            f"{money(float(last['portfolio_nav']))}."]  # fmt: skip
    slipped = f", on average {_beside_trigger(float(cost.mean()))}" if len(cost) else ""
    said.append(f"{count(len(filled), 'order').capitalize()} filled{slipped}.")
    doubtful = lately[lately["flagged"].astype(bool)]
    return said + [
        f"{short_day(row.date)} is flagged: {str(row.notes).replace(chr(10), '; ')}." for row in doubtful.itertuples()
    ]


def _beside_trigger(bps: float) -> str:
    if abs(bps) < 0.05:
        return "at the price of their trigger"
    return f"{number(abs(bps), digits=1)} bps {'worse' if bps > 0 else 'better'} than their trigger"


def fill_words(trades: pd.DataFrame) -> pd.DataFrame:
    """The orders that filled, in words and rounded numbers, by time of New York.

    Parameters
    ----------
    trades : DataFrame
        `trades_full.csv`.
    """
    filled = trades[trades["filled_shares"].notna()].sort_values("fill_time", kind="stable")
    clock = [f"{pd.Timestamp(at).tz_convert('America/New_York'):%H:%M:%S}" for at in filled["fill_time"]]
    why = filled["trigger_type"].where(filled["action"] == "ENTER", filled["exit_reason"])

    def numbers(column: str, digits: int = 2) -> list[str]:
        return [number(float(value), digits=digits) for value in filled[column].astype(float)]

    return pd.DataFrame(
        {
            "time": clock,
            "": [f"{row.action.lower()} {row.ticker}" for row in filled.itertuples()],
            "shares": numbers("filled_shares", 0),
            "price": numbers("fill_price"),
            "decided at": numbers("signal_price"),
            "why": [rule(str(label)) for label in why],
            "trigger": numbers("trigger_price"),
            "bps to decision": numbers("slippage_vs_signal_bps", 1),
            "bps to trigger": numbers("slippage_vs_trigger_bps", 1),
            "latency [ms]": numbers("execution_latency_ms", 0),
            "commission": numbers("commission_usd"),
        }
    )


@own_style
def beside_spy(account: pd.DataFrame, *, width: int = WIDE) -> Figure:
    """Return of the account and of SPY since the record began, summed up session by session; below it the day's alpha.

    Parameters
    ----------
    account : DataFrame
        `eod_pnl.csv`: `date, daily_return_pct, spy_return_pct, daily_alpha_pct`. [percent]
    width : int
        [px]
    """
    if account.empty:
        return _nothing("no session was settled yet", width)
    figure = new_figure(width, 300)
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2.4, 1], "hspace": 0.12})
    places = np.arange(len(account) + 1)  # 0 is the close before the first
    for column, name, colour in (("spy_return_pct", "SPY", "--spy"), ("daily_return_pct", "Account", "--book")):
        grown = 100.0 * (np.cumprod(1.0 + account[column].fillna(0.0).to_numpy(dtype=float) / 100.0) - 1.0)
        above.plot(
            places, [0.0, *grown], color=colour_of(colour), linewidth=2.0 if name == "Account" else 1.4, label=name
        )
    figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=_SMALL, labelcolor=colour_of("--soft"))
    titled(above, "Return since the record began")
    alpha = account["daily_alpha_pct"].fillna(0.0).to_numpy(dtype=float)
    colours = [colour_of("--loss" if value < 0 else "--book") for value in alpha]
    below.bar(places[1:], alpha, width=0.7, color=colours)
    titled(below, "Alpha of each session over SPY")
    for axes in (above, below):
        axes.axhline(0, color=colour_of("--ink"), linewidth=0.8)
        axes.yaxis.set_major_formatter(lambda value, _: f"{number(value, digits=2)}%")
        axes.locator_params(axis="y", nbins=4)
    below.set_xlim(-0.6, max(len(account), _FEW) + 0.6)
    step = max(1, -(-len(account) // (8 if width > 500 else 4)))
    shown = places[1:][::-1][::step][::-1]  # the last session always has its date
    below.set_xticks(shown, [f"{pd.Timestamp(account['date'].iloc[place - 1]):%-d %b}" for place in shown])
    return figure


def _path(
    axes: Axes,
    ticker: str,
    table: pd.DataFrame,
    marks: pd.DataFrame,
    stops: pd.DataFrame,
    decided: Mapping[str, float],
) -> None:
    titled(axes, ticker)
    axes.fill_between(table["time"], table["low"], table["high"], color=colour_of("--rule"), linewidth=0)
    axes.plot(table["time"], table["close"], color=colour_of("--soft"), linewidth=0.9)
    if ticker in decided:
        axes.axhline(decided[ticker], color=colour_of("--spy"), linewidth=0.9, linestyle=(0, (1, 2)))
    for _, steps in stops[stops["ticker"] == ticker].groupby("ref"):
        times, levels = [*steps["start"], steps["end"].iloc[-1]], [*steps["level"], steps["level"].iloc[-1]]
        axes.plot(times, levels, color=colour_of("--equal"), linewidth=1.4, drawstyle="steps-post")
    for what, (shape, colour, _) in _MARKS.items():
        here = marks[(marks["ticker"] == ticker) & (marks["what"] == what)]
        hollow = what == "trigger"
        axes.plot(
            here["time"],
            here["price"],
            shape,
            color=colour_of(colour),
            markerfacecolor="none" if hollow else colour_of(colour),
            markeredgecolor=colour_of(colour if hollow else "--paper"),
            markersize=7 if hollow else 8,
        )
    said = list(dict.fromkeys(rule(label) for label in marks.loc[marks["ticker"] == ticker, "label"] if label))
    if said:
        axes.set_title(f"{ticker}: {', '.join(said)}", loc="left", fontsize=TYPE_SIZE, color=colour_of("--soft"), pad=6)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.2f}".rstrip("0").rstrip("."))
    axes.locator_params(axis="y", nbins=5)


def _session_axis(
    axes: Axes, hours: tuple[datetime, datetime], *, first: datetime | None = None, last: datetime | None = None
) -> None:
    """Hours of New York below a picture of one session."""
    import matplotlib.dates

    ticks: Any = matplotlib.dates  # its classes carry no types
    zone = "America/New_York"
    axes.xaxis_date(zone)
    axes.xaxis.set_major_locator(ticks.HourLocator(interval=1 if is_wide(axes) else 2, tz=zone))
    axes.xaxis.set_major_formatter(ticks.DateFormatter("%H:%M", tz=zone))
    begin, end = min(hours[0], first or hours[0]), max(hours[1], last or hours[1])
    margin = (end - begin) / 60
    axes.set_xlim(begin - margin, end + margin)  # type: ignore[arg-type]


def _legend(figure: Figure, marks: pd.DataFrame, stops: pd.DataFrame, decided: Mapping[str, float]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=shape,
            color=colour_of(colour),
            markerfacecolor="none" if what == "trigger" else colour_of(colour),
            label=name,
        )
        for what, (shape, colour, name) in _MARKS.items()
        if (marks["what"] == what).any()
    ]
    if len(stops):
        handles.append(Line2D([], [], color=colour_of("--equal"), linewidth=1.4, label="resting stop"))
    if decided:
        dots = (0, (1, 2))
        handles.append(Line2D([], [], color=colour_of("--spy"), linewidth=0.9, linestyle=dots, label="decided at"))
    across = 6 if is_wide(figure.axes[0]) else 3
    figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=across,
        frameon=False,
        fontsize=_SMALL,
        labelcolor=colour_of("--soft"),
    )


def _across(axes: Axes, names: Sequence[str], rows: Any, title: str) -> None:
    """Bars that lie, named at the left, with a line at zero."""
    titled(axes, title)
    axes.axvline(0, color=colour_of("--ink"), linewidth=0.8)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_yticks(rows, names)
    axes.tick_params(axis="y", colors=colour_of("--ink"))
    axes.grid(visible=True, axis="x", color=colour_of("--rule"), linewidth=0.7)
    axes.grid(visible=False, axis="y")
    axes.spines["bottom"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: number(value, digits=0))


def _nothing(why: str, width: int) -> Figure:
    """An empty picture that says why it is empty."""
    figure = new_figure(width, 60)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.annotate(why, (0, 0.5), xycoords="axes fraction", fontsize=TYPE_SIZE, color=colour_of("--soft"))
    return figure
