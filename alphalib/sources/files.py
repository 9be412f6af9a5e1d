"""Prices from a user's own files: read, guess, check, derive, and only then write.

Nothing here writes before everything was checked, and what is written appears all at once. Each import returns the
sentences a person should read: what the columns were taken for, what the prices are, what was doubtful.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import SECTOR_ETFS, Source
from alphalib.sessions import all_sessions, next_session
from alphalib.sources.adjustment import Implied, Prices, implied_actions, no_actions
from alphalib.sources.columns import (
    Table,
    dates,
    folded,
    guessed,
    numbers,
    required,
    respelled,
    symbol,
    tickers,
    told,
)
from alphalib.sources.quality import Gated, QualityReport, Relisting, gate
from alphalib.sources.stored import BAR, TABLES, bars_by_year, read_table
from alphalib.store import Store, json_bytes, parquet_bytes

FIELDS = ["open", "high", "low", "close", "adj_close", "volume", "vwap"]
GONE = 21  # [sessions] a name without a row for so long at the end of the file has left it
EMPTY = ["", "NaN", "nan"]  # not "NA", "n/a" or "null": the first is a ticker, the others are for the user to see

Step = Callable[[str], None]


def read_file(path: Path) -> Table:
    """A CSV or parquet file as it is.

    Raises
    ------
    InputError
        When it is not there, empty, cut off or of another kind.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name its files, such as {path}/*.csv")
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")
    parquet = path.suffix in (".parquet", ".pq")
    try:
        rows = _parquet(path) if parquet else _csv(path)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8: {error}") from error
    except (OSError, ValueError) as error:
        kind = "parquet" if parquet else "CSV"
        raise InputError(f"{path} is not a readable {kind} file, perhaps cut off: {_first_line(error)}") from error
    if rows.empty:
        raise InputError(f"{path} has the columns {', '.join(map(str, rows.columns))} and no rows")
    return Table(str(path), rows.reset_index(drop=True), 1 if parquet else 2)


def _parquet(path: Path) -> pd.DataFrame:
    rows = pd.read_parquet(path)
    labelled = isinstance(rows.index, pd.DatetimeIndex | pd.MultiIndex) or rows.index.name is not None
    return rows.reset_index() if labelled else rows


def _csv(path: Path) -> pd.DataFrame:
    with fsspec.open(str(path), "rt", compression="infer", encoding="utf-8-sig") as file:
        content = io.StringIO(file.read())  # pandas, reading the file itself, takes a Ctrl-C for a broken file
    header = content.readline()
    separator = max(",;\t|", key=header.count)
    names = pd.read_csv(io.StringIO(header), sep=separator).columns
    text = {name: "str" for name in names if folded(name) in ("ticker", "symbol", "tic", "series")}
    content.seek(0)
    return pd.read_csv(content, sep=separator, dtype=text, keep_default_na=False, na_values=EMPTY, low_memory=False)


def long_prices(table: Table, *, given: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """A file of prices as long rows, whatever its layout.

    Returns
    -------
    (DataFrame, list of str)
        `date`, `ticker` and those of `FIELDS` that the file has; what was guessed, for a person.

    Raises
    ------
    InputError
        When there is no date or price column, or a value is not what its column says.
    """
    roles = guessed(
        table.rows.columns, ["date", "ticker", "adj_close", *(f for f in FIELDS if f != "adj_close")], given=given
    )
    required(roles, ["date"], table)
    fields = [field for field in FIELDS if field in roles]
    if not fields and "ticker" not in roles:
        return _unpivoted(table, roles["date"])
    if "close" not in roles and "adj_close" not in roles:
        required(roles, ["close"], table)
    days = dates(table, roles["date"])
    lines = [told(table, roles)]
    if "ticker" in roles:
        names = tickers(table, roles["ticker"])
        lines += [line for line in [respelled(table, roles["ticker"])] if line]
    else:
        names = pd.Series(symbol(table.stem), index=days.index, dtype="str")
        lines.append(f"{table.file}: no ticker column; all rows are taken for {names.iloc[0]}, the file's name")
        _one_security(table, days)
    long = pd.DataFrame({"date": days, "ticker": names, **{f: numbers(table, roles[f]) for f in fields}})
    if not (long["ticker"].ne(long["ticker"].shift()) | (long["date"] >= long["date"].shift())).all():
        lines.append(f"{table.file}: dates go back and forth within a name; the rows were sorted by ticker and date")
    return long, lines


def _unpivoted(table: Table, date: str) -> tuple[pd.DataFrame, list[str]]:
    """A file with one column a ticker; the quantity is read from the file's name, else it is the close."""
    columns = [column for column in table.rows.columns if str(column) != date]
    if not columns:
        raise InputError(f"{table.file} has a date column and nothing else")
    stem = folded(table.stem)
    field = next((f for f in ("adj_close", *(f for f in FIELDS if f != "adj_close")) if folded(f) in stem), "close")
    days = dates(table, date)
    parts = [
        pd.DataFrame({"date": days, "ticker": symbol(str(column)), field: numbers(table, column)}) for column in columns
    ]
    long = pd.concat(parts, ignore_index=True).dropna(subset=[field])
    long["ticker"] = long["ticker"].astype("str")
    return long, [f"{table.file}: one column a ticker ({len(columns)} of them), date = {date}; taken for {field}"]


def _one_security(table: Table, days: pd.Series) -> None:
    repeated = int(days.duplicated().sum())
    if repeated > 0.01 * len(days):
        raise InputError(
            f"{table.file} has no ticker column, and {repeated:,} of its {len(days):,} dates appear again: it seems to "
            "hold several securities. Add a column `ticker`, or name it with --column ticker=NAME"
        )


def together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of several files; files of one quantity each are joined by date and ticker."""
    groups: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for part in parts:
        groups.setdefault(tuple(part.columns), []).append(part)
    stacked = [pd.concat(same, ignore_index=True) for same in groups.values()]
    joined = stacked[0]
    for more in stacked[1:]:
        if set(joined.columns) & set(more.columns) != {"date", "ticker"}:
            joined = pd.concat([joined, more], ignore_index=True)
        else:
            joined = joined.merge(more, on=["date", "ticker"], how="outer")
    return joined


def complete(long: pd.DataFrame, *, today: pd.Timestamp) -> tuple[pd.DataFrame, list[str]]:
    """Bars with every field, dates inside the calendar; what was done about it, for a person.

    Raises
    ------
    InputError
        When a row lies in the future.
    """
    future = long[long["date"] > today]
    if len(future):
        first = future.iloc[0]
        raise InputError(
            f"{first['ticker']} has a row of {first['date']:%Y-%m-%d}, which lies in the future: "
            f"today is {today:%Y-%m-%d}" + (f"; {len(future):,} rows do" if len(future) > 1 else "")
        )
    lines = []
    old = long["date"] < all_sessions()[0]
    if old.any():
        lines.append(f"{old.sum():,} rows before {all_sessions()[0]:%Y-%m-%d} are left out: the calendar begins there")
        long = long[~old]
    bare = (
        long[[f for f in FIELDS if f in long and f not in ("volume", "adj_close")] or ["adj_close"]].isna().all(axis=1)
    )
    if bare.any():
        lines.append(f"{bare.sum():,} rows without any price are left out")
        long = long[~bare]
    if long.empty:
        raise InputError("no row with a price is left")
    if "close" not in long:
        long = long.assign(close=long["adj_close"])
        lines.append("there is only an adjusted close: levels mean nothing, dividends cannot be told from prices")
    absent = [field for field in FIELDS if field not in long and field not in ("vwap", "adj_close")]
    if absent:
        effect = "; without volume no name counts as traded" if "volume" in absent else ""
        lines.append(f"the files have no {', '.join(absent)}: missing in every row{effect}")
    return long.reindex(columns=["date", "ticker", *FIELDS]), lines


def import_prices(
    store: Store,
    paths: Sequence[Path],
    *,
    today: pd.Timestamp,
    prices: Prices | None = None,
    given: Mapping[str, str],
    step: Step,
) -> list[str]:
    """Daily bars of stocks, their implied actions and their quality report, in place of what the store had.

    Parameters
    ----------
    store : Store
        The bus.
    paths : sequence of Path
        CSV or parquet.
    today : Timestamp
        Later rows are an error.
    prices : {"raw", "split-adjusted"}, optional
        What `close` is; guessed from `adj_close` without it.
    given : mapping
        Column names that need no guess, by role.
    step : callable
        Is told what is being done, once a step: one a file and `STEPS_AFTER` more.

    Returns
    -------
    list of str
        What a person should read.
    """
    refuse_simulated(store)
    parts, lines = _read_all(paths, given, step)
    bars, more = complete(together(parts), today=today)
    gated, found = examined(bars, prices=prices, step=step)
    kind: Prices = prices or "split-adjusted"
    if found:
        kind, actions = found.prices, found.actions
        notes = [f"prices are {kind}: {found.why}", _found(actions, found.unexplained)]
    else:
        actions = no_actions()
        notes = [
            f"prices are taken for {kind}" + ("" if prices else ", the careful choice: there is no adj_close to tell"),
            "without adj_close there are no dividends: returns are price returns",
        ]
    if kind == "split-adjusted":
        notes.append("every rule in dollars or shares is off: these levels know later splits")
    ended = _delistings(gated.bars, gated.report.relisted)
    if len(ended):
        notes.append(
            f"{len(ended)} name(s) end more than {GONE} sessions before the file does; what their holders received is "
            "unknown, the last price is assumed"
        )
    report = gated.report.model_copy(update={"notes": [*more, *notes]})
    aliases = _aliases(read_table(store, "aliases"), report.relisted, gated.bars)
    step("writing")
    name = ", ".join(dict.fromkeys(path.stem for path in paths))
    files = {
        **bars_by_year(gated.bars),
        TABLES["actions"][0]: parquet_bytes(pd.concat([actions, ended], ignore_index=True)),
        "prices/source.json": json_bytes(asdict(Source(name=name, prices=kind)), name="prices/source.json"),
        **_quality_files(report, gated.quarantined, "prices/quality.json", "prices/quarantine.parquet"),
    }
    if len(aliases):
        files[TABLES["aliases"][0]] = parquet_bytes(aliases)
    with store.lock("pipeline"):
        store.write_together(files, instead_of=store.paths("prices/daily/*.parquet"))
    return [*lines, *report.lines(), "quality report: prices/quality.json; quarantined rows: prices/quarantine.parquet"]


STEPS_AFTER = 3
"""Steps that an import of prices takes after reading its files."""


def examined(bars: pd.DataFrame, *, prices: Prices | None = None, step: Step) -> tuple[Gated, Implied | None]:
    """Bars of `complete` through the quality gate, and the actions that an adjusted close implies, if there is one."""
    step("checking every bar")
    ordered = bars.sort_values(["ticker", "date"], kind="stable", ignore_index=True)
    adjusted = ordered["adj_close"].notna().any()
    first_look = implied_actions(ordered, prices=prices) if adjusted else None
    gated = gate(ordered, first_look.actions if first_look else no_actions())
    step("deriving dividends and splits")
    if first_look is None:
        return gated, None
    return gated, implied_actions(gated.bars, prices=first_look.prices)._replace(why=first_look.why)


def import_benchmarks(
    store: Store, paths: Sequence[Path], *, today: pd.Timestamp, given: Mapping[str, str], step: Step
) -> list[str]:
    """Total-return closes of SPY, the sector ETFs and whatever else the files hold, in place of what the store had."""
    refuse_simulated(store)
    parts, lines = _read_all(paths, given, step)
    bars, more = complete(together(parts), today=today)
    step("checking every bar")
    adjusted = bars["adj_close"].notna().any()
    total = bars.sort_values(["ticker", "date"], kind="stable", ignore_index=True)
    gated = gate(total, implied_actions(total).actions if adjusted else no_actions())
    table = gated.bars[["date", "ticker"]].assign(close=gated.bars["adj_close" if adjusted else "close"])
    notes = ["total returns are those of adj_close" if adjusted else "close is taken to have its dividends in it"]
    absent = [name for name in ("SPY", *SECTOR_ETFS) if name not in set(table["ticker"])]
    if absent:
        notes.append(f"not in the files: {', '.join(absent)}; comparisons with them are left out")
    late = table.groupby("ticker")["date"].min().loc[lambda first: first > table["date"].min()]
    if len(late):
        notes.append("later starts: " + ", ".join(f"{name} {first:%Y-%m-%d}" for name, first in late.items()))
    report = gated.report.model_copy(update={"notes": [*more, *notes]})
    step("writing")
    quality, quarantine = "prices/benchmarks_quality.json", "prices/benchmarks_quarantine.parquet"
    with store.lock("pipeline"):
        store.write_together(
            {
                TABLES["benchmarks"][0]: parquet_bytes(table),
                **_quality_files(report, gated.quarantined, quality, quarantine),
            }
        )
    return [*lines, *report.lines(), f"quality report: {quality}; quarantined rows: {quarantine}"]


def _read_all(paths: Sequence[Path], given: Mapping[str, str], step: Step) -> tuple[list[pd.DataFrame], list[str]]:
    if not paths:
        raise InputError("name at least one file")
    parts, lines = [], []
    for path in paths:
        step(f"reading {path.name}")
        part, told_lines = long_prices(read_file(path), given=given)
        parts.append(part)
        lines += told_lines
    return parts, lines


def refuse_simulated(store: Store) -> None:
    """Real prices beside simulated earnings, news and members would be read as one market."""
    stored = store.read_json("prices/source.json") if store.exists("prices/source.json") else {}
    if stored.get("simulated"):
        raise InputError(
            f"the store {store.url} holds the simulated market {stored['name']!r}; name another folder with --store"
        )


def _found(actions: pd.DataFrame, unexplained: int) -> str:
    counts = actions["kind"].value_counts()
    sentence = f"adj_close implies {counts.get('dividend', 0):,} dividends and {counts.get('split', 0):,} splits"
    if unexplained:
        sentence += f"; {unexplained:,} other changes of adj_close against close are no distribution and were left out"
    return sentence


def _delistings(bars: pd.DataFrame, relisted: Sequence[Relisting]) -> pd.DataFrame:
    """Names whose rows end before the file does, or whose symbol another security took over."""
    last = bars.groupby("ticker")["date"].max()
    sessions = all_sessions()
    before_end = sessions.searchsorted(last.max()) - sessions.searchsorted(pd.DatetimeIndex(last))
    replaced = {listing.symbol for listing in relisted}
    gone = last[(before_end > GONE) | last.index.isin(replaced)]
    return pd.DataFrame(
        {
            "date": pd.DatetimeIndex([next_session(day) for day in gone]).as_unit("us"),
            "ticker": pd.Series(gone.index, dtype="str"),
            "kind": pd.Series("delisting", index=range(len(gone)), dtype="str"),
            "value": np.zeros(len(gone)),
            "detail": pd.Series("unknown; last price assumed", index=range(len(gone)), dtype="str"),
        }
    )


def _aliases(stored: pd.DataFrame, relisted: Sequence[Relisting], bars: pd.DataFrame) -> pd.DataFrame:
    """Stored aliases and those that say which column a reused symbol is at a date."""
    rows = []
    for listing in relisted:
        start = pd.Timestamp(listing.start)
        rows.append((listing.ticker, listing.symbol, start))
        first = bars.loc[bars["ticker"] == listing.symbol, "date"].min()
        if listing.ticker.endswith(".2"):
            rows.append((listing.symbol, listing.symbol, first))
    made = pd.DataFrame(rows, columns=["ticker", "symbol", "start"]).sort_values(["symbol", "start"])
    made["end"] = made.groupby("symbol")["start"].shift(-1) - pd.Timedelta(days=1)
    if made.empty:
        return stored
    typed = made.astype({"ticker": "str", "symbol": "str", "start": "datetime64[us]", "end": "datetime64[us]"})
    kept = stored[~(stored["ticker"].isin(typed["ticker"]) & stored["symbol"].isin(typed["symbol"]))]
    return pd.concat([kept, typed], ignore_index=True) if len(kept) else typed.reset_index(drop=True)


def _quality_files(report: QualityReport, quarantined: pd.DataFrame, quality: str, quarantine: str) -> dict[str, bytes]:
    listed = quarantined.reindex(columns=["date", "ticker", *BAR, "kind", "detail"])
    return {
        quality: json_bytes(report.model_dump(mode="json"), name=quality),
        quarantine: parquet_bytes(listed.astype({"kind": "str", "detail": "str"})),
    }


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
