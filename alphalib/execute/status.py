"""What the journal says of a session, in lines for a person."""

from __future__ import annotations

from contextlib import closing

from alphalib.contracts import Entry
from alphalib.execute.broker import Side
from alphalib.execute.daemon.switch import FILE, pulled
from alphalib.execute.journal.journal import JOURNAL_FILE, Journal, journal_of
from alphalib.execute.opening import Opening
from alphalib.execute.tape import NEW_YORK
from alphalib.store import Store

SHOWN = 10
"""Latest events that are shown."""


def status_lines(record: Store, session: str | None = None) -> list[str]:
    """Kill switch, orders, fills, account and the latest events of a session, the last one without one.

    Without a journal it is the switch alone, and that nothing was traded yet.
    """
    if not record.exists(JOURNAL_FILE):
        return [f"{JOURNAL_FILE} is not in the store {record.url}: nothing was traded yet", _switch(_file(record))]
    with closing(journal_of(record)) as journal:
        known = sorted({event.session for event in journal.events()} | {i.session for i in journal.intents()})
        day = session or (known[-1] if known else "")
        return [
            f"session {day or 'none'}",
            _switch(journal.killed or _file(record)),
            *_orders(journal, day),
            *_account(journal, day),
        ]


def _file(record: Store) -> str:
    """By what the switch is pulled as a file; empty when it is not."""
    found = pulled(record.local_path(FILE))
    return found[0] if found else ""


def _switch(by: str) -> str:
    return f"kill switch: pulled by {by}; `python -m alphalib rearm` takes it back" if by else "kill switch: off"


def _orders(journal: Journal, day: str) -> list[str]:
    standings, lines = journal.standings(), []
    for intent in journal.intents(day):
        found = standings.get(intent.ref)
        stop = "" if intent.ticket.stop is None else f" at {(found and found.stop) or intent.ticket.stop:.2f}"
        became = f"{found.state}, {found.filled:g} filled" if found else "unknown"
        what = f"{intent.ticket.side} {intent.ticket.shares} {intent.ticket.kind}{stop}"
        lines.append(
            f"{intent.ref:<32} {what:<28} {became} ({intent.rule}{f', {intent.trigger}' * bool(intent.trigger)})"
        )
    fills = journal.fills(day)
    for side in Side:
        some = [fill for fill in fills if fill.side == side]
        value = sum(fill.shares * fill.price for fill in some)
        lines.append(f"{side}: {len(some)} fills, {value:,.2f}")
    return lines


def _account(journal: Journal, day: str) -> list[str]:
    stated = journal.statement(day)
    lines = ["the account at the close is not stated yet"]
    if stated is not None:
        lines = [f"{stated.account} at the close: NAV {stated.nav:,.2f}, cash {stated.cash:,.2f}"]
        lines += [f"  {held.ticker:<8} {held.shares:>8g} at {held.cost:,.2f}" for held in stated.positions]
    events = [event for event in journal.events(day) if event.kind != "notice"][-SHOWN:]
    return [*lines, *(f"{event.at.astimezone(NEW_YORK):%H:%M:%S} {event.text}" for event in events)]


def plan_lines(morning: Opening, record: Store) -> list[str]:
    """What an order book would do in its session, a line each, and whether the kill switch lets it."""
    book = morning.book
    halted = ", halted" if book.halted else ""
    return [
        f"session {book.date}, decided on {book.decided_on}: NAV {book.nav:,.2f}, drawdown {book.drawdown:.1%}{halted}",
        *(f"  sell {sale.shares:>6} {sale.ticker:<8} at the open: {sale.reason}" for sale in book.urgent_exits),
        *(f"  stop {stop.shares:>6} {stop.ticker:<8} at {stop.current_stop:,.2f}" for stop in book.active_stops),
        *(_entry_line(entry) for entry in book.approved_entries),
        *(f"  not  {blocked.ticker:<8} {blocked.rule} {blocked.detail}".rstrip() for blocked in book.blocked),
        *(f"  {note}" for note in book.notes),
        *([f"  no entries: {_switch(by)}"] if (by := _file(record)) else []),
    ]


def _entry_line(entry: Entry) -> str:
    size = f"{entry.shares:>6} {entry.ticker:<8} near {entry.current_price:,.2f}, {entry.position_pct:.1%} of NAV"
    return f"  buy  {size}, when a trigger fires"
