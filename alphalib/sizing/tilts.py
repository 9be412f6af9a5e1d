"""Tilts: factors that may raise or lower a position's base size, before the cap."""

from __future__ import annotations

import math

from alphalib.compiled import compiled


@compiled
def sector_tilt(rating: int, overweight: float, underweight: float) -> float:
    """Factor for the sector's rating: −1 underweight, 0, +1 overweight. [fraction]"""
    return overweight if rating > 0 else underweight if rating < 0 else 1.0


@compiled
def upside_tilt(upside: float, minimum: float, reduction: float) -> float:
    """Factor for a target price that leaves little upside; 1 when there is no target. [fraction]"""
    return reduction if upside < minimum else 1.0


@compiled
def confidence_tilt(percentile: float, lowest: float, spread: float) -> float:
    """Factor that grows with the prediction's place among the date's names; 1 without one. [fraction]"""
    return 1.0 if math.isnan(percentile) else lowest + spread * percentile


@compiled
def atr_tilt(atr: float, close: float, target_risk: float, lowest: float, highest: float) -> float:
    """Factor inverse to the average true range over the close, clipped; 1 without a range. [fraction]"""
    if math.isnan(atr):
        return 1.0
    return min(max(target_risk / (atr / close), lowest), highest) if atr > 0.0 else highest
