"""`--simulate`: the session that was planned, played by the library's own gateway on a free loopback port.

The daemon, its adapter and the client library are those of paper trading; the broker is another process's worth of
socket away. Records lie under `rehearsal/` in the store and are made anew each time.
"""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from alphalib.backtest.minutes import BARS
from alphalib.clock import SessionLoop, run
from alphalib.contracts import OrderBook, PlanRecord, PortfolioFile
from alphalib.errors import InputError
from alphalib.execute.actions import actions_in
from alphalib.execute.archive import Archive, read_files
from alphalib.execute.daemon.closing import BENCHMARK
from alphalib.execute.daemon.daemon import Daemon
from alphalib.execute.daemon.screen import Show, nothing
from alphalib.execute.ib.adapter import IB
from alphalib.execute.journal.journal import Statement
from alphalib.execute.tape import Hours
from alphalib.gateway.accounts import Position as HeldAtGateway
from alphalib.gateway.faults import Fault
from alphalib.gateway.orders import Contract
from alphalib.gateway.playback import Playback
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue
from alphalib.sessions import previous_session
from alphalib.sources.embedded import world_of
from alphalib.sources.sample import World, minute_bars
from alphalib.sources.sample.minutes import session_path
from alphalib.sources.stored import TABLES, read_table, stored_span
from alphalib.store import Store

ACCOUNT = "DU0000001"
FOLDER = "rehearsal"
FIRST_CONTRACT = 1_000
EARLY = timedelta(minutes=1)
"""How long before the open a rehearsal begins."""


@dataclass(frozen=True, eq=False)
class Morning:
    """What a rehearsal begins with.

    Parameters
    ----------
    session : Timestamp
        Whose plan it is.
    archive : Archive
        The plan, and what it was decided from.
    bars : mapping of str to DataFrame
        Minute bars of the session by ticker.
    cash : float
        Of the account, the session's dividends in it. [currency]
    positions : mapping
        Of the account, by ticker, in units of the session.
    actions : DataFrame
        Corporate actions of the session, which the bus need not know yet: as `actions/actions.parquet` has them.
    """

    session: pd.Timestamp
    archive: Archive
    bars: Mapping[str, pd.DataFrame]
    cash: float
    positions: Mapping[str, HeldAtGateway]
    actions: pd.DataFrame


def morning(bus: Store, session: pd.Timestamp) -> Morning:
    """The plan of a session, the account that it was made for, and the session's bars.

    Raises
    ------
    InputError
        When there is no plan, or no bars to play it on.
    """
    path = PlanRecord.path.format(date=f"{session:%Y-%m-%d}")
    if not bus.exists(path):
        raise InputError(
            f"{path} is not in the store {bus.url}: a plan of that session is made by "
            f"`python -m alphalib.pipeline weekday --asof {previous_session(session):%Y-%m-%d}`"
        )
    record = bus.read(path, PlanRecord)
    archive = Archive.of(read_files(bus, record))
    before = archive.portfolio.positions
    bars, table = session_bars(bus, session, traded(archive.book) | {position.ticker for position in before})
    marks = dict(zip(archive.day.tickers, archive.day.names["mark"].tolist(), strict=True))
    today = actions_in(table, session)
    cash = sum(today.cash(held.ticker, held.shares, marks[held.ticker]) for held in before)
    positions = {
        held.ticker: HeldAtGateway(float(shares), held.cost / today.splits.get(held.ticker, 1.0))
        for held in before
        if (shares := today.held(held.ticker, held.shares))
    }
    return Morning(session, archive, bars, archive.portfolio.cash + cash, positions, table)


def traded(book: OrderBook) -> set[str]:
    """Every ticker that an order book names."""
    return {row.ticker for part in (book.approved_entries, book.urgent_exits, book.active_stops) for row in part}


def session_bars(
    bus: Store, session: pd.Timestamp, tickers: Iterable[str]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Minute bars of a session, SPY's too where it is known, and its corporate actions.

    The embedded market is made one session longer if need be; of one's own prices those in `prices/minute/` serve.
    """
    span = stored_span(bus)
    if span is not None and span.source.simulated:
        return _embedded_bars(world_of(bus, asof=session), session, tickers)
    bars = {ticker: table for ticker in [*tickers, BENCHMARK] if (table := _stored_bars(bus, ticker, session)).size}
    if not bars.keys() - {BENCHMARK}:
        raise InputError(
            f"there are no minute bars of {session:%Y-%m-%d} to rehearse on; import them with "
            "`python -m alphalib import-minutes FILE…`, or rehearse on the embedded market in an empty store"
        )
    table = read_table(bus, "actions")
    return bars, table[table["date"] == session]


def _embedded_bars(
    world: World, session: pd.Timestamp, tickers: Iterable[str]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    trading = set(world.true_bars.loc[world.true_bars["date"] == session, "ticker"])
    bars = {ticker: minute_bars(world, ticker, session) for ticker in sorted(trading & set(tickers))}
    bars[BENCHMARK] = _benchmark_bars(world, session)
    return bars, world.actions[world.actions["date"] == session]


def _benchmark_bars(world: World, session: pd.Timestamp) -> pd.DataFrame:
    """A path of SPY between two closes, which is all that the embedded market knows of it."""
    closes = world.benchmarks[world.benchmarks["ticker"] == BENCHMARK].set_index("date")["close"].loc[:session]
    opened, closed = round(float(closes.iloc[-2]), 2), round(float(closes.iloc[-1]), 2)
    low, high = sorted((opened, closed))
    bar = {"open": opened, "high": high + 0.5, "low": low - 0.5, "close": closed, "volume": 8e7}
    return session_path(bar, seed=world.recipe.seed, ticker=BENCHMARK, day=session)


def _stored_bars(bus: Store, ticker: str, session: pd.Timestamp) -> pd.DataFrame:
    path = f"prices/minute/{ticker}/{session:%Y-%m}.parquet"
    if not bus.exists(path):
        return pd.DataFrame()
    table, hours = bus.read_table(path, columns=["time", *BARS]), Hours.of(session)
    return table[(table["time"] >= hours.opened) & (table["time"] < hours.closed)].reset_index(drop=True)


def fresh_record(bus: Store, morning: Morning) -> Store:
    """An empty record under the store, with the portfolio that the plan was made for, if there ever was one, and the
    session's corporate actions.
    """
    shutil.rmtree(bus.local_path(FOLDER), ignore_errors=True)
    record = Store(f"{bus.url}/{FOLDER}")
    found = bus.latest(PortfolioFile.path, asof=pd.Timestamp(morning.archive.book.decided_on))
    if found is not None:
        record.write_bytes(found[0], bus.read_bytes(found[0]))
    record.write_table(TABLES["actions"][0], morning.actions)
    return record


def gateway_of(morning: Morning, *, port: int = 0, script: Sequence[Fault] = ()) -> Gateway:
    """The gateway that plays a morning's session for its account; not started."""
    contracts = [Contract(FIRST_CONTRACT + place, ticker) for place, ticker in enumerate(sorted(morning.bars))]
    venue = Venue({ACCOUNT: morning.cash}, contracts, positions={ACCOUNT: morning.positions})
    return Gateway(venue, Playback(morning.session, morning.bars), script=script, port=port)


def rehearse(
    bus: Store, record: Store, morning: Morning, *, speed: float = math.inf, show: Show = nothing
) -> Statement:
    """Trade the whole session against the gateway, in one loop at `speed`.

    Parameters
    ----------
    bus, record : Store
        Where the plan lies, and where the day is written.
    morning : Morning
        From `morning`.
    speed : float
        Seconds of session time in a second; infinite is as fast as it goes.
    show : Show
        Takes the newest view.

    Returns
    -------
    Statement
        The account at the close.
    """
    begin = Hours.of(morning.session).opened - EARLY
    return run(_rehearsed(bus, record, morning, show), SessionLoop(start=begin, speed=speed))


async def _rehearsed(bus: Store, record: Store, morning: Morning, show: Show) -> Statement:
    gateway = gateway_of(morning)
    await gateway.start()
    playing = asyncio.get_running_loop().create_task(gateway.play())
    try:
        broker = IB(port=gateway.port)
        stated = await Daemon(broker, bus=bus, record=record, session=morning.session, show=show).run()
        assert stated is not None, "it is not told to leave before the close"
        if playing.done():
            playing.result()
        return stated
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await gateway.stop()
