"""What is wrong with an order before the market ever sees it: TWS's code and words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from alphalib.gateway.matching import KINDS
from alphalib.gateway.orders import Contract, Order, Status

Objection = tuple[int, str]


def objection(order: Order, contracts: Mapping[str, Contract]) -> Objection | None:
    """Why an order cannot even be read as one; None when it can."""
    if order.contract.symbol not in contracts:
        return 200, "No security definition has been found for the request"
    if order.action not in ("BUY", "SELL"):
        return 321, f"Error validating request.-'bW' : cause - Invalid side {order.action!r}"
    if not order.quantity > 0:
        return 434, "The order size cannot be zero."
    if order.kind not in KINDS:
        return 387, f"Unsupported order type for this exchange and security type: {order.kind}"
    if order.tif not in ("", "DAY", "GTC"):
        return 10052, f"Invalid time in force:{order.tif}"
    return _price_objection(order, contracts[order.contract.symbol].min_tick)


def _price_objection(order: Order, tick: float) -> Objection | None:
    needed = {
        "LMT": {"limit price": order.limit},
        "STP": {"stop price": order.aux},
        "STP LMT": {"limit price": order.limit, "stop price": order.aux},
        "TRAIL": {"trailing amount": order.percent or order.aux},
    }.get(order.kind, {})
    for what, price in needed.items():
        if price is None or not price > 0:
            return 321, f"Error validating request.-'bW' : cause - The {what} of a {order.kind} order is missing"
        if not (order.kind == "TRAIL" and order.percent) and not _on_tick(price, tick):
            return 110, "The price does not conform to the minimum price variation for this contract."
    return None


def _on_tick(price: float, tick: float) -> bool:
    steps = price / tick
    return math.isclose(steps, round(steps), rel_tol=0.0, abs_tol=1e-6)


def change_objection(old: Order, new: Order) -> Objection | None:
    """Why an order cannot become another one."""
    if old.status is Status.FILLED:
        return 104, "Cannot modify a filled order."
    if old.status.over:
        return 103, "Duplicate order id"
    same = old.contract.symbol == new.contract.symbol and old.action == new.action and old.account == new.account
    if not same or new.parent_id not in (0, old.parent_id):
        return 105, "Order being modified does not match original order."
    if old.status is Status.PENDING_CANCEL:
        return 201, "Order rejected - reason:Cannot change to the new order. The order is being cancelled"
    if new.quantity < old.filled:
        return 201, "Order rejected - reason:The new order size is smaller than what is filled"
    return None
