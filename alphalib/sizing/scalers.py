"""Scalers: factors of at most 1 that act after the cap, so that they always bite."""

from __future__ import annotations

from alphalib.compiled import compiled


@compiled
def staleness_scaler(age: int, grace: float, decay: float, floor: float) -> float:
    """Factor for signals past their cadence. [fraction]

    Parameters
    ----------
    age : int
        Of the signals. [sessions]
    grace : float
        Age at which the decay starts. [sessions]
    decay : float
        Lost a session from there. [fraction]
    floor : float
        Never below. [fraction]
    """
    return max(1.0 - decay * max(age - grace, 0.0), floor)


@compiled
def earnings_scaler(report_in: int, proximity: float, reduction: float) -> float:
    """Factor for a known report within `proximity` sessions; `report_in` is 0 when none is known. [fraction]"""
    return reduction if 0 < report_in <= proximity else 1.0
