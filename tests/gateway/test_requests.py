"""What the client library really sends, read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from alphalib.gateway import requests
from alphalib.gateway.orders import Contract
from alphalib.gateway.requests import NotUnderstood, Wanted
from tests.gateway.port import ib


class Writer(ib.client.Client):
    """The library's client, that hands out what it would send."""

    def __init__(self) -> None:
        super().__init__(wrapper=object())
        self._serverVersion, self.connState = 176, self.CONNECTED
        self.written: list[str] = []

    def sendMsg(self, msg: str) -> None:
        self.written.append(msg)


def sent(ask: Callable[[Writer], None]) -> list[str]:
    """Fields of the one message that a client sends."""
    writer = Writer()
    ask(writer)
    (message,) = writer.written
    return message.split("\0")[:-1]


TRAIL = ib.Order(
    action="SELL", totalQuantity=7, orderType="TRAIL", auxPrice=2.5, trailStopPrice=90.25, tif="GTC", account="DU1",
    orderRef="al-1", parentId=3, ocaGroup="g", ocaType=2, outsideRth=True,
)  # fmt: skip
AAA = ib.Stock("AAA", "SMART", "USD", conId=11)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"deltaNeutralOrderType": "None", "deltaNeutralAuxPrice": 0.0},  # as recovered from TWS
        {"scalePriceIncrement": 0.5, "scaleInitLevelSize": 10},
        {"hedgeType": "D", "hedgeParam": "x"},
        {"algoStrategy": "Adaptive", "algoParams": [ib.TagValue("adaptivePriority", "Normal")]},
        {"minQty": 5, "goodTillDate": "20260302 16:00:00"},
    ],
    ids=lambda more: next(iter(more), "plain"),
)
def test_an_order_is_read_whatever_stands_between_its_fields(more: dict[str, Any]):
    order = ib.Order(**{**ib.util.dataclassAsDict(TRAIL), **more})
    named = requests.place_order(sent(lambda client: client.placeOrder(5, AAA, order)))
    read = requests.order(named, 2, Contract(11, "AAA"))
    assert (read.client_id, read.order_id, read.parent_id, read.ref) == (2, 5, 3, "al-1")
    assert (read.action, read.quantity, read.kind, read.tif, read.account) == ("SELL", 7.0, "TRAIL", "GTC", "DU1")
    assert (read.limit, read.aux, read.trail_stop, read.percent) == (None, 2.5, 90.25, None)
    assert (read.oca_group, read.oca_type, read.outside_rth, read.transmit) == ("g", 2, True, True)
    assert named["manualOrderTime"] == ""  # the last one: nothing has slipped
    assert named["usePriceMgmtAlgo"] == "0"


def test_what_is_not_played_is_refused_with_tws_s_code():
    with pytest.raises(NotUnderstood, match=r"No security definition.*OPT") as refusal:
        requests.place_order(sent(lambda client: client.placeOrder(5, ib.Option("AAA"), TRAIL)))
    assert refusal.value.code == 200
    when = ib.TimeCondition(isMore=True, time="20260302 12:00:00")
    waiting = ib.Order(**{**ib.util.dataclassAsDict(TRAIL), "conditions": [when]})
    with pytest.raises(NotUnderstood, match="conditional orders"):
        requests.place_order(sent(lambda client: client.placeOrder(5, AAA, waiting)))


def test_a_message_that_ends_too_early_says_where():
    fields = sent(lambda client: client.placeOrder(5, AAA, TRAIL))
    with pytest.raises(NotUnderstood, match="it ends before advancedErrorOverride") as refusal:
        requests.place_order(fields[:-2])
    assert refusal.value.code == 320
    assert requests.summary(fields[:-2]) == {}


def test_a_contract_is_meant_by_number_or_by_symbol():
    listed = Contract(11, "AAA", exchange="NYSE")
    assert Wanted(11, "", "", "", "", "").fits(listed)
    assert not Wanted(12, "AAA", "STK", "SMART", "", "USD").fits(listed)
    assert Wanted(0, "AAA", "STK", "SMART", "NYSE", "USD").fits(listed)
    assert not Wanted(0, "AAA", "STK", "SMART", "NASDAQ", "USD").fits(listed)
    assert not Wanted(0, "AAA", "STK", "SMART", "", "EUR").fits(listed)


def test_requests_for_data_and_executions():
    asked = requests.market_data(sent(lambda client: client.reqMktData(9, AAA, "233", False, False, [])))
    assert (asked.request, asked.wanted.con_id, asked.generic, asked.snapshot) == (9, 11, "233", False)
    bars = requests.historical_data(
        sent(
            lambda c: c.reqHistoricalData(
                9, AAA, "20260302 10:00:00 US/Eastern", "1 D", "1 min", "TRADES", True, 2, False, []
            )
        )
    )
    assert (bars.request, bars.size, bars.duration, bars.what) == (9, "1 min", "1 D", "TRADES")
    assert (bars.regular, bars.as_epoch, bars.keep) == (True, True, False)
    assert requests.instant(bars.end) == datetime(2026, 3, 2, 15, tzinfo=UTC)
    wanted = ib.ExecutionFilter(clientId=3, acctCode="DU1", time="20260302-14:30:00", symbol="AAA", side="SLD")
    filtered = requests.executions(sent(lambda client: client.reqExecutions(4, wanted)))
    assert (filtered.request, filtered.client_id, filtered.account, filtered.symbol) == (4, 3, "DU1", "AAA")
    assert filtered.side == "SELL"
    assert filtered.after is not None
    assert filtered.after.isoformat() == "2026-03-02T14:30:00+00:00"


@pytest.mark.parametrize(
    ("said", "hour"),
    [("20260302 10:00:00 US/Eastern", 15), ("20260302-10:00:00", 10), ("20260302 10:00:00 UTC", 10)],
)
def test_a_time_is_new_york_s_unless_it_says_utc(said: str, hour: int):
    assert requests.instant(said) == datetime(2026, 3, 2, hour, tzinfo=UTC)


def test_a_time_that_is_none_is_refused():
    with pytest.raises(NotUnderstood, match="Invalid date, time, or time-zone entered: noon"):
        requests.instant("noon")
