"""The four parameter files: what the tuner may change, with bounds and units, and what it may not.

Field names are the seed's. Everything is a fraction or a number of sessions; a file without `schema_version` is the
seed's own (version 1) and its percents are converted on reading. `description` ends in the unit.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Params(BaseModel):
    """Frozen, bounded, refuses unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    path: ClassVar[str]
    percents_in_version_1: ClassVar[frozenset[str]] = frozenset()
    notes_in_version_1: ClassVar[frozenset[str]] = frozenset(
        {"improvement_pct", "best_sharpe", "best_alpha", "n_combos_tested"}
    )

    schema_version: Literal[2] = 2
    updated_at: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_version_1(cls, content: Any) -> Any:
        if not isinstance(content, dict) or content.get("schema_version", 1) != 1 or "updated_at" not in content:
            return content
        kept = {name: value for name, value in content.items() if name not in cls.notes_in_version_1}
        for name in cls.percents_in_version_1 & kept.keys():
            kept[name] = kept[name] / 100.0
        return {**kept, "schema_version": 2}


class ScoringWeights(Params):
    """How sub-scores make the composite score."""

    path: ClassVar[str] = "config/scoring_weights.json"

    quant: float = Field(0.5, ge=0.03, le=0.97, description="Weight of the quantitative sub-score. [fraction]")
    qual: float = Field(0.5, ge=0.03, le=0.97, description="Weight of the qualitative sub-score. [fraction]")
    n_samples: int = Field(0, ge=0, description="Outcomes the weights rest on. [names × dates]")
    confidence: Literal["none", "low", "medium", "high"] = "none"

    @model_validator(mode="after")
    def _sum_to_one(self) -> ScoringWeights:
        if abs(self.quant + self.qual - 1.0) > 1e-6:
            raise ValueError(f"weights must sum to 1, got quant {self.quant} + qual {self.qual}")
        return self


class PredictorParams(Params):
    """How predictions veto entries."""

    path: ClassVar[str] = "config/predictor_params.json"

    veto_confidence: float = Field(
        0.80,
        ge=0.40,
        le=1.0,
        description="A DOWN prediction vetoes from this confidence on; confidence is 2·|percentile − ½| among that "
        "date's names, because a calibrated 5-session probability never leaves .45–.55. [fraction]",
    )
    direction_share: float = Field(
        1 / 3, ge=0.05, le=0.5, description="Share of names called UP, and as many called DOWN. [fraction]"
    )
    precision: float | None = Field(None, ge=0, le=1, description="Share of vetoes that were right. [fraction]")
    n_vetoes: int = Field(0, ge=0, description="Vetoes the precision rests on. [names × dates]")
    recommendation_reason: str | None = None


class ResearchParams(Params):
    """What the scanner lets through, and the boosts on the composite score."""

    path: ClassVar[str] = "config/research_params.json"

    min_avg_volume: float = Field(500_000, ge=0, description="20-session mean volume at least. [shares]")
    min_price: float = Field(10.0, ge=0, description="Close at least. [currency]")
    max_atr_pct: float = Field(0.08, gt=0, le=1, description="ATR over close at most. [fraction]")
    min_technical_score: float = Field(60.0, ge=0, le=100, description="Technical score at least. [0–100]")
    min_price_vs_ma200: float = Field(-0.15, ge=-1, le=0, description="Close over 200-session mean − 1. [fraction]")
    max_candidates: int = Field(60, ge=1, le=1000, description="Names the scanner passes on. [names]")
    buy_score: float = Field(70.0, ge=0, le=100, description="Score from which a name is a BUY. [0–100]")
    sell_score: float = Field(40.0, ge=0, le=100, description="Score up to which a name is a SELL. [0–100]")
    population: int = Field(25, ge=1, le=100, description="Names that research follows. [names]")
    max_rotations: int = Field(10, ge=0, le=100, description="Names replaced a week at most. [names]")
    challenger_margin: float = Field(5.0, ge=0, le=100, description="Points above the incumbent to replace it. [0–100]")
    drop_score: float = Field(40.0, ge=0, le=100, description="Below this a followed name leaves now. [0–100]")
    pead_boost: float = Field(5.0, ge=0, le=10, description="Points after a surprise, ± by its sign. [0–100]")
    pead_surprise: float = Field(
        0.05, gt=0, le=1, description="Surprise that earns the full boost, half earns half. [fraction]"
    )
    pead_sessions: int = Field(20, ge=1, le=60, description="Sessions the boost lasts. [sessions]")
    max_boost: float = Field(10.0, ge=0, le=30, description="Bound on the sum of boosts, both ways. [0–100]")


class DrawdownTier(BaseModel):
    """One step of the graduated response to drawdown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drawdown: float = Field(lt=0, ge=-1, description="At or below this drawdown from the NAV peak. [fraction]")
    multiplier: float = Field(ge=0, lt=1, description="New entries are this share of their size. [fraction]")
    forced_exits: int = Field(0, ge=0, description="Held names with the lowest conviction that are sold. [names]")


class ExecutorParams(Params):
    """Rules of exits, guards, sizing and triggers."""

    path: ClassVar[str] = "config/executor_params.json"
    percents_in_version_1: ClassVar[frozenset[str]] = frozenset({"momentum_gate_threshold", "momentum_exit_threshold"})

    # Guards on entries
    min_score: float = Field(70.0, ge=0, le=100, description="Research score at least. [0–100]")
    conviction_rule: Literal["block", "reduce", "ignore"] = Field(
        "block", description="What a declining conviction does to an entry."
    )
    conviction_reduction: float = Field(0.70, gt=0, lt=1, description="Size under the rule `reduce`. [fraction]")
    momentum_gate_threshold: float = Field(-0.05, ge=-0.30, le=0, description="20-session return at least. [fraction]")
    correlation_block_threshold: float = Field(
        0.80, ge=0.3, le=1, description="Mean correlation with held names of the same sector at most. [correlation]"
    )
    correlation_window: int = Field(60, ge=20, le=252, description="Returns in that correlation. [sessions]")
    bear_blocks_underweight: bool = Field(True, description="In a bear regime no entry in an underweight sector.")
    cooldown_sessions: int = Field(
        5, ge=0, le=63, description="After a stop, loss floor or gap exit the name is not bought again. [sessions]"
    )
    daily_loss_limit: float = Field(
        0.02, gt=0, le=1, description="No entries after a session that lost this part of NAV. [fraction]"
    )

    # Caps
    max_position_pct: float = Field(0.05, ge=0.01, le=0.25, description="One position over NAV. [fraction]")
    bear_max_position_pct: float = Field(0.025, ge=0.005, le=0.25, description="The same in a bear regime. [fraction]")
    max_sector_pct: float = Field(0.25, ge=0.05, le=1, description="One sector over NAV. [fraction]")
    max_equity_pct: float = Field(0.90, ge=0.1, le=1, description="All positions over NAV. [fraction]")
    max_positions: int = Field(40, ge=1, le=1000, description="Names held at most. [names]")
    max_adv_pct: float = Field(
        0.10, gt=0, le=1, description="One entry over the mean value traded a day, of 20 sessions. [fraction]"
    )
    min_order: float = Field(500.0, ge=0, description="Smaller orders are not sent. [currency]")

    # Base size
    sizing_rule: Literal["equal", "kelly"] = Field("equal", description="What an untilted position is.")
    target_positions: int = Field(20, ge=1, le=200, description="Under `equal` 1 / max(this, entries). [names]")
    kelly_fraction: float = Field(0.25, gt=0, le=1, description="Share of the Kelly bet under `kelly`. [fraction]")
    kelly_cap: float = Field(0.25, gt=0, le=1, description="The full Kelly bet is at most this. [fraction]")
    kelly_win_rate: float = Field(0.52, gt=0, lt=1, description="Probability that a position gains. [fraction]")
    kelly_payoff: float = Field(1.2, gt=0, le=10, description="Mean gain over mean loss. [ratio]")

    # Tilts: may raise or lower a size, before the cap
    sector_overweight: float = Field(1.05, ge=1, le=1.5, description="Size in an overweight sector. [fraction]")
    sector_underweight: float = Field(0.85, ge=0.5, le=1, description="Size in an underweight sector. [fraction]")
    upside_minimum: float = Field(0.08, ge=0, le=1, description="Target upside below this reduces. [fraction]")
    upside_reduction: float = Field(0.70, gt=0, le=1, description="By this. [fraction]")
    confidence_sizing_min: float = Field(0.70, ge=0.3, le=1, description="Size at the lowest percentile. [fraction]")
    confidence_sizing_range: float = Field(0.60, ge=0.1, le=1, description="More at the highest. [fraction]")
    atr_sizing_target_risk: float = Field(
        0.02, ge=0.005, le=0.10, description="ATR over close of a full size. [fraction]"
    )
    atr_sizing_min: float = Field(0.5, gt=0, le=1, description="Lower clip of that tilt. [fraction]")
    atr_sizing_max: float = Field(1.5, ge=1, le=3, description="Upper clip of that tilt. [fraction]")

    # Scalers: at most 1, after the cap
    staleness_decay_per_day: float = Field(
        0.03, ge=0, le=0.2, description="Lost a session past the cadence. [fraction]"
    )
    staleness_floor: float = Field(0.70, gt=0, le=1, description="Not below this. [fraction]")
    staleness_grace: int = Field(
        5, ge=0, le=20, description="Age at which the decay starts: the signals' cadence. [sessions]"
    )
    earnings_sizing_reduction: float = Field(0.5, ge=0, le=1, description="Size near earnings. [fraction]")
    earnings_proximity_days: int = Field(5, ge=1, le=30, description="How near. [sessions]")
    drawdown_tiers: tuple[DrawdownTier, ...] = (
        DrawdownTier(drawdown=-0.02, multiplier=0.5),
        DrawdownTier(drawdown=-0.04, multiplier=0.25, forced_exits=1),
        DrawdownTier(drawdown=-0.08, multiplier=0.0, forced_exits=2),
    )
    rearm_rule: Literal["sessions", "recovery", "person"] = Field(
        "sessions", description="What ends a halt: time, the drawdown recovering to the first tier, or a person."
    )
    rearm_sessions: int = Field(20, ge=1, le=252, description="Sessions halted under the rule `sessions`. [sessions]")
    tier_rearm_sessions: int = Field(
        63, ge=1, le=2520, description="Sessions under a tier, not halted, until that rule re-arms too. [sessions]"
    )

    # Exits
    atr_window: int = Field(14, ge=2, le=63, description="Wilder's average true range. [sessions]")
    atr_multiplier: float = Field(2.5, ge=0.5, le=10, description="Trailing stop below the high-water mark. [ATR]")
    fallback_stop_pct: float = Field(0.10, ge=0.01, le=0.5, description="Stop below entry without an ATR. [fraction]")
    time_decay_reduce_days: int = Field(7, ge=1, le=30, description="Held this long on HOLD: reduce. [sessions]")
    time_decay_exit_days: int = Field(14, ge=1, le=60, description="Held this long on HOLD: exit. [sessions]")
    profit_take_pct: float = Field(0.25, ge=0.05, le=1, description="Gain at which a part is sold, once. [fraction]")
    reduce_fraction: float = Field(0.5, ge=0.1, le=1, description="That part. [fraction]")
    momentum_exit_threshold: float = Field(-0.15, ge=-0.50, le=0, description="20-session return below. [fraction]")
    momentum_exit_rsi: float = Field(30.0, ge=0, le=100, description="And RSI(14) below. [0–100]")
    loss_floor_pct: float = Field(0.15, ge=0.01, le=1, description="Loss on the average cost: exit. [fraction]")
    gap_exit_pct: float = Field(0.15, ge=0.01, le=1, description="Open below the close before: exit. [fraction]")
    sector_veto_pct: float = Field(
        0.05, ge=0, le=0.5, description="20-session return over the sector ETF that suspends the ATR stop. [fraction]"
    )

    # Entry triggers
    pullback_pct: float = Field(0.02, ge=0.001, le=0.2, description="Fall from the day's high. [fraction]")
    vwap_discount_pct: float = Field(0.005, ge=0, le=0.05, description="Below the session's own VWAP. [fraction]")
    support_pct: float = Field(0.01, ge=0, le=0.1, description="Above the 20-session low. [fraction]")
    expiry_minutes_before_close: int = Field(30, ge=1, le=180, description="Enter anyway this long before. [minutes]")

    # Within a session: on minute bars, and by the daemon
    intraday_trail_atr: float = Field(2.0, ge=0.5, le=10, description="Stop below the session's high. [ATR]")
    intraday_tight_atr: float = Field(1.5, ge=0.5, le=10, description="The same once held for long. [ATR]")
    intraday_tight_sessions: int = Field(3, ge=1, le=60, description="Held this long is long. [sessions]")
    intraday_profit_pct: float = Field(
        0.08, ge=0.01, le=1, description="Gain at which a part is sold at once, once a position. [fraction]"
    )
    intraday_profit_fraction: float = Field(0.5, ge=0.1, le=1, description="That part. [fraction]")
    intraday_collapse_pct: float = Field(
        0.05, ge=0.01, le=1, description="Fall from the session's high at which all is sold. [fraction]"
    )

    @model_validator(mode="after")
    def _consistent(self) -> ExecutorParams:
        if self.time_decay_exit_days < self.time_decay_reduce_days:  # on the same day the exit wins
            raise ValueError(
                f"time_decay_exit_days ({self.time_decay_exit_days}) must not be earlier than "
                f"time_decay_reduce_days ({self.time_decay_reduce_days})"
            )
        steps = [(tier.drawdown, tier.multiplier) for tier in self.drawdown_tiers]
        if steps != sorted(steps, reverse=True) or len({drawdown for drawdown, _ in steps}) < len(steps):
            raise ValueError(f"drawdown_tiers must fall in drawdown and in multiplier, got {steps}")
        return self


PARAMETER_FILES: tuple[type[Params], ...] = (ScoringWeights, ExecutorParams, PredictorParams, ResearchParams)
