"""What an expression can name: `$close` and the other fields of a market, each with its unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alphalib.features.events import earnings_surprise, sessions_since_earnings
from alphalib.features.language.units import CURRENCY, GROUP, PRICE, RATIO, SHARES, Unit
from alphalib.market import SECTOR_ETFS, SECTORS, Market, Panel


@dataclass(frozen=True, slots=True)
class Field:
    """A quantity of the market.

    Parameters
    ----------
    name : str
        As written after the `$`.
    unit : Unit
        Of its values.
    read : callable
        Market to a panel with the labels of `market.close`, or to a series by session: the same for every name.
    summary : str
        What it is.
    needs : str
        What a market must have for it: "prices", "raw prices", "vwap", "benchmark SPY", "macro vix", "fundamentals
        equity"; a market without it refuses the field. One without "earnings" has them missing everywhere.
    """

    name: str
    unit: Unit
    read: Callable[[Market], Panel | pd.Series]
    summary: str
    needs: str = "prices"


def _benchmark(name: str) -> Callable[[Market], pd.Series]:
    return lambda market: (
        market.benchmarks[name] if name in market.benchmarks else pd.Series(np.nan, index=market.close.index, name=name)
    )


def _macro(name: str) -> Callable[[Market], pd.Series]:
    return lambda market: (
        market.macro[name] if name in market.macro else pd.Series(np.nan, index=market.close.index, name=name)
    )


def _sector_index(market: Market) -> Panel:
    """Total-return index of the ETF of each name's sector, chained by session: a new sector is no jump."""
    table = np.full((len(market.sessions), len(SECTORS) + 1), np.nan)
    have = [code for code, etf in enumerate(SECTOR_ETFS) if etf in market.benchmarks]
    table[:, have] = market.benchmarks[[SECTOR_ETFS[code] for code in have]].to_numpy(dtype=float)
    growth = np.ones_like(table)
    growth[1:] = table[1:] / table[:-1]
    growth[np.isnan(growth)] = 1.0
    codes = market.sector.to_numpy().astype(np.int64)
    codes = np.where(codes < 0, len(SECTORS), codes)  # unknown is the last column: missing
    index = np.cumprod(np.take_along_axis(growth, codes, axis=1), axis=0)
    index[np.isnan(np.take_along_axis(table, codes, axis=1))] = np.nan
    return pd.DataFrame(index, index=market.close.index, columns=market.close.columns)


def _filed(name: str, market: Market) -> Panel:
    """A quarterly figure on the sessions whose close was the first to know it."""
    filed = np.full(market.close.shape, np.nan)
    if name in market.fundamentals:
        known = market.fundamentals.dropna(subset=[name]).sort_values(["known", "period_end"])
        # A late restatement of an old period does not replace the figure of a newer one.
        newest = known[known["period_end"] >= known.groupby("ticker")["period_end"].cummax()]
        rows = market.close.index.searchsorted(pd.DatetimeIndex(newest["known"]))
        columns = market.close.columns.get_indexer(pd.Index(newest["ticker"]))
        inside = (columns >= 0) & (rows < len(filed))
        filed[rows[inside], columns[inside]] = newest[name].to_numpy(dtype=float)[inside]
    return pd.DataFrame(filed, index=market.close.index, columns=market.close.columns)


def _fundamental(name: str) -> Callable[[Market], Panel]:
    return lambda market: _filed(name, market).ffill()


def _four_quarters(name: str) -> Callable[[Market], Panel]:
    """A year's flow as known at each close: four times the mean of the newest four quarters' figures."""
    return lambda market: _year_of_quarters(name, market).ffill()


def _year_of_quarters(name: str, market: Market) -> Panel:
    """The flow on the sessions whose close was the first to know it; quarters without the figure are left out.

    Two of the four must have it: companies that report a cash flow only for the year to date leave holes.
    """
    filed = np.full(market.close.shape, np.nan)
    if name in market.fundamentals:
        figures = [figure for figure in FUNDAMENTALS if figure in market.fundamentals]
        filings = market.fundamentals.dropna(subset=figures, how="all")  # an estimate is none
        table = filings.sort_values(["known", "period_end"])
        rows = market.close.index.searchsorted(pd.DatetimeIndex(table["known"]))
        columns = market.close.columns.get_indexer(pd.Index(table["ticker"]))
        ends = pd.DatetimeIndex(table["period_end"]).to_numpy().astype("datetime64[D]").astype(np.int64)
        quarters: dict[int, dict[int, float]] = {}
        for row, column, end, figure in zip(rows, columns, ends, table[name].to_numpy(dtype=float), strict=True):
            known = quarters.setdefault(column, {})
            if end not in known or not np.isnan(figure):
                known[end] = figure
            newest = max(known)
            year = np.array([value for day, value in known.items() if day > newest - DAYS_OF_FOUR_QUARTERS])
            if column >= 0 and row < len(filed) and np.count_nonzero(~np.isnan(year)) >= 2:
                filed[row, column] = 4.0 * np.nanmean(year)
    return pd.DataFrame(filed, index=market.close.index, columns=market.close.columns)


def _shares_outstanding(market: Market) -> Panel:
    """Shares as last filed, in shares of the day: a split since the end of the filing's period multiplies them."""
    table = market.fundamentals
    if "shares_outstanding" not in table:
        return market.close * np.nan
    rows = market.close.index.searchsorted(pd.DatetimeIndex(table["period_end"]), side="right") - 1
    columns = market.close.columns.get_indexer(pd.Index(table["ticker"]))
    factor = np.where(rows >= 0, market.split_factor.to_numpy()[np.maximum(rows, 0), columns], 1.0)
    first = table.assign(shares_outstanding=table["shares_outstanding"] / factor)
    return _filed("shares_outstanding", replace(market, fundamentals=first)).ffill() * market.split_factor


def _sector_codes(market: Market) -> Panel:
    codes = market.sector.astype(float)
    return codes.where(codes >= 0)


DAYS_OF_FOUR_QUARTERS = 320
"""The newest quarter's end and the three before it lie within these; that of a year ago does not. [calendar days]"""

FLOWS = ("revenue", "gross_profit", "net_income", "operating_cf", "free_cash_flow")
"""Figures with a yearly sum, `$revenue_4q` and so on."""

FUNDAMENTALS: dict[str, Unit] = {
    "revenue": CURRENCY,
    "gross_profit": CURRENCY,
    "net_income": CURRENCY,
    "total_assets": CURRENCY,
    "total_debt": CURRENCY,
    "current_assets": CURRENCY,
    "current_liabilities": CURRENCY,
    "equity": CURRENCY,
    "operating_cf": CURRENCY,
    "capex": CURRENCY,
    "free_cash_flow": CURRENCY,
}
"""Quarterly figures as filed."""

OTHERS: dict[str, tuple[Unit, str]] = {
    "eps_estimate": (CURRENCY, "analysts' mean estimate of the year's earnings a share"),
    "put_call_ratio": (RATIO, "volume of puts over that of calls"),
    "implied_volatility": (RATIO, "of options at the money, one month [per √year]"),
}
"""Columns that a table of fundamentals may carry besides, each row known from its session on."""

_ALL = (
    Field("open", PRICE, lambda m: m.adj_open, "total-return open"),
    Field("high", PRICE, lambda m: m.adj_high, "total-return high"),
    Field("low", PRICE, lambda m: m.adj_low, "total-return low"),
    Field("close", PRICE, lambda m: m.adj_close, "total-return close"),
    Field("vwap", PRICE, lambda m: m.vwap * m.return_factor, "total-return volume-weighted average price", "vwap"),
    Field("volume", SHARES, lambda m: m.adj_volume, "volume in shares of the first session"),
    Field("raw_open", CURRENCY, lambda m: m.open, "open as printed", "raw prices"),
    Field("raw_high", CURRENCY, lambda m: m.high, "high as printed", "raw prices"),
    Field("raw_low", CURRENCY, lambda m: m.low, "low as printed", "raw prices"),
    Field("raw_close", CURRENCY, lambda m: m.close, "close as printed", "raw prices"),
    Field("raw_volume", SHARES, lambda m: m.volume, "volume in shares of the day", "raw prices"),
    Field("dollar_volume", CURRENCY, lambda m: m.close * m.volume, "close × volume of the day", "raw prices"),
    Field(
        "split_factor",
        RATIO,
        lambda m: m.split_factor,
        "shares that one of the first session has become",
        "raw prices",
    ),
    Field(
        "market_cap",
        CURRENCY,
        lambda m: m.close * _shares_outstanding(m),
        "close × shares outstanding of the day",
        "raw prices",
    ),
    Field("sector", GROUP, _sector_codes, "code of the sector on the date"),
    Field("member", RATIO, lambda m: m.member.astype(float), "1 for the universe's members on the date"),
    Field("sector_index", PRICE, _sector_index, "total-return index of the sector's ETF", "sector ETFs"),
    Field("spy", PRICE, _benchmark("SPY"), "total-return index of SPY", "benchmark SPY"),
    Field("vix", RATIO, _macro("vix"), "VIX [index points]", "macro vix"),
    Field("vix3m", RATIO, _macro("vix3m"), "three-month VIX [index points]", "macro vix3m"),
    Field("yield_10y", RATIO, _macro("yield_10y"), "ten-year Treasury yield [fraction]", "macro yield_10y"),
    Field("yield_3m", RATIO, _macro("yield_3m"), "three-month Treasury yield [fraction]", "macro yield_3m"),
    Field("oil", CURRENCY, _macro("oilprice"), "oil price [currency a barrel]", "macro oilprice"),
    Field("gold", CURRENCY, _macro("gold"), "gold price [currency an ounce]", "macro gold"),
    Field(
        "earnings_surprise", RATIO, lambda m: earnings_surprise(m.earnings, m.close), "of the last report", "earnings"
    ),
    Field(
        "sessions_since_earnings",
        RATIO,
        lambda m: sessions_since_earnings(m.earnings, m.close),
        "since the last report",
        "earnings",
    ),
    Field(
        "shares_outstanding",
        SHARES,
        _shares_outstanding,
        "shares as last filed, in shares of the day",
        "fundamentals shares_outstanding",
    ),
    *(
        Field(name, unit, _fundamental(name), f"{name.replace('_', ' ')}, latest filed", f"fundamentals {name}")
        for name, unit in FUNDAMENTALS.items()
    ),
    *(
        Field(
            f"{name}_4q",
            CURRENCY,
            _four_quarters(name),
            f"{name.replace('_', ' ')} of the latest four quarters filed",
            f"fundamentals {name}",
        )
        for name in FLOWS
    ),
    *(
        Field(name, unit, _fundamental(name), summary, f"fundamentals {name}")
        for name, (unit, summary) in OTHERS.items()
    ),
)

FIELDS: dict[str, Field] = {field.name: field for field in _ALL}
"""Every field by the name after its `$`."""
