"""Orders and fills of one session as they are known, and what they make of positions and cash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from alphalib.decision.shapes import Rule
from alphalib.execute.broker import Fill, Report, Side, Truth
from alphalib.execute.desk.known import Known
from alphalib.execute.desk.reconcile import Reconciled, Verdict, is_news, reconcile
from alphalib.execute.journal.journal import Journal, Record
from alphalib.execute.refs import Role


class Orders:
    """Orders of ours: those of the session, and of earlier ones those that were not over.

    Parameters
    ----------
    journal : Journal
        Where they are read from.
    session : str
        As 2024-03-08.
    """

    def __init__(self, journal: Journal, session: str) -> None:
        self._session = session
        standings = journal.standings()
        self.by_ref: dict[str, Known] = {}
        self._by_ticker: dict[str, list[Known]] = {}
        for intent in journal.intents():
            standing = standings.get(intent.ref)
            if intent.session == session or standing is None or not standing.state.over:
                self.add(Known.of(intent, standing))
        for amendment in journal.amendments():
            if amendment.ref in self.by_ref and amendment.stop is None:
                self.by_ref[amendment.ref].ending = True
        fills = journal.fills()
        self.fills: dict[str, Fill] = {fill.root: fill for fill in fills if self._present(fill)}
        self._fills_of: dict[str, dict[str, Fill]] = {}
        for fill in self.fills.values():
            self._fills_of.setdefault(fill.ticker, {})[fill.root] = fill
        self._before: dict[str, float] = {}  # executed in earlier sessions, by ref
        for fill in fills:
            if fill.root not in self.fills:
                self._before[fill.ref] = self._before.get(fill.ref, 0.0) + fill.shares
        self.strange: dict[str, Fill] = {}
        for order in self.by_ref.values():
            self._refill(order.ref, order.since)

    def add(self, order: Known) -> None:
        """One more."""
        self.by_ref[order.ref] = order
        self._by_ticker.setdefault(order.ticker, []).append(order)

    def of(self, ticker: str) -> tuple[Known, ...]:
        """All of a name, in the order they were intended."""
        return tuple(self._by_ticker.get(ticker, ()))

    @property
    def tickers(self) -> set[str]:
        """Names with an order."""
        return set(self._by_ticker)

    def change(self, ticker: str) -> int:
        """What this session's fills made of a position. [shares]"""
        executed = sum(map(_signed, self._fills_of.get(ticker, {}).values()))
        conceded = [order.sign * (order.filled - order.executed) for order in self.of(ticker)]
        return round(executed + sum(conceded))

    def bought(self, ticker: str) -> list[Fill]:
        """Purchases of a name in this session, by time."""
        fills = self._fills_of.get(ticker, {}).values()
        return sorted((fill for fill in fills if fill.side is Side.BUY), key=lambda fill: fill.at)

    def sold(self, ticker: str, role: Role) -> int:
        """Sold of a name by this session's orders of a role. [shares]"""
        mine = [order for order in self.of(ticker) if order.role is role and order.intent.session == self._session]
        return round(sum(order.filled for order in mine))

    def stop_proceeds(self) -> float:
        """What stops, a collapse or a gain brought in this session. [currency]"""
        rules = {Rule.COLLAPSE.label, Rule.INTRADAY_PROFIT.label}
        sales = {ref for ref, order in self.by_ref.items() if order.role is Role.STOP or order.intent.rule in rules}
        return sum(fill.shares * fill.price for fill in self.fills.values() if fill.ref in sales)

    # Told

    def told(self, report: Report, now: datetime) -> list[Record]:
        """The broker spoke of an order of ours; returns what is new, for the journal."""
        order = self.by_ref[report.ref]
        before = order.as_now(now)
        order.told(report, now)
        after = order.as_now(now)
        return [] if before == after else [after]

    def filled(self, fill: Fill, now: datetime) -> list[Record]:
        """An execution of ours; returns what is new, for the journal."""
        if not self._present(fill) or not is_news(fill, self.fills):
            return []
        self.fills[fill.root] = fill
        self._fills_of.setdefault(fill.ticker, {})[fill.root] = fill
        self._refill(fill.ref, now)
        order = self.by_ref.get(fill.ref)
        return [fill] if order is None else [fill, order.as_now(now)]

    def strangely_filled(self, fill: Fill) -> bool:
        """An execution that is not ours; whether it is news."""
        news = is_news(fill, self.strange)
        self.strange[fill.root] = fill
        return news

    def lost(self) -> None:
        """The connection is gone."""
        for order in self.by_ref.values():
            order.lost()

    def learn(
        self, truth: Truth, *, began: datetime, now: datetime, tickers: Iterable[str]
    ) -> tuple[Reconciled, list[Record]]:
        """Take the truth over; returns what it said, and what of it is for the journal."""
        said = reconcile(
            truth,
            self.by_ref,
            self.fills,
            began=began,
            tickers=tickers,
            session=self._session,
        )
        records: list[Record] = list(said.found)
        for intent in said.found:
            order = Known.of(intent)
            order.read(said.reports[intent.ref], now)
            self.add(order)
            records.append(order.as_now(now))
        for fill in said.fills:
            records += self.filled(fill, now)
        for ref, verdict in said.verdicts.items():
            self._judge(self.by_ref[ref], verdict, said.reports.get(ref), now)
            records.append(self.by_ref[ref].as_now(now))
        for fill in said.foreign_fills:
            self.strange.setdefault(fill.root, fill)
        return said, records

    def _judge(self, order: Known, verdict: Verdict, report: Report | None, now: datetime) -> None:
        if report is not None:
            order.read(report, now)
        elif verdict is Verdict.OVER:
            order.gone(now, arrived=True, reason="the broker has it no longer")
        elif verdict is Verdict.NEVER_ARRIVED:
            order.gone(now, arrived=False, reason="it never arrived")
        else:
            order.doubted(now)

    def settle(self, ticker: str, difference: float) -> tuple[list[Known], float]:
        """After positions were read: nothing more is waited for. What was reported without an execution counts when the
        broker's position shows it; returns such orders, and the difference that is left. [shares]
        """
        ahead = [order for order in self.of(ticker) if order.reported > order.filled]
        for order in ahead:
            order.excused = True
        excess = sum(order.sign * (order.reported - order.filled) for order in ahead)
        if not ahead or not difference or round(excess - difference):
            return [], difference
        for order in ahead:
            order.conceded = order.reported
        return ahead, 0.0

    def _refill(self, ref: str, now: datetime) -> None:
        order = self.by_ref.get(ref)
        if order is not None:
            mine = self._fills_of.get(order.ticker, {}).values()
            executed = sum(fill.shares for fill in mine if fill.ref == ref)
            order.refilled(self._before.get(ref, 0.0) + executed, now)

    def _present(self, fill: Fill) -> bool:
        """Whether it is of this session, whose regular hours lie within one day of UTC."""
        return f"{fill.at.astimezone(UTC):%Y-%m-%d}" == self._session


def _signed(fill: Fill) -> float:
    return fill.shares if fill.side is Side.BUY else -fill.shares
