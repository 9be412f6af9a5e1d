"""What a person sees of a session: one table that is drawn anew while it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alphalib.execute.tape import NEW_YORK

NONE = "–"


@dataclass(frozen=True)
class PositionRow:
    """A position of ours: what it is worth and what protects it. [shares], [currency]"""

    ticker: str
    shares: int
    cost: float
    price: float
    stop: float | None
    mark: str = ""

    @property
    def gain(self) -> float:
        """Over its cost. [currency]"""
        return self.shares * (self.price - self.cost)


@dataclass(frozen=True)
class EntryRow:
    """An entry of the book: what it waits for, or what became of it."""

    ticker: str
    shares: int
    price: float
    state: str


@dataclass(frozen=True)
class View:
    """The session at an instant.

    Parameters
    ----------
    at : datetime
        Session time, with its zone.
    account, link : str
        Which, and what the connection is like.
    nav, change : float
        Now [currency], and over the last close [fraction].
    cash : float
        [currency]
    holding_back : tuple of str
        Why nothing is entered; empty when entries may be made.
    positions, entries
        One row a name.
    sent, filled : int
        Orders sent, and fills heard, since the daemon was started.
    said : tuple of str
        The last lines of the log.
    """

    at: datetime
    account: str
    link: str
    nav: float
    change: float
    cash: float
    holding_back: tuple[str, ...]
    positions: tuple[PositionRow, ...]
    entries: tuple[EntryRow, ...]
    sent: int
    filled: int
    said: tuple[str, ...] = ()


class Show(Protocol):
    """Takes the newest view; returns at once."""

    def __call__(self, view: View) -> None:
        """The session at an instant."""
        ...


def nothing(view: View) -> None:
    """Nobody looks."""


@contextmanager
def live(console: Console, title: str) -> Iterator[Show]:
    """A table on a terminal, drawn eight times a second from the newest view, whatever the session's speed."""
    newest: list[View] = []

    def renderable() -> RenderableType:
        return drawn(newest[-1], title) if newest else Text(title)

    def show(view: View) -> None:
        newest[:] = [view]

    with Live(get_renderable=renderable, console=console, refresh_per_second=8, transient=False):
        yield show


def drawn(view: View, title: str) -> RenderableType:
    """The table of a view."""
    clock = f"{view.at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}"
    head = Text.assemble(
        (f"{clock} New York", "bold"),
        f"   {view.account} {view.link}   NAV {view.nav:,.2f} ({view.change:+.2%})   cash {view.cash:,.2f}   ",
        f"{view.sent} orders sent   {view.filled} fills",
    )
    parts: list[RenderableType] = [head]
    if view.holding_back:
        parts.append(Text("no entries: " + "; ".join(view.holding_back), style="yellow"))
    parts.append(positions_table(view.positions))
    if view.entries:
        parts.append(entries_table(view.entries))
    parts += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in view.said]
    return Panel(Group(*parts), title=title, title_align="left")


def positions_table(rows: tuple[PositionRow, ...]) -> Table:
    """Positions with their stops."""
    table = Table("position", "shares", "cost", "price", "stop", "gain", "", expand=True)
    for column in table.columns[1:6]:
        column.justify = "right"
    for row in rows:
        stop = "none" if row.stop is None else f"{row.stop:,.2f}"
        colour = "green" if row.gain > 0 else "red" if row.gain < 0 else ""
        gain = Text(f"{row.gain:+,.2f}" if isfinite(row.gain) else NONE, style=colour)
        table.add_row(row.ticker, f"{row.shares:,}", f"{row.cost:,.2f}", _price(row.price), stop, gain, row.mark)
    return table


def entries_table(rows: tuple[EntryRow, ...]) -> Table:
    """Entries of the book."""
    table = Table("entry", "shares", "price", "waits for, or what became of it", expand=True)
    for column in table.columns[1:3]:
        column.justify = "right"
    for row in rows:
        table.add_row(row.ticker, f"{row.shares:,}", _price(row.price), row.state)
    return table


def _price(value: float) -> str:
    """With two digits; a dash while none was heard."""
    return f"{value:,.2f}" if isfinite(value) else NONE
