"""At what price an order executes as the market moves from one print to the next.

Between two prints of a minute the path is continuous: what it passes is filled at its own price. The first print of a
minute, and the first after a halt, is reached by a jump, and a stop that was jumped over fills at the print.
"""

from __future__ import annotations

from alphalib.gateway.orders import Order

STOPS = ("STP", "STP LMT", "TRAIL")
LIMITS = ("LMT", "STP LMT")
KINDS = ("MKT", "LMT", *STOPS)


def side(order: Order) -> float:
    """+1 for a purchase, −1 for a sale."""
    return 1.0 if order.action == "BUY" else -1.0


def level(order: Order) -> float | None:
    """Price that triggers a stop; None for other kinds, and for a TRAIL that has not seen a price. [currency]"""
    if order.kind == "TRAIL":
        return order.trail_stop
    return order.aux if order.kind in STOPS else None


def trailed(order: Order, price: float) -> float:
    """Where a TRAIL stands once the market has been at a price: never farther from it than before. [currency]"""
    sign = side(order)
    distance = price * order.percent / 100.0 if order.percent else order.aux or 0.0
    fresh = price + sign * distance
    stood = order.trail_stop
    return fresh if stood is None else sign * min(sign * stood, sign * fresh)


def beyond(order: Order, price: float) -> bool:
    """Whether a stop is triggered by a price."""
    stop = level(order)
    return stop is not None and side(order) * price >= side(order) * stop


def marketable(order: Order, price: float) -> bool:
    """Whether the limit, if there is one, lets an order trade at a price."""
    return order.kind not in LIMITS or order.limit is None or side(order) * price <= side(order) * order.limit


def trigger_price(order: Order, price: float, *, jump: bool) -> float | None:
    """Where the market was when a print at `price` triggered a stop; None when it did not. [currency]"""
    stop = level(order)
    if stop is None or not beyond(order, price):
        return None
    return price if jump else stop


def limit_price(order: Order, before: float | None, price: float, *, jump: bool) -> float | None:
    """Where a resting limit order trades on the way from `before` to `price`; None when it does not. [currency]"""
    if order.limit is None or not marketable(order, price):
        return None
    inside = jump or before is None or marketable(order, before)
    return price if inside else order.limit
