"""What the journal holds, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from alphalib.execute.broker import Charge, Fill, State, Ticket

KILLED, FLATTEN = "killed", "flatten"
"""Flags of the kill switch; the second while everything of ours is to be sold too."""


@dataclass(frozen=True)
class Intent:
    """An order that is to be sent, and why.

    Parameters
    ----------
    session : str
        Of the decision, as 2024-03-08; a stop lives on in later ones.
    at : datetime
        When it was decided, in UTC.
    ticket : Ticket
        As it is sent first; `changes` has what was wanted later.
    rule : str
        What asked for it: `entry`, `bracket` (the stop that goes with it), `coverage` (a stop for what was held without
        one), an exit's rule such as `research_exit`, `collapse`, `intraday_profit`, `flatten`, `unprotected`; `adopted`
        for one that was found at the broker under a ref of ours and in no journal.
    trigger : str
        Label of an entry's trigger.
    trigger_price : float, optional
        Close of the minute at which it fired, or the last price. [currency]
    signal_price : float, optional
        The close that it was decided on the day before; of a stop, its level. [currency]
    last_price : float, optional
        Last price when it was decided. [currency]
    """

    session: str
    at: datetime
    ticket: Ticket
    rule: str
    trigger: str = ""
    trigger_price: float | None = None
    signal_price: float | None = None
    last_price: float | None = None

    @property
    def ref(self) -> str:
        """The order's name."""
        return self.ticket.ref


@dataclass(frozen=True)
class Amendment:
    """What else was asked of an order: other shares and another stop, or, with neither, its end."""

    session: str
    at: datetime
    ref: str
    why: str
    shares: int | None = None
    stop: float | None = None


@dataclass(frozen=True)
class Standing:
    """What is known of an order.

    Parameters
    ----------
    ref : str
        The order's name.
    state : State
        What is certain.
    at : datetime
        Since when, in UTC.
    shares, filled : float
        As the broker has it. [shares]
    stop : float, optional
        As the broker has it. [currency]
    perm_id : int
        The broker's number, 0 before it is known.
    reason : str
        The broker's words, or how it was concluded.
    arrived : bool
        False when it is certain that the broker never got it: then it is over, and may be sent under the next number.
    """

    ref: str
    state: State
    at: datetime
    shares: float
    filled: float = 0.0
    stop: float | None = None
    perm_id: int = 0
    reason: str = ""
    arrived: bool = True


@dataclass(frozen=True)
class Flag:
    """A fact that must survive a restart; `value` says why, or how much. Without a session it holds in all of them.

    Names: `killed` and `flatten`; `no entries` for the rest of the session; of a ticker `covered`, once its stop rested
    at the session's level, `collapse`, and `intraday_profit` with the shares to be sold.
    """

    name: str
    at: datetime
    value: str = ""
    ticker: str = ""
    session: str = ""


@dataclass(frozen=True)
class Told:
    """An event of the day, for people: `kind` is `alert`, `order`, `fill`, `link`, `kill`, …"""

    session: str
    at: datetime
    kind: str
    text: str
    ticker: str = ""
    ref: str = ""


@dataclass(frozen=True)
class Kept:
    """A position in a statement. [shares], [currency]; `price` is None where the session printed none."""

    ticker: str
    shares: float
    cost: float
    price: float | None = None


@dataclass(frozen=True)
class Statement:
    """The account at the close, as the broker stated it.

    Parameters
    ----------
    session : str
        As 2024-03-08.
    at : datetime
        When it was read, in UTC.
    account : str
        Whose.
    nav, cash, accrued : float
        As in `broker.Truth`. [currency]
    positions : tuple of Kept
        All that the broker holds, foreign ones too.
    spy_open, spy_last : float, optional
        First and last price of SPY that the session printed. [currency]
    """

    session: str
    at: datetime
    account: str
    nav: float
    cash: float
    accrued: float
    positions: tuple[Kept, ...] = field(default_factory=tuple)
    spy_open: float | None = None
    spy_last: float | None = None


@dataclass(frozen=True)
class Seen:
    """A minute of a name as it was seen; `minute` counts from the open. [currency, shares]"""

    session: str
    ticker: str
    minute: int
    open: float
    high: float
    low: float
    close: float
    volume: float


Record: TypeAlias = Intent | Amendment | Standing | Fill | Charge | Flag | Told | Seen | Statement
"""Whatever is written."""
