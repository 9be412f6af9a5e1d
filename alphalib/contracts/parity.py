"""Whether an order book is what its inputs give, and whether the monitors are alive."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from alphalib.contracts.base import Artefact, Row


class PlanRecord(Artefact):
    """What was archived beside an order book, so that it can be derived again; `date` is the book's."""

    path: ClassVar[str] = "inputs/{date}/plan.json"

    decided_on: str = Field(description="The session whose close was known.")
    members: Literal["by date", "survivors only"]
    data_hash: str = Field(description="Of the market that was read.")
    files: dict[str, str] = Field(description="Name of each file in the same folder: its content hash.")
    withheld: list[str] = Field([], description="Why no entry was let through; empty on most days.")


class ParityStage(Row):
    """One stage of a decision, as it was archived and as it is derived again."""

    stage: str
    archived: str = Field(description="Content hash.")
    derived: str = Field(description="Content hash; the same when nothing differs.")
    differences: int = Field(ge=0, description="Facts that differ. [facts]")
    examples: list[str] = Field([], description="The first of them, in words.")


class Acknowledgement(Row):
    """Who looked at a difference, and why entries may go on."""

    by: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    on: str


class ParityReport(Artefact):
    """Whether an order book is what the rules make of its inputs; `date` is the book's."""

    path: ClassVar[str] = "parity/{date}.json"

    decided_on: str = Field(description="The session whose close was known.")
    archived: list[ParityStage] = Field(description="Derived again from the archived inputs: code, and files changed.")
    stored: list[ParityStage] = Field(description="Derived from the store as it is now: what was changed behind it.")
    acknowledged: Acknowledgement | None = None
    notes: list[str] = []

    @property
    def differing(self) -> list[ParityStage]:
        """Stages with a difference, in the order in which one follows from the other."""
        return [stage for stage in [*self.archived, *self.stored] if stage.differences]

    @property
    def blocks(self) -> bool:
        """Whether entries wait for a person."""
        return bool(self.differing) and self.acknowledged is None


class CanaryRow(Row):
    """A monitor and the fault that was planted for it."""

    monitor: str
    fault: str
    fired: bool = Field(description="Whether it caught the fault, and was quiet without it.")
    said: str
    last_fired: str | None = Field(description="The last session at which it did.")


class CanaryReport(Artefact):
    """Which monitors are alive."""

    path: ClassVar[str] = "canaries/latest.json"

    canaries: list[CanaryRow]
