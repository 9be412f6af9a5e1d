"""A name as a person sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from alphalib.execute.desk.name_steps import Name, gave_up
from alphalib.execute.refs import Role


@dataclass(frozen=True)
class NameView:
    """A name as it stands, for the screen and for tests.

    Parameters
    ----------
    ticker : str
        Which.
    held : int
        Ours by the journal, the session's fills in it. [shares]
    at_broker : float
        As the broker has it by its last truth and the fills since. [shares]
    cost : float
        Average, NaN when nothing is held. [currency]
    stop : float
        Of the working stop, NaN for none. [currency]
    covered : int
        Shares that working stops would sell. [shares]
    doing : str
        What is under way, such as `entry working`, `exit: collapse`, `unknown`; empty when nothing is.
    waiting : str
        For an entry that has not acted: its trigger, or why it will not.
    """

    ticker: str
    held: int
    at_broker: float
    cost: float
    stop: float
    covered: int
    doing: str
    waiting: str


def doing(name: Name, now: datetime) -> str:
    """What is under way for a name, in a few words; empty when nothing is."""
    if any(order.unknown(now) for order in name.orders):
        return "unknown"
    live = name.live(Role.ENTRY, Role.EXIT, Role.REDUCE)
    said = [f"{order.role} working" for order in live]
    if name.held and (name.sell or name.part) and not live:
        role = Role.EXIT if name.sell else Role.REDUCE
        rule = name.sell or name.reduce
        said.append(f"{role} refused: {rule}" if gave_up(name.orders, role) else f"{role}: {rule}")
    return "; ".join(said)


def worries(name: Name) -> Iterator[str]:
    """What a person must know of a name."""
    if name.sell == "unprotected":
        yield f"{name.ticker}: its stops were refused, all of it is sold"
    if name.purchase is not None and not name.purchase.shares:
        yield f"{name.ticker}: an entry is due and there is no cash for it"
    if name.pointless:
        yield (
            f"{name.ticker}: no stop is sent at {name.level:.2f}, the price is {name.price:.2f} and the broker counts "
            "other shares; only a person can help"
        )
    for role in (Role.EXIT, Role.REDUCE):
        if name.held and gave_up(name.orders, role):
            yield f"{name.ticker}: its sale was refused again and again, only a person can help"
