"""Daily bars as printed: raw prices in cents, volume in shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.sources.sample.actions import Decided
from alphalib.sources.sample.lives import Lives
from alphalib.sources.sample.returns import Flow
from alphalib.sources.sample.roster import Roster
from alphalib.sources.sample.streams import Floats, by_name, normal, uniform

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
HALT_CHANCE = 0.00012  # a session and name
HALT_LENGTHS = (1, 1, 2, 3)  # sessions
HALF_DAY = 0.55  # of a full session's volume
CENT = 0.01


@dataclass(frozen=True, eq=False)
class Bars:
    """Sessions × companies, by field; NaN where nothing traded."""

    fields: dict[str, Floats]
    halted: NDArray[np.bool_]


def printed(
    seed: int, roster: Roster, moves: Flow, life: Lives, decision: Decided, *, reported: Floats, half_days: Floats
) -> Bars:
    """The bars of every session, before anything goes wrong with them."""
    shape = life.wealth.shape
    opened = decision.price_factor * life.opening
    close = decision.price_factor * life.wealth
    top, bottom = _extremes(seed, opened, close, moves.intraday_volatility)
    opened, high, low, close = (_cents(values) for values in (opened, top, bottom, close))
    volume = _volume(seed, roster, moves, decision, reported=reported, half_days=half_days)
    typical = 0.2 * opened + 0.2 * close + 0.3 * high + 0.3 * low
    vwap = np.clip(typical + 0.1 * (high - low) * (by_name(seed, "vwap", shape, uniform) - 0.5), low, high)
    halted = _halts(seed, life.trading)
    silent = halted | ~life.trading
    found = dict(zip(FIELDS, (opened, high, low, close, volume, np.round(vwap, 4)), strict=True))
    return Bars({name: np.where(silent, np.nan, values) for name, values in found.items()}, halted)


def tidy(fields: dict[str, Floats], sessions: pd.DatetimeIndex, tickers: pd.Index) -> pd.DataFrame:
    """Bars one a row, sorted by ticker and date, without the sessions on which nothing traded."""
    order = np.argsort(tickers.to_numpy(dtype=str), kind="stable")
    columns, rows = np.nonzero(~np.isnan(fields["close"]).T[order])
    columns = order[columns]
    found = {name: fields[name][rows, columns] for name in FIELDS}
    return pd.DataFrame({"date": sessions[rows], "ticker": tickers[columns], **found})


def _extremes(seed: int, opened: Floats, close: Floats, volatility: Floats) -> tuple[Floats, Floats]:
    """Highest and lowest price of a Brownian bridge from open to close, drawn from their exact marginal laws.

    Notes
    -----
    Borodin & Salminen (2002), Handbook of Brownian Motion, 1.1.8: P(max > m) = exp(−2 (m − a)(m − b) / s²).
    """
    start, end = np.log(opened), np.log(close)
    spread = 2.0 * volatility**2
    upper = spread * -np.log1p(-by_name(seed, "high", opened.shape, uniform))
    lower = spread * -np.log1p(-by_name(seed, "low", opened.shape, uniform))
    middle, reach = start + end, (end - start) ** 2
    top = np.exp((middle + np.sqrt(reach + upper)) / 2.0)
    bottom = np.exp((middle - np.sqrt(reach + lower)) / 2.0)
    return np.maximum(top, np.maximum(opened, close)), np.minimum(bottom, np.minimum(opened, close))


def _volume(
    seed: int, roster: Roster, moves: Flow, decision: Decided, *, reported: Floats, half_days: Floats
) -> Floats:
    """Traded shares: a slow trend, more on large moves and on reports, less on half-days."""
    noise = by_name(seed, "turnover", moves.total.shape, normal)
    level = 0.40 * moves.volume_trend + 0.15 * noise + 0.20 * np.minimum(np.abs(moves.unusual), 6.0) + 0.8 * reported
    shares = roster.capitalisation / roster.price * decision.share_factor
    traded = shares * roster.turnover * np.exp(level) * np.where(half_days, HALF_DAY, 1.0)[:, None]
    return np.maximum(np.round(traded), 100.0)


def _halts(seed: int, trading: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Sessions on which a listed name did not trade at all."""
    chance = by_name(seed, "halt", trading.shape, uniform)
    halted = np.zeros(trading.shape, dtype=bool)
    for row, column in np.argwhere(chance < HALT_CHANCE):
        # The position of the draw within its interval is itself uniform, and picks the length.
        length = HALT_LENGTHS[int(chance[row, column] / HALT_CHANCE * len(HALT_LENGTHS))]
        halted[row : row + length, column] = True
    listed_before = np.zeros_like(trading)
    listed_before[1:] = trading[:-1]
    return halted & trading & listed_before


def _cents(values: Floats) -> Floats:
    return np.maximum(np.round(values, 2), CENT)
