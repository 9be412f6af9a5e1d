"""A world to trade in: a gateway, its venue, a few minutes of prices, and lives of the daemon that may be killed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from alphalib.contracts import ActiveStop, Entry, OrderBook, PortfolioFile, UrgentExit
from alphalib.execute.broker import Fill
from alphalib.execute.journal.journal import Told, journal_of
from alphalib.execute.tape import Bar
from alphalib.gateway.accounts import Position
from alphalib.gateway.faults import Fault
from alphalib.gateway.ledger import Entry as Written
from alphalib.gateway.ledger import Executed, Frame, Ledger, Stated
from alphalib.gateway.orders import Contract, Order
from alphalib.gateway.playback import Playback
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue
from alphalib.store import Store
from tests.execute import morning
from tests.execute.invariants import Gap, uncovered, violations, words
from tests.execute.life import PRELOADED, Place, live
from tests.execute.shared_time import Follower, LeadingLoop

ACCOUNT = "DU1234567"
GRACE = 5.0
"""For so long a position may be uncovered while nothing else is wrong. [seconds of session time]"""
BY_HAND = 9  # client id of the person at the TWS

_forkserver = get_context("forkserver")
_forkserver.set_forkserver_preload(PRELOADED)


def memory() -> Path:
    """Folder in memory, where a commit costs nothing; the usual one for temporary files where there is none."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else Path(tempfile.gettempdir())


class World:
    """Gateway, venue and prices in the test's loop; the daemon in processes of its own, one after the other.

    Parameters
    ----------
    paths : mapping
        Ticker to the closes of its minutes from `begin` on; the first number is the first open. [currency]
    entries, exits, stops, notes
        Of the order book.
    held : mapping
        Ticker to shares and cost, as the portfolio has it and the broker too, unless `at_broker` says other shares.
    resting : mapping
        Ticker to shares and level of a stop that an earlier session left working.
    script : sequence of Fault
        What goes wrong.
    day, begin : str
        The session, and when, in New York, time and prices begin: a minute before.
    restarts : float, optional
        After how long a daemon that died is started again; never without it. [seconds of session time]
    life : mapping
        Fields of `Place`.
    utc : bool
        Whether the gateway writes times of executions in UTC, as some do.
    spy : bool
        Whether SPY has prices.
    venue : keyword arguments
        As for `Venue`.
    """

    def __init__(
        self,
        paths: Mapping[str, Sequence[float]],
        *,
        entries: Iterable[Entry] = (),
        exits: Iterable[UrgentExit] = (),
        stops: Iterable[ActiveStop] = (),
        notes: Iterable[str] = (),
        held: Mapping[str, tuple[int, float]] | None = None,
        at_broker: Mapping[str, float] | None = None,
        resting: Mapping[str, tuple[int, float]] | None = None,
        script: Sequence[Fault] = (),
        accounts: tuple[str, ...] = (ACCOUNT,),
        day: str = morning.HALF_DAY,
        begin: str = "12:40",
        restarts: float | None = None,
        life: Mapping[str, Any] | None = None,
        utc: bool = False,
        spy: bool = True,
        **venue: Any,
    ) -> None:
        self.day, self.restarts = day, restarts
        self.folder = Path(tempfile.mkdtemp(prefix="alphalib-world-", dir=memory()))
        self.store = Store(self.folder / "store")
        self.book = morning.book(day, entries=entries, exits=exits, stops=stops, notes=notes)
        self.portfolio = morning.portfolio(day, dict(held or {}))
        self.write(self.book)
        self.write(self.portfolio)
        start = morning.at(day, begin) - pd.Timedelta(minutes=1)
        self.loop = LeadingLoop(start.to_pydatetime())
        owned = {ticker: float(shares) for ticker, (shares, _) in (held or {}).items()} | dict(at_broker or {})
        costs = {ticker: cost for ticker, (_, cost) in (held or {}).items()}
        bars = morning.bars(day, ({"SPY": (500.0, 501.0)} if spy else {}) | dict(paths), begin=begin)
        contracts = [Contract(number, ticker) for number, ticker in enumerate(sorted({*bars, *owned}), 1001)]
        self.account = accounts[0]
        self.venue = Venue(
            dict.fromkeys(accounts, self.portfolio.cash),
            contracts,
            positions={self.account: {t: Position(s, costs.get(t, 1.0)) for t, s in owned.items() if s}},
            ledger=_Watched({self.account: {t: s for t, s in owned.items() if s}}, self._happens),
            **venue,
        )
        self.lives: list[Follower] = []
        self.trace: list[tuple[datetime, str]] = []
        self.unwell: list[tuple[datetime, datetime]] = []
        self.die_at: Callable[[str, int], bool] = lambda point, number: False
        self._leave_resting(resting or {}, start.to_pydatetime())
        self.gateway = Gateway(self.venue, Playback(day, bars), script=script, utc=utc)
        self.loop.run_until_complete(self.gateway.start())
        self._life = dict(life or {})

    def __enter__(self) -> World:
        return self

    def __exit__(self, *error: object) -> None:
        self.restarts = None
        for life in self.lives:
            life.kill()
        self.loop.run_until_complete(self.gateway.stop())
        self.loop.close()
        if error[0] is not None:
            print("\n".join([*self.story(), self.log[-6000:]]))
        shutil.rmtree(self.folder, ignore_errors=True)

    # The daemon

    def start(self, **changes: Any) -> Follower:
        """A daemon begins to live, now."""
        place = Place(
            **{
                "bus": str(self.store.url),
                "record": str(self.store.url),
                "log": str(self.folder / "log"),
                "session": self.day,
                "port": self.gateway.port,
                **self._life,
                **changes,
            }
        )
        mine, theirs = _forkserver.Pipe()
        process = _forkserver.Process(target=live, args=(theirs, self.loop.started, self.loop.time(), place))
        process.start()
        theirs.close()
        life = Follower(self.loop, process, mine, lambda: self._ended(life), self._passes)
        self.lives.append(life)
        return life

    @property
    def life(self) -> Follower:
        """The latest."""
        return self.lives[-1]

    def kill(self) -> None:
        """kill −9, now."""
        self.life.kill()

    def _ended(self, life: Follower) -> None:
        self.unwell.append((self.loop.now(), self.loop.now()))
        if self.restarts is not None and life is self.life and life.exitcode != 0:
            self.loop.call_later(self.restarts, self._again)

    def _again(self) -> None:
        if self.restarts is not None and not self.life.alive:
            self.unwell.append((self.loop.now(), self.loop.now()))
            self.start()

    def dies(self, *points: str) -> None:
        """kill −9, once: the points that contain these are passed in turn, and the last one is the last."""
        left = list(points)

        def die_at(point: str, number: int) -> bool:
            return bool(left) and left[0] in point and bool(left.pop(0)) and not left

        self.die_at = die_at

    def dies_after(self, points: int) -> None:
        """kill −9, once, at the last of so many points from here."""
        last = len(self.trace) + points
        self.die_at = lambda point, number: number == last

    def _passes(self, point: str) -> bool:
        self.trace.append((self.loop.now(), point))
        return not self.die_at(point, len(self.trace))

    # Time and people

    def until(self, clock: str) -> World:
        """Let the session run up to a time of day in New York."""
        self.play(morning.at(self.day, clock).to_pydatetime())
        return self

    def play(self, until: datetime) -> None:
        """The same, to an instant."""
        self.loop.run_until_complete(self.gateway.play(until))

    def write(self, artefact: OrderBook | PortfolioFile) -> None:
        """Put an artefact into the store."""
        self.store.write(artefact.at(), artefact)

    def by_hand(self, action: str, ticker: str, shares: float, *, kind: str = "MKT", **options: Any) -> None:
        """A person trades in TWS; a second later it is done."""
        now = self.loop.now()
        order = Order(
            BY_HAND, self.venue.next_id(BY_HAND), 0, self.venue.contracts[ticker], action, shares, kind,
            tif="DAY", account=self.account, **options,
        )  # fmt: skip
        self.venue.place(order, now)
        self.play(now + timedelta(seconds=1))
        self.venue.advance(self.loop.now())

    def withdraw(self, ref: str) -> None:
        """A person cancels an order of ours in TWS."""
        for order in self.venue.orders():
            if ref in order.ref:
                self.venue.withdraw(order.perm_id, self.loop.now())

    def kill_switch(self, how: str = "") -> None:
        """A person touches the file."""
        self.store.write_bytes("trades/KILL", how.encode())

    def _leave_resting(self, resting: Mapping[str, tuple[int, float]], now: datetime) -> None:
        for number, (ticker, (shares, level)) in enumerate(resting.items(), 1):
            ref = f"al-{pd.Timestamp(self.portfolio.date):%y%m%d}-{ticker}-stop-1"
            order = Order(
                2, number, 0, self.venue.contracts[ticker], "SELL", shares, "STP", aux=level, tif="GTC",
                account=self.account, ref=ref,
            )  # fmt: skip
            self.venue.place(order, now)

    def _happens(self, entry: Written) -> None:
        """The daemon may also die whenever something happens at the gateway, having heard nothing of it."""
        if self.lives and self.life.alive and not self._passes(f"ledger {words(entry).strip()}"):
            self.life.kill()

    # What truly happened

    @property
    def ledger(self) -> Ledger:
        """The venue's."""
        return self.venue.ledger

    @property
    def log(self) -> str:
        """What all lives have said."""
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""

    def held(self, ticker: str) -> float:
        """At the broker. [shares]"""
        return self.ledger.positions_at(self.account).get(ticker, 0.0)

    def orders(self, ticker: str, role: str = "") -> list[Stated]:
        """Orders of ours that the venue ever had, each as it stood last."""
        last: dict[int, Stated] = {}
        for entry in self.ledger.entries:
            if isinstance(entry, Stated) and entry.ref.startswith("al-") and f"-{ticker}-{role}" in entry.ref:
                last[entry.perm_id] = entry
        return list(last.values())

    def working(self, ticker: str, role: str = "") -> list[Stated]:
        """Those of them that are open."""
        return [order for order in self.orders(ticker, role) if not order.status.over]

    def frames(self, *messages: str) -> list[Frame]:
        """Messages about orders that reached the gateway: these, or all."""
        frames = [entry for entry in self.ledger.entries if isinstance(entry, Frame)]
        return [frame for frame in frames if not messages or frame.message in messages]

    def fills(self, ticker: str) -> list[Executed]:
        """In their last revision."""
        return [fill for fill in self.ledger.executions().values() if fill.symbol == ticker]

    def gaps(self) -> list[Gap]:
        """I3: times when what is ours and what would sell it were not of one size."""
        return uncovered(self.ledger, self.account, until=self.loop.now())

    # What the daemon wrote down

    def told(self, kind: str) -> list[Told]:
        """What a person may want to read."""
        with closing(journal_of(self.store)) as journal:
            return [told for told in journal.events(self.day) if told.kind == kind]

    def alerts(self) -> list[str]:
        """What a person was told."""
        return [told.text for told in self.told("alert")]

    def journaled(self) -> list[Fill]:
        """Fills of the session."""
        with closing(journal_of(self.store)) as journal:
            return list(journal.fills(self.day))

    def minutes(self, ticker: str) -> dict[int, Bar]:
        """Minutes that the daemon made from ticks, by their number in the session."""
        with closing(journal_of(self.store)) as journal:
            return {bar.minute: bar for bar in journal.bars(self.day).get(ticker, ())}

    # I1–I5

    def violations(self, *, calm: bool = True) -> list[str]:
        """What the ledger says against the daemon; `calm`: nothing has gone wrong for a while, and it lives."""
        with closing(journal_of(self.store)) as journal:
            return violations(
                self.ledger,
                journal,
                self.account,
                session=self.day,
                until=self.loop.now(),
                grace=GRACE,
                calm=calm,
            )

    def check(self, *, calm: bool = True) -> None:
        """I1–I5, or an error that says which and how."""
        found = self.violations(calm=calm)
        assert not found, "\n".join(found)

    def story(self) -> list[str]:
        """The day as the ledger has it."""
        return [
            f"{pd.Timestamp(entry.at).tz_convert('America/New_York'):%H:%M:%S} {words(entry)}"
            for entry in self.ledger.entries
        ]


class _Watched(Ledger):
    """A ledger that says what is written into it."""

    def __init__(self, opening: Mapping[str, Mapping[str, float]], tell: Callable[[Written], None]) -> None:
        super().__init__(opening)
        self._tell = tell

    def add(self, entry: Written) -> None:
        super().add(entry)
        self._tell(entry)
