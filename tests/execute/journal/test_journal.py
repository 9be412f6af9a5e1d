"""The journal: what is written is there after a crash; what is no journal, torn or full says so."""

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alphalib.errors import JournalError
from alphalib.execute.broker import Charge, Fill, Kind, Side, State, Ticket
from alphalib.execute.journal.journal import (
    Amendment,
    Flag,
    Intent,
    Journal,
    Kept,
    Standing,
    Statement,
    Told,
    journal_of,
)
from alphalib.execute.tape import Bar
from alphalib.store import Store

DAY = "2026-03-05"
NOON = datetime(2026, 3, 5, 17, tzinfo=UTC)
ENTRY = Ticket("al-260305-AAA-entry-1", "AAA", Side.BUY, 100, Kind.MARKET)
STOP = Ticket("al-260305-AAA-stop-1", "AAA", Side.SELL, 100, Kind.STOP, 45.5, parent=ENTRY.ref)
INTENTS = (
    Intent(DAY, NOON, ENTRY, "entry", "pullback", 48.9, 50.0, 48.95),
    Intent(DAY, NOON, STOP, "bracket", signal_price=45.5),
)
FILL = Fill("0e0d.65a1.01", ENTRY.ref, 7, "AAA", Side.BUY, 100.0, 48.96, NOON, "DU1")


@pytest.fixture
def journal(tmp_path):
    with closing(Journal(tmp_path / "trades.db")) as journal:
        yield journal


@contextmanager
def full(journal):
    """The disk is full: the file may not grow."""
    with journal.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    yield
    with journal.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")


def test_what_is_intended_is_on_the_disk_before_the_call_returns(journal, tmp_path):
    journal.intend(INTENTS)
    with closing(sqlite3.connect(tmp_path / "trades.db")) as other:
        assert other.execute("SELECT ref FROM intents").fetchall() == [(ENTRY.ref,), (STOP.ref,)]
    with journal.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_everything_comes_back_as_it_was(journal):
    journal.intend(
        INTENTS, [Amendment(DAY, NOON, STOP.ref, "raised", 100, 46.0), Amendment(DAY, NOON, STOP.ref, "end")]
    )
    standing = Standing(ENTRY.ref, State.WORKING, NOON, 100.0, 40.0, None, 7, "why", arrived=True)
    journal.stand([replace(standing, filled=0.0), standing])
    charge, flag = Charge("0e0d.65a1.01", 1.0, None), Flag("collapse", NOON, "51.00", "AAA", DAY)
    journal.charge([charge])
    journal.flag(flag)
    told = Told(DAY, NOON, "link", "connected")
    journal.tell(told)
    statement = Statement(DAY, NOON, "DU1", 1e5, 9e4, 0.0, (Kept("AAA", 100.0, 48.96, 49.0),), 500.0, None)
    journal.state(statement)
    bars = {"AAA": Bar(3, 1.0, 2.0, 0.5, 1.5, 10.0)}
    journal.minutes(DAY, bars)
    assert journal.intents(DAY) == INTENTS
    assert [(a.shares, a.stop) for a in journal.amendments(DAY)] == [(100, 46.0), (None, None)]
    assert journal.standings() == {ENTRY.ref: standing}
    assert journal.charges() == {charge.exec_id: charge}
    assert journal.flags(DAY) == (flag,)
    assert journal.flags("2026-03-06") == ()
    assert journal.events(DAY) == (told,)
    assert journal.statement(DAY) == statement
    assert journal.statement("2026-03-06") is None
    assert journal.bars(DAY) == {"AAA": (bars["AAA"],)}


def test_a_correction_takes_the_place_of_a_fill_in_whatever_order_they_come(journal):
    corrected = replace(FILL, exec_id="0e0d.65a1.02", shares=80.0)
    other = replace(FILL, exec_id="0e0d.65a2.01", shares=5.0, at=NOON - timedelta(minutes=1))
    for fill in (corrected, FILL, FILL, other):
        journal.fill([fill], session=DAY)
    assert journal.fills(DAY) == (other, corrected)
    assert journal.fills("2026-03-06") == ()


def test_a_ref_is_intended_once_and_with_it_nothing_else_of_that_moment(journal):
    journal.intend(INTENTS)
    other = replace(INTENTS[0], ticket=replace(ENTRY, ref="al-260305-BBB-entry-1"))
    with pytest.raises(JournalError, match="an order of that name was intended before"):
        journal.intend([other, INTENTS[1]])
    assert journal.intents() == INTENTS


def test_the_kill_switch_is_of_all_sessions_until_it_is_taken_back(journal):
    journal.kill(at=NOON, by="a person", flatten=True)
    journal.kill(at=NOON, by="somebody later")
    assert journal.killed == "a person"
    assert [flag.name for flag in journal.flags("2027-01-04")] == ["killed", "flatten"]
    journal.rearm()
    assert (journal.killed, journal.flags(DAY)) == ("", ())


def test_the_witness_sees_a_commit_from_both_sides(tmp_path):
    seen = []

    def witness(moment, what):
        with closing(sqlite3.connect(tmp_path / "trades.db")) as other:
            there = other.execute("SELECT count(*) FROM sqlite_master WHERE name = 'intents'").fetchone()[0]
            rows = other.execute("SELECT count(*) FROM intents").fetchone()[0] if there else 0
        seen.append((moment, what, rows))

    with closing(Journal(tmp_path / "trades.db", witness=witness)) as journal:
        seen.clear()
        journal.intend(INTENTS)
    assert seen == [("before", "intents", 0), ("after", "intents", 2)]


def test_it_lies_in_the_store(tmp_path):
    with closing(journal_of(Store(tmp_path))):
        assert (tmp_path / "trades" / "trades.db").exists()


def test_a_torn_file_is_refused(tmp_path):
    file = tmp_path / "trades.db"
    with closing(Journal(file)) as journal:
        journal.tell(*[Told(DAY, NOON, "link", "x" * 200)] * 200)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(JournalError, match="the file is torn; restore it"):
        Journal(file)
    file.write_bytes(b"not at all" * 1000)
    with pytest.raises(JournalError, match="the file is no journal"):
        Journal(file)


def test_somebody_elses_database_is_refused_and_left_as_it_was(tmp_path):
    with closing(sqlite3.connect(tmp_path / "trades.db")) as other:
        other.execute("CREATE TABLE trades (id INTEGER)")
    before = (tmp_path / "trades.db").read_bytes()
    with pytest.raises(JournalError, match="is a database, but no journal"):
        Journal(tmp_path / "trades.db")
    assert (tmp_path / "trades.db").read_bytes()[100:] == before[100:]


def test_a_later_version_is_refused(tmp_path):
    Journal(tmp_path / "trades.db").close()
    with closing(sqlite3.connect(tmp_path / "trades.db")) as other:
        other.execute("UPDATE journal SET value = '99' WHERE name = 'version'")
        other.commit()
    with pytest.raises(JournalError, match=r"later version of alphalib \(tables 99, this one knows 1\)"):
        Journal(tmp_path / "trades.db")


def test_a_held_file_says_so(tmp_path):
    with closing(Journal(tmp_path / "trades.db", timeout=0.05)) as journal:
        holder = sqlite3.connect(tmp_path / "trades.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="another process holds it"):
            journal.intend(INTENTS)
        holder.close()
        journal.intend(INTENTS)


def test_a_full_disk_says_so_loses_nothing_and_is_over_when_there_is_room(journal):
    many = [Told(DAY, NOON, "link", "x" * 500)] * 100
    journal.intend(INTENTS)
    with full(journal), pytest.raises(JournalError, match="the disk is full"):
        journal.tell(*many)
    assert journal.events() == ()
    assert journal.intents() == INTENTS
    journal.tell(*many)
    assert len(journal.events()) == 100
