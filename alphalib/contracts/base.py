"""What every artefact is: a date, a version, a path."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alphalib.errors import ContractError
from alphalib.sessions import last_session, sessions_from

Score = Annotated[float, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Regime = Literal["bull", "neutral", "caution", "bear"]
SectorRating = Literal["overweight", "market_weight", "underweight"]
Conviction = Literal["rising", "stable", "declining"]
Direction = Literal["UP", "FLAT", "DOWN"]


class Row(BaseModel):
    """A part of an artefact."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class Artefact(Row):
    """A file on the bus, dated by the last session whose close it knows."""

    path: ClassVar[str]
    schema_version: int = Field(1, ge=1)
    date: str

    @field_validator("date")
    @classmethod
    def _session(cls, date: str) -> str:
        if last_session(date) != pd.Timestamp(date):
            raise ValueError(f"{date} is not a session of the exchange")
        return date

    def at(self) -> str:
        """Path of this artefact on the bus."""
        return type(self).path.format(date=self.date)


class Measured(Row):
    """A number with its interval; both ends are null where no interval was computed."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Measured:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the interval ends before it begins: {self.low:g} to {self.high:g}")
        return self


def require_fresh(artefact: Artefact, *, asof: pd.Timestamp, within: int) -> int:
    """Age of an artefact at `asof`; a `ContractError` when older than `within` or from the future. [sessions]"""
    age = sessions_from(artefact.date, asof)
    if not 0 <= age <= within:
        when = "after" if age < 0 else "before"
        raise ContractError(
            artefact.at(),
            [f"dated {artefact.date}, {abs(age)} session(s) {when} {asof:%Y-%m-%d}; at most {within} old is accepted"],
        )
    return age
