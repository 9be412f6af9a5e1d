"""Hard ceilings on what is sent, outside all parameters: nothing raises them but a change of this file.

They are far above what the rules ask for. Whoever meets one has found a fault, not a big day: entries end for the day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from alphalib.execute.broker import Kind, Side, Ticket

MOST_OF_NAV = 0.25
"""Value of one purchase over the NAV. [fraction]"""
MOST_VALUE = 1_000_000.0
"""Value of one purchase. [currency]"""
MOST_SHARES = 100_000
"""Of one order that buys. [shares]"""
MOST_BOUGHT = 1.0
"""Value of all purchases of a session over the NAV. [fraction]"""
MOST_A_MINUTE = 60
"""New orders within 60 seconds; a bracket is two. [orders]"""
MOST_A_SESSION = 1_000
"""New orders of a session. [orders]"""
ENTRIES_A_MINUTE = 50
"""Orders within 60 seconds up to which entries are sent; the rest waits, so that a full book is no breach. [orders]"""


@dataclass(frozen=True)
class Traffic:
    """What was sent already.

    Parameters
    ----------
    bought : float
        Value of the session's purchases. [currency]
    minute, session : int
        New orders of the last 60 seconds and of the session. [orders]
    """

    bought: float
    minute: int
    session: int


def breach(ticket: Ticket, *, price: float, nav: float, sellable: float, traffic: Traffic) -> str:
    """Which ceiling an order breaks, as a sentence; empty when none.

    Parameters
    ----------
    ticket : Ticket
        New, or changed.
    price : float
        Last known; NaN where none is. [currency]
    nav : float
        Of the account; NaN before it is known. [currency]
    sellable : float
        Held and not yet in another working sale. [shares]
    traffic : Traffic
        Without this order.
    """
    if traffic.session >= MOST_A_SESSION:
        return f"{ticket.ref}: {traffic.session} orders were sent this session, at most {MOST_A_SESSION} are"
    if ticket.side is Side.SELL:
        if ticket.kind is Kind.MARKET and ticket.shares > sellable:
            return f"{ticket.ref}: {ticket.shares} shares would be sold and {sellable:g} are there to sell"
        return ""
    value = ticket.shares * price
    if not math.isfinite(value) or not nav > 0:
        return f"{ticket.ref}: its value is unknown at a price of {price:g} and a NAV of {nav:g}"
    limits = [
        (ticket.shares, MOST_SHARES, "shares"),
        (value, MOST_VALUE, "of value"),
        (value, MOST_OF_NAV * nav, f"of value, {MOST_OF_NAV:.0%} of NAV,"),
        (traffic.bought + value, MOST_BOUGHT * nav, f"bought in the session, {MOST_BOUGHT:.0%} of NAV,"),
        (traffic.minute + 1, MOST_A_MINUTE, "orders in a minute"),
    ]
    for found, limit, what in limits:
        if found > limit:
            return f"{ticket.ref}: {found:,.0f} {what} is over the ceiling of {limit:,.0f}"
    return ""
