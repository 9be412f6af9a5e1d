"""A session's journal as tables: fills on the path, stops where and while they rested, everything that happened."""

from contextlib import closing

import pandas as pd
import pytest

from alphalib.errors import JournalError
from alphalib.execute.account.day_view import day_view
from alphalib.execute.broker import State
from alphalib.execute.journal.journal import Amendment, Standing, Told, journal_of
from alphalib.execute.refs import Role
from alphalib.store import Store
from tests.execute.by_hand import Hand

SESSION = pd.Timestamp("2024-03-08")


@pytest.fixture
def hand(tmp_path):
    with closing(journal_of(Store(tmp_path))) as journal:
        yield Hand(journal, SESSION, cash=1e5, shares={})


def seen(hand, tmp_path):
    hand.close({"A": 51.0})
    return day_view(Store(tmp_path), SESSION)


def test_a_brackets_stop_rests_from_its_parents_fill_and_steps_up(hand, tmp_path):
    ref = hand.intend(
        "A", Role.ENTRY, 10, rule="entry", minute=5, trigger="vwap", trigger_price=49.0, signal_price=50.0
    )
    stop = hand.intend("A", Role.STOP, 10, rule="bracket", minute=5, stop=45.0, parent=ref)
    hand.fill(ref, 10, 49.1, minute=6)
    hand.journal.intend([], [Amendment(hand.date, hand.at(30), stop, "raised", stop=46.0)])
    hand.minutes("A", (5, 49.0, 49.2, 48.9, 49.1), (6, 49.1, 50.0, 49.0, 49.9))
    view = seen(hand, tmp_path)
    assert view.stops["start"].tolist() == [hand.at(6), hand.at(30)]
    assert view.stops["end"].tolist() == [hand.at(30), hand.hours.closed]
    assert view.stops["level"].tolist() == [45.0, 46.0]
    assert view.marks[["what", "price", "label"]].to_numpy().tolist() == [
        ["trigger", 49.0, "vwap"],
        ["buy", 49.1, "vwap"],
    ]
    assert view.decided == {"A": 50.0}
    assert view.paths["A"]["time"].tolist() == [hand.at(5), hand.at(6)]
    assert view.events["kind"].tolist() == ["order", "order", "fill", "change"]
    assert set(view.events["lane"]) == {"A"}


def test_a_stop_that_never_worked_is_not_drawn_and_one_that_filled_ends_there(hand, tmp_path):
    unfilled = hand.intend("B", Role.ENTRY, 10, rule="entry", minute=5, signal_price=20.0)
    hand.intend("B", Role.STOP, 10, rule="bracket", minute=5, stop=18.0, parent=unfilled)
    lost = hand.intend("C", Role.STOP, 10, rule="coverage", minute=5, stop=9.0)
    hand.journal.stand([Standing(lost, State.CANCELLED, hand.at(6), 10, arrived=False)])
    filled = hand.intend("A", Role.STOP, 10, rule="coverage", minute=0, stop=45.0)
    hand.fill(filled, 10, 44.9, minute=12)
    hand.journal.stand([Standing(filled, State.FILLED, hand.at(12), 10, 10)])
    view = seen(hand, tmp_path)
    assert view.stops[["ticker", "start", "end"]].to_numpy().tolist() == [["A", hand.at(0), hand.at(12)]]
    assert view.marks[["what", "label"]].to_numpy().tolist() == [["stop", "stop"]]


def test_what_is_said_of_no_name_has_a_lane_of_its_kind(hand, tmp_path):
    hand.journal.tell(
        Told(hand.date, hand.at(2), "alert", "the gateway is gone"),
        Told(hand.date, hand.at(1), "notice", "delayed data", ticker="SPY"),
    )
    view = seen(hand, tmp_path)
    assert view.events[["lane", "kind"]].to_numpy().tolist() == [["notice", "notice"], ["alert", "alert"]]


def test_a_session_that_was_never_stated_cannot_be_shown(hand, tmp_path):
    with pytest.raises(JournalError, match="no statement"):
        day_view(Store(tmp_path), SESSION)
