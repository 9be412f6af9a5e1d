"""What the journal, the plan and the bus say of a session, put together for its settlement. Reads only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from alphalib.contracts import PlanRecord, PortfolioFile
from alphalib.contracts.account import AccountDay
from alphalib.decision import Portfolio, decide
from alphalib.errors import JournalError
from alphalib.execute.account.attribution import Standing
from alphalib.execute.account.record import account_before
from alphalib.execute.account.round_trips import Action, Done, Sent
from alphalib.execute.account.settlement import Opening, Session
from alphalib.execute.account.trade_log import Decided
from alphalib.execute.actions import Actions, book_in
from alphalib.execute.archive import Archive, read_files
from alphalib.execute.broker import Charge, Fill, State
from alphalib.execute.journal.journal import Amendment, Intent, Journal, Statement
from alphalib.execute.journal.journal import Standing as Known
from alphalib.execute.refs import Ref, Role, parts_of
from alphalib.execute.tape import Bar, Hours
from alphalib.market import SECTORS
from alphalib.sources.stored import read_table
from alphalib.store import Store

SPY = "SPY"
ENTRY, STOP = "entry", "stop"  # rules of orders

_ALIKE = 0.1  # by which the stored SPY may differ from the one that was printed and still be the same series
_ACTIONS: dict[Role, Action] = {Role.ENTRY: "ENTER", Role.STOP: "EXIT", Role.EXIT: "EXIT", Role.REDUCE: "REDUCE"}


@dataclass(frozen=True)
class Written:
    """What the journal has of one session."""

    statement: Statement
    intents: tuple[Intent, ...]
    amendments: tuple[Amendment, ...]
    standings: Mapping[str, Known]
    fills: tuple[Fill, ...]
    charges: Mapping[str, Charge]
    bars: Mapping[str, tuple[Bar, ...]]
    killed: bool


def written(journal: Journal, session: pd.Timestamp) -> Written:
    """Read the journal.

    Raises
    ------
    JournalError
        When the account was not stated after that session's close.
    """
    date = f"{session:%Y-%m-%d}"
    statement = journal.statement(date)
    if statement is None:
        raise JournalError(
            f"the journal has no statement of the account after the close of {date}; "
            "run `python -m alphalib.execute --paper` once more: after the close it reads the account and settles"
        )
    return Written(
        statement,
        journal.intents(),
        journal.amendments(),
        journal.standings(),
        journal.fills(date),
        journal.charges(),
        journal.bars(date),
        bool(journal.killed),
    )


def opening_of(record: Store, bus: Store, session: pd.Timestamp) -> Opening:
    """What a session began with: the archived plan, and the account as it was settled last.

    Raises
    ------
    JournalError
        When nothing was planned for it and no portfolio was ever recorded.
    """
    earlier = record.latest(PortfolioFile.path, asof=session - pd.Timedelta(days=1))
    file = record.read(earlier[0], PortfolioFile) if earlier else None
    row = account_before(record, session)
    # Settled before, and re-armed since: to settle again takes nothing back.
    present = PortfolioFile.path.format(date=f"{session:%Y-%m-%d}")
    released = record.exists(present) and record.read(present, PortfolioFile).rearmed
    path = PlanRecord.path.format(date=f"{session:%Y-%m-%d}")
    if not bus.exists(path):
        if file is None:
            raise JournalError(f"nothing was planned for {session:%Y-%m-%d} and no portfolio was recorded before it")
        portfolio = Portfolio.of_file(file)
        return Opening(
            portfolio,
            _standing(row, portfolio, file.nav, {}),
            file.date,
            halted_since=file.halted_since,
            killed=file.killed and not released,
            rearmed=file.rearmed or released,
        )
    archive = Archive.of(read_files(bus, bus.read(path, PlanRecord)))
    marks = dict(zip(archive.day.tickers, archive.day.names["mark"].tolist(), strict=True))
    return Opening(
        archive.portfolio,
        _standing(row, archive.portfolio, archive.book.nav, marks),
        archive.book.decided_on,
        Decided(archive.book, archive.signals, archive.predictions),
        decide(archive.portfolio, archive.day, archive.params),
        file.halted_since if file else None,
        {ticker: SECTORS[code] for ticker, code in zip(archive.day.tickers, _codes(archive), strict=True) if code >= 0},
        {ticker: price for ticker, price in marks.items() if price > 0},
        (file or archive.portfolio).killed and not released,
        released or bool(file and file.rearmed and not archive.portfolio.rearmed),
    )


def session_of(
    said: Written, opening: Opening, bus: Store, session: pd.Timestamp, *, actions: Actions, flow: float
) -> Session:
    """What happened in a session."""
    notes: list[str] = []
    before, after = _spy(said.statement, opening, bus, session)
    hours = Hours.of(session)
    orders = _orders(said)
    if opening.decided is None:
        notes.append("nothing was planned for this session: what the portfolio remembers stays as it was")
    else:
        decided = replace(opening.decided, book=book_in(opening.decided.book, actions))
        orders = [_planned(order, decided) for order in orders]
        orders += _unsent(orders, decided, session)
    missing = {fill.root for fill in said.fills if fill.shares > 0} - _commissions(said.charges).keys()
    if missing:
        count = f"{len(missing)} execution{'s have' if len(missing) > 1 else ' has'}"
        notes.append(f"{count} no commission yet: free until then; settle again once it is there")
    strange = sorted({fill.ticker for fill in said.fills if parts_of(fill.ref) is None})
    if strange:
        notes.append(f"executions that are not ours: {', '.join(strange)}")
    return Session(
        session,
        said.statement,
        tuple(orders),
        {ticker: _highs(bars, hours) for ticker, bars in said.bars.items()},
        _closes(said, orders),
        _spy_at(said, hours),
        before,
        after,
        actions,
        flow,
        said.killed,
        tuple(notes),
    )


def _standing(row: AccountDay | None, portfolio: Portfolio, nav: float, marks: Mapping[str, float]) -> Standing:
    """The account at the close before, as it was settled; before the first settlement, as it was planned on."""
    if row is None:
        shares = {position.ticker: position.shares for position in portfolio.positions}
        return Standing(nav, portfolio.cash, 0.0, shares, {ticker: marks.get(ticker, math.nan) for ticker in shares})
    held = {ticker: name for ticker, name in row.positions_snapshot.items() if name.shares}
    return Standing(
        row.portfolio_nav,
        row.total_cash,
        row.accrued_interest,
        {ticker: name.shares for ticker, name in held.items()},
        {ticker: name.price or math.nan for ticker, name in held.items()},
        row.spy_close or math.nan,
    )


def _orders(said: Written) -> list[Sent]:
    """Orders of the session, and older stops that filled in it; a stop that did not fill is no trade."""
    fills: dict[str, list[Done]] = {}
    commissions = _commissions(said.charges)
    for fill in said.fills:
        if fill.shares > 0:  # a correction may take the whole of it back
            done = Done(round(fill.shares), fill.price, fill.at, commissions.get(fill.root, 0.0))
            fills.setdefault(fill.ref, []).append(done)
    found = []
    for intent in said.intents:
        role = parts_of(intent.ref)
        if role is None or (
            intent.ref not in fills and (role.role is Role.STOP or intent.session != said.statement.session)
        ):
            continue
        found.append(_sent(intent, role.role, said, tuple(fills.get(intent.ref, ()))))
    return found


def _commissions(charges: Mapping[str, Charge]) -> dict[str, float]:
    """What each execution cost, by its root: a correction is often not charged anew."""
    latest = sorted(charges.values(), key=lambda charge: int(charge.exec_id.rpartition(".")[2]))
    return {charge.exec_id.rpartition(".")[0]: charge.commission for charge in latest}


def _sent(intent: Intent, role: Role, said: Written, fills: tuple[Done, ...]) -> Sent:
    known, level = said.standings.get(intent.ref), intent.signal_price
    if role is Role.STOP:
        began = fills[0].at if fills else said.statement.at
        moved = [a.stop for a in said.amendments if a.ref == intent.ref and a.stop is not None and a.at <= began]
        level = moved[-1] if moved else intent.ticket.stop
    return Sent(
        ref=intent.ref,
        ticker=intent.ticket.ticker,
        action=_ACTIONS[role],
        shares=round(known.shares) if known and known.shares else intent.ticket.shares,
        rule=STOP if role is Role.STOP else intent.rule,
        state=known.state if known else State.UNKNOWN,
        perm_id=known.perm_id if known else 0,
        at=intent.at,
        decided=level,
        trigger=STOP if role is Role.STOP else intent.trigger,
        trigger_price=level if role is Role.STOP else intent.trigger_price,
        price=intent.last_price,
        fills=fills,
    )


def _planned(order: Sent, decided: Decided) -> Sent:
    """With the shares that the order book wanted, where the order carries one of its decisions out."""
    entry, sale = decided.entry(order.ticker), decided.sale(order.ticker)
    if order.action == "ENTER" and entry:
        return replace(order, wanted=entry.shares, decided=order.decided or entry.current_price)
    if order.action != "ENTER" and sale and sale.reason == order.rule:
        return replace(order, wanted=sale.shares, decided=order.decided or sale.current_price)
    return order


def _unsent(orders: Sequence[Sent], decided: Decided, session: pd.Timestamp) -> list[Sent]:
    """What the order book wanted and nothing was sent for; numbered 0, for no order has that number."""
    sent = {(order.ticker, order.rule) for order in orders if order.wanted is not None}
    found = []
    for row in decided.book.approved_entries:
        if (row.ticker, ENTRY) not in sent:
            ref = str(Ref(f"{session:%y%m%d}", row.ticker, Role.ENTRY, 0))
            found.append(
                Sent(ref, row.ticker, "ENTER", row.shares, ENTRY, decided=row.current_price, wanted=row.shares)
            )
    for sale in decided.book.urgent_exits:
        if (sale.ticker, sale.reason) not in sent:
            role = Role.EXIT if sale.signal == "EXIT" else Role.REDUCE
            ref = str(Ref(f"{session:%y%m%d}", sale.ticker, role, 0))
            price = sale.current_price
            found.append(
                Sent(ref, sale.ticker, sale.signal, sale.shares, sale.reason, decided=price, wanted=sale.shares)
            )
    return found


def _spy(statement: Statement, opening: Opening, bus: Store, session: pd.Timestamp) -> tuple[float, float]:
    """SPY at the close before and at this one: as printed, else as the bus has it by now; NaN when neither does."""
    table = read_table(bus, "benchmarks")
    stored = table[table["ticker"] == SPY].set_index("date")["close"]
    was, now = (float(stored.get(day, math.nan)) for day in (pd.Timestamp(opening.date), session))
    before = opening.standing.spy
    printed = statement.spy_last if statement.spy_last is not None else math.nan
    if not math.isnan(before) and not math.isnan(printed):
        return before, printed
    if not math.isnan(was) and not math.isnan(now):
        return was, now
    first = statement.spy_open if statement.spy_open is not None else printed
    if math.isnan(before) and abs(first / was - 1.0) < _ALIKE:
        before = was
    return before, printed


def _spy_at(said: Written, hours: Hours) -> Callable[[datetime], float]:
    """Price of SPY at a time: the open of that minute, which is where an order of that moment fills."""
    bars = said.bars.get(SPY, ())
    first, last = (math.nan if p is None else p for p in (said.statement.spy_open, said.statement.spy_last))

    def price(at: datetime) -> float:
        minute = hours.minute(at)
        if minute < 0:
            return first
        known = [bar for bar in bars if bar.minute <= minute]
        if not known:
            return first
        if minute >= hours.minutes:
            return last
        return known[-1].open if known[-1].minute == minute else known[-1].close

    return price


def _highs(bars: Sequence[Bar], hours: Hours) -> pd.Series:
    """Highest price of each minute, by where it begins."""
    times = pd.DatetimeIndex([hours.boundary(bar.minute) for bar in bars])
    return pd.Series([bar.high for bar in bars], index=times, dtype=float)


def _closes(said: Written, orders: Sequence[Sent]) -> dict[str, float]:
    """Last price of each name: as stated, else of its last minute, else of its last fill."""
    found = {order.ticker: order.fills[-1].price for order in orders if order.fills}
    found |= {ticker: bars[-1].close for ticker, bars in said.bars.items() if bars}
    return found | {kept.ticker: kept.price for kept in said.statement.positions if kept.price is not None}


def _codes(archive: Archive) -> list[int]:
    return [int(code) for code in archive.day.names["sector"]]
