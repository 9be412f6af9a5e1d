"""What became of each order, by the broker's own account of everything: pure.

An order is what the truth says it is. One that a complete truth does not have is over when the broker once spoke of it;
one that it never spoke of has never arrived, once it is long enough ago that it was sent. Anything that an incomplete
truth does not have stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alphalib.execute.broker import Fill, Held, Kind, Report, Side, State, Ticket, Truth
from alphalib.execute.desk.known import ARRIVES_WITHIN, Known
from alphalib.execute.journal.journal import Intent
from alphalib.execute.refs import foreign, parts_of


class Verdict(StrEnum):
    """What became of an intent."""

    ADOPTED = "adopted"  # works at the broker
    OVER = "over"
    FILLED = "filled"
    NEVER_ARRIVED = "never arrived"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reconciled:
    """What a truth says.

    Parameters
    ----------
    verdicts : mapping of str to Verdict
        By ref, of every order that was not over or that the truth has otherwise.
    reports : mapping of str to Report
        Of those that it has.
    found : tuple of Intent
        Orders under refs of ours that no journal knows.
    fills : tuple of Fill
        Ours that are new, or corrections.
    foreign_fills : tuple of Fill
        Of others.
    foreign : tuple of Report
        Living orders of others.
    strangers : tuple of Held
        Positions in names that are none of ours.
    """

    verdicts: Mapping[str, Verdict]
    reports: Mapping[str, Report]
    found: tuple[Intent, ...]
    fills: tuple[Fill, ...]
    foreign_fills: tuple[Fill, ...]
    foreign: tuple[Report, ...]
    strangers: tuple[Held, ...]


def reconcile(
    truth: Truth,
    orders: Mapping[str, Known],
    fills: Mapping[str, Fill],
    *,
    began: datetime,
    tickers: Iterable[str],
    session: str,
) -> Reconciled:
    """Compare what is known with the truth.

    Parameters
    ----------
    truth : Truth
        As read.
    orders : mapping of str to Known
        Ours, by ref.
    fills : mapping of str to Fill
        Known, by root.
    began : datetime
        When the reading began: what was sent later is not judged.
    tickers : iterable of str
        Names that are ours to trade.
    session : str
        For orders that no journal knows.
    """
    reports = {report.ref: report for report in truth.orders if not foreign(report.ref)}
    found = tuple(_adopted(report, session, truth.at) for ref, report in reports.items() if ref not in orders)
    judged = {ref: order for ref, order in orders.items() if order.asked is None or order.asked < began}
    verdicts = {ref: _verdict(order, reports.get(ref), truth, began) for ref, order in judged.items()}
    ours = set(tickers) | {order.ticker for order in orders.values()} | {intent.ticket.ticker for intent in found}
    new = [fill for fill in truth.fills if is_news(fill, fills)]
    return Reconciled(
        verdicts={ref: verdict for ref, verdict in verdicts.items() if verdict is not None},
        reports=reports,
        found=found,
        fills=tuple(fill for fill in new if not foreign(fill.ref)),
        foreign_fills=tuple(fill for fill in truth.fills if foreign(fill.ref)),
        foreign=tuple(report for report in truth.orders if foreign(report.ref) and not report.state.over),
        strangers=tuple(held for held in truth.held if held.ticker not in ours and held.shares),
    )


def is_news(fill: Fill, known: Mapping[str, Fill]) -> bool:
    """Whether an execution is not known yet, or corrects what is."""
    before = known.get(fill.root)
    return before is None or before.revision < fill.revision


def _verdict(order: Known, report: Report | None, truth: Truth, began: datetime) -> Verdict | None:
    """None where nothing is to be learned: it is over, and the truth does not have it or has it so."""
    if report is not None:
        if order.over and report.state is order.state:
            return None
        if not report.state.over:
            return Verdict.ADOPTED if report.state is State.WORKING else Verdict.UNKNOWN
        return Verdict.FILLED if report.state is State.FILLED else Verdict.OVER
    if order.over:
        return None
    if truth.missing:
        return Verdict.UNKNOWN
    if order.answered:
        return Verdict.OVER
    return Verdict.NEVER_ARRIVED if began - order.intent.at >= ARRIVES_WITHIN else Verdict.UNKNOWN


def _adopted(report: Report, session: str, at: datetime) -> Intent:
    parts = parts_of(report.ref)
    assert parts is not None  # `foreign` refs are not asked for here
    kind = Kind.STOP if report.stop is not None else Kind.MARKET
    ticket = Ticket(report.ref, parts.ticker, Side(report.side), int(report.shares), kind, report.stop)
    return Intent(session, at, ticket, "adopted")
