"""The universe by date, and the funds that follow it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.market import SECTOR_ETFS, SECTORS
from alphalib.sources.sample.lives import LISTED_ON, Lives
from alphalib.sources.sample.returns import Climate
from alphalib.sources.sample.roster import Roster
from alphalib.sources.sample.streams import Floats, over_names

REVIEW = 63  # sessions between reviews
MEMBERS = 0.8  # of the names listed at the start
BUFFER = 0.08  # of the members: an incumbent stays while its rank is not worse than this beyond the last place

FUND_STARTS = {"XLRE": "2016-09-19", "XLC": "2018-06-19"}
"""Funds that start late: when Real Estate and Communication Services became, or were about to become, GICS sectors."""


def membership(capitalisation: Floats, life: Lives, *, names: int) -> NDArray[np.bool_]:
    """Whether each company belongs at each session: the largest at the last review, effective the session after it."""
    sessions, count = capitalisation.shape
    places = round(MEMBERS * names)
    member = np.zeros((sessions, count), dtype=bool)
    inside = np.zeros(count, dtype=bool)
    reviews = [0, *range(REVIEW, sessions, REVIEW), sessions]
    for review, following in pairwise(reviews):
        going_on = life.trading[review] & (life.last != review)
        inside = _reviewed(np.where(going_on, capitalisation[review], -np.inf), inside, places)
        first = 0 if review == 0 else review + 1
        member[first : following + 1] = inside
    return member & life.trading


def _reviewed(capitalisation: Floats, inside: NDArray[np.bool_], places: int) -> NDArray[np.bool_]:
    """The members after a review: incumbents within the buffer first, then the largest of the others."""
    order = np.argsort(-capitalisation, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    listed = np.isfinite(capitalisation)
    margin = round(BUFFER * places)
    first_call = np.where(inside, rank < places + margin, rank < places - margin)
    wanted = np.lexsort((rank, ~first_call, ~listed))[:places]
    chosen = np.zeros(len(order), dtype=bool)
    chosen[wanted] = True
    return chosen & listed


def intervals(member: NDArray[np.bool_], sessions: pd.DatetimeIndex, tickers: pd.Index) -> pd.DataFrame:
    """`ticker, start, end` of each stay; one that reaches the last session has no end yet."""
    rows: list[tuple[str, pd.Timestamp, pd.Timestamp | None]] = []
    for column, ticker in enumerate(tickers):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], member[:, column], [False]]).astype(np.int8)))
        for start, after in zip(edges[::2], edges[1::2], strict=True):
            rows.append((str(ticker), sessions[start], sessions[after - 1] if after < len(sessions) else None))
    table = pd.DataFrame(rows, columns=["ticker", "start", "end"])
    return table.astype({"ticker": "str", "start": "datetime64[us]", "end": "datetime64[us]"})


def funds(
    common: Climate, roster: Roster, life: Lives, member: NDArray[np.bool_], capitalisation: Floats
) -> dict[str, Floats]:
    """Total-return index of SPY and the sector funds: members weighted by capitalisation, delistings included."""
    sessions = len(member)
    returns = life.returns.copy()
    ended = np.flatnonzero((life.last != LISTED_ON) & (life.last < sessions - 1))
    returns[life.last[ended] + 1, ended] = life.proceeds[ended]
    weights = np.zeros_like(capitalisation)
    weights[1:] = np.where(member[:-1], capitalisation[:-1], 0.0)
    found = {"SPY": 220.0 * _grown(_mean(returns, weights, common.market))}
    for code, fund in enumerate(SECTOR_ETFS):
        inside = np.where(roster.sector == code, weights, 0.0)
        inside[1:] = np.where(roster.sector[:-1] == code, weights[1:], 0.0)
        lonely = common.market + common.sectors[:, code]
        found[fund] = (30.0 + 3.0 * code) * _grown(_mean(returns, inside, lonely))
    return found


def fund_table(found: dict[str, Floats], sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """`date, ticker, close`, each fund from its first session."""
    parts = [
        pd.DataFrame({"date": sessions, "ticker": fund, "close": np.round(level, 4)})[
            sessions >= pd.Timestamp(FUND_STARTS.get(fund, "1990-01-01"))
        ]
        for fund, level in found.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"ticker": "str"})


def sector_table(roster: Roster, sessions: pd.DatetimeIndex, tickers: pd.Index) -> pd.DataFrame:
    """`ticker, start, sector`: the sector at the listing, then every change."""
    rows = []
    for column, ticker in enumerate(tickers):
        codes = roster.sector[:, column]
        first = int(roster.listing[column])
        changes = first + 1 + np.flatnonzero(np.diff(codes[first:]))
        rows += [(str(ticker), sessions[at], SECTORS[codes[at]]) for at in (first, *changes)]
    return pd.DataFrame(rows, columns=["ticker", "start", "sector"]).astype({"ticker": "str", "sector": "str"})


def _mean(returns: Floats, weights: Floats, otherwise: Floats) -> Floats:
    """Weighted mean return across names by session; `otherwise` where nobody has a weight."""
    total = over_names(weights)
    held = total > 0.0
    return np.where(held, over_names(weights * returns) / np.where(held, total, 1.0), otherwise)


def _grown(returns: Floats) -> Floats:
    """Wealth of 1 after each session."""
    return np.asarray(np.cumprod(1.0 + returns), dtype=np.float64)
