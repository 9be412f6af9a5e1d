"""A small market and a small plan, written by hand: a few names, a few minutes, and what is to be done with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from alphalib.contracts import ActiveStop, Entry, Intraday, OrderBook, PortfolioFile, UrgentExit
from alphalib.contracts.orders import Holding, Triggers
from alphalib.params import ExecutorParams
from alphalib.sessions import calendar, previous_session, require_session

HALF_DAY = "2026-11-27"  # 9:30–13:00 in New York, which is 14:30–18:00 UTC
NAV = 100_000.0


def bars(day: str, paths: dict[str, Sequence[float]], *, begin: str) -> dict[str, pd.DataFrame]:
    """Minute bars from each minute's close: a minute opens at the close before it, and goes nowhere else.

    Parameters
    ----------
    day : str
        The session.
    paths : dict
        Ticker to closes, of as many minutes; the first number is the first open. [currency]
    begin : str
        Of the first minute, in New York, such as 12:45.
    """
    first = pd.Timestamp(f"{day} {begin}", tz="America/New_York").tz_convert("UTC")
    return {ticker: _bars(first, np.asarray(path, dtype=float)) for ticker, path in paths.items()}


def _bars(first: pd.Timestamp, path: np.ndarray) -> pd.DataFrame:
    opened, close = path[:-1], path[1:]
    return pd.DataFrame(
        {
            "time": pd.date_range(first, periods=len(close), freq="min").as_unit("us"),
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": 12_000.0,
        }
    )


def path(*closes: float, minutes: int = 20) -> list[float]:
    """Closes of a name whose price stays at the last of these; the first is the first open. [currency]"""
    return [*closes, *[closes[-1]] * (minutes + 1 - len(closes))]


def entry(
    ticker: str, shares: int, price: float, *, pullback: float = 0.02, atr: float | None = 2.0, expiry: int = 4
) -> Entry:
    """An entry that only a fall by `pullback` from the session's high makes act, or the end of patience."""
    return Entry(
        ticker=ticker,
        shares=shares,
        current_price=price,
        dollar_size=shares * price,
        position_pct=shares * price / NAV,
        atr_value=atr,
        triggers=Triggers(pullback_pct=pullback, vwap_discount=0.5, expiry_minutes_before_close=expiry),
        research_score=80.0,
        research_conviction="stable",
        sector="Technology",
        sector_rating="market_weight",
        market_regime="neutral",
        sizing_factors={},
    )


def sale(ticker: str, shares: int, *, signal: str = "EXIT") -> UrgentExit:
    """A sale at the open."""
    return UrgentExit(ticker=ticker, signal=signal, shares=shares, reason="time_decay")


def stop(ticker: str, shares: int, at: float, *, cost: float, atr: float | None = 2.0) -> ActiveStop:
    """The stop of what stays of a position."""
    return ActiveStop(
        ticker=ticker,
        entry_price=cost,
        current_stop=at,
        trail_atr=atr,
        atr_multiple=2.5 if atr else None,
        high_water=cost,
        entry_date="2026-03-02",
        shares=shares,
    )


def book(
    day: str,
    *,
    entries: Iterable[Entry] = (),
    exits: Iterable[UrgentExit] = (),
    stops: Iterable[ActiveStop] = (),
    notes: Iterable[str] = (),
) -> OrderBook:
    """What is to be done in the session `day`."""
    params = ExecutorParams()
    return OrderBook(
        date=day,
        decided_on=f"{previous_session(day):%Y-%m-%d}",
        nav=NAV,
        drawdown=0.0,
        drawdown_multiplier=1.0,
        approved_entries=list(entries),
        urgent_exits=list(exits),
        active_stops=list(stops),
        intraday=Intraday(**{field: getattr(params, field) for field in Intraday.model_fields}),
        decision_hash="by hand",
        notes=list(notes),
    )


def portfolio(day: str, held: dict[str, tuple[int, float]], *, nav: float = NAV) -> PortfolioFile:
    """The portfolio at the close before the session `day`: ticker to shares and cost; the rest of the NAV is cash."""
    positions = [
        Holding(ticker=ticker, shares=shares, entry_price=cost, entry_date="2026-03-02", high_water=cost)
        for ticker, (shares, cost) in held.items()
    ]
    cash = nav - sum(shares * cost for shares, cost in held.values())
    return PortfolioFile(
        date=f"{previous_session(day):%Y-%m-%d}", cash=cash, nav=nav, nav_peak=nav, nav_before=nav, positions=positions
    )


def at(day: str, clock: str) -> pd.Timestamp:
    """A time of day in New York as an instant in UTC."""
    return pd.Timestamp(f"{day} {clock}", tz="America/New_York").tz_convert("UTC")


def closing(day: str) -> pd.Timestamp:
    """When a session closes, in UTC."""
    return pd.Timestamp(calendar().session_close(require_session(day)))
