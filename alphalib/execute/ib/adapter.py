"""Interactive Brokers, by ib_insync or, where that is not installed, by ib_async. Nothing else imports either.

Only the library's client is used: the socket, and the writing and reading of messages. What it keeps on top of that
(trades, tickers, positions) is not, for it guesses: it calls an order cancelled when it does not know an error's code,
counts corrected fills twice, and forgets everything when a socket dies. Here each message goes straight into our words.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from alphalib.clock import SessionLoop
from alphalib.errors import BrokerError, CurrencyError
from alphalib.execute.broker import Event, Kind, Link, Notice, Side, Ticket, Truth
from alphalib.execute.ib import heard
from alphalib.execute.ib.ears import Ears
from alphalib.execute.ib.login import InUseError, leave, log_in, of_paper
from alphalib.execute.ib.outbox import Outbox, Urgency
from alphalib.execute.ib.reading import Reading, currency, positions, reports, values

CURRENCY = "USD"
"""Of the market, and of the account."""

FIRST_REQUEST = 1_000_000_000
"""Numbers of requests begin here, so that an error's number says whether it is about an order or a request."""

TIF = {Kind.MARKET: "DAY", Kind.STOP: "GTC"}
"""Said with each order: a preset that differs makes TWS answer with an error about a live order."""

PATIENCE = 8.0
"""How long a gateway may take to say who is logged in. [seconds]"""

ANSWER = 10.0
"""How long an answer may take. [seconds]"""

BUSY = 60.0
"""How long a client id may stay in use, as it does after a line was cut. [seconds]"""

ARRIVAL = 3.0
"""An order that was sent and is nowhere may still arrive for so long, whatever became of the line. [seconds]"""

LINES = 100
"""Subscriptions that IB allows."""

EXECUTION_TIME = 15
"""Place of the time in an execDetails message."""


@cache
def _library() -> Any:
    """The client library; it wants an event loop when it is imported, running or not."""
    loop = None
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    try:
        try:
            import ib_insync as library
        except ImportError:
            import ib_async as library  # type: ignore[no-redef]
    except ImportError:
        raise BrokerError(
            "no IB library here: pip install 'alphalib[ib]', or 'alphalib[ib-async]' in an environment of its own"
        ) from None
    finally:
        if loop is not None:
            asyncio.set_event_loop(None)
            loop.close()
    logger = logging.getLogger(library.__name__)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False  # what it has to say comes as an event or an error
    return library


class IB:
    """An `alphalib.execute.broker.Broker`: one account of paper at a TWS or IB Gateway, or at `alphalib.gateway`.

    Parameters
    ----------
    host : str
        An address, not a name, where time is not the machine's.
    port : int
        4002 is IB Gateway's for paper, 7497 that of TWS.
    client_id : int
        The same every day: only it can change and cancel what it placed.
    account : str
        Which one to trade, where the login manages several.
    live : bool
        Live market data, which need a subscription; else delayed.
    patience, answer, busy : float
        How long to wait for the login, for an answer, and for a client id in use. [seconds]
    lines : int
        Most subscriptions; the first tickers that are watched get them.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 4002,
        *,
        client_id: int = 2,
        account: str = "",
        live: bool = False,
        patience: float = PATIENCE,
        answer: float = ANSWER,
        busy: float = BUSY,
        lines: int = LINES,
    ) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._host, self._port, self._client_id, self._wish, self._live = host, port, client_id, account, live
        self._patience, self._answer, self._busy, self._lines = patience, answer, busy, lines
        self._library = _library()
        self._client: Any = None
        self._ears: Ears | None = None
        self._outbox = Outbox()
        self._reading = asyncio.Lock()
        self._next_order = 0
        self._next_request = FIRST_REQUEST
        self._settled = False
        self._sent: dict[str, tuple[Ticket, float]] = {}  # with the time of writing
        self._wanted: tuple[str, ...] = ()
        self._contracts: dict[str, Any] = {}

    # the connection

    @property
    def connected(self) -> bool:
        """Whether a socket is there; the peer may be silent all the same, ask `beat`."""
        return self._ears is not None and not self._ears.closed.done()

    async def connect(self) -> None:
        """Connect and settle; nothing happens when a socket is there.

        Raises
        ------
        NotPaperError
            A managed account does not begin with D; nothing was sent.
        BrokerError
            Nobody answers, nobody is logged in, or the client id stays in use.
        """
        loop = asyncio.get_running_loop()
        begun, wait = loop.time(), 1.0
        while not self.connected:
            try:
                await self._try()
            except InUseError:
                if loop.time() - begun + wait > self._busy:
                    raise
                await asyncio.sleep(wait)
                wait = min(2 * wait, 60.0)

    async def disconnect(self) -> None:
        """Leave; working orders stay."""
        client, ears = self._client, self._ears
        self._forget()
        if client is not None and ears is not None:
            await leave(client, ears)

    async def beat(self) -> datetime:
        """Time of the peer.

        Raises
        ------
        BrokerError
            It is silent.
        """
        ears = self._there()
        waiting = ears.ask("time")
        self._outbox.put(Urgency.ORDER, self._client.reqCurrentTime)
        return cast(datetime, await self._wait(waiting, "the time"))

    async def hours(self, ticker: str) -> tuple[tuple[datetime, datetime], ...]:
        """Opening and closing of the listing's next regular sessions, in UTC.

        Raises
        ------
        BrokerError
            There is no such listing, or no answer.
        """
        ears, request = self._there(), self._request()
        client, contract = self._client, self._library.Stock(heard.symbol(ticker), "SMART", CURRENCY)
        waiting = ears.ask(request)
        self._outbox.put(Urgency.ORDER, lambda: client.reqContractDetails(request, contract))
        found = await self._wait(waiting, f"the listing of {ticker}")
        if not found:
            raise BrokerError(f"{self._where} knows no listing of {ticker}")
        listing = found[0]
        self._contracts[ticker] = listing.contract
        try:
            return heard.sessions(listing.liquidHours, listing.timeZoneId)
        except (ValueError, KeyError):
            raise BrokerError(f"hours that cannot be read: {listing.liquidHours} in {listing.timeZoneId}") from None

    # the truth

    async def truth(self) -> Truth:
        """Read everything: open and completed orders of every client, executions, positions, account.

        Parts that do not end within the time of an answer are named in `missing`. When something is filled meanwhile
        all is read again, up to three times, so that the parts fit together.

        Raises
        ------
        CurrencyError
            The account is kept in another currency than the market: sizes and prices would not compare.
        """
        async with self._reading:
            for _ in range(3):
                truth, overtaken = await self._read()
                if not overtaken:
                    break
            return truth

    async def _read(self) -> tuple[Truth, bool]:
        ears, client, account = self._there(), self._client, self._there().account
        since_sent = self._loop().time() - ARRIVAL
        reading = ears.reading = Reading(ears.reading.number + 1)
        request = self._request()
        chosen = self._library.ExecutionFilter(acctCode=account)
        parts: dict[str, tuple[str | int, Callable[[], None]]] = {
            "open orders": ("open orders", client.reqAllOpenOrders),
            "completed orders": ("completed orders", lambda: client.reqCompletedOrders(False)),
            "executions": (request, lambda: client.reqExecutions(request, chosen)),
            "positions": ("positions", client.reqPositions),
            "account values": ("account values", lambda: client.reqAccountUpdates(True, account)),
        }
        waiting = {name: ears.ask(key) if key == request else ears.ask_listing(key) for name, (key, _) in parts.items()}
        for _, ask in parts.values():
            self._outbox.put(Urgency.ORDER, ask)
        await asyncio.wait(waiting.values(), timeout=self._answer)
        ears = self._there()
        missing = [name for name, part in waiting.items() if not part.done() or part.exception()]
        self._outbox.put(Urgency.ORDER, lambda: client.reqAccountUpdates(False, account))
        if currency(reading) not in ("", CURRENCY):
            raise CurrencyError(
                f"account {account} at {self._where} is kept in {currency(reading)}, not in {CURRENCY}: nothing is "
                f"sent. Trade a paper account whose base currency is {CURRENCY}"
            )
        nav, cash, accrued = values(reading)
        if math.isnan(nav + cash) and "account values" not in missing:
            missing.append("account values")
        if reading.unreadable:
            missing.append("a message that could not be read")
        listed = "open orders" not in missing
        self._settled = self._settled or listed
        self._next_order = max(self._next_order, ears.last_order + 1)
        orders = tuple(reports(ears.orders, reading.number, listed=listed))
        self._sent = {ref: sent for ref, sent in self._sent.items() if sent[1] >= since_sent}
        there = {report.ref for report in orders}
        under_way = (heard.unheard(self._client_id, sent) for ref, (sent, _) in self._sent.items() if ref not in there)
        truth = Truth(
            at=self._now(),
            account=account,
            nav=nav,
            cash=cash,
            accrued=accrued,
            held=tuple(positions(reading)),
            orders=(*orders, *under_way),
            fills=tuple(reading.fills.values()),
            charges=tuple(ears.charges[i] for i in reading.fills if i in ears.charges),
            missing=tuple(missing),
        )
        return truth, reading.overtaken

    # prices

    def watch(self, tickers: Iterable[str]) -> None:
        """Subscribe to these tickers and to no others; kept through reconnections."""
        self._wanted = tuple(dict.fromkeys(tickers))
        if self.connected:
            self._subscribe()
            for ticker in self._wanted[self._lines :]:
                self.events.put_nowait(Notice(0, f"not watched: IB has {self._lines} lines of data", ticker=ticker))

    def _subscribe(self) -> None:
        ears, client = self._there(), self._client
        wanted = self._wanted[: self._lines]
        for request, ticker in tuple(ears.tickers.items()):
            if ticker not in wanted:
                del ears.tickers[request]
                self._outbox.put(Urgency.DATA, _call(client.cancelMktData, request))
        there = set(ears.tickers.values())
        for ticker in wanted:
            if ticker not in there:
                request = self._request()
                ears.tickers[request] = ticker
                ask = _call(client.reqMktData, request, self._contract(ticker), "", False, False, [])
                self._outbox.put(Urgency.DATA, ask)

    # orders

    def place(self, *tickets: Ticket) -> None:
        """Send a new order, or a parent and its children as one bracket.

        Raises
        ------
        BrokerError
            No connection, the open orders were not read on it yet, or the tickets make no order.
        """
        ears = self._ready()
        for number, ticket in enumerate(tickets):
            _checked(ticket, [before.ref for before in tickets[:number]])
            if ears.orders.by_ref(ticket.ref) is not None:
                raise BrokerError(f"{ticket.ref} was sent already; another order needs another ref")
        urgency = Urgency.EXIT if tickets and tickets[0].side is Side.SELL else Urgency.ORDER
        sent: dict[str, heard.Known] = {}
        for ticket in tickets:
            known = sent[ticket.ref] = ears.orders.queue(self._client_id, ticket)
            self._sent[ticket.ref] = ticket, math.inf
            order = self._order(ticket, transmit=ticket is tickets[-1])
            self._outbox.put(urgency, _call(self._write, known, sent.get(ticket.parent), order))

    def change(self, ticket: Ticket) -> None:
        """Give a working order of ours other shares or another stop.

        Raises
        ------
        BrokerError
            No connection, no such order, or it is over.
        """
        known = self._ours(ticket.ref)
        if known.report.state.over:
            raise BrokerError(f"{ticket.ref} is {known.report.state}; it cannot be changed")
        _checked(replace(ticket, parent=""), {})
        order = self._order(ticket, transmit=True)
        order.ocaGroup, order.ocaType = known.group
        self._outbox.put(self._after(known), _call(self._write, known, None, order))

    def cancel(self, ref: str) -> None:
        """Ask for a working order's end; nothing is sent for one that is over.

        Raises
        ------
        BrokerError
            No connection, or no such order of ours.
        """
        known, client = self._ours(ref), self._client
        if not known.report.state.over:
            self._outbox.put(self._after(known), lambda: client.cancelOrder(known.order_id))

    @staticmethod
    def _after(known: heard.Known) -> Urgency:
        """When to speak of an order: soon, but not before it was placed."""
        return Urgency.EXIT if known.written else Urgency.ORDER

    def _order(self, ticket: Ticket, *, transmit: bool) -> Any:
        order = self._library.Order(
            action=str(ticket.side),
            totalQuantity=ticket.shares,
            orderType=str(ticket.kind),
            tif=TIF[ticket.kind],
            account=self._there().account,
            orderRef=ticket.ref,
            transmit=transmit,
            outsideRth=False,
        )
        if ticket.stop is not None:
            order.auxPrice = ticket.stop
        return order

    def _write(self, known: heard.Known, parent: heard.Known | None, order: Any) -> None:
        ears = self._there()
        if not known.written:
            ears.orders.write(known, self._next_order, parent.order_id if parent else 0)
            self._next_order += 1
            self._sent[known.report.ref] = self._sent[known.report.ref][0], self._loop().time()
        order.parentId = known.parent_id
        self._client.placeOrder(known.order_id, self._contract(known.report.ticker), order)

    # within

    async def _try(self) -> None:
        """One attempt to connect."""
        loop = self._loop()
        ears = Ears(self.events, self._client_id, now=loop.now, link=self._linked, accounts=self._managed)
        ears.pace = self._outbox.pause
        client = self._library.Client(ears)
        client.MaxRequests = 0  # the outbox counts
        client.decoder.logger = SimpleNamespace(exception=ears.unreadable)
        client.decoder.handlers[11] = _timed(client.decoder.handlers[11], loop)
        ears.account = await log_in(
            client,
            ears,
            host=self._host,
            port=self._port,
            client_id=self._client_id,
            account=self._wish,
            patience=self._patience,
        )
        self._client, self._ears, self._settled = client, ears, False
        self._next_order = max(self._next_order, client.getReqId())
        self._outbox.clear()
        self._outbox.put(Urgency.DATA, _call(client.reqMarketDataType, 1 if self._live else 3))
        self._subscribe()

    def _managed(self, accounts: tuple[str, ...]) -> None:
        """Accounts were said again: one that is not of paper ends the connection before anything else is sent."""
        if self._ears is not None and not all(map(of_paper, accounts or ("",))):
            self.events.put_nowait(Notice(0, f"accounts became {', '.join(accounts) or 'none'}: disconnected"))
            client = self._client
            self._linked(Link.LOST)
            client.disconnect()

    def _linked(self, link: Link) -> None:
        """Pass on what became of the link; subscriptions that are gone are asked for once more."""
        if link is Link.LOST:
            if self._ears is None:  # a connection that never was one; `connect` says so
                return
            self._forget()
        elif link is Link.RESTORED_WITHOUT_DATA and self._ears is not None:
            self._ears.tickers.clear()
            self._subscribe()
        self.events.put_nowait(link)

    def _forget(self) -> None:
        self._outbox.clear()
        self._sent = {ref: sent for ref, sent in self._sent.items() if sent[1] < math.inf}
        self._client, self._ears, self._settled = None, None, False

    def _there(self) -> Ears:
        if self._ears is None or self._ears.closed.done():
            raise BrokerError(f"not connected to {self._where}: call connect() first")
        return self._ears

    def _ready(self) -> Ears:
        ears = self._there()
        if not self._settled:
            raise BrokerError("the open orders were not read on this connection yet: call truth() first")
        return ears

    def _ours(self, ref: str) -> heard.Known:
        known = self._ready().orders.by_ref(ref)
        if known is None:
            raise BrokerError(f"no order {ref} is known on this connection")
        if known.report.client_id != self._client_id and not known.report.state.over:
            raise BrokerError(f"{ref} was placed by client {known.report.client_id}; only that one can touch it")
        return known

    async def _wait(self, waiting: asyncio.Future[Any], what: str) -> Any:
        done, _ = await asyncio.wait({waiting}, timeout=self._answer)
        if not done:
            raise BrokerError(f"{self._where} is silent: asked for {what}, no answer within {self._answer:g} s")
        return waiting.result()

    def _contract(self, ticker: str) -> Any:
        return self._contracts.get(ticker) or self._library.Stock(heard.symbol(ticker), "SMART", CURRENCY)

    def _request(self) -> int:
        self._next_request += 1
        return self._next_request

    def _loop(self) -> SessionLoop:
        return cast(SessionLoop, asyncio.get_running_loop())

    def _now(self) -> datetime:
        return self._loop().now()

    @property
    def _where(self) -> str:
        return f"{self._host}:{self._port}"


def _call(function: Callable[..., None], *arguments: object) -> Callable[[], None]:
    """The call, for later."""
    return lambda: function(*arguments)


def _checked(ticket: Ticket, before: Container[str]) -> None:
    """A ticket that makes an order, of which `before` are the orders it may hang on."""
    stop = ticket.stop
    if ticket.shares <= 0:
        raise BrokerError(f"{ticket.ref}: {ticket.shares} shares make no order")
    if (ticket.kind is Kind.STOP) != (stop is not None) or (stop is not None and not 0 < stop < math.inf):
        raise BrokerError(f"{ticket.ref}: a stop of {stop} does not go with {ticket.kind}")
    if ticket.parent and ticket.parent not in before:
        raise BrokerError(f"{ticket.ref}: its parent {ticket.parent} must be placed before it, in the same call")


def _timed(read: Callable[[list[str]], None], loop: SessionLoop) -> Callable[[list[str]], None]:
    """A reader of executions for which every time is one that the library can read, whatever zones it knows."""

    def read_timed(fields: list[str]) -> None:
        at = heard.instant(fields[EXECUTION_TIME], loop.now())
        read([*fields[:EXECUTION_TIME], f"{at.timestamp():.0f}", *fields[EXECUTION_TIME + 1 :]])

    return read_timed
