"""What shall go wrong, and when: the fault script of a session."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from alphalib.errors import InputError
from alphalib.gateway.wire import REPLIES, REQUESTS

MESSAGES = (*REQUESTS.values(), *REPLIES.values())


class Act(StrEnum):
    """What goes wrong; in brackets the fields of `Fault` that say more."""

    # on a message, received or sent
    CUT = "cut"  # the connection ends before it
    CUT_INSIDE = "cut_inside"  # in the middle of its frame
    CUT_AFTER = "cut_after"  # after it
    DROP = "drop"  # it is lost
    DELAY = "delay"  # [seconds]
    DOUBLE = "double"
    HOLD = "hold"  # until the next of `until` (or of its own name) is through
    # of an order, when its placeOrder is received
    REJECT = "reject"  # [code 201, text]
    PARTIAL = "partial"  # fills no more than [shares]
    # of an order: its placeOrder or cancelOrder is received, or at a time, all that match
    WARN = "warn"  # an error message about an order that lives on [code such as 10349 or 399, text]
    NOT_CANCELLED = "not_cancelled"  # the cancel is ignored and answered with [code 10147 or 10148]
    # of a fill: its execDetails is sent
    CORRECT = "correct"  # [seconds] later it is corrected to [shares], at most what its order has room for, and [price]
    # of a listing: its request is received
    NO_END = "no_end"
    EMPTY = "empty"
    # of a connection
    REFUSE_LOGIN = "refuse_login"  # the port is open, nothing is said for [seconds]
    EMPTY_ACCOUNTS = "empty_accounts"  # managedAccounts is empty, for the next [times] connections
    BUSY_ID = "busy_id"  # 326 for the next [times] connections
    ACCOUNTS = "accounts"  # from the next connection on the managed accounts are [accounts]
    SILENT = "silent"  # nothing is sent or heard for [seconds]
    # at a time
    LOST = "lost"  # 1100
    RESTORED = "restored"  # 1102
    RESTORED_WITHOUT_DATA = "restored_without_data"  # 1101: subscriptions are gone
    RESTART = "restart"  # the port is closed for [seconds], `Venue.restart`, next ids [roll_back] lower
    HALT = "halt"  # [symbol]
    RESUME = "resume"  # [symbol]
    STALE = "stale"  # no ticks of [symbol], or of all, for [seconds]
    BAD_PRICE = "bad_price"  # ticks of [symbol], or of all, say [price] (−1, 0, NaN) for [seconds]
    WITHDRAW = "withdraw"  # somebody cancels matching orders by hand
    ERROR = "error"  # [code, text] to everyone: 100, 162, 2103, 2110, 10197 …


AT_A_TIME = {
    Act.LOST, Act.RESTORED, Act.RESTORED_WITHOUT_DATA, Act.RESTART, Act.HALT, Act.RESUME, Act.STALE, Act.BAD_PRICE,
    Act.WITHDRAW, Act.ERROR, Act.CUT, Act.SILENT, Act.REFUSE_LOGIN, Act.EMPTY_ACCOUNTS, Act.BUSY_ID, Act.ACCOUNTS,
    Act.WARN, Act.PARTIAL, Act.REJECT,
}  # fmt: skip
_AT_LOGIN = ("startApi",)
_ANY = tuple(MESSAGES)
_REQUESTS = tuple(REQUESTS.values())
AT_A_MESSAGE = {
    Act.CUT: _ANY, Act.CUT_INSIDE: _ANY, Act.CUT_AFTER: _ANY, Act.DROP: _ANY, Act.DELAY: _ANY, Act.DOUBLE: _ANY,
    Act.HOLD: _ANY, Act.REJECT: ("placeOrder",), Act.PARTIAL: ("placeOrder",), Act.WARN: ("placeOrder", "cancelOrder"),
    Act.NOT_CANCELLED: ("cancelOrder",), Act.CORRECT: ("execDetails",), Act.NO_END: _REQUESTS, Act.EMPTY: _REQUESTS,
    Act.ERROR: _REQUESTS, Act.REFUSE_LOGIN: _AT_LOGIN, Act.EMPTY_ACCOUNTS: _AT_LOGIN, Act.BUSY_ID: _AT_LOGIN,
    Act.ACCOUNTS: _AT_LOGIN, Act.SILENT: _AT_LOGIN,
}  # fmt: skip
"""Messages that an act can strike; the others happen at a time."""

NEEDS = {
    Act.DELAY: "seconds", Act.PARTIAL: "shares", Act.WARN: "code", Act.NOT_CANCELLED: "code", Act.ERROR: "code",
    Act.HALT: "symbol", Act.RESUME: "symbol", Act.BAD_PRICE: "seconds", Act.STALE: "seconds", Act.SILENT: "seconds",
}  # fmt: skip
"""The field without which an act means nothing."""


class Fault(BaseModel):
    """One thing that goes wrong.

    It strikes at a time (`at`), or at a message: at the `count`-th `message` that fits `client`, `symbol` and `ref`,
    and at the `times` − 1 that follow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Act
    at: str | float | None = Field(None, description='New York time such as "09:45:30", or seconds from the open.')
    message: str | None = Field(None, description="Name of the message in TWS's own words: placeOrder, orderStatus …")
    count: int = Field(1, ge=1, description="Which of them, from 1.")
    times: int = Field(1, ge=1, description="How many of them, or of connections.")
    client: int | None = Field(None, description="Only messages from and to this client.")
    symbol: str = Field("", description="Only this name.")
    ref: str = Field("", description="Only orders with this in their orderRef.")
    until: str | None = Field(None, description="Message before which a held one is sent.")
    seconds: float = Field(0.0, ge=0, allow_inf_nan=False, description="How long, or how much later. [seconds]")
    shares: float | None = Field(None, ge=0, allow_inf_nan=False, description="[shares]")
    price: float | None = Field(None, description="[currency]")
    code: int | None = Field(None, description="Of the error message.")
    text: str = Field("", description="Of the error message.")
    accounts: tuple[str, ...] = ()
    roll_back: int = Field(0, ge=0, description="By how much the next order numbers fall.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Fault:
        if (self.at is None) == (self.message is None):
            raise ValueError("a fault strikes at a time or at a message: give one of `at` and `message`")
        for name in (self.message, self.until):
            if name is not None and name not in MESSAGES:
                near = difflib.get_close_matches(name, MESSAGES, n=1)
                raise ValueError(f"no message is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        if self.at is not None and self.do not in AT_A_TIME:
            raise ValueError(f"{self.do} needs a message to strike; it cannot happen at a time")
        places = AT_A_MESSAGE.get(self.do, ())
        if self.message is not None and self.message not in places:
            named = " or ".join(places) if len(places) < 3 else "requests"
            right = f"strikes {named}" if places else "happens at a time"
            raise ValueError(f"{self.do} cannot strike {self.message}; it {right}")
        needed = NEEDS.get(self.do)
        if needed and needed not in self.model_fields_set:
            raise ValueError(f"{self.do} needs `{needed}`")
        if isinstance(self.at, str):
            _time_of_day(self.at)
        elif self.at is not None and not math.isfinite(self.at):
            raise ValueError(f"`at` is a time of day or a finite number of seconds from the open, got {self.at}")
        return self

    def fits(self, client: int, symbol: str, ref: str) -> bool:
        """Whether a message or an order of a client is meant."""
        return (
            (self.client is None or client == self.client)
            and (not self.symbol or symbol == self.symbol)
            and self.ref in ref
        )


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Faults of a JSON file: a list of objects.

    Raises
    ------
    InputError
        When it cannot be read, or a fault makes no sense; one line each.
    """
    try:
        return TypeAdapter(tuple[Fault, ...]).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        lines = (f"  - {'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors())
        raise InputError("\n".join([f"{path} is no fault script:", *lines])) from error


class Script:
    """Which faults strike now.

    Parameters
    ----------
    faults : iterable of Fault
        In any order; those of one instant strike in this one.
    opened : datetime
        Open of the session, from which times count.
    """

    def __init__(self, faults: Iterable[Fault], opened: datetime) -> None:
        given = list(faults)
        self._waiting = sorted(
            ((_instant(fault.at, opened), fault) for fault in given if fault.at is not None), key=lambda pair: pair[0]
        )
        self._listening = [(fault, itertools.count(1)) for fault in given if fault.message is not None]

    @property
    def due(self) -> datetime | None:
        """When the next timed fault strikes."""
        return self._waiting[0][0] if self._waiting else None

    def timed(self, now: datetime) -> list[Fault]:
        """Timed faults that are due, each once."""
        struck = [fault for at, fault in self._waiting if at <= now]
        del self._waiting[: len(struck)]
        return struck

    def struck(self, message: str, *, client: int = -1, symbol: str = "", ref: str = "") -> list[Fault]:
        """Faults that strike this message from or to a client. Call it once a message: it counts."""
        return [
            fault
            for fault, number in self._listening
            if fault.message == message
            and fault.fits(client, symbol, ref)
            and fault.count <= next(number) < fault.count + fault.times
        ]


def _time_of_day(text: str) -> time:
    try:
        found: time | None = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise ValueError(f'a time of day, New York\'s, is written "09:45:30", got {text!r}')
    return found


def _instant(at: str | float, opened: datetime) -> datetime:
    if not isinstance(at, str):
        return opened + timedelta(seconds=at)
    local = opened.astimezone(ZoneInfo("America/New_York"))
    return datetime.combine(local.date(), _time_of_day(at), local.tzinfo).astimezone(UTC)
