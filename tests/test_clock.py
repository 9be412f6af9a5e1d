import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alphalib.clock import SessionLoop, SystemClock, run

OPEN = datetime(2024, 1, 2, 9, 30, tzinfo=ZoneInfo("America/New_York"))


def test_a_day_of_sleep_takes_no_time_when_nothing_else_is_to_do():
    async def main() -> tuple[timedelta, float]:
        loop, began = asyncio.get_running_loop(), time.perf_counter()
        before = loop.now()
        await asyncio.sleep(24 * 3600)
        return loop.now() - before, time.perf_counter() - began

    passed, took = run(main(), SessionLoop(start=OPEN, speed=math.inf))
    assert abs(passed - timedelta(days=1)) < timedelta(microseconds=10)
    assert took < 3600  # of the 86,400 seconds slept


def test_time_stands_still_while_a_socket_has_something_to_say():
    """An answer that comes at once is never too late, however short the time-out."""

    async def main() -> int:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                await asyncio.sleep(5)
                writer.write(line)
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        answered = 0
        for _ in range(200):
            writer.write(b"are you there\n")
            answered += len(await asyncio.wait_for(reader.readline(), timeout=5.001)) > 0
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(1)  # the server's side ends too
        return answered

    assert run(main(), SessionLoop(start=OPEN, speed=math.inf)) == 200


def test_a_silent_peer_times_out_in_session_time():
    async def main() -> timedelta:
        loop = asyncio.get_running_loop()
        before = loop.now()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), timeout=30)
        return loop.now() - before

    assert run(main(), SessionLoop(start=OPEN, speed=math.inf)) == timedelta(seconds=30)


def test_at_a_finite_speed_seconds_pass_that_many_times_faster():
    async def main() -> tuple[float, float]:
        loop, began = asyncio.get_running_loop(), time.monotonic()
        before = loop.time()
        await asyncio.sleep(60)
        return loop.time() - before, time.monotonic() - began

    session, machine = run(main(), SessionLoop(start=OPEN, speed=1000))
    assert session >= 60
    assert session == pytest.approx(machine * 1000, rel=0.2)


def test_now_is_in_utc_whatever_the_zone_of_the_start():
    async def main() -> datetime:
        return asyncio.get_running_loop().now()

    now = run(main(), SessionLoop(start=OPEN, speed=math.inf))
    assert (now.hour, now.minute, now.utcoffset()) == (14, 30, timedelta(0))


def test_without_a_start_it_is_now():
    async def main() -> datetime:
        return asyncio.get_running_loop().now()

    assert abs(run(main(), SessionLoop()) - SystemClock().now()) < timedelta(minutes=1)
    assert SystemClock().now().tzinfo is UTC


def test_a_clock_does_not_stand_still():
    with pytest.raises(ValueError, match="speed must be above 0, got 0"):
        SessionLoop(speed=0)


class Jumping:
    """A clock that somebody sets an hour ahead."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def test_a_clock_that_is_set_and_a_machine_that_slept_are_noticed():
    clock = Jumping()
    loop = SessionLoop(clock=clock)

    async def main() -> datetime:
        clock.at += timedelta(hours=1)
        return loop.now()

    assert run(main(), loop) == datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
