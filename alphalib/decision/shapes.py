"""What the compiled decision reads and writes: arrays in the order of the sorted tickers, and numbers."""

from __future__ import annotations

from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from alphalib.compiled import Bools, Codes, Floats, Ints
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
"""Columns of `Orders.entry_factors`: weight = min(base × tilts, position cap) × scalers."""


Number = TypeVar("Number", int, Ints)


class Rows(NamedTuple, Generic[Number]):
    """What was known at one close, `Rows[int]`: an array over the tickers each, and four numbers.

    Over a whole history, `Rows[Ints]`: arrays sessions × tickers, and four arrays over the sessions.

    Parameters
    ----------
    close : array
        NaN where nothing traded. [currency]
    mark : array
        Last close at or before, in units of the day: what a share held counts. [currency]
    atr : array
        Average true range. [currency]
    rsi : array
        RSI(14). [0–100]
    momentum, sector_momentum : array
        20-session total return of the name, and of its sector's ETF. [fraction]
    low : array
        Lowest low of 20 sessions, in units of the day. [currency]
    score : array
        [0–100]
    upside : array
        [fraction]
    percentile : array
        Place of the prediction among the date's names, NaN without one. [fraction]
    signal, conviction : array
        Codes of `scores`; a name without a signal has no score, no upside and a stable conviction.
    sector, rating : array
        Sector's code, −1 unknown, and its rating −1, 0, +1 (0 when unknown).
    veto, tradable : array
        Whether the prediction vetoes; whether the name traded, has a close and is a member.
    report_in : array
        Sessions to the next report known, 0 when none is. [sessions]
    returns : array, sessions × tickers
        Daily total returns up to and including this session's. [fraction]
    end : int
        Row of `returns` after this session's.
    regime : int
        `RegimeCode`.
    age : int
        Of the signals, −1 before the first. [sessions]
    session : int
        Number of the session in the exchange calendar.
    """

    close: Floats
    mark: Floats
    atr: Floats
    rsi: Floats
    momentum: Floats
    sector_momentum: Floats
    low: Floats
    score: Floats
    upside: Floats
    percentile: Floats
    signal: Codes
    conviction: Codes
    sector: Codes
    rating: Codes
    veto: Bools
    tradable: Bools
    report_in: Ints
    returns: Floats
    end: Number
    regime: Number
    age: Number
    session: Number


class Held(NamedTuple):
    """Positions: an array over the tickers each; `shares` is 0 where nothing is held, the rest then means nothing."""

    shares: Ints
    cost: Floats
    high_water: Floats
    entered: Ints
    profit_taken: Bools
    time_reduced: Bools


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
    """Where the decision writes: lists as arrays, filled from the front; their lengths are in `Verdict`.

    `stop` is over the tickers, valid where a position is kept. `forced` and `passed` are scratch.
    """

    exit_name: Ints
    exit_rule: Ints
    exit_shares: Ints
    exit_value: Floats
    exit_limit: Floats
    entry_name: Ints
    entry_shares: Ints
    entry_bound: Ints
    entry_weight: Floats
    entry_factors: Floats
    block_name: Ints
    block_rule: Ints
    block_value: Floats
    block_limit: Floats
    stop: Floats
    forced: Bools
    passed: Ints


class Verdict(NamedTuple):
    """Numbers of a decision: the drawdown's (see `risk.drawdown.Drawdown`) and the lengths of the lists in `Orders`."""

    nav: float
    peak: float
    drawdown: float
    multiplier: float
    halted: int
    fired: int
    exits: int
    entries: int
    blocked: int


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

    def integers() -> Ints:
        return np.zeros(names, dtype=np.int64)

    def floats() -> Floats:
        return np.full(names, np.nan)

    return Orders(
        exit_name=integers(),
        exit_rule=integers(),
        exit_shares=integers(),
        exit_value=floats(),
        exit_limit=floats(),
        entry_name=integers(),
        entry_shares=integers(),
        entry_bound=integers(),
        entry_weight=floats(),
        entry_factors=np.full((names, len(FACTORS)), np.nan),
        block_name=integers(),
        block_rule=integers(),
        block_value=floats(),
        block_limit=floats(),
        stop=floats(),
        forced=np.zeros(names, dtype=np.bool_),
        passed=integers(),
    )


def nothing_held(names: int) -> Held:
    """No positions over so many tickers."""
    return Held(
        shares=np.zeros(names, dtype=np.int64),
        cost=np.full(names, np.nan),
        high_water=np.full(names, np.nan),
        entered=np.zeros(names, dtype=np.int64),
        profit_taken=np.zeros(names, dtype=np.bool_),
        time_reduced=np.zeros(names, dtype=np.bool_),
    )
