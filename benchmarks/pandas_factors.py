"""Factors in plain wide pandas: the operators of Alpha158, each by the method pandas has for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from alphalib.features.language.tree import Node
from alphalib.market import Panel


def pandas_factors(nodes: Iterable[Node], fields: dict[str, Panel]) -> dict[Node, Panel]:
    """Every factor; what factors share is computed once."""
    known: dict[str, Any] = {f"${name}": panel for name, panel in fields.items()}

    def value(node: Node) -> Any:
        if node.is_number:
            return node.literals[0]
        if node.text not in known:
            assert node.operator is not None
            compute = OPERATORS[node.operator.name]
            known[node.text] = compute(*map(value, node.arguments), *map(int_if_whole, node.literals))
        return known[node.text]

    return {node: value(node) for node in nodes}


def int_if_whole(literal: float) -> float | int:
    """Windows as pandas wants them."""
    return int(literal) if literal == int(literal) else literal


def _rolling(compute: Callable[..., Panel]) -> Callable[..., Panel]:
    return lambda x, window, *others: compute(x.rolling(window, min_periods=1), *others)


def _line(x: Panel, window: int) -> tuple[Panel, Panel, Panel]:
    """Slope over the window, its covariance with time, and time less its mean."""
    time = pd.Series(np.arange(len(x), dtype=float), index=x.index)
    ones = x.notna() * 1.0
    mean = lambda panel: panel.rolling(window, min_periods=1).mean()  # noqa: E731
    times = ones.mul(time, axis=0)
    middle = mean(times)
    covariance = mean(x.mul(time, axis=0)) - mean(x) * middle
    variance = mean(times.mul(time, axis=0)) - middle**2
    return covariance / variance, covariance, times - middle


def _rsquare(x: Panel, window: int) -> Panel:
    slope, covariance, _ = _line(x, window)
    return slope * covariance / x.rolling(window, min_periods=1).var(ddof=0)


def _resi(x: Panel, window: int) -> Panel:
    slope, _, time = _line(x, window)
    return x - x.rolling(window, min_periods=1).mean() - slope * time


OPERATORS: dict[str, Callable[..., Any]] = {
    "Add": lambda x, y: x + y,
    "Sub": lambda x, y: x - y,
    "Mul": lambda x, y: x * y,
    "Div": lambda x, y: x / y,
    "Gt": lambda x, y: (x > y).astype(float).where(x.notna() & y.notna()),
    "Lt": lambda x, y: (x < y).astype(float).where(x.notna() & y.notna()),
    "Greater": np.maximum,
    "Less": np.minimum,
    "Abs": abs,
    "Log": np.log,
    "Ref": lambda x, lag: x.shift(lag),
    "Mean": _rolling(lambda rolled: rolled.mean()),
    "Sum": _rolling(lambda rolled: rolled.sum()),
    "Std": _rolling(lambda rolled: rolled.std()),
    "Max": _rolling(lambda rolled: rolled.max()),
    "Min": _rolling(lambda rolled: rolled.min()),
    "Quantile": _rolling(lambda rolled, q: rolled.quantile(q)),
    "Rank": _rolling(lambda rolled: rolled.rank(pct=True)),
    "IdxMax": _rolling(lambda rolled: rolled.apply(np.argmax, raw=True) + 1),
    "IdxMin": _rolling(lambda rolled: rolled.apply(np.argmin, raw=True) + 1),
    "Corr": lambda x, y, window: x.rolling(window, min_periods=1).corr(y),
    "Slope": lambda x, window: _line(x, window)[0],
    "Rsquare": _rsquare,
    "Resi": _resi,
}
