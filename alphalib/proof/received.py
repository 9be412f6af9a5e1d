"""What was received, row by row, and the same with a nonsensical future.

Every table has a time at which a row of it becomes known. `corrupted` leaves what was known by a day as it is, to the
byte, and makes nonsense of the rest, before anything of the library has read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.market import SECTORS, Market, Source
from alphalib.sessions import next_session
from alphalib.sources.sample import World, simulate_market
from alphalib.sources.stored import BAR, TABLES, assemble, read_table, stored_span
from alphalib.store import Store
from alphalib.universe import FOREVER

How: TypeAlias = Literal["NaN", "1e10", "permuted", "cut"]
CORRUPTIONS: tuple[How, ...] = get_args(How)
"""What is done to the future: its values are missing, absurd, in another order, or it has not come yet."""

ABSURD = 1e10


@dataclass(frozen=True, eq=False)
class Received:
    """A market as its rows came in.

    Parameters
    ----------
    bars : DataFrame
        `date, ticker, open, high, low, close, volume, vwap`, with `adj_close` where a vendor sends it.
    tables : mapping of str to DataFrame
        The tables of `stored.TABLES` by name.
    source : Source
        Provenance.
    """

    bars: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    source: Source

    @classmethod
    def from_world(cls, world: World) -> Received:
        """The embedded market as a vendor would send it, faults included."""
        return cls(world.bars, world.tables, world.source)

    @classmethod
    def from_store(cls, store: Store) -> Received:
        """The rows on the bus: accepted bars, and those that the import had quarantined.

        Raises
        ------
        InputError
            When the store has no prices.
        """
        span = stored_span(store)
        if span is None:
            raise InputError(f"the store {store.url} has no prices")
        paths = [*store.paths("prices/daily/*.parquet"), *store.paths("prices/quarantine.parquet")]
        parts = [store.read_table(path).reindex(columns=["date", "ticker", *BAR]) for path in paths]
        bars = pd.concat([part for part in parts if len(part)], ignore_index=True)
        return cls(bars, {name: read_table(store, name) for name in TABLES}, span.source)

    @classmethod
    def from_market(cls, market: Market) -> Received:
        """The rows that `market()` makes this market of."""
        bars = {name: getattr(market, name).stack(future_stack=True) for name in BAR}
        wide = {"benchmarks": ("ticker", "close"), "macro": ("series", "value")}
        tidy = {
            name: getattr(market, name).rename_axis(index="date", columns=across).stack(future_stack=True)
            for name, (across, _) in wide.items()
        }
        members, codes = _spells(market.member), _spells(market.sector)
        names = pd.Series([SECTORS[code] if code >= 0 else "" for code in codes["value"]], dtype="str")
        return cls(
            pd.DataFrame(bars).reset_index(),
            {
                "actions": market.actions,
                **{name: tidy[name].rename(value).reset_index() for name, (_, value) in wide.items()},
                "membership": members.loc[members["value"], ["ticker", "start", "end"]],
                "sectors": pd.DataFrame({"ticker": codes["ticker"], "start": codes["start"], "sector": names}),
                "aliases": pd.DataFrame({"symbol": pd.Series(dtype="str")}).join(
                    members[["ticker", "start", "end"]][:0]
                ),
                "earnings": market.earnings,
                "fundamentals": market.fundamentals,
            },
            market.source,
        )

    def since(self, start: pd.Timestamp) -> Received:
        """The same from session `start` on, as `read_market` cuts it: bars alone.

        Raises
        ------
        InputError
            When there is no bar.
        """
        bars = self.bars[self.bars["date"] >= start].reset_index(drop=True)
        if bars.empty:
            last = self.bars["date"].max()
            raise InputError(f"{self.source.name} has no prices from {start:%Y-%m-%d} on; it ends on {last:%Y-%m-%d}")
        return replace(self, bars=bars)

    def market(self) -> Market:
        """The market that these rows make, unchecked."""
        return assemble(self.bars, self.tables, self.source)


def received_from(store: Store) -> Received:
    """The rows on the bus, or those of the embedded market when it has no prices."""
    return Received.from_world(simulate_market()) if stored_span(store) is None else Received.from_store(store)


def corrupted(received: Received, day: pd.Timestamp, how: How) -> Received:
    """The same rows with everything that became known after the close of `day` made nonsense.

    Parameters
    ----------
    received : Received
        Left as it is.
    day : Timestamp
        Last session whose close is known.
    how : {"NaN", "1e10", "permuted", "cut"}
        Values after `day` are missing; or 1e10, every event falls on the next session and everybody is a member of one
        sector; or rows exchange their values, events their names and dates, members their places; or nothing is there.

    Returns
    -------
    Received
        What is known in part keeps that part: an interval that has begun loses its end, a report that was announced
        keeps its date and loses its surprise.
    """
    spoil = _Spoil(day, how, names=pd.Index(received.bars["ticker"].unique()))
    quotes = [column for column in received.bars if column not in ("date", "ticker")]
    tables = {name: SPOILED[name](spoil, table) for name, table in received.tables.items()}
    return replace(received, bars=spoil.values(received.bars, "date", quotes), tables=tables)


@dataclass(frozen=True)
class _Spoil:
    """One way to spoil tables after a day."""

    day: pd.Timestamp
    how: How
    names: pd.Index
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    @cached_property
    def tomorrow(self) -> pd.Timestamp:
        return next_session(self.day)

    def values(self, table: pd.DataFrame, when: str, columns: Sequence[str]) -> pd.DataFrame:
        """Rows whose time `when` lies after the day lose the values of `columns`."""
        later = (table[when] > self.day).to_numpy()
        if self.how == "cut":
            return table[~later].reset_index(drop=True)
        order = self.rng.permutation(np.flatnonzero(later))
        spoiled = {}
        for name in columns:
            column = table[name].array.copy()
            column[later] = column[order] if self.how == "permuted" else self._nonsense(table[name])
            spoiled[name] = pd.Series(column, index=table.index)
        return table.assign(**spoiled)

    def _nonsense(self, column: pd.Series) -> object:
        absurd = self.how == "1e10"
        if column.dtype.kind == "M":
            return self.tomorrow if absurd else pd.NaT
        if column.dtype.kind in "fiu":
            return ABSURD if absurd else np.nan
        return f"{ABSURD:.0e}" if absurd else ""

    def events(self, table: pd.DataFrame, when: str = "date") -> pd.DataFrame:
        """Rows that nobody knows before their time: their names and dates are nonsense too."""
        if self.how == "permuted":
            return self.values(table, when, [name for name in table if name != when])
        spoiled = self.values(table, when, [name for name in table if table[name].dtype.kind == "f"])
        if self.how == "1e10":
            spoiled[when] = spoiled[when].where(spoiled[when] <= self.day, self.tomorrow)
        return spoiled

    def actions(self, table: pd.DataFrame) -> pd.DataFrame:
        """Events; and where all of them fall on the next session, every name is split and delisted on it."""
        spoiled = self.events(table)
        if self.how != "1e10":
            return spoiled
        parts = [
            pd.DataFrame({"date": self.tomorrow, "ticker": self.names, "kind": kind, "value": ABSURD, "detail": ""})
            for kind in ("split", "delisting")
        ]
        return pd.concat([spoiled, *(part.astype(table.dtypes) for part in parts)], ignore_index=True)

    def reports(self, table: pd.DataFrame) -> pd.DataFrame:
        """Earnings: an announced report keeps its date and loses its surprise."""
        announced = (table["scheduled"] <= self.day) & (table["date"] > self.day)
        spoiled = self.events(table[~announced])
        coming = replace(self, how="NaN" if self.how == "cut" else self.how).values(
            table[announced], "date", ["surprise"]
        )
        return pd.concat([spoiled, coming], ignore_index=True)

    def intervals(self, table: pd.DataFrame) -> pd.DataFrame:
        """Intervals that run lose their end; what follows is nobody, everybody, or somebody else."""
        if "symbol" not in table and table.empty:
            return table  # a market without members is one of survivors, whatever comes
        ends = table["end"].fillna(FOREVER)
        begun, lasting = table["start"] <= self.day, ends > self.day
        left = pd.NaT if self.how == "cut" else self.day
        past = table[begun].assign(end=table["end"].where(~lasting, left)[begun])
        if self.how == "permuted":
            after = table[lasting]
            after = after.assign(
                start=after["start"].clip(lower=self.tomorrow), ticker=self.rng.permutation(after["ticker"])
            )
        elif self.how == "1e10":
            after = pd.DataFrame({"ticker": self.names, "start": self.tomorrow, "end": pd.NaT})
            after = after.assign(**dict.fromkeys(set(table) - set(after), f"{ABSURD:.0e}"))
        else:
            after = table[:0]
        return pd.concat([past, after.astype(table.dtypes)], ignore_index=True)

    def sectors(self, table: pd.DataFrame) -> pd.DataFrame:
        """Everybody changes sector: to none, to the first one, or with somebody else."""
        past = table[table["start"] <= self.day]
        if self.how == "cut":
            return past.reset_index(drop=True)
        latest = past.sort_values("start", kind="stable").drop_duplicates("ticker", keep="last")
        after = latest.assign(start=self.tomorrow)
        if self.how == "permuted":
            after["sector"] = self.rng.permutation(after["sector"])
        else:
            after["sector"] = SECTORS[0] if self.how == "1e10" else ""
        return pd.concat([past, after.astype(table.dtypes)], ignore_index=True)


SPOILED: Mapping[str, Callable[[_Spoil, pd.DataFrame], pd.DataFrame]] = {
    "actions": _Spoil.actions,
    "benchmarks": lambda spoil, table: spoil.values(table, "date", ["close"]),
    "membership": _Spoil.intervals,
    "sectors": _Spoil.sectors,
    "aliases": _Spoil.intervals,
    "macro": lambda spoil, table: spoil.values(table, "date", ["value"]),
    "earnings": _Spoil.reports,
    "fundamentals": lambda spoil, table: spoil.values(
        table, "known", [name for name in table if name not in ("period_end", "known")]
    ),
    "headlines": lambda spoil, table: spoil.values(table, "known", ["ticker", "headline"]),
}
"""How each table is spoilt: when its rows become known, and what of them nobody knew before."""


def _spells(panel: pd.DataFrame) -> pd.DataFrame:
    """Stretches of sessions with one value: `ticker, start, end, value`; the end is missing while it runs."""
    values, sessions = panel.to_numpy(), pd.DatetimeIndex(panel.index)
    begins = np.ones(values.shape, dtype=bool)
    begins[1:] = values[1:] != values[:-1]
    column, row = np.nonzero(begins.T)
    same = column[1:] == column[:-1]
    end = np.full(len(row), np.datetime64("NaT"), dtype="datetime64[us]")
    end[:-1][same] = sessions.to_numpy()[row[1:][same] - 1]
    return pd.DataFrame(
        {"ticker": panel.columns[column], "start": sessions[row], "end": end, "value": values[row, column]}
    )
