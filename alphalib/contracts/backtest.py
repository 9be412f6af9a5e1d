"""What a simulated book earned."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from alphalib.contracts.base import Artefact, Fraction, Measured, Row


class Performance(Row):
    """One line of the performance table: the book, and the benchmarks it is compared with."""

    measure: str = Field(description="As a person reads it: 'Annual return', 'Sharpe ratio'.")
    unit: Literal["fraction", "ratio", "probability", "sessions", "names", "currency"]
    book: Measured
    spy: Measured | None = None
    equal_weight: Measured | None = None
    note: str = ""


class CrossCheck(Row):
    """What a second, independent computation of the same books said."""

    by: str
    agrees: bool
    largest_difference: float = Field(ge=0, description="In NAV. [currency]")


class BacktestSummary(Artefact):
    """What a simulated book earned, against its benchmarks, with intervals and the number of trials behind it."""

    path: ClassVar[str] = "backtest/{date}/metrics.json"

    start: str = Field(description="First session simulated.")
    sessions: int = Field(ge=1)
    members: Literal["by date", "survivors only"] = Field(
        "by date", description="Whose universe it ran on; a run on today's names is no evidence."
    )
    halted_sessions: int = Field(0, ge=0, description="Sessions without new entries after a drawdown.")
    level: Fraction = Field(0.95, description="Coverage of the intervals. [fraction]")
    interval_method: str = ""
    performance: list[Performance]
    trials: int = Field(ge=1, description="Tried in this lineage, from the ledger. [trials]")
    effective_trials: float | None = Field(None, ge=1, description="Allowing for their correlation. [trials]")
    deflated_sharpe: Fraction | None = Field(
        None, description="Probability that the Sharpe is above what the best of N without skill reaches. [fraction]"
    )
    costs: float | None = Field(None, ge=0, description="Commission and slippage over the whole run. [currency]")
    cross_checks: list[CrossCheck] = []
    notes: list[str] = []
