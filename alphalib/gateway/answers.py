"""What is answered to each request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from alphalib.gateway import replies, requests
from alphalib.gateway.audience import Audience
from alphalib.gateway.connection import Connection
from alphalib.gateway.faults import Act, Fault
from alphalib.gateway.market_data import DELAYED, LIVE, MOST_LINES, historical_bars, hours, ticks
from alphalib.gateway.orders import Contract
from alphalib.gateway.requests import NotUnderstood, Wanted
from alphalib.gateway.wire import reply, whole

Faults: TypeAlias = Sequence[Fault]
Message: TypeAlias = tuple[str, bytes]

NOT_SUBSCRIBED = "Requested market data is not subscribed."


def answer(audience: Audience, client: Connection, name: str, fields: list[str], faults: Faults) -> None:
    """Do what a message asks; what cannot be read or is not played is refused."""
    try:
        request = _request(name, fields)
        wrong = next((fault for fault in faults if fault.do is Act.ERROR), None)
        if wrong is not None:
            client.refuse(wrong.code or 321, wrong.text, about=request)
        else:
            _ANSWERS[name](audience, client, fields, faults)
    except NotUnderstood as error:
        client.refuse(error.code, str(error), about=request)
    except (ValueError, IndexError) as error:
        client.refuse(320, f"Error reading request: {error}", about=-1)


_AT = {1: 2, 2: 2, 3: 1, 4: 2, 7: 2, 9: 2, 20: 1, 25: 2, 62: 2, 63: 2, 76: 2, 77: 2, 92: 1, 93: 1, 94: 1, 95: 1, 104: 1}


def _request(name: str, fields: list[str]) -> int:
    """Number by which a request is answered; −1 where it has none."""
    at = _AT.get(int(fields[0]))
    return -1 if at is None else whole(fields[at])


def _find(audience: Audience, wanted: Wanted) -> Contract:
    found = next((contract for contract in audience.venue.contracts.values() if wanted.fits(contract)), None)
    if found is None:
        raise NotUnderstood("No security definition has been found for the request", 200)
    return found


def _list(client: Connection, rows: Iterable[Message], end: Message, faults: Faults) -> None:
    acts = {fault.do for fault in faults}
    if Act.EMPTY not in acts:
        for row in rows:
            client.send(*row)
    if Act.NO_END not in acts:
        client.send(*end)


# Orders


def _place_order(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    named = requests.place_order(fields)
    if named["whatIf"] == "1":
        raise NotUnderstood("Error validating request: what-if orders are not played here")
    contract = _find(audience, requests.wanted(named))
    order = requests.order(named, client.client_id, contract)
    by_act = {fault.do: fault for fault in faults}
    refusal = None
    if rejected := by_act.get(Act.REJECT):
        refusal = (rejected.code or 201, rejected.text or "Order rejected - reason:")
    audience.venue.place(order, audience.loop.now(), refusal=refusal)
    placed = audience.venue.order(client.client_id, order.order_id)
    if (rationed := by_act.get(Act.PARTIAL)) and placed is not None and not placed.status.over:
        audience.venue.ration(placed.perm_id, rationed.shares or 0.0)
    _warn(client, order.order_id, by_act.get(Act.WARN))


def _cancel_order(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    number = whole(fields[2])
    by_act = {fault.do: fault for fault in faults}
    if kept := by_act.get(Act.NOT_CANCELLED):
        text = kept.text or f"OrderId {number} that needs to be cancelled is not found."
        return client.refuse(kept.code or 10147, text, about=number)
    audience.venue.cancel(client.client_id, number, audience.loop.now())
    return _warn(client, number, by_act.get(Act.WARN))


def _warn(client: Connection, number: int, warning: Fault | None) -> None:
    if warning is not None:
        client.refuse(warning.code or 10349, warning.text, about=number)


def _cancel_all(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    audience.venue.cancel_all(audience.loop.now())


def _open_orders(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    everybody = whole(fields[0]) == 16
    rows: list[Message] = []
    for order in audience.venue.orders(None if everybody else client.client_id):
        rows += [("openOrder", replies.open_order(order)), ("orderStatus", replies.order_status(order))]
    _list(client, rows, ("openOrderEnd", reply("openOrderEnd", 1)), faults)


def _completed_orders(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    now = audience.loop.now()
    rows = [
        ("completedOrder", replies.completed_order(order, audience.ended.get(order.perm_id, now)))
        for order in audience.venue.completed()
    ]
    _list(client, rows, ("completedOrdersEnd", reply("completedOrdersEnd")), faults)


def _executions(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    asked = requests.executions(fields)
    rows: list[Message] = []
    for done, cost in audience.venue.executions():
        order = done.order
        fits = (
            asked.client_id in (0, order.client_id)
            and asked.account in ("", order.account)
            and asked.symbol in ("", order.contract.symbol)
            and asked.side in ("", order.action)
            and (asked.after is None or done.at >= asked.after)
        )
        if fits:
            message = replies.executed(done, request=asked.request, utc=audience.utc)
            rows += [("execDetails", message), ("commissionReport", replies.commission(cost))]
    _list(client, rows, ("execDetailsEnd", reply("execDetailsEnd", 1, asked.request)), faults)


# Accounts


def _positions(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    venue = audience.venue
    rows = [
        ("position", replies.position(account, venue.contracts[symbol], at.shares, at.cost))
        for account in venue.cash
        for symbol, at in sorted(venue.positions(account).items())
    ]
    _list(client, rows, ("positionEnd", reply("positionEnd", 1)), faults)
    audience.positions[client] = None


def _cancel_positions(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    audience.positions.pop(client, None)


def _account(audience: Audience, client: Connection, said: str) -> str:
    account = said or next(iter(client.accounts), "")
    if account not in client.accounts:
        raise NotUnderstood(f"Error validating request: Invalid account code '{account}'.")
    return account


def _account_updates(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    if fields[2] != "1":
        audience.updates.pop(client, None)
        return
    account = _account(audience, client, fields[3])
    audience.updates[client] = account
    audience.send_values(client, account)
    held = sorted(audience.venue.positions(account)) if account in audience.venue.cash else []
    rows = [("updatePortfolio", audience.item(account, symbol)) for symbol in held]
    _list(client, rows, ("accountDownloadEnd", reply("accountDownloadEnd", 1, account)), faults)


def _account_updates_multi(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    request, account = whole(fields[2]), _account(audience, client, fields[3])
    audience.multi[client, request] = account
    audience.send_multi(client, request, account)
    _list(client, [], ("accountUpdateMultiEnd", reply("accountUpdateMultiEnd", 1, request)), faults)


def _cancel_account_updates_multi(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    audience.multi.pop((client, whole(fields[2])), None)


def _account_summary(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    request, tags = whole(fields[2]), tuple(fields[4].split(","))
    audience.summaries[client, request] = tags
    audience.send_summary(client, request, tags)
    _list(client, [], ("accountSummaryEnd", reply("accountSummaryEnd", 1, request)), faults)


def _cancel_account_summary(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    audience.summaries.pop((client, whole(fields[2])), None)


def _profit(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    request, account = whole(fields[1]), fields[2]
    if account not in audience.venue.cash:
        raise NotUnderstood(f"Error validating request: Invalid account code '{account}'.")
    symbol = _by_number(audience, whole(fields[4])).symbol if whole(fields[0]) == 94 else ""
    audience.profits[client, request] = (account, symbol)
    audience.send_profit(client, request, account, symbol)


def _cancel_profit(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    audience.profits.pop((client, whole(fields[1])), None)


def _by_number(audience: Audience, con_id: int) -> Contract:
    return _find(audience, Wanted(con_id, "", "", "", "", ""))


# The market


def _market_data(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    asked = requests.market_data(fields)
    contract = _find(audience, asked.wanted)
    symbol, request = contract.symbol, asked.request
    lines = [number for watchers in audience.watchers.values() for of, number in watchers if of is client]
    if request in lines:
        raise NotUnderstood("Duplicate ticker id", 322)
    if len(lines) >= MOST_LINES and not asked.snapshot:
        raise NotUnderstood("Max number of tickers has been reached", 101)
    live = audience.live
    if not live and client.data_type in (1, 2):
        raise NotUnderstood(f"{NOT_SUBSCRIBED} Delayed market data is available.", 354)
    if not live:
        client.refuse(10167, f"{NOT_SUBSCRIBED} Displaying delayed market data.", about=request)
    numbers = LIVE if live else DELAYED
    client.send("marketDataType", reply("marketDataType", 1, request, 1 if live else 3), symbol=symbol)
    client.send("tickReqParams", reply("tickReqParams", request, contract.min_tick, None, 3), symbol=symbol)
    if not audience.cut_off:
        for name, message in ticks(request, audience.quotes[symbol].known(), numbers):
            client.send(name, message, symbol=symbol)
    if asked.snapshot:
        client.send("tickSnapshotEnd", reply("tickSnapshotEnd", 1, request), symbol=symbol)
    else:
        audience.watchers[symbol][client, request] = numbers


def _cancel_market_data(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    for watchers in audience.watchers.values():
        watchers.pop((client, whole(fields[2])), None)


def _market_data_type(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    client.data_type = whole(fields[2])


def _historical_data(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    asked = requests.historical_data(fields)
    contract, now = _find(audience, asked.wanted), audience.loop.now()
    if asked.what != "TRADES" or asked.keep:
        raise NotUnderstood("Error validating request: only TRADES, and only once, are played here")
    if client.pacing.too_many_bars(audience.loop.time(), contract.symbol, asked):
        raise NotUnderstood(
            "Historical Market Data Service error message:Historical data request pacing violation", 162
        )
    bars = historical_bars(audience.playback, contract.symbol, asked, now)
    if not bars:
        text = f"HMDS query returned no data: {contract.symbol}@SMART Trades"
        raise NotUnderstood(f"Historical Market Data Service error message:{text}", 162)
    end = replies.moment(now)
    message = replies.historical_data(asked.request, end, end, bars)
    client.send("historicalData", message, symbol=contract.symbol)


def _contract_details(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    request, wanted = requests.contract_details(fields)
    contract, day = _find(audience, wanted), audience.playback.session
    trading, liquid = hours(day, extended=True), hours(day)
    message = replies.contract_details(request, contract, trading=trading, liquid=liquid)
    end = ("contractDetailsEnd", reply("contractDetailsEnd", 1, request))
    _list(client, [("contractDetails", message)], end, faults)


# The rest


def _current_time(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    client.send("currentTime", reply("currentTime", 1, int(audience.loop.now().timestamp())))


def _ids(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    client.send("nextValidId", reply("nextValidId", 1, audience.venue.next_id(client.client_id)))


def _managed(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    client.send("managedAccounts", reply("managedAccounts", 1, ",".join(client.accounts)))


def _user(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    client.send("userInfo", reply("userInfo", whole(fields[1]), ""))


def _nothing(audience: Audience, client: Connection, fields: list[str], faults: Faults) -> None:
    """Taken note of; there is nothing to say."""


_ANSWERS: dict[str, Callable[[Audience, Connection, list[str], Faults], None]] = {
    "reqMktData": _market_data,
    "cancelMktData": _cancel_market_data,
    "placeOrder": _place_order,
    "cancelOrder": _cancel_order,
    "reqOpenOrders": _open_orders,
    "reqAccountUpdates": _account_updates,
    "reqExecutions": _executions,
    "reqIds": _ids,
    "reqContractDetails": _contract_details,
    "reqAutoOpenOrders": _nothing,
    "reqAllOpenOrders": _open_orders,
    "reqManagedAccts": _managed,
    "reqHistoricalData": _historical_data,
    "cancelHistoricalData": _nothing,
    "reqCurrentTime": _current_time,
    "reqGlobalCancel": _cancel_all,
    "reqMarketDataType": _market_data_type,
    "reqPositions": _positions,
    "reqAccountSummary": _account_summary,
    "cancelAccountSummary": _cancel_account_summary,
    "cancelPositions": _cancel_positions,
    "reqAccountUpdatesMulti": _account_updates_multi,
    "cancelAccountUpdatesMulti": _cancel_account_updates_multi,
    "reqPnL": _profit,
    "cancelPnL": _cancel_profit,
    "reqPnLSingle": _profit,
    "cancelPnLSingle": _cancel_profit,
    "reqCompletedOrders": _completed_orders,
    "reqUserInfo": _user,
}
