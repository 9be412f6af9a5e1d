"""The shapes everything is written in: `Panel`, and the frozen bundle of panels, `Market`.

A panel has sessions down (`date`, tz-naive) and tickers across (`ticker`), one quantity. A column's name is the ticker
under which a security was first seen and never changes, so that no name tells the future; `universe.symbols` says
what it is called on the exchange at a date.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from alphalib.errors import InputError, SessionError

Panel: TypeAlias = pd.DataFrame
_Array: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float64]]

SECTORS = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)
"""The eleven GICS sectors, in the order of their codes in `Market.sector`."""

SECTOR_ETFS = ("XLC", "XLY", "XLP", "XLE", "XLF", "XLV", "XLI", "XLK", "XLB", "XLRE", "XLU")
"""Select Sector SPDRs, in the order of `SECTORS`."""

_OTHER_SPELLINGS = {
    "basic materials": "Materials",
    "communications": "Communication Services",
    "communication": "Communication Services",
    "consumer cyclical": "Consumer Discretionary",
    "consumer defensive": "Consumer Staples",
    "financial": "Financials",
    "financial services": "Financials",
    "healthcare": "Health Care",
    "industrial": "Industrials",
    "technology": "Information Technology",
    "telecommunication services": "Communication Services",
    "telecommunications": "Communication Services",
}


def sector_name(text: str) -> str | None:
    """GICS name of a sector however a vendor spells it; None when it is not one of the eleven."""
    folded = " ".join(text.replace("_", " ").split()).casefold()
    return _OTHER_SPELLINGS.get(folded) or next((name for name in SECTORS if name.casefold() == folded), None)


@dataclass(frozen=True)
class Source:
    """Where a market comes from, and what may be concluded from it.

    Parameters
    ----------
    name : str
        For people, as it appears in reports.
    simulated : bool
        True for the embedded market; every page says so.
    prices : {"raw", "split-adjusted"}
        Whether open … close are what was printed on the day. With split-adjusted prices the level knows later splits,
        so every rule in currency or shares is off.
    members : {"by date", "survivors only"}
        Whether the universe of each date is the one of that date, or today's names looked at backwards.
    """

    name: str
    simulated: bool = False
    prices: Literal["raw", "split-adjusted"] = "raw"
    members: Literal["by date", "survivors only"] = "by date"


ACTION_KINDS = ("split", "dividend", "rename", "delisting")


@dataclass(frozen=True, eq=False)
class Market:
    """Everything known about a market up to its last session.

    Parameters
    ----------
    open, high, low, close, vwap : Panel
        Prices as the source has them (see `Source.prices`); NaN where nothing traded. [currency]
    volume : Panel
        Traded volume; NaN where nothing traded. [shares]
    member : Panel
        Whether the name belonged to the universe at the close of that session. [bool]
    sector : Panel
        Code of the sector on that date, an index into `SECTORS`; −1 unknown. [int8]
    actions : DataFrame
        Corporate actions, one a row: `date` (effective session), `ticker`, `kind`, `value`, `detail`. Splits: new
        shares for one old; dividends: [currency] a share before that date's split; renames: new symbol in `detail`;
        delistings: `value` the return from the last close to what holders received, `detail` the reason; `date` is the
        session after the last one traded.
    benchmarks : Panel
        Total-return index of SPY and the sector ETFs, columns as on the exchange. [currency]
    macro : Panel
        Series across, as known at the close of each session; `vix` is in index points, yields are fractions.
    earnings : DataFrame
        `ticker`, `date` (session of the report, or the first session that could trade on it), `scheduled` (session from
        which that date was known; NaT when never announced), `surprise` (fraction of price or of estimate).
    fundamentals : DataFrame
        `ticker`, `period_end`, `known` (first session whose close knows the figures), then one column a figure.
    source : Source
        Provenance.

    Notes
    -----
    Adjusted panels grow forwards from the first session (a share held then, splits kept, dividends reinvested at the
    close of the ex-date). Nothing later enters them, so that cutting or extending the end leaves every past value as
    it was, to the last bit; the price of that is that their level means nothing, only ratios do.
    """

    open: Panel
    high: Panel
    low: Panel
    close: Panel
    volume: Panel
    vwap: Panel
    member: Panel
    sector: Panel
    actions: pd.DataFrame
    benchmarks: Panel
    macro: Panel
    earnings: pd.DataFrame
    fundamentals: pd.DataFrame
    source: Source

    def __post_init__(self) -> None:
        for name in ("open", "high", "low", "volume", "vwap", "member", "sector"):
            panel = getattr(self, name)
            if not (panel.index.equals(self.close.index) and panel.columns.equals(self.close.columns)):
                raise InputError(f"market.{name} must have the labels of market.close: same sessions, same tickers")
        for name in ("benchmarks", "macro"):
            if not getattr(self, name).index.equals(self.close.index):
                raise InputError(f"market.{name} must have the sessions of market.close")

    def __repr__(self) -> str:
        span = f"{self.sessions[0]:%Y-%m-%d} to {self.last:%Y-%m-%d}" if len(self.sessions) else "none"
        return (
            f"<Market: {self.source.name}, {len(self.tickers):,} names, members {self.source.members}, "
            f"{len(self.sessions):,} sessions, {span}>"
        )

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Sessions of the market, ascending."""
        return pd.DatetimeIndex(self.close.index)

    @property
    def tickers(self) -> pd.Index:
        """Names across."""
        return self.close.columns

    @property
    def last(self) -> pd.Timestamp:
        """The last session whose close is known."""
        return self.sessions[-1]

    @cached_property
    def split_factor(self) -> Panel:
        """Shares that one share held at the first session has become. [shares]"""
        return self._cumulated(self._amounts("split", fill=1.0))

    @cached_property
    def return_factor(self) -> Panel:
        """Shares that one share held at the first session has become, dividends reinvested at the ex-date's close."""
        growth, dividends = self._amounts("split", fill=1.0), self._amounts("dividend")
        paid = dividends > 0
        # The dividend is stated for a share before the split of that date, the close is after it.
        with np.errstate(invalid="ignore", divide="ignore"):
            growth[paid] += np.nan_to_num(dividends[paid] / self.close.ffill().to_numpy()[paid], posinf=0.0)
        return self._cumulated(growth)

    @cached_property
    def adj_close(self) -> Panel:
        """Total-return close: `close` × `return_factor`. [currency of the first session]"""
        return self.close * self.return_factor

    @cached_property
    def adj_open(self) -> Panel:
        """Total-return open. [currency of the first session]"""
        return self.open * self.return_factor

    @cached_property
    def adj_high(self) -> Panel:
        """Total-return high. [currency of the first session]"""
        return self.high * self.return_factor

    @cached_property
    def adj_low(self) -> Panel:
        """Total-return low. [currency of the first session]"""
        return self.low * self.return_factor

    @cached_property
    def adj_volume(self) -> Panel:
        """Volume in shares of the first session: `volume` / `split_factor`. [shares]"""
        return self.volume / self.split_factor

    @cached_property
    def wealth(self) -> Panel:
        """Value of one share bought at the first session and kept: total-return close, then delisting proceeds as cash.

        The last price stands in for days without a trade. NaN before the first price. [currency]
        """
        held = self.adj_close.ffill()
        for action in self.actions[self.actions["kind"] == "delisting"].itertuples():
            if action.ticker not in held.columns:
                continue
            after = held.index.searchsorted(action.date)
            if 0 < after < len(held):
                column = held.columns.get_loc(action.ticker)
                held.iloc[after:, column] = held.iloc[after - 1, column] * (1.0 + action.value)
        return held

    @cached_property
    def listed(self) -> Panel:
        """Whether the name has had its first price and has not been delisted by the close of that session. [bool]"""
        listed = self.close.notna().cummax()
        for action in self.actions[self.actions["kind"] == "delisting"].itertuples():
            if action.ticker in listed.columns:
                listed.loc[action.date :, action.ticker] = False
        return listed

    @cached_property
    def tradable(self) -> Panel:
        """Whether the name traded on that session: it has a close and its volume is above zero. [bool]"""
        return self.close.notna() & (self.volume > 0) & self.listed

    @cached_property
    def data_hash(self) -> str:
        """Content hash of everything in the market: 16 hexadecimal digits."""
        digest = hashlib.blake2b(digest_size=8)
        for field in fields(self):
            value = getattr(self, field.name)
            digest.update(field.name.encode())
            if not isinstance(value, pd.DataFrame):
                digest.update(repr(value).encode())
            elif all(dtype.kind in "fib" for dtype in value.dtypes) and len(value.columns):
                digest.update("|".join(map(str, value.columns)).encode())
                digest.update(value.index.to_numpy().tobytes())
                digest.update(value.to_numpy().tobytes())
            else:
                digest.update(pd.util.hash_pandas_object(value.reset_index(drop=True)).to_numpy().tobytes())
        return digest.hexdigest()

    def asof(self, day: pd.Timestamp) -> Market:
        """The market as it was known at the close of session `day`: every table cut there.

        Raises
        ------
        SessionError
            When `day` is not one of the market's sessions.
        """
        if day not in self.close.index:
            raise SessionError(
                f"{day:%Y-%m-%d} is not a session of this market, which runs from "
                f"{self.sessions[0]:%Y-%m-%d} to {self.last:%Y-%m-%d}"
            )
        panels = {
            field.name: getattr(self, field.name).loc[:day]
            for field in fields(self)
            if field.name not in ("actions", "earnings", "fundamentals", "source")
        }
        reported = self.earnings["date"] <= day
        earnings = self.earnings[reported | (self.earnings["scheduled"] <= day)].copy()
        earnings.loc[earnings["date"] > day, "surprise"] = np.nan
        return replace(
            self,
            **panels,
            actions=self.actions[self.actions["date"] <= day],
            earnings=earnings,
            fundamentals=self.fundamentals[self.fundamentals["known"] <= day],
        )

    def _amounts(self, kind: str, *, fill: float = 0.0) -> _Array:
        """Values of one kind of action in the shape and memory order of the panels; several on one date combine."""
        amounts = np.full(self.close.shape, fill, order="F")
        chosen = self.actions[self.actions["kind"] == kind]
        rows = self.close.index.get_indexer(pd.DatetimeIndex(chosen["date"]))
        columns = self.close.columns.get_indexer(pd.Index(chosen["ticker"]))
        inside = (rows >= 0) & (columns >= 0)
        combine = np.multiply if fill == 1.0 else np.add
        combine.at(amounts, (rows[inside], columns[inside]), chosen["value"].to_numpy(dtype=float)[inside])
        return amounts

    def _cumulated(self, ratios: _Array) -> Panel:
        """Product from the first session on."""
        product = np.cumprod(ratios.T, axis=1).T
        return pd.DataFrame(product, index=self.close.index, columns=self.close.columns, copy=False)
