"""The record of paper trading on the bus: portfolio, trades and daily account, as files and in the journal's file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, get_args

import pandas as pd
import sqlalchemy as sa
from pydantic import BaseModel

from alphalib.contracts import PortfolioFile
from alphalib.contracts.account import AccountDay, BlockedRow, RiskEvent, TradeRow
from alphalib.errors import ContractError, InputError
from alphalib.execute.account.settlement import Settled
from alphalib.execute.journal.journal import JOURNAL_FILE, Journal, journal_of
from alphalib.execute.journal.tables import STATEMENTS
from alphalib.sessions import require_session
from alphalib.store import Store, checked, json_bytes

TRADES, ACCOUNT, LETTER = "trades/trades_full.csv", "trades/eod_pnl.csv", "trades/{date}.txt"
ARCHIVE = "archive/record-{date}"

_FOLDERS = {"paper": "", "rehearsal": "/rehearsal"}
_OF_RECORD = ("trades/*", "portfolio/*")
_MEND = "restore it from a copy, or `reset` the record"

_TYPES = ((bool, sa.Boolean), (float, sa.Float), (int, sa.Integer))


def _columns(kind: type[BaseModel]) -> list[sa.Column[Any]]:
    """A contract's fields as columns."""

    def of(annotation: Any) -> type[sa.types.TypeEngine[Any]]:
        inside = {annotation, *get_args(annotation)}
        return next((column for plain, column in _TYPES if plain in inside), sa.String)

    return [sa.Column(name, of(info.annotation)) for name, info in kind.model_fields.items()]


TABLES = sa.MetaData()
sa.Table("trades", TABLES, *_columns(TradeRow))
sa.Table("eod_pnl", TABLES, *_columns(AccountDay))
sa.Table("executor_shadow_book", TABLES, *_columns(BlockedRow))
sa.Table("risk_events", TABLES, *_columns(RiskEvent))


def record_of(bus: Store, name: str) -> Store:
    """Where a record lies: `paper` trading's on the bus, the last `rehearsal`'s in a folder of it."""
    if name not in _FOLDERS:
        raise InputError(f"a record is {' or '.join(_FOLDERS)}, got {name!r}")
    return Store(bus.url + _FOLDERS[name])


def latest_stated(record: Store, *, until: pd.Timestamp) -> pd.Timestamp | None:
    """The newest session up to `until` whose account the journal has; None when there is none."""
    if not record.exists(JOURNAL_FILE):
        return None
    newest = sa.select(sa.func.max(STATEMENTS.c.session)).where(STATEMENTS.c.session <= f"{until:%Y-%m-%d}")
    with closing(journal_of(record)) as journal, journal.reading() as connection:
        found = connection.execute(newest).scalar()
    return None if found is None else pd.Timestamp(found)


def read_trades(record: Store) -> pd.DataFrame:
    """Every order so far, in the columns of `TradeRow`; empty before the first."""
    return _read(record, TRADES, TradeRow)


def read_account(record: Store) -> pd.DataFrame:
    """The account by session, in the columns of `AccountDay`; empty before the first."""
    return _read(record, ACCOUNT, AccountDay)


def account_day(record: Store, session: pd.Timestamp) -> AccountDay | None:
    """The account of one session; None when it was not settled."""
    rows = read_account(record)
    chosen = rows[rows["date"] == f"{session:%Y-%m-%d}"].to_dict("records")
    return _account_row(chosen[0]) if chosen else None


def account_before(record: Store, session: pd.Timestamp) -> AccountDay | None:
    """The account as it was settled last before a session; None before the first."""
    rows = read_account(record)
    earlier = rows[rows["date"] < f"{session:%Y-%m-%d}"].to_dict("records")
    return _account_row(earlier[-1]) if earlier else None


def write_settled(
    record: Store,
    journal: Journal,
    settled: Settled,
    *,
    blocked: Sequence[BlockedRow] = (),
    risks: Sequence[RiskEvent] = (),
) -> None:
    """Write a session's record, all files or none; what was there of the same session gives way.

    Parameters
    ----------
    record : Store
        Where.
    journal : Journal
        Of the record; its file takes the same as tables.
    settled : Settled
        The session.
    blocked, risks : sequence of BlockedRow, RiskEvent
        Rows of the tables `executor_shadow_book` and `risk_events`.
    """
    date, portfolio = settled.account.date, settled.portfolio
    orders, days = [row.model_dump() for row in settled.trades], [_account_cells(settled.account)]
    checked(portfolio.model_dump(mode="json"), PortfolioFile, name=portfolio.at())
    _write_tables(
        journal,
        {
            "trades": orders,
            "eod_pnl": days,
            "executor_shadow_book": [row.model_dump() for row in blocked],
            "risk_events": [row.model_dump() for row in risks],
        },
        date,
    )
    record.write_together(
        {
            TRADES: _merged(record, TRADES, TradeRow, orders, date),
            ACCOUNT: _merged(record, ACCOUNT, AccountDay, days, date),
            LETTER.format(date=date): settled.text.encode(),
            portfolio.at(): json_bytes(portfolio.model_dump(mode="json"), name=portfolio.at()),
        }
    )


def reset(record: Store, *, day: pd.Timestamp) -> tuple[str, ...]:
    """Move the whole record to `archive/record-{date}/` and so start a clean one; returns the paths moved.

    Nothing may be trading: whoever calls holds the record's lock.

    Parameters
    ----------
    record : Store
        Where.
    day : Timestamp
        The session that names the archive.

    Raises
    ------
    InputError
        When there is no record.
    """
    found = [path for pattern in _OF_RECORD for path in record.paths(pattern)]
    if not found:
        raise InputError(f"the store {record.url} has no record of trading: there is nothing to reset")
    folder = _free(record, ARCHIVE.format(date=f"{require_session(day):%Y-%m-%d}"))
    if record.exists(JOURNAL_FILE):
        with closing(journal_of(record)) as journal, journal.writing("reset") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    found = [path for path in found if record.exists(path)]
    record.write_together({f"{folder}/{path}": record.read_bytes(path) for path in found}, instead_of=found)
    return tuple(found)


def _free(record: Store, folder: str) -> str:
    """The folder, or the first with a number behind it that is not there yet."""
    number, free = 1, folder
    while record.paths(f"{free}/*/*"):
        number += 1
        free = f"{folder}-{number}"
    return free


def _read(record: Store, path: str, kind: type[BaseModel], **options: Any) -> pd.DataFrame:
    """A table of the record, with the contract's columns first; empty when it is not there."""
    columns = list(kind.model_fields)
    if not record.exists(path):
        return pd.DataFrame({column: pd.Series(dtype=object) for column in columns})
    try:
        table = pd.read_csv(io.BytesIO(record.read_bytes(path)), **{"dtype": {"date": "str"}, **options})
    except (ValueError, pd.errors.ParserError) as error:
        raise ContractError(path, [f"not readable as a table: {error}; {_MEND}"]) from error
    if "date" not in table.columns:
        raise ContractError(path, [f"has no column date; {_MEND}"])
    return table.reindex(columns=[*columns, *(column for column in table.columns if column not in columns)])


def _merged(record: Store, path: str, kind: type[BaseModel], rows: Sequence[Mapping[str, Any]], date: str) -> bytes:
    """The table with these rows in the place of those that the session had; others stay to the letter."""
    as_text: dict[str, Any] = {"dtype": "str", "keep_default_na": False}
    table = _read(record, path, kind, **as_text)
    new = pd.DataFrame(rows, columns=list(kind.model_fields)).astype(object)
    text = pd.read_csv(io.StringIO(new.to_csv(index=False)), **as_text)
    others = table[table["date"] != date]
    merged = pd.concat([others, text], ignore_index=True) if len(others) else text
    merged = merged.sort_values("date", kind="stable", ignore_index=True)
    return str(merged.to_csv(index=False, lineterminator="\n")).encode()


def _account_cells(account: AccountDay) -> dict[str, Any]:
    cells = account.model_dump()
    return cells | {"positions_snapshot": json.dumps(cells["positions_snapshot"])}


def _account_row(cells: dict[str, Any]) -> AccountDay:
    known = {name: value for name, value in cells.items() if not pd.isna(value)}
    known["positions_snapshot"] = json.loads(known.get("positions_snapshot", "{}"))
    return checked(known, AccountDay, name=ACCOUNT)


def _write_tables(journal: Journal, rows: Mapping[str, Sequence[Mapping[str, Any]]], date: str) -> None:
    """The rows of one session as tables of the journal's file, in one transaction."""
    with journal.writing("settled") as connection:
        TABLES.create_all(connection)
        for name, new in rows.items():
            table = TABLES.tables[name]
            there = {column["name"] for column in sa.inspect(connection).get_columns(name)}
            for column in table.c:
                if column.name not in there:  # a table of an earlier version
                    kind = column.type.compile(connection.dialect)
                    connection.execute(sa.text(f'ALTER TABLE "{name}" ADD COLUMN "{column.name}" {kind}'))
            connection.execute(sa.delete(table).where(table.c.date == date))
            if new:
                connection.execute(sa.insert(table), list(new))
