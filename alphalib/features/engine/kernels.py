"""The operators over time and across names, by name: what the evaluator calls.

TIME[name](inputs, literals, first, out)
    Inputs and `out` are (names, sessions), C-contiguous, `out` apart from the inputs; literals are those of the
    operator, the window first; `first` is the absolute number of the session in column 0. A window of 0 takes
    everything up to each session, and wants the input from session 0 on.

CROSS[name](inputs, literals, members, out)
    Inputs, members and `out` are (names, sessions) for every name, or a slice of sessions of such.

What an operator needs, and gives where that is missing. "Values" are the finite ones in the window; all operators step
over the others, and all but Count give a missing value where there are fewer than the least.

| operator | least values | missing also where |
|---|---|---|
| Ref Delta | 1, 2 | the lagged session, or this one for Delta, has none; lag 0: before the first value |
| Last Mean Sum Prod Max Min Med Quantile Mad WMA GMA IdxMax IdxMin SinceMax SinceMin | 1 | |
| EMA Wilder Mean(0<N<1) | 1 | nothing was seen in the sessions after which weights are nothing |
| Count | 0 | never |
| Rank | 1 | this session has none |
| Std Var Slope | 2 | |
| Rsquare | 2 | the values have no spread |
| Resi | 2 | this session has none |
| Skew, Kurt | 3, 4 | the values have no spread |
| Cov | 2 pairs | |
| Corr | 2 pairs | either has no spread |
| RegBeta | 2 pairs | y has no spread |
| RegResi | 2 pairs | y has no spread, or this session no pair |

No spread: a standard deviation below 1e-12 of the mean. Std, Var and Mad of equal values are exactly 0, their Mean,
WMA, GMA, EMA and Quantile exactly the value.

Across names, statistics are of the date's members with a value, and every name with a value gets a result (names and
members need every input of CSNeutralize and CSResid).

| operator | least members | missing also where |
|---|---|---|
| CSMean CSSum CSMax CSMin CSMedian CSDemean CSWinsor | 1 | |
| CSCount | 0 | |
| CSRank | 1 | a lone member has 1 |
| CSStd | 2 | |
| CSZScore | 2 | the members have no spread |
| CSSkew | 3 | the members have no spread |
| CSScale | 1 | all members are 0 |
| CSNeutralize | 1 of the name's group | the group is unknown; with regressors: no more members than numbers fitted |
| CSResid | 1 | as for CSNeutralize; a lone member has 0 |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alphalib.compiled import Bools, Floats
from alphalib.features.engine import (
    cross_order,
    cross_regression,
    cross_section,
    moments,
    order,
    pairs,
    shift,
    smooth,
    sums,
    trend,
)
from alphalib.features.language.operators import restart

TimeKernel: TypeAlias = Callable[[Sequence[Floats], Sequence[float], int, Floats], None]
CrossKernel: TypeAlias = Callable[[Sequence[Floats], Sequence[float], Bools, Floats], None]

CHUNK = 32
"""Sessions whose cross-sections are turned round and computed at a time: a megabyte for a thousand names."""


def _rolling(kernel: Callable[..., None], *options: Any) -> TimeKernel:
    """A rolling kernel; with window 0 its window is all there is."""

    def call(inputs: Sequence[Floats], literals: Sequence[float], first: int, out: Floats) -> None:
        window = int(literals[0]) or max(out.shape[1], 1)
        kernel(*map(_readable, inputs), window, first, *options, *map(float, literals[1:]), out)

    return call


def _readable(x: Floats) -> Floats:
    """Contiguous and read-only, whatever comes: kernels are compiled for one type of input."""
    view = np.ascontiguousarray(x, dtype=np.float64)[...]
    view.flags.writeable = False
    return view


def _lagged(inputs: Sequence[Floats], literals: Sequence[float], _first: int, out: Floats) -> None:
    shift.lagged(_readable(inputs[0]), int(literals[0]), out)


def _difference(inputs: Sequence[Floats], literals: Sequence[float], _first: int, out: Floats) -> None:
    x, lag = _readable(inputs[0]), int(literals[0])
    if lag == 0:
        shift.first_value(x, True, out)
    else:
        shift.difference(x, lag, out)


def _latest(inputs: Sequence[Floats], literals: Sequence[float], _first: int, out: Floats) -> None:
    shift.latest_value(_readable(inputs[0]), int(literals[0]) or out.shape[1], out)


def _mean(inputs: Sequence[Floats], literals: Sequence[float], first: int, out: Floats) -> None:
    if 0.0 < literals[0] < 1.0:
        _exponential(inputs[0], literals[0], first, out)
    else:
        _rolling(sums.rolling_sum, True)(inputs, literals, first, out)


def _span(inputs: Sequence[Floats], literals: Sequence[float], first: int, out: Floats) -> None:
    span = literals[0]
    if span == 0.0:
        smooth.growing_exponential_mean(_readable(inputs[0]), out)
    else:
        _exponential(inputs[0], span if span < 1.0 else 2.0 / (span + 1.0), first, out)


def _wilder(inputs: Sequence[Floats], literals: Sequence[float], first: int, out: Floats) -> None:
    _exponential(inputs[0], 1.0 / literals[0], first, out)


def _exponential(x: Floats, alpha: float, first: int, out: Floats) -> None:
    smooth.exponential_mean(_readable(x), float(alpha), restart(alpha), first, out)


def _weighted(inputs: Sequence[Floats], literals: Sequence[float], first: int, out: Floats) -> None:
    _rolling(trend.rolling_trend, trend.WEIGHTED, literals[0] == 0)(inputs, literals, first, out)


def _median(inputs: Sequence[Floats], literals: Sequence[float], first: int, out: Floats) -> None:
    _rolling(order.rolling_quantile)(inputs, [literals[0], 0.5], first, out)


TIME: dict[str, TimeKernel] = {
    "Ref": _lagged,
    "Delta": _difference,
    "Last": _latest,
    "Mean": _mean,
    "Sum": _rolling(sums.rolling_sum, False),
    "Prod": _rolling(sums.rolling_product),
    "Count": _rolling(sums.rolling_count),
    "Std": _rolling(moments.rolling_variance, True),
    "Var": _rolling(moments.rolling_variance, False),
    "Skew": _rolling(moments.rolling_shape, False),
    "Kurt": _rolling(moments.rolling_shape, True),
    "Max": _rolling(order.rolling_extreme, 1.0),
    "Min": _rolling(order.rolling_extreme, -1.0),
    "IdxMax": _rolling(order.rolling_extreme_place, 1.0, False),
    "IdxMin": _rolling(order.rolling_extreme_place, -1.0, False),
    "SinceMax": _rolling(order.rolling_extreme_place, 1.0, True),
    "SinceMin": _rolling(order.rolling_extreme_place, -1.0, True),
    "Med": _median,
    "Quantile": _rolling(order.rolling_quantile),
    "Rank": _rolling(order.rolling_rank),
    "Mad": _rolling(order.rolling_deviation),
    "Slope": _rolling(trend.rolling_trend, trend.SLOPE, False),
    "Rsquare": _rolling(trend.rolling_trend, trend.RSQUARE, False),
    "Resi": _rolling(trend.rolling_trend, trend.RESIDUAL, False),
    "WMA": _weighted,
    "GMA": _rolling(smooth.geometric_mean_weights),
    "EMA": _span,
    "Wilder": _wilder,
    "Corr": _rolling(pairs.rolling_pair, pairs.CORRELATION),
    "Cov": _rolling(pairs.rolling_pair, pairs.COVARIANCE),
    "RegBeta": _rolling(pairs.rolling_pair, pairs.SLOPE),
    "RegResi": _rolling(pairs.rolling_pair, pairs.RESIDUAL),
}
"""Operators over time: TIME[name](inputs, literals, first, out)."""


def _across(kernel: Callable[..., None], *options: Any) -> CrossKernel:
    """A kernel of one input over dates."""

    def call(inputs: Sequence[Floats], literals: Sequence[float], members: Bools, out: Floats) -> None:
        for dates in _chunks(out):
            result = np.empty((dates.stop - dates.start, len(out)))
            kernel(_turned(inputs[0], dates), _turned(members, dates), *options, *map(float, literals), result)
            out[:, dates] = result.T

    return call


def _residual(grouped: bool) -> CrossKernel:
    """The residual on groups, the second input, or on a constant; and on the inputs after."""

    def call(inputs: Sequence[Floats], _literals: Sequence[float], members: Bools, out: Floats) -> None:
        x, others = inputs[0], inputs[2 if grouped else 1 :]
        for dates in _chunks(out):
            result = np.empty((dates.stop - dates.start, len(out)))
            groups = _turned(inputs[1], dates) if grouped else np.zeros(result.shape)
            regressors = np.empty((len(others), *result.shape))
            for place, other in enumerate(others):
                regressors[place] = other[:, dates].T
            cross_regression.cross_residual(_turned(x, dates), groups, regressors, _turned(members, dates), result)
            out[:, dates] = result.T

    return call


def _chunks(out: Floats) -> Iterator[slice]:
    sessions = out.shape[1]
    return (slice(begin, min(begin + CHUNK, sessions)) for begin in range(0, sessions, CHUNK))


def _turned(panel: NDArray[Any], dates: slice) -> NDArray[Any]:
    """Those sessions of (names, sessions) as contiguous (sessions, names)."""
    return np.array(panel[:, dates].T, order="C")


def _moment(kind: int) -> CrossKernel:
    """A kernel of moments, with the literal it does not take."""
    scaled = _across(cross_section.cross_moment, kind)
    return lambda inputs, literals, members, out: scaled(inputs, literals or [1.0], members, out)


CROSS: dict[str, CrossKernel] = {
    "CSRank": _across(cross_order.cross_rank),
    "CSZScore": _moment(cross_section.SCORE),
    "CSDemean": _moment(cross_section.DEMEANED),
    "CSScale": _moment(cross_section.SCALED),
    "CSWinsor": _across(cross_order.cross_winsor),
    "CSNeutralize": _residual(True),
    "CSResid": _residual(False),
    "CSMean": _moment(cross_section.MEAN),
    "CSStd": _moment(cross_section.STD),
    "CSSkew": _moment(cross_section.SKEW),
    "CSMax": _moment(cross_section.MAX),
    "CSMin": _moment(cross_section.MIN),
    "CSMedian": _across(cross_order.cross_median),
    "CSSum": _moment(cross_section.SUM),
    "CSCount": _moment(cross_section.COUNT),
}
"""Operators across names: CROSS[name](inputs, literals, members, out)."""
