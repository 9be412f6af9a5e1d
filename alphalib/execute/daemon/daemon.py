"""The daemon: one process, one broker, one session of one order book."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import datetime

import pandas as pd

from alphalib.clock import SessionLoop
from alphalib.errors import BrokerError, InputError
from alphalib.execute.broker import Broker
from alphalib.execute.daemon.closing import BENCHMARK
from alphalib.execute.daemon.line import Failure, Line, News
from alphalib.execute.daemon.notify import Notifier, Silent
from alphalib.execute.daemon.screen import Show, nothing
from alphalib.execute.daemon.switch import FILE, LOCK, pulled
from alphalib.execute.daemon.trading import SETTLING, Item, Killed, Listed, Over, ShorterError, Trading, Wake
from alphalib.execute.desk.desk import Desk
from alphalib.execute.journal.journal import Journal, Statement, Witness, journal_of
from alphalib.execute.opening import Opening, opening
from alphalib.execute.tape import Hours, Tape
from alphalib.sessions import next_session
from alphalib.store import Store

LOOK_AT_THE_CLOCK = 10.0
"""Longest sleep at once, for what is to happen at an instant. [seconds]"""
ASK_AGAIN = 5.0
"""Until the broker is asked once more when the session closes. [seconds]"""


class Daemon:
    """Trades the order book of a session. Lives on a `SessionLoop`, whose time is the only one it knows.

    Parameters
    ----------
    broker : Broker
        Not connected yet.
    bus : Store
        Where the order book lies, and what it was decided from; only read.
    record : Store
        A folder: portfolio, journal, lock and kill switch. The bus itself for paper trading.
    session : Timestamp
        Whose book is traded.
    notifier : Notifier
        Who is told of what needs a person.
    show : Show
        Takes the newest view, at each minute and after each step.
    witness : callable, optional
        Handed to the journal: called before and after each commit.
    until_flat : bool
        Leave as soon as nothing of ours is held; a session without an order book will do then.
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
        witness: Witness | None = None,
        until_flat: bool = False,
    ) -> None:
        self._broker, self._bus, self._record, self._session = broker, bus, record, session
        self._notifier: Notifier = notifier or Silent()
        self._show, self._witness, self._until_flat = show, witness, until_flat
        self._inbox: asyncio.Queue[Item] = asyncio.Queue()

    async def run(self) -> Statement | None:
        """From whenever it is to the end of the session; leaves at once when cancelled, stops stay at the broker.

        Before the open it connects and waits; started within the session it goes on where it was; started after the
        close it reads the truth and states the account.

        Returns
        -------
        Statement or None
            The account at the close; the journal has it too. None when nothing was held any more before.

        Raises
        ------
        BusyError
            Another daemon holds the record.
        InputError, ContractError
            No order book of this session, or one that cannot be used.
        NotPaperError
            A managed account is not one of paper; nothing was sent.
        CurrencyError
            The account is not kept in dollars; nothing was sent.
        JournalError
            The journal is torn, or cannot be written.
        BrokerError
            The session was over and the account could not be read.
        """
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SessionLoop), "the daemon's time is session time: run it with alphalib.clock.run"
        hours = Hours.of(self._session)
        if loop.now() >= Hours.of(next_session(self._session)).opened:
            raise InputError(f"the session {self._session:%Y-%m-%d} is over and another has begun; plan that one")
        with self._record.lock(LOCK):
            morning = opening(self._bus, self._record, self._session, or_empty=self._until_flat)
            journal = journal_of(self._record, witness=self._witness)
            try:
                return await self._trade_hours(loop, hours, morning, journal)
            finally:
                journal.close()
                await self._notifier.close()

    def kill(self, *, by: str, flatten: bool = False) -> None:
        """Pull the kill switch: no entries from here on; with `flatten` everything of ours is sold."""
        self._inbox.put_nowait(Killed(by, flatten))

    async def _trade_hours(
        self, loop: SessionLoop, hours: Hours, morning: Opening, journal: Journal
    ) -> Statement | None:
        """Trade; when the broker closes earlier than the calendar, go on as after a restart, with its hours."""
        try:
            return await self._trade(loop, hours, morning, journal)
        except ShorterError as found:
            pulls = [item for item in _emptied(self._inbox) if isinstance(item, Killed)]
            for item in pulls:
                self._inbox.put_nowait(item)
            return await self._trade(loop, found.hours, morning, journal, remark=found.why)

    async def _trade(
        self, loop: SessionLoop, hours: Hours, morning: Opening, journal: Journal, *, remark: str = ""
    ) -> Statement | None:
        tape = Tape(hours)
        desk = Desk(morning.book, journal, hours=hours, tape=tape, portfolio=morning.portfolio, marks=morning.marks)
        if remark:
            desk.remark(remark, loop.now())
        line = Line(self._broker, loop, self._news)
        trading = Trading(
            broker=self._broker,
            line=line,
            desk=desk,
            tape=tape,
            journal=journal,
            book=morning.book,
            hours=hours,
            loop=loop,
            inbox=self._inbox,
            notifier=self._notifier,
            show=self._show,
            until_flat=self._until_flat,
        )
        parts = [line.keep(), self._listen(), self._minutes(loop, hours), self._switch()]
        if not remark:
            parts.append(self._hours(loop, hours))
        tasks = [loop.create_task(self._watched(part)) for part in parts]
        try:
            return await trading.until_stated()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._broker.disconnect()

    async def _watched(self, part: Coroutine[None, None, None]) -> None:
        """Run a part; its failure is the daemon's."""
        try:
            await part
        except Exception as error:
            self._inbox.put_nowait(Failure(error))

    def _news(self, news: News) -> None:
        """What the line has to say comes after what the broker said before."""
        while not self._broker.events.empty():
            self._inbox.put_nowait(self._broker.events.get_nowait())
        self._inbox.put_nowait(news)

    async def _listen(self) -> None:
        while True:
            self._inbox.put_nowait(await self._broker.events.get())

    async def _minutes(self, loop: SessionLoop, hours: Hours) -> None:
        """Say the opening, and the end of each minute that is still to come."""
        await _until(loop, hours.opened)
        self._inbox.put_nowait(Wake())
        for minute in range(max(0, hours.minute(loop.now())), hours.minutes):
            await _until(loop, hours.boundary(minute + 1))
            self._inbox.put_nowait(Over(minute))
        await _until(loop, hours.closed + SETTLING)
        self._inbox.put_nowait(Wake())

    async def _hours(self, loop: SessionLoop, hours: Hours) -> None:
        """Ask the broker when the session closes, until it says so or it is over."""
        while loop.now() < hours.closed:
            if self._broker.connected:
                try:
                    listed = await self._broker.hours(BENCHMARK)
                except BrokerError:
                    listed = ()
                if listed:  # without the session: there is none, as on a day of mourning
                    closes = [closed for opened, closed in listed if opened < hours.closed and closed > hours.opened]
                    self._inbox.put_nowait(Listed(max(closes, default=hours.opened)))
                    return
            await asyncio.sleep(ASK_AGAIN)

    async def _switch(self) -> None:
        """Look for the file of the kill switch, every two seconds."""
        file, before = self._record.local_path(FILE), None
        while True:
            now = pulled(file)
            if now is not None and now != before:
                self.kill(by=now[0], flatten=now[1])
            before = now
            await asyncio.sleep(2.0)


def _emptied(queue: asyncio.Queue[Item]) -> Iterator[Item]:
    while not queue.empty():
        yield queue.get_nowait()


async def _until(loop: SessionLoop, then: datetime) -> None:
    """Sleep to an instant, never waking before it: at the open it is open. A clock that is set meanwhile, or a machine
    that slept, is noticed.
    """
    while (left := (then - loop.now()).total_seconds()) > 0:
        await asyncio.sleep(min(left, LOOK_AT_THE_CLOCK))
