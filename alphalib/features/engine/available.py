"""Which factors a market can have, and why it cannot have the others."""

from __future__ import annotations

from alphalib.features.engine.levels import knows_levels
from alphalib.features.fields import FIELDS
from alphalib.features.language.tree import Node
from alphalib.market import SECTOR_ETFS, Market


def missing_fields(node: Node, market: Market) -> str:
    """Why a market cannot have a factor, in words; empty when it can."""
    reasons = [reason for name in sorted(node.fields) if (reason := missing_field(name, market))]
    if not reasons and market.source.prices == "split-adjusted" and knows_levels(node):
        reasons = [
            "it compares levels, and the split-adjusted prices and volumes of "
            f"{market.source.name} know later splits; take them over the name's own past, as in $close / Ref($close, 5)"
        ]
    return "; ".join(reasons)


def missing_field(name: str, market: Market) -> str | None:
    """Why a market cannot have a field at all, in words; None when it can, if only as missing values."""
    need, source = FIELDS[name].needs, market.source.name
    kind, _, column = need.partition(" ")
    if need == "raw prices" and market.source.prices == "split-adjusted":
        return f"${name} is in {FIELDS[name].unit}, and the split-adjusted prices of {source} know later splits"
    if need == "vwap" and not market.vwap.notna().to_numpy().any():
        return f"${name}: {source} has no volume-weighted prices; ($high + $low + $close) / 3 is near them"
    if kind == "benchmark" and column not in market.benchmarks:
        return f"${name}: {source} has no {column}"
    if kind == "macro" and column not in market.macro:
        return f"${name}: {source} has no macro series {column!r}"
    if need == "sector ETFs" and not market.benchmarks.columns.isin(SECTOR_ETFS).any():
        return f"${name}: {source} has no sector ETF"
    if kind == "fundamentals" and column not in market.fundamentals:
        return f"${name}: {source} has no figures of {column}"
    return None
