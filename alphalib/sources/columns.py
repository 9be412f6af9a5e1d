"""Which column of a vendor's file means what, and its values as dates and numbers, or an error that says where not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from alphalib.errors import InputError

Roles: TypeAlias = dict[str, str]
"""What a column means → its name in the file."""

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "day", "session", "tradedate", "tradingday", "datetime", "timestamp", "time", "asofdate"),
    "ticker": ("ticker", "symbol", "tic", "instrument", "secid", "asset", "name"),
    "open": ("open", "openprice", "px open", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closeprice", "last", "price", "pxlast", "c"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "adjcloseprice", "totalreturn"),
    "volume": ("volume", "vol", "shares", "sharestraded", "v"),
    "vwap": ("vwap", "averageprice"),
    "start": ("start", "startdate", "from", "datefrom", "added", "dateadded"),
    "end": ("end", "enddate", "to", "through", "dateto", "removed", "until"),
    "sector": ("sector", "gicssector", "sectorname"),
    "series": ("series", "seriesid", "indicator", "variable"),
    "value": ("value", "val", "level"),
    "reported": ("date", "reportdate", "reported", "announcementdate", "earningsdate"),
    "release_time": ("releasetime", "time", "when", "session"),
    "estimate": ("epsest", "epsestimate", "estimate", "consensus", "epsconsensus"),
    "actual": ("eps", "epsactual", "actual", "reportedeps"),
    "surprise": ("surprise", "surprisepct"),
    "scheduled": ("scheduled", "announced", "scheduledfrom"),
    "period_end": ("periodend", "period", "fiscalperiodend", "reportperiod", "fiscaldate"),
    "available": ("availabledate", "available", "filed", "filingdate", "fileddate", "acceptancedate", "datekey"),
    "time": ("datetime", "time", "timestamp", "minute", "date"),
    "column": ("ticker", "column", "name"),
    "symbol": ("symbol", "exchangesymbol", "alias"),
}
"""How vendors spell each role, folded; the first that is in the file is taken."""


@dataclass(frozen=True)
class Table:
    """A file as it was read: where it came from, so that an error can say so, and what its columns mean."""

    file: str
    rows: pd.DataFrame
    first_line: int

    @property
    def stem(self) -> str:
        """The file's name without folder and endings: `brk.b` of `prices/brk.b.csv.gz`."""
        return re.sub(r"(\.(csv|tsv|txt|parquet|pq|gz|bz2|zip|xz|zst))+$", "", self.file.rsplit("/", 1)[-1])

    def place(self, row: int, column: str) -> str:
        """Where a value stands, for a person: file, line or row, column."""
        unit = "line" if self.first_line > 1 else "row"
        return f"{self.file}, {unit} {row + self.first_line}, column {column!r}"


def folded(name: object) -> str:
    """A column's name without case, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", str(name).casefold())


def guessed(columns: Iterable[object], roles: Iterable[str], *, given: Mapping[str, str]) -> Roles:
    """Columns of a file for each role it has; `given` overrides the guess. A column has at most one role.

    Raises
    ------
    InputError
        When a column that was given is not in the file.
    """
    names = [str(column) for column in columns]
    unknown = [name for name in given.values() if name not in names]
    if unknown:
        raise InputError(f"no column {unknown[0]!r}; the file has {', '.join(names)}")
    found: Roles = {role: given[role] for role in roles if role in given}
    for role in roles:
        for spelling in SPELLINGS[role] if role not in found else ():
            match = [name for name in names if folded(name) == spelling and name not in found.values()]
            if match:
                found[role] = match[0]
                break
    return found


def required(roles: Roles, wanted: Iterable[str], table: Table) -> None:
    """Complain about the roles no column was found for."""
    missing = [role for role in wanted if role not in roles]
    if missing:
        raise InputError(
            f"{table.file} has no column for {' and '.join(missing)}; it has "
            f"{', '.join(map(str, table.rows.columns))}. Name it with --column {missing[0]}=NAME"
        )


def told(table: Table, roles: Roles, *, others: str = "not used") -> str:
    """The guess in one line; `others` says what becomes of the columns without a role."""
    pairs = ", ".join(f"{role} = {name}" for role, name in roles.items())
    unused = [str(name) for name in table.rows.columns if name not in roles.values()]
    return f"{table.file}: {pairs}" + (f"; {others}: {', '.join(unused)}" if unused else "")


def numbers(table: Table, column: str) -> npt.NDArray[np.float64]:
    """A column as numbers; empty cells are NaN.

    Raises
    ------
    InputError
        When a value is text; the message says where and which.
    """
    values = table.rows[column]
    if pd.api.types.is_numeric_dtype(values):
        result = values.to_numpy(dtype=float, na_value=np.nan)
    else:
        parsed = pd.to_numeric(values, errors="coerce")
        bad = np.flatnonzero(parsed.isna() & values.notna())
        if len(bad):
            row = int(bad[0])
            raise InputError(
                f"{table.place(row, column)}: {values.iloc[row]!r} is not a number"
                + (f" ({len(bad):,} such values)" if len(bad) > 1 else "")
                + "; write 1234.5, and leave the cell empty where there is none"
            )
        result = parsed.to_numpy(dtype=float, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(result))
    if len(infinite):
        raise InputError(f"{table.place(int(infinite[0]), column)}: infinite")
    return np.asarray(result)


def dates(table: Table, column: str, *, optional: bool = False) -> pd.Series:
    """A column as tz-naive days.

    ISO dates, 20240308 and timestamps are read as they are; 03/08/2024 only where all rows fit one order of day and
    month and not the other.

    Raises
    ------
    InputError
        When a value is not a date, is missing where it must not be, or may be read in two ways.
    """
    values = table.rows[column]
    if pd.api.types.is_datetime64_any_dtype(values):
        stamps = values
    else:
        stamps = _parsed(table, column, values)
    if stamps.dt.tz is not None:
        midnight = (stamps == stamps.dt.normalize()).all()
        stamps = (stamps if midnight else stamps.dt.tz_convert("America/New_York")).dt.tz_localize(None)
    missing = np.flatnonzero(stamps.isna())
    if len(missing) and not optional:
        raise InputError(f"{table.place(int(missing[0]), column)}: there is no date")
    return stamps.dt.normalize().astype("datetime64[us]").reset_index(drop=True)


def _parsed(table: Table, column: str, values: pd.Series) -> pd.Series:
    text = values.astype("str").str.strip().where(values.notna())
    text = text.mask(text == "")
    if pd.api.types.is_numeric_dtype(values):
        text = text.str.removesuffix(".0")
    for form in ("ISO8601", "%Y%m%d"):
        stamps = pd.to_datetime(text, format=form, errors="coerce", utc=text.str.contains(r"[+Z]").any())
        if not (stamps.isna() & text.notna()).any():
            return stamps
    readings = {
        form: pd.to_datetime(text, format=form, errors="coerce")
        for form in ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%b-%Y", "%b %d, %Y")
    }
    whole = {form: stamps for form, stamps in readings.items() if not (stamps.isna() & text.notna()).any()}
    if len(whole) == 2:
        shown = text.dropna().iloc[0]
        raise InputError(f"{table.file}, column {column!r}: {shown!r} may be read in two ways; write 2024-03-08")
    if whole:
        return next(iter(whole.values()))
    nearest = min(
        (pd.to_datetime(text, format="ISO8601", errors="coerce"), *readings.values()), key=lambda s: s.isna().sum()
    )
    row = int(np.flatnonzero(nearest.isna() & text.notna())[0])
    raise InputError(f"{table.place(row, column)}: {values.iloc[row]!r} is not a date; write 2024-03-08")


def tickers(table: Table, column: str) -> pd.Series:
    """A column as symbols: upper case, classes of shares with a dash (BRK.B and BRK/B are BRK-B).

    Raises
    ------
    InputError
        When one is missing.
    """
    text = table.rows[column].astype("str")
    empty = np.flatnonzero(table.rows[column].isna() | (text.str.strip() == ""))
    if len(empty):
        raise InputError(f"{table.place(int(empty[0]), column)}: there is no ticker")
    distinct = pd.Series(text.unique())
    return text.map(dict(zip(distinct, distinct.map(symbol), strict=True))).astype("str").reset_index(drop=True)


def symbol(text: str) -> str:
    """One spelling for a symbol."""
    return re.sub(r"[./ ]([A-Z])$", r"-\1", text.strip().upper())


def respelled(table: Table, column: str) -> str:
    """One line that says which symbols are spelled otherwise here; empty when none is."""
    changed = [
        f"{text} is {symbol(text)}" for text in table.rows[column].astype("str").unique() if symbol(text) != text
    ]
    return f"{table.file}: classes of shares are spelled with a dash: {', '.join(changed[:5])}" if changed else ""
