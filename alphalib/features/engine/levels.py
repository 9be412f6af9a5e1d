"""Whether a factor compares levels of prices or volumes, which on split-adjusted data know later splits.

A share that will be split two for one has half the price and twice the volume there, from the first session on: the
names that rose most have the lowest prices before they did. Ratios to a name's own past do not see it; ranks of levels
do, and so do levels set against numbers. Units tell the two apart only until a rank or a correlation ends them, so it
is tried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from alphalib.compiled import Floats
from alphalib.features.engine.evaluate import evaluate
from alphalib.features.engine.inputs import Inputs
from alphalib.features.language.tree import Node

NAMES = 12
LENGTH = 64
"""Sessions that are looked at, after those a factor looks back on. [sessions]"""

SPLIT = {"open": 1, "high": 1, "low": 1, "close": 1, "vwap": 1, "volume": -1}
"""Exponent with which a later split scales a field's past."""

NEAR = 1e-3
"""What a small number beside a level, as in Log($volume + 1), may change. [fraction]"""


@lru_cache(maxsize=4096)
def knows_levels(node: Node) -> bool:
    """Whether a factor changes when names are split after its last session.

    It is computed on a small made-up market, and again with the past of each name scaled by a power of two, which
    costs no digit: what compares a name with itself stays.
    """
    if not node.fields & SPLIT.keys():
        return False
    market = _made_up(sorted(node.fields), node.lookback + LENGTH)
    scale = 2.0 ** (np.arange(NAMES) * 5 % 11 - 5)[:, None]
    split = {name: values * scale ** SPLIT.get(name, 0) for name, values in market.panels.items()}
    before, after = _values(node, market), _values(node, replace(market, panels=split))
    if not np.array_equal(np.isnan(before), np.isnan(after)):
        return True
    known = ~np.isnan(before)
    size = np.abs(before[known])
    change = np.abs(before[known] - after[known])
    return bool((change > NEAR * (size + size.mean())).any()) if known.any() else False


def _values(node: Node, market: Inputs) -> Floats:
    out = np.empty((market.names, market.sessions))

    def keep(_: Node, name: int, values: Floats) -> None:
        out[name : name + len(values)] = values

    evaluate([node], market, keep)
    return out[:, node.lookback :]


def _made_up(fields: Sequence[str], sessions: int) -> Inputs:
    """Walks without gaps, the same in every run."""
    rng = np.random.default_rng(0)
    shape = (NAMES, sessions)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=1))
    opened = close * np.exp(rng.normal(0, 0.01, shape))
    bars = {
        "close": close,
        "open": opened,
        "high": np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.01, shape))),
        "low": np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.01, shape))),
        "vwap": (opened + close) / 2,
        "volume": 1e7 * np.exp(rng.normal(0, 0.4, shape)),
        "sector": np.broadcast_to(np.arange(NAMES)[:, None] % 2.0, shape),
        "member": np.ones(shape),
    }
    panels = {name: bars[name] if name in bars else np.exp(rng.normal(0, 0.1, shape)) for name in fields}
    return Inputs(panels, np.ones(shape, dtype=bool))
