"""Markets for the engine's tests: with every field there is, with holes, and of no particular order."""

from dataclasses import replace

import numpy as np
import pandas as pd

from alphalib.features.fields import FIELDS
from tests.worlds import random_market


def full_market(*, seed=5, names=9, sessions=100, missing=0.08):
    """A random market that has all fields: each macro series, each figure filed three times a name."""
    market = random_market(seed=seed, names=names, sessions=sessions, missing=missing)
    rng = np.random.default_rng(seed)
    known = market.sessions[rng.integers(5, sessions, 3 * names)]
    filed = pd.DataFrame(
        {"ticker": np.repeat(market.tickers, 3), "period_end": known - pd.Timedelta(days=40), "known": known}
    )
    series = {}
    for field in FIELDS.values():
        kind, _, column = field.needs.partition(" ")
        if kind == "macro":
            series[column] = 20 + np.cumsum(rng.normal(size=sessions))
        if kind == "fundamentals" and column:
            filed[column] = np.exp(rng.normal(18, 1, len(filed)))
    macro = pd.DataFrame(series, index=market.sessions).rename_axis(columns="series")
    return replace(market, macro=macro, fundamentals=filed)
