"""Complete random bars from a seed, as arrays that every interpreter of the benchmarks reads alike."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from alphalib.market import Market, Source
from alphalib.sessions import all_sessions
from alphalib.sources.stored import TABLES, assemble, bars_by_year, read_table
from alphalib.store import Store

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
SOURCE = Source("random bars", simulated=True)


def random_bars(*, seed: int, names: int, sessions: int, first: str = "2012-01-03") -> dict[str, np.ndarray]:
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
    start = all_sessions().searchsorted(pd.Timestamp(first))
    return {
        "dates": all_sessions()[start : start + sessions].strftime("%Y-%m-%d").to_numpy(dtype=str),
        "tickers": np.array([f"N{number:04d}" for number in range(names)]),
        **{field: array.astype(np.float32) for field, array in zip(FIELDS, values, strict=True)},
    }


def market_of(bars: dict[str, np.ndarray]) -> Market:
    """The bars as a market in which everybody is a member and nothing happens."""
    with tempfile.TemporaryDirectory() as name:
        empty = Store(name)
        tables = {table: read_table(empty, table) for table in TABLES}
    return assemble(tidy(bars), tables, SOURCE, survivors=True)


def tidy(bars: dict[str, np.ndarray]) -> pd.DataFrame:
    """The bars as rows, sorted by ticker and date."""
    names, sessions = bars["close"].shape
    return pd.DataFrame(
        {
            "date": np.tile(pd.DatetimeIndex(bars["dates"]).as_unit("us"), names),
            "ticker": pd.array(np.repeat(bars["tickers"], sessions), dtype="str"),
            **{field: bars[field].reshape(-1).astype(float) for field in FIELDS},
        }
    )


def write_store(bars: dict[str, np.ndarray], folder: Path) -> Store:
    """The bars as a store has them."""
    store = Store(folder)
    for path, content in bars_by_year(tidy(bars)).items():
        store.write_bytes(path, content)
    store.write_json("prices/source.json", asdict(SOURCE))
    return store


def save_bars(bars: dict[str, np.ndarray], folder: Path) -> None:
    """Where the reference programs look for them."""
    np.savez(folder / "bars.npz", **bars)
