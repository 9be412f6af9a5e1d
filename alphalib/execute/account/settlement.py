"""What a session made of the account and what the next decision starts from; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pandas as pd

from alphalib.contracts import PortfolioFile
from alphalib.contracts.account import UNATTRIBUTED, AccountDay, TradeRow
from alphalib.decision import Decision, Portfolio, Position
from alphalib.execute.account.attribution import Day, Standing, attributed, too_much
from alphalib.execute.account.letter import letter
from alphalib.execute.account.round_trips import Sent, Walk, walked
from alphalib.execute.account.trade_log import Decided, trade_rows
from alphalib.execute.actions import Actions
from alphalib.execute.journal.journal import Statement

CONSISTENT = 0.001
"""Part of the NAV by which the broker's NAV may differ from what the account holds. [fraction]"""


@dataclass(frozen=True)
class Opening:
    """What a session began with.

    Parameters
    ----------
    portfolio : Portfolio
        At the close before.
    standing : Standing
        The account then.
    date : str
        The session of that close.
    decided : Decided, optional
        What was to be done; None for a session that nothing was planned for.
    decision : Decision, optional
        The same as the rules made it; its memory is what the next portfolio remembers.
    halted_since : str, optional
        Of a halt that was in force before.
    sectors : mapping of str to str
        By ticker.
    marks : mapping of str to float
        Last closes by ticker, of every name that was looked at. [currency]
    killed, rearmed : bool
        Whether the kill switch was on before, and whether a person has re-armed since the plan was made.
    """

    portfolio: Portfolio
    standing: Standing
    date: str
    decided: Decided | None = None
    decision: Decision | None = None
    halted_since: str | None = None
    sectors: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    killed: bool = False
    rearmed: bool = False


@dataclass(frozen=True)
class Session:
    """What happened in it.

    Parameters
    ----------
    date : Timestamp
        The session.
    statement : Statement
        The account at its close.
    orders : tuple of Sent
        With their fills.
    highs : mapping of str to Series
        Highest price of each minute, by the minute's start in UTC. [currency]
    closes : mapping of str to float
        Last price of each name that was held or traded. [currency]
    spy : callable
        Price of SPY at a time; NaN when unknown. [currency]
    spy_before, spy_after : float
        SPY at both closes, NaN when unknown. [currency]
    actions : Actions
        Effective in the session.
    flow : float
        Deposit, or withdrawal below 0. [currency]
    killed : bool
        Whether the kill switch was pulled in it.
    notes : tuple of str
        What whoever gathered all this has to say; flags the row.
    """

    date: pd.Timestamp
    statement: Statement
    orders: tuple[Sent, ...]
    highs: Mapping[str, pd.Series]
    closes: Mapping[str, float]
    spy: Callable[[datetime], float]
    spy_before: float
    spy_after: float
    actions: Actions
    flow: float = 0.0
    killed: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settled:
    """A session, settled.

    Parameters
    ----------
    portfolio : PortfolioFile
        What the next decision starts from.
    account : AccountDay
        The row of `eod_pnl.csv`.
    trades : tuple of TradeRow
        The rows of `trades_full.csv`.
    text : str
        What is mailed.
    """

    portfolio: PortfolioFile
    account: AccountDay
    trades: tuple[TradeRow, ...]
    text: str


def end_of_day(opening: Opening, session: Session, *, trades: pd.DataFrame, account: pd.DataFrame) -> Settled:
    """Settle a session; pure.

    Parameters
    ----------
    opening : Opening
        What it began with.
    session : Session
        What happened.
    trades, account : DataFrame
        `trades_full.csv` and `eod_pnl.csv` of earlier sessions.

    Returns
    -------
    Settled
        What could not be known is missing, and the row flagged; nothing is made up for it.
    """
    statement = session.statement
    began = positions_in(opening.portfolio.positions, session.actions)
    walk = walked(began, session.orders, session.date, session.highs)
    positions, notes = reconciled(walk, statement)
    after, doubts = _standing(opening, session, positions)
    day = attributed(
        opening.standing,
        after,
        session.orders,
        costs={ticker: position.cost for ticker, position in positions.items()},
        sectors=opening.sectors,
        actions=session.actions,
        flow=session.flow,
    )
    rows = trade_rows(
        session.orders,
        opening.decided,
        session=session.date,
        realised=walk.realised,
        earlier=trades,
        closes=session.closes,
        spy=session.spy,
        created=statement.at.isoformat(timespec="seconds"),
    )
    said = [*session.notes, *walk.faults, *notes, *doubts]
    row = _row(opening, session, day, after, rows, said)
    portfolio = _portfolio(opening, session, positions, walk, after)
    return Settled(portfolio, row, tuple(rows), letter(row, rows, account))


def positions_in(positions: Sequence[Position], actions: Actions) -> list[Position]:
    """Positions in units of a session; what is delisted, or left without a whole share, is gone."""
    after = []
    for position in positions:
        if shares := actions.held(position.ticker, position.shares):
            ratio = actions.splits.get(position.ticker, 1.0)
            cost, high = position.cost / ratio, position.high_water / ratio
            after.append(replace(position, shares=shares, cost=cost, high_water=high))
    return after


def reconciled(walk: Walk, statement: Statement) -> tuple[dict[str, Position], list[str]]:
    """Our positions, none larger than the broker's, and a sentence for each that differs."""
    there = {kept.ticker: round(kept.shares) for kept in statement.positions}
    ours, notes = {}, []
    for ticker, position in walk.positions.items():
        held = there.get(ticker, 0)
        if held != position.shares:
            notes.append(f"{ticker}: {position.shares} by our fills, {held} at the broker; the smaller counts")
        if held > 0:
            ours[ticker] = replace(position, shares=min(position.shares, held))
    foreign = sorted(ticker for ticker, held in there.items() if held and ticker not in walk.positions)
    if foreign:
        notes.append(f"not ours and left alone: {', '.join(foreign)}")
    return ours, notes


def _standing(opening: Opening, session: Session, positions: Mapping[str, Position]) -> tuple[Standing, list[str]]:
    """The account at the close, and what is doubtful about it."""
    statement, notes = session.statement, []
    shares = {ticker: position.shares for ticker, position in positions.items()}
    wanted = {*opening.standing.shares, *shares, *(order.ticker for order in session.orders)}
    prices = {ticker: session.closes.get(ticker, math.nan) for ticker in sorted(wanted)}
    for ticker, price in prices.items():
        if math.isnan(price):
            ratio = session.actions.splits.get(ticker, 1.0)
            prices[ticker] = opening.standing.prices.get(ticker, math.nan) / ratio
            if ticker in shares or ticker in opening.standing.shares:
                notes.append(f"{ticker} printed no price: it stands at the close before")
    after = Standing(statement.nav, statement.cash, statement.accrued, shares, prices, session.spy_after)
    if statement.cash < 0:
        notes.append(f"cash is {statement.cash:,.2f}: the next decision takes it for none")
    held = {kept.ticker: kept.shares for kept in statement.positions}
    foreign = any(shares.get(ticker, 0) != count for ticker, count in held.items())
    if not statement.nav > 0 or (not foreign and abs(after.value - statement.nav) > CONSISTENT * after.value):
        notes.append(
            f"the broker stated a NAV of {statement.nav:,.2f} while the account held {after.value:,.2f}: it was being "
            "updated, and what it held counts; settle again once it is stated anew"
        )
        after = replace(after, nav=after.value)
    return after, notes


def _row(
    opening: Opening, session: Session, day: Day, after: Standing, rows: Sequence[TradeRow], notes: Sequence[str]
) -> AccountDay:
    before, said = opening.standing, list(notes)
    gained = day.change / before.nav
    spy = session.spy_after / session.spy_before - 1.0
    if math.isnan(spy):
        said.append("SPY is missing: there is no alpha; settle again once it is there")
    if too_much(day.unattributed, after.nav):
        said.append(f"{day.unattributed:+,.2f} of the day is unattributed, more than {UNATTRIBUTED:.0%} of the NAV")
    return AccountDay(
        date=f"{session.date:%Y-%m-%d}",
        portfolio_nav=after.nav,
        daily_return_pct=100.0 * gained,
        spy_return_pct=_known(100.0 * spy),
        daily_alpha_pct=_known(100.0 * (gained - spy)),
        positions_snapshot=day.names,
        spy_close=_known(session.spy_after),
        total_cash=after.cash,
        accrued_interest=after.accrued,
        unrealized_pnl=day.total("unrealized"),
        realized_pnl=float(sum(row.realized_pnl or 0.0 for row in rows)),
        nav_change_usd=day.change,
        position_pnl_usd=day.total("held"),
        interest_usd=day.interest,
        dividend_usd=day.total("dividend"),
        unattributed_usd=day.unattributed,
        unattributed_residual_pct=100.0 * day.unattributed / after.nav,
        created_at=session.statement.at.isoformat(timespec="seconds"),
        trade_pnl_usd=day.total("traded"),
        commission_usd=day.total("commission"),
        flow_usd=session.flow,
        flagged=bool(said),
        notes="\n".join(said),
    )


def _portfolio(
    opening: Opening, session: Session, positions: Mapping[str, Position], walk: Walk, after: Standing
) -> PortfolioFile:
    """What the next decision starts from: memory by the decision, positions by the fills, cash by the broker."""
    was, decision = opening.portfolio, opening.decision
    remembered = decision.remembered(was) if decision else was
    if session.flow:
        remembered = remembered.with_flows(session.flow, nav=opening.standing.nav)
    stopped = dict(remembered.stopped) | dict.fromkeys(walk.stopped, session.date)
    portfolio = replace(
        remembered,
        cash=max(after.cash, 0.0),
        positions=tuple(positions.values()),
        killed=session.killed or opening.killed,
        rearmed=opening.rearmed,
        stopped=tuple(sorted(stopped.items())),
    )
    since = (opening.halted_since or opening.date) if portfolio.halted else None
    # Without what is accrued and what is foreign: the NAV that the next decision will count.
    nav = portfolio.cash + sum(count * after.prices[ticker] for ticker, count in after.shares.items())
    return portfolio.to_file(session.date, nav=nav, halted_since=since)


def _known(value: float) -> Any:
    return None if math.isnan(value) else value
