"""Lengths as recorded from TWS at server version 176, and what the library's own decoder makes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alphalib.gateway import replies
from alphalib.gateway.orders import Commission, Contract, Execution, Order, Refusal, Status
from alphalib.gateway.wire import Frames
from tests.gateway.port import ib

AT = datetime(2026, 3, 2, 15, 0, 1, tzinfo=UTC)
AAA = Contract(11, "AAA", exchange="NASDAQ", name="Añb Corp")
ORDER = Order(
    3, 8, 900, AAA, "SELL", 100.0, "TRAIL", aux=2.5, trail_stop=95.25, tif="GTC", oca_group="g", oca_type=2,
    account="DU1", ref="al-1", parent_id=7, outside_rth=True, status=Status.PRE_SUBMITTED, held_for="trigger",
    filled=40.0, average=101.5, last=101.0, echo={"minQty": "5", "openClose": "O", "tif": "DAY"},
)  # fmt: skip
DONE = Execution("0000e0d5.00000001.01.01", ORDER, 40.0, 101.5, AT, 40.0, 101.5)


def fields(message: bytes) -> list[str]:
    (found,) = Frames().messages(message)
    return found


class Heard:
    """What the library's decoder calls; a wrapper that only writes down."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.ib = ib.IB()
        self.defaultTimezone = UTC

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.calls.append((name, args))


def heard(message: bytes) -> tuple[Any, ...]:
    """Arguments of the one call that a message leads to in the library."""
    wrapper = Heard()
    ib.decoder.Decoder(wrapper, 176).interpret(fields(message))
    ((_, arguments),) = wrapper.calls
    return arguments


@pytest.mark.parametrize(
    ("message", "count"),
    [
        (replies.open_order(ORDER), 136),
        (replies.order_status(ORDER), 12),
        (replies.completed_order(ORDER, AT), 101),
        (replies.executed(DONE), 31),
        (replies.commission(Commission("x", 3, 1.0, None)), 8),
        (replies.error(Refusal(3, 8, 201, "no")), 6),
        (replies.position("DU1", AAA, 100.0, 99.5), 16),
        (replies.portfolio_item("DU1", AAA, 100.0, 99.5, 101.0, 0.0), 20),
        (replies.contract_details(4, AAA, trading="", liquid=""), 40),
        (replies.historical_data(4, "a", "b", [("20260302", 1.0, 2.0, 0.5, 1.5, 100.0, 1.2, 1)] * 2), 5 + 8 * 2),
    ],
    ids=["openOrder", "orderStatus", "completedOrder", "execDetails", "commissionReport", "error", "position",
         "updatePortfolio", "contractDetails", "historicalData"],
)  # fmt: skip
def test_a_message_is_as_long_as_tws_s(message: bytes, count: int):
    assert len(fields(message)) == count


def test_an_open_order_is_what_the_library_reads():
    number, contract, order, state = heard(replies.open_order(ORDER))
    assert number == order.orderId == 8
    assert (contract.conId, contract.symbol, contract.exchange, contract.tradingClass) == (11, "AAA", "SMART", "NMS")
    assert (order.clientId, order.permId, order.parentId, order.orderRef) == (3, 900, 7, "al-1")
    assert (order.action, order.totalQuantity, order.orderType, order.tif) == ("SELL", 100.0, "TRAIL", "GTC")
    assert (order.auxPrice, order.trailStopPrice, order.account) == (2.5, 95.25, "DU1")
    assert (order.ocaGroup, order.ocaType, order.outsideRth) == ("g", 2, True)
    assert (order.minQty, order.openClose) == (5, "O")  # what means nothing here comes back as it was sent
    assert (state.status, state.commission) == ("PreSubmitted", ib.util.UNSET_DOUBLE)
    assert order.cashQty == order.lmtPriceOffset == order.midOffsetAtHalf == ib.util.UNSET_DOUBLE
    assert order.duration == ib.util.UNSET_INTEGER


def test_a_completed_order_has_no_number_of_its_client():
    contract, order, state = heard(replies.completed_order(ORDER, AT))
    assert (order.orderId, order.clientId, order.permId, order.orderRef) == (0, 0, 900, "al-1")
    assert (order.filledQuantity, order.trailStopPrice, order.account) == (40.0, 95.25, "DU1")
    assert state.completedTime == "20260302 10:00:01 US/Eastern"
    assert contract.symbol == "AAA"


def test_an_order_s_state_is_what_the_library_reads():
    told = heard(replies.order_status(ORDER))
    assert told == (8, "PreSubmitted", 40.0, 60.0, 101.5, 900, 7, 101.0, 3, "trigger", 0.0)


@pytest.mark.parametrize(("utc", "said"), [(False, "20260302 10:00:01 US/Eastern"), (True, "20260302-15:00:01")])
def test_an_execution_is_what_the_library_reads(utc: bool, said: str):
    message = replies.executed(DONE, request=4, utc=utc)
    assert fields(message)[15] == said
    wrapper = Heard()
    wrapper.ib.TimezoneTWS = "UTC"
    ib.decoder.Decoder(wrapper, 176).interpret(fields(message))
    ((_, (request, contract, done)),) = wrapper.calls
    assert (request, contract.symbol, done.exchange, done.time) == (4, "AAA", "NASDAQ", AT)
    assert (done.execId, done.side, done.shares, done.price) == ("0000e0d5.00000001.01.01", "SLD", 40.0, 101.5)
    assert (done.orderId, done.permId, done.clientId, done.orderRef, done.acctNumber) == (8, 900, 3, "al-1", "DU1")
    assert (done.cumQty, done.avgPrice, done.lastLiquidity) == (40.0, 101.5, 2)


def test_what_a_purchase_realised_is_not_set():
    (report,) = heard(replies.commission(Commission("x", 3, 1.25, None)))
    assert (report.execId, report.commission, report.currency) == ("x", 1.25, "USD")
    assert report.realizedPNL == ib.util.UNSET_DOUBLE
    (report,) = heard(replies.commission(Commission("x", 3, 1.25, -7.5)))
    assert report.realizedPNL == -7.5


def test_a_position_and_a_contract_are_what_the_library_reads():
    account, contract, shares, cost = heard(replies.position("DU1", AAA, 100.0, 99.5))
    assert (account, contract.conId, shares, cost) == ("DU1", 11, 100.0, 99.5)
    _, details = heard(replies.contract_details(4, AAA, trading="x", liquid="y"))
    assert (details.longName, details.tradingHours, details.liquidHours) == ("Añb Corp", "x", "y")
    assert (details.contract.primaryExchange, details.minTick, details.stockType) == ("NASDAQ", 0.01, "COMMON")
