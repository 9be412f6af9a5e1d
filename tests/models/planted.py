"""Feature and label panels with a signal of known strength, or none."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from alphalib.evidence.ledger import Ledger
from alphalib.sessions import all_sessions


def planted(*, seed=0, sessions=700, names=40, features=4, strength=0.0, horizon=5):
    """Features, label and mask; the first feature explains `strength` of the label's deviation, the rest nothing.

    Features persist; neighbouring labels overlap, and the last horizon + 1 rows have none, as in the library's labels.
    """
    rng = np.random.default_rng(seed)
    first = all_sessions().searchsorted(pd.Timestamp("2012-01-03"))
    index = all_sessions()[first : first + sessions]
    columns = pd.Index([f"N{number:03d}" for number in range(names)], name="ticker", dtype="str")

    def panel(values):
        return pd.DataFrame(values, index=index, columns=columns)

    def smooth(values, window):
        sums = np.cumsum(np.vstack([np.zeros((1, names)), values]), axis=0)
        return (sums[window:] - sums[:-window]) / window**0.5

    raw = {f"f{number}": smooth(rng.normal(size=(sessions + 9, names)), 10) for number in range(features)}
    noise = smooth(rng.normal(size=(sessions + horizon - 1, names)), horizon)
    label = 0.04 * (strength * raw["f0"] + (1 - strength**2) ** 0.5 * noise)
    label[-horizon - 1 :] = np.nan
    mask = panel(np.ones((sessions, names), dtype=bool))
    return {name: panel(values) for name, values in raw.items()}, panel(label), mask


def small_trees(**options):
    from alphalib.models.trees import RankedTrees

    return RankedTrees(**{"n_estimators": 15, "num_leaves": 4, "min_child_samples": 200, "n_jobs": 1, **options})


def granted(asof, *, lineage="predictor"):
    """A used grant, from a ledger that nobody needs afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.db")
        ledger.give_grant(lineage, asof=asof, by="a test")
        grant = ledger.use_grant(lineage, asof=asof, reason="a test")
        ledger.close()
    return grant
