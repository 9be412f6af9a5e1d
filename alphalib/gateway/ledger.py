"""What truly happened at the venue, append-only: from this tests judge the invariants, never from what clients saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from alphalib.gateway.orders import Status


@dataclass(frozen=True)
class Frame:
    """An order message as it reached the gateway, whatever became of it.

    `message` is placeOrder, cancelOrder or reqGlobalCancel; `accounts` are the managed accounts that this client had
    been told.
    """

    at: datetime
    client_id: int
    accounts: tuple[str, ...]
    message: str
    order_id: int = -1
    account: str = ""
    ref: str = ""
    symbol: str = ""
    action: str = ""
    quantity: float = 0.0
    kind: str = ""
    transmit: bool = True


@dataclass(frozen=True)
class Stated:
    """The state an order came to.

    `working` is what may fill of it now; a child whose parent is partly filled and over works with all that is left of
    it, which is more than there is to sell. [shares]
    """

    at: datetime
    perm_id: int
    client_id: int
    order_id: int
    account: str
    symbol: str
    ref: str
    action: str
    kind: str
    quantity: float
    filled: float
    level: float | None
    status: Status
    held_for: str
    working: float


@dataclass(frozen=True)
class Executed:
    """A fill, or the correction of one: same `root`, higher `revision`. [shares], [currency]"""

    at: datetime
    exec_id: str
    perm_id: int
    account: str
    symbol: str
    ref: str
    action: str
    shares: float
    price: float

    @property
    def root(self) -> str:
        """Identity through corrections."""
        return self.exec_id.rpartition(".")[0]

    @property
    def signed(self) -> float:
        """Shares, sales negative."""
        return self.shares if self.action == "BUY" else -self.shares


@dataclass(frozen=True)
class Charged:
    """A commission. [currency]"""

    at: datetime
    exec_id: str
    commission: float
    realised: float | None


@dataclass(frozen=True)
class Refused:
    """An error told to a client."""

    at: datetime
    client_id: int
    order_id: int
    code: int
    text: str


Entry: TypeAlias = Frame | Stated | Executed | Charged | Refused


@dataclass(frozen=True)
class Gap:
    """A time in which a position and the stops that should cover it were not the same. [shares]"""

    symbol: str
    begin: datetime
    end: datetime
    position: float
    stops: float

    @property
    def seconds(self) -> float:
        """How long."""
        return (self.end - self.begin).total_seconds()


class Ledger:
    """Everything in the order in which it happened.

    Parameters
    ----------
    opening : mapping of str to mapping of str to float, optional
        Positions by account and symbol before the first entry. [shares]
    """

    def __init__(self, opening: Mapping[str, Mapping[str, float]] | None = None) -> None:
        raise NotImplementedError

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of it."""
        raise NotImplementedError

    def add(self, entry: Entry) -> None:
        """Write an entry."""
        raise NotImplementedError

    def orders_by_ref(self, *, prefix: str = "al-") -> dict[str, set[int]]:
        """I1: `perm_id`s of the orders that bore each ref."""
        raise NotImplementedError

    def executions(self, *, prefix: str = "") -> dict[str, Executed]:
        """I2: the last revision of each fill, by root."""
        raise NotImplementedError

    def commissions(self) -> dict[str, float]:
        """I2: by the root of the fill. [currency]"""
        raise NotImplementedError

    def gaps(self, account: str, *, until: datetime | None = None, prefix: str = "al-") -> list[Gap]:
        """I3: times when what refs of the prefix hold (with the opening positions) was not what their stops would sell.

        Working SELL orders of kind STP, STP LMT and TRAIL count. Times of no length are left out; an open end is `until` or the last entry.
        """
        raise NotImplementedError

    def lowest(self, account: str) -> dict[str, float]:
        """I4: the least that was ever held of each symbol. [shares]"""
        raise NotImplementedError

    def frames_on_live(self) -> list[Frame]:
        """I5: order messages of clients whose managed accounts did not all begin with D."""
        raise NotImplementedError

    def positions_at(self, account: str, at: datetime | None = None) -> dict[str, float]:
        """Positions after everything up to and including `at`; at the end without one. [shares]"""
        raise NotImplementedError
