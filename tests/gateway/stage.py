"""A venue with two names and what it told, for tests without a socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alphalib.gateway.orders import Changed, Commission, Contract, Execution, Order, Print, Refusal, Status, VenueEvent
from alphalib.gateway.venue import Venue

OPEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 3, 2, 21, tzinfo=UTC)
ACCOUNT = "DU1"
AAA, BBB = Contract(1, "AAA"), Contract(2, "BBB")


def at(seconds: float) -> datetime:
    """An instant of the session."""
    return OPEN + timedelta(seconds=seconds)


class Stage:
    """A venue in which one client, number 1, trades; `told` is all that was told, in words."""

    def __init__(self, *, opened: bool = True, **options: Any) -> None:
        self.events: list[VenueEvent] = []
        self.venue = Venue({ACCOUNT: 100_000.0}, [AAA, BBB], tell=self.events.append, **options)
        if opened:
            self.venue.open_session(OPEN)

    def order(self, number: int, action: str, quantity: float, kind: str, **fields: Any) -> Order:
        client = fields.pop("client", 1)
        fields = {"contract": AAA, "account": ACCOUNT, "ref": f"al-{number}"} | fields
        return Order(client, number, 0, action=action, quantity=quantity, kind=kind, **fields)

    def place(self, number: int, action: str, quantity: float, kind: str, *, now: float = 0.0, **fields: Any) -> None:
        refusal = fields.pop("refusal", None)
        self.venue.place(self.order(number, action, quantity, kind, **fields), at(now), refusal=refusal)

    def bracket(self, quantity: float = 100.0, *, stop: float = 95.0, now: float = 0.0, **fields: Any) -> None:
        """Order 1 buys at the market, its child 2 is a stop."""
        self.place(1, "BUY", quantity, "MKT", transmit=False, now=now)
        self.place(2, "SELL", quantity, "STP", aux=stop, tif="GTC", parent_id=1, now=now, **fields)

    def cancel(self, number: int, now: float) -> None:
        self.venue.cancel(1, number, at(now))

    def prints(self, now: float, *prices: float, opens: bool = False, symbol: str = "AAA") -> None:
        """Prints a second apart; the first may open its minute."""
        for place, price in enumerate(prices):
            self.venue.print_(Print(symbol, price, 100.0, at(now + place), opens=opens and place == 0))

    def status(self, number: int) -> Status:
        found = self.venue.order(1, number)
        assert found is not None, f"client 1 has no order {number}"
        return found.status

    def heard(self) -> list[str]:
        """What was told since last asked, a line each."""
        lines = [said(event) for event in self.events]
        self.events.clear()
        return lines

    @property
    def held(self) -> float:
        found = self.venue.positions(ACCOUNT).get("AAA")
        return found.shares if found else 0.0


def said(event: VenueEvent) -> str:
    """An event in words."""
    match event:
        case Changed(order):
            return f"{order.order_id} {order.status} {order.filled:g}/{order.quantity:g} {order.held_for}".rstrip()
        case Execution():
            return f"{event.order.order_id} exec {event.shares:g} at {event.price:g}"
        case Commission():
            return f"commission {event.commission:.2f}"
        case Refusal():
            return f"{event.order_id} error {event.code}"
