import asyncio
import math
import os
import signal
import sys
from datetime import UTC, datetime

import pytest

from alphalib.clock import SessionLoop, run
from alphalib.errors import BrokerError, NotPaperError
from alphalib.execute.paper import findings, knock
from alphalib.execute.schedule import coming_session
from alphalib.gateway.accounts import Position
from alphalib.gateway.orders import Contract
from alphalib.gateway.playback import Playback
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue
from alphalib.settings import Settings
from alphalib.store import Store
from tests.execute import morning

START = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)


def at_any_speed(main):
    return run(main, SessionLoop(start=START, speed=math.inf))


def gateway(account: str) -> Gateway:
    bars = morning.bars(morning.HALF_DAY, {"AAA": (100.0, 101.0)}, begin="12:40")
    return Gateway(Venue({account: 5000.0}, [Contract(1, "AAA")]), Playback(morning.HALF_DAY, bars))


async def found_at(server: Gateway) -> list[str]:
    await server.start()
    try:
        return await findings(Settings(_env_file=None, ib_port=server.port))
    finally:
        await server.stop()


def test_a_connection_is_tested_without_an_order():
    server = gateway("DU7654321")
    lines = at_any_speed(found_at(server))
    assert "account DU7654321, one of paper" in lines[0]
    assert "NAV 5,000.00, cash 5,000.00, 0 positions, 0 working orders, 0 fills today" in lines[1]
    assert lines[2:] == ["market data: delayed", "its clock and this one are +0 s apart"]
    assert server.venue.orders() == []


def test_an_account_that_is_not_of_paper_is_named():
    with pytest.raises(NotPaperError, match="U7654321"):
        at_any_speed(found_at(gateway("U7654321")))


def test_nobody_there_is_one_line_that_says_what_was_tried_and_what_to_start():
    async def closed_port() -> int:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return port

    async def main() -> None:
        await knock(Settings(_env_file=None, ib_port=await closed_port()))

    with pytest.raises(
        BrokerError, match=r"no gateway at 127.0.0.1:\d+ \(connection refused\); start IB Gateway"
    ) as told:
        at_any_speed(main())
    assert "\n" not in str(told.value)


async def liquidated(
    store: Store, server: Gateway, *, until: str = "", by: int = signal.SIGTERM
) -> tuple[int, str, str]:
    """The command in a process of its own, at the machine's time; ended by a signal once it says `until`."""
    await server.start()
    environment = os.environ | {"ALPHALIB_IB_PORT": str(server.port), "ALPHALIB_STORE": store.url}
    life = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alphalib.execute", "liquidate"),
        env=environment,
        cwd=store.url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said = b""
    while until and until.encode() not in said:
        said += await life.stderr.readline() or pytest.fail(f"it ended early: {said.decode()}")
    if until:
        life.send_signal(by)
    out, err = await life.communicate()
    await server.stop()
    return life.returncode, out.decode(), (said + err).decode()


@pytest.mark.slow
@pytest.mark.parametrize(("held", "by"), [(False, 0), (True, signal.SIGTERM), (True, signal.SIGINT)])
def test_liquidation_ends_when_nothing_is_held_and_otherwise_waits_until_it_is_told_to_leave(tmp_path, held, by):
    """No plan is needed. A position waits for the exchange; the gateway's never opens, whatever day this is run on."""
    loop, store = SessionLoop(), Store(str(tmp_path))
    day = f"{coming_session(loop.now()):%Y-%m-%d}"
    portfolio = morning.portfolio(day, {"AAA": (10, 100.0)} if held else {})
    store.write(portfolio.at(), portfolio)
    positions = {"DU7654321": {"AAA": Position(10.0, 100.0)} if held else {}}
    bars = morning.bars(day, {"AAA": (100.0, 101.0)}, begin="12:40")
    venue = Venue({"DU7654321": portfolio.cash}, [Contract(1, "AAA")], positions=positions)
    server = Gateway(venue, Playback(day, bars))
    code, out, err = run(liquidated(store, server, until="kill switch" if held else "", by=by), loop)
    if held:
        assert (code, err.splitlines()[-1].split(";")[0]) == (130, "left")
        assert venue.positions("DU7654321")["AAA"].shares == 10
    else:
        assert (code, out.splitlines()[-1]) == (0, "nothing of ours is held")
    assert "no entries from here on, everything of ours is sold" in out
