import asyncio
import os
import signal
from datetime import UTC, datetime
from multiprocessing import get_context

import pytest

from alphalib import clock
from tests.execute.shared_time import Follower, FollowingLoop, LeadingLoop

START = datetime(2026, 3, 9, 13, 30, tzinfo=UTC)


async def _count(port: int, rests: list[float]) -> None:
    """Sleep, say the time, hear the answer; then the same again."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number, rest in enumerate(rests):
        loop.pass_through(f"rest {number}")
        await asyncio.sleep(rest)
        writer.write(f"{asyncio.get_running_loop().now():%H:%M:%S}\n".encode())
        await writer.drain()
        await reader.readline()
    os.kill(os.getpid(), signal.SIGKILL)


def _life(line, start, seconds, port, rests):
    clock.run(_count(port, rests), FollowingLoop(start, seconds, line))


def test_two_processes_share_their_time_and_a_killed_ones_socket_is_closed():
    loop, said, over = LeadingLoop(START), [], asyncio.Event()

    async def answer(reader, writer):
        while line := await reader.readline():
            said.append((line.decode().strip(), f"{loop.now():%H:%M:%S}"))
            await asyncio.sleep(5.0)
            writer.write(b"so it is\n")
        said.append(("closed", f"{loop.now():%H:%M:%S}"))
        writer.close()

    async def main():
        context = get_context("forkserver")
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        await asyncio.sleep(60.0)
        mine, theirs = context.Pipe()
        port = server.sockets[0].getsockname()[1]
        process = context.Process(target=_life, args=(theirs, loop.started, loop.time(), port, [10.0, 3600.0]))
        process.start()
        theirs.close()
        follower = Follower(loop, process, mine, over.set)
        await over.wait()
        await asyncio.sleep(1.0)
        server.close()
        await server.wait_closed()
        return follower

    follower = clock.run(main(), loop)
    # 13:30 + 60 s, + 10 s; the answer takes 5 s; an hour later again, 5 s; then it kills itself
    assert said == [("13:31:10", "13:31:10"), ("14:31:15", "14:31:15"), ("closed", "14:31:20")]
    assert follower.exitcode == -signal.SIGKILL
    assert not follower.alive


@pytest.mark.parametrize("when", [0.0, 7.0])
def test_a_follower_can_be_killed_from_outside_at_any_time(when):
    loop, over = LeadingLoop(START), asyncio.Event()

    async def main():
        context = get_context("forkserver")
        server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        mine, theirs = context.Pipe()
        process = context.Process(
            target=_life, args=(theirs, loop.started, loop.time(), server.sockets[0].getsockname()[1], [1e6])
        )
        process.start()
        theirs.close()
        follower = Follower(loop, process, mine, over.set)
        await asyncio.sleep(when)
        assert follower.alive
        follower.kill()
        follower.kill()
        await over.wait()
        server.close()
        await server.wait_closed()
        return loop.time()

    assert clock.run(main(), loop) == when


def test_a_follower_dies_at_the_point_where_it_is_told_to():
    loop, over, points = LeadingLoop(START), asyncio.Event(), []

    def lives_on(point):
        points.append((point, loop.time()))
        return point != "rest 1"

    async def main():
        context = get_context("forkserver")
        server = await asyncio.start_server(_yes, "127.0.0.1", 0)
        mine, theirs = context.Pipe()
        port = server.sockets[0].getsockname()[1]
        process = context.Process(target=_life, args=(theirs, loop.started, loop.time(), port, [10.0, 20.0, 30.0]))
        process.start()
        theirs.close()
        follower = Follower(loop, process, mine, over.set, lives_on)
        await over.wait()
        server.close()
        await server.wait_closed()
        return follower.exitcode

    assert clock.run(main(), loop) == -signal.SIGKILL
    assert points == [("rest 0", 0.0), ("rest 1", 10.0)]


async def _yes(reader, writer):
    while await reader.readline():
        writer.write(b"yes\n")
    writer.close()
