"""The daemon: one process, one broker, one session of one order book."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from alphalib.execute.broker import Broker
from alphalib.execute.notify import Notifier, Silent
from alphalib.execute.screen import Show, nothing
from alphalib.store import Store


class Daemon:
    """Trades the order book of a session. Lives on a `SessionLoop`, whose time is the only one it knows.

    Parameters
    ----------
    broker : Broker
        Not connected yet.
    bus : Store
        Where the order book lies, and what it was decided from; only read.
    record : Store
        A folder: journal, lock, kill switch and end of day. The bus itself for paper trading.
    session : Timestamp
        Whose book is traded.
    notifier : Notifier
        Who is told of what needs a person.
    show : Show
        Takes the newest view, at each minute and after each step.
    witness : callable, optional
        Handed to the journal: called before and after each commit.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        bus: Store,
        record: Store,
        session: pd.Timestamp,
        notifier: Notifier | None = None,
        show: Show = nothing,
        witness: Callable[[str], None] | None = None,
    ) -> None:
        self._broker, self._bus, self._record, self._session = broker, bus, record, session
        self._notifier: Notifier = notifier or Silent()
        self._show, self._witness = show, witness

    async def run(self) -> None:
        """From whenever it is to the end of the session, then the end of day; leaves at once when cancelled.

        Before the open it connects and waits; started in the session it goes on where it was; started after the close
        it reads the truth once more and settles.

        Raises
        ------
        BusyError
            Another daemon holds the record.
        InputError, ContractError
            No order book of this session, or one that cannot be used.
        NotPaperError
            A managed account is not one of paper; nothing was sent.
        JournalError
            The journal is torn.
        """
