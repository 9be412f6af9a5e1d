"""Which features there are, in which unit, and what they are read from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias, get_args

from alphalib.errors import InputError
from alphalib.features.events import earnings_surprise, sessions_since_earnings
from alphalib.features.liquidity import avg_volume, dollar_volume, obv_slope, relative_volume, volume_trend
from alphalib.features.market_context import beta, idiosyncratic_volatility, sector_relative_momentum
from alphalib.features.momentum import distance_from_high, momentum, price_vs_mean
from alphalib.features.technical import atr_pct, bollinger_pct, macd, rsi
from alphalib.features.volatility import realized_volatility, volatility_ratio
from alphalib.market import Market, Panel

Unit: TypeAlias = Literal["fraction", "ratio", "per √year", "0–100", "sessions", "shares", "currency"]

LEVELS = ("shares", "currency")
"""Units whose level knows later splits when prices are split-adjusted."""


@dataclass(frozen=True)
class Feature:
    """A panel computed from a market.

    Parameters
    ----------
    name : str
        Name of the column in a design matrix.
    function : callable
        Market to panel, with the labels of `market.close`.
    unit : str
        What its numbers are, one of `Unit`.
    source : str
        What is read, for people: prices, volume, earnings, SPY, sectors.
    """

    name: str
    function: Callable[[Market], Panel]
    unit: Unit
    source: str

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise InputError(f"unit of feature {self.name!r} must be one of {get_args(Unit)}, got {self.unit!r}")


FEATURES: dict[str, Feature] = {
    feature.name: feature
    for feature in (
        Feature("momentum_5", lambda m: momentum(m.adj_close, window=5), "fraction", "prices"),
        Feature("momentum_20", lambda m: momentum(m.adj_close, window=20), "fraction", "prices"),
        Feature("momentum_252_21", lambda m: momentum(m.adj_close, window=252, skip=21), "fraction", "prices"),
        Feature("price_vs_ma50", lambda m: price_vs_mean(m.adj_close, window=50), "fraction", "prices"),
        Feature("price_vs_ma200", lambda m: price_vs_mean(m.adj_close, window=200), "fraction", "prices"),
        Feature("distance_from_52w_high", lambda m: distance_from_high(m.adj_close, window=252), "fraction", "prices"),
        Feature("rsi_14", lambda m: rsi(m.adj_close, window=14), "0–100", "prices"),
        Feature("macd_12_26_9", lambda m: macd(m.adj_close), "fraction", "prices"),
        Feature("bollinger_pct_20", lambda m: bollinger_pct(m.adj_close, window=20), "ratio", "prices"),
        Feature("atr_pct_14", lambda m: atr_pct(m.adj_high, m.adj_low, m.adj_close, window=14), "fraction", "prices"),
        Feature("realized_volatility_20", lambda m: realized_volatility(m.adj_close, window=20), "per √year", "prices"),
        Feature("volatility_ratio_10_60", lambda m: volatility_ratio(m.adj_close), "ratio", "prices"),
        Feature("beta_60", lambda m: beta(m.adj_close, m.benchmarks["SPY"], window=60), "ratio", "prices, SPY"),
        Feature(
            "idiosyncratic_volatility_60",
            lambda m: idiosyncratic_volatility(m.adj_close, m.benchmarks["SPY"], window=60),
            "per √year",
            "prices, SPY",
        ),
        Feature(
            "sector_relative_momentum_20",
            lambda m: sector_relative_momentum(m.adj_close, m.member, m.sector, window=20),
            "fraction",
            "prices, sectors",
        ),
        Feature("relative_volume_20", lambda m: relative_volume(m.adj_volume, window=20), "ratio", "volume"),
        Feature("volume_trend_10_60", lambda m: volume_trend(m.adj_volume), "fraction", "volume"),
        Feature("obv_slope_20", lambda m: obv_slope(m.adj_close, m.adj_volume, window=20), "ratio", "prices, volume"),
        # In shares of the session, so that a split a week ago does not look like half the trade.
        Feature("avg_volume_20", lambda m: avg_volume(m.adj_volume, window=20) * m.split_factor, "shares", "volume"),
        Feature(
            "dollar_volume_20", lambda m: dollar_volume(m.close, m.volume, window=20), "currency", "prices, volume"
        ),
        Feature("earnings_surprise_60", lambda m: earnings_surprise(m.earnings, m.close), "fraction", "earnings"),
        Feature("days_since_earnings", lambda m: sessions_since_earnings(m.earnings, m.close), "sessions", "earnings"),
    )
}
"""Every feature by its name, in the order of a design matrix."""


def feature(name: str, *, unit: str) -> Feature:
    """The feature of that name, for a reader who takes its numbers in `unit`.

    Raises
    ------
    InputError
        When there is none, or when its numbers are in another unit.
    """
    if name not in FEATURES:
        near = get_close_matches(name, FEATURES, n=1)
        raise InputError(f"there is no feature {name!r}" + (f"; the nearest is {near[0]!r}" if near else ""))
    found = FEATURES[name]
    if found.unit != unit:
        raise InputError(f"feature {name!r} is in {found.unit!r}, it was asked for in {unit!r}")
    return found


def features_off(market: Market) -> dict[str, str]:
    """Features that cannot be trusted on this market, each with the reason."""
    reasons = {}
    for found in FEATURES.values():
        if found.unit in LEVELS and market.source.prices == "split-adjusted":
            reasons[found.name] = (
                f"in {found.unit}, and the split-adjusted prices of {market.source.name} know later splits"
            )
        elif "SPY" in found.source and "SPY" not in market.benchmarks:
            reasons[found.name] = f"{market.source.name} has no SPY"
    return reasons


def feature_panels(market: Market, *, names: Sequence[str] | None = None) -> dict[str, Panel]:
    """Panels of the features, in the order asked for.

    Parameters
    ----------
    market : Market
        What they are computed from.
    names : sequence of str, optional
        Which; without it all that this market can give, see `features_off`.

    Raises
    ------
    InputError
        When a name is unknown, or is off on this market: a model's input is never left out in silence.
    """
    off = features_off(market)
    if names is None:
        return {name: found.function(market) for name, found in FEATURES.items() if name not in off}
    refused = [f"{name!r} is off: {off[name]}" for name in names if name in off]
    refused += [f"there is no feature {name!r}" for name in names if name not in FEATURES]
    if refused:
        raise InputError("; ".join(refused))
    return {name: FEATURES[name].function(market) for name in names}
