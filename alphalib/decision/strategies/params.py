"""Numbers of the strategies beside the rules: docs/strategies.md. Frozen, bounded, with units, as `ExecutorParams`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alphalib.params import DrawdownTier


class Strategy(BaseModel):
    """What every strategy of target weights obeys: when it trades, its caps, and its response to drawdown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rebalance_sessions: int = Field(
        5, ge=1, le=252, description="Trades after every so many closes, counted in the exchange calendar. [sessions]"
    )
    max_position_pct: float = Field(0.10, ge=0.001, le=1, description="One position over NAV, either side. [fraction]")
    max_sector_pct: float = Field(0.40, ge=0.01, le=4, description="One sector, both sides, over NAV. [fraction]")
    max_equity_pct: float = Field(0.95, ge=0.01, le=4, description="All positions, both sides, over NAV. [fraction]")
    max_adv_pct: float = Field(0.10, gt=0, le=1, description="An order over 20-session mean value traded. [fraction]")
    min_order: float = Field(500.0, ge=0, description="Smaller orders are not sent. [currency]")
    drawdown_tiers: tuple[DrawdownTier, ...] = (
        DrawdownTier(drawdown=-0.10, multiplier=0.5),
        DrawdownTier(drawdown=-0.20, multiplier=0.0),
    )
    rearm_rule: Literal["sessions", "recovery", "person"] = Field(
        "sessions", description="What ends a halt: time, the drawdown recovering to the first tier, or a person."
    )
    rearm_sessions: int = Field(20, ge=1, le=252, description="Sessions halted under the rule `sessions`. [sessions]")

    tier_rearm_sessions: int = Field(
        63, ge=1, le=1000, description="Decisions under a tier after which, by that rule, the peak is NAV. [sessions]"
    )

    @model_validator(mode="after")
    def _tiers_fall(self) -> Strategy:
        steps = [(tier.drawdown, tier.multiplier) for tier in self.drawdown_tiers]
        if steps != sorted(steps, reverse=True) or len({drawdown for drawdown, _ in steps}) < len(steps):
            raise ValueError(f"drawdown_tiers must fall in drawdown and in multiplier, got {steps}")
        return self


class TopkDropout(Strategy):
    """Holds the best names and, each time, replaces at most `n_drop` of those that fell behind. Long only.

    After qlib's strategy of the same name: Yang et al. (2020), arXiv:2009.11189.
    """

    topk: int = Field(30, ge=1, le=500, description="Names held. [names]")
    n_drop: int = Field(5, ge=1, le=500, description="Names dropped at a time at most. [names]")
    hold_sessions: int = Field(5, ge=0, le=252, description="A name held shorter is not dropped. [sessions]")
    buffer: int = Field(0, ge=0, le=500, description="Dropped only when ranked below topk + buffer. [names]")

    @model_validator(mode="after")
    def _drops_within_book(self) -> TopkDropout:
        if self.n_drop > self.topk:
            raise ValueError(f"n_drop ({self.n_drop}) must not exceed topk ({self.topk})")
        return self


class LongShort(Strategy):
    """What the two neutral books share."""

    max_position_pct: float = Field(0.05, ge=0.001, le=1, description="One position over NAV, either side. [fraction]")
    max_equity_pct: float = Field(1.05, ge=0.01, le=4, description="All positions, both sides, over NAV. [fraction]")
    gross: float = Field(1.0, gt=0, le=4, description="Longs plus shorts over NAV aimed at. [fraction]")
    tail: float = Field(0.2, gt=0, le=0.5, description="Share of the names that is held long, and short. [fraction]")
    band: float = Field(0.0025, ge=0, le=0.05, description="Smaller changes of a weight are not traded. [fraction]")


class DollarNeutral(LongShort):
    """Long the best of the date's names, short the worst, for the same money."""


class BetaNeutral(LongShort):
    """Long the best, short the worst, for the same beta against the equal-weighted names."""

    beta_window: int = Field(60, ge=20, le=252, description="Returns in a beta. [sessions]")
    beta_shrinkage: float = Field(
        1 / 3, ge=0, le=1, description="Towards 1 by this much: Vasicek (1973), doi:10.2307/2978933. [fraction]"
    )


class MeanVariance(Strategy):
    """Maximises αᵀw − ½ λ wᵀΣw − costs of the change, a year, under its limits. Long only."""

    risk_aversion: float = Field(5.0, gt=0, le=1000, description="λ. [1 / variance a year]")
    alpha_scale: float = Field(
        0.10, gt=0, le=2, description="Expected return a year of the highest percentile, minus it of the lowest. [1/yr]"
    )
    covariance: Literal["shrunk", "ewma"] = Field("shrunk", description="Ledoit and Wolf's, or weighted by age.")
    covariance_window: int = Field(60, ge=20, le=252, description="Returns in it. [sessions]")
    covariance_halflife: float = Field(20.0, gt=0, le=252, description="Of the weights under `ewma`. [sessions]")
    candidates: int = Field(100, ge=1, le=2000, description="Best names that may be bought. [names]")
    cost_bps: float = Field(10.0, ge=0, le=1000, description="Of a trade, as it is expected. [bps]")
    holding_sessions: int = Field(63, ge=1, le=1000, description="A purchase must earn its costs in this. [sessions]")
    max_turnover_pct: float = Field(
        0.20, gt=0, le=4, description="Bought plus sold at a time, over NAV, at most. [fraction]"
    )
    max_adv_pct: float = Field(0.05, gt=0, le=1, description="An order over 20-session mean value traded. [fraction]")
    min_equity_pct: float = Field(0.0, ge=0, le=1, description="All positions over NAV at least. [fraction]")
    min_position_pct: float = Field(0.005, ge=0, le=0.25, description="Smaller positions are not opened. [fraction]")
    band: float = Field(0.005, ge=0, le=0.05, description="Smaller changes of a weight are not traded. [fraction]")

    @model_validator(mode="after")
    def _limits_agree(self) -> MeanVariance:
        if self.min_equity_pct > self.max_equity_pct:
            raise ValueError(
                f"min_equity_pct ({self.min_equity_pct}) must not exceed max_equity_pct ({self.max_equity_pct})"
            )
        return self
