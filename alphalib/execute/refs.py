"""Names of orders: `al-{YYMMDD}-{TICKER}-{role}-{n}`, from the session, the name, what it is for and a count."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from alphalib.sessions import Day, require_session

OURS = "al-"
_REF = re.compile(r"al-(\d{6})-(.+)-(entry|stop|exit|reduce)-(\d+)")


class Role(StrEnum):
    """What an order is for."""

    ENTRY = "entry"
    STOP = "stop"
    EXIT = "exit"
    REDUCE = "reduce"


class Ref(NamedTuple):
    """A ref taken apart; `day` is YYMMDD."""

    day: str
    ticker: str
    role: Role
    number: int

    def __str__(self) -> str:
        return f"{OURS}{self.day}-{self.ticker}-{self.role}-{self.number}"


def ref_of(session: Day, ticker: str, role: Role, number: int) -> str:
    """The ref of an order of a session; n counts from 1."""
    return str(Ref(f"{require_session(session):%y%m%d}", ticker, role, number))


def parts_of(ref: str) -> Ref | None:
    """A ref of ours taken apart; None for what somebody else named."""
    found = _REF.fullmatch(ref)
    if found is None:
        return None
    day, ticker, role, number = found.groups()
    return Ref(day, ticker, Role(role), int(number))


def foreign(ref: str) -> bool:
    """Whether an order is not ours: it is reported, never touched."""
    return parts_of(ref) is None
