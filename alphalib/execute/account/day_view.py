"""One session as it went, as tables for pictures: prices seen, orders, stops, events. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from alphalib.execute.account.gather import STOP, written
from alphalib.execute.broker import Fill, Side
from alphalib.execute.journal.journal import Amendment, Intent, Standing, Told, journal_of
from alphalib.execute.refs import Role, parts_of
from alphalib.execute.tape import Hours
from alphalib.store import Store


@dataclass(frozen=True, eq=False)
class DayView:
    """A session of the daemon; times in UTC, prices in currency.

    Parameters
    ----------
    session : Timestamp
        Which.
    opened, closed : datetime
        Its regular hours.
    paths : dict of str to DataFrame
        Minutes that the daemon saw of each name with an order: `time, open, high, low, close`.
    marks : DataFrame
        `time, ticker, price, what, label`: `what` is `buy`, `sell` or `stop` for a fill and `trigger` for what made an
        entry act, `label` which rule or trigger it was.
    stops : DataFrame
        `ticker, ref, start, end, level`: stretches of time in which a stop rested at a level.
    decided : dict of str to float
        Close that each name's entry or sale was decided on.
    events : DataFrame
        `time, lane, kind, text`: what happened, by name or, where no name is meant, by kind.
    """

    session: pd.Timestamp
    opened: datetime
    closed: datetime
    paths: dict[str, pd.DataFrame]
    marks: pd.DataFrame
    stops: pd.DataFrame
    decided: dict[str, float]
    events: pd.DataFrame


def day_view(record: Store, session: pd.Timestamp) -> DayView:
    """A session from its journal.

    Raises
    ------
    JournalError
        When its account was never stated, or the journal cannot be read.
    """
    with closing(journal_of(record)) as journal:
        said = written(journal, session)
        told = journal.events(f"{session:%Y-%m-%d}")
    hours = Hours.of(session)
    date = f"{session:%Y-%m-%d}"
    filled = {fill.ref for fill in said.fills}
    intents = [intent for intent in said.intents if parts_of(intent.ref)]
    today = [intent for intent in intents if intent.session == date or intent.ref in filled]
    stops = _stops(intents, said.amendments, said.standings, said.fills, hours)
    names = sorted({intent.ticket.ticker for intent in today} | set(stops["ticker"]))
    paths = {
        ticker: pd.DataFrame(
            [(hours.boundary(bar.minute), bar.open, bar.high, bar.low, bar.close) for bar in said.bars[ticker]],
            columns=["time", "open", "high", "low", "close"],
        )
        for ticker in names
        if said.bars.get(ticker)
    }
    decided = {
        intent.ticket.ticker: intent.signal_price
        for intent in today
        if intent.signal_price is not None and intent.rule != STOP and intent.ticket.stop is None
    }
    return DayView(
        session,
        hours.opened,
        hours.closed,
        paths,
        _marks(today, said.fills),
        stops,
        decided,
        _events(told, intents, said.amendments, said.fills, date),
    )


def _marks(intents: Sequence[Intent], fills: Sequence[Fill]) -> pd.DataFrame:
    """Fills and triggers, by time."""
    by_ref = {intent.ref: intent for intent in intents}
    rows = []
    for fill in fills:
        intent = by_ref.get(fill.ref)
        if intent is not None:
            stops = intent.ticket.stop is not None
            what = "buy" if fill.side is Side.BUY else STOP if stops else "sell"
            rows.append((fill.at, fill.ticker, fill.price, what, STOP if stops else intent.trigger or intent.rule))
    rows += [
        (intent.at, intent.ticket.ticker, intent.trigger_price, "trigger", intent.trigger)
        for intent in intents
        if intent.trigger_price is not None and intent.ticket.side is Side.BUY
    ]
    return pd.DataFrame(sorted(rows, key=lambda row: row[:2]), columns=["time", "ticker", "price", "what", "label"])


def _stops(
    intents: Sequence[Intent],
    amendments: Sequence[Amendment],
    standings: Mapping[str, Standing],
    fills: Sequence[Fill],
    hours: Hours,
) -> pd.DataFrame:
    """Where stops rested, and when; a bracket's from the first fill of its parent on."""
    first: dict[str, datetime] = {}
    for fill in fills:
        first.setdefault(fill.ref, fill.at)
    parts = []
    for intent in intents:
        parts_ = parts_of(intent.ref)
        known = standings.get(intent.ref)
        if (
            parts_ is None
            or parts_.role is not Role.STOP
            or intent.ticket.stop is None
            or (known and not known.arrived)
        ):
            continue
        parent = intent.ticket.parent
        began = max(intent.at, first.get(parent, hours.closed)) if parent and intent.at >= hours.opened else intent.at
        ended = known.at if known and known.state.over else hours.closed
        moves = [(began, intent.ticket.stop)]
        moves += [(max(a.at, began), a.stop) for a in amendments if a.ref == intent.ref and a.stop is not None]
        for (start, level), (end, _) in zip(moves, [*moves[1:], (ended, 0.0)], strict=True):
            start, end = max(start, hours.opened), min(end, hours.closed)
            if start < end:
                parts.append((intent.ticket.ticker, intent.ref, start, end, level))
    return pd.DataFrame(parts, columns=["ticker", "ref", "start", "end", "level"])


def _events(
    told: Sequence[Told], intents: Sequence[Intent], amendments: Sequence[Amendment], fills: Sequence[Fill], date: str
) -> pd.DataFrame:
    """Orders, what was asked of them, fills and what else was written down, by time."""
    of = {intent.ref: intent.ticket.ticker for intent in intents}
    rows = [
        (intent.at, intent.ticket.ticker, "order", f"{_ticket_words(intent)}: {intent.trigger or intent.rule}")
        for intent in intents
        if intent.session == date
    ]
    rows += [
        (
            change.at,
            of[change.ref],
            "cancel" if change.stop is None and change.shares is None else "change",
            f"{change.ref}: {change.why}",
        )
        for change in amendments
        if change.session == date and change.ref in of
    ]
    rows += [
        (fill.at, fill.ticker, "fill", f"{fill.side} {fill.shares:g} at {fill.price:,.2f}")
        for fill in fills
        if fill.ref in of
    ]
    names = {name for _, name, _, _ in rows}
    rows += [
        (event.at, event.ticker if event.ticker in names else event.kind, event.kind, event.text)
        for event in told
        if event.kind not in ("order", "fill")  # which are here already
    ]
    return pd.DataFrame(sorted(rows, key=lambda row: row[0]), columns=["time", "lane", "kind", "text"])


def _ticket_words(intent: Intent) -> str:
    at = "" if intent.ticket.stop is None else f" at {intent.ticket.stop:,.2f}"
    return f"{intent.ticket.side} {intent.ticket.shares}{at}"
