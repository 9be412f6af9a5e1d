"""What the daemon and a broker say to each other, in our own words: frozen types and one small protocol.

Nothing here knows a vendor. A broker tells what it was told, as it was told it; what is not certain is `UNKNOWN`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias


class Side(StrEnum):
    """Which way."""

    BUY = "BUY"
    SELL = "SELL"


class Kind(StrEnum):
    """How an order is filled: at the market, or at the market once a price is reached."""

    MARKET = "MKT"
    STOP = "STP"


class State(StrEnum):
    """What the broker says of an order. What it never said is `UNKNOWN`, and is asked before anything else is sent."""

    UNKNOWN = "unknown"
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def over(self) -> bool:
        """Whether nothing more can fill."""
        return self in (State.FILLED, State.CANCELLED, State.REJECTED)


@dataclass(frozen=True)
class Ticket:
    """An order as it is to be.

    Parameters
    ----------
    ref : str
        Ours, and the broker's `orderRef`: the one name by which it is found again.
    ticker : str
        The market's column.
    side : Side
        Which way.
    shares : int
        In all, those already filled included. [shares]
    kind : Kind
        MARKET orders are for the day, STOP orders until cancelled.
    stop : float, optional
        Of a STOP. [currency]
    parent : str
        Ref of the order that must fill before this one works; empty for none.
    """

    ref: str
    ticker: str
    side: Side
    shares: int
    kind: Kind
    stop: float | None = None
    parent: str = ""


@dataclass(frozen=True)
class Report:
    """An order as the broker has it.

    Parameters
    ----------
    ref : str
        Ours; what others placed has another, or an empty one.
    perm_id : int
        The broker's number, the same for ever and for every client; 0 before it is known.
    client_id : int
        Who placed it; −1 unknown.
    ticker, side, kind, stop
        As in `Ticket`; `kind` is the broker's word where it is none of ours.
    shares, filled : float
        [shares]
    state : State
        What is certain.
    reason : str
        The broker's words: why it waits or was refused.
    """

    ref: str
    perm_id: int
    client_id: int
    ticker: str
    side: Side
    shares: float
    filled: float
    kind: str
    stop: float | None
    state: State
    reason: str = ""


@dataclass(frozen=True)
class Fill:
    """One execution. A correction has the same `root` and a higher `revision`, and takes the place of the former.

    Parameters
    ----------
    exec_id : str
        As the broker has it, such as 0000e0d5.65a1b2c3.01.01: the last part is the revision.
    ref, perm_id, ticker, side
        Of its order.
    shares, price : float
        [shares], [currency]
    at : datetime
        With its time zone.
    account : str
        Where.
    """

    exec_id: str
    ref: str
    perm_id: int
    ticker: str
    side: Side
    shares: float
    price: float
    at: datetime
    account: str

    @property
    def root(self) -> str:
        """Identity of the execution through its corrections."""
        return self.exec_id.rpartition(".")[0]

    @property
    def revision(self) -> int:
        """1 for the first report, higher for corrections."""
        return int(self.exec_id.rpartition(".")[2])


@dataclass(frozen=True)
class Charge:
    """What an execution cost, told apart from it and maybe before it. [currency]"""

    exec_id: str
    commission: float
    realised: float | None


@dataclass(frozen=True)
class Tick:
    """A trade that was printed: its price, and the session's volume so far where it is known. [currency, shares]

    A price that is no price (−1, 0, NaN) arrives as NaN: nothing may be decided on it. `halted` stands until it is
    taken back.
    """

    ticker: str
    price: float
    volume: float | None
    at: datetime
    halted: bool = False


@dataclass(frozen=True)
class Notice:
    """The broker's code and words, about an order or a ticker where one is meant; code 0 is the adapter's own word."""

    code: int
    text: str
    ref: str = ""
    ticker: str = ""


class Link(StrEnum):
    """What became of the connection."""

    LOST = "lost"  # to the gateway: everything is unknown until `connect` and `truth`
    CUT_OFF = "cut off"  # the gateway from the exchange: orders are not sent, fills are still taken
    RESTORED = "restored"  # and nothing was missed
    RESTORED_WITHOUT_DATA = "restored without data"  # the subscriptions are gone


@dataclass(frozen=True)
class Held:
    """A position at the broker. [shares], [currency]"""

    ticker: str
    shares: float
    cost: float


Event: TypeAlias = Report | Fill | Charge | Held | Tick | Notice | Link
"""`Held` when a position has changed, by whomever."""


@dataclass(frozen=True)
class Truth:
    """All that the broker knows, read on a settled connection.

    Parameters
    ----------
    at : datetime
        When it was read.
    account : str
        The one that is traded.
    nav, cash : float
        Net liquidation and cash. [currency]
    accrued : float
        Interest and dividends accrued, within the NAV. [currency]
    held : tuple of Held
        Positions, foreign ones too.
    orders : tuple of Report
        Open and completed, of every client; and as `UNKNOWN` those that this adapter sent in the last seconds and
        that may still arrive. What was sent before, and is not in a truth without `missing`, is not there and will not
        come.
    fills : tuple of Fill
        Of the present day, as far as the broker remembers.
    charges : tuple of Charge
        Of those.
    missing : tuple of str
        What never came to an end: then nothing new may be entered.
    """

    at: datetime
    account: str
    nav: float
    cash: float
    accrued: float
    held: tuple[Held, ...]
    orders: tuple[Report, ...]
    fills: tuple[Fill, ...]
    charges: tuple[Charge, ...]
    missing: tuple[str, ...] = ()


class Broker(Protocol):
    """A connection to one paper account. Times are session time; errors are `alphalib.errors.BrokerError`.

    What the broker says arrives in `events`, in its order, as soon as it is said; fills too while the link is cut off.
    """

    events: asyncio.Queue[Event]

    @property
    def connected(self) -> bool:
        """Whether a socket is there; the peer may be silent all the same, ask `beat`."""
        ...

    async def connect(self) -> None:
        """Connect and settle. `NotPaperError` when any managed account is not one of paper: nothing was sent then."""
        ...

    async def disconnect(self) -> None:
        """Leave; working orders stay."""
        ...

    async def truth(self) -> Truth:
        """Read everything; parts that never end are named in `missing`, not waited for for ever."""
        ...

    async def beat(self) -> datetime:
        """Ask the peer for its time; raises when it is silent."""
        ...

    async def hours(self, ticker: str) -> tuple[tuple[datetime, datetime], ...]:
        """Opening and closing of a listing's next regular sessions, as the broker has them; raises if it knows none."""
        ...

    def watch(self, tickers: Iterable[str]) -> None:
        """Subscribe to these tickers and to no others; safe to say again, after a reconnection too."""
        ...

    def place(self, *tickets: Ticket) -> None:
        """Send a new order, or a parent and its children as one bracket that works whole or not at all.

        Raises when the open orders were not read on this connection yet (`truth`): a number could be given twice.
        """
        ...

    def change(self, ticket: Ticket) -> None:
        """Give a working order of ours other shares or another stop; raises when none is known under the ref."""
        ...

    def cancel(self, ref: str) -> None:
        """Ask for a working order's end; it is over when a `Report` says so. Raises when the ref is not known."""
        ...
