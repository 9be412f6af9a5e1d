"""Macro series from files, each value dated by the session whose close knows it.

Files rarely say when a value was published, so it is lagged by what its frequency needs. Vendors' histories hold
today's revisions, not what was first printed; no lag mends that, and the import says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.sources.columns import Table, dates, guessed, numbers, required, told
from alphalib.sources.files import Step, read_file, refuse_simulated
from alphalib.sources.stored import TABLES, read_table
from alphalib.sources.tables import sessions_after
from alphalib.store import Store, parquet_bytes

KNOWN_AS: Mapping[str, tuple[str, float]] = {
    "VIX": ("vix", 1.0),
    "VIXCLS": ("vix", 1.0),
    "DGS10": ("yield_10y", 0.01),
    "DGS3MO": ("yield_3m", 0.01),
    "TB3MS": ("yield_3m", 0.01),
}
"""Series the library asks for: name in files → name here, and the factor that makes yields fractions."""

LAGS: Mapping[str, tuple[float, int]] = {
    "daily": (4.0, 1),
    "weekly": (10.0, 10),
    "monthly": (45.0, 75),
    "quarterly": (120.0, 165),
    "yearly": (np.inf, 60),
}
"""Longest usual spacing of dates, and days from the date to the publication at the latest. [calendar days]

Months and quarters are dated by their first day: March's construction spending, dated 1 March, appears on 1 May, its
inventories on 15 May; the first quarter's debt of households, dated 1 January, in the second week of June.
"""


def macro(
    table: Table, *, given: Mapping[str, str], lag_days: int | None, today: pd.Timestamp
) -> tuple[pd.DataFrame, list[str]]:
    """Series of a file as `date, series, value`.

    Long files have a column of series; in wide ones every other column is a series; a file with a close is one series
    named by the file.
    """
    rows, lines = _long(table, given)
    future = rows[rows["date"] > today]
    if len(future):
        raise InputError(
            f"{table.file}: {future['series'].iloc[0]} has a value of {future['date'].iloc[0]:%Y-%m-%d}, in the future"
        )
    rows = rows.dropna(subset=["value"])
    renames = {name: KNOWN_AS.get(name.upper(), (name.lower(), 1.0)) for name in rows["series"].unique()}
    if "DGS3MO" in renames:
        renames.pop("TB3MS", None)
        rows = rows[rows["series"] != "TB3MS"]
    parts: list[pd.DataFrame] = []
    used: dict[tuple[str, int], list[str]] = {}
    for name, (own, factor) in renames.items():
        one = rows[rows["series"] == name].sort_values("date")
        frequency = _frequency(one["date"])
        lag = lag_days if lag_days is not None else 0 if own == "vix" else LAGS[frequency][1]
        used.setdefault((frequency, lag), []).append(own)
        known = one["date"] + pd.Timedelta(days=lag)
        inside = known >= pd.Timestamp("1990-01-01")
        parts.append(
            pd.DataFrame(
                {
                    "date": sessions_after(known[inside], include=True),
                    "series": own,
                    "value": one.loc[inside, "value"] * factor,
                }
            )
        )
    whole = pd.concat(parts, ignore_index=True).drop_duplicates(["date", "series"], keep="last", ignore_index=True)
    whole["series"] = whole["series"].astype("str")
    lines += [f"{freq}, known {lag} days after their date: {_some(names)}" for (freq, lag), names in used.items()]
    taken = [
        f"{name} is {own}" + (" as a fraction" if f != 1 else "")
        for name, (own, f) in renames.items()
        if name.upper() in KNOWN_AS
    ]
    return whole, [
        *lines,
        *taken,
        "values are today's revisions, not what was first printed; other series keep their units",
    ]


def import_macro(
    store: Store,
    paths: Sequence[Path],
    *,
    given: Mapping[str, str],
    lag_days: int | None,
    today: pd.Timestamp,
    step: Step,
) -> list[str]:
    """Read series from files; a series that the store has already is replaced whole, others stay."""
    refuse_simulated(store)
    whole, lines = read_table(store, "macro"), []
    for path in paths:
        step(f"reading {path.name}")
        part, told_lines = macro(read_file(path), given=given, lag_days=lag_days, today=today)
        kept = whole[~whole["series"].isin(part["series"].unique())]
        whole = pd.concat([kept, part], ignore_index=True) if len(kept) else part
        lines += told_lines
    step("writing")
    with store.lock("pipeline"):
        store.write_together({TABLES["macro"][0]: parquet_bytes(whole)})
    return [*lines, f"{whole['series'].nunique()} series, {len(whole):,} rows in {TABLES['macro'][0]}"]


def _long(table: Table, given: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    roles = guessed(table.rows.columns, ["date", "series", "value"], given=given)
    required(roles, ["date"], table)
    days = dates(table, roles["date"])
    if "series" in roles:
        required(roles, ["value"], table)
        names = table.rows[roles["series"]].astype("str").reset_index(drop=True)
        return pd.DataFrame({"date": days, "series": names, "value": numbers(table, roles["value"])}), [
            told(table, roles)
        ]
    close = guessed(table.rows.columns, ["date", "open", "high", "low", "close"], given=given)
    if "close" in close:
        name = table.stem.split("_")[0].upper()
        return pd.DataFrame({"date": days, "series": name, "value": numbers(table, close["close"])}), [
            f"{table.file}: the column {close['close']} is series {name}, by the file's name"
        ]
    columns = [column for column in table.rows.columns if str(column) != roles["date"]]
    parts = [pd.DataFrame({"date": days, "series": str(c), "value": numbers(table, c)}) for c in columns]
    return pd.concat(parts, ignore_index=True), [f"{table.file}: one column a series: {', '.join(map(str, columns))}"]


def _frequency(days: pd.Series) -> str:
    spacing = days.diff().median() / pd.Timedelta(days=1)
    return next((name for name, (longest, _) in LAGS.items() if spacing <= longest), "daily")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
