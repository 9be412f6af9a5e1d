"""The account after a session and its trades, in the columns that the seed's files have.

Money is in currency, columns that end in `_pct` are in percent and those in `_bps` in basis points, as on disk there.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from alphalib.contracts.base import Row

UNATTRIBUTED = 0.01
"""Part of the NAV that may stay unexplained in a day before the row is flagged. [fraction]"""

_CENT = 0.0051


class NameDay(Row):
    """What one name did to the account in one session; with 0 shares it was sold in it."""

    sector: str = "Unknown"
    shares: int = Field(description="At the close. [shares]")
    cost: float | None = Field(None, description="Average price paid. [currency]")
    price: float | None = Field(None, description="Last price of the session. [currency]")
    value: float = Field(0.0, description="[currency]")
    unrealized: float = Field(0.0, description="Since it was bought, of what is held. [currency]")
    held: float = Field(0.0, description="Held at the close before: close − that close. [currency]")
    traded: float = Field(0.0, description="Fills against this close. [currency]")
    dividend: float = Field(0.0, description="[currency]")
    commission: float = Field(0.0, description="[currency]")
    day: float = Field(0.0, description="Of this session: held + traded + dividend − commission. [currency]")


class AccountDay(Row):
    """One row of `trades/eod_pnl.csv`."""

    date: str
    portfolio_nav: float = Field(gt=0)
    daily_return_pct: float | None = None
    spy_return_pct: float | None = None
    daily_alpha_pct: float | None = None
    positions_snapshot: dict[str, NameDay] = {}
    spy_close: float | None = None
    total_cash: float
    accrued_interest: float = 0.0
    unrealized_pnl: float
    realized_pnl: float
    nav_change_usd: float = Field(description="Deposits and withdrawals not counted.")
    position_pnl_usd: float = Field(description="Of what was held at the close before, to this close.")
    interest_usd: float
    dividend_usd: float
    unattributed_usd: float
    unattributed_residual_pct: float
    created_at: str
    trade_pnl_usd: float = Field(description="Fills against this close; the seed had it in position_pnl_usd.")
    commission_usd: float
    flow_usd: float = Field(0.0, description="Deposit, or withdrawal below 0.")
    flagged: bool = False
    notes: str = Field("", description="Why it is flagged, and what was made good, one sentence after the other.")

    @model_validator(mode="after")
    def _adds_up(self) -> AccountDay:
        parts = self.position_pnl_usd + self.trade_pnl_usd + self.dividend_usd + self.interest_usd
        parts += self.unattributed_usd - self.commission_usd
        if abs(parts - self.nav_change_usd) > _CENT:
            raise ValueError(f"the parts of the day make {parts:.2f}, the NAV changed by {self.nav_change_usd:.2f}")
        if abs(self.unattributed_usd) > UNATTRIBUTED * self.portfolio_nav and not self.flagged:
            raise ValueError(f"{self.unattributed_usd:.2f} is unattributed and the row is not flagged")
        return self


class TradeRow(Row):
    """One row of `trades/trades_full.csv`: an order, or an entry that was decided and never sent."""

    trade_id: str = Field(description="The order's ref.")
    date: str
    ticker: str
    action: Literal["ENTER", "EXIT", "REDUCE"]
    shares: int = Field(description="Ordered. [shares]")
    price_at_order: float | None = Field(None, description="Last price when it was sent.")
    portfolio_nav_at_order: float | None = Field(None, description="That the order was decided on.")
    position_pct: float | None = Field(None, description="Of that NAV. [fraction]")
    research_score: float | None = None
    research_conviction: str | None = None
    research_rating: str | None = None
    sector: str | None = None
    sector_rating: str | None = None
    market_regime: str | None = None
    price_target_upside: float | None = None
    thesis_summary: str | None = None
    fill_price: float | None = Field(None, gt=0, description="Mean of its fills.")
    fill_time: str | None = Field(None, description="Of the first fill, UTC.")
    ib_order_id: int | None = Field(None, description="The broker's permanent number.")
    predicted_direction: str | None = None
    prediction_confidence: float | None = None
    rationale_json: str | None = None
    status: str = ""
    exit_reason: str | None = Field(None, description="The rule that sold.")
    filled_shares: int | None = Field(None, gt=0)
    execution_latency_ms: int | None = Field(None, description="From intent to first fill; none of a stop.")
    source: str = "alphalib.execute"
    entry_trade_id: str | None = None
    signal_price: float | None = Field(None, description="The close that it was decided on; of a stop, its level.")
    trigger_price: float | None = None
    trigger_type: str | None = None
    spy_price_at_order: float | None = None
    realized_pnl: float | None = Field(None, description="Commissions of both sides in it.")
    realized_return_pct: float | None = Field(None, description="Price over average cost.")
    spy_return_during_hold: float | None = Field(None, description="[percent]")
    realized_alpha_pct: float | None = None
    days_held: int | None = Field(None, description="[sessions]")
    slippage_vs_signal: float | None = Field(None, description="Above 0 against the book. [fraction]")
    trading_day: str
    signal_trading_day: str | None = None
    signal_date: str | None = None
    prediction_date: str | None = None
    entry_trigger: str | None = None
    stance: str | None = None
    catalyst_date: str | None = None
    created_at: str
    slippage_vs_signal_bps: float | None = Field(None, description="Above 0 against the book.")
    slippage_vs_trigger_bps: float | None = Field(None, description="Above 0 against the book.")
    commission_usd: float | None = None
    decided_shares: int | None = Field(None, description="Of the order book, for entries and its own sales. [shares]")
    session_close: float | None = Field(None, description="Last price of the session.")


class BlockedRow(Row):
    """One row of the table `executor_shadow_book`: an entry that a rule did not let through."""

    shadow_id: str
    date: str
    ticker: str
    block_reason: str
    value: float | None = None
    threshold: float | None = None
    detail: str = ""
    research_score: float | None = None
    conviction: str | None = None
    sector: str | None = None
    sector_rating: str | None = None
    predicted_direction: str | None = None
    prediction_confidence: float | None = None
    current_price: float | None = None
    portfolio_nav: float | None = None
    market_regime: str | None = None
    created_at: str


class RiskEvent(Row):
    """One row of the table `risk_events`."""

    date: str
    event_type: Literal["veto", "halt", "throttle", "alert"]
    rule: str = ""
    ticker: str = ""
    value: float | None = None
    threshold: float | None = None
    detail: str = ""
