"""What the venue keeps and tells: contracts, orders, executions. No socket, no wire format."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True)
class Contract:
    """A listed share.

    Parameters
    ----------
    con_id : int
        The gateway's number for it.
    symbol, exchange, currency, name
        As in contract details; orders are routed by SMART.
    min_tick : float
        [currency]
    """

    con_id: int
    symbol: str
    exchange: str = "NYSE"
    currency: str = "USD"
    name: str = ""
    min_tick: float = 0.01


class Status(StrEnum):
    """Order states as TWS spells them. `HELD_BACK` is nobody's to see: a parent or child not yet transmitted."""

    HELD_BACK = "HeldBack"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    CANCELLED = "Cancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"

    @property
    def over(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self in (Status.CANCELLED, Status.FILLED, Status.INACTIVE)


@dataclass
class Order:
    """An order as a client sent it, and what has become of it.

    Parameters
    ----------
    client_id, order_id : int
        Who, and the client's number; together they name the order for that client.
    perm_id : int
        The venue's number, for ever.
    contract : Contract
        What.
    action, quantity, kind : str, float, str
        BUY or SELL; [shares]; MKT, LMT, STP, STP LMT or TRAIL.
    limit, aux, percent, trail_stop : float, optional
        Limit; stop price of STP, distance of TRAIL; trailing percent; initial stop of a TRAIL, then where it stands.
    tif, oca_group, oca_type, account, ref, parent_id, transmit, outside_rth
        As in placeOrder.
    echo : dict
        Fields of placeOrder that mean nothing here and come back in openOrder as they were, by their name.
    status, held_for : Status, str
        State, and TWS's `whyHeld`: "child", "trigger", "locate" or empty, comma-separated.
    filled, average, last : float
        [shares], [currency], [currency]
    placed : datetime
        When it was first received.
    """

    client_id: int
    order_id: int
    perm_id: int
    contract: Contract
    action: str
    quantity: float
    kind: str
    limit: float | None = None
    aux: float | None = None
    percent: float | None = None
    trail_stop: float | None = None
    tif: str = "DAY"
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    ref: str = ""
    parent_id: int = 0
    transmit: bool = True
    outside_rth: bool = False
    echo: dict[str, str] = field(default_factory=dict)
    status: Status = Status.HELD_BACK
    held_for: str = ""
    filled: float = 0.0
    average: float = 0.0
    last: float = 0.0
    placed: datetime | None = None

    @property
    def remaining(self) -> float:
        """Still to be filled. [shares]"""
        return self.quantity - self.filled


@dataclass(frozen=True)
class Execution:
    """A fill as it is reported; a correction carries the same id with a higher last part."""

    exec_id: str
    order: Order
    shares: float
    price: float
    at: datetime
    cumulative: float
    average: float


@dataclass(frozen=True)
class Commission:
    """What an execution cost, and what it realised: None for an opening trade. [currency]"""

    exec_id: str
    client_id: int
    commission: float
    realised: float | None


@dataclass(frozen=True)
class Changed:
    """An order has a new state, or an acknowledgement is due: clients see openOrder and orderStatus."""

    order: Order


@dataclass(frozen=True)
class Refusal:
    """An error about an order or a request: code, text. `order_id` −1 concerns nobody in particular."""

    client_id: int
    order_id: int
    code: int
    text: str


@dataclass(frozen=True)
class Print:
    """A trade of a name: price and size; `opens` marks the first of its minute, which is reached by a jump."""

    symbol: str
    price: float
    size: float
    at: datetime
    opens: bool = False


VenueEvent: TypeAlias = Changed | Execution | Commission | Refusal
