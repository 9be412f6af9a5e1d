"""What one connection hears: each message of the gateway becomes an event in our words, or part of an answer."""

# ruff: noqa: N802 - the IB library calls these methods by their names

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from alphalib.errors import BrokerError
from alphalib.execute.broker import Charge, Event, Fill, Held, Link, Notice, Report, Side, State, Tick
from alphalib.execute.ib import heard
from alphalib.execute.ib.reading import Reading

LAST, VOLUME, HALTED = (4, 68), (8, 74), (49, 90)
"""Types of ticks, live and delayed."""

FROZEN = (2, 4)
"""Types of market data that stand still."""

NOT_SUBSCRIBED = {101, 200, 322, 354, 10089, 10090, 10168, 10186}
"""Codes after which no ticks come for a ticker, until it is asked for again."""

COMPETING = 10197
"""Another session of the same user takes the market data."""

LINKS = {1100: Link.CUT_OFF, 2110: Link.CUT_OFF, 1101: Link.RESTORED_WITHOUT_DATA, 1102: Link.RESTORED}
IN_USE, TOO_FAST = 326, 100

Key = str | int

LATE = 30.0
"""After which the end of a listing that did not come is taken for lost. [seconds]"""


class Ears:
    """The library's wrapper for one connection; dies with it, so that nothing of it is mistaken for the next one's.

    Parameters
    ----------
    events : Queue
        Where everything goes, in its order.
    client_id : int
        Ours.
    now : callable
        Session time.
    link, accounts : callable
        Told of the link (LOST when the socket is gone), and of the managed accounts each time they are said.
    """

    def __init__(
        self,
        events: asyncio.Queue[Event],
        client_id: int,
        *,
        now: Callable[[], datetime],
        link: Callable[[Link], None],
        accounts: Callable[[tuple[str, ...]], None],
    ) -> None:
        self.ib = SimpleNamespace(TimezoneTWS="UTC")  # where the library looks how times without a zone are meant
        self.defaultTimezone = UTC
        self.account = ""
        self.accounts: tuple[str, ...] = ()
        self.orders = heard.Orders()
        self.charges: dict[str, Charge] = {}
        self.reading = Reading(0)
        self.asked: dict[Key, asyncio.Future[Any]] = {}
        self._due: dict[Key, list[datetime]] = {}
        self.tickers: dict[int, str] = {}
        self.last_order = 0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refusal: Notice | None = None
        self.pace: Callable[[], None] = lambda: None
        self._events, self._client_id, self._now, self._link, self._accounts = events, client_id, now, link, accounts
        self._ticks = heard.Ticks()
        self._frozen: set[str] = set()
        self._details: dict[int, list[Any]] = {}

    def ask(self, key: Key) -> asyncio.Future[Any]:
        """What will be answered; one answer serves all who wait for it."""
        waiting = self.asked.get(key)
        if waiting is None or waiting.done():
            waiting = self.asked[key] = asyncio.get_running_loop().create_future()
        return waiting

    def ask_listing(self, key: Key) -> asyncio.Future[Any]:
        """A listing whose end does not say which request it ends.

        One that was asked for before and has not ended may still end, and that would be taken for the end of this one:
        both must end, unless the former is long overdue.
        """
        now = self._now()
        self._due[key] = [at for at in self._due.get(key, []) if (now - at).total_seconds() < LATE] + [now]
        self.asked.pop(key, None)
        return self.ask(key)

    def end_listing(self, key: Key) -> None:
        """A listing has ended; whatever was said since the last was asked for counts, in whichever order it came."""
        due = self._due.get(key, [])
        del due[:1]
        if not due:
            self.answer(key)

    def answer(self, key: Key, result: Any = None) -> None:
        """An answer is complete."""
        waiting = self.asked.pop(key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    def unreadable(self, text: str) -> None:
        """A message that the library could not read: it may have been anything."""
        self.reading.unreadable = True
        self._events.put_nowait(Notice(0, f"a message of the gateway could not be read: {text[:200]}"))

    # connection

    def connectAck(self) -> None:
        """The peer speaks the protocol."""

    def managedAccounts(self, text: str) -> None:
        """Accounts of this login."""
        self.accounts = tuple(name for name in text.split(",") if name)
        self._accounts(self.accounts)

    def setEventsDone(self) -> None:
        """The socket is closed, by whomever."""
        if not self.closed.done():
            self.closed.set_result(None)
        for waiting in self.asked.values():
            if not waiting.done():
                waiting.set_exception(BrokerError("the connection was lost while an answer was awaited"))
                waiting.exception()  # whoever still waits is told; nobody has to
        self.asked.clear()

    def connectionClosed(self) -> None:
        """The socket is closed, and not by us."""
        self._link(Link.LOST)

    def tcpDataProcessed(self) -> None:
        """Everything that arrived at once was said."""
        self._tell(self._ticks.flush())

    def error(self, number: int, code: int, text: str, *_: object) -> None:
        """A code and words: about the link, an order, a request, or nobody."""
        waiting = self.asked.get(number)
        ticker = self.tickers.get(number, "")
        known = self.orders.doubt(client_id=self._client_id, order_id=number, code=code, text=text)
        about = known.report if known else None
        notice = Notice(code, text, about.ref if about else "", about.ticker if about else ticker)
        self._events.put_nowait(notice)
        if about is not None and heard.doubtful(code):
            self._events.put_nowait(about)
        if waiting is not None and not waiting.done():
            waiting.set_exception(BrokerError(f"{code}: {text}"))
            waiting.exception()
        if ticker and (code in NOT_SUBSCRIBED or code == COMPETING):
            self._tell(self._ticks.lost(ticker, self._now()))
            if code in NOT_SUBSCRIBED:
                self.tickers.pop(number)
        if code in LINKS:
            self._link(LINKS[code])
        elif code == IN_USE:
            self.refusal = notice
        elif code == TOO_FAST:
            self.pace()

    def currentTime(self, seconds: int) -> None:
        """The peer's time."""
        self.answer("time", datetime.fromtimestamp(seconds, UTC))

    # orders and fills

    def openOrder(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        """An order that works, described wholly."""
        if order.whatIf or self._elsewhere(order.account):
            return
        if order.clientId == self._client_id:
            self.last_order = max(self.last_order, order_id)
        report = _report(contract, order, state, client_id=order.clientId)
        known = self._told(order_id, report)
        known.parent_id, known.group = order.parentId, (order.ocaGroup, order.ocaType)

    def openOrderEnd(self) -> None:
        """No more open orders."""
        self.end_listing("open orders")

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:
        """An order that is over."""
        if not self._elsewhere(order.account):
            self._told(0, _report(contract, order, state, client_id=-1))

    def completedOrdersEnd(self) -> None:
        """No more completed orders."""
        self.end_listing("completed orders")

    def orderStatus(
        self,
        order_id: int,
        status: str,
        filled: float,
        remaining: float,
        average: float,
        perm_id: int,
        parent_id: int,
        last: float,
        client_id: int,
        why: str,
        *_: object,
    ) -> None:
        """How an order stands."""
        known = self.orders.find(perm_id=perm_id, client_id=client_id, order_id=order_id)
        before = known.report if known else None
        known = self.orders.status(
            perm_id=perm_id,
            client_id=client_id,
            order_id=order_id,
            word=status,
            filled=filled,
            remaining=remaining,
            why=why,
        )
        if known is not None:
            known.listed = self.reading.number
            if known.report != before:
                self._events.put_nowait(known.report)

    def execDetails(self, request: int, contract: Any, execution: Any) -> None:
        """An execution: told as it happens, or in answer to a request."""
        if self._elsewhere(execution.acctNumber):
            return
        if execution.clientId == self._client_id:
            self.last_order = max(self.last_order, execution.orderId)
        known = self.orders.by_perm.get(execution.permId)
        fill = Fill(
            exec_id=execution.execId,
            ref=execution.orderRef or (known.report.ref if known else ""),
            perm_id=execution.permId,
            ticker=heard.ticker(contract.symbol, contract.secType, contract.currency),
            side=Side.BUY if execution.side.startswith("B") else Side.SELL,
            shares=execution.shares,
            price=execution.price,
            at=execution.time,
            account=execution.acctNumber,
        )
        self.reading.fills[fill.exec_id] = fill
        if request not in self.asked:
            self.reading.overtaken = True
            self._events.put_nowait(fill)

    def execDetailsEnd(self, request: int) -> None:
        """No more executions."""
        self.answer(request)

    def commissionReport(self, report: Any) -> None:
        """What an execution cost."""
        if not abs(report.commission) < heard.UNSET:
            return
        realised = report.realizedPNL if abs(report.realizedPNL) < heard.UNSET else None
        charge = Charge(report.execId, report.commission, realised)
        if self.charges.get(charge.exec_id) != charge:
            self.charges[charge.exec_id] = charge
            self._events.put_nowait(charge)

    # account

    def position(self, account: str, contract: Any, shares: float, cost: float) -> None:
        """A position, zero when it is gone."""
        if self._elsewhere(account):
            return
        ticker = heard.ticker(contract.symbol, contract.secType, contract.currency)
        held = self.reading.held[contract.conId] = Held(ticker, shares, cost)
        if "positions" not in self.asked:  # it has changed: other clients' trades are told in no other way
            self._events.put_nowait(held)

    def positionEnd(self) -> None:
        """No more positions."""
        self.end_listing("positions")

    def updateAccountValue(self, tag: str, value: str, currency: str, account: str) -> None:
        """One value of the account, as text."""
        if not self._elsewhere(account):
            self.reading.values[tag, currency] = value

    def updatePortfolio(self, *_: object) -> None:
        """Positions come by `position`."""

    def accountDownloadEnd(self, account: str) -> None:
        """No more values."""
        if not self._elsewhere(account):
            self.end_listing("account values")

    # listings and prices

    def contractDetails(self, request: int, details: Any) -> None:
        """One listing that fits what was asked for."""
        self._details.setdefault(request, []).append(details)

    def contractDetailsEnd(self, request: int) -> None:
        """No more listings."""
        self.answer(request, self._details.pop(request, []))

    def marketDataType(self, request: int, kind: int) -> None:
        """Whether a ticker's data move."""
        ticker = self.tickers.get(request, "")
        if kind in FROZEN:
            self._frozen.add(ticker)
            self._tell(self._ticks.lost(ticker, self._now()) if ticker else [])
        else:
            self._frozen.discard(ticker)

    def priceSizeTick(self, request: int, kind: int, price: float, size: float) -> None:
        """A price; other than the last trade's it is of no use here."""
        ticker = self.tickers.get(request)
        if ticker and kind in LAST:
            self._tell(self._ticks.priced(ticker, math.nan if ticker in self._frozen else price, self._now()))

    def tickSize(self, request: int, kind: int, size: float) -> None:
        """The session's volume, or another size."""
        ticker = self.tickers.get(request)
        if ticker and kind in VOLUME:
            self._tell(self._ticks.traded(ticker, size, self._now()))

    def tickGeneric(self, request: int, kind: int, value: float) -> None:
        """Whether trading is halted, or another number."""
        ticker = self.tickers.get(request)
        if ticker and kind in HALTED:
            self._tell(self._ticks.halted(ticker, value, self._now()))

    def _tell(self, ticks: list[Tick]) -> None:
        for tick in ticks:
            self._events.put_nowait(tick)

    def _told(self, order_id: int, report: Report) -> heard.Known:
        found = self.orders.find(perm_id=report.perm_id, client_id=report.client_id, order_id=order_id)
        before = found.report if found else None
        known = self.orders.told(order_id, report, certain="open orders" in self.asked)
        known.listed = self.reading.number
        if known.report != before:
            self._events.put_nowait(known.report)
        return known

    def _elsewhere(self, account: str) -> bool:
        return bool(account and self.account and account != self.account)


def _report(contract: Any, order: Any, state: Any, *, client_id: int) -> Report:
    """An order as the library read it, in our words."""
    word = heard.STATES.get(state.status, State.UNKNOWN)
    filled = order.filledQuantity if order.filledQuantity < heard.UNSET else 0.0
    shares = max(order.totalQuantity, filled)  # completed orders come with none in all
    if word is State.FILLED:
        filled = shares
    stop = None
    if order.orderType.startswith("STP") and order.auxPrice < heard.UNSET:
        stop = order.auxPrice
    elif order.orderType == "TRAIL" and order.trailStopPrice < heard.UNSET:
        stop = order.trailStopPrice
    return Report(
        ref=order.orderRef,
        perm_id=order.permId,
        client_id=client_id,
        ticker=heard.ticker(contract.symbol, contract.secType, contract.currency),
        side=Side.BUY if order.action.startswith("B") else Side.SELL,
        shares=shares,
        filled=filled,
        kind=order.orderType,
        stop=stop,
        state=word,
        reason=state.warningText or getattr(state, "completedStatus", ""),
    )
