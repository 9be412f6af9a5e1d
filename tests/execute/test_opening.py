import pandas as pd
import pytest

from alphalib.contracts import PlanRecord
from alphalib.errors import ContractError, InputError
from alphalib.execute.opening import opening
from alphalib.store import Store, content_hash
from tests.execute import morning

DAY = pd.Timestamp(morning.HALF_DAY)


@pytest.fixture
def store(tmp_path):
    bus = Store(tmp_path)
    book = morning.book(morning.HALF_DAY, entries=[morning.entry("AAA", 10, 100.0)])
    bus.write(book.at(), book)
    return bus


def test_a_first_morning_has_a_book_and_no_portfolio(store):
    found = opening(store, store, DAY)
    assert [entry.ticker for entry in found.book.approved_entries] == ["AAA"]
    assert found.portfolio is None
    assert found.marks == {"AAA": 100.0}


def test_the_portfolio_is_that_of_the_close_before(store):
    file = morning.portfolio(morning.HALF_DAY, {"BBB": (5, 20.0)})
    store.write(file.at(), file)
    assert opening(store, store, DAY).portfolio == file


def test_an_older_portfolio_is_refused(store):
    file = morning.portfolio("2026-11-25", {"BBB": (5, 20.0)})
    store.write(file.at(), file)
    with pytest.raises(ContractError, match=r"1 session.s. before 2026-11-25; at most 0 old is accepted"):
        opening(store, store, DAY)


def test_a_session_that_was_not_planned_says_what_to_run(store):
    with pytest.raises(
        InputError, match=r"2026-11-30.json is not in the store .* `python -m alphalib.pipeline weekday`"
    ):
        opening(store, store, pd.Timestamp("2026-11-30"))


def test_whoever_only_sells_needs_no_plan(store):
    file = morning.portfolio(morning.HALF_DAY, {"BBB": (5, 20.0)})
    store.write(file.at(), file)
    found = opening(store, store, pd.Timestamp("2026-11-30"), or_empty=True)
    assert found.portfolio == file, "an older one will do"
    assert found.book.approved_entries == []
    assert found.book.notes == ["no entries: nothing was planned"]


def test_a_torn_book_is_refused(store):
    path = f"order_book/{morning.HALF_DAY}.json"
    store.write_bytes(path, store.read_bytes(path)[:200])
    with pytest.raises(ContractError, match="not readable as JSON"):
        opening(store, store, DAY)


def test_a_book_of_another_day_under_this_ones_name_is_refused(store):
    path = f"order_book/{morning.HALF_DAY}.json"
    store.write_bytes("order_book/2026-11-30.json", store.read_bytes(path))
    with pytest.raises(ContractError, match="is the book of 2026-11-27"):
        opening(store, store, pd.Timestamp("2026-11-30"))


def test_a_book_that_was_changed_by_hand_is_refused(store):
    """The plan's record has the hash of the book that was decided."""
    path = f"order_book/{morning.HALF_DAY}.json"
    record = PlanRecord(
        date=morning.HALF_DAY,
        decided_on="2026-11-25",
        members="by date",
        data_hash="0",
        files={"order_book.json": content_hash(store.read_bytes(path))},
    )
    store.write(record.at(), record)
    store.write_bytes(path, store.read_bytes(path).replace(b'"shares": 10,', b'"shares": 9999,'))
    with pytest.raises(ContractError, match="is not the book that was archived with its inputs: plan again"):
        opening(store, store, DAY)
