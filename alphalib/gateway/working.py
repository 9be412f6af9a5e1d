"""An order and a fill as they are kept inside the venue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from alphalib.gateway.matching import STOPS
from alphalib.gateway.orders import Commission, Execution, Order, Status


@dataclass
class Working:
    """An order inside the venue.

    Parameters
    ----------
    order : Order
        Ours; clients see copies.
    active : bool
        Transmitted, and no parent stands before it.
    triggered : bool
        A stop that is one no more.
    ready : bool
        Trades at the next chance, at what is printed.
    due : datetime, optional
        When it becomes ready.
    cap : float
        Most that it fills in all. [shares]
    charged : float
        Commission so far. [currency]
    value : float
        Of its fills. [currency]
    refusal : tuple of int and str, optional
        Strikes when it is transmitted.
    parent : Working, optional
        What must fill first.
    forgotten : bool
        Before the last restart.
    """

    order: Order
    active: bool = False
    triggered: bool = False
    ready: bool = False
    due: datetime | None = None
    cap: float = math.inf
    charged: float = 0.0
    value: float = 0.0
    refusal: tuple[int, str] | None = None
    parent: Working | None = None
    forgotten: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.order.status.over

    @property
    def room(self) -> float:
        """What may fill now: no more than the cap, and than a parent has that is not wholly filled. [shares]"""
        room = min(self.order.remaining, self.cap - self.order.filled)
        if self.parent is not None and self.parent.order.status is not Status.FILLED:
            room = min(room, self.parent.order.filled - self.order.filled)
        return max(room, 0.0)

    @property
    def working(self) -> float:
        """What it stands for: see `Stated.working`. [shares]"""
        if not self.active or self.over:
            return 0.0
        if self.parent is not None and not self.parent.over:
            return min(self.order.remaining, max(self.parent.order.filled - self.order.filled, 0.0))
        return self.order.remaining

    @property
    def rests(self) -> bool:
        """Whether it is a stop that waits for its price."""
        return self.order.kind in STOPS and not self.triggered


@dataclass
class Filled:
    """An execution inside the venue, in its last revision."""

    working: Working
    execution: Execution
    commission: Commission
    forgotten: bool = False
