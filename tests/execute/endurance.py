"""Many sessions in one process: what a daemon that is never restarted leaves behind."""

from __future__ import annotations

import asyncio
import gc
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from alphalib.execute.daemon.daemon import Daemon
from alphalib.execute.ib.adapter import IB
from alphalib.store import Store
from tests.execute.crashes import day


@dataclass(frozen=True)
class Left:
    """After a session: open files, living objects, and memory. [number, number, MB]"""

    files: int
    objects: int
    memory: float


def session() -> None:
    """The compressed day, gateway and daemon in this process."""
    with day() as world:
        broker = IB("127.0.0.1", world.gateway.port)
        store = Store(world.store.url)
        daemon = Daemon(broker, bus=store, record=store, session=pd.Timestamp(world.day))
        asyncio.set_event_loop(world.loop)  # the IB library asks for it
        try:
            life = world.loop.create_task(daemon.run())
            world.until("13:02")
            assert life.result() is not None
            world.check()
        finally:
            asyncio.set_event_loop(None)


def left() -> Left:
    """What there is now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Left(
        len(list(Path("/proc/self/fd").iterdir())), len(gc.get_objects()), pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    )


def sessions(count: int) -> list[Left]:
    """One after the other; what was left after each."""
    found = []
    for _ in range(count):
        session()
        found.append(left())
    return found
