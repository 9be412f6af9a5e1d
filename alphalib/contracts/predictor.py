"""Models, their predictions, and what the gate said."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from pydantic import Field, model_validator

from alphalib.contracts.base import Artefact, Direction, Fraction, Measured, Row


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
