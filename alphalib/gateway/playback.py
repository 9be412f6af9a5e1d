"""Minute bars as the prints of a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

import pandas as pd

from alphalib.gateway.orders import Print

Bars: TypeAlias = Mapping[str, pd.DataFrame]
"""By symbol: `time` (start of the minute, UTC), open, high, low, close [currency], volume [shares]."""


@dataclass(frozen=True)
class Bar:
    """A bar: when it began, its prices and its volume. [currency, shares]"""

    at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Moment:
    """An instant of the session: what trades then, and what is published then; the same without a delay."""

    at: datetime
    traded: tuple[Print, ...]
    told: tuple[Print, ...]


class Playback:
    """A session of minute bars.

    Parameters
    ----------
    day : date-like
        The session; rows of other days are left out.
    bars : Bars
        Minute bars.
    daily : Bars, optional
        Daily bars, `time` being the session's date, of earlier sessions: for historical requests and the close before.
    delay : float
        Of publication, as delayed data has it: orders fill at true prices, ticks come later. [minutes]
    """

    opened: datetime
    closed: datetime

    def __init__(
        self, day: date | str | pd.Timestamp, bars: Bars, *, daily: Bars | None = None, delay: float = 0.0
    ) -> None:
        raise NotImplementedError

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names with bars, sorted."""
        raise NotImplementedError

    def moments(self) -> Iterator[Moment]:
        """The session from the opening print to the last publication, by time; prints of an instant by symbol."""
        raise NotImplementedError

    def minutes(self, symbol: str, until: datetime) -> list[Bar]:
        """Minute bars that are complete and published at `until`."""
        raise NotImplementedError

    def days(self, symbol: str, until: datetime) -> list[Bar]:
        """Daily bars before the session, and the session's own as far as it has gone at `until`."""
        raise NotImplementedError
