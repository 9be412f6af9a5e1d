"""How often the machinery is wrong, and how often it finds what there is."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from alphalib.contracts.base import Artefact, Fraction, Row


class FalseRate(Row):
    """False promotions in worlds without alpha."""

    subject: str = Field(description="'gate', 'tuner' (of the executor), or 'tuner, ' and another of its lineages.")
    worlds: str = Field(description="Which: 'simulated', 'shifted', or 'all' of them.")
    years: int = Field(ge=0, description="Lineage-years of weekly looks. [years]")
    false: int = Field(ge=0, description="Of them with a false promotion or change. [years]")
    upper: Fraction = Field(description="One-sided 95 % bound of the rate, Clopper and Pearson. [per lineage-year]")
    asked: int = Field(0, ge=0, description="Of them with a grant used: the open part had passed. [years]")


class PowerFound(Row):
    """How often what was planted was found."""

    subject: Literal["gate", "tuner"]
    planted: str = Field(description="What: 'alpha 1', 'Sharpe 0.5'.")
    years: int = Field(ge=0, description="Lineage-years of weekly looks. [years]")
    found: int = Field(ge=0, description="Of them with a promotion, or a change that is truly better. [years]")
    oracle_ic: float | None = Field(None, description="Of what was planted itself. [correlation]")
    reached_ic: float | None = Field(None, description="Of the model, out of sample. [correlation]")
    net_ic: float | None = Field(None, description="The same after costs. [correlation]")


class CalibrationReport(Artefact):
    """How often the machinery promotes what is nothing, and finds what is something."""

    path: ClassVar[str] = "calibration/latest.json"

    design: dict[str, Any] = Field(description="Worlds, limits and settings that were measured.")
    limit: Fraction = Field(0.10, description="Above it nothing is promoted. [per lineage-year]")
    rates: list[FalseRate]
    power: list[PowerFound]
    notes: list[str] = Field(default_factory=list)

    def above(self, subject: str) -> FalseRate | None:
        """The first rate over all worlds whose bound exceeds the limit."""
        found = [rate for rate in self.rates if rate.subject.split(",")[0] == subject and rate.worlds == "all"]
        return next((rate for rate in found if rate.upper > self.limit), None)
