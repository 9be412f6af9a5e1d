"""The gateway itself: a TCP port that speaks the TWS protocol for a venue, at the time of its loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from alphalib.gateway.faults import Fault
from alphalib.gateway.playback import Bars, Playback
from alphalib.gateway.venue import Venue
from alphalib.sessions import Day


class Gateway:
    """A venue behind a port. Lives on a `SessionLoop`, whose time is the only one it knows.

    Parameters
    ----------
    venue : Venue
        Orders and positions; the gateway listens to it from now on.
    playback : Playback
        Prints of the session, and what historical bars are cut from.
    script : sequence of Fault
        What goes wrong, and when.
    port : int
        0 for a free one; known after `start`.
    host : str
        An address, not a name: a name look-up runs in a thread, which the loop does not see.
    day : Day
        The session that is played.
    """

    def __init__(
        self,
        venue: Venue,
        playback: Playback,
        *,
        script: Sequence[Fault] = (),
        port: int = 0,
        host: str = "127.0.0.1",
        day: Day,
    ) -> None: ...

    @property
    def port(self) -> int:
        """Where clients connect. 0 before `start`."""
        ...

    async def start(self) -> None:
        """Open the port."""

    async def stop(self) -> None:
        """Close every connection and the port."""

    async def play(self, until: datetime | None = None) -> None:
        """Run the session in session time, up to `until`; by default until a minute after its close.

        Call it again to go on. Connections are served whether it plays or not.
        """


def serve(
    bars: Bars,
    *,
    day: Day,
    cash: Mapping[str, float],
    positions: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
    port: int = 7497,
    speed: float = 1.0,
    begin: datetime | None = None,
    script: Sequence[Fault] = (),
    ready: Callable[[Gateway], None] | None = None,
) -> None:
    """Play one session behind a port, then close it; for `python -m alphalib gateway`. Returns when the session is over.

    Parameters
    ----------
    bars : Bars
        Minute bars of the session by symbol; contracts are made for each.
    day : Day
        The session.
    cash, positions
        Accounts, as in `Venue`.
    port : int
        Where clients connect; 0 for a free one.
    speed : float
        Seconds of session time in a second.
    begin : datetime, optional
        Session time at which it starts; by default five minutes before the open.
    script : sequence of Fault
        What goes wrong, and when.
    ready : callable, optional
        Told of the gateway once its port is open, for saying so.
    """
