"""Returns of books as matrices: settings that are alike but for noise, and some that are really better."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alphalib.sessions import all_sessions

ASOF = "2023-12-29"
LINE = pd.Timestamp("2022-09-30")
SESSIONS = all_sessions()
SESSIONS = SESSIONS[(SESSIONS >= "2017-01-03") & (SESSIONS <= ASOF)]


def books(
    seed: int, *, settings: int = 40, better: float = 0.0, how_many: int = 4, own: float = 0.002
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Returns of settings, of the market, and fills; the last `how_many` earn `better` Sharpe a year more.

    `own` is the part of a setting's daily volatility, about 0.7 %, that it does not share with the others.
    """
    rng = np.random.default_rng(seed)
    market = 0.0004 + 0.011 * rng.standard_normal(len(SESSIONS))
    common = 0.6 * market + 0.003 * rng.standard_normal(len(SESSIONS))
    returns = common[:, None] + own * rng.standard_normal((len(SESSIONS), settings))
    returns[:, settings - how_many :] += better * np.hypot(0.0073, own) / 252**0.5
    names = [f"setting {number}" for number in range(settings)]
    frame = pd.DataFrame(returns, index=SESSIONS, columns=names)
    return frame, pd.Series(market, index=SESSIONS), pd.DataFrame(1, index=SESSIONS, columns=names)
