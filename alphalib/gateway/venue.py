"""The exchange and the broker behind a gateway, without a socket and without a clock: time comes with each call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from alphalib.gateway.accounts import Position, Tariff
from alphalib.gateway.ledger import Ledger
from alphalib.gateway.orders import Contract, Execution, Commission, Order, Print, Refusal, VenueEvent


class Venue:
    """Accounts, orders and executions, with the order states of TWS.

    Every call that takes `now` first does what is due until then (market orders whose `latency` is over, cancels). A
    server therefore calls `advance` at `due` when nothing else happens. What happens is told at once, in the order in
    which TWS says it, with copies that no longer change: for a fill Execution, Changed (Filled), Commission; then what
    follows from it: others of its OCA group cancelled, children working.

    Parameters
    ----------
    accounts : mapping of str to float
        Cash by account. [currency]
    contracts : iterable of Contract
        What can be traded.
    positions : mapping of str to mapping of str to Position, optional
        By account and symbol, at the start.
    tariff : Tariff
        Commission.
    spread_bps : float
        Of the price; a market order or stop pays half of it. [bps]
    latency : float
        From the acceptance of a market order to its fill, at the last price printed then: one that arrives at the
        boundary of a minute fills at that minute's opening print. [seconds]
    cancel_latency : float
        For this long a cancelled order is PendingCancel, and may fill. [seconds]
    max_fill : float, optional
        Most that one order fills at one print. [shares]
    active_on_partial : bool
        Whether children work as soon as their parent is partly filled, for that part, and stay when the rest of it is
        cancelled; else they wait for the whole parent, and go with it.
    tell : callable
        Called with each event.
    ledger : Ledger, optional
        Where all of it is written; a new one when left out.
    """

    def __init__(
        self,
        accounts: Mapping[str, float],
        contracts: Iterable[Contract],
        *,
        positions: Mapping[str, Mapping[str, Position]] | None = None,
        tariff: Tariff = Tariff(),  # noqa: B008 (frozen)
        spread_bps: float = 0.0,
        latency: float = 1.0,
        cancel_latency: float = 0.0,
        max_fill: float | None = None,
        active_on_partial: bool = False,
        tell: Callable[[VenueEvent], None] = lambda event: None,
        ledger: Ledger | None = None,
    ) -> None:
        self.contracts: dict[str, Contract] = {}  # by symbol
        self.ledger = ledger or Ledger()
        self.tell = tell
        self.is_open = False
        self.halted: set[str] = set()
        raise NotImplementedError

    def place(self, order: Order, now: datetime, *, refusal: tuple[int, str] | None = None) -> None:
        """Take a new order, or a modification when the client has an order of that number.

        `perm_id`, `status`, `filled` … of what is given are ignored; a refusal (a fault: code and text, such as 201)
        strikes when the order is transmitted.
        """
        raise NotImplementedError

    def cancel(self, client_id: int, order_id: int, now: datetime) -> None:
        """Cancel an order of a client; 10147 when there is none, 10148 when it is over, 161 when it is being cancelled."""
        raise NotImplementedError

    def cancel_all(self, now: datetime) -> None:
        """Global cancel."""
        raise NotImplementedError

    def withdraw(self, perm_id: int, now: datetime) -> None:
        """Cancel any order by the venue's number, as somebody does by hand in TWS."""
        raise NotImplementedError

    def reject(self, perm_id: int, now: datetime, *, code: int = 201, text: str = "Order rejected - reason:") -> None:
        """A working order becomes Inactive, its children are cancelled."""
        raise NotImplementedError

    def ration(self, perm_id: int, shares: float) -> None:
        """From now on an order fills no more than this in all, until rationed anew (`math.inf` lifts it). [shares]"""
        raise NotImplementedError

    def correct(self, exec_id: str, now: datetime, *, shares: float | None = None, price: float | None = None) -> None:
        """The exchange corrects a fill: the same id with a higher last part takes its place, told with a commission."""
        raise NotImplementedError

    def drop_untransmitted(self, client_id: int) -> None:
        """A client is gone: what it held back was never anywhere."""
        raise NotImplementedError

    def advance(self, now: datetime) -> None:
        """Do what is due until now."""
        raise NotImplementedError

    @property
    def due(self) -> datetime | None:
        """When `advance` has something to do next."""
        raise NotImplementedError

    def print_(self, trade: Print) -> None:
        """The market trades: orders are triggered and filled by it. While a name is halted nothing of it counts."""
        raise NotImplementedError

    def open_session(self, now: datetime) -> None:
        """Regular hours begin; market orders that waited are executable `latency` later."""
        raise NotImplementedError

    def close_session(self, now: datetime) -> None:
        """Regular hours end; DAY orders expire (Cancelled)."""
        raise NotImplementedError

    def restart(self, now: datetime, *, roll_back: int = 0) -> None:
        """Nightly restart: DAY orders, completed orders and executions are forgotten, GTC orders stay.

        `next_id` of every client falls by `roll_back`, but not to a number that an open order has.
        """
        raise NotImplementedError

    def halt(self, symbol: str, now: datetime) -> None:
        """Trading in a name stops; what is told of prices meanwhile is not the venue's affair."""
        raise NotImplementedError

    def resume(self, symbol: str, now: datetime) -> None:
        """Trading goes on with a jump to the next print."""
        raise NotImplementedError

    def next_id(self, client_id: int) -> int:
        """Next valid order number of a client."""
        raise NotImplementedError

    def order(self, client_id: int, order_id: int) -> Order | None:
        """The order that a client knows by this number, open or over, held-back ones too; a copy."""
        raise NotImplementedError

    def orders(self, client_id: int | None = None) -> list[Order]:
        """Open orders of one client or of all, by `perm_id`; without those held back."""
        raise NotImplementedError

    def completed(self) -> list[Order]:
        """Orders that are over, since the last restart."""
        raise NotImplementedError

    def executions(self) -> list[tuple[Execution, Commission]]:
        """Fills since the last restart, each in its last revision, with what it cost."""
        raise NotImplementedError

    def positions(self, account: str) -> dict[str, Position]:
        """What an account holds, by symbol."""
        raise NotImplementedError

    @property
    def cash(self) -> dict[str, float]:
        """By account. [currency]"""
        raise NotImplementedError

    def nav(self, account: str) -> float:
        """Cash and positions at last prices. [currency]"""
        raise NotImplementedError

    def last(self, symbol: str) -> float | None:
        """Last price printed. [currency]"""
        raise NotImplementedError
