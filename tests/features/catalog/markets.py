"""A small market that has everything a field can ask for."""

from dataclasses import replace

import numpy as np
import pandas as pd

from alphalib.features.fields import FUNDAMENTALS, OTHERS
from alphalib.market import Market
from tests.worlds import random_market


def complete_market(*, seed: int = 4, names: int = 10, sessions: int = 420, missing: float = 0.02) -> Market:
    """A random world with every macro series, quarterly figures, estimates and options."""
    market = random_market(seed=seed, names=names, sessions=sessions, missing=missing)
    rng = np.random.default_rng(seed + 1)
    vix = market.macro["vix"].to_numpy()
    macro = market.macro.assign(
        vix3m=vix * np.exp(rng.normal(0.05, 0.05, sessions)),
        yield_10y=0.03 + np.cumsum(rng.normal(0, 2e-4, sessions)),
        gold=1500 * np.exp(np.cumsum(rng.normal(0, 0.01, sessions))),
        oilprice=60 * np.exp(np.cumsum(rng.normal(0, 0.02, sessions))),
    )
    return replace(
        market,
        macro=macro.rename_axis(columns=market.macro.columns.name),
        fundamentals=pd.concat([_quarterly(market, rng), _weekly(market, rng)], ignore_index=True),
        earnings=_reports(market, rng),
    )


def _quarterly(market: Market, rng: np.random.Generator) -> pd.DataFrame:
    known = market.sessions[5::63]
    table = pd.MultiIndex.from_product([market.tickers, known], names=["ticker", "known"]).to_frame(index=False)
    figures = {name: 1e8 * np.exp(rng.normal(0, 0.3, len(table))) for name in (*FUNDAMENTALS, "shares_outstanding")}
    return table.assign(period_end=table["known"] - pd.Timedelta(days=40), **figures)


def _weekly(market: Market, rng: np.random.Generator) -> pd.DataFrame:
    known = market.sessions[::5]
    table = pd.MultiIndex.from_product([market.tickers, known], names=["ticker", "known"]).to_frame(index=False)
    return table.assign(
        period_end=table["known"],
        **{name: np.exp(rng.normal(-1, 0.2, len(table))) for name in OTHERS},
    )


def _reports(market: Market, rng: np.random.Generator) -> pd.DataFrame:
    """Every quarter, the second name a session after the first, and so on."""
    rows = [
        (ticker, day, pd.NaT, rng.normal(0, 0.05))
        for place, ticker in enumerate(market.tickers)
        for day in market.sessions[8 + place :: 63]
    ]
    return pd.DataFrame(rows, columns=["ticker", "date", "scheduled", "surprise"]).astype(market.earnings.dtypes)
