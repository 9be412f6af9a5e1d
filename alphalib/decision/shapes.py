"""What the compiled decision reads and writes: tables of records, one a ticker in sorted order."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from alphalib.compiled import Floats, Int8, Int32, Ints, Records, compiled, record_type
from alphalib.market import SECTORS


class Rule(IntEnum):
    """Why something is done or not done; `label` is the name in order books and trade logs."""

    NONE = 0
    # Exits, in the order they are asked
    RESEARCH_EXIT = 1
    STOP = 2
    LOSS_FLOOR = 3
    GAP_EXIT = 4
    MOMENTUM_EXIT = 5
    TIME_EXIT = 6
    DRAWDOWN_EXIT = 7
    DROPPED = 8
    COVER = 9
    # Reductions
    RESEARCH_REDUCE = 11
    PROFIT_TAKE = 12
    TIME_REDUCE = 13
    REBALANCE = 14
    # Guards
    NOT_TRADABLE = 21
    KILL_SWITCH = 22
    HALTED = 23
    DAILY_LOSS = 24
    COOLDOWN = 25
    MIN_SCORE = 26
    CONVICTION = 27
    MOMENTUM_GATE = 28
    VETO = 29
    BEAR_SECTOR = 30
    CORRELATION = 31
    INFEASIBLE = 32
    # Caps
    MAX_POSITIONS = 41
    POSITION_CAP = 42
    ADV_CAP = 43
    SECTOR_CAP = 44
    EQUITY_CAP = 45
    CASH = 46
    BELOW_MINIMUM = 47
    # Only in trade logs
    ENTRY = 51
    DELISTING = 52
    SHORT = 53
    COLLAPSE = 54
    INTRADAY_PROFIT = 55

    @property
    def label(self) -> str:
        """Name in order books and trade logs; empty for `NONE`."""
        return self.name.lower() if self else ""


FACTORS = (
    "base",
    "sector_tilt",
    "conviction_tilt",
    "upside_tilt",
    "confidence_tilt",
    "atr_tilt",
    "position_cap",
    "drawdown_scaler",
    "staleness_scaler",
    "earnings_scaler",
)
"""Columns of `Orders.factors`: weight = min(base × tilts, position cap) × scalers."""


class Name:
    """What was known of one name at one close.

    Parameters
    ----------
    close : float
        NaN where nothing traded. [currency]
    mark : float
        Last close at or before, in units of the day: what a share held counts. [currency]
    atr : float
        Average true range. [currency]
    rsi : float
        RSI(14). [0–100]
    gap : float
        Open over the last close before it − 1, total return; NaN without an open and a close. [fraction]
    sector_momentum : float
        20-session total return of its sector's ETF. [fraction]
    low : float
        Lowest low of 20 sessions, in units of the day. [currency]
    adv : float
        Mean of close × volume over 20 sessions, NaN with fewer than ten. [currency]
    volatility : float
        Standard deviation of daily total returns over 20 sessions, NaN with fewer than ten. [fraction]
    upside : float
        [fraction]
    momentum : float
        20-session total return. [fraction]
    score : float
        [0–100]
    percentile : float
        Place of the prediction among the date's names, NaN without one. [fraction]
    unbroken : int
        Daily total returns known without a gap up to this session's. [sessions]
    report_in : int
        Sessions to the next report known, 0 when none is. [sessions]
    signal, conviction : int
        Codes of `scores`; a name without a signal has no score, no upside and a stable conviction.
    sector, rating : int
        Sector's code, −1 unknown, and its rating −1, 0, +1 (0 when unknown).
    veto, tradable : bool
        Whether the prediction vetoes; whether the name traded, has a close and is a member.

    Notes
    -----
    What the guards ask stands together at the end, so that asking fetches one stretch of memory.
    """

    close: float
    mark: float
    atr: float
    rsi: float
    gap: float
    sector_momentum: float
    low: float
    adv: float
    volatility: float
    upside: float
    momentum: float
    score: float
    percentile: float
    unbroken: Int32
    report_in: Int32
    signal: Int8
    conviction: Int8
    sector: Int8
    rating: Int8
    veto: bool
    tradable: bool


class Held:
    """One position; `shares` is 0 where nothing is held, and the rest then means nothing but `stopped`.

    Parameters
    ----------
    shares : int
        [shares]
    cost, high_water : float
        Average cost, and highest price since entry. [currency]
    stop : float
        Resting in the next session, NaN for none; written by the decision. [currency]
    entered : int
        Number of the session of entry in the exchange calendar.
    stopped : int
        Number of the session in which the name was last sold by a stop, loss floor, gap exit or collapse; 0 for never.
    profit_taken, time_reduced, intraday_profit_taken : bool
        Reductions that have been done.
    forced : bool
        Sold because of the drawdown; written by the decision.
    """

    shares: int
    cost: float
    high_water: float
    stop: float
    entered: int
    stopped: int
    profit_taken: bool
    time_reduced: bool
    intraday_profit_taken: bool
    forced: bool


class Order:
    """One sale or entry.

    Parameters
    ----------
    session : int
        Number of the session it was decided in.
    name : int
        Place of the ticker.
    rule : int
        `Rule`: an exit's, a reduction's, or ENTRY.
    shares : int
        [shares]
    bound : int
        `Rule` of the cap that bound an entry.
    weight : float
        Of an entry, wanted before the rooms. [fraction]
    value, limit : float
        Of a sale's rule, in its own unit.
    """

    session: int
    name: int
    rule: int
    shares: int
    bound: int
    weight: float
    value: float
    limit: float


class Refused:
    """One entry that is not made: by which rule, with which value against which limit."""

    session: Int32
    name: Int32
    rule: Int8
    value: float
    limit: float


NAME, HELD, ORDER, REFUSED = (record_type(fields) for fields in (Name, Held, Order, Refused))


class Moment(NamedTuple):
    """What was known at one close besides the names.

    Parameters
    ----------
    returns : array, sessions × tickers
        Daily total returns up to and including this session's, maybe beyond. [fraction]
    end : int
        Row of `returns` after this session's.
    regime : int
        `RegimeCode`.
    age : int
        Of the signals, −1 before the first. [sessions]
    session : int
        Number of the session in the exchange calendar.
    wanted : array of int
        Places of the names that research wants entered: best score first, ticker breaking ties, unscored last.
    """

    returns: Floats
    end: int
    regime: int
    age: int
    session: int
    wanted: Ints


class Moments(NamedTuple):
    """What was known at every close besides the names; see `Moment`.

    Parameters
    ----------
    returns : array, sessions × tickers
        Column by column in memory. [fraction]
    regime, age, session : array of int
        One a session.
    first, wanted : array of int
        `wanted[first[t]:first[t + 1]]` are those of row t.
    """

    returns: Floats
    regime: Ints
    age: Ints
    session: Ints
    first: Ints
    wanted: Ints


@compiled
def moment_at(moments: Moments, t: int) -> Moment:
    """What was known at the close of row t."""
    wanted = moments.wanted[moments.first[t] : moments.first[t + 1]]
    return Moment(moments.returns, t + 1, moments.regime[t], moments.age[t], moments.session[t], wanted)


class Account(NamedTuple):
    """What a portfolio remembers besides its positions.

    Parameters
    ----------
    cash : float
        [currency]
    peak, halted, fired, under, rearmed
        See `risk.drawdown`.
    killed : bool
        Whether the kill switch is on.
    nav_before : float
        At the decision before, NaN when there was none. [currency]
    """

    cash: float
    peak: float
    halted: int
    fired: int
    under: int
    rearmed: bool
    killed: bool
    nav_before: float


class Orders(NamedTuple):
    """Where the decision writes: lists filled from the front, whose lengths are in `Verdict`.

    Parameters
    ----------
    exits : records of Order
        Sales, by ticker.
    entries : records of Order
        Best score first.
    factors : array, entries × len(FACTORS)
        Of each entry's weight.
    refused : records of Refused
        By guards, then by caps; each best score first.
    kept : array of int
        Places of the names held.
    wanted, peers, first, whole, highest, together : array
        Scratch: names to enter; names held by sector, where each sector's begin, how many of them have whole windows of
        returns, the highest mean correlation that a name could have with them, and the sum of their windows.
    """

    exits: Records
    entries: Records
    factors: Floats
    refused: Records
    kept: Ints
    wanted: Ints
    peers: Ints
    first: Ints
    whole: Ints
    highest: Floats
    together: Floats


class Verdict(NamedTuple):
    """Numbers of a decision: the drawdown's (see `risk.drawdown.Drawdown`) and the lengths of the lists in `Orders`."""

    nav: float
    peak: float
    drawdown: float
    multiplier: float
    halted: int
    fired: int
    under: int
    kept: int
    exits: int
    entries: int
    refused: int


@compiled
def writing_refused(orders: Orders, refused: Records) -> Orders:
    """The same lists with another one for what is refused: a log, say."""
    return Orders(
        orders.exits,
        orders.entries,
        orders.factors,
        refused,
        orders.kept,
        orders.wanted,
        orders.peers,
        orders.first,
        orders.whole,
        orders.highest,
        orders.together,
    )


@compiled
def first_verdict(cash: float) -> Verdict:
    """What a book of cash remembers before its first decision."""
    return Verdict(cash, cash, 0.0, 1.0, 0, 0, 0, 0, 0, 0, 0)


@compiled
def account_after(verdict: Verdict, cash: float) -> Account:
    """What a simulated book brings to its next decision: the memory of the last, and the cash after a session."""
    return Account(cash, verdict.peak, verdict.halted, verdict.fired, verdict.under, False, False, verdict.nav)


def empty_orders(names: int, *, window: int) -> Orders:
    """Room for the decision over so many tickers, correlated over a window of returns. [sessions]"""
    return Orders(
        exits=np.zeros(names, dtype=ORDER),
        entries=np.zeros(names, dtype=ORDER),
        factors=np.zeros((names, len(FACTORS))),
        refused=np.zeros(names, dtype=REFUSED),
        kept=np.zeros(names, dtype=np.int64),
        wanted=np.zeros(names, dtype=np.int64),
        peers=np.zeros(names, dtype=np.int64),
        first=np.zeros(len(SECTORS) + 1, dtype=np.int64),
        whole=np.zeros(len(SECTORS), dtype=np.int64),
        highest=np.zeros(len(SECTORS)),
        together=np.zeros((len(SECTORS), window)),
    )
