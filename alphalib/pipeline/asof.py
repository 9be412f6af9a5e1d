"""Which session a run is for."""

from __future__ import annotations

import pandas as pd

from alphalib.errors import InputError
from alphalib.sessions import require_session
from alphalib.sources import embedded
from alphalib.sources.stored import stored_span
from alphalib.store import Store


def resolved_asof(store: Store, asof: str | None) -> pd.Timestamp:
    """The session a run is for: `asof` when it is one that the data covers, the last one stored without it.

    The embedded market can always make more sessions, so that a store which holds it, or nothing, takes any
    `asof` after its first session.

    Raises
    ------
    SessionError
        When `asof` is no session; the message says which to take.
    InputError
        When it lies before or after the data.
    """
    span = stored_span(store)
    simulated = span is None or span.source.simulated
    first, last = (span.first, span.last) if span else (embedded.FIRST_SESSION, embedded.LAST_SESSION)
    if asof is None:
        return last
    day = require_session(asof)
    if day < first or (day > last and not simulated):
        raise InputError(
            f"the store {store.url} has prices from {first:%Y-%m-%d} to {last:%Y-%m-%d}, not for {day:%Y-%m-%d}"
        )
    return day
