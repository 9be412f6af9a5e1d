"""The journal: what is to be sent is written down, on the disk, before it is sent; then what became of it.

One file, `trades/trades.db`, that only the daemon writes to while a session lasts. What is committed survives a power
cut. Every method raises `JournalError` when the file cannot be written, is torn, or is not a journal.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from alphalib.errors import JournalError
from alphalib.execute.broker import Charge, Fill, Kind, Side, State, Ticket
from alphalib.execute.journal.records import (
    FLATTEN,
    KILLED,
    Amendment,
    Flag,
    Intent,
    Kept,
    Record,
    Seen,
    Standing,
    Statement,
    Told,
)
from alphalib.execute.journal.tables import (
    ABOUT,
    CHANGES,
    CHARGES,
    EVENTS,
    FILLS,
    FLAGS,
    INTENTS,
    MINUTES,
    STANDINGS,
    STATEMENTS,
    TABLES,
    VERSION,
)
from alphalib.execute.tape import Bar
from alphalib.store import Store, durable

__all__ = [
    "FLATTEN",
    "JOURNAL_FILE",
    "KILLED",
    "Amendment",
    "Flag",
    "Intent",
    "Journal",
    "Kept",
    "Record",
    "Seen",
    "Standing",
    "Statement",
    "Told",
    "Witness",
    "journal_of",
]

JOURNAL_FILE = "trades/trades.db"
"""Where it lies in a store that is a folder."""
Witness: TypeAlias = Callable[[Literal["before", "after"], str], None]
"""Called around every commit, with what is committed, such as `intents` or `fills`: where a test kills the process."""


class Journal:
    """The journal in a file.

    Parameters
    ----------
    where : str or Path
        A file, made when it is not there, or an SQLAlchemy URL.
    timeout : float
        How long another process may hold the file before this one gives up; of the machine's time. [seconds]
    witness : callable, optional
        Called before and after each commit.

    Raises
    ------
    JournalError
        When the file is torn, is no journal, was written by a later version, or cannot be written.
    """

    def __init__(self, where: str | Path, *, timeout: float = 5.0, witness: Witness | None = None) -> None:
        self.url = str(where) if "://" in str(where) else f"sqlite:///{where}"
        self._witness = witness or (lambda moment, what: None)
        self._sqlite = self.url.startswith("sqlite")
        self._insert = sqlite.insert if self._sqlite else postgresql.insert
        self._written = self._statements()
        options: dict[str, Any] = {"connect_args": {"timeout": timeout}} if self._sqlite else {}
        self._engine = sa.create_engine(self.url, **options)
        if self._sqlite:
            sa.event.listen(self._engine, "connect", durable)
        try:
            self._settle()
        except JournalError:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Journal({self._engine.url.render_as_string()!r})"

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    # Written

    def write(self, records: Sequence[Record], *, session: str, what: str) -> None:
        """Records of any kind, all or none; fills are of `session`, `what` is for the witness.

        A ref that was intended before is an error. What is known of an order, and what an execution cost, takes the
        place of what was known; a fill or a flag that is there stays.
        """
        if records:
            with self.writing(what) as connection:
                for kind in dict.fromkeys(map(type, records)):
                    rows = [_row(record, session) for record in records if type(record) is kind]
                    connection.execute(self._written[kind], _last(rows, key=_REPLACED.get(kind)))

    def intend(self, intents: Sequence[Intent] = (), amendments: Sequence[Amendment] = ()) -> None:
        """What is going to be sent, all or none; a ref that was intended before is an error."""
        self.write([*intents, *amendments], session="", what="intents")

    def stand(self, standings: Sequence[Standing]) -> None:
        """What is known of orders now; takes the place of what was known before."""
        self.write(standings, session="", what="standings")

    def fill(self, fills: Sequence[Fill], *, session: str) -> None:
        """Executions and their corrections; one that is there already is not written again."""
        self.write(fills, session=session, what="fills")

    def charge(self, charges: Sequence[Charge]) -> None:
        """What executions cost; the last word counts."""
        self.write(charges, session="", what="charges")

    def flag(self, *flags: Flag) -> None:
        """Raise flags; one that is up stays as it was raised first."""
        self.write(flags, session="", what="flags")

    def kill(self, *, at: datetime, by: str, flatten: bool = False) -> None:
        """Pull the kill switch, for this session and all others until `rearm`; with `flatten` all is to be sold."""
        self.flag(Flag(KILLED, at, by), *([Flag(FLATTEN, at, by)] if flatten else []))

    def rearm(self) -> None:
        """Take the kill switch back."""
        with self.writing("flags") as connection:
            connection.execute(sa.delete(FLAGS).where(FLAGS.c.name.in_((KILLED, FLATTEN))))

    def minutes(self, session: str, bars: Mapping[str, Bar]) -> None:
        """Bars of a minute that is over, by ticker; a bar that is there already stays."""
        self.write([Seen(session, ticker, *bar) for ticker, bar in bars.items()], session=session, what="minutes")

    def state(self, statement: Statement) -> None:
        """The account at the close; a later one of the same session takes the former's place."""
        self.write([statement], session=statement.session, what="statement")

    def tell(self, *events: Told) -> None:
        """Something happened that a person may want to read."""
        self.write(events, session="", what="events")

    # Read

    def intents(self, session: str | None = None) -> tuple[Intent, ...]:
        """Orders that were intended, in that order; of all sessions without one."""
        return tuple(_intent(row) for row in self._rows(INTENTS, session))

    def amendments(self, session: str | None = None) -> tuple[Amendment, ...]:
        """What else was asked of orders, in that order."""
        return tuple(Amendment(**_timed(row, without="number")) for row in self._rows(CHANGES, session))

    def standings(self) -> dict[str, Standing]:
        """What was known last of every order, by ref."""
        return {
            row["ref"]: Standing(**_timed(row) | {"state": State(row["state"])}) for row in self._rows(STANDINGS, None)
        }

    def fills(self, session: str | None = None) -> tuple[Fill, ...]:
        """Executions by time, each in its last correction; of all sessions without one."""
        latest: dict[str, Any] = {}
        for row in self._rows(FILLS, session):
            if row["root"] not in latest or latest[row["root"]]["revision"] < row["revision"]:
                latest[row["root"]] = row
        found = [
            Fill(**_timed(row, without=("root", "revision", "session")) | {"side": Side(row["side"])})
            for row in latest.values()
        ]
        return tuple(sorted(found, key=lambda fill: (fill.at, fill.exec_id)))

    def charges(self) -> dict[str, Charge]:
        """What executions cost, by execution id."""
        return {row["exec_id"]: Charge(**row) for row in self._rows(CHARGES, None)}

    def flags(self, session: str) -> tuple[Flag, ...]:
        """Flags that are up in a session."""
        return tuple(Flag(**_timed(row)) for row in self._rows(FLAGS, None) if row["session"] in ("", session))

    @property
    def killed(self) -> str:
        """By whom the kill switch was pulled; empty when it is off."""
        return next((flag.value or "somebody" for flag in self.flags("") if flag.name == KILLED), "")

    def bars(self, session: str) -> dict[str, tuple[Bar, ...]]:
        """Minutes of a session by ticker, in order."""
        found: dict[str, list[Bar]] = {}
        columns = [MINUTES.c.ticker, *(MINUTES.c[name] for name in Bar._fields)]
        query = sa.select(*columns).where(MINUTES.c.session == session).order_by(MINUTES.c.ticker, MINUTES.c.minute)
        with self.reading() as connection:
            for ticker, *bar in connection.execute(query):
                found.setdefault(ticker, []).append(Bar(*bar))
        return {ticker: tuple(bars) for ticker, bars in found.items()}

    def statement(self, session: str) -> Statement | None:
        """The account at the close of a session; None before it was stated."""
        for row in self._rows(STATEMENTS, session):
            return Statement(**_timed(row) | {"positions": tuple(Kept(**kept) for kept in row["positions"])})
        return None

    def events(self, session: str | None = None) -> tuple[Told, ...]:
        """What happened, in that order."""
        return tuple(Told(**_timed(row, without="number")) for row in self._rows(EVENTS, session))

    @contextmanager
    def writing(self, what: str) -> Iterator[sa.Connection]:
        """One transaction, committed at the end; `what` is what the witness hears."""
        with self._reported():
            with self._engine.connect() as connection, connection.begin() as transaction:
                yield connection
                self._witness("before", what)
                transaction.commit()
            self._witness("after", what)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to read with."""
        with self._reported(), self._engine.connect() as connection:
            yield connection

    def _rows(self, table: sa.Table, session: str | None) -> list[dict[str, Any]]:
        query = sa.select(table)
        if session is not None:
            query = query.where(table.c.session == session)
        if "number" in table.c:
            query = query.order_by(table.c.number)
        with self.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _statements(self) -> dict[type, Any]:
        """How records of a kind are written, made once: making one takes longer than executing it."""
        return {
            Intent: sa.insert(INTENTS),
            Amendment: sa.insert(CHANGES),
            Told: sa.insert(EVENTS),
            Standing: self._put(STANDINGS),
            Charge: self._put(CHARGES),
            Statement: self._put(STATEMENTS),
            Fill: self._insert(FILLS).on_conflict_do_nothing(),
            Flag: self._insert(FLAGS).on_conflict_do_nothing(),
            Seen: self._insert(MINUTES).on_conflict_do_nothing(),
        }

    def _put(self, table: sa.Table) -> Any:
        """Insert, or else take the former's place."""
        insert = self._insert(table)
        others = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
        return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=others)

    def _settle(self) -> None:
        """Look what the file is; make the tables in a new one."""
        with self._reported():
            there = set(sa.inspect(self._engine).get_table_names())
            if self._sqlite and there and ABOUT.name not in there:
                raise JournalError(f"{self!r} is a database, but no journal; move it away, or name another store")
        if self._sqlite and there:
            with self.reading() as connection:
                if (found := connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()) != "ok":
                    raise JournalError(f"{self!r}: {_advice('malformed')} ({found})")
        version = next((int(row["value"]) for row in self._rows(ABOUT, None)), 0) if ABOUT.name in there else 0
        if version > VERSION:
            raise JournalError(
                f"{self!r} was written by a later version of alphalib (tables {version}, this one knows {VERSION}); "
                "update this one"
            )
        with self.writing("tables") as connection:
            TABLES.create_all(connection)
            connection.execute(self._put(ABOUT), [{"name": "version", "value": str(VERSION)}])

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            raise JournalError(f"{self!r}: {_advice(str(getattr(error, 'orig', error)))}") from error


def journal_of(store: Store, *, witness: Witness | None = None) -> Journal:
    """The journal of a store, which must be a folder."""
    return Journal(store.local_path(JOURNAL_FILE), witness=witness)


def _advice(fault: str) -> str:
    advice = {
        "locked": "another process holds it; end that one first",
        "readonly": "it is read-only; make the file and its folder writable, since nothing is sent unrecorded",
        "read-only": "it is read-only; make it writable, since nothing is sent unrecorded",
        "unable to open": "the file cannot be opened; check that its folder exists and is writable",
        "not a database": "the file is no journal; restore it from a backup, or move it away and `reset`",
        "malformed": "the file is torn; restore it from a backup, or move it away: the day's orders and fills are "
        "then read from the broker",
        "disk is full": "the disk is full; free some space: stops stay, nothing new is sent until then",
        "disk i/o": "the disk fails; nothing new is sent until the file can be written",
        "unique": "an order of that name was intended before; nothing is sent twice",
    }
    return next((f"{text} ({fault})" for sign, text in advice.items() if sign in fault.lower()), fault)


_REPLACED: dict[type, str] = {Standing: "ref", Charge: "exec_id"}
"""Kinds of which the last word counts, and what names one."""


def _last(rows: list[dict[str, Any]], *, key: str | None) -> list[dict[str, Any]]:
    """The last row of each name; all of them for a kind that is not replaced. PostgreSQL wants each once."""
    return rows if key is None else list({row[key]: row for row in rows}.values())


def _row(record: Record, session: str) -> dict[str, Any]:
    """A record as its table has it: times as text in UTC, prices that are none as missing."""
    row = {name: _value(value) for name, value in vars(record).items()}
    if isinstance(record, Intent):
        del row["ticket"]
        return row | vars(record.ticket)
    if isinstance(record, Fill):
        return row | {"root": record.root, "revision": record.revision, "session": session}
    if isinstance(record, Statement):
        return row | {"positions": [vars(kept) for kept in record.positions]}
    return row


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _timed(row: Mapping[str, Any], *, without: str | Sequence[str] = ()) -> dict[str, Any]:
    left = (without,) if isinstance(without, str) else without
    kept = {name: value for name, value in row.items() if name not in left}
    return kept | {"at": datetime.fromisoformat(row["at"])}


def _intent(row: Mapping[str, Any]) -> Intent:
    kept = _timed(row, without="number")
    ticket = {name: kept.pop(name) for name in ("ref", "ticker", "shares", "stop", "parent")}
    side, kind = Side(kept.pop("side")), Kind(kept.pop("kind"))
    return Intent(**kept, ticket=Ticket(**ticket, side=side, kind=kind))
