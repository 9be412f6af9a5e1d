"""Everything but daily bars from a user's own files: members, sectors, aliases, macro, earnings, fundamentals, minutes.

Each table has one pure function from a file to rows as the bus wants them, with the sentences a person should read. A
symbol of a file is a column of the store through the aliases, at the date the row is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import sector_name
from alphalib.sessions import FIRST_DAY, all_sessions
from alphalib.sources.columns import Table, dates, guessed, numbers, required, respelled, tickers, told
from alphalib.sources.files import Step, read_file, refuse_simulated
from alphalib.sources.stored import TABLES, read_table
from alphalib.store import Store, parquet_bytes
from alphalib.universe import FOREVER

Given: TypeAlias = Mapping[str, str]
Read: TypeAlias = tuple[pd.DataFrame, list[str]]

SURPRISE_FLOOR = 0.05  # [currency] estimates nearer zero count as this much
_FIRST = pd.Timestamp(FIRST_DAY)


def members(table: Table, *, given: Given, aliases: pd.DataFrame) -> Read:
    """Membership intervals: `ticker, start, end`, both ends included, NaT still running.

    A file whose ends are the days on which successors begin states the first day outside; its ends go back by one day.
    """
    roles = guessed(table.rows.columns, ["ticker", "start", "end"], given=given)
    required(roles, ["ticker", "start"], table)
    start = dates(table, roles["start"])
    end = dates(table, roles["end"], optional=True) if "end" in roles else pd.Series(pd.NaT, index=start.index)
    end = end.astype("datetime64[us]")
    lines = [told(table, roles), *_spelling(table, roles["ticker"])]
    replaced = end.dropna().isin(set(start)).mean() if end.notna().any() else 0.0
    if replaced > 0.5:
        end = end - pd.Timedelta(days=1)
        lines.append(
            f"{table.file}: on {replaced:.0%} of the end dates another name begins, so an end date is the first day "
            "outside"
        )
    backwards = np.flatnonzero(end < start)
    if len(backwards):
        row = int(backwards[0])
        name = table.rows[roles["ticker"]].iloc[row]
        raise InputError(f"{table.place(row, roles['end'])}: {name} ends {end[row]:%Y-%m-%d}, before it starts")
    rows = pd.DataFrame({"ticker": tickers(table, roles["ticker"]), "start": start, "end": end})
    resolved, changed = renamed_intervals(rows, aliases)
    running = int(resolved["end"].isna().sum())
    lines.append(f"{resolved['ticker'].nunique():,} names in {len(resolved):,} intervals, {running} still running")
    return resolved, lines + _renamed(changed)


def sectors(table: Table, *, given: Given, aliases: pd.DataFrame) -> Read:
    """Sectors by date: `ticker, start, sector`; a file without dates is today's sector looked at backwards."""
    roles = guessed(table.rows.columns, ["ticker", "sector", "start"], given=given)
    required(roles, ["ticker", "sector"], table)
    names = tickers(table, roles["ticker"])
    texts = table.rows[roles["sector"]].astype("str").reset_index(drop=True)
    # The day a name joined an index, which some sector files carry, is not the day its sector began.
    dated = "start" in roles and names.duplicated().any()
    if not dated:
        roles.pop("start", None)
    lines = [told(table, roles), *_spelling(table, roles["ticker"])]
    if dated:
        start = dates(table, roles["start"])
    else:
        start = pd.Series(_FIRST, index=names.index).astype("datetime64[us]")
        lines.append(f"{table.file}: one sector a name; it is today's, looked at backwards from {FIRST_DAY}")
    known = texts.map({text: sector_name(text) for text in texts.unique()})
    strange = texts[known.isna()].value_counts()
    if len(strange) == texts.nunique():
        raise InputError(
            f"{table.file}, column {roles['sector']!r}: no GICS sector among {', '.join(strange.index[:5])}"
        )
    if len(strange):
        shown = ", ".join(f"{text!r} ({count})" for text, count in strange.items())
        lines.append(f"{table.file}: unknown sectors, left unknown: {shown}")
    rows = pd.DataFrame({"ticker": names, "start": start, "sector": known.fillna(texts).astype("str")})
    at = rows["start"] if dated else pd.Series(FOREVER, index=rows.index)
    resolved, changed = renamed(rows, at, aliases)
    return resolved.drop_duplicates(["ticker", "start"], keep="last", ignore_index=True), lines + _renamed(changed)


def alias_table(table: Table, *, given: Given, aliases: pd.DataFrame) -> Read:
    """Aliases: `ticker` (column of the store), `symbol` (on the exchange), `start, end`, both included."""
    roles = guessed(table.rows.columns, ["column", "symbol", "start", "end"], given=given)
    required(roles, ["column", "symbol"], table)
    empty = pd.Series(pd.NaT, index=table.rows.index).astype("datetime64[us]")
    rows = pd.DataFrame(
        {
            "ticker": tickers(table, roles["column"]),
            "symbol": tickers(table, roles["symbol"]),
            "start": dates(table, roles["start"], optional=True).fillna(_FIRST)
            if "start" in roles
            else empty.fillna(_FIRST),
            "end": dates(table, roles["end"], optional=True) if "end" in roles else empty,
        }
    )
    ordered = rows.sort_values(["symbol", "start"], ignore_index=True)
    overlap = ordered["symbol"].eq(ordered["symbol"].shift()) & (
        ordered["start"] <= ordered["end"].shift().fillna(FOREVER)
    )
    if overlap.any():
        row = ordered[overlap].iloc[0]
        raise InputError(f"{table.file}: {row['symbol']} stands for two columns on {row['start']:%Y-%m-%d}")
    kept = aliases[~aliases["symbol"].isin(rows["symbol"])]
    note = "import members, sectors, earnings and fundamentals after their aliases: what is stored is not renamed"
    return pd.concat([kept, rows], ignore_index=True) if len(kept) else rows, [told(table, roles), note]


def earnings(table: Table, *, given: Given, aliases: pd.DataFrame) -> Read:
    """Reports: `ticker`, `date` (first session that could trade on it), `scheduled`, `surprise`.

    A report before the open can be traded in that session; one after the close, or at an unknown time, in the next.
    The surprise is (actual − estimate) / max(|estimate|, 0.05), bounded to ±1. [fraction]
    """
    wanted = ["ticker", "reported", "release_time", "estimate", "actual", "scheduled"]
    roles = guessed(table.rows.columns, wanted, given=given)
    has_both = "estimate" in roles and "actual" in roles
    if not has_both:
        roles = guessed(
            table.rows.columns, ["ticker", "reported", "release_time", "surprise", "scheduled"], given=given
        )
    required(roles, ["ticker", "reported"], table)
    required(roles, ["estimate", "actual"] if not has_both and "surprise" not in roles else [], table)
    day = dates(table, roles["reported"])
    lines = [told(table, roles), *_spelling(table, roles["ticker"])]
    early = pd.Series(False, index=day.index)
    if "release_time" in roles:
        text = table.rows[roles["release_time"]].astype("str").str.casefold().str.strip().reset_index(drop=True)
        early = text.isin(["pre", "bmo", "before", "before market open", "premarket", "pre-market", "am"])
        lines.append(
            f"{table.file}: {early.sum():,} reports before the open, {(~early).sum():,} tradable in the next session"
        )
    else:
        lines.append(f"{table.file}: no time of day; every report is tradable in the next session")
    if has_both:
        estimate, actual = numbers(table, roles["estimate"]), numbers(table, roles["actual"])
        surprise = np.clip((actual - estimate) / np.maximum(np.abs(estimate), SURPRISE_FLOOR), -1.0, 1.0)
        lines.append(f"surprise = (actual − estimate) / max(|estimate|, {SURPRISE_FLOOR}), bounded to ±1")
    else:
        surprise = numbers(table, roles["surprise"])
        lines.append("surprise is taken as it is, a fraction")
    scheduled = dates(table, roles["scheduled"], optional=True) if "scheduled" in roles else None
    if scheduled is None:
        lines.append("dates were not announced ahead in this file, so nothing is sized down before a report")
        scheduled = pd.Series(pd.NaT, index=day.index).astype("datetime64[us]")
    rows = pd.DataFrame(
        {"ticker": tickers(table, roles["ticker"]), "date": day, "scheduled": scheduled, "surprise": surprise}
    )
    rows, changed = renamed(rows, rows["date"], aliases)
    rows["date"] = sessions_after(rows["date"], include=early)
    return _kept_last(rows, ["ticker", "date"], lines + _renamed(changed))


def fundamentals(table: Table, *, given: Given, aliases: pd.DataFrame) -> Read:
    """Figures by filing: `ticker`, `period_end`, `known` (the session after the filing), then one column a figure."""
    roles = guessed(table.rows.columns, ["ticker", "period_end", "available"], given=given)
    required(roles, ["ticker", "period_end", "available"], table)
    figures = [column for column in table.rows.columns if column not in roles.values()]
    filed, period = dates(table, roles["available"]), dates(table, roles["period_end"])
    early = np.flatnonzero(filed < period)
    if len(early):
        raise InputError(f"{table.place(int(early[0]), roles['available'])}: filed before its period ended")
    values = {str(column): numbers(table, column) for column in figures}
    rows = pd.DataFrame({"ticker": tickers(table, roles["ticker"]), "period_end": period, "known": filed, **values})
    rows, changed = renamed(rows, rows["known"], aliases)
    rows["known"] = sessions_after(rows["known"], include=False)
    lines = [
        f"{told(table, roles, others='figures')}; known from the session after the filing",
        *_spelling(table, roles["ticker"]),
        *_renamed(changed),
    ]
    missing = {name: float(np.mean(np.isnan(value))) for name, value in values.items()}
    sparse = ", ".join(f"{name} {share:.0%}" for name, share in missing.items() if share > 0.1)
    return _kept_last(rows, ["ticker", "period_end", "known"], lines + ([f"missing: {sparse}"] if sparse else []))


def renamed(rows: pd.DataFrame, at: pd.Series, aliases: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Rows with the symbols of date `at` as columns of the store, and how many changed."""
    names = rows["ticker"].to_numpy(dtype=object).copy()
    for alias in aliases[aliases["symbol"].isin(rows["ticker"])].itertuples():
        end = FOREVER if pd.isna(alias.end) else alias.end
        names[((rows["ticker"] == alias.symbol) & (at >= alias.start) & (at <= end)).to_numpy()] = alias.ticker
    changed = int((names != rows["ticker"].to_numpy(dtype=object)).sum())
    return rows.assign(ticker=pd.Series(names, index=rows.index, dtype="str")), changed


def renamed_intervals(rows: pd.DataFrame, aliases: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Intervals of symbols as intervals of columns, cut where a symbol passes from one column to another."""
    concerned = rows["ticker"].isin(set(aliases["symbol"]))
    made: list[tuple[str, pd.Timestamp, pd.Timestamp]] = []
    for row in rows[concerned].itertuples():
        at, end = row.start, FOREVER if pd.isna(row.end) else row.end
        for alias in aliases[aliases["symbol"] == row.ticker].sort_values("start").itertuples():
            stop = min(end, FOREVER if pd.isna(alias.end) else alias.end)
            begin = max(at, alias.start)
            if begin > stop:
                continue
            if at < begin:
                made.append((row.ticker, at, begin - pd.Timedelta(days=1)))
            made.append((alias.ticker, begin, stop))
            at = stop + pd.Timedelta(days=1)
        if at <= end:
            made.append((row.ticker, at, end))
    cut = pd.DataFrame(made, columns=["ticker", "start", "end"])
    cut["end"] = cut["end"].where(cut["end"] < FOREVER, pd.NaT)
    typed = cut.astype({"ticker": "str", "start": "datetime64[us]", "end": "datetime64[us]"})
    if typed.empty:
        return rows.reset_index(drop=True), 0
    changed = int((~typed["ticker"].isin(rows["ticker"])).sum())
    return pd.concat([rows[~concerned], typed], ignore_index=True), changed


def sessions_after(days: pd.Series, *, include: pd.Series | bool) -> pd.Series:
    """First session after each day, or on it where `include` is true."""
    sessions = all_sessions()
    strictly = sessions.searchsorted(days, side="right")
    position = np.where(include, sessions.searchsorted(days, side="left"), strictly)
    outside = (position >= len(sessions)) | (days < _FIRST).to_numpy()
    if outside.any():
        raise InputError(f"{days[outside].iloc[0]:%Y-%m-%d} lies outside the calendar, which begins {FIRST_DAY}")
    return pd.Series(sessions[position], index=days.index)


READERS: Mapping[str, Callable[..., Read]] = {
    "membership": members,
    "sectors": sectors,
    "aliases": alias_table,
    "earnings": earnings,
    "fundamentals": fundamentals,
}
"""Reader of each table of the store that one file at a time makes."""


KEYS: Mapping[str, list[str]] = {
    "membership": ["ticker", "start", "end"],
    "sectors": ["ticker", "start"],
    "aliases": ["ticker", "symbol", "start", "end"],
    "earnings": ["ticker", "date"],
    "fundamentals": ["ticker", "period_end", "known"],
}
"""What makes a row of each table; of several files the last has its way."""


def import_table(store: Store, name: str, paths: Sequence[Path], *, given: Given, step: Step) -> list[str]:
    """Read files into one of `READERS`, in place of what the store had; returns what a person should read."""
    refuse_simulated(store)
    aliases = read_table(store, "aliases")
    parts, lines = [], []
    for path in paths:
        step(f"reading {path.name}")
        part, told_lines = READERS[name](read_file(path), given=given, aliases=aliases)
        parts.append(part)
        lines += told_lines
    step("writing")
    whole = pd.concat(parts, ignore_index=True).drop_duplicates(KEYS[name], keep="last", ignore_index=True)
    with store.lock("pipeline"):
        store.write_together({TABLES[name][0]: parquet_bytes(whole)})
    return [*lines, f"{len(whole):,} rows in {TABLES[name][0]}"]


def _kept_last(rows: pd.DataFrame, key: list[str], lines: list[str]) -> Read:
    doubled = int(rows.duplicated(key).sum())
    note = [f"{doubled:,} rows repeat {', '.join(key)}; the last of each was taken"] if doubled else []
    return rows.drop_duplicates(key, keep="last").sort_values(key, ignore_index=True), lines + note


def _spelling(table: Table, column: str) -> list[str]:
    line = respelled(table, column)
    return [line] if line else []


def _renamed(changed: int) -> list[str]:
    return [f"{changed:,} rows were renamed by the aliases"] if changed else []
