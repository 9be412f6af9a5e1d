"""The one place that knows what time it is."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; the edge passes one down where time matters."""

    def now(self) -> datetime:
        """Current instant, with its time zone."""
        ...


class SystemClock:
    """The time of the machine, in UTC."""

    def now(self) -> datetime:
        """Current instant in UTC."""
        return datetime.now(tz=UTC)
