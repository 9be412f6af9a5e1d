"""What the tuner would change, and what it changed."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from alphalib.contracts.base import Artefact, Fraction, Row
from alphalib.contracts.predictor import GateCheck


class ConfigChange(Row):
    """One change of a parameter file."""

    date: str = Field(description="Session at whose close it was decided.")
    event: Literal["applied", "rolled back"]
    before: dict[str, Any]
    after: dict[str, Any]
    grant: str | None = Field(None, description="Id of the grant that confirmed it.")
    reason: str = ""


class ConfigHistory(Artefact):
    """The changes of a parameter file in one session, in their order; `file` says of which."""

    path: ClassVar[str] = "config/{file}_history/{date}.json"

    file: str
    changes: list[ConfigChange] = Field(min_length=1)

    def at(self) -> str:
        """Path of this artefact on the bus."""
        return type(self).path.format(file=self.file.split("/")[-1].removesuffix(".json"), date=self.date)


class TuneProposal(Row):
    """What the tuner would change in one file, or why nothing."""

    lineage: Literal["executor params", "scoring weights", "veto", "research boosts"]
    outcome: Literal["too few", "keep", "propose", "confirmed", "refused"]
    file: str
    changes: dict[str, tuple[Any, Any]] = Field({}, description="Field to its value in use and the one looked at.")
    checks: list[GateCheck]
    numbers: dict[str, float] = {}
    line: str = Field(description="Last session whose outcomes were open.")
    trials: float = Field(ge=0, description="Effective number tried in the lineage. [trials]")
    grant: str | None = None
    applied: bool = False
    note: str = ""


class TuneWatch(Row):
    """How the change in use does beside the setting before it, since it was made; both simulated."""

    file: str
    adopted: str = Field(description="Session of the change.")
    sessions: int = Field(ge=0, description="Since then. [sessions]")
    evidence: float = Field(ge=0, description="That it is worse; an alarm at 1 / false_alarm_rate. [ratio]")
    false_alarm_rate: Fraction = Field(description="Chance of ever taking back what is no worse. [probability]")
    difference: float | None = Field(None, description="Sharpe ratio over the other's at equal risk. [per √year]")
    alarm: str | None = Field(None, description="First session at which it was raised.")
    rolled_back: bool = False


class TuneReport(Artefact):
    """A week's look of the tuner: proposals, what was applied, and what is watched."""

    path: ClassVar[str] = "tune/{date}.json"

    proposals: list[TuneProposal]
    watches: list[TuneWatch] = []
    notes: list[str] = []
