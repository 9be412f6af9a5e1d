"""Markets whose future is nonsense: whatever is known at t must not notice."""

from dataclasses import replace

import numpy as np

from alphalib.market import Market

PANELS = ("open", "high", "low", "close", "volume", "vwap", "member", "sector", "benchmarks", "macro")
CORRUPTIONS = ("NaN", "1e10", "permuted")


def corrupted(market: Market, row: int, how: str) -> Market:
    """The market with everything after a row made nonsense."""
    rng = np.random.default_rng(1)
    day = market.sessions[row]
    changed = {}
    for name in PANELS:
        panel = getattr(market, name).copy()
        after = panel.iloc[row + 1 :]
        if how == "permuted":
            panel.iloc[row + 1 :] = after.to_numpy()[rng.permutation(len(after))]
        elif panel.dtypes.iloc[0].kind == "f":
            panel.iloc[row + 1 :] = np.nan if how == "NaN" else 1e10
        else:
            panel.iloc[row + 1 :] = np.full(after.shape, how == "1e10", dtype=panel.dtypes.iloc[0])
        changed[name] = panel
    for name, when in (("actions", "date"), ("earnings", "date")):
        table = getattr(market, name).copy()
        value = "value" if name == "actions" else "surprise"
        later = (table[when] > day).to_numpy()
        table.loc[later, value] = {"NaN": np.nan, "1e10": 1e10}.get(how, 0.123)
        changed[name] = table
    return replace(market, **changed)
