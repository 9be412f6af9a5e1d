"""Schema of every artefact on the bus: path, fields, units, and what counts as nonsense.

Schemas grow by addition: unknown fields are kept. A fault is one sentence that says what was wrong and where.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alphalib.errors import ContractError
from alphalib.market import sector_name
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


class Prediction(Row):
    """One name's predicted relative return, as a place among that date's names."""

    ticker: str
    predicted_direction: Direction
    prediction_confidence: Fraction = Field(description="2·|percentile − ½| among the date's names. [fraction]")
    predicted_alpha: float = Field(description="5-session return over the sector's, centred over names. [fraction]")
    combined_rank: int = Field(ge=1, description="1 is the best. [rank]")
    gbm_veto: bool
    momentum_veto: bool = False
    p_up: Fraction | None = Field(None, description="Percentile among the date's names. [fraction]")


class Predictions(Artefact):
    """What the model in use expects; version "none", all FLAT and no veto until one has passed the gate."""

    path: ClassVar[str] = "predictor/predictions/{date}.json"

    model_version: str
    n_predictions: int = Field(ge=0)
    predictions: list[Prediction]
    horizon: int = Field(5, ge=1, description="[sessions]")
    note: str = ""

    @model_validator(mode="after")
    def _sense(self) -> Predictions:
        if self.n_predictions != len(self.predictions):
            raise ValueError(f"n_predictions is {self.n_predictions}, there are {len(self.predictions)}")
        if self.model_version == "none":
            acting = [p.ticker for p in self.predictions if p.gbm_veto or p.predicted_direction != "FLAT"]
            if acting:
                raise ValueError(
                    f"no model is in use, yet {len(acting)} name(s) have a direction or a veto, {acting[0]} first"
                )
        elif len(self.predictions) >= 20:
            directions = Counter(p.predicted_direction for p in self.predictions)
            for direction in ("UP", "DOWN"):
                if directions[direction] > 0.8 * len(self.predictions):
                    share = f"{directions[direction]} of {len(self.predictions)}"
                    raise ValueError(f"{share} names are {direction}: one-sided, review it")
        return self


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
        {}, description="Ticker to the session of its last sale by a stop, loss floor or gap exit."
    )
    positions: list[Holding] = []


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


class Fold(Row):
    """One refit of the predictor and what it did on the dates after it."""

    start: str = Field(description="First session predicted.")
    end: str = Field(description="Last session predicted.")
    ic: Measured = Field(description="Mean per-date rank IC, out of sample. [correlation]")


class GateCheck(Row):
    """One rule of the promotion gate: what was found, and what was asked for."""

    rule: str
    value: float | None
    limit: float
    passed: bool
    note: str = ""


class PredictorMetrics(Artefact):
    """How well the predictor did out of sample, and whether the gate lets it act."""

    path: ClassVar[str] = "predictor/metrics/latest.json"

    model_version: str = Field(description='The model in use; "none" until one has passed the gate.')
    ic: Measured = Field(description="Mean per-date rank IC of the candidate, out of sample. [correlation]")
    minimum_detectable_ic: float | None = Field(None, ge=0, description="2.49 standard errors. [correlation]")
    icir: float | None = Field(None, description="Mean over standard deviation of per-date IC. [ratio]")
    folds: list[Fold] = []
    reasons: list[str] = Field([], description="Why the gate refused the candidate, or what it passed on.")
    trials: int = Field(ge=1, description="Models tried in this lineage, from the ledger. [trials]")
    effective_trials: float | None = Field(None, ge=1, description="Allowing for their correlation. [trials]")
    promoted: bool = False
    checks: list[GateCheck] = []
    horizon: int = Field(5, ge=1, description="[sessions]")
    importances: dict[str, Fraction] = Field({}, description="Mean share of the gain by feature. [fraction]")


class ModelCard(Artefact):
    """What a model is, beside its weights; `date` is the last session whose close it knows."""

    path: ClassVar[str] = "predictor/weights/{version}.json"

    version: str
    trained_until: str = Field(description="Last session that gave a training row.")
    horizon: int = Field(ge=1, description="[sessions]")
    features: list[str] = Field(min_length=1)
    steady: list[str] = Field([], description="Features that had a value on every recent session of training.")
    estimator: dict[str, Any]
    configuration: str = Field(description="Hash of features, horizon and estimator: what a refit shares.")
    rows: int = Field(ge=1, description="Training rows. [names × dates]")
    return_scale: float = Field(ge=0, description="Return per unit of output, out of sample. [fraction]")
    weights_hash: str
    data_hash: str
    code_version: str
    trial: str = Field(description="Id in the trial ledger.")
    grant: str | None = Field(None, description="Under which the holdout confirmed it and it was fitted.")
    checks: list[GateCheck]

    def at(self) -> str:
        """Path of this artefact on the bus."""
        return type(self).path.format(version=self.version)


class CurrentModel(Artefact):
    """Which model is in use since `date`, and which one was before it."""

    path: ClassVar[str] = "predictor/weights/current.json"

    version: str
    previous: str | None = None


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
