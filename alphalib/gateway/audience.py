"""Who listens, and what they are told: events of the venue, positions, account values, ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from alphalib.clock import SessionLoop
from alphalib.gateway import replies
from alphalib.gateway.accounts import NOTHING
from alphalib.gateway.connection import Connection
from alphalib.gateway.faults import Act, Fault
from alphalib.gateway.market_data import Change, Quote, ticks
from alphalib.gateway.orders import Changed, Commission, Execution, Print, Refusal, Status, VenueEvent
from alphalib.gateway.playback import Playback
from alphalib.gateway.venue import Venue
from alphalib.gateway.wire import ZONE, reply


class Audience:
    """The clients that are logged in, and what each wants to hear.

    Parameters
    ----------
    venue : Venue
        Orders, positions, cash.
    playback : Playback
        Bars, for the close before.
    loop : SessionLoop
        Whose time it is.
    live : bool
        Whether the account pays for live data; it is delayed otherwise.
    utc : bool
        Whether times of executions are written in UTC rather than in New York's time.
    """

    def __init__(self, venue: Venue, playback: Playback, loop: SessionLoop, *, live: bool, utc: bool) -> None:
        self.venue, self.playback, self.loop, self.live, self.utc = venue, playback, loop, live, utc
        self.clients: dict[int, Connection] = {}
        self.cut_off = False
        self.currency = "USD"  # that the accounts are kept in
        self.ended: dict[int, datetime] = {}  # by perm_id
        self.watchers: dict[str, dict[tuple[Connection, int], dict[str, int]]] = {s: {} for s in venue.contracts}
        self.positions: dict[Connection, None] = {}
        self.updates: dict[Connection, str] = {}
        self.multi: dict[tuple[Connection, int], str] = {}
        self.summaries: dict[tuple[Connection, int], tuple[str, ...]] = {}
        self.profits: dict[tuple[Connection, int], tuple[str, str]] = {}
        self.quotes = {symbol: self._quote(symbol) for symbol in venue.contracts}
        self._owners: dict[str, tuple[str, str, str]] = {}  # account, symbol and ref of an execution
        self._realised: dict[str, tuple[str, str, float]] = {}  # by root of the execution
        self._moved: set[tuple[str, str]] = set()
        self._before = {account: self._worth(account, "", before=True) for account in venue.cash}

    def _quote(self, symbol: str) -> Quote:
        days = self.playback.days(symbol, self.playback.opened)
        return Quote(close=days[-1].close if days else None, spread_bps=self.venue.spread_bps)

    def join(self, client: Connection) -> None:
        """A client is logged in."""
        self.clients[client.client_id] = client

    def leave(self, client: Connection) -> bool:
        """A client is gone, with all that it wanted to hear; False when it never was logged in."""
        self.positions.pop(client, None)
        self.updates.pop(client, None)
        for watchers in self.watchers.values():
            for key in [key for key in watchers if key[0] is client]:
                del watchers[key]
        for table in (self.multi, self.summaries, self.profits):
            for key in [key for key in table if key[0] is client]:
                table.pop(key)
        if self.clients.get(client.client_id) is not client:
            return False
        del self.clients[client.client_id]
        return True

    # Of orders

    def told(self, event: VenueEvent) -> list[tuple[Fault, str]]:
        """Pass on what the venue tells, to the client whom it concerns.

        Returns the corrections that a fault asks for, each with the execution that was told.
        """
        if isinstance(event, Execution):
            return [(fault, event.exec_id) for fault in self._executed(event) if fault.do is Act.CORRECT]
        if isinstance(event, Changed):
            self._changed(event)
        elif isinstance(event, Commission):
            self._charged(event)
        else:
            self._refused(event)
        return []

    def _changed(self, event: Changed) -> None:
        order = event.order
        if order.status.over:
            self.ended[order.perm_id] = self.loop.now()
        client = self.clients.get(order.client_id)
        if client is None:
            return
        symbol = order.contract.symbol
        if order.status not in (Status.CANCELLED, Status.PENDING_CANCEL):  # of a cancel TWS tells the state alone
            client.send("openOrder", replies.open_order(order), symbol=symbol, ref=order.ref)
        client.send("orderStatus", replies.order_status(order), symbol=symbol, ref=order.ref)

    def _executed(self, event: Execution) -> list[Fault]:
        order = event.order
        symbol = order.contract.symbol
        self._owners[event.exec_id] = (order.account, symbol, order.ref)
        if not self._moved:  # positions are told when all that this print did is told
            self.loop.call_soon(self._tell_moved)
        self._moved.add((order.account, symbol))
        client = self.clients.get(order.client_id)
        if client is None:
            return []
        return client.send("execDetails", replies.executed(event, utc=self.utc), symbol=symbol, ref=order.ref)

    def _charged(self, event: Commission) -> None:
        account, symbol, ref = self._owners[event.exec_id]
        self._realised[event.exec_id.rpartition(".")[0]] = (account, symbol, event.realised or 0.0)
        client = self.clients.get(event.client_id)
        if client is not None:
            client.send("commissionReport", replies.commission(event), symbol=symbol, ref=ref)

    def _refused(self, event: Refusal) -> None:
        client = self.clients.get(event.client_id)
        if client is not None:
            order = self.venue.order(event.client_id, event.order_id)
            symbol, ref = (order.contract.symbol, order.ref) if order else ("", "")
            client.send("error", replies.error(event), symbol=symbol, ref=ref)

    # Of accounts

    def _tell_moved(self) -> None:
        moved, self._moved = sorted(self._moved), set()
        for account, symbol in moved:
            at = self.venue.positions(account).get(symbol, NOTHING)
            message = replies.position(account, self.venue.contracts[symbol], at.shares, at.cost)
            for client in self.positions:
                client.send("position", message, symbol=symbol)
            for client, subscribed in self.updates.items():
                if subscribed == account:
                    client.send("updatePortfolio", self.item(account, symbol), symbol=symbol)
        self.tell_accounts({account for account, _ in moved})

    def tell_accounts(self, accounts: Iterable[str]) -> None:
        """Account values for those who want to be kept informed; TWS does so after a trade and every three minutes."""
        for account in sorted(accounts):
            for client, subscribed in self.updates.items():
                if subscribed == account:
                    self.send_values(client, account)
            for (client, request), subscribed in self.multi.items():
                if subscribed == account:
                    self.send_multi(client, request, account)
        for (client, request), tags in self.summaries.items():
            self.send_summary(client, request, tags)

    def values(self, account: str) -> list[tuple[str, str, str]]:
        """Account values as TWS lists them: tag, value, currency; none of an account that is one by name only."""
        if account not in self.venue.cash:
            return []
        cash, nav = self.venue.cash[account], self.venue.nav(account)
        held = self.venue.positions(account)
        gross = sum(abs(at.shares) * self._price(symbol, at.cost) for symbol, at in held.items())
        unrealised = sum(at.shares * (self._price(symbol, at.cost) - at.cost) for symbol, at in held.items())
        by_currency = {
            "CashBalance": cash,
            "TotalCashBalance": cash,
            "AccruedCash": 0.0,
            "StockMarketValue": nav - cash,
            "NetLiquidationByCurrency": nav,
            "UnrealizedPnL": unrealised,
            "RealizedPnL": self.realised(account),
            "ExchangeRate": 1.0,
        }
        totals = {
            "NetLiquidation": nav,
            "TotalCashValue": cash,
            "SettledCash": cash,
            "AccruedCash": 0.0,
            "AccruedDividend": 0.0,
            "BuyingPower": max(0.0, 4 * (nav - gross / 4)),
            "EquityWithLoanValue": nav,
            "GrossPositionValue": gross,
            "AvailableFunds": nav - gross / 4,
            "ExcessLiquidity": nav - gross / 4,
            "InitMarginReq": gross / 4,
            "MaintMarginReq": gross / 4,
        }
        return [
            ("AccountCode", account, ""),
            ("AccountReady", "true", ""),
            ("AccountType", "INDIVIDUAL", ""),
            ("Currency", self.currency, self.currency),
            *((tag, f"{value:.2f}", self.currency) for tag, value in totals.items()),
            *(
                (tag, f"{value:.2f}", currency)
                for currency in ("BASE", self.currency)
                for tag, value in by_currency.items()
            ),
        ]

    def send_values(self, client: Connection, account: str) -> None:
        """Account values and their time, as updates."""
        for tag, value, currency in self.values(account):
            client.send("updateAccountValue", reply("updateAccountValue", 2, tag, value, currency, account))
        at = self.loop.now().astimezone(ZONE)
        client.send("updateAccountTime", reply("updateAccountTime", 1, f"{at:%H:%M}"))

    def send_multi(self, client: Connection, request: int, account: str) -> None:
        """Account values of a request for one of several accounts."""
        for tag, value, currency in self.values(account):
            message = reply("accountUpdateMulti", 1, request, account, None, tag, value, currency)
            client.send("accountUpdateMulti", message)

    def send_summary(self, client: Connection, request: int, tags: tuple[str, ...]) -> None:
        """The values that were asked for, of every account."""
        ledger = any(tag.startswith("$LEDGER") for tag in tags)
        for account in client.accounts:
            for tag, value, currency in self.values(account):
                if tag in tags or (ledger and currency == "BASE"):
                    client.send("accountSummary", reply("accountSummary", 1, request, account, tag, value, currency))

    def item(self, account: str, symbol: str) -> bytes:
        """A position at its last price."""
        at = self.venue.positions(account).get(symbol, NOTHING)
        realised = self.realised(account, symbol)
        price = self._price(symbol, at.cost)
        return replies.portfolio_item(account, self.venue.contracts[symbol], at.shares, at.cost, price, realised)

    def realised(self, account: str, symbol: str = "") -> float:
        """What the session's trades have realised, of one name or of all. [currency]"""
        return sum(part for of, name, part in self._realised.values() if of == account and symbol in ("", name))

    def _price(self, symbol: str, otherwise: float) -> float:
        last = self.venue.last(symbol) or self.quotes[symbol].close
        return otherwise if last is None else last

    def _worth(self, account: str, symbol: str, *, before: bool = False) -> float:
        """Cash and positions, or one of those, at last prices or at the close before. [currency]"""
        held = self.venue.positions(account)
        worth = 0.0 if symbol else self.venue.cash[account]
        for name, at in held.items():
            if symbol in ("", name):
                close = self.quotes[name].close
                price = (at.cost if close is None else close) if before else self._price(name, at.cost)
                worth += at.shares * price
        return worth

    def tell_profits(self) -> None:
        """P&L for those who asked for it."""
        for (client, request), (account, symbol) in self.profits.items():
            self.send_profit(client, request, account, symbol)

    def send_profit(self, client: Connection, request: int, account: str, symbol: str) -> None:
        """P&L of an account, or of one position: of the day, unrealised, realised. [currency]"""
        held = self.venue.positions(account)
        of = {name: at for name, at in held.items() if symbol in ("", name)}
        unrealised = sum(at.shares * (self._price(name, at.cost) - at.cost) for name, at in of.items())
        realised = self.realised(account, symbol)
        worth = self._worth(account, symbol)
        if not symbol:
            daily = worth - self._before[account]
            client.send("pnl", reply("pnl", request, daily, unrealised, realised))
            return
        shares = of[symbol].shares if symbol in of else 0.0
        message = reply("pnlSingle", request, shares, unrealised + realised, unrealised, realised, worth)
        client.send("pnlSingle", message, symbol=symbol)

    # Of the market

    def tell_everyone(self, code: int, text: str) -> None:
        """A message about nothing in particular."""
        for client in list(self.clients.values()):
            client.refuse(code, text)

    def tell_prints(self, told: Iterable[Print], spoilt: Callable[[str, list[Change]], list[Change]]) -> None:
        """Ticks for those who watch; `spoilt` is what faults make of the changes of a name."""
        for trade in told:
            symbol = trade.symbol
            if symbol in self.venue.halted:
                continue
            changes = self.quotes[symbol].take(trade)
            if self.watchers[symbol]:
                self.tell_changes(symbol, spoilt(symbol, changes))

    def tell_halted(self, symbol: str, *, halted: bool) -> None:
        """A name has stopped to trade, or goes on."""
        self.quotes[symbol].halted = halted
        self.tell_changes(symbol, [("halted", float(halted), 0.0)])

    def tell_changes(self, symbol: str, changes: list[Change]) -> None:
        """Ticks of a name; none while the gateway is cut off from the exchange."""
        if self.cut_off:
            return
        for (client, request), numbers in self.watchers[symbol].items():
            for name, message in ticks(request, changes, numbers):
                client.send(name, message, symbol=symbol)

    def forget_subscriptions(self) -> None:
        """Ticks are nobody's any more, as after 1101."""
        for watchers in self.watchers.values():
            watchers.clear()
