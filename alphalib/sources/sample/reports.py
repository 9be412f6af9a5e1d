"""What companies tell: scheduled reports with surprises, and filings that arrive late and are restated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.sessions import all_sessions
from alphalib.sources.sample.lives import LISTED_ON, Lives
from alphalib.sources.sample.roster import Roster
from alphalib.sources.sample.streams import Floats, stream

ANNOUNCED = 20  # sessions between the announcement of a date and the date
UNANNOUNCED = 0.03  # share of reports that come without notice
TYPICAL_SURPRISE = 0.04  # standard deviation, of the estimate
FILED_AFTER = (25.0, 75.0)  # days from the end of the quarter
RESTATED = 0.06  # share of filings
RESTATED_AFTER = (60.0, 250.0)  # days from the filing
FIGURES = (
    "revenue",
    "net_income",
    "total_assets",
    "equity",
    "operating_cf",
    "capex",
    "free_cash_flow",
    "shares_outstanding",
)


@dataclass(frozen=True, eq=False)
class Calendar:
    """Reports of every company and quarter; quarters × companies. Positions count from the first session."""

    quarter_ends: pd.DatetimeIndex
    position: NDArray[np.int64]
    announced: NDArray[np.bool_]
    surprise: Floats  # unit


def report_calendar(seed: int, roster: Roster, sessions: pd.DatetimeIndex) -> Calendar:
    """When each company reports on each quarter, as far as anything about it is known at the last session."""
    first, last = sessions[0], sessions[-1]
    quarter_ends = pd.date_range(first - pd.DateOffset(months=3), last + pd.DateOffset(days=60), freq="QE").as_unit(
        "us"
    )
    shape = (len(quarter_ends), roster.count)
    position, announced, surprise = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=bool), np.empty(shape)
    for number in range(roster.count):
        draws = stream(seed, "reports", number).standard_normal((len(quarter_ends), 3))
        days = np.round(roster.report_lag[number] + 2.0 * np.clip(draws[:, 0], -2.0, 2.0)).astype("timedelta64[D]")
        position[:, number] = _position(quarter_ends + days, sessions)
        announced[:, number] = draws[:, 1] > -1.88  # the normal quantile of UNANNOUNCED
        surprise[:, number] = np.clip(draws[:, 2], -4.0, 4.0)
    return Calendar(quarter_ends, position, announced, surprise)


def surprises(calendar: Calendar, shape: tuple[int, int]) -> Floats:
    """Unit surprise at the session of each report, else 0; sessions × companies."""
    found = np.zeros(shape)
    quarters, companies = np.nonzero((calendar.position >= 0) & (calendar.position < shape[0]))
    found[calendar.position[quarters, companies], companies] = calendar.surprise[quarters, companies]
    return found


def earnings_table(
    calendar: Calendar, roster: Roster, life: Lives, sessions: pd.DatetimeIndex, tickers: pd.Index
) -> pd.DataFrame:
    """`ticker, date, scheduled, surprise`: reports made, and those whose date is known; NaN until they are made."""
    span, base = all_sessions(), int(all_sessions().searchsorted(sessions[0]))
    ends = np.where(life.last == LISTED_ON, len(sessions) - 1, life.last)
    listed = calendar.position >= roster.listing
    # A company that comes to the exchange within the notice announces on its first day.
    notice = np.maximum(calendar.position - ANNOUNCED, np.where(roster.listing > 0, roster.listing, -ANNOUNCED))
    made = listed & (calendar.position <= ends)
    awaited = listed & calendar.announced & (notice <= ends)
    companies, quarters = np.nonzero((made | awaited).T)
    announced, told = calendar.announced[quarters, companies], made[quarters, companies]
    surprise = np.round(TYPICAL_SURPRISE * calendar.surprise[quarters, companies], 4)
    table = pd.DataFrame(
        {
            "ticker": tickers[companies],
            "date": span[base + calendar.position[quarters, companies]],
            "scheduled": span[base + notice[quarters, companies]].where(announced),
            "surprise": np.where(told, surprise, np.nan),
        }
    )
    return table.sort_values(["ticker", "date"], ignore_index=True)


def fundamentals_table(
    seed: int,
    quarter_ends: pd.DatetimeIndex,
    roster: Roster,
    life: Lives,
    decision_shares: Floats,
    sessions: pd.DatetimeIndex,
    tickers: pd.Index,
) -> pd.DataFrame:
    """`ticker, period_end, known` and `FIGURES`: filings known by the last session, restatements as a second row."""
    parts = [
        _filings(seed, number, quarter_ends, roster, decision_shares[:, number], sessions)
        for number in range(roster.count)
    ]
    table = pd.concat(parts, ignore_index=True)
    company = table.pop("company").to_numpy()
    position = table.pop("position").to_numpy()
    last = np.where(life.last == LISTED_ON, len(sessions) - 1, life.last)[company]
    told = (position >= roster.listing[company]) & (position <= last)
    table.insert(0, "ticker", tickers[company])
    table.insert(2, "known", sessions[np.clip(position, 0, len(sessions) - 1)])
    return table[told].sort_values(["ticker", "known", "period_end"], ignore_index=True)


def _filings(
    seed: int, number: int, quarter_ends: pd.DatetimeIndex, roster: Roster, shares: Floats, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    """All filings of one company, with the position at which each becomes known."""
    rng = stream(seed, "filings", number)
    chances, noise = np.empty((len(quarter_ends), 4)), np.empty((len(quarter_ends), 5))
    for quarter in range(len(quarter_ends)):
        chances[quarter], noise[quarter] = rng.random(4), rng.standard_normal(5)
    filed = quarter_ends + _days(FILED_AFTER, chances[:, 0])
    restated = (chances[:, 1] < RESTATED) & (_position(filed, sessions) >= roster.listing[number])
    held = np.clip(sessions.searchsorted(quarter_ends, side="right") - 1, 0, len(sessions) - 1)
    figures = _figures(roster, number, noise, shares[held])
    table = pd.DataFrame(
        {"company": number, "period_end": quarter_ends, "position": _position(filed, sessions), **figures}
    )
    again = table[restated].copy()
    again["position"] = _position((filed + _days(RESTATED_AFTER, chances[:, 2]))[restated], sessions)
    for name in ("net_income", "equity"):
        again[name] = np.round(again[name] * (0.75 + 0.4 * chances[restated, 3]))
    return pd.concat([table, again], ignore_index=True)


def _figures(roster: Roster, number: int, noise: Floats, splits: Floats) -> dict[str, Floats]:
    """Quarterly figures that wander around the company's size; cheap companies have more equity for their price."""
    size = roster.capitalisation[number]
    growth = np.exp(np.cumsum(0.012 + 0.04 * noise[:, 0]))
    equity = size * 0.35 * np.exp(0.5 * roster.styles[number, 1]) * np.exp(np.cumsum(0.01 + 0.03 * noise[:, 1]))
    revenue = 0.12 * size * growth
    income = revenue * (0.09 + 0.03 * noise[:, 2])
    operating = income + revenue * (0.05 + 0.02 * noise[:, 3])
    capex = revenue * 0.05 * np.exp(0.2 * noise[:, 4])
    values = (
        revenue,
        income,
        2.4 * equity,
        equity,
        operating,
        capex,
        operating - capex,
        size / roster.price[number] * splits,
    )
    return {name: np.round(value) for name, value in zip(FIGURES, values, strict=True)}


def _days(span: tuple[float, float], chance: Floats) -> NDArray[np.timedelta64]:
    return np.round(span[0] + (span[1] - span[0]) * chance).astype("timedelta64[D]")


def _position(days: pd.DatetimeIndex, sessions: pd.DatetimeIndex) -> NDArray[np.int64]:
    """First session on or after each day, counted from the world's first."""
    span = all_sessions()
    return np.asarray(span.searchsorted(days) - span.searchsorted(sessions[0]), dtype=np.int64)
