"""What a TWS says, put into our words: pure, and without the library that read it from the wire."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alphalib.execute.broker import Report, State, Tick, Ticket

UNSET = 1e300
"""TWS says "no number" with the largest double; nothing that is meant comes near."""

STATES = {
    "ApiPending": State.WORKING,
    "PendingSubmit": State.WORKING,
    "PreSubmitted": State.WORKING,
    "Submitted": State.WORKING,
    "PendingCancel": State.WORKING,  # it can still fill
    "Filled": State.FILLED,
    "Cancelled": State.CANCELLED,
    "ApiCancelled": State.CANCELLED,
    "Inactive": State.REJECTED,
}

RENAMED = {"US/Eastern": "America/New_York", "US/Central": "America/Chicago", "US/Pacific": "America/Los_Angeles"}
"""Names that TWS uses and newer systems know no more."""

EXECUTED = re.compile(r"(\d{8})[ -]+(\d\d:\d\d:\d\d)(?: (\S+))?")

HARMLESS = {399}
"""Codes about an order that say nothing of its state; the 2100s too. After any other the order is asked for."""


def ticker(symbol: str, kind: str, currency: str) -> str:
    """The market's column of a contract; what is no share in dollars gets a name that no column has."""
    if kind not in ("STK", ""):
        return f"{symbol}:{kind}"
    return symbol.replace(" ", "-") if currency in ("USD", "") else f"{symbol}:{currency}"


def symbol(ticker: str) -> str:
    """The broker's spelling of a column: BRK-B is BRK B."""
    return ticker.replace("-", " ")


def price(number: float) -> float:
    """NaN for what is no price: −1, 0, infinite."""
    return number if math.isfinite(number) and 0 < number < UNSET else math.nan


def doubtful(code: int) -> bool:
    """Whether an error about an order leaves its state open."""
    return code not in HARMLESS and not 2100 <= code < 2200


def instant(text: str, now: datetime) -> datetime:
    """Time of an execution, in UTC.

    It comes as `20231203 20:15:20 US/Eastern` or, without a zone, in UTC as `20231116-12:15:35`. A fill must not be
    lost for its time: with a zone that nobody knows, or a text that is no time, it is `now`.
    """
    read = EXECUTED.fullmatch(text)
    if read is None:
        return now
    try:
        zone = _zone(read[3]) if read[3] else UTC
        return datetime.strptime(read[1] + read[2], "%Y%m%d%H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, ZoneInfoNotFoundError):
        return now


def _zone(name: str) -> tzinfo:
    return ZoneInfo(RENAMED.get(name, name))


def sessions(text: str, zone: str) -> tuple[tuple[datetime, datetime], ...]:
    """Opening and closing, in UTC, from `20261127:0930-20261127:1300;20261128:CLOSED`; the end may have no date."""
    here = _zone(zone)

    def at(date: str, clock: str) -> datetime:
        return datetime.strptime(date + clock, "%Y%m%d%H%M").replace(tzinfo=here).astimezone(UTC)

    spans = []
    for part in filter(None, text.split(";")):
        date, _, rest = part.partition(":")
        for span in filter(lambda s: s and s != "CLOSED", rest.split(",")):
            start, _, end = span.partition("-")
            last, _, clock = end.rpartition(":")
            spans.append((at(date, start.rpartition(":")[2]), at(last or date, clock)))
    return tuple(spans)


def unheard(client_id: int, ticket: Ticket) -> Report:
    """An order of ours of which the broker has not spoken."""
    return Report(
        ref=ticket.ref,
        perm_id=0,
        client_id=client_id,
        ticker=ticket.ticker,
        side=ticket.side,
        shares=ticket.shares,
        filled=0,
        kind=ticket.kind,
        stop=ticket.stop,
        state=State.UNKNOWN,
    )


@dataclass
class Known:
    """An order as far as this connection was told of it.

    Parameters
    ----------
    order_id, parent_id : int
        Its client's numbers; 0 where it has none, and before it is written.
    report : Report
        The newest, in our words.
    group : tuple of str and int
        OCA group and type, which a change must repeat.
    written : bool
        Whether its placing left us.
    listed : int
        Number of the last reading that found it among the open or completed orders.
    """

    order_id: int
    report: Report
    parent_id: int = 0
    group: tuple[str, int] = ("", 0)
    written: bool = True
    listed: int = 0


@dataclass
class Orders:
    """Everything heard of orders, by the broker's number and by the client's. A number given anew is another order."""

    by_perm: dict[int, Known] = field(default_factory=dict)
    by_id: dict[tuple[int, int], Known] = field(default_factory=dict)
    queued: list[Known] = field(default_factory=list)

    def __iter__(self) -> Iterator[Known]:
        seen = {id(known): known for known in (*self.by_perm.values(), *self.by_id.values(), *self.queued)}
        return iter(seen.values())

    def find(self, *, perm_id: int, client_id: int, order_id: int) -> Known | None:
        """The order that is meant: `perm_id` decides, since numbers of clients come again after a restart."""
        if perm_id in self.by_perm:
            return self.by_perm[perm_id]
        known = self.by_id.get((client_id, order_id))
        return known if known and (not perm_id or not known.report.perm_id) else None

    def by_ref(self, ref: str) -> Known | None:
        """The order under this name: one that is not over before one that is."""
        found = [known for known in self if known.report.ref == ref]
        return min(found, key=lambda known: known.report.state.over, default=None)

    def queue(self, client_id: int, ticket: Ticket) -> Known:
        """An order of ours that is to go out."""
        known = Known(0, unheard(client_id, ticket), written=False)
        self.queued.append(known)
        return known

    def write(self, known: Known, order_id: int, parent_id: int) -> None:
        """It goes out now; numbers are given in the order of writing, for TWS takes none below one that it has seen."""
        self.queued.remove(known)
        known.order_id, known.parent_id, known.written = order_id, parent_id, True
        self.by_id[known.report.client_id, order_id] = known

    def told(self, order_id: int, report: Report, *, certain: bool = False) -> Known:
        """The broker describes an order wholly; `certain` when it was asked, so that no message is late."""
        known = self.find(perm_id=report.perm_id, client_id=report.client_id, order_id=order_id)
        if known is None:
            known = Known(order_id, report)
        else:
            before = known.report
            client_id = before.client_id if before.client_id >= 0 else report.client_id
            reason = report.reason or (
                before.reason if report.state is before.state else ""
            )  # it says not why one waits
            known.report = _joined(before, _with(report, client_id=client_id, reason=reason), certain=certain)
        self._file(known)
        return known

    def status(
        self, *, perm_id: int, client_id: int, order_id: int, word: str, filled: float, remaining: float, why: str
    ) -> Known | None:
        """The broker says how an order stands; None when it never described it: then the truth will."""
        known = self.find(perm_id=perm_id, client_id=client_id, order_id=order_id)
        if known is None:
            return None
        state = STATES.get(word, State.UNKNOWN)
        if state is State.FILLED and remaining > 0:
            state = State.WORKING
        known.report = _joined(
            known.report,
            _with(known.report, perm_id=perm_id or known.report.perm_id, filled=filled, state=state, reason=why),
        )
        self._file(known)
        return known

    def doubt(self, *, client_id: int, order_id: int, code: int, text: str) -> Known | None:
        """An error about an order: unless it is over, nobody knows how it stands until it is asked for."""
        known = self.find(perm_id=0, client_id=client_id, order_id=order_id)
        if known is not None and doubtful(code):
            state = known.report.state if known.report.state.over else State.UNKNOWN
            known.report = _with(known.report, state=state, reason=f"{code}: {text}")
        return known

    def _file(self, known: Known) -> None:
        if known.report.perm_id:
            self.by_perm[known.report.perm_id] = known
        if known.order_id and known.report.client_id >= 0:
            self.by_id[known.report.client_id, known.order_id] = known


def _with(report: Report, **changes: object) -> Report:
    return Report(**{**report.__dict__, **changes})


def _joined(before: Report, now: Report, *, certain: bool = False) -> Report:
    """What is heard later, though messages overtake each other and come twice.

    Filled stays filled, cancelled stays cancelled, and shares do not come back. A refused order may live again, but a
    late message can say so too: that is asked for.
    """
    state = now.state
    if before.state in (State.FILLED, State.CANCELLED):
        state = before.state
    elif before.state is State.REJECTED and not state.over and not certain:
        state = State.UNKNOWN
    reason = now.reason or (before.reason if state.over else "")
    return _with(now, state=state, reason=reason, filled=max(before.filled, now.filled))


@dataclass
class Ticks:
    """Prices and volumes, which come one by one, put together to prints: as many as were said, none twice."""

    last: dict[str, Tick] = field(default_factory=dict)
    pending: dict[str, Tick] = field(default_factory=dict)

    def priced(self, ticker: str, number: float, at: datetime) -> list[Tick]:
        """A price was said; its volume may follow."""
        ready = self.flush(ticker)
        before = self.last.get(ticker)
        volume, halted = (before.volume, before.halted) if before else (None, False)
        self.pending[ticker] = Tick(ticker, price(number), volume, at, halted)
        return ready

    def traded(self, ticker: str, volume: float, at: datetime) -> list[Tick]:
        """The session's volume was said: it belongs to the price before it."""
        waited = self.pending.pop(ticker, None)
        latest = waited or self.last.get(ticker) or Tick(ticker, math.nan, None, at)
        if not 0 <= volume < UNSET or volume == latest.volume:
            return self._out(latest) if waited else []
        return self._out(Tick(ticker, latest.price, volume, at, latest.halted))

    def halted(self, ticker: str, code: float, at: datetime) -> list[Tick]:
        """1 and 2 are halts, 0 none, −1 nobody knows."""
        ready = self.flush(ticker)
        latest = self.last.get(ticker) or Tick(ticker, math.nan, None, at)
        if (code > 0) == latest.halted:
            return ready
        return ready + self._out(Tick(ticker, latest.price, latest.volume, at, code > 0))

    def lost(self, ticker: str, at: datetime) -> list[Tick]:
        """There is no price any more."""
        ready = self.flush(ticker)
        latest = self.last.get(ticker) or Tick(ticker, math.nan, None, at)
        return ready + self._out(Tick(ticker, math.nan, latest.volume, at, latest.halted))

    def flush(self, *tickers: str) -> list[Tick]:
        """Prices that still wait for a volume, of these tickers or of all."""
        return [
            t
            for name in tickers or tuple(self.pending)
            if name in self.pending
            for t in self._out(self.pending.pop(name))
        ]

    def _out(self, tick: Tick) -> list[Tick]:
        self.last[tick.ticker] = tick
        return [tick]
