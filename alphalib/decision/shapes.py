"""What the compiled decision reads and writes: tables of records, one a ticker in sorted order, and numbers."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from alphalib.compiled import Floats, Int8, Int32, Ints, Records, record_type
from alphalib.params import ExecutorParams
from alphalib.risk.drawdown import PERSON, RECOVERY, SESSIONS, Tiers


class Rule(IntEnum):
    """Why something is done or not done; `label` is the name in order books and trade logs."""

    NONE = 0
    # Exits, in the order they are asked
    RESEARCH_EXIT = 1
    STOP = 2
    MOMENTUM_EXIT = 3
    TIME_EXIT = 4
    DRAWDOWN_EXIT = 5
    # Reductions
    RESEARCH_REDUCE = 6
    PROFIT_TAKE = 7
    TIME_REDUCE = 8
    # Guards
    NOT_TRADABLE = 11
    HALTED = 12
    MIN_SCORE = 13
    CONVICTION = 14
    MOMENTUM_GATE = 15
    VETO = 16
    BEAR_SECTOR = 17
    CORRELATION = 18
    # Caps
    POSITION_CAP = 21
    SECTOR_CAP = 22
    EQUITY_CAP = 23
    CASH = 24
    BELOW_MINIMUM = 25
    # Only in trade logs
    ENTRY = 31
    DELISTING = 32

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
    momentum, sector_momentum : float
        20-session total return of the name, and of its sector's ETF. [fraction]
    low : float
        Lowest low of 20 sessions, in units of the day. [currency]
    score : float
        [0–100]
    upside : float
        [fraction]
    percentile : float
        Place of the prediction among the date's names, NaN without one. [fraction]
    report_in : int
        Sessions to the next report known, 0 when none is. [sessions]
    signal, conviction : int
        Codes of `scores`; a name without a signal has no score, no upside and a stable conviction.
    sector, rating : int
        Sector's code, −1 unknown, and its rating −1, 0, +1 (0 when unknown).
    veto, tradable : bool
        Whether the prediction vetoes; whether the name traded, has a close and is a member.
    """

    close: float
    mark: float
    atr: float
    rsi: float
    momentum: float
    sector_momentum: float
    low: float
    score: float
    upside: float
    percentile: float
    report_in: Int32
    signal: Int8
    conviction: Int8
    sector: Int8
    rating: Int8
    veto: bool
    tradable: bool


class Held:
    """One position; `shares` is 0 where nothing is held, and the rest then means nothing.

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
    profit_taken, time_reduced : bool
        Reductions that have been done.
    forced : bool
        Sold because of the drawdown; written by the decision.
    """

    shares: int
    cost: float
    high_water: float
    stop: float
    entered: int
    profit_taken: bool
    time_reduced: bool
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

    session: int
    name: int
    rule: int
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
    """

    returns: Floats
    end: int
    regime: int
    age: int
    session: int


class Account(NamedTuple):
    """What a portfolio remembers besides its positions; see `risk.drawdown`."""

    cash: float
    peak: float
    halted: int
    fired: int
    rearmed: bool


class Numbers(NamedTuple):
    """`ExecutorParams` as the compiled decision takes them, under the same names."""

    tiers: Tiers
    blocks_declining: bool
    reduces_declining: bool
    bear_blocks_underweight: bool
    correlation_window: int
    min_score: float
    conviction_reduction: float
    momentum_gate_threshold: float
    correlation_block_threshold: float
    max_position_pct: float
    bear_max_position_pct: float
    max_sector_pct: float
    max_equity_pct: float
    target_positions: float
    min_order: float
    sector_overweight: float
    sector_underweight: float
    upside_minimum: float
    upside_reduction: float
    confidence_sizing_min: float
    confidence_sizing_range: float
    atr_sizing_target_risk: float
    atr_sizing_min: float
    atr_sizing_max: float
    staleness_decay_per_day: float
    staleness_floor: float
    staleness_grace: float
    earnings_sizing_reduction: float
    earnings_proximity_days: float
    atr_multiplier: float
    fallback_stop_pct: float
    time_decay_reduce_days: float
    time_decay_exit_days: float
    profit_take_pct: float
    reduce_fraction: float
    momentum_exit_threshold: float
    momentum_exit_rsi: float
    sector_veto_pct: float


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
        Guards by ticker, then caps by score.
    kept : array of int
        Places of the names held.
    wanted, peers : array of int
        Scratch.
    """

    exits: Records
    entries: Records
    factors: Floats
    refused: Records
    kept: Ints
    wanted: Ints
    peers: Ints


class Verdict(NamedTuple):
    """Numbers of a decision: the drawdown's (see `risk.drawdown.Drawdown`) and the lengths of the lists in `Orders`."""

    nav: float
    peak: float
    drawdown: float
    multiplier: float
    halted: int
    fired: int
    kept: int
    exits: int
    entries: int
    refused: int


_REARM = {"sessions": SESSIONS, "recovery": RECOVERY, "person": PERSON}
_CONVERTED = ("tiers", "blocks_declining", "reduces_declining", "bear_blocks_underweight", "correlation_window")


def numbers(params: ExecutorParams) -> Numbers:
    """Parameters as the compiled decision takes them."""
    tiers = params.drawdown_tiers
    return Numbers(
        tiers=Tiers(
            drawdown=np.array([tier.drawdown for tier in tiers], dtype=np.float64),
            multiplier=np.array([tier.multiplier for tier in tiers], dtype=np.float64),
            forced_exits=np.array([tier.forced_exits for tier in tiers], dtype=np.int64),
            rearm_rule=_REARM[params.rearm_rule],
            rearm_sessions=params.rearm_sessions,
        ),
        blocks_declining=params.conviction_rule == "block",
        reduces_declining=params.conviction_rule == "reduce",
        bear_blocks_underweight=params.bear_blocks_underweight,
        correlation_window=params.correlation_window,
        **{name: float(getattr(params, name)) for name in Numbers._fields if name not in _CONVERTED},
    )


def empty_orders(names: int) -> Orders:
    """Room for the decision over so many tickers."""
    return Orders(
        exits=np.zeros(names, dtype=ORDER),
        entries=np.zeros(names, dtype=ORDER),
        factors=np.zeros((names, len(FACTORS))),
        refused=np.zeros(names, dtype=REFUSED),
        kept=np.zeros(names, dtype=np.int64),
        wanted=np.zeros(names, dtype=np.int64),
        peers=np.zeros(names, dtype=np.int64),
    )
