"""What clients send, read into our words: orders and contracts by the names of their fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alphalib.gateway.orders import Contract, Order
from alphalib.gateway.wire import ZONE, names, number, whole

CONTRACT = names(
    "conId symbol secType lastTradeDateOrContractMonth strike right multiplier exchange primaryExchange currency "
    "localSymbol tradingClass"
)

_ORDER = names("""
secIdType secId action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef transmit
parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden sharesAllocation discretionaryAmt
goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile modelCode shortSaleSlot designatedLocation exemptCode
ocaType rule80A settlingFirm allOrNone minQty percentOffset eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy
startingPrice stockRefPrice delta stockRangeLower stockRangeUpper overridePercentageConstraints volatility
volatilityType deltaNeutralOrderType deltaNeutralAuxPrice
""")
_DELTA_NEUTRAL = names("""
deltaNeutralConId deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent
deltaNeutralOpenClose deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation
""")
_TRAIL_AND_SCALE = names("""
continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize scaleSubsLevelSize
scalePriceIncrement
""")
_SCALE = names("""
scalePriceAdjustValue scalePriceAdjustInterval scaleProfitOffset scaleAutoReset scaleInitPosition scaleInitFillQty
scaleRandomPercent
""")
_CLEARING = names("optOutSmartRouting clearingAccount clearingIntent notHeld")
_MISCELLANEOUS = names("algoId whatIf orderMiscOptions solicited randomizeSize randomizePrice")
_TAIL = names("""
adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount
adjustableTrailingUnit extOperator softDollarName softDollarValue cashQty mifid2DecisionMaker mifid2DecisionAlgo
mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice
usePriceMgmtAlgo duration postToAts autoCancelParent advancedErrorOverride manualOrderTime
""")


class NotUnderstood(ValueError):  # noqa: N818 - what it says, not how bad it is
    """A request that cannot be read, or asks for what is not played here; code and text go back to the client."""

    def __init__(self, text: str, code: int = 321) -> None:
        super().__init__(text)
        self.code = code


class _Fields:
    """Fields of one message, taken by name and in order."""

    def __init__(self, fields: list[str]) -> None:
        self._rest: Iterator[str] = iter(fields)
        self.named: dict[str, str] = {}

    def take(self, *names: str) -> str:
        for name in names:
            try:
                self.named[name] = next(self._rest)
            except StopIteration:
                raise NotUnderstood(f"Error reading request: it ends before {name}", 320) from None
        return self.named[names[-1]]

    def skip(self, count: int) -> None:
        for _ in range(count):
            self.take("skipped")


@dataclass(frozen=True)
class Wanted:
    """A contract as a client means it: by number, or by symbol."""

    con_id: int
    symbol: str
    kind: str
    exchange: str
    primary: str
    currency: str

    def fits(self, contract: Contract) -> bool:
        """Whether it means this listing."""
        if self.con_id:
            return self.con_id == contract.con_id
        return (
            self.symbol == contract.symbol
            and self.kind in ("STK", "")
            and self.exchange in ("SMART", "", contract.exchange)
            and self.primary in ("", contract.exchange)
            and self.currency in ("", contract.currency)
        )


@dataclass(frozen=True)
class DataWanted:
    """A subscription to ticks, or one look at them."""

    request: int
    wanted: Wanted
    generic: str
    snapshot: bool


@dataclass(frozen=True)
class BarsWanted:
    """Historical bars: up to `end` (text as sent, empty for now), of a size, over a duration."""

    request: int
    wanted: Wanted
    end: str
    size: str
    duration: str
    regular: bool
    what: str
    as_epoch: bool
    keep: bool


@dataclass(frozen=True)
class ExecutionsWanted:
    """Executions of the day; an empty field lets everything through, as client 0 and no time do."""

    request: int
    client_id: int
    account: str
    after: datetime | None
    symbol: str
    side: str


def _wanted(named: dict[str, str]) -> Wanted:
    keys = ("symbol", "secType", "exchange", "primaryExchange", "currency")
    return Wanted(whole(named["conId"]), *(named[key] for key in keys))


def contract_details(fields: list[str]) -> tuple[int, Wanted]:
    """A reqContractDetails: id of the request, and what is meant."""
    read = _Fields(fields[2:])
    request = whole(read.take("request"))
    read.take(*CONTRACT)
    return request, _wanted(read.named)


def market_data(fields: list[str]) -> DataWanted:
    """A reqMktData."""
    read = _Fields(fields[2:])
    request = whole(read.take("request"))
    read.take(*CONTRACT)
    _only_shares(read.named)
    if read.take("deltaNeutral") == "1":
        read.skip(3)
    read.take("generic", "snapshot")
    return DataWanted(request, _wanted(read.named), read.named["generic"], read.named["snapshot"] == "1")


def historical_data(fields: list[str]) -> BarsWanted:
    """A reqHistoricalData."""
    read = _Fields(fields[1:])
    request = whole(read.take("request"))
    read.take(*CONTRACT)
    _only_shares(read.named)
    read.take("includeExpired", "end", "size", "duration", "regular", "what", "format", "keep")
    said = read.named
    return BarsWanted(
        request=request,
        wanted=_wanted(said),
        end=said["end"],
        size=said["size"],
        duration=said["duration"],
        regular=said["regular"] == "1",
        what=said["what"],
        as_epoch=said["format"] == "2",
        keep=said["keep"] == "1",
    )


def instant(said: str) -> datetime:
    """A date and time as clients write them: with a dash in UTC, else in New York's time."""
    try:
        head = datetime.strptime(said[:17].replace("-", " "), "%Y%m%d %H:%M:%S")
    except ValueError:
        raise NotUnderstood(f"Invalid date, time, or time-zone entered: {said}") from None
    return head.replace(tzinfo=UTC if "-" in said or said.endswith("UTC") else ZONE)


def executions(fields: list[str]) -> ExecutionsWanted:
    """A reqExecutions."""
    read = _Fields(fields[2:])
    read.take("request", "clientId", "account", "time", "symbol", "secType", "exchange", "side")
    said = read.named
    side = {"BOT": "BUY", "SLD": "SELL"}.get(said["side"], said["side"])
    after = instant(said["time"]) if said["time"] else None
    return ExecutionsWanted(
        whole(said["request"]), whole(said["clientId"]), said["account"], after, said["symbol"], side
    )


def place_order(fields: list[str]) -> dict[str, str]:
    """A placeOrder of a share: each field by its name.

    Raises
    ------
    NotUnderstood
        When the message ends too early, or is about something else than a share.
    """
    read = _Fields(fields[1:])
    read.take("orderId", *CONTRACT)
    _only_shares(read.named)
    read.take(*_ORDER)
    if read.named["deltaNeutralOrderType"]:  # TWS says "None" of a share's order, and clients say it back
        read.take(*_DELTA_NEUTRAL)
    if (number(read.take(*_TRAIL_AND_SCALE)) or 0) > 0:
        read.take(*_SCALE)
    if read.take("scaleTable", "activeStartTime", "activeStopTime", "hedgeType"):
        read.take("hedgeParam")
    read.take(*_CLEARING)
    if read.take("deltaNeutralContract") == "1":
        read.skip(3)
    if read.take("algoStrategy"):
        read.skip(2 * whole(read.take("algoParams")))
    read.take(*_MISCELLANEOUS)
    if whole(read.take("conditions")):
        raise NotUnderstood("Error validating request: conditional orders are not played here")
    read.take(*_TAIL)
    return read.named


def summary(fields: list[str]) -> dict[str, Any]:
    """What a ledger keeps of a placeOrder, whether it can be carried out or not."""
    try:
        named = place_order(fields)
        return {
            "order_id": whole(named["orderId"]),
            "account": named["account"],
            "ref": named["orderRef"],
            "symbol": named["symbol"],
            "action": named["action"],
            "quantity": number(named["totalQuantity"]) or 0.0,
            "kind": named["orderType"],
            "transmit": named["transmit"] == "1",
        }
    except ValueError:
        return {}


def order(named: dict[str, str], client_id: int, contract: Contract) -> Order:
    """The order that a client means; it has no number of the venue yet."""
    return Order(
        client_id=client_id,
        order_id=whole(named["orderId"]),
        perm_id=0,
        contract=contract,
        action=named["action"],
        quantity=number(named["totalQuantity"]) or 0.0,
        kind=named["orderType"],
        limit=number(named["lmtPrice"]),
        aux=number(named["auxPrice"]),
        percent=number(named["trailingPercent"]),
        trail_stop=number(named["trailStopPrice"]),
        tif=named["tif"],
        oca_group=named["ocaGroup"],
        oca_type=whole(named["ocaType"]),
        account=named["account"],
        ref=named["orderRef"],
        parent_id=whole(named["parentId"]),
        transmit=named["transmit"] == "1",
        outside_rth=named["outsideRth"] == "1",
        echo=named,
    )


def wanted(named: dict[str, str]) -> Wanted:
    """The contract of a placeOrder."""
    return _wanted(named)


def _only_shares(named: dict[str, str]) -> None:
    if named["secType"] not in ("STK", ""):
        raise NotUnderstood(f"No security definition has been found for the request: {named['secType']}", 200)
