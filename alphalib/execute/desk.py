"""What is known of one session, and what is to be done next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alphalib.contracts import OrderBook, PortfolioFile
from alphalib.execute.broker import Event, Truth
from alphalib.execute.journal import Journal
from alphalib.execute.steps import Step
from alphalib.execute.tape import Bar, Hours, Tape


@dataclass(frozen=True)
class NameView:
    """A name as it stands, for the screen and for tests.

    Parameters
    ----------
    ticker : str
        Which.
    held : int
        Ours by the journal, the session's fills in it. [shares]
    at_broker : float
        As the broker has it by its last truth and the fills since. [shares]
    cost : float
        Average, NaN when nothing is held. [currency]
    stop : float
        Of the working stop, NaN for none. [currency]
    covered : int
        Shares that working stops would sell. [shares]
    doing : str
        What is under way, such as `entry working`, `exit: collapse`, `unknown`; empty when nothing is.
    waiting : str
        For an entry that has not acted: its trigger, or why it will not.
    """

    ticker: str
    held: int
    at_broker: float
    cost: float
    stop: float
    covered: int
    doing: str
    waiting: str


class Desk:
    """One session, level-triggered: told what happens, it says what to do next; killed anywhere, a new one goes on.

    All it knows beyond its arguments comes from the journal and from what it is told. It sends nothing itself, and
    whatever it hands out is in the journal before.

    Parameters
    ----------
    book : OrderBook
        What is to be done in the session.
    journal : Journal
        Open.
    hours : Hours
        Of the session.
    tape : Tape
        Prices, fed by the daemon.
    portfolio : PortfolioFile, optional
        Positions at the close before; None when there were none.
    marks : mapping of str to float
        Last closes, for names the session has not printed yet. [currency]
    """

    def __init__(
        self,
        book: OrderBook,
        journal: Journal,
        *,
        hours: Hours,
        tape: Tape,
        portfolio: PortfolioFile | None = None,
        marks: Mapping[str, float] | None = None,
    ) -> None: ...

    # Told

    def connected(self, now: datetime) -> None:
        """A connection was made: what was sent before is unknown until the truth is learned, which is asked for."""

    def heard(self, event: Event, now: datetime) -> None:
        """The broker said something. Ticks are the tape's and change nothing here."""

    def learned(self, truth: Truth, *, began: datetime, now: datetime) -> None:
        """The truth was read; orders sent since `began`, when the reading began, are not judged by it."""

    def unanswered(self, now: datetime) -> None:
        """The truth was asked for and could not be read; it is asked for again, later each time."""

    def minute(self, bars: Mapping[str, Bar], now: datetime) -> None:
        """A minute is over: its bars by ticker, from `tape.minute`."""

    def kill(self, now: datetime, *, by: str, flatten: bool = False) -> None:
        """No entries from here on, not in later sessions either; with `flatten` everything of ours is sold."""

    # Asked

    def steps(self, now: datetime) -> list[Step]:
        """What to do next, in this order; each is handed out once. To be asked after every event and at `wakes`."""
        return []

    def wakes(self) -> datetime | None:
        """When to ask again though nothing happens: a time-out or a back-off ends."""
        return None

    @property
    def tickers(self) -> tuple[str, ...]:
        """Names whose prices are needed."""
        return ()

    @property
    def no_entries(self) -> tuple[str, ...]:
        """Why nothing is bought at present, one sentence a reason."""
        return ()

    @property
    def nav(self) -> float:
        """Cash and positions at the last prices; NaN before the first truth. [currency]"""
        return 0.0

    @property
    def settled(self) -> bool:
        """Whether nothing is unknown, under way or unwritten: at the close, what the statement waits for."""
        return True

    def names(self) -> list[NameView]:
        """Every name of the session by ticker."""
        return []
