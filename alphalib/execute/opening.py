"""What a session begins with, read and checked before anything is connected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from alphalib.contracts import OrderBook, PlanRecord, PortfolioFile, require_fresh
from alphalib.errors import ContractError, InputError
from alphalib.execute.actions import Actions, actions_of, book_in, marks_in, portfolio_in
from alphalib.execute.archive import Archive, read_files
from alphalib.sessions import previous_session, require_session
from alphalib.store import Store, content_hash


@dataclass(frozen=True, eq=False)
class Opening:
    """The morning of a session.

    Parameters
    ----------
    book : OrderBook
        What is to be done.
    portfolio : PortfolioFile, optional
        Positions at the close before; None when there never were any.
    marks : mapping of str to float
        Last closes, of the names that the plan knew. [currency]
    """

    book: OrderBook
    portfolio: PortfolioFile | None
    marks: Mapping[str, float]


def opening(bus: Store, record: Store, session: pd.Timestamp, *, or_empty: bool = False) -> Opening:
    """The order book of a session from the bus, and the portfolio that it starts with from the record, in shares and
    prices of the session: splits of the session that are known by now are in them.

    With `or_empty` a session that was not planned, or whose plan cannot be used, has an empty book, and the last
    portfolio there is will do: for whoever only wants to sell.

    Raises
    ------
    InputError
        When the session was not planned.
    ContractError
        When the book is torn, is not the one that was archived with its inputs, or the portfolio is of another day or
        lacks what the book guards and sells.
    """
    try:
        begun = _planned(bus, record, require_session(session))
    except (InputError, ContractError):
        if not or_empty:
            raise
        begun = _nothing_planned(record, session)
    return _in_units(begun, actions_of(record, bus, session))


def _planned(bus: Store, record: Store, session: pd.Timestamp) -> Opening:
    day = f"{session:%Y-%m-%d}"
    path = OrderBook.path.format(date=day)
    if not bus.exists(path):
        raise InputError(f"{path} is not in the store {bus.url}: run `python -m alphalib.pipeline weekday` first")
    book = bus.read(path, OrderBook)
    if book.date != day:
        raise ContractError(path, [f"is the book of {book.date}: plan again"])
    return Opening(book, _portfolio(record, book), _marks(bus, book, path))


def _in_units(planned: Opening, actions: Actions) -> Opening:
    file = planned.portfolio
    return Opening(
        book_in(planned.book, actions), file and portfolio_in(file, actions), marks_in(planned.marks, actions)
    )


def _nothing_planned(record: Store, session: pd.Timestamp) -> Opening:
    before = previous_session(session)
    found = record.latest(PortfolioFile.path, asof=before)
    portfolio = record.read(found[0], PortfolioFile) if found else None
    book = OrderBook(
        date=f"{session:%Y-%m-%d}",
        decided_on=f"{before:%Y-%m-%d}",
        nav=portfolio.nav if portfolio else 1.0,
        drawdown=0.0,
        drawdown_multiplier=0.0,
        approved_entries=[],
        urgent_exits=[],
        active_stops=[],
        decision_hash="",
        notes=["no entries: nothing was planned"],
    )
    return Opening(book, portfolio, {})


def _portfolio(record: Store, book: OrderBook) -> PortfolioFile | None:
    """That of the close that the book was decided on: without it what is held would be taken for somebody else's."""
    decided_on = pd.Timestamp(book.decided_on)
    found = record.latest(PortfolioFile.path, asof=decided_on)
    file = record.read(found[0], PortfolioFile) if found else None
    if file is not None:
        require_fresh(file, asof=decided_on, within=0)
    held = {row.ticker for row in file.positions} if file else set()
    if lacking := sorted(
        {*(row.ticker for row in book.active_stops), *(row.ticker for row in book.urgent_exits)} - held
    ):
        path = PortfolioFile.path.format(date=book.decided_on)
        what = f"does not hold {', '.join(lacking)}, which {book.at()} guards or sells"
        raise ContractError(path, [what if file else f"is not there, and {book.at()} guards or sells what is held"])
    return file


def _marks(bus: Store, book: OrderBook, path: str) -> dict[str, float]:
    """Closes that the plan knew; those of the book alone when it has no archive."""
    kept = PlanRecord.path.format(date=book.date)
    if not bus.exists(kept):
        return {row.ticker: row.current_price for row in book.approved_entries}
    record = bus.read(kept, PlanRecord)
    if record.files.get("order_book.json") != content_hash(bus.read_bytes(path)):
        raise ContractError(path, ["is not the book that was archived with its inputs: plan again"])
    day = Archive.of(read_files(bus, record)).day
    return {ticker: float(mark) for ticker, mark in zip(day.tickers, day.names["mark"], strict=True) if mark > 0}
