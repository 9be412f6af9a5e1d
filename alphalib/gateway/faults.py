"""What shall go wrong, and when: the fault script of a session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Act(StrEnum):
    """What goes wrong; in brackets the fields of `Fault` that say more."""

    # on a message, received or sent
    CUT = "cut"  # the connection ends before it
    CUT_INSIDE = "cut_inside"  # in the middle of its frame
    CUT_AFTER = "cut_after"  # after it
    DROP = "drop"  # it is lost
    DELAY = "delay"  # [seconds]
    DOUBLE = "double"
    HOLD = "hold"  # until the next of `until` (or of its own name) is through
    # of an order, when its placeOrder is received
    REJECT = "reject"  # [code 201, text]
    PARTIAL = "partial"  # fills no more than [shares]
    # of an order: its placeOrder or cancelOrder is received, or at a time, all that match
    WARN = "warn"  # an error message about an order that lives on [code such as 10349 or 399, text]
    NOT_CANCELLED = "not_cancelled"  # the cancel is ignored and answered with [code 10147 or 10148]
    # of a fill: its execDetails is sent
    CORRECT = "correct"  # [seconds] later it is corrected to [shares] and [price]
    # of a listing: its request is received
    NO_END = "no_end"
    EMPTY = "empty"
    # of a connection
    REFUSE_LOGIN = "refuse_login"  # the port is open, nothing is said for [seconds]
    EMPTY_ACCOUNTS = "empty_accounts"  # managedAccounts is empty, for the next [times] connections
    BUSY_ID = "busy_id"  # 326 for the next [times] connections
    ACCOUNTS = "accounts"  # from the next connection on the managed accounts are [accounts]
    SILENT = "silent"  # nothing is sent or heard for [seconds]
    # at a time
    LOST = "lost"  # 1100
    RESTORED = "restored"  # 1102
    RESTORED_WITHOUT_DATA = "restored_without_data"  # 1101: subscriptions are gone
    RESTART = "restart"  # the port is closed for [seconds], `Venue.restart`, next ids [roll_back] lower
    HALT = "halt"  # [symbol]
    RESUME = "resume"  # [symbol]
    STALE = "stale"  # no ticks of [symbol], or of all, for [seconds]
    BAD_PRICE = "bad_price"  # ticks of [symbol], or of all, say [price] (−1, 0, NaN) for [seconds]
    WITHDRAW = "withdraw"  # somebody cancels matching orders by hand
    ERROR = "error"  # [code, text] to everyone: 100, 162, 2103, 2110, 10197 …


class Fault(BaseModel):
    """One thing that goes wrong.

    It strikes at a time (`at`), or at a message: at the `count`-th `message` in its `direction` that fits `client`,
    `symbol` and `ref`, and `times` − 1 following ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Act
    at: str | float | None = Field(None, description='New York time such as "09:45:30", or seconds from the open.')
    message: str | None = Field(None, description="Name of the message in TWS's own words: placeOrder, orderStatus …")
    direction: Literal["received", "sent"] | None = Field(None, description="Follows from the name when left out.")
    count: int = Field(1, ge=1)
    times: int = Field(1, ge=1)
    client: int | None = None
    symbol: str = ""
    ref: str = Field("", description="Part of the orderRef.")
    until: str | None = None
    seconds: float = Field(0.0, ge=0)
    shares: float | None = Field(None, ge=0)
    price: float | None = None
    code: int | None = None
    text: str = ""
    accounts: tuple[str, ...] = ()
    roll_back: int = Field(0, ge=0)


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Faults of a JSON file: a list of objects."""
    raise NotImplementedError


class Script:
    """Which faults strike now.

    Parameters
    ----------
    faults : iterable of Fault
        In any order.
    opened : datetime
        Open of the session, from which times count.
    """

    def __init__(self, faults: Iterable[Fault], opened: datetime) -> None:
        raise NotImplementedError

    @property
    def due(self) -> datetime | None:
        """When the next timed fault strikes."""
        raise NotImplementedError

    def timed(self, now: datetime) -> list[Fault]:
        """Timed faults that are due, each once."""
        raise NotImplementedError

    def received(self, message: str, *, client: int = -1, symbol: str = "", ref: str = "") -> list[Fault]:
        """Faults that strike this message from a client."""
        raise NotImplementedError

    def sent(self, message: str, *, client: int = -1, symbol: str = "", ref: str = "") -> list[Fault]:
        """Faults that strike this message to a client."""
        raise NotImplementedError
