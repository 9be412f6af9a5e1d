"""What the gateway says, laid out as TWS lays it out for server version 176."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from alphalib.gateway.orders import Commission, Contract, Execution, Order, Refusal
from alphalib.gateway.wire import ZONE, Field, names, reply

ZONE_NAME = "US/Eastern"  # as TWS calls it, though tz databases of today may have no such name
UNSET, UNSET_WHOLE = "1.7976931348623157E308", "2147483647"  # what TWS writes where nothing is set

_ORDER_HEAD = names("""
openClose origin orderRef clientId permId outsideRth hidden discretionaryAmt goodAfterTime sharesAllocation faGroup
faMethod faPercentage faProfile modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot
designatedLocation exemptCode auctionStrategy startingPrice stockRefPrice delta stockRangeLower stockRangeUpper
displaySize blockOrder sweepToFill allOrNone minQty ocaType eTradeOnly firmQuoteOnly nbboPriceCap parentId
triggerMethod volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice deltaNeutralConId
deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent deltaNeutralOpenClose
deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation continuousUpdate referencePriceType
trailStopPrice trailingPercent basisPoints basisPointsType comboLegsDescrip comboLegs orderComboLegs
smartComboRoutingParams scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement hedgeType optOutSmartRouting
clearingAccount clearingIntent notHeld deltaNeutralContract algoStrategy solicited whatIf
""")
_ORDER_TAIL = names("""
randomizeSize randomizePrice conditions adjustedOrderType triggerPrice trailStopPrice lmtPriceOffset adjustedStopPrice
adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit softDollarName softDollarValue softDollarDisplay
cashQty dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo duration postToAts
autoCancelParent minTradeQty minCompeteSize competeAgainstBestOffset midOffsetAtWhole midOffsetAtHalf
""")
_COMPLETED = names("""
openClose origin orderRef permId outsideRth hidden discretionaryAmt goodAfterTime faGroup faMethod faPercentage
faProfile modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode
startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize sweepToFill allOrNone minQty ocaType
triggerMethod volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice deltaNeutralConId
deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation continuousUpdate referencePriceType
trailStopPrice trailingPercent comboLegsDescrip comboLegs orderComboLegs smartComboRoutingParams scaleInitLevelSize
scaleSubsLevelSize scalePriceIncrement hedgeType clearingAccount clearingIntent notHeld deltaNeutralContract
algoStrategy solicited
""")
_COMPLETED_TAIL = names("""
randomizeSize randomizePrice conditions trailStopPrice lmtPriceOffset cashQty dontUseAutoPriceForHedge isOmsContainer
autoCancelDate filledQuantity refFuturesConId autoCancelParent shareholder imbalanceOnly routeMarketableToBbo
parentPermId completedTime completedStatus minTradeQty minCompeteSize competeAgainstBestOffset midOffsetAtWhole
midOffsetAtHalf
""")

_USUAL: dict[str, Field] = {
    **dict.fromkeys(
        names("""
        hidden discretionaryAmt shortSaleSlot auctionStrategy blockOrder sweepToFill allOrNone eTradeOnly
        firmQuoteOnly triggerMethod volatilityType deltaNeutralConId deltaNeutralShortSale deltaNeutralShortSaleSlot
        continuousUpdate referencePriceType comboLegs orderComboLegs smartComboRoutingParams optOutSmartRouting notHeld
        deltaNeutralContract solicited whatIf randomizeSize randomizePrice conditions adjustableTrailingUnit
        dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo autoCancelParent origin
        deltaNeutralAuxPrice refFuturesConId imbalanceOnly routeMarketableToBbo parentPermId"""),
        0,
    ),
    **dict.fromkeys(("minQty", "duration", "postToAts", "scaleInitLevelSize", "scaleSubsLevelSize"), UNSET_WHOLE),
    **dict.fromkeys(
        names("""
        trailStopPrice lmtPriceOffset triggerPrice adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount
        competeAgainstBestOffset midOffsetAtWhole midOffsetAtHalf"""),
        UNSET,
    ),
    "openClose": "",
    "clearingIntent": "IB",
    "exemptCode": -1,
    "deltaNeutralOrderType": "None",
    "deltaNeutralOpenClose": "?",
    "adjustedOrderType": "None",
    "shareholder": "Not an insider or substantial shareholder",
}
_ECHOED = frozenset(
    names("""openClose origin goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile modelCode rule80A
    settlingFirm shortSaleSlot designatedLocation displaySize blockOrder sweepToFill allOrNone minQty triggerMethod
    hidden discretionaryAmt percentOffset clearingAccount clearingIntent notHeld solicited randomizeSize randomizePrice
    cashQty duration postToAts autoCancelParent whatIf optOutSmartRouting""")
)


def error(refusal: Refusal) -> bytes:
    """An error or a warning about a request, an order, or nothing in particular."""
    return reply("error", 2, refusal.order_id, refusal.code, refusal.text, "")


def open_order(order: Order) -> bytes:
    """An order in full."""
    return reply(
        "openOrder",
        order.order_id,
        *_contract(order.contract, right="?"),
        *_order(order),
        *_named(order, _ORDER_HEAD),
        order.status,
        *[UNSET] * 9,
        *[None] * 3,
        None,
        None,
        *_named(order, _ORDER_TAIL),
    )


def order_status(order: Order) -> bytes:
    """Where an order stands."""
    return reply(
        "orderStatus",
        order.order_id,
        order.status,
        order.filled,
        order.remaining,
        order.average,
        order.perm_id,
        order.parent_id,
        order.last,
        order.client_id,
        order.held_for,
        0,
    )


def completed_order(order: Order, at: datetime) -> bytes:
    """An order that is over, as the listing of completed orders has it: without its client's numbers."""
    words = {"Filled": f"Filled Size: {order.filled:g}", "Cancelled": "Cancelled by Trader", "Inactive": "Rejected"}
    ended: dict[str, Field] = {
        "filledQuantity": order.filled,
        "completedTime": moment(at),
        "completedStatus": words.get(order.status, str(order.status)),
        "deltaNeutralShortSale": 0,
    }
    return reply(
        "completedOrder",
        *_contract(order.contract, right="?"),
        *_order(order),
        *_named(order, _COMPLETED),
        order.status,
        *_named(order, _COMPLETED_TAIL, ended),
    )


def _order(order: Order) -> tuple[Field, ...]:
    return (
        order.action,
        order.quantity,
        order.kind,
        0 if order.limit is None else order.limit,
        0 if order.aux is None else order.aux,
        order.tif,
        order.oca_group,
        order.account,
    )


def _named(order: Order, wanted: Iterable[str], also: dict[str, Field] | None = None) -> list[Field]:
    """Fields of an order by name: what it says itself, what its client said, or what TWS usually says."""
    own: dict[str, Field] = {
        "orderRef": order.ref,
        "clientId": order.client_id,
        "permId": order.perm_id,
        "outsideRth": order.outside_rth,
        "ocaType": order.oca_type,
        "parentId": order.parent_id,
        "trailStopPrice": UNSET if order.trail_stop is None else order.trail_stop,
        "trailingPercent": order.percent,
        **(also or {}),
    }
    said = {name: order.echo[name] for name in _ECHOED & order.echo.keys() if order.echo[name]}
    known = {**_USUAL, **said, **own}
    return [known.get(name) for name in wanted]


def executed(execution: Execution, *, request: int = -1, utc: bool = False) -> bytes:
    """An execution; `request` −1 when it has just happened."""
    order = execution.order
    return reply(
        "execDetails",
        request,
        order.order_id,
        *_contract(order.contract, exchange=order.contract.exchange),
        execution.exec_id,
        moment(execution.at, utc=utc),
        order.account,
        order.contract.exchange,
        "BOT" if order.action == "BUY" else "SLD",
        execution.shares,
        execution.price,
        order.perm_id,
        order.client_id,
        0,
        execution.cumulative,
        execution.average,
        order.ref,
        None,
        None,
        None,
        2,  # took liquidity
    )


def commission(told: Commission) -> bytes:
    """What an execution cost."""
    realised = UNSET if told.realised is None else told.realised
    return reply("commissionReport", 1, told.exec_id, told.commission, "USD", realised, UNSET, None)


def position(account: str, contract: Contract, shares: float, cost: float) -> bytes:
    """A position, with its average cost a share. [shares], [currency]"""
    return reply("position", 3, account, *_contract(contract, exchange=""), shares, cost)


def portfolio_item(
    account: str, contract: Contract, shares: float, cost: float, price: float, realised: float
) -> bytes:
    """A position at its last price, as account updates have it."""
    return reply(
        "updatePortfolio",
        8,
        contract.con_id,
        contract.symbol,
        "STK",
        None,
        0,
        "0",
        None,
        contract.exchange,
        contract.currency,
        contract.symbol,
        _trading_class(contract),
        shares,
        price,
        round(shares * price, 4),
        cost,
        round(shares * (price - cost), 4),
        realised,
        account,
    )


def contract_details(request: int, contract: Contract, *, trading: str, liquid: str) -> bytes:
    """A contract in full; trading hours as text, see `market_data.hours`."""
    name = contract.name or contract.symbol
    exchanges = ",".join(dict.fromkeys(("SMART", contract.exchange)))
    types = "ACTIVETIM,DAY,GTC,LMT,MKT,STP,STPLMT,TRAIL,OCA,WHATIF"
    head = (contract.symbol, "STK", None, 0, None, "SMART", contract.currency, contract.symbol)
    listing = (_trading_class(contract), _trading_class(contract), contract.con_id, contract.min_tick)
    words = (None, types, exchanges, 1, 0, name.encode("unicode-escape").decode(), contract.exchange, None)
    sector = (None, None, None)
    rules = (None, 0, 0, 1, None, None, "26", None, "COMMON", 0.0001, 0.0001, 100)
    return reply("contractDetails", request, *head, *listing, *words, *sector, ZONE_NAME, trading, liquid, *rules)


def historical_data(request: int, start: str, end: str, bars: Iterable[tuple[Field, ...]]) -> bytes:
    """Bars: date, open, high, low, close, volume, average, count."""
    rows = list(bars)
    return reply("historicalData", request, start, end, len(rows), *(field for row in rows for field in row))


def moment(at: datetime, *, utc: bool = False) -> str:
    """An instant as TWS writes it: with the exchange's zone, or, if it is set so, in UTC with a dash."""
    return f"{at.astimezone(UTC):%Y%m%d-%H:%M:%S}" if utc else f"{at.astimezone(ZONE):%Y%m%d %H:%M:%S} {ZONE_NAME}"


def _contract(contract: Contract, *, exchange: str = "SMART", right: str = "") -> tuple[Field, ...]:
    return (
        contract.con_id,
        contract.symbol,
        "STK",
        None,
        0,
        right,
        None,
        exchange,
        contract.currency,
        contract.symbol,
        _trading_class(contract),
    )


def _trading_class(contract: Contract) -> str:
    return "NMS" if contract.exchange == "NASDAQ" else contract.symbol
