"""What is wrong with the bars on purpose: the hidden list that a data quality gate is scored against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalib.sources.sample.bars import FIELDS, Bars
from alphalib.sources.sample.streams import Floats, stream

CHANCE = {"decimal slip": 3e-5, "high below low": 3e-5, "stale": 1.5e-5, "zero volume": 3e-5, "gap": 3e-5}
"""Chance of each kind a session and name; kinds that run over several sessions count once."""

STALE_SESSIONS = 5
SLIPS = (0.01, 0.1, 10.0, 100.0)
_PRICES = ("open", "high", "low", "close")

Change = Iterator[tuple[int, str, float]]  # position, field, what is written instead of the truth


@dataclass(frozen=True)
class Fault:
    """One wrong value: what is written at a session, and what is true."""

    session: int
    company: int
    kind: str
    field: str
    written: float
    true: float


def planted_faults(seed: int, bars: Bars) -> list[Fault]:
    """Faults of every name, drawn from its own stream; halts are listed with them, though they are true."""
    sessions, names = bars.halted.shape
    edges = np.cumsum(list(CHANCE.values()))
    faults = [Fault(int(row), int(column), "halt", "close", np.nan, np.nan) for row, column in np.argwhere(bars.halted)]
    for company in range(names):
        draws = stream(seed, "faults", company).random((sessions, 2))
        column = {name: values[:, company] for name, values in bars.fields.items()}
        busy_until = -1
        for session in map(int, np.flatnonzero(draws[:, 0] < edges[-1])):
            kind = list(CHANCE)[int(np.searchsorted(edges, draws[session, 0], side="right"))]
            if session <= busy_until or session == 0 or np.isnan(column["close"][session - 1 : session + 1]).any():
                continue
            changes = list(_KINDS[kind](column, session, float(draws[session, 1])))
            faults += [
                Fault(at, company, kind, field, written, float(column[field][at])) for at, field, written in changes
            ]
            busy_until = session + STALE_SESSIONS
    return sorted(faults, key=lambda fault: (fault.session, fault.company))


def as_written(fields: dict[str, Floats], faults: list[Fault]) -> dict[str, Floats]:
    """Bars with the faults in them; a bar of which all is missing has no row."""
    written = {name: values.copy() for name, values in fields.items()}
    for fault in faults:
        written[fault.field][fault.session, fault.company] = fault.written
    return written


def fault_table(faults: list[Fault], sessions: pd.DatetimeIndex, tickers: pd.Index) -> pd.DataFrame:
    """`date, ticker, kind, field, true_value`, one wrong value a row."""
    return pd.DataFrame(
        {
            "date": sessions[[fault.session for fault in faults]],
            "ticker": tickers[[fault.company for fault in faults]],
            "kind": pd.Series([fault.kind for fault in faults], dtype="str"),
            "field": pd.Series([fault.field for fault in faults], dtype="str"),
            "true_value": np.array([fault.true for fault in faults], dtype=float),
        }
    )


def _decimal_slip(column: dict[str, Floats], session: int, chance: float) -> Change:
    field, slip = divmod(int(chance * len(_PRICES) * len(SLIPS)), len(SLIPS))
    yield session, _PRICES[field], round(float(column[_PRICES[field]][session] * SLIPS[slip]), 4)


def _high_below_low(column: dict[str, Floats], session: int, _: float) -> Change:
    if column["high"][session] > column["low"][session]:
        yield session, "high", float(column["low"][session])
        yield session, "low", float(column["high"][session])


def _stale(column: dict[str, Floats], session: int, _: float) -> Change:
    for at in range(session, min(session + STALE_SESSIONS, len(column["close"]))):
        if np.isnan(column["close"][at]):
            return
        for field in FIELDS:
            yield at, field, float(column[field][session - 1])


def _zero_volume(column: dict[str, Floats], session: int, _: float) -> Change:
    yield session, "volume", 0.0


def _gap(column: dict[str, Floats], session: int, _: float) -> Change:
    for field in FIELDS:
        yield session, field, np.nan


_KINDS: dict[str, Callable[[dict[str, Floats], int, float], Change]] = {
    "decimal slip": _decimal_slip,
    "high below low": _high_below_low,
    "stale": _stale,
    "zero volume": _zero_volume,
    "gap": _gap,
}
