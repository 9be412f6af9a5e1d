"""Minute bars from files, one artefact a ticker and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from alphalib.errors import InputError
from alphalib.sources.columns import Table, guessed, numbers, required, respelled, tickers, told
from alphalib.sources.files import Step, read_file, refuse_simulated
from alphalib.store import Store, parquet_bytes

FIELDS = ["open", "high", "low", "close", "volume"]
OPEN, CLOSE = 9 * 60 + 30, 16 * 60  # of a regular session in New York [minutes]


def minute_bars(
    table: Table, *, given: Mapping[str, str], today: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Bars with `ticker`, `time` (UTC), and doubtful ones apart with their `detail`; what was guessed, in words."""
    roles = guessed(table.rows.columns, ["ticker", "time", *FIELDS], given=given)
    required(roles, ["ticker", "time", "open", "high", "low", "close"], table)
    time, zone = _times(table, roles["time"])
    lines = [told(table, roles), f"{table.file}: {zone}"]
    spelled = respelled(table, roles["ticker"])
    values = {field: numbers(table, roles[field]) if field in roles else np.nan for field in FIELDS}
    rows = pd.DataFrame({"ticker": tickers(table, roles["ticker"]), "time": time, **values})
    future = rows[rows["time"] > today.tz_localize("UTC") + pd.Timedelta(days=1)]
    if len(future):
        raise InputError(
            f"{table.file}: {future['ticker'].iloc[0]} has a bar of {future['time'].iloc[0]}, in the future"
        )
    rows = rows.sort_values(["ticker", "time"], kind="stable", ignore_index=True)
    detail = _doubts(rows)
    doubtful = rows[detail != ""].assign(detail=detail[detail != ""])
    good = rows[detail == ""].reset_index(drop=True)
    if good.empty:
        raise InputError(f"{table.file}: all {len(rows):,} bars are doubtful, the first: {doubtful['detail'].iloc[0]}")
    minutes = good["time"].dt.tz_convert("America/New_York")
    outside = ~(minutes.dt.hour * 60 + minutes.dt.minute).between(OPEN, CLOSE)
    lines.append(
        f"{len(good):,} bars of {good['ticker'].nunique()} names from {good['time'].min():%Y-%m-%d} to "
        f"{good['time'].max():%Y-%m-%d}, {outside.sum():,} of them outside regular hours; {len(doubtful):,} quarantined"
    )
    return good, doubtful, lines + ([spelled] if spelled else [])


def import_minutes(
    store: Store, paths: Sequence[Path], *, given: Mapping[str, str], today: pd.Timestamp, step: Step
) -> list[str]:
    """Read minute bars from files; a name's month that the store has already is replaced whole."""
    refuse_simulated(store)
    good, doubtful, lines = [], [], []
    for path in paths:
        step(f"reading {path.name}")
        bars, aside, told_lines = minute_bars(read_file(path), given=given, today=today)
        good.append(bars)
        doubtful.append(aside)
        lines += told_lines
    step("writing")
    whole = pd.concat(good, ignore_index=True).drop_duplicates(["ticker", "time"], keep="last")
    month = whole["time"].dt.strftime("%Y-%m")
    files = {
        f"prices/minute/{ticker}/{name}.parquet": parquet_bytes(rows.drop(columns="ticker").reset_index(drop=True))
        for (ticker, name), rows in whole.groupby(["ticker", month])
    }
    quarantine = "prices/minute_quarantine.parquet"
    with store.lock("pipeline"):
        store.write_together({**files, quarantine: parquet_bytes(pd.concat(doubtful, ignore_index=True))})
    return [*lines, f"{len(files):,} files under prices/minute; quarantined bars: {quarantine}"]


def _times(table: Table, column: str) -> tuple[pd.Series, str]:
    """Instants in UTC; times without a zone are New York's or UTC, whichever puts more of them into regular hours."""
    values = table.rows[column].reset_index(drop=True)
    if not pd.api.types.is_datetime64_any_dtype(values):
        text = values.astype("str").where(values.notna())
        aware = text.str.contains(r"(?:[+-]\d\d:?\d\d|Z)$", regex=True).fillna(False).any()
        parsed = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=bool(aware))
        bad = np.flatnonzero(parsed.isna())
        if len(bad):
            raise InputError(
                f"{table.place(int(bad[0]), column)}: {values.iloc[bad[0]]!r} is not a time; write 2020-01-02 14:30"
            )
        values = parsed
    missing = np.flatnonzero(values.isna())
    if len(missing):
        raise InputError(f"{table.place(int(missing[0]), column)}: there is no time")
    if values.dt.tz is not None:
        return values.dt.tz_convert("UTC").astype("datetime64[us, UTC]"), "times carry their zone"
    if (values == values.dt.normalize()).all():
        raise InputError(f"{table.file}, column {column!r}: days without a time of day; daily bars go to import-prices")
    utc = values.dt.tz_localize("UTC")
    inside = [
        (_minute(option) >= OPEN) & (_minute(option) <= CLOSE)
        for option in (utc.dt.tz_convert("America/New_York"), values)
    ]
    if inside[0].mean() >= inside[1].mean():
        return utc.astype(
            "datetime64[us, UTC]"
        ), "times carry no zone; taken for UTC, which puts more of them into regular hours"
    local = values.dt.tz_localize("America/New_York", ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")
    return local.astype(
        "datetime64[us, UTC]"
    ), "times carry no zone; taken for New York's, which puts more of them into regular hours"


def _minute(times: pd.Series) -> pd.Series:
    return times.dt.hour * 60 + times.dt.minute


def _doubts(rows: pd.DataFrame) -> npt.NDArray[np.object_]:
    prices = rows[["open", "high", "low", "close"]].to_numpy()
    detail = np.full(len(rows), "", dtype=object)
    crossed = (rows["low"] > rows[["open", "close"]].min(axis=1)) | (rows["high"] < rows[["open", "close"]].max(axis=1))
    detail[crossed.to_numpy()] = "not low ≤ open, close ≤ high"
    detail[~(prices > 0).all(axis=1)] = "a price is missing or not above zero"
    detail[rows.duplicated(["ticker", "time"], keep=False).to_numpy()] = "rows of one name and minute"
    return detail
