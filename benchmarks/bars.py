"""Complete random bars from a seed, as arrays that every interpreter of the benchmarks reads alike."""

from pathlib import Path

import numpy as np
import pandas as pd

from alphalib.sessions import all_sessions

FIELDS = ("open", "high", "low", "close", "volume", "vwap")


def random_bars(*, seed: int, names: int, sessions: int) -> dict[str, np.ndarray]:
    """Independent lognormal walks without gaps, every number one of float32's.

    Returns
    -------
    dict of str to array
        `dates` (sessions,), `tickers` (names,), and each of `FIELDS` as float32 (names, sessions). [currency], [shares]
    """
    rng = np.random.default_rng(seed)
    shape = (names, sessions)
    close = 50 * np.exp(np.cumsum(rng.normal(0.0003, 0.02, shape), axis=1))
    opened = close * np.exp(rng.normal(0, 0.01, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.005, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.005, shape)))
    volume = np.round(1e6 * np.exp(rng.normal(0, 0.4, shape)))
    vwap = (opened + high + low + close) / 4
    values = (opened, high, low, close, volume, vwap)
    first = all_sessions().searchsorted(pd.Timestamp("2012-01-03"))
    return {
        "dates": all_sessions()[first : first + sessions].strftime("%Y-%m-%d").to_numpy(dtype=str),
        "tickers": np.array([f"N{number:04d}" for number in range(names)]),
        **{field: array.astype(np.float32) for field, array in zip(FIELDS, values, strict=True)},
    }


def save_bars(bars: dict[str, np.ndarray], folder: Path) -> None:
    """Where the reference programs look for them."""
    np.savez(folder / "bars.npz", **bars)
