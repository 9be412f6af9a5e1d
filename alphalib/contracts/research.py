"""What research thinks of every scored name."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from alphalib.contracts.base import Artefact, Conviction, Regime, Row, Score, SectorRating
from alphalib.market import sector_name


class SectorView(Row):
    """How research sees a sector."""

    rating: SectorRating
    rationale: str = ""


class Signal(Row):
    """One scored name."""

    ticker: str
    signal: Literal["ENTER", "EXIT", "REDUCE", "HOLD"]
    score: Score | None
    rating: Literal["BUY", "HOLD", "SELL", "REVIEW"]
    conviction: Conviction
    sector: str
    sector_rating: SectorRating
    price_target_upside: float | None = Field(None, description="[fraction]")
    sub_scores: dict[str, Score | None] = {}
    boosts: dict[str, float] = {}
    thesis_summary: str = ""


class Signals(Artefact):
    """What research thinks of every scored name.

    `absent` gives the reason for every field that is null in all names; without a reason that is a fault.
    """

    path: ClassVar[str] = "signals/{date}/signals.json"

    market_regime: Regime
    sector_ratings: dict[str, SectorView]
    sector_modifiers: dict[str, float]
    universe: list[Signal]
    buy_candidates: list[str]
    population: list[str] = []
    absent: dict[str, str] = {}
    analyst: str = Field("unknown", description="Who scored: a model's id, or the rule-based analyst.")
    buy_score: Score = 70.0
    sell_score: Score = 40.0

    @field_validator("buy_candidates", "population", mode="before")
    @classmethod
    def _tickers_of_seed(cls, names: Any) -> Any:
        return (
            [name["ticker"] if isinstance(name, dict) else name for name in names] if isinstance(names, list) else names
        )

    @model_validator(mode="after")
    def _sense(self) -> Signals:
        faults = [*self._sector_faults(), *self._rating_faults(), *self._emptiness_faults()]
        doubled = [ticker for ticker, count in Counter(entry.ticker for entry in self.universe).items() if count > 1]
        faults += [f"{ticker} appears more than once in universe" for ticker in doubled]
        known = {entry.ticker for entry in self.universe}
        faults += [
            f"{ticker} is a buy candidate but is not in universe"
            for ticker in self.buy_candidates
            if ticker not in known
        ]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _sector_faults(self) -> list[str]:
        unmatched = Counter(entry.sector for entry in self.universe if entry.sector not in self.sector_ratings)
        faults = [
            f"sector {sector!r} of {count} name(s) matches no key of sector_ratings"
            + (f"; GICS calls it {sector_name(sector)!r}" if sector_name(sector) not in (None, sector) else "")
            for sector, count in unmatched.items()
        ]
        for entry in self.universe:
            view = self.sector_ratings.get(entry.sector)
            if view and view.rating != entry.sector_rating:
                faults.append(
                    f"{entry.ticker} has sector_rating {entry.sector_rating}, "
                    f"its sector {entry.sector} is {view.rating}"
                )
        return faults

    def _rating_faults(self) -> list[str]:
        faults = []
        for entry in self.universe:
            if entry.score is None:
                if entry.rating != "REVIEW":
                    faults.append(f"{entry.ticker} has no score and must be rated REVIEW, not {entry.rating}")
                continue
            expected = "BUY" if entry.score >= self.buy_score else "SELL" if entry.score <= self.sell_score else "HOLD"
            if entry.rating not in (expected, "REVIEW"):
                faults.append(
                    f"{entry.ticker} has score {entry.score:g} and rating {entry.rating}; that score is a {expected}"
                )
            if entry.signal == "ENTER" and entry.rating != "BUY":
                faults.append(f"{entry.ticker} is to ENTER with rating {entry.rating}; only a BUY enters")
        return faults

    def _emptiness_faults(self) -> list[str]:
        if not self.universe:
            return ["universe is empty: no name was scored; scores need about a year of prices before the date"]
        faults = []
        if len(self.universe) >= 5 and all(entry.signal == "ENTER" for entry in self.universe):
            faults.append(f"all {len(self.universe)} names are to ENTER; a signal that never says no says nothing")
        empty = [
            name
            for name in ("score", "price_target_upside", "thesis_summary")
            if not any(getattr(entry, name) not in (None, "") for entry in self.universe)
        ]
        empty += [
            part
            for part in sorted({part for entry in self.universe for part in entry.sub_scores})
            if all(entry.sub_scores.get(part) is None for entry in self.universe)
        ]
        everywhere = f"is missing in all {len(self.universe)} names"
        unexplained = [name for name in empty if name not in self.absent]
        return faults + [f"{name} {everywhere} and absent[{name!r}] gives no reason" for name in unexplained]
