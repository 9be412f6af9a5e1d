"""What is held, and what a portfolio remembers from one decision to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alphalib import sessions
from alphalib.compiled import Records
from alphalib.contracts import Holding, PortfolioFile
from alphalib.decision.history import Day
from alphalib.decision.shapes import HELD, Account
from alphalib.errors import InputError


@dataclass(frozen=True)
class Position:
    """A position held at a close.

    Parameters
    ----------
    ticker : str
        The market's column.
    shares : int
        Whole, in units of the day; a short position, below 0, lives in backtests only. [shares]
    cost : float
        Average price paid, slippage in and commission not. [currency]
    entry_date : Timestamp
        The session it was bought in.
    high_water : float
        Highest price since then. [currency]
    profit_taken, time_reduced, intraday_profit_taken : bool
        Whether that reduction has been done; each is done once a position.
    """

    ticker: str
    shares: int
    cost: float
    entry_date: pd.Timestamp
    high_water: float
    profit_taken: bool = False
    time_reduced: bool = False
    intraday_profit_taken: bool = False

    def __post_init__(self) -> None:
        if self.shares % 1 != 0:
            raise InputError(f"{self.ticker}: shares are whole, got {self.shares}")
        for name in ("cost", "high_water"):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise InputError(f"{self.ticker}: {name} must be above 0, got {value}; without it there is no stop")


@dataclass(frozen=True)
class Portfolio:
    """Cash, positions and memory.

    Parameters
    ----------
    cash : float
        [currency]
    nav_peak : float
        Highest end-of-day NAV, adjusted for deposits and withdrawals. [currency]
    positions : tuple of Position
        One a ticker.
    halted : int
        Decisions in the present halt so far; 0 when not halted. [decisions]
    tiers_fired : int
        Drawdown tiers whose exits were forced since the drawdown was last above the first. [tiers]
    under_tier : int
        Decisions in a row under a tier and not halted. [decisions]
    rearmed : bool
        Whether a person has re-armed since the last decision.
    killed : bool
        Whether a person has pulled the kill switch: exits go on, entries do not, until it is reset.
    nav_before : float, optional
        At the last decision, adjusted for deposits and withdrawals since; None before the first. [currency]
    stopped : tuple of (str, Timestamp)
        Names sold by a stop, loss floor, gap exit or collapse, and the session of the last such sale.
    """

    cash: float
    nav_peak: float
    positions: tuple[Position, ...] = ()
    halted: int = 0
    tiers_fired: int = 0
    under_tier: int = 0
    rearmed: bool = False
    killed: bool = False
    nav_before: float | None = None
    stopped: tuple[tuple[str, pd.Timestamp], ...] = ()

    def __post_init__(self) -> None:
        doubled = [t for t, count in Counter(p.ticker for p in self.positions).items() if count > 1]
        if doubled:
            raise InputError(f"a portfolio has one position a ticker, {doubled[0]} has several")
        empty = [p.ticker for p in self.positions if p.shares == 0]
        if empty:
            raise InputError(f"a position has at least one share, {empty[0]} has none")
        if not 0 <= self.cash < np.inf:
            raise InputError(f"cash must not be negative and must be known, got {self.cash}")
        if not 0 < self.nav_peak < np.inf:
            raise InputError(f"nav_peak must be above 0, got {self.nav_peak}; a book without money decides nothing")

    @staticmethod
    def of_cash(cash: float) -> Portfolio:
        """A portfolio that holds nothing yet."""
        return Portfolio(cash=cash, nav_peak=cash)

    @staticmethod
    def of_file(file: PortfolioFile) -> Portfolio:
        """From the artefact."""
        positions = tuple(
            Position(
                ticker=held.ticker,
                shares=held.shares,
                cost=held.entry_price,
                entry_date=pd.Timestamp(held.entry_date),
                high_water=held.high_water,
                profit_taken=held.profit_taken,
                time_reduced=held.time_reduced,
                intraday_profit_taken=held.intraday_profit_taken,
            )
            for held in file.positions
        )
        return Portfolio(
            cash=file.cash,
            nav_peak=file.nav_peak,
            positions=positions,
            halted=file.decisions_halted,
            tiers_fired=file.tiers_fired,
            under_tier=file.decisions_under_tier,
            rearmed=file.rearmed,
            killed=file.killed,
            nav_before=file.nav_before,
            stopped=tuple((ticker, pd.Timestamp(day)) for ticker, day in sorted(file.stopped.items())),
        )

    def to_file(self, date: pd.Timestamp, *, nav: float, halted_since: str | None = None) -> PortfolioFile:
        """As the artefact of the close of `date`; its NAV comes from whoever has that close. [currency]"""
        self.require_long("a portfolio file")
        holdings = [
            Holding(
                ticker=p.ticker,
                shares=p.shares,
                entry_price=p.cost,
                entry_date=f"{p.entry_date:%Y-%m-%d}",
                high_water=p.high_water,
                profit_taken=p.profit_taken,
                time_reduced=p.time_reduced,
                intraday_profit_taken=p.intraday_profit_taken,
            )
            for p in sorted(self.positions, key=lambda p: p.ticker)
        ]
        return PortfolioFile(
            date=f"{date:%Y-%m-%d}",
            cash=self.cash,
            nav=nav,
            nav_peak=max(self.nav_peak, nav),
            halted_since=halted_since,
            decisions_halted=self.halted,
            tiers_fired=self.tiers_fired,
            decisions_under_tier=self.under_tier,
            rearmed=self.rearmed,
            killed=self.killed,
            nav_before=self.nav_before,
            stopped={ticker: f"{day:%Y-%m-%d}" for ticker, day in self.stopped},
            positions=holdings,
        )

    def require_long(self, what: str) -> None:
        """Refuse short positions, which live in backtests only."""
        short = [p.ticker for p in self.positions if p.shares < 0]
        if short:
            raise InputError(
                f"{what} takes no short positions, {', '.join(short)} is short; they live in backtests only"
            )

    def with_flows(self, amount: float, *, nav: float) -> Portfolio:
        """After a deposit (above 0) or a withdrawal (below) at a moment when the NAV was `nav`. [currency]

        The peak and the NAV before move in proportion, so that drawdown and day's loss stay what they were.
        """
        scale = (nav + amount) / nav
        before = None if self.nav_before is None else self.nav_before * scale
        return replace(self, cash=self.cash + amount, nav_peak=self.nav_peak * scale, nav_before=before)

    def account(self) -> Account:
        """The numbers besides the positions, for the compiled decision."""
        return Account(
            cash=float(self.cash),
            peak=float(self.nav_peak),
            halted=int(self.halted),
            fired=int(self.tiers_fired),
            under=int(self.under_tier),
            rearmed=bool(self.rearmed),
            killed=bool(self.killed),
            nav_before=np.nan if self.nav_before is None else float(self.nav_before),
        )

    def held(self, tickers: pd.Index) -> Records:
        """The positions as records over `tickers`, for the compiled decision.

        Raises
        ------
        InputError
            When a position is in none of the tickers.
        """
        places = tickers.get_indexer([p.ticker for p in self.positions])
        strange = [p.ticker for p, place in zip(self.positions, places, strict=True) if place < 0]
        if strange:
            raise InputError(f"{', '.join(strange)} is held but the market has no such ticker")
        held, calendar = np.zeros(len(tickers), HELD), sessions.all_sessions()
        for field in ("shares", "cost", "high_water", "profit_taken", "time_reduced", "intraday_profit_taken"):
            held[field][places] = [getattr(position, field) for position in self.positions]
        held["entered"][places] = calendar.searchsorted([p.entry_date for p in self.positions], side="right")
        stopped = tickers.get_indexer([ticker for ticker, _ in self.stopped])
        numbers = calendar.searchsorted([day for _, day in self.stopped], side="right")
        held["stopped"][stopped[stopped >= 0]] = numbers[stopped >= 0]
        return held


def require_possible(held: Records, day: Day) -> None:
    """Refuse positions that nobody can have at this close: never priced, or bought later."""
    unpriced = (held["shares"] != 0) & ~(day.names["mark"] > 0)
    if unpriced.any():
        raise InputError(f"{', '.join(day.tickers[unpriced])} is held but has had no price up to {day.date:%Y-%m-%d}")
    later = (held["shares"] != 0) & (held["entered"] > day.moment.session)
    if later.any():
        raise InputError(f"{', '.join(day.tickers[later])} is held on {day.date:%Y-%m-%d} but was bought later")
