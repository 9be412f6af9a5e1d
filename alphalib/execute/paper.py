"""Paper trading: the daemon at Interactive Brokers, at the speed of the world."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pandas as pd

from alphalib.clock import SessionLoop, run
from alphalib.errors import BrokerError
from alphalib.execute.broker import Truth
from alphalib.execute.daemon.daemon import Daemon
from alphalib.execute.daemon.notify import notifier
from alphalib.execute.daemon.screen import Show, nothing
from alphalib.execute.ib.adapter import IB
from alphalib.execute.journal.journal import Statement
from alphalib.settings import Settings
from alphalib.store import Store

KNOCK = 5.0
"""How long a port may take to open. [seconds]"""


def broker(settings: Settings) -> IB:
    """The paper account that the settings name."""
    return IB(settings.ib_host, settings.ib_port, client_id=settings.ib_client, live=settings.market_data == "live")


def trade(
    bus: Store, session: pd.Timestamp, settings: Settings, *, show: Show = nothing, until_flat: bool = False
) -> Statement | None:
    """Trade a session's order book on the paper account.

    Parameters
    ----------
    bus : Store
        Where the order book lies and the record is kept.
    session : Timestamp
        Whose book.
    settings : Settings
        Where the gateway is, and who is told.
    show : Show
        Takes the newest view.
    until_flat : bool
        Leave as soon as nothing of ours is held.

    Returns
    -------
    Statement or None
        The account at the close; None when it left before.
    """
    daemon_of = partial(Daemon, bus=bus, record=bus, session=session, show=show, until_flat=until_flat)

    async def main() -> Statement | None:
        daemon = daemon_of(broker(settings), notifier=notifier(settings))
        with _signals(daemon):
            return await daemon.run()

    return run(main(), SessionLoop())


async def findings(settings: Settings) -> list[str]:
    """Connect, check the accounts, read everything, leave; what was found, a line each. Sends no order."""
    await knock(settings)
    connection, loop = broker(settings), asyncio.get_running_loop()
    assert isinstance(loop, SessionLoop), "the adapter's time is session time: run it with alphalib.clock.run"
    try:
        await connection.connect()
        truth = await connection.truth()
        apart = (await connection.beat() - loop.now()).total_seconds()
    finally:
        await connection.disconnect()
    return [*_found(settings, truth), f"its clock and this one are {apart:+.0f} s apart"]


def _found(settings: Settings, truth: Truth) -> list[str]:
    working = [order for order in truth.orders if not order.state.over]
    return [
        f"connected to {settings.ib_host}:{settings.ib_port} as client {settings.ib_client}: "
        f"account {truth.account}, one of paper",
        f"NAV {truth.nav:,.2f}, cash {truth.cash:,.2f}, {len(truth.held)} positions, "
        f"{len(working)} working orders, {len(truth.fills)} fills today",
        f"market data: {settings.market_data}",
        *([f"never came: {', '.join(truth.missing)}"] if truth.missing else []),
    ]


async def knock(settings: Settings) -> None:
    """Say at once that nobody is there, instead of trying for hours: `BrokerError` when the port does not open."""
    where = f"{settings.ib_host}:{settings.ib_port}"
    try:
        async with asyncio.timeout(KNOCK):
            _, writer = await asyncio.open_connection(settings.ib_host, settings.ib_port)
    except (OSError, TimeoutError) as error:
        why = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "no answer"
        raise BrokerError(
            f"no gateway at {where} ({why}); start IB Gateway with the paper login, or set ALPHALIB_IB_HOST and "
            "ALPHALIB_IB_PORT; `python -m alphalib.execute --simulate` needs none"
        ) from None
    writer.close()
    await writer.wait_closed()


@contextmanager
def _signals(daemon: Daemon) -> Iterator[None]:
    """SIGUSR1 pulls the kill switch, SIGTERM leaves as Ctrl-C does; stops stay at the broker."""
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    assert main is not None
    loop.add_signal_handler(signal.SIGUSR1, lambda: daemon.kill(by="SIGUSR1"))
    loop.add_signal_handler(signal.SIGTERM, main.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        loop.remove_signal_handler(signal.SIGTERM)
