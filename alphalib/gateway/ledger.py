"""What truly happened at the venue, append-only: from this tests judge the invariants, never from what clients saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from alphalib.gateway.orders import Status

NO_TRACE = (Status.HELD_BACK, Status.CANCELLED)
"""States that an order can have without ever having been transmitted."""


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


class Ledger:
    """Everything in the order in which it happened.

    Parameters
    ----------
    opening : mapping of str to mapping of str to float, optional
        Positions by account and symbol before the first entry. [shares]
    """

    def __init__(self, opening: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self.opening = {account: dict(held) for account, held in (opening or {}).items()}
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of it."""
        return tuple(self._entries)

    def add(self, entry: Entry) -> None:
        """Write an entry."""
        self._entries.append(entry)

    def orders_by_ref(self, *, prefix: str = "al-") -> dict[str, set[int]]:
        """I1: `perm_id`s of the orders that bore each ref. What was only held back never was an order."""
        found: defaultdict[str, set[int]] = defaultdict(set)
        for entry in self._entries:
            if isinstance(entry, Stated) and entry.ref.startswith(prefix) and entry.status not in NO_TRACE:
                found[entry.ref].add(entry.perm_id)
        return dict(found)

    def executions(self, *, prefix: str = "") -> dict[str, Executed]:
        """I2: the last revision of each fill, by root."""
        return {
            entry.root: entry for entry in self._entries if isinstance(entry, Executed) and entry.ref.startswith(prefix)
        }

    def commissions(self) -> dict[str, float]:
        """I2: by the root of the fill. [currency]"""
        return {
            entry.exec_id.rpartition(".")[0]: entry.commission for entry in self._entries if isinstance(entry, Charged)
        }

    def lowest(self, account: str) -> dict[str, float]:
        """I4: the least that was ever held of each symbol. [shares]"""
        now = dict(self.opening.get(account, {}))
        least = dict(now)
        for symbol, change in self._changes(account, None):
            now[symbol] = now.get(symbol, 0.0) + change
            least[symbol] = min(least.get(symbol, 0.0), now[symbol])
        return least

    def frames_on_live(self) -> list[Frame]:
        """I5: order messages of clients whose managed accounts did not all begin with D, or who had none."""
        return [
            entry
            for entry in self._entries
            if isinstance(entry, Frame)
            and not (entry.accounts and all(name.startswith("D") for name in entry.accounts))
        ]

    def positions_at(self, account: str, at: datetime | None = None) -> dict[str, float]:
        """Positions after everything up to and including `at`; at the end without one. [shares]"""
        held = dict(self.opening.get(account, {}))
        for symbol, change in self._changes(account, at):
            held[symbol] = held.get(symbol, 0.0) + change
        return {symbol: shares for symbol, shares in held.items() if shares}

    def _changes(self, account: str, until: datetime | None) -> Iterator[tuple[str, float]]:
        """Symbol and what each execution changed, corrections by their difference."""
        revisions: dict[str, float] = {}
        for entry in self._entries:
            if isinstance(entry, Executed) and entry.account == account and (until is None or entry.at <= until):
                yield entry.symbol, entry.signed - revisions.get(entry.root, 0.0)
                revisions[entry.root] = entry.signed
