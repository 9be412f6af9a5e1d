"""Sessions: holidays, half-days, and errors that say which session to take."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.errors import SessionError
from alphalib.sessions import (
    all_sessions,
    last_session,
    next_session,
    previous_session,
    require_session,
    session_minutes,
    sessions_between,
    sessions_from,
    week_ends,
)

days = st.dates(min_value=pd.Timestamp("1991-01-01").date(), max_value=pd.Timestamp("2035-12-31").date())


def test_good_friday_is_not_a_session_and_the_error_says_what_is():
    with pytest.raises(SessionError, match=r"2024-03-29 \(Friday\) is not a session.*take 2024-03-28.*or 2024-04-01"):
        require_session("2024-03-29")


@pytest.mark.parametrize("day", ["soon", "", None])
def test_what_is_no_date_is_refused(day):
    with pytest.raises(SessionError, match="is not a date"):
        require_session(day)


def test_a_date_outside_the_calendar_is_refused():
    with pytest.raises(SessionError, match="outside the calendar, which runs from 1990-01-01"):
        last_session("1889-01-01")


def test_d11_half_days_come_from_the_calendar():
    assert session_minutes("2023-11-24") == 210  # the day after Thanksgiving closes at 13:00
    assert session_minutes("2023-11-27") == 390


@given(days)
def test_next_undoes_previous(day):
    session = last_session(day)
    assert next_session(previous_session(session)) == session
    assert previous_session(next_session(day)) == session


@given(days, days)
def test_counting_sessions_agrees_with_listing_them(one, other):
    start, end = sorted([one, other])
    listed = sessions_between(start, end)
    assert sessions_from(start, end) == len(listed[listed > pd.Timestamp(start)])
    assert sessions_from(end, start) == -sessions_from(start, end)


def test_week_ends_do_not_depend_on_where_the_history_is_cut():
    sessions = sessions_between("2024-03-01", "2024-04-30")
    whole = week_ends(sessions)
    assert pd.Timestamp("2024-03-28") in whole  # the Thursday before Good Friday
    for cut in range(1, len(sessions)):
        pd.testing.assert_index_equal(week_ends(sessions[:cut]), whole[whole <= sessions[cut - 1]])


def test_sessions_are_tz_naive_and_named():
    sessions = all_sessions()
    assert sessions.tz is None
    assert sessions.name == "date"
    assert sessions.is_monotonic_increasing
