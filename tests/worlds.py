"""Small random worlds for tests: plain, quick, nothing planted in them."""

import numpy as np
import pandas as pd

from alphalib.market import SECTOR_ETFS, SECTORS, Market, Source
from alphalib.sessions import all_sessions


def random_market(*, seed: int = 0, names: int = 12, sessions: int = 300, missing: float = 0.0) -> Market:
    """Independent lognormal walks with a dividend, a split and a delisting; `missing` is the share of lost bars."""
    rng = np.random.default_rng(seed)
    first = all_sessions().searchsorted(pd.Timestamp("2019-01-02"))
    index = all_sessions()[first : first + sessions]
    tickers = pd.Index([f"N{number:03d}" for number in range(names)], name="ticker", dtype="str")

    def panel(values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=index, columns=tickers)

    close = 50 * np.exp(np.cumsum(rng.normal(0.0003, 0.02, (sessions, names)), axis=0))
    opened = close * np.exp(rng.normal(0, 0.005, close.shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.005, close.shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.005, close.shape)))
    volume = np.round(1e6 * np.exp(rng.normal(0, 0.4, close.shape)))
    gone = rng.random(close.shape) < missing
    split, ends = sessions // 3, sessions - sessions // 6
    for prices in (opened, high, low, close):
        prices[split:, 0] /= 2
    gone[ends:, -1] = True
    for values in (opened, high, low, close, volume):
        values[gone] = np.nan
    actions = pd.DataFrame(
        [
            (index[split], tickers[0], "split", 2.0, ""),
            (index[sessions // 2], tickers[1], "dividend", 0.5, ""),
            (index[ends], tickers[-1], "delisting", -0.4, "distress"),
        ],
        columns=["date", "ticker", "kind", "value", "detail"],
    )
    benchmarks = pd.DataFrame(
        100 * np.exp(np.cumsum(rng.normal(0.0003, 0.01, (sessions, 1 + len(SECTOR_ETFS))), axis=0)),
        index=index,
        columns=pd.Index(["SPY", *SECTOR_ETFS], name="ticker", dtype="str"),
    )
    macro = pd.DataFrame(
        {"vix": 18 + np.abs(rng.normal(0, 4, sessions)), "yield_10y": 0.03, "yield_3m": 0.02}, index=index
    ).rename_axis(columns="series")
    reported = rng.integers(30, sessions - 5, names)
    earnings = pd.DataFrame(
        {
            "ticker": tickers,
            "date": index[reported],
            "scheduled": index[reported - 20],
            "surprise": rng.normal(0, 0.05, names),
        }
    )
    fundamentals = pd.DataFrame(
        {"ticker": tickers, "period_end": index[reported - 25], "known": index[reported], "net_income": 1e8}
    )
    sector = np.tile((np.arange(names) % len(SECTORS) % 3).astype(np.int8), (sessions, 1))
    return Market(
        open=panel(opened),
        high=panel(high),
        low=panel(low),
        close=panel(close),
        volume=panel(volume),
        vwap=panel((opened + high + low + close) / 4),
        member=panel(~gone),
        sector=panel(sector),
        actions=actions,
        benchmarks=benchmarks,
        macro=macro,
        earnings=earnings,
        fundamentals=fundamentals,
        source=Source(name="random world", simulated=True),
    )
