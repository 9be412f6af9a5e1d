"""The features in use: which factors of the catalogues a model and research read, and on which scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias, get_args

from alphalib.errors import InputError
from alphalib.features.catalog import CATALOG, Entry
from alphalib.features.compute import factor, factors
from alphalib.features.engine.available import missing_fields
from alphalib.market import Market, Panel

Scale: TypeAlias = Literal["fraction", "ratio", "per √year", "0–100", "sessions", "shares", "currency"]


@dataclass(frozen=True)
class Feature:
    """A factor in use.

    Parameters
    ----------
    entry : Entry
        Of a catalogue.
    unit : str
        What its numbers are to a reader, one of `Scale`: finer than the unit of the expression, to which a return and
        a share of 100 are both ratios.
    """

    entry: Entry
    unit: Scale

    def __post_init__(self) -> None:
        if self.unit not in get_args(Scale):
            raise InputError(f"unit of feature {self.name!r} must be one of {get_args(Scale)}, got {self.unit!r}")

    @property
    def name(self) -> str:
        """Name of the column in a design matrix."""
        return self.entry.name

    def panel(self, market: Market) -> Panel:
        """Its values, with the labels of `market.close`; see `factor`."""
        return factor(self.entry, market)


_IN_USE: tuple[tuple[str, str, Scale], ...] = (
    ("technical", "momentum_5", "fraction"),
    ("technical", "momentum_20", "fraction"),
    ("cross_section", "momentum_252_21", "fraction"),
    ("technical", "price_vs_ma50", "fraction"),
    ("technical", "price_vs_ma200", "fraction"),
    ("technical", "distance_from_52w_high", "fraction"),
    ("technical", "rsi_14", "0–100"),
    ("technical", "macd_12_26_9", "fraction"),
    ("technical", "bollinger_pct_20", "ratio"),
    ("technical", "atr_pct_14", "fraction"),
    ("microstructure", "realized_volatility_20", "per √year"),
    ("microstructure", "volatility_ratio_10_60", "ratio"),
    ("cross_section", "beta_60", "ratio"),
    ("cross_section", "idiosyncratic_volatility_60", "per √year"),
    ("cross_section", "sector_relative_momentum_20", "fraction"),
    ("microstructure", "relative_volume_20", "ratio"),
    ("microstructure", "volume_trend_10_60", "fraction"),
    ("technical", "obv_slope_20", "ratio"),
    ("microstructure", "avg_volume_20", "shares"),
    ("microstructure", "dollar_volume_20", "currency"),
    ("cross_section", "earnings_surprise_60", "fraction"),
    ("cross_section", "days_since_earnings", "sessions"),
)

FEATURES: dict[str, Feature] = {name: Feature(CATALOG[catalogue][name], unit) for catalogue, name, unit in _IN_USE}
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
    """Features that cannot be had on this market, each with the reason."""
    reasons = {name: missing_fields(found.entry.node, market) for name, found in FEATURES.items()}
    return {name: reason for name, reason in reasons.items() if reason}


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
    wanted = [name for name in FEATURES if name not in off] if names is None else list(names)
    refused = [f"{name!r} is off: {off[name]}" for name in wanted if name in off]
    refused += [f"there is no feature {name!r}" for name in wanted if name not in FEATURES]
    if refused:
        raise InputError("; ".join(refused))
    return factors({name: FEATURES[name].entry for name in wanted}, market)
