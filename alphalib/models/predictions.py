"""What a model's alphas mean for decisions: percentile, confidence, direction, veto. All of it relative to the date.

A calibrated 5-session probability never leaves .45 to .55, so an absolute threshold would never act. Everything here
is a place among that date's names.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from alphalib.contracts import Direction, Prediction, Predictions
from alphalib.errors import ContractError
from alphalib.market import Panel
from alphalib.params import PredictorParams

DIRECTIONS: dict[int, Direction] = {1: "UP", 0: "FLAT", -1: "DOWN"}


def percentile(alpha: Panel) -> Panel:
    """Place of each name among the date's names that have a value: (rank − ½) / n, ties sharing their mean rank.

    Parameters
    ----------
    alpha : Panel
        Any quantity; larger is better.

    Returns
    -------
    Panel
        Between 0 and 1, neither reached, mean ½ on every date; NaN where `alpha` is. [fraction]
    """
    return alpha.rank(axis=1).sub(0.5).div(alpha.notna().sum(axis=1), axis=0)


def confidence(percentiles: Panel) -> Panel:
    """Distance from the middle of the date's names, 2·|percentile − ½|; NaN stays NaN. [fraction]"""
    return 2 * (percentiles - 0.5).abs()


def direction(percentiles: Panel, params: PredictorParams) -> Panel:
    """+1 for the best `direction_share` of the date's names, −1 for the worst, else 0, also where unknown.

    `DIRECTIONS` names them. [int8]
    """
    share = params.direction_share
    up, down = percentiles > 1 - share, percentiles < share
    return up.astype(np.int8) - down.astype(np.int8)


def veto(percentiles: Panel, params: PredictorParams) -> Panel:
    """Whether an entry is vetoed: DOWN, with at least `veto_confidence`. [bool]"""
    return (direction(percentiles, params) < 0) & (confidence(percentiles) >= params.veto_confidence)


def require_two_sided(raw: pd.Series, *, date: pd.Timestamp, limit: float = 0.8) -> None:
    """Stop when a model's outputs, before centring, lean to one side: a tilt of everything, not an order of names.

    A skewed output is no tilt: it leans only if its mean also lies half a standard deviation from zero.

    Parameters
    ----------
    raw : Series
        Output of the model by ticker, not centred; 0 is neither side.
    date : Timestamp
        Session, for the message.
    limit : float
        Share of names on one side at most. [fraction]

    Raises
    ------
    ContractError
        When more lean, or when all outputs are the same: a saturated model orders nothing.
    """
    known = raw.dropna()
    artefact = Predictions.path.format(date=f"{date:%Y-%m-%d}")
    if len(known) < 2 or known.max() == known.min():
        raise ContractError(artefact, [f"the model gives {len(known)} name(s) one and the same value: saturated"])
    leaning = abs(known.mean()) > 0.5 * known.std()
    for side, share in (("UP", (known > 0).mean()), ("DOWN", (known < 0).mean())):
        if leaning and share > limit:
            raise ContractError(
                artefact,
                [f"{share:.0%} of the names are {side} before centring, at most {limit:.0%}: review the model"],
            )


def predictions(
    date: pd.Timestamp,
    alpha: pd.Series,
    params: PredictorParams,
    *,
    model_version: str,
    horizon: int = 5,
    note: str = "",
) -> Predictions:
    """The artefact of one session.

    Parameters
    ----------
    date : Timestamp
        Session whose close the alphas know.
    alpha : Series
        Expected relative return or any score that orders like it, by ticker; NaN names are left out.
    params : PredictorParams
        Direction share and veto confidence.
    model_version : str
        As in the registry.
    horizon : int
        Of the label it was trained on. [sessions]
    note : str
        For the reader of the file.
    """
    # Ticker breaks ties in the rank, so that the order of the columns never matters.
    known = alpha.dropna().sort_index().sort_values(ascending=False, kind="stable")
    known = known - known.mean()
    row = known.to_frame().T
    places = percentile(row)
    rows = [
        Prediction(
            ticker=str(ticker),
            predicted_direction=DIRECTIONS[side],
            prediction_confidence=sure,
            predicted_alpha=value,
            combined_rank=rank,
            gbm_veto=vetoed,
            p_up=place,
        )
        for rank, (ticker, value, place, sure, side, vetoed) in enumerate(
            zip(
                known.index,
                known.tolist(),
                places.iloc[0].tolist(),
                confidence(places).iloc[0].tolist(),
                direction(places, params).iloc[0].tolist(),
                veto(places, params).iloc[0].tolist(),
                strict=True,
            ),
            start=1,
        )
    ]
    return Predictions(
        date=f"{date:%Y-%m-%d}",
        model_version=model_version,
        n_predictions=len(rows),
        predictions=rows,
        horizon=horizon,
        note=note,
    )


def no_predictions(
    date: pd.Timestamp, tickers: Iterable[str], *, horizon: int = 5, note: str = "no model has passed the gate"
) -> Predictions:
    """The artefact of a session without a model: every name FLAT, no veto, and the note says why."""
    rows = [
        Prediction(
            ticker=ticker,
            predicted_direction="FLAT",
            prediction_confidence=0.0,
            predicted_alpha=0.0,
            combined_rank=rank,
            gbm_veto=False,
        )
        for rank, ticker in enumerate(sorted(tickers), start=1)
    ]
    return Predictions(
        date=f"{date:%Y-%m-%d}",
        model_version="none",
        n_predictions=len(rows),
        predictions=rows,
        horizon=horizon,
        note=note,
    )
