"""What the desk wants done next. A step that sends something is in the journal before it is handed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from alphalib.execute.broker import Ticket


@dataclass(frozen=True)
class Place:
    """Send a new order, or a parent and its child as one bracket: `broker.place(*tickets)`."""

    tickets: tuple[Ticket, ...]
    why: str

    @property
    def ticker(self) -> str:
        """Whose."""
        return self.tickets[0].ticker


@dataclass(frozen=True)
class Change:
    """Give a working order other shares or another stop: `broker.change(ticket)`."""

    ticket: Ticket
    why: str

    @property
    def ticker(self) -> str:
        """Whose."""
        return self.ticket.ticker


@dataclass(frozen=True)
class Cancel:
    """Ask for a working order's end: `broker.cancel(ref)`."""

    ref: str
    ticker: str
    why: str


@dataclass(frozen=True)
class Ask:
    """Read the truth and tell the desk with `learned`, or `unanswered` when it could not be read."""

    why: str


@dataclass(frozen=True)
class Alert:
    """Tell a person; said once, and in the journal's events already."""

    text: str
    ticker: str = ""


Step: TypeAlias = Place | Change | Cancel | Ask | Alert
