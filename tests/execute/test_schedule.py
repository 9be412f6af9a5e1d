from datetime import UTC, datetime

import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.execute.schedule import coming_session, latest_book, session_to_trade
from alphalib.store import Store
from tests.execute import morning

FRIDAY, MONDAY = pd.Timestamp("2026-11-27"), pd.Timestamp("2026-11-30")  # Friday closes at 13:00, 18:00 UTC


@pytest.fixture
def bus(tmp_path):
    store = Store(tmp_path)
    for day in ("2026-11-25", "2026-11-27"):
        book = morning.book(day)
        store.write(book.at(), book)
    return store


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "session"),
    [
        ("2026-11-26T15:00", FRIDAY),  # Thanksgiving
        ("2026-11-27T05:30", FRIDAY),  # half past midnight in New York
        ("2026-11-27T17:59", FRIDAY),
        ("2026-11-27T18:00", MONDAY),  # closed
        ("2026-11-28T03:00", MONDAY),  # still Friday evening in New York
        ("2026-11-29T12:00", MONDAY),
    ],
)
def test_the_coming_session_is_the_one_that_is_on_or_the_next(now, session):
    assert coming_session(utc(now)) == session


def test_a_book_is_traded_in_its_session_and_settled_after_it(bus):
    for now in ("2026-11-25T22:00", "2026-11-27T16:00", "2026-11-27T20:00", "2026-11-30T12:00"):
        assert session_to_trade(bus, None, utc(now)) == FRIDAY


@pytest.mark.parametrize("now", ["2026-11-30T21:01", "2026-12-07T15:00", "2026-11-24T15:00"])
def test_a_book_of_another_day_is_not_traded(bus, now):
    with pytest.raises(
        InputError, match="newest order book is of 2026-11-27, the session that trades or comes next is"
    ):
        session_to_trade(bus, None, utc(now))


def test_a_session_that_was_asked_for_is_not_another(bus):
    assert session_to_trade(bus, "2026-11-25", utc("2026-11-25T15:00")) == pd.Timestamp("2026-11-25")
    with pytest.raises(InputError, match="the session asked for is 2026-11-24"):
        session_to_trade(bus, "2026-11-24", utc("2026-11-27T15:00"))
    with pytest.raises(InputError, match="is not a session"):
        latest_book(bus, "2026-11-28")


def test_a_store_without_books_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match=r"there is no order book .* `python -m alphalib.pipeline weekday`"):
        latest_book(Store(tmp_path), None)
