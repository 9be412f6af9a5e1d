"""The gate every daily bar passes: what is doubtful is quarantined and listed, the rest goes on.

Whether a row is accepted depends on that row and on rows before it, never on later ones, so that cutting the end of
history changes nothing before. The price of that: a true move that looks like a fault costs its first two rows; the
third at the new level is accepted. What each kind means stands in `KINDS`.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from alphalib.contracts import Artefact, Row
from alphalib.errors import InputError
from alphalib.sessions import all_sessions
from alphalib.sources.jumps import PRICES, Bools, Floats, Ints, Track, jumps, slips

KINDS = {
    "duplicate": "a second row of the same name and session; both go when they differ",
    "not_a_session": "dated on a day the exchange was closed",
    "impossible_bar": "a price or volume below zero, a price of zero or missing, not low ≤ open, close ≤ high, or "
    "prices that moved without volume",
    "stale": "the bar before it again: with the same volume, without volume, or for the third time",
    "decimal_slip": "a price about 10, 100, … times or a tenth, a hundredth, … of the last accepted close, or of the "
    "rest of an impossible bar",
    "unexplained_jump": "a price five times or a fifth of the last accepted close without a corporate action, or a "
    "return far outside the name's and that day's range on ordinary volume",
}

TOLERANCE = 1e-6  # relative; float32 files round each field on its own
SHOWN = 8  # relistings in the sentences
LISTED = 200  # findings in the report; the quarantine table has all


class Finding(Row):
    """A quarantined row."""

    date: str
    ticker: str
    kind: str
    detail: str


class Relisting(Row):
    """A column that was cut in two, because the rows from `start` on belong to another security."""

    ticker: str
    symbol: str
    start: str
    reason: str


class Gap(Row):
    """Sessions without a row inside a name's listing."""

    ticker: str
    after: str
    sessions: int


class QualityReport(Artefact):
    """What the gate found; the quarantined rows lie in `prices/quarantine.parquet`."""

    path: ClassVar[str] = "prices/quality.json"

    rows: int
    names: int
    first: str
    accepted: int
    quarantined: dict[str, int]
    findings: list[Finding]
    relisted: list[Relisting]
    gap_sessions: int
    gap_names: int
    longest_gaps: list[Gap]
    notes: list[str] = Field([])

    def lines(self) -> list[str]:
        """The report in sentences."""
        total = sum(self.quarantined.values())
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.quarantined.items() if count)
        told = [
            f"{self.rows:,} rows of {self.names:,} names from {self.first} to {self.date}: {self.accepted:,} accepted, "
            f"{total:,} quarantined" + (f" ({kinds})" if kinds else "")
        ]
        if self.gap_sessions:
            worst = self.longest_gaps[0]
            told.append(
                f"{self.gap_sessions:,} sessions are missing inside the listings of {self.gap_names:,} names; "
                f"the longest gap: {worst.ticker}, {worst.sessions} after {worst.after}"
            )
        told += [f"{r.symbol} is column {r.ticker} from {r.start}: {r.reason}" for r in self.relisted[:SHOWN]]
        if len(self.relisted) > SHOWN:
            told.append(f"{len(self.relisted) - SHOWN} more names became two columns; the report lists them")
        return told + self.notes


class Gated(NamedTuple):
    """What came through, what did not, and why."""

    bars: pd.DataFrame
    quarantined: pd.DataFrame
    report: QualityReport


def gate(bars: pd.DataFrame, actions: pd.DataFrame) -> Gated:
    """Separate doubtful daily bars from the rest.

    Parameters
    ----------
    bars : DataFrame
        `date`, `ticker`, `open`, `high`, `low`, `close`, `volume`, in any order; other columns are kept. A price that
        is missing in every row is not asked for.
    actions : DataFrame
        Corporate actions as in `Market.actions`; splits and dividends explain jumps, delistings end a listing.

    Returns
    -------
    Gated
        `bars` sorted by ticker and date, a name that changed its security with a second column (`CHRD.2`);
        `quarantined` the same columns with `kind` and `detail`; `report`.
    """
    if bars.empty:
        raise InputError("there are no bars to check")
    ordered = bars.sort_values(["ticker", "date"], kind="stable", ignore_index=True)
    codes, names = pd.factorize(ordered["ticker"])
    kind = np.full(len(ordered), "", dtype=object)
    detail = np.full(len(ordered), "", dtype=object)
    prices = ordered[PRICES].to_numpy(dtype=float)
    volume = ordered["volume"].to_numpy(dtype=float)
    asked = ~np.isnan(prices).all(axis=0)

    _mark(kind, detail, _duplicates(ordered))
    positions = all_sessions().get_indexer(pd.DatetimeIndex(ordered["date"]))
    _mark(
        kind, detail, {int(row): ("not_a_session", "the exchange was closed") for row in np.flatnonzero(positions < 0)}
    )
    _mark(kind, detail, _impossible(prices[:, asked], volume, kind == ""))
    good = np.flatnonzero(kind == "")
    _mark(kind, detail, _stale(prices, volume, codes, good))
    good = np.flatnonzero(kind == "")
    track = Track.of(prices[good], volume[good], codes[good], positions[good], ordered["date"].to_numpy()[good])
    doubts, breaks = jumps(track, names, actions)
    _mark(kind, detail, {int(good[row]): doubt for row, doubt in doubts.items()})

    relisted = _relisted(ordered, {int(good[row]): reason for row, reason in breaks.items()})
    renamed = rename_columns(ordered, relisted)
    accepted = kind == ""
    quarantined = renamed[~accepted].assign(kind=kind[~accepted], detail=detail[~accepted]).reset_index(drop=True)
    clean = renamed[accepted].sort_values(["ticker", "date"], kind="stable", ignore_index=True)
    if clean.empty:
        raise InputError(f"all {len(bars):,} rows are doubtful, the first: {_first(quarantined)}")
    return Gated(clean, quarantined, _report(ordered, clean, quarantined, relisted))


def rename_columns(table: pd.DataFrame, relisted: list[Relisting]) -> pd.DataFrame:
    """A table of `date` and `ticker` with the names that `relisted` gives securities of reused symbols."""
    if not relisted:
        return table
    tickers = table["ticker"].to_numpy(dtype=object).copy()
    for listing in sorted(relisted, key=lambda one: one.start):
        later = (table["ticker"] == listing.symbol) & (table["date"] >= pd.Timestamp(listing.start))
        tickers[later.to_numpy()] = listing.ticker
    return table.assign(ticker=pd.Series(tickers, index=table.index, dtype="str"))


def _mark(kind: Any, detail: Any, doubts: dict[int, tuple[str, str]]) -> None:
    """The first doubt about a row stands."""
    for row, (name, sentence) in doubts.items():
        if kind[row] == "":
            kind[row], detail[row] = name, sentence


def _duplicates(ordered: pd.DataFrame) -> dict[int, tuple[str, str]]:
    again = ordered.duplicated(["ticker", "date"], keep=False)
    if not again.any():
        return {}
    doubled = ordered[again]
    kept = ~doubled.duplicated(["ticker", "date"])
    values = ["ticker", "date", *PRICES, "volume"]
    same = doubled.duplicated(values, keep=False).groupby([doubled["ticker"], doubled["date"]]).transform("all")
    distinct = doubled.groupby(["ticker", "date"])[[*PRICES, "volume"]].transform("nunique").max(axis=1)
    same &= distinct <= 1
    doubts = {int(row): ("duplicate", "same values as the row that is kept") for row in doubled.index[same & ~kept]}
    differ = ("duplicate", "rows of one name and session with different values")
    return doubts | dict.fromkeys(map(int, doubled.index[~same]), differ)


def _impossible(prices: Floats, volume: Floats, checked: Bools) -> dict[int, tuple[str, str]]:
    """Bars that cannot be; `prices` has the columns of `PRICES` that the source has, low and high only if all four."""
    missing, negative = np.isnan(prices).any(axis=1), (prices <= 0).any(axis=1) | (volume < 0)
    doubts: dict[int, tuple[str, str]] = {}
    crossed, moved, slipped = (np.zeros(len(prices), dtype=bool) for _ in range(3))
    if prices.shape[1] == len(PRICES):
        opened, high, low, close = prices.T
        crossed = (low * (1 - TOLERANCE) > np.minimum(opened, close)) | (
            high * (1 + TOLERANCE) < np.maximum(opened, close)
        )
        moved = (volume == 0) & (high > low)
        with np.errstate(invalid="ignore", divide="ignore"):
            slipped = crossed & slips(prices / np.median(prices, axis=1, keepdims=True)).any(axis=1)
    for faulty, kind, sentence in (
        (missing, "impossible_bar", "a price is missing"),
        (negative, "impossible_bar", "a price is not above zero, or the volume is below it"),
        (slipped, "decimal_slip", "one price is a power of ten away from the others"),
        (crossed, "impossible_bar", "not low ≤ open, close ≤ high"),
        (moved, "impossible_bar", "prices moved without volume"),
    ):
        for row in np.flatnonzero(faulty & checked):
            doubts.setdefault(int(row), (kind, sentence))
    return doubts


def _stale(prices: Floats, volume: Floats, codes: Ints, rows: Ints) -> dict[int, tuple[str, str]]:
    held, traded = prices[rows], volume[rows]
    again = np.zeros(len(rows), dtype=bool)
    equal = (held[1:] == held[:-1]) | (np.isnan(held[1:]) & np.isnan(held[:-1]))
    again[1:] = equal.all(axis=1) & (codes[rows][1:] == codes[rows][:-1])
    third = np.zeros_like(again)
    third[1:] = again[1:] & again[:-1]
    copied = np.zeros_like(again)
    copied[1:] = again[1:] & ((traded[1:] == traded[:-1]) | (traded[1:] == 0))
    flat_without_volume = np.isnan(held[:, :3]).any(axis=1) & np.isnan(traded)  # closes alone do repeat
    stale = (copied | third) & ~flat_without_volume
    return {int(row): ("stale", "the bar before it again") for row in rows[stale]}


def _relisted(ordered: pd.DataFrame, breaks: dict[int, str]) -> list[Relisting]:
    taken = set(ordered["ticker"].unique()) if breaks else set()
    relisted = []
    for row in sorted(breaks):
        symbol = str(ordered["ticker"].iloc[row])
        number = 2
        while f"{symbol}.{number}" in taken:
            number += 1
        taken.add(f"{symbol}.{number}")
        start = f"{ordered['date'].iloc[row]:%Y-%m-%d}"
        relisted.append(Relisting(ticker=f"{symbol}.{number}", symbol=symbol, start=start, reason=breaks[row]))
    return relisted


def _report(
    ordered: pd.DataFrame, clean: pd.DataFrame, quarantined: pd.DataFrame, relisted: list[Relisting]
) -> QualityReport:
    counts = quarantined["kind"].value_counts()
    gaps = _gaps(clean)
    return QualityReport(
        date=f"{clean['date'].max():%Y-%m-%d}",
        first=f"{clean['date'].min():%Y-%m-%d}",
        rows=len(ordered),
        names=int(clean["ticker"].nunique()),
        accepted=len(clean),
        quarantined={kind: int(counts.get(kind, 0)) for kind in KINDS},
        findings=[
            Finding(date=f"{row.date:%Y-%m-%d}", ticker=row.ticker, kind=row.kind, detail=row.detail)
            for row in _rare_first(quarantined).head(LISTED).itertuples()
        ],
        relisted=relisted,
        gap_sessions=sum(gap.sessions for gap in gaps),
        gap_names=len({gap.ticker for gap in gaps}),
        longest_gaps=sorted(gaps, key=lambda gap: (-gap.sessions, gap.ticker, gap.after))[:20],
    )


def _rare_first(quarantined: pd.DataFrame) -> pd.DataFrame:
    """Rows of the rarer kinds first, so that a thousand stale rows do not hide one jump."""
    frequency = quarantined["kind"].map(quarantined["kind"].value_counts())
    return quarantined.assign(frequency=frequency).sort_values(["frequency", "kind", "ticker", "date"], kind="stable")


def _gaps(clean: pd.DataFrame) -> list[Gap]:
    positions = pd.Series(all_sessions().get_indexer(pd.DatetimeIndex(clean["date"])), index=clean.index)
    missing = (positions.groupby(clean["ticker"]).diff() - 1).fillna(0).astype(int)
    before = clean["date"].shift()
    rows = missing.index[missing > 0]
    return [
        Gap(ticker=str(clean["ticker"].iloc[r]), after=f"{before.iloc[r]:%Y-%m-%d}", sessions=int(missing.iloc[r]))
        for r in rows
    ]


def _first(quarantined: pd.DataFrame) -> str:
    row = quarantined.iloc[0]
    return f"{row['ticker']} on {row['date']:%Y-%m-%d}, {row['detail']}"
