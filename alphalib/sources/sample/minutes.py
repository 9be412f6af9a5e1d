"""Minute bars of one session that agree with its daily bar to the cent and to the share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.sessions import calendar, require_session, session_minutes
from alphalib.sources.sample.streams import Floats, stream

STEPS = 4  # of the path within a minute


def session_path(bar: dict[str, float], *, seed: int, ticker: str, day: pd.Timestamp) -> pd.DataFrame:
    """Minute bars of one name and session.

    Parameters
    ----------
    bar : dict
        open, high, low, close [currency] and volume [shares] of the session.
    seed, ticker, day
        Name the random stream.

    Returns
    -------
    DataFrame
        `time` (start of the minute, UTC), open, high, low, close, volume; 390 rows, or 210 on a half-day.
    """
    session = require_session(day)
    minutes = session_minutes(session)
    rng = stream(seed, "minutes", ticker, f"{session:%Y-%m-%d}")
    path = _path(bar, minutes * STEPS, rng)
    # Each minute shares its first point with the last of the minute before.
    points = np.lib.stride_tricks.sliding_window_view(path, STEPS + 1)[::STEPS]
    opened = pd.Timestamp(calendar().session_open(session)).as_unit("us")
    return pd.DataFrame(
        {
            "time": pd.date_range(opened, periods=minutes, freq="min", unit="us"),
            "open": points[:, 0],
            "high": points.max(axis=1),
            "low": points.min(axis=1),
            "close": points[:, -1],
            "volume": _volume(int(bar["volume"]), minutes, rng).astype(float),
        }
    )


def _path(bar: dict[str, float], steps: int, rng: np.random.Generator) -> Floats:
    """Price from the open to the close that touches the high and the low and never passes them."""
    start, end, top, bottom = (float(np.log(bar[name])) for name in ("open", "close", "high", "low"))
    # A Brownian motion's mean range is 1.6 standard deviations (Feller 1951, doi:10.1214/aoms/1177729589).
    spread = max(top - bottom, 1e-4) / 1.6
    walk = np.concatenate([[0.0], np.cumsum(rng.standard_normal(steps))]) * spread / np.sqrt(steps)
    share = np.linspace(0.0, 1.0, steps + 1)
    bridge = start + walk + share * (end - start - walk[-1])
    bridge = _stretched(bridge, max(start, end), top)
    bridge = -_stretched(-bridge, -min(start, end), -bottom)
    path = np.asarray(np.clip(np.round(np.exp(bridge), 2), bar["low"], bar["high"]), dtype=np.float64)
    path[0], path[-1] = bar["open"], bar["close"]
    return path


def _stretched(path: Floats, edge: float, limit: float) -> Floats:
    """What lies above `edge`, scaled so that its highest point is `limit`; where nothing does, one point is lifted."""
    stretched = path.copy()
    highest = float(path.max())
    if highest > edge:
        above = path > edge
        stretched[above] = edge + (path[above] - edge) * (limit - edge) / (highest - edge)
    else:
        stretched[1 + int(path[1:-1].argmax())] = limit
    return stretched


def _volume(total: int, minutes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Shares by minute: more at both ends of the session, and the day's total to the share."""
    clock = np.linspace(-1.0, 1.0, minutes)
    weights = (0.6 + 1.4 * clock**2) * rng.gamma(1.5, size=minutes)
    exact = total * weights / weights.sum()
    shares: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    short = total - int(shares.sum())
    shares[np.argsort(shares - exact, kind="stable")[:short]] += 1
    return shares
