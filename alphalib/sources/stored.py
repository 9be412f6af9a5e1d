"""The market as it lies on the bus: what every importer writes and every caller reads.

| table | columns |
|---|---|
| prices/daily/{year}.parquet | date, ticker, open, high, low, close, volume, vwap; sorted by ticker, date |
| prices/benchmarks.parquet | date, ticker, close (total return) |
| prices/minute/{ticker}/{year-month}.parquet | time (UTC), open, high, low, close, volume |
| prices/source.json | `market.Source` |
| actions/actions.parquet | date, ticker, kind, value, detail |
| universe/membership.parquet | ticker, start, end |
| universe/sectors.parquet | ticker, start, sector |
| universe/aliases.parquet | ticker, symbol, start, end |
| macro/macro.parquet | date (session whose close knows it), series, value |
| earnings/earnings.parquet | ticker, date, scheduled, surprise |
| fundamentals/fundamentals.parquet | ticker, period_end, known, one column a figure |
| text/headlines.parquet | known (session whose close knows it), published, ticker, headline |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow

from alphalib.errors import ContractError, InputError
from alphalib.market import Market, Panel, Source
from alphalib.sessions import Day, all_sessions, require_session
from alphalib.store import Store, parquet_bytes
from alphalib.universe import membership_mask, sector_codes

BAR = ["open", "high", "low", "close", "volume", "vwap"]

TABLES = {
    "actions": ("actions/actions.parquet", ["date", "ticker", "kind", "value", "detail"]),
    "benchmarks": ("prices/benchmarks.parquet", ["date", "ticker", "close"]),
    "membership": ("universe/membership.parquet", ["ticker", "start", "end"]),
    "sectors": ("universe/sectors.parquet", ["ticker", "start", "sector"]),
    "aliases": ("universe/aliases.parquet", ["ticker", "symbol", "start", "end"]),
    "macro": ("macro/macro.parquet", ["date", "series", "value"]),
    "earnings": ("earnings/earnings.parquet", ["ticker", "date", "scheduled", "surprise"]),
    "fundamentals": ("fundamentals/fundamentals.parquet", ["ticker", "period_end", "known"]),
    "headlines": ("text/headlines.parquet", ["known", "published", "ticker", "headline"]),
}
"""Name of each table but the bars: its path on the bus and the columns it must have."""

_OF_MARKET = ("actions", "benchmarks", "membership", "sectors", "macro", "earnings", "fundamentals")
_DATES = ("date", "start", "end", "scheduled", "period_end", "known", "published")


def bars_by_year(bars: pd.DataFrame) -> dict[str, bytes]:
    """Daily bars as artefacts, one a year, sorted by ticker and date."""
    complete = bars.reindex(columns=["date", "ticker", *BAR]).astype(dict.fromkeys(BAR, "float64"))
    return {
        f"prices/daily/{year}.parquet": parquet_bytes(
            rows.sort_values(["ticker", "date"], ignore_index=True), numbers=BAR
        )
        for year, rows in complete.groupby(complete["date"].dt.year)
    }


def read_table(store: Store, name: str) -> pd.DataFrame:
    """Read one of `TABLES`; an empty one with its columns when the store has none."""
    path, columns = TABLES[name]
    if store.exists(path):
        return store.read_table(path)
    types: Mapping[str, str] = {
        c: "datetime64[us]" if c in _DATES else "float64" if c in ("value", "surprise", "close") else "str"
        for c in columns
    }
    return pd.DataFrame({column: pd.Series(dtype=types[column]) for column in columns})


def read_market(store: Store, *, start: Day | None = None, asof: Day | None = None, survivors: bool = False) -> Market:
    """The market on the bus from `start` to the close of `asof`.

    Parameters
    ----------
    store : Store
        The bus.
    start : date, optional
        First session wanted; all history without it. Cutting the start changes what recursive averages remember, so
        callers that must agree pass the same one.
    asof : date, optional
        Last session known; the last one stored without it.
    survivors : bool
        Take every name with a price as a member on every date it has one. The result is labelled "survivors only".

    Raises
    ------
    SessionError
        When `asof` is not a session; the message says which to take.
    InputError
        When the store has no prices, or none in that span.
    """
    years = {int(path.split("/")[-1].removesuffix(".parquet")): path for path in store.paths("prices/daily/*.parquet")}
    if not years:
        raise InputError(
            f"the store {store.url} has no prices; run `python -m alphalib.pipeline weekly` for the embedded market, "
            "or `python -m alphalib import-prices FILE… --store …` for your own"
        )
    last = require_session(asof) if asof is not None else None
    first = pd.Timestamp(start) if start is not None else None
    wanted = [
        path
        for year, path in sorted(years.items())
        if (first is None or year >= first.year) and (last is None or year <= last.year)
    ]
    with ThreadPoolExecutor() as pool:
        whole = pool.map(lambda path: store.read_table(path, coded=["ticker"]), wanted)
        bars = [rows for rows in (_within(year, first, last) for year in whole) if len(rows)]
    pyarrow.default_memory_pool().release_unused()  # it would keep 200 MB for the next file, which never comes
    newest = max((rows["date"].max() for rows in bars), default=None)
    if newest is None or (last is not None and newest < last):
        span = f"{min(years)} to {max(years)}" if newest is None else f"up to {newest:%Y-%m-%d}"
        raise InputError(f"the store {store.url} has no prices for {_span(first, last)}; it has {span}")
    return assemble(bars, {name: read_table(store, name) for name in _OF_MARKET}, _source(store), survivors=survivors)


def _within(bars: pd.DataFrame, first: pd.Timestamp | None, last: pd.Timestamp | None) -> pd.DataFrame:
    """The bars from `first` to `last`; themselves, not a copy, when no row falls out."""
    inside = np.ones(len(bars), dtype=bool)
    if first is not None:
        inside &= (bars["date"] >= first).to_numpy()
    if last is not None:
        inside &= (bars["date"] <= last).to_numpy()
    return bars if inside.all() else bars[inside]


@dataclass(frozen=True)
class Span:
    """Which sessions the stored prices cover, and where they come from."""

    first: pd.Timestamp
    last: pd.Timestamp
    source: Source


def stored_span(store: Store) -> Span | None:
    """First and last session with stored prices; None when the store has none."""
    paths = store.paths("prices/daily/*.parquet")
    if not paths:
        return None
    first = store.read_table(paths[0], columns=["date"])["date"].min()
    last = store.read_table(paths[-1], columns=["date"])["date"].max()
    return Span(pd.Timestamp(first), pd.Timestamp(last), _source(store))


def assemble(
    bars: pd.DataFrame | Sequence[pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    source: Source,
    *,
    survivors: bool = False,
) -> Market:
    """A market from tidy bars and the tables of `TABLES`, known at the close of the last bar.

    Parameters
    ----------
    bars : DataFrame, or several
        `date, ticker, open, high, low, close, volume, vwap`, in any order.
    tables : mapping of str to DataFrame
        All of `TABLES` but aliases and headlines, which a market has no place for.
    source : Source
        Provenance.
    survivors : bool
        As in `read_market`; so is a market without any membership.
    """
    panels = _panels([bars] if isinstance(bars, pd.DataFrame) else bars)
    close = panels["close"]
    sessions, tickers = pd.DatetimeIndex(close.index), close.columns
    _require_sessions(tables["actions"], sessions)
    membership = tables["membership"]
    everyone = survivors or membership.empty
    member = close.notna() if everyone else membership_mask(membership, sessions, tickers)
    market = Market(
        **panels,
        member=member,
        sector=sector_codes(tables["sectors"], sessions, tickers),
        actions=tables["actions"],
        benchmarks=_known(tables["benchmarks"], "ticker", "close", sessions),
        macro=_known(tables["macro"], "series", "value", sessions),
        earnings=tables["earnings"],
        fundamentals=tables["fundamentals"],
        source=replace(source, members="survivors only") if everyone else source,
    )
    return market.asof(market.last)


def _require_sessions(actions: pd.DataFrame, sessions: pd.DatetimeIndex) -> None:
    """A split on a Saturday would fall on no session, be taken for none, and halve the price for good."""
    days = pd.DatetimeIndex(actions["date"])
    inside = (days >= sessions[0]) & (days <= sessions[-1])
    stray = actions[inside & ~days.isin(sessions) & actions["kind"].isin(["split", "dividend"])]
    if len(stray):
        faults = [
            f"{row.kind} of {row.ticker} on {row.date:%Y-%m-%d}, which is not a session of the exchange; "
            "date it by the first session from then on"
            for row in stray.head(5).itertuples()
        ]
        raise ContractError("actions/actions", faults)


def _panels(parts: Sequence[pd.DataFrame]) -> dict[str, Panel]:
    """Wide panels over every exchange session of the span, a name's history in one piece of memory."""
    span = all_sessions()
    first, last = min(part["date"].min() for part in parts), max(part["date"].max() for part in parts)
    sessions = span[span.searchsorted(first) : span.searchsorted(last, side="right")]
    coded = [pd.factorize(part["ticker"]) for part in parts]  # looking up each row's ticker takes a second for 3 M rows
    names = pd.Index(sorted({name for _, found in coded for name in found}), name="ticker", dtype="str")
    cells = []
    for part, (codes, found) in zip(parts, coded, strict=True):
        columns = sessions.get_indexer(pd.DatetimeIndex(part["date"]))
        if (columns < 0).any():
            stray = part["date"].to_numpy()[columns < 0][0]
            raise ContractError("prices/daily", [f"{pd.Timestamp(stray):%Y-%m-%d} is not a session of the exchange"])
        cells.append(names.get_indexer(pd.Index(found))[codes] * len(sessions) + columns)
    panels = {}
    for name in BAR:
        values = np.full((len(names), len(sessions)), np.nan)
        for part, cell in zip(parts, cells, strict=True):
            values.reshape(-1)[cell] = part[name].to_numpy(dtype=float)
        panels[name] = pd.DataFrame(values.T, index=sessions, columns=names, copy=False)
    return panels


def _known(table: pd.DataFrame, across: str, value: str, sessions: pd.DatetimeIndex) -> Panel:
    """A tidy table as a panel: at each session the latest value known at its close; series not begun have no column."""
    wide = table[table["date"] <= sessions[-1]].pivot(index="date", columns=across, values=value).sort_index()
    wide.index = pd.DatetimeIndex(wide.index).as_unit("us")
    filled = wide.reindex(wide.index.union(sessions)).ffill().reindex(sessions)
    return filled.rename_axis(index="date", columns=across)


def _source(store: Store) -> Source:
    path = "prices/source.json"
    try:
        return Source(**store.read_json(path))
    except TypeError as error:
        raise ContractError(path, [f"not where prices come from: {error}"]) from error


def _span(first: pd.Timestamp | None, last: pd.Timestamp | None) -> str:
    words = [
        f"from {first:%Y-%m-%d}" if first is not None else "",
        f"up to {last:%Y-%m-%d}" if last is not None else "",
    ]
    return " ".join(word for word in words if word) or "any date"


__all__ = ["BAR", "TABLES", "assemble", "bars_by_year", "read_market", "read_table"]
