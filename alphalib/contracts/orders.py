"""The order book and the portfolio it is decided from."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from alphalib.contracts.base import Artefact, Conviction, Direction, Fraction, Regime, Row, Score, SectorRating
from alphalib.sessions import sessions_from


class Triggers(Row):
    """What makes the daemon enter; the first that fires."""

    pullback_pct: Fraction
    vwap_discount: Fraction
    support_level: float | None = Field(None, gt=0, description="[currency]")
    support_floor: float | None = Field(
        None, gt=0, description="Low of 20 sessions; once the session is below it, support is no reason. [currency]"
    )
    expiry_minutes_before_close: int = Field(ge=1)


class Entry(Row):
    """An approved entry."""

    ticker: str
    signal: Literal["ENTER"] = "ENTER"
    shares: int = Field(gt=0)
    current_price: float = Field(gt=0, description="Close of the last session. [currency]")
    dollar_size: float = Field(gt=0, description="[currency]")
    position_pct: float = Field(gt=0, le=1, description="Of NAV. [fraction]")
    atr_value: float | None = Field(None, gt=0, description="[currency]")
    triggers: Triggers
    research_score: Score
    research_conviction: Conviction
    sector: str
    sector_rating: SectorRating
    market_regime: Regime
    price_target_upside: float | None = None
    predicted_direction: Direction = "FLAT"
    prediction_confidence: Fraction = 0.0
    sizing_factors: dict[str, float]
    bound_by: str | None = Field(None, description="The cap that bound the size, if one did.")
    status: Literal["pending", "executed", "expired", "cancelled"] = "pending"


class UrgentExit(Row):
    """A sale at the open."""

    ticker: str
    signal: Literal["EXIT", "REDUCE"]
    shares: int = Field(gt=0)
    reason: str
    detail: str = ""
    current_price: float | None = Field(None, gt=0, description="[currency]")


class ActiveStop(Row):
    """The stop of a held position."""

    ticker: str
    entry_price: float = Field(gt=0, description="[currency]")
    current_stop: float = Field(gt=0, description="[currency]")
    trail_atr: float | None = Field(None, gt=0, description="[currency]")
    atr_multiple: float | None = Field(None, gt=0)
    high_water: float = Field(gt=0, description="[currency]")
    entry_date: str
    shares: int = Field(gt=0)
    intraday_profit_taken: bool = False


class Intraday(Row):
    """How what is held is guarded within the session: fields of `ExecutorParams`, under the same names."""

    intraday_trail_atr: float = Field(gt=0, description="[ATR]")
    intraday_tight_atr: float = Field(gt=0, description="[ATR]")
    intraday_tight_sessions: int = Field(ge=1, description="[sessions]")
    intraday_profit_pct: float = Field(gt=0, description="[fraction]")
    intraday_profit_fraction: float = Field(gt=0, le=1, description="[fraction]")
    intraday_collapse_pct: float = Field(gt=0, le=1, description="[fraction]")
    fallback_stop_pct: float = Field(gt=0, lt=1, description="First stop of an entry without an ATR. [fraction]")
    daily_loss_limit: float = Field(gt=0, le=1, description="Loss of NAV that ends the session's entries. [fraction]")


class Blocked(Row):
    """An entry that was not approved: which rule, which value against which limit."""

    ticker: str
    rule: str
    value: float | None = None
    limit: float | None = None
    detail: str = ""


class OrderBook(Artefact):
    """What is to be done in the session `date`, decided from the close before it."""

    path: ClassVar[str] = "order_book/{date}.json"

    decided_on: str = Field(description="The session whose close was known.")
    nav: float = Field(gt=0, description="[currency]")
    drawdown: float = Field(le=0, description="From the NAV peak. [fraction]")
    drawdown_multiplier: Fraction
    halted: bool = False
    approved_entries: list[Entry]
    urgent_exits: list[UrgentExit]
    active_stops: list[ActiveStop]
    intraday: Intraday | None = Field(None, description="None in books made before there was any.")
    executed_today: list[dict[str, Any]] = []
    blocked: list[Blocked] = []
    decision_hash: str
    inputs: dict[str, str] = Field({}, description="What was read: path to content hash, or to a date for the ages.")
    notes: list[str] = []

    @model_validator(mode="after")
    def _sense(self) -> OrderBook:
        if sessions_from(self.decided_on, self.date) != 1:
            raise ValueError(f"a book for {self.date} is decided on the session before it, got {self.decided_on}")
        for part in ("approved_entries", "urgent_exits", "active_stops"):
            doubled = [t for t, n in Counter(row.ticker for row in getattr(self, part)).items() if n > 1]
            if doubled:
                raise ValueError(f"{part} names {', '.join(doubled)} more than once")
        return self


class Holding(Row):
    """A position held."""

    ticker: str
    shares: int = Field(gt=0)
    entry_price: float = Field(gt=0, description="Average cost. [currency]")
    entry_date: str
    high_water: float = Field(gt=0, description="Highest price since entry. [currency]")
    profit_taken: bool = False
    time_reduced: bool = False
    intraday_profit_taken: bool = False


class PortfolioFile(Artefact):
    """Cash and positions after a session's close."""

    path: ClassVar[str] = "portfolio/{date}.json"

    cash: float = Field(ge=0, description="[currency]")
    nav: float = Field(gt=0, description="[currency]")
    nav_peak: float = Field(
        gt=0, description="Highest end-of-day NAV, adjusted for deposits and withdrawals. [currency]"
    )
    halted_since: str | None = None
    decisions_halted: int = Field(0, ge=0, description="In the present halt. [decisions]")
    tiers_fired: int = Field(0, ge=0, description="Drawdown tiers whose exits were forced. [tiers]")
    decisions_under_tier: int = Field(0, ge=0, description="In a row under a tier, not halted. [decisions]")
    rearmed: bool = Field(False, description="Whether a person has re-armed since the last decision.")
    killed: bool = Field(False, description="Whether the kill switch is on: exits go on, entries do not.")
    nav_before: float | None = Field(None, gt=0, description="At the last decision, adjusted for flows. [currency]")
    stopped: dict[str, str] = Field(
        {}, description="Ticker to the session of its last sale by a stop, loss floor, gap exit or collapse."
    )
    positions: list[Holding] = []
