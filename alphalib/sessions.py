"""Exchange sessions: which days trade, which come next, how long they last.

Sessions are tz-naive midnight timestamps of the New York exchange (XNYS).
"""

from functools import cache
from typing import Any, TypeAlias

import pandas as pd

from alphalib.errors import SessionError

SESSIONS_PER_YEAR = 252
FIRST_DAY, LAST_DAY = "1990-01-01", "2036-12-31"  # the calendar's own default window slides with the clock

Day: TypeAlias = str | pd.Timestamp


@cache
def calendar() -> Any:
    """Exchange calendar of XNYS over a fixed window, so that the same question has the same answer every day."""
    import exchange_calendars

    return exchange_calendars.get_calendar("XNYS", start=FIRST_DAY, end=LAST_DAY)


@cache
def all_sessions() -> pd.DatetimeIndex:
    """Every session from 1990 to 2036, tz-naive, named `date`."""
    return pd.DatetimeIndex(calendar().sessions.to_numpy(), name="date").as_unit("us")


def sessions_between(start: Day, end: Day) -> pd.DatetimeIndex:
    """Sessions from `start` to `end`, both included; neither needs to be a session."""
    sessions = all_sessions()
    first, last = _inside(start), _inside(end)
    return sessions[sessions.searchsorted(first) : sessions.searchsorted(last, side="right")]


def last_session(day: Day) -> pd.Timestamp:
    """`day` itself when it is a session, else the session before it."""
    return _at(all_sessions().searchsorted(_inside(day), side="right") - 1, day)


def next_session(day: Day, *, count: int = 1) -> pd.Timestamp:
    """The `count`-th session strictly after `day`."""
    return _at(all_sessions().searchsorted(_inside(day), side="right") + count - 1, day)


def previous_session(day: Day, *, count: int = 1) -> pd.Timestamp:
    """The `count`-th session strictly before `day`."""
    return _at(all_sessions().searchsorted(_inside(day)) - count, day)


def require_session(day: Day) -> pd.Timestamp:
    """`day` as a session, or an error that says which session to take instead."""
    wanted = _inside(day)
    before = last_session(wanted)
    if before == wanted:
        return before
    raise SessionError(
        f"{wanted:%Y-%m-%d} ({wanted:%A}) is not a session of the exchange; "
        f"take {before:%Y-%m-%d}, the last session before it, or {next_session(wanted):%Y-%m-%d}, the next"
    )


def sessions_from(start: Day, end: Day) -> int:
    """Sessions strictly after `start` up to and including `end`; negative when `end` is earlier. [sessions]"""
    sessions = all_sessions()
    return int(sessions.searchsorted(_inside(end), side="right") - sessions.searchsorted(_inside(start), side="right"))


def week_ends(sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Sessions after which no other session of the same calendar week follows on the exchange.

    Judged by the exchange calendar, not by `sessions`, so that cutting the end of `sessions` moves none of them.
    """
    if sessions.empty:
        return sessions
    following = all_sessions()
    after = following[following.searchsorted(sessions, side="right")]
    return sessions[sessions.to_period("W") != after.to_period("W")]


def session_minutes(day: Day) -> int:
    """Regular trading minutes of a session: 390, or 210 on a half-day. [minutes]"""
    session = require_session(day)
    opened, closed = calendar().session_open(session), calendar().session_close(session)
    return int((closed - opened) / pd.Timedelta(minutes=1))


def _inside(day: Day) -> pd.Timestamp:
    try:
        stamp = pd.Timestamp(day)
    except (ValueError, TypeError) as error:
        raise SessionError(f"{day!r} is not a date; write it as 2024-03-08") from error
    if stamp is pd.NaT:
        raise SessionError(f"{day!r} is not a date; write it as 2024-03-08")
    if stamp.tz is not None:
        raise SessionError(f"sessions are tz-naive dates, got {stamp}; drop the time zone")
    stamp = stamp.normalize()
    if not pd.Timestamp(FIRST_DAY) <= stamp <= pd.Timestamp(LAST_DAY):
        raise SessionError(f"{stamp:%Y-%m-%d} lies outside the calendar, which runs from {FIRST_DAY} to {LAST_DAY}")
    return stamp


def _at(position: int, day: Day) -> pd.Timestamp:
    sessions = all_sessions()
    if not 0 <= position < len(sessions):
        raise SessionError(f"no such session near {day}: the calendar runs from {FIRST_DAY} to {LAST_DAY}")
    return sessions[position]
