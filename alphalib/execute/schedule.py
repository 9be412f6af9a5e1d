"""Which session a run is for."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from alphalib.contracts import OrderBook
from alphalib.errors import InputError
from alphalib.execute.tape import NEW_YORK, Hours
from alphalib.sessions import last_session, next_session, previous_session, require_session
from alphalib.store import Store

PLAN = "run `python -m alphalib.pipeline weekday` first"


def latest_book(bus: Store, session: str | None) -> pd.Timestamp:
    """The session asked for, or that of the newest order book.

    Raises
    ------
    InputError
        When there is no order book.
    """
    if session is not None:
        return require_session(session)
    paths = bus.paths(OrderBook.path.format(date="*"))
    if not paths:
        raise InputError(f"there is no order book in the store {bus.url}: {PLAN}")
    before, after = OrderBook.path.split("{date}")
    return pd.Timestamp(paths[-1].removeprefix(before).removesuffix(after))


def session_to_trade(bus: Store, session: str | None, now: datetime) -> pd.Timestamp:
    """The session whose book may be traded now: the present or next one, else the one that has just ended.

    Raises
    ------
    InputError
        When the newest order book is for another session, or the one asked for is over or not due yet.
    """
    coming = coming_session(now)
    wanted = latest_book(bus, session)
    if wanted in (coming, previous_session(coming)):
        return wanted
    raise InputError(
        f"the {'session asked for' if session else 'newest order book'} is {'' if session else 'of '}"
        f"{wanted:%Y-%m-%d}, the session that trades or comes next is {coming:%Y-%m-%d}: {PLAN}"
    )


def coming_session(now: datetime) -> pd.Timestamp:
    """The session that is on, or the next one."""
    today = pd.Timestamp(now.astimezone(NEW_YORK).date())
    session = last_session(today)
    return session if session == today and now < Hours.of(session).closed else next_session(today)
