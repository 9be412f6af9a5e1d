"""Headlines that lag: published at some minute, known to us at the close of that session or a few later.

Times of publication are New York's, without a zone. Three kinds: on reports, on large moves, and chatter that says
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.sources.sample.lives import Lives
from alphalib.sources.sample.names import Names
from alphalib.sources.sample.returns import Flow
from alphalib.sources.sample.streams import Floats, by_name, stream, uniform

CHATTER_CHANCE = 0.03  # a session and name
LARGE_MOVE = 3.5  # of the name's volatility
_TOPICS = (
    "speaks at an industry conference",
    "names a new head of operations",
    "opens a distribution centre",
    "renews a supply agreement",
    "updates its sustainability goals",
    "sees an analyst change the price target",
    "is mentioned in a sector review",
    "extends a credit line",
)


def headline_table(
    seed: int, surprise: Floats, moves: Flow, life: Lives, names: Names, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    """`known, published, ticker, headline`, for the headlines known by the last session."""
    rows = [
        *_on_reports(seed, surprise, life, names),
        *_on_moves(seed, moves, life, names),
        *_chatter(seed, life, names),
    ]
    numbers = np.array([row[:4] for row in rows], dtype=np.int64).reshape(-1, 4)
    company, published_at, minute, lag = numbers.T
    known_at = published_at + lag
    told = known_at < len(sessions)
    table = pd.DataFrame(
        {
            "known": sessions[np.minimum(known_at, len(sessions) - 1)],
            "published": sessions[published_at] + minute.astype("timedelta64[m]"),
            "ticker": names.tickers[company],
            "headline": pd.Series([row[4] for row in rows], dtype="str"),
        }
    )
    return table[told].sort_values(["known", "ticker", "published", "headline"], ignore_index=True)


Row = tuple[int, int, int, int, str]  # company, session, minute of the day, lag in sessions, headline


def _on_reports(seed: int, surprise: Floats, life: Lives, names: Names) -> Iterator[Row]:
    """The evening before the session that trades on it; known with it or up to two sessions later."""
    told = (surprise != 0.0) & life.trading
    told[0] = False
    for company, session, chance in _places(seed, "report headline", told):
        unit = surprise[session, company]
        verdict = "tops estimates" if unit > 0.4 else "misses estimates" if unit < -0.4 else "meets estimates"
        headline = f"{names.at(company, session)} {verdict} for the quarter"
        yield company, session - 1, 970 + int(120 * chance), 1 + int(3 * chance), headline


def _on_moves(seed: int, moves: Flow, life: Lives, names: Names) -> Iterator[Row]:
    """In the afternoon; known that evening or the session after."""
    large = (np.abs(moves.unusual) > LARGE_MOVE) & life.trading
    for company, session, chance in _places(seed, "move headline", large):
        verb = "jumps" if moves.unusual[session, company] > 0 else "falls"
        yield (
            company,
            session,
            780 + int(170 * chance),
            int(2 * chance),
            (f"{names.at(company, session)} {verb} in active trading"),
        )


def _chatter(seed: int, life: Lives, names: Names) -> Iterator[Row]:
    """At any time of the day; known up to three sessions later."""
    spoken = (by_name(seed, "chatter", life.trading.shape, uniform) < CHATTER_CHANCE) & life.trading
    for company, session, chance in _places(seed, "chatter headline", spoken):
        topic = _TOPICS[int(chance * 1000) % len(_TOPICS)]
        yield company, session, 480 + int(480 * chance), int(4 * chance), f"{names.at(company, session)} {topic}"


def _places(seed: int, component: str, where: NDArray[np.bool_]) -> Iterator[tuple[int, int, float]]:
    """Companies and sessions where something is said, each with a uniform draw of its own."""
    for company in range(where.shape[1]):
        found = np.flatnonzero(where[:, company])
        chances = stream(seed, component, company).random(len(found))
        yield from zip([company] * len(found), found.tolist(), chances.tolist(), strict=True)
