"""Frames of the TWS protocol: a big-endian length, then NUL-terminated text; and what each message is called."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from typing import TypeAlias
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")

SERVER_VERSION = 176
"""Spoken whatever the client offers, as long as its range holds it."""

Field: TypeAlias = str | int | float | bool | None

REQUESTS = {
    1: "reqMktData",
    2: "cancelMktData",
    3: "placeOrder",
    4: "cancelOrder",
    5: "reqOpenOrders",
    6: "reqAccountUpdates",
    7: "reqExecutions",
    8: "reqIds",
    9: "reqContractDetails",
    15: "reqAutoOpenOrders",
    16: "reqAllOpenOrders",
    17: "reqManagedAccts",
    20: "reqHistoricalData",
    25: "cancelHistoricalData",
    49: "reqCurrentTime",
    58: "reqGlobalCancel",
    59: "reqMarketDataType",
    61: "reqPositions",
    62: "reqAccountSummary",
    63: "cancelAccountSummary",
    64: "cancelPositions",
    71: "startApi",
    76: "reqAccountUpdatesMulti",
    77: "cancelAccountUpdatesMulti",
    92: "reqPnL",
    93: "cancelPnL",
    94: "reqPnLSingle",
    95: "cancelPnLSingle",
    99: "reqCompletedOrders",
    104: "reqUserInfo",
}
"""What a client may ask, by the number on the wire; a fault names the message it waits for."""

REPLIES = {
    1: "tickPrice",
    2: "tickSize",
    3: "orderStatus",
    4: "error",
    5: "openOrder",
    6: "updateAccountValue",
    7: "updatePortfolio",
    8: "updateAccountTime",
    9: "nextValidId",
    10: "contractDetails",
    11: "execDetails",
    15: "managedAccounts",
    17: "historicalData",
    45: "tickGeneric",
    46: "tickString",
    49: "currentTime",
    52: "contractDetailsEnd",
    53: "openOrderEnd",
    54: "accountDownloadEnd",
    55: "execDetailsEnd",
    57: "tickSnapshotEnd",
    58: "marketDataType",
    59: "commissionReport",
    61: "position",
    62: "positionEnd",
    63: "accountSummary",
    64: "accountSummaryEnd",
    73: "accountUpdateMulti",
    74: "accountUpdateMultiEnd",
    81: "tickReqParams",
    94: "pnl",
    95: "pnlSingle",
    101: "completedOrder",
    102: "completedOrdersEnd",
    107: "userInfo",
}
"""What the gateway may say, by the number on the wire."""

_NUMBERS = {name: number for number, name in REPLIES.items()}


def reply(name: str, *fields: Field) -> bytes:
    """A message of the gateway as it travels."""
    return frame((_NUMBERS[name], *fields))


def frame(fields: Iterable[Field]) -> bytes:
    """Fields behind the length of all of them."""
    body = "".join([f"{text(field)}\0" for field in fields]).encode()
    return struct.pack(">I", len(body)) + body


def text(field: Field) -> str:
    """A field as text: nothing for what is not set, 1 and 0 for yes and no, no decimals for whole numbers."""
    if field is None:
        return ""
    if isinstance(field, bool):
        return "1" if field else "0"
    if isinstance(field, float) and field.is_integer() and abs(field) < 1e15:
        return str(int(field))
    return str(field)


def names(text: str) -> list[str]:
    """Names of fields, written as words in a row."""
    return text.split()


def number(field: str) -> float | None:
    """A price or quantity that a client sent; None where it is not set: empty, Infinite, or the largest double."""
    value = float(field) if field not in ("", "Infinite") else math.nan
    return value if math.isfinite(value) and value < 1e300 else None


def whole(field: str) -> int:
    """A count that a client sent; 0 where it is not set."""
    return int(field) if field else 0


class Frames:
    """Bytes as they come in, cut into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def handshake(self, data: bytes = b"") -> str | None:
        """Range of versions of a client's first message, such as v157..176; None while it is not complete.

        Raises
        ------
        ValueError
            When the peer speaks something else.
        """
        self._rest += data
        if not b"API\0".startswith(self._rest[:4]):
            raise ValueError(f"expected API, got {bytes(self._rest[:4])!r}")
        if len(self._rest) < 8:
            return None
        length = struct.unpack_from(">I", self._rest, 4)[0]
        if len(self._rest) < 8 + length:
            return None
        offered = bytes(self._rest[8 : 8 + length]).decode()
        del self._rest[: 8 + length]
        return offered

    def messages(self, data: bytes = b"") -> Iterator[list[str]]:
        """Fields of each message that is complete by now."""
        self._rest += data
        while len(self._rest) >= 4:
            end = 4 + struct.unpack_from(">I", self._rest)[0]
            if len(self._rest) < end:
                return
            fields = bytes(self._rest[4:end]).decode(errors="backslashreplace").split("\0")
            del self._rest[:end]
            yield fields[:-1]
