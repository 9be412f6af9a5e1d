"""`ExecutorParams` as the compiled decision takes them: numbers, and the tiers of the response to drawdown."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import numpy as np

from alphalib.params import DrawdownTier, ExecutorParams
from alphalib.risk.drawdown import PERSON, RECOVERY, SESSIONS, Tiers

_REARM = {"sessions": SESSIONS, "recovery": RECOVERY, "person": PERSON}
_CONVERTED = {
    "tiers",
    "kelly",
    "blocks_declining",
    "reduces_declining",
    "bear_blocks_underweight",
    "correlation_window",
    "cooldown_sessions",
    "max_positions",
}


class Numbers(NamedTuple):
    """`ExecutorParams` as the compiled decision takes them, under the same names."""

    tiers: Tiers
    kelly: bool
    blocks_declining: bool
    reduces_declining: bool
    bear_blocks_underweight: bool
    correlation_window: int
    cooldown_sessions: int
    max_positions: int
    daily_loss_limit: float
    min_score: float
    conviction_reduction: float
    momentum_gate_threshold: float
    correlation_block_threshold: float
    max_position_pct: float
    bear_max_position_pct: float
    max_sector_pct: float
    max_equity_pct: float
    max_adv_pct: float
    target_positions: float
    kelly_fraction: float
    kelly_cap: float
    kelly_win_rate: float
    kelly_payoff: float
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
    loss_floor_pct: float
    gap_exit_pct: float
    sector_veto_pct: float


class Graduated(Protocol):
    """Parameters with a graduated response to drawdown, as `ExecutorParams` has them."""

    @property
    def drawdown_tiers(self) -> tuple[DrawdownTier, ...]:
        """Steps, shallowest first."""

    @property
    def rearm_rule(self) -> Literal["sessions", "recovery", "person"]:
        """What ends a halt."""

    @property
    def rearm_sessions(self) -> int:
        """Of a halt. [sessions]"""

    @property
    def tier_rearm_sessions(self) -> int:
        """Under a tier. [sessions]"""


def tiers(params: Graduated) -> Tiers:
    """The drawdown's parameters as the compiled decision takes them."""
    steps = params.drawdown_tiers
    return Tiers(
        drawdown=np.array([tier.drawdown for tier in steps], dtype=np.float64),
        multiplier=np.array([tier.multiplier for tier in steps], dtype=np.float64),
        forced_exits=np.array([tier.forced_exits for tier in steps], dtype=np.int64),
        rearm_rule=_REARM[params.rearm_rule],
        rearm_sessions=params.rearm_sessions,
        tier_rearm_sessions=params.tier_rearm_sessions,
    )


def numbers(params: ExecutorParams) -> Numbers:
    """Parameters as the compiled decision takes them."""
    return Numbers(
        tiers=tiers(params),
        kelly=params.sizing_rule == "kelly",
        blocks_declining=params.conviction_rule == "block",
        reduces_declining=params.conviction_rule == "reduce",
        bear_blocks_underweight=params.bear_blocks_underweight,
        correlation_window=params.correlation_window,
        cooldown_sessions=params.cooldown_sessions,
        max_positions=params.max_positions,
        **{name: float(getattr(params, name)) for name in Numbers._fields if name not in _CONVERTED},
    )
