"""Minute bars laid beside a history, for entries and stops that fill when they would have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.backtest.triggers import MINUTE
from alphalib.compiled import Floats, Ints, Records, frozen
from alphalib.decision.history import History
from alphalib.errors import InputError
from alphalib.sessions import calendar
from alphalib.store import Store

BARS = ("open", "high", "low", "close", "volume")
TOLERANCE = 0.10
"""By how much a session's minutes may reach beyond its daily bar before they are called another price. [fraction]"""
NANOSECONDS = 60_000_000_000  # a minute


@dataclass(frozen=True, eq=False)
class Minutes:
    """Minute bars of some names in some sessions of a history; elsewhere daily bars serve.

    Parameters
    ----------
    sessions, tickers : Index
        The history's.
    start, end : array of int, sessions × tickers
        Rows of `bars` that belong together, the end not included. Read-only.
    bars : records of triggers.Minute
        By name, then by time. Read-only.
    lengths : array of int
        Of the sessions: 390, or 210 on a half-day. [minutes]
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    start: Ints
    end: Ints
    bars: Records
    lengths: Ints


def minutes_of(source: Store | Mapping[str, pd.DataFrame], history: History) -> Minutes:
    """Minute bars in regular hours, for a simulation over `history`.

    Parameters
    ----------
    source : Store or mapping
        The bus with `prices/minute/…`, or ticker to a table of `time` (start of the minute, with its zone), `open,
        high, low, close` [currency, as printed that day] and `volume` [shares]. Names and sessions that the history has
        not are left out, and so are bars without prices and those of a name in a session without its daily bar.
    history : History
        Names and sessions.

    Raises
    ------
    InputError
        When a minute has two bars, times have no zone, or prices are not those of the daily bars.
    """
    opened, lengths = _opened(history.sessions)
    shape = len(history.sessions), len(history.tickers)
    start, end = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    parts, used = [np.zeros(0, MINUTE)], 0
    files = _files(source, history.sessions) if isinstance(source, Store) else {}
    for place, ticker in enumerate(history.tickers):
        table = _of_store(source, files.get(ticker, [])) if isinstance(source, Store) else source.get(ticker)
        if table is None or table.empty:
            continue
        row, bars = _of_name(table, ticker, opened, lengths)
        traded = ~np.isnan(history.bars["high"][row, place])
        row, bars = row[traded], bars[traded]
        count = np.bincount(row, minlength=shape[0])
        end[:, place] = used + np.cumsum(count)
        start[:, place] = end[:, place] - count
        parts.append(bars)
        used += len(bars)
    arrays = frozen((start, end, np.concatenate(parts), lengths))
    minutes = Minutes(history.sessions, history.tickers, *arrays)
    _require_same_prices(minutes, history)
    return minutes


def no_minutes(history: History) -> Minutes:
    """Daily bars everywhere."""
    none = np.zeros((1, len(history.tickers)), np.int64)
    return Minutes(history.sessions, history.tickers, *frozen((none, none, np.zeros(0, MINUTE), np.zeros(1, np.int64))))


def _opened(sessions: pd.DatetimeIndex) -> tuple[Ints, Ints]:
    """When each session opened [ns since 1970, UTC], and its length [minutes]."""
    opened, closed = (
        column.loc[sessions].to_numpy("datetime64[ns]").astype(np.int64)
        for column in (calendar().opens, calendar().closes)
    )
    return opened, (closed - opened) // NANOSECONDS


def _files(store: Store, sessions: pd.DatetimeIndex) -> dict[str, list[str]]:
    """Paths by name of what the bus has in the months of these sessions."""
    wanted, files = set(sessions.strftime("%Y-%m")), defaultdict(list)
    for path in store.paths("prices/minute/*/*.parquet"):
        *_, ticker, month = path.removesuffix(".parquet").split("/")
        if month in wanted:
            files[ticker].append(path)
    return files


def _of_store(store: Store, paths: list[str]) -> pd.DataFrame | None:
    return pd.concat([store.read_table(path) for path in paths], ignore_index=True) if paths else None


def _of_name(table: pd.DataFrame, ticker: str, opened: Ints, lengths: Ints) -> tuple[NDArray[np.intp], Records]:
    """Row of the session of each bar in regular hours, and the bars, by time."""
    missing = [column for column in ("time", *BARS) if column not in table.columns]
    if missing:
        raise InputError(f"minute bars of {ticker} have no column {', '.join(missing)}")
    times = pd.DatetimeIndex(table["time"])
    if times.tz is None:
        raise InputError(f"minute bars of {ticker}: times need a zone; give them in UTC")
    at = times.tz_convert("UTC").as_unit("ns").asi8
    order = np.argsort(at, kind="stable")
    at = at[order]
    values = {field: table[field].to_numpy(np.float64)[order] for field in BARS}
    row = np.searchsorted(opened, at, side="right") - 1
    minute = (at - opened[row]) // NANOSECONDS
    priced = np.logical_and.reduce([values[field] > 0 for field in BARS[:4]])
    good = (row >= 0) & (minute < lengths[row]) & priced
    row, minute = row[good], minute[good]
    twice = np.flatnonzero((np.diff(row) == 0) & (np.diff(minute) == 0))
    if len(twice):
        when = pd.Timestamp(int(at[good][twice[0]]), tz="UTC")
        raise InputError(f"minute bars of {ticker}: {when:%Y-%m-%d %H:%M} UTC has two; keep one")
    bars = np.zeros(len(row), MINUTE)
    bars["minute"] = minute
    for field in BARS:
        bars[field] = values[field][good]
    return row, bars


def _require_same_prices(minutes: Minutes, history: History) -> None:
    """Refuse minutes that leave their daily bar: one of the two is adjusted for splits and the other not."""
    rows, places = np.nonzero(minutes.end > minutes.start)
    starts = minutes.start[rows, places]
    by_name = np.argsort(starts)
    rows, places, starts = rows[by_name], places[by_name], starts[by_name]
    if not len(starts):
        return
    low: Floats = np.minimum.reduceat(minutes.bars["low"], starts)
    high: Floats = np.maximum.reduceat(minutes.bars["high"], starts)
    daily_low, daily_high = (history.bars[field][rows, places] for field in ("low", "high"))
    wrong = np.flatnonzero((low < daily_low * (1 - TOLERANCE)) | (high > daily_high * (1 + TOLERANCE)))
    if len(wrong):
        cell = wrong[0]
        name, day = history.tickers[places[cell]], history.sessions[rows[cell]]
        raise InputError(
            f"minute bars of {name} on {day:%Y-%m-%d} run from {low[cell]:g} to {high[cell]:g}, its daily bar from "
            f"{daily_low[cell]:g} to {daily_high[cell]:g}; both must be as printed that day, without later splits"
        )
