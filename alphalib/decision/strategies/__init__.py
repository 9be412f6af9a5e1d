"""Strategies beside the rules, behind the same `decide` and `simulate`: docs/strategies.md is their text."""

from alphalib.decision.strategies.params import (
    BetaNeutral,
    DollarNeutral,
    LongShort,
    MeanVariance,
    Strategy,
    TopkDropout,
)

__all__ = ["BetaNeutral", "DollarNeutral", "LongShort", "MeanVariance", "Strategy", "TopkDropout"]
