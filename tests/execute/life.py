"""One life of the daemon: a real process around the real adapter, its time shared with the test's gateway."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import time
import zoneinfo
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection

import pandas as pd

from alphalib import clock
from alphalib.errors import AlphalibError
from alphalib.execute.daemon.daemon import Daemon
from alphalib.execute.ib.adapter import IB
from alphalib.sessions import calendar
from alphalib.store import Store
from tests.execute.shared_time import FollowingLoop

PRELOADED = ["tests.execute.life", "alphalib.execute.account.settlement"]
"""Imported once by the process that all lives are forked from."""

REFUSED = 2  # exit code, as of the command


@dataclass(frozen=True)
class Place:
    """Where a life is lived.

    Parameters
    ----------
    bus, record, log : str
        The stores, and the file that its output goes to.
    session : str
        Whose order book it trades.
    port : int
        Of the gateway.
    client_id : int
        As it has at the gateway.
    zone : str
        Time zone of the machine.
    few_zones : str
        A folder with the only time zones that the machine knows.
    witnessed : bool
        Whether the test is told of every commit of the journal.
    options : dict
        Of the adapter.
    """

    bus: str
    record: str
    log: str
    session: str
    port: int
    client_id: int = 2
    zone: str = ""
    few_zones: str = ""
    witnessed: bool = False
    options: dict[str, float] = field(default_factory=dict)


def live(line: Connection, start: datetime, seconds: float, place: Place) -> None:
    """Run a daemon on the leader's time until the session is over; the process ends as the command would."""
    _settle_in(place)
    loop = FollowingLoop(start, seconds, line)

    def witness(moment: str, what: str) -> None:
        loop.pass_through(f"{moment} {what}")

    daemon = Daemon(
        IB("127.0.0.1", place.port, client_id=place.client_id, **place.options),
        bus=Store(place.bus),
        record=Store(place.record),
        session=pd.Timestamp(place.session),
        witness=witness if place.witnessed else None,
    )
    try:
        clock.run(daemon.run(), loop)
        code = 0
    except AlphalibError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        code = REFUSED
    except BaseException:
        logging.exception("the daemon fell over")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _settle_in(place: Place) -> None:
    out = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", force=True)
    if place.zone:
        os.environ["TZ"] = place.zone
        time.tzset()
    if place.few_zones:
        zoneinfo.reset_tzpath(to=[place.few_zones])
        for module in [name for name in sys.modules if name.partition(".")[0] == "tzdata"]:
            del sys.modules[module]
        sys.modules["tzdata"] = None  # type: ignore[assignment]
        zoneinfo.ZoneInfo.clear_cache()


# Each life is a fork of this process: what is cached and imported here is so in every one.
calendar()
IB()
