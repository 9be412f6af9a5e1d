"""Models on the bus: weights, a card beside them, and the pointer to the one in use.

Weights and card are complete before the pointer moves, so that a reader sees the old model or the new one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from alphalib.contracts import CurrentModel, Fold, GateCheck, Measured, ModelCard, PredictorMetrics
from alphalib.errors import ContractError, EvidenceError, InputError
from alphalib.evidence.estimate import Estimate
from alphalib.evidence.holdout import Grant, holdout_line, require_grant
from alphalib.evidence.ic import rank_ic
from alphalib.evidence.significance import mean_with_interval
from alphalib.labels import label_end
from alphalib.market import Panel
from alphalib.models.design import require_names, require_present, stack, unstack
from alphalib.models.gate import Verdict
from alphalib.models.predictions import require_two_sided
from alphalib.models.walkforward import Final, WalkForward, centred
from alphalib.store import Store, content_hash

if TYPE_CHECKING:  # scikit-learn takes seconds to import
    from alphalib.models.trees import RankedTrees

LINEAGE = "predictor"
"""Of its trials, grants and promises in the ledger."""

_WEIGHTS = "predictor/weights/{version}.txt"
_OUT_OF_FOLD = "predictor/oos/{version}.parquet"


@dataclass(frozen=True, eq=False)
class Model:
    """A promoted model.

    Parameters
    ----------
    card : ModelCard
        What it is and why it may be used.
    estimator : RankedTrees
        Fitted.
    """

    card: ModelCard
    estimator: RankedTrees

    @property
    def version(self) -> str:
        """Name in the registry."""
        return self.card.version

    def alpha(self, features: Mapping[str, Panel], mask: Panel, *, date: pd.Timestamp) -> pd.Series:
        """Expected return over the sector's at one session, centred over the names.

        Parameters
        ----------
        features : mapping of str to Panel
            Those it was trained on, in that order.
        mask : Panel
            Members by date. [bool]
        date : Timestamp
            Session whose close the features know.

        Returns
        -------
        Series
            By ticker; NaN for who is no member or has no feature. [fraction]

        Raises
        ------
        InputError
            When features differ from those of training, or one that was always there is missing.
        EvidenceError
            When the model already knew that session in training; out-of-fold predictions are for the past.
        ContractError
            When its outputs are saturated or lean to one side.
        """
        require_names(list(features), trained=self.card.features)
        if date < pd.Timestamp(self.card.date):
            raise EvidenceError(
                f"model {self.version} was trained on what was known at {self.card.date} and must not predict "
                f"{date:%Y-%m-%d}, which lies before; read its out-of-fold predictions"
            )
        design = stack({name: panel.loc[[date]] for name, panel in features.items()}, mask.loc[[date]])
        if not len(design.X):
            raise InputError(f"no member has a feature on {date:%Y-%m-%d}")
        require_present(design, steady=self.card.steady)
        raw = unstack(self.estimator.predict(design.X), design)
        require_two_sided(raw.iloc[0], date=date)
        return centred(raw).iloc[0] * self.card.return_scale


def promote(
    store: Store,
    final: Final,
    walk: WalkForward,
    label: Panel,
    *,
    verdict: Verdict,
    grant: Grant | None,
    horizon: int,
    data_hash: str,
    code_version: str,
    trial: str,
) -> Model:
    """Put a model into use: one that the gate confirmed in the holdout, fitted under the same grant.

    Parameters
    ----------
    store : Store
        The bus.
    final : Final
        The model, trained on everything known.
    walk : WalkForward
        Its out-of-fold predictions, kept beside it: for the backtest, and for the next challenger.
    label : Panel
        Outcomes opened by the grant, for the return that a unit of output stood for out of sample.
    verdict : Verdict
        Of the gate, confirmed.
    grant : Grant, optional
        Under which it was; there is no way into use without one.
    horizon : int
        Of the label. [sessions]
    data_hash, code_version, trial : str
        Provenance; `trial` is the id in the ledger.

    Raises
    ------
    EvidenceError
        When the gate refused it, when the holdout was not read, or under another grant, and when the walk forward was
        trained on it.
    """
    if not verdict.passed:
        failed = "; ".join(str(check) for check in verdict.checks if not check.passed)
        raise EvidenceError(f"the gate refused this model, it cannot be put into use: {failed}")
    what = "outcomes that confirm and train a model"
    grant = require_grant(grant, line=holdout_line(final.asof), what=what, lineage=LINEAGE, reaches=final.asof)
    trained = pd.DatetimeIndex(walk.folds["train_last"])
    if (label_end(trained, horizon) > grant.line).any():
        raise EvidenceError(
            f"the walk forward was trained on outcomes after {grant.line:%Y-%m-%d}, so that these confirm nothing; "
            "train it on what is open"
        )
    if verdict.grant != grant.id:
        raise EvidenceError(f"the verdict was not confirmed under grant {grant.id}; call gate.confirm with that grant")
    weights = final.estimator.to_text().encode()
    version = f"{final.asof:%Y-%m-%d}-{content_hash(weights)[:8]}"
    card = ModelCard(
        date=f"{final.asof:%Y-%m-%d}",
        version=version,
        trained_until=f"{final.trained_until:%Y-%m-%d}",
        horizon=horizon,
        features=list(final.names),
        steady=list(final.steady),
        estimator=final.estimator.get_params(),
        configuration=configuration(final.names, final.estimator, horizon=horizon),
        rows=final.rows,
        return_scale=return_scale(walk.predictions, label),
        weights_hash=content_hash(weights),
        data_hash=data_hash,
        code_version=code_version,
        trial=trial,
        grant=grant.id,
        checks=_checks(verdict),
    )
    store.write_table(_OUT_OF_FOLD.format(version=version), _tidy(walk.predictions))
    store.write_bytes(_WEIGHTS.format(version=version), weights)
    store.write(card.at(), card)
    _point(store, card)
    return Model(card, final.estimator)


def current(store: Store) -> Model | None:
    """The model in use, or None when none was ever promoted.

    Raises
    ------
    StoreError, ContractError
        When there is one and it cannot be read whole: that is a fault, not the absence of a model.
    """
    if not store.exists(CurrentModel.path):
        return None
    return load(store, store.read(CurrentModel.path, CurrentModel).version)


def load(store: Store, version: str) -> Model:
    """A model by its version.

    Raises
    ------
    StoreError, ContractError
        When it is not there, or its weights are not those that its card names.
    """
    from alphalib.models.trees import RankedTrees

    card = store.read(ModelCard.path.format(version=version), ModelCard)
    path = _WEIGHTS.format(version=version)
    weights = store.read_bytes(path)
    if content_hash(weights) != card.weights_hash:
        raise ContractError(path, [f"has hash {content_hash(weights)}, its card says {card.weights_hash}"])
    return Model(card, RankedTrees(**card.estimator).from_text(weights.decode()))


def out_of_fold(store: Store, version: str) -> Panel:
    """Out-of-fold predictions of a model, as they were when it was promoted. [place among names]"""
    table = store.read_table(_OUT_OF_FOLD.format(version=version))
    wide = table.pivot(index="date", columns="ticker", values="prediction")
    wide.index = pd.DatetimeIndex(wide.index).as_unit("us")
    return wide


def live_ic(model: Model, features: Mapping[str, Panel], label: Panel, mask: Panel) -> pd.Series:
    """Per-date rank ICs of a model on the sessions after those it knew: what its promise is scored on.

    For the report alone: these outcomes are sealed to whatever trains or chooses.

    Parameters
    ----------
    model : Model
        From `load` or `current`.
    features, label, mask
        As in `walk_forward`, past its training.

    Returns
    -------
    Series
        By session from the first after `model.card.date`; NaN where no outcome is known yet. [correlation]
    """
    require_names(list(features), trained=model.card.features)
    since = label.index[label.index > pd.Timestamp(model.card.date)]
    if since.empty:
        return pd.Series(dtype=float, index=since)
    design = stack({name: panel.loc[since] for name, panel in features.items()}, mask.loc[since])
    if not len(design.X):
        return pd.Series(math.nan, index=since)
    return rank_ic(unstack(model.estimator.predict(design.X), design), label.loc[since])


def configuration(names: tuple[str, ...], estimator: RankedTrees, *, horizon: int) -> str:
    """Hash of what makes a model this one, whatever data it was fitted on: features, estimator, horizon."""
    params = {name: value for name, value in estimator.get_params().items() if name != "n_jobs"}
    content = [list(names), type(estimator).__name__, params, horizon]
    return content_hash(json.dumps(content, sort_keys=True).encode())


def return_scale(predictions: Panel, label: Panel) -> float:
    """Return that one unit of output stood for out of sample: slope through the origin, 0 when it is negative.

    Parameters
    ----------
    predictions : Panel
        Out-of-fold, centred. [place among names]
    label : Panel
        Outcomes; the most extreme hundredth at each end is clipped, since a few crashes would otherwise set the slope.

    Returns
    -------
    float
        [fraction per place]
    """
    outcome = label.where(predictions.notna())
    flat = outcome.stack()
    clipped = outcome.clip(flat.quantile(0.01), flat.quantile(0.99))
    paired = predictions.where(clipped.notna())
    power = float((paired**2).sum().sum())
    return max(float((paired * clipped).sum().sum()) / power, 0.0) if power > 0 else 0.0


def predictor_metrics(
    verdict: Verdict,
    walk: WalkForward,
    per_date: pd.Series,
    *,
    asof: pd.Timestamp,
    model_version: str,
    horizon: int,
    trials: int,
) -> PredictorMetrics:
    """What the training found, promoted or not, as an artefact.

    Parameters
    ----------
    verdict : Verdict
        Of the gate.
    walk : WalkForward
        Folds and importances are read.
    per_date : Series
        Out-of-sample rank ICs that the gate judged. [correlation]
    asof : Timestamp
        Last session it knows.
    model_version : str
        In use afterwards; `none` when there is none.
    horizon : int
        Of the label. [sessions]
    trials : int
        `Ledger.count` of the lineage. [trials]
    """
    return PredictorMetrics(
        date=f"{asof:%Y-%m-%d}",
        model_version=model_version,
        ic=_measured(verdict.rank_ic),
        minimum_detectable_ic=_known(verdict.minimum_detectable),
        icir=_known(verdict.icir),
        folds=[_fold(per_date, fold.test_first, fold.test_last, horizon) for fold in walk.folds.itertuples()],
        reasons=[str(check) for check in verdict.checks if verdict.passed or not check.passed] + list(verdict.notes),
        trials=trials,
        effective_trials=verdict.trials,
        promoted=verdict.confirmed,
        checks=_checks(verdict),
        horizon=horizon,
        importances=walk.importances.mean().to_dict(),
    )


def _fold(per_date: pd.Series, first: pd.Timestamp, last: pd.Timestamp, horizon: int) -> Fold:
    estimate = mean_with_interval(per_date.loc[first:last], horizon=horizon)
    return Fold(start=f"{first:%Y-%m-%d}", end=f"{last:%Y-%m-%d}", ic=_measured(estimate))


def _measured(estimate: Estimate) -> Measured:
    return Measured(value=_known(estimate.value), low=_known(estimate.low), high=_known(estimate.high))


def _point(store: Store, card: ModelCard) -> None:
    """Move the pointer, unless the model in use is newer: a run for an earlier session changes nothing later."""
    before = store.read(CurrentModel.path, CurrentModel) if store.exists(CurrentModel.path) else None
    if before is not None and before.date > card.date:
        return
    previous = None if before is None else before.previous if before.version == card.version else before.version
    store.write(CurrentModel.path, CurrentModel(date=card.date, version=card.version, previous=previous))


def _tidy(predictions: Panel) -> pd.DataFrame:
    known = predictions.rename_axis(index="date", columns="ticker").stack().rename("prediction")
    return known.dropna().reset_index()


def _checks(verdict: Verdict) -> list[GateCheck]:
    return [
        GateCheck(rule=check.rule, value=_known(check.value), limit=check.limit, passed=check.passed, note=check.note)
        for check in verdict.checks
    ]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
