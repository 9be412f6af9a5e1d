"""The factor language once more, slowly: every operator written from its text, one window and one date at a time."""

import numpy as np
import pandas as pd

from alphalib.features.fields import FIELDS

FLAT = 1e-12
"""A standard deviation below this share of the mean is no spread."""

NOTHING = 1e-12
"""A residual below this share of the members' size is 0."""


def naive(node, market):
    """A factor of a market, unmasked: sessions down, names across."""
    if node.operator is None:
        if node.is_number:
            return market.close * 0.0 * np.nan
        values = FIELDS[node.text[1:]].read(market)
        return values if isinstance(values, pd.DataFrame) else _for_every_name(values, market)
    arguments = [a.literals[0] if a.is_number else naive(a, market) for a in node.arguments]
    with np.errstate(all="ignore"):
        if node.operator.kind == "elementwise":
            found = ELEMENTWISE[node.operator.name](*arguments)
        else:
            arguments = [_for_every_name(a, market) if isinstance(a, float) else a for a in arguments]
            if node.operator.kind == "time":
                found = _over_time(node, arguments)
            else:
                found = _across_names(node, arguments, market.member)
    return found.where(np.isfinite(found))


def _for_every_name(values, market):
    columns = dict.fromkeys(market.tickers, values)
    return pd.DataFrame(columns, index=market.sessions, columns=market.tickers, dtype=float)


# A cell --------------------------------------------------------------------------------------------------------------


def _condition(test):
    def compute(x, *others):
        found = test(x, *others).astype(float)
        for argument in (x, *others):
            if isinstance(argument, pd.DataFrame):
                found = found.where(argument.notna())
        return found

    return compute


def _flipped(test):
    """For a number on the left of a comparison that pandas would turn round by itself."""
    return _condition(lambda x, y: test(x + 0.0 * y, y) if isinstance(x, float) else test(x, y))


def _larger(x, y, choose):
    frame = x if isinstance(x, pd.DataFrame) else y
    return pd.DataFrame(choose(*np.broadcast_arrays(x, y)), index=frame.index, columns=frame.columns)


def _if(condition, one, other):
    one, other = (condition * 0.0 + v if isinstance(v, float) else v for v in (one, other))
    return one.where(condition != 0, other).where(condition.notna())


def _power(x, y):
    frame = x if isinstance(x, pd.DataFrame) else y
    return (x**y).where((x * 0.0 + y * 0.0 + frame * 0.0).notna())


ELEMENTWISE = {
    "Add": lambda x, y: x + y,
    "Sub": lambda x, y: x - y,
    "Mul": lambda x, y: x * y,
    "Div": lambda x, y: x / y,
    "Power": _power,
    "Neg": lambda x: -x,
    "Abs": lambda x: x.abs(),
    "Sign": np.sign,
    "Log": np.log,
    "Exp": np.exp,
    "Sqrt": np.sqrt,
    "Floor": np.floor,
    "Greater": lambda x, y: _larger(x, y, np.maximum),
    "Less": lambda x, y: _larger(x, y, np.minimum),
    "Gt": _flipped(lambda x, y: x > y),
    "Ge": _flipped(lambda x, y: x >= y),
    "Lt": _flipped(lambda x, y: x < y),
    "Le": _flipped(lambda x, y: x <= y),
    "Eq": _flipped(lambda x, y: x == y),
    "Ne": _flipped(lambda x, y: x != y),
    "And": _flipped(lambda x, y: (x != 0) & (y != 0)),
    "Or": _flipped(lambda x, y: (x != 0) | (y != 0)),
    "Not": _condition(lambda x: x == 0),
    "If": _if,
    "Plain": lambda x: x,
}


# A window ------------------------------------------------------------------------------------------------------------


def _over_time(node, arguments):
    name, literals = node.operator.name, node.literals
    window = int(literals[0])
    found = np.full(arguments[0].shape, np.nan)
    for column in range(found.shape[1]):
        histories = [argument.to_numpy()[:, column] for argument in arguments]
        for t in range(len(found)):
            begin = 0 if window == 0 or name in WHOLE_HISTORY else max(t - window + 1, 0)
            found[t, column] = TIME[name](*(h[begin : t + 1] for h in histories), *literals)
    return pd.DataFrame(found, index=arguments[0].index, columns=arguments[0].columns)


def _values(least, compute):
    """An operator on the values in a window, at least so many."""

    def call(window, _length, *literals):
        values = window[~np.isnan(window)]
        return compute(values, *literals) if len(values) >= least else np.nan

    return call


def _level(compute):
    """An average: around the first value, so that the average of equal values is that value to the bit."""

    def call(window, *literals):
        pivot = _first(window)
        return pivot + compute(window - pivot, *literals)

    return call


def _distance(compute):
    """A measure of how far values lie apart: 0, to the bit, where they are equal."""
    return lambda values, *literals: compute(values - values[0], *literals)


def _ref(history, lag):
    if lag == 0:
        return _first(history)
    return history[-1 - int(lag)] if lag < len(history) else np.nan


def _first(history):
    values = history[~np.isnan(history)]
    return values[0] if len(values) else np.nan


def _spread(values):
    """Whether the values differ by more than rounding."""
    return len(values) > 1 and np.std(values) > FLAT * abs(np.mean(values))


def _shape(kind):
    return lambda values: getattr(pd.Series(_centred(values)), kind)() if _spread(values) else np.nan


def _place(sign, since):
    def call(window, _length):
        values = sign * window
        if np.isnan(values).all():
            return np.nan
        places = np.flatnonzero(values == np.nanmax(values))
        return len(values) - 1.0 - places[-1] if since else places[0] + 1.0

    return call


def _rank(window, _length):
    values = window[~np.isnan(window)]
    if np.isnan(window[-1]):
        return np.nan
    return (np.sum(values < window[-1]) + (np.sum(values == window[-1]) + 1) / 2) / len(values)


def _trend(result):
    def call(window, _length):
        there = ~np.isnan(window)
        if there.sum() < 2 or (result == "residual" and not there[-1]):
            return np.nan
        return _line(np.arange(len(window))[there] * 1.0, window[there], result)

    return call


def _pair(result):
    def call(x, y, _length):
        there = ~np.isnan(x) & ~np.isnan(y)
        both_now = there[-1]
        x, y = x[there], y[there]
        if len(x) < 2 or (result == "residual" and not both_now):
            return np.nan
        if result == "covariance":
            return np.sum(_centred(x) * _centred(y)) / (len(x) - 1)
        if not _spread(y) or (result == "correlation" and not _spread(x)):
            return np.nan
        return _line(y, x, result)

    return call


def _line(z, values, result):
    """Least squares of the values on z."""
    dz, dv = _centred(z), _centred(values)
    slope = np.sum(dz * dv) / np.sum(dz * dz)
    if result == "slope":
        return slope
    if result == "residual":
        return dv[-1] - slope * dz[-1]
    if result == "rsquare" and not _spread(values):
        return np.nan
    correlation = np.sum(dz * dv) / np.sqrt(np.sum(dz * dz) * np.sum(dv * dv))
    return correlation if result == "correlation" else correlation**2


def _centred(values):
    values = values - values[0]
    return values - values.mean()


def _weighted(weights):
    """Mean of a window with weights by sessions ago."""

    def call(window, *literals):
        weight = np.where(np.isnan(window), 0.0, weights(np.arange(len(window))[::-1], len(window), *literals))
        return np.sum(weight * np.nan_to_num(window)) / np.sum(weight) if np.sum(weight) > 0 else np.nan

    return call


_exponential = _level(_weighted(lambda ago, _, alpha: (1.0 - alpha) ** ago))


def _mean(window, length):
    if 0 < length < 1:
        return _exponential(window, length)
    return _level(_values(1, np.mean))(window, length)


def _ema(history, span):
    if span == 0:
        span = len(history)
    return _exponential(history, span if span < 1 else 2.0 / (span + 1.0))


WHOLE_HISTORY = ("Ref", "Delta", "EMA", "Wilder")
TIME = {
    "Ref": _ref,
    "Delta": lambda history, lag: history[-1] - _ref(history, lag),
    "Last": _values(1, lambda values: values[-1]),
    "Mean": _mean,
    "Sum": _values(1, np.sum),
    "Prod": _values(1, np.prod),
    "Std": _values(2, _distance(lambda values: np.std(values, ddof=1))),
    "Var": _values(2, _distance(lambda values: np.var(values, ddof=1))),
    "Skew": _values(3, _shape("skew")),
    "Kurt": _values(4, _shape("kurt")),
    "Max": _values(1, np.max),
    "Min": _values(1, np.min),
    "IdxMax": _place(1.0, since=False),
    "IdxMin": _place(-1.0, since=False),
    "SinceMax": _place(1.0, since=True),
    "SinceMin": _place(-1.0, since=True),
    "Med": _level(_values(1, np.median)),
    "Mad": _values(1, _distance(lambda values: np.mean(np.abs(values - values.mean())))),
    "Count": _values(0, len),
    "Quantile": _level(_values(1, lambda values, q: np.quantile(values, q))),
    "Rank": _rank,
    "Slope": _trend("slope"),
    "Rsquare": _trend("rsquare"),
    "Resi": _trend("residual"),
    "WMA": _level(_weighted(lambda ago, length, window: (window or length) - ago)),
    "GMA": _level(_weighted(lambda ago, _, __, ratio: ratio**ago)),
    "EMA": _ema,
    "Wilder": lambda history, window: _exponential(history, 1.0 / window),
    "Corr": _pair("correlation"),
    "Cov": _pair("covariance"),
    "RegBeta": _pair("slope"),
    "RegResi": _pair("residual"),
}


# A date --------------------------------------------------------------------------------------------------------------


def _across_names(node, arguments, member):
    found = np.full(arguments[0].shape, np.nan)
    for t in range(len(found)):
        rows = [argument.to_numpy()[t] for argument in arguments]
        if node.operator.name in ("CSNeutralize", "CSResid"):
            grouped = node.operator.name == "CSNeutralize"
            groups, others = (rows[1], rows[2:]) if grouped else (rows[0] * 0.0, rows[1:])
            found[t] = _residual(rows[0], groups, others, member.to_numpy()[t])
        else:
            there = ~np.isnan(rows[0])
            members = rows[0][there & member.to_numpy()[t]]
            found[t, there] = CROSS[node.operator.name](
                rows[0][there], members, member.to_numpy()[t][there], *node.literals
            )
    return pd.DataFrame(found, index=arguments[0].index, columns=arguments[0].columns)


def _of_members(least, compute):
    def call(values, members, _is_member, *literals):
        return compute(values, members, *literals) if len(members) >= least else np.full(len(values), np.nan)

    return call


def _cs_rank(values, members, is_member):
    if not len(members):
        return np.full(len(values), np.nan)
    below = np.array([np.sum(members < value) for value in values])
    equal = np.array([np.sum(members == value) for value in values])
    return np.minimum((below + equal / 2 + 0.5) / len(members), 1.0)


def _residual(x, groups, others, member):
    """Least squares on a dummy a group and the others, by the members; missing when they are not enough."""
    there = ~np.isnan(x) & ~np.isnan(groups)
    for other in others:
        there &= ~np.isnan(other)
    found = np.full(len(x), np.nan)
    fitted = there & member
    present = np.unique(groups[fitted])
    there &= np.isin(groups, present)
    if not len(present):
        return found
    design = np.column_stack([groups == group for group in present]).astype(float)
    for other in others:  # one that says nothing new about the members is left out
        wider = np.column_stack([design, other / (np.sqrt(np.sum(other[fitted] ** 2)) or 1.0)])
        if np.linalg.matrix_rank(wider[fitted], tol=1e-10) > design.shape[1]:
            design = wider
    if design.shape[1] > len(present) and fitted.sum() <= design.shape[1]:
        return found
    weights = np.linalg.lstsq(design[fitted], x[fitted], rcond=None)[0]
    residual = x[there] - design[there] @ weights
    nothing = np.abs(residual) <= NOTHING * np.sqrt(np.mean(x[fitted] ** 2))
    found[there] = np.where(nothing, 0.0, residual)
    return found


def _mean_of(members):
    return members[0] + np.mean(members - members[0])


def _std_of(members):
    return np.std(members - members[0], ddof=1)


CROSS = {
    "CSRank": _cs_rank,
    "CSZScore": _of_members(2, lambda v, m: (v - _mean_of(m)) / _std_of(m) if _spread(m) else np.full(len(v), np.nan)),
    "CSDemean": _of_members(1, lambda v, m: v - _mean_of(m)),
    "CSScale": _of_members(1, lambda v, m, total: v / np.sum(np.abs(m)) * total),
    "CSWinsor": _of_members(1, lambda v, m, limit: np.clip(v, np.quantile(m, limit), np.quantile(m, 1 - limit))),
    "CSMean": _of_members(1, lambda v, m: np.full(len(v), _mean_of(m))),
    "CSStd": _of_members(2, lambda v, m: np.full(len(v), _std_of(m))),
    "CSSkew": _of_members(3, lambda v, m: np.full(len(v), _shape("skew")(m))),
    "CSMax": _of_members(1, lambda v, m: np.full(len(v), m.max())),
    "CSMin": _of_members(1, lambda v, m: np.full(len(v), m.min())),
    "CSMedian": _of_members(1, lambda v, m: np.full(len(v), np.median(m))),
    "CSSum": _of_members(1, lambda v, m: np.full(len(v), m.sum())),
    "CSCount": _of_members(0, lambda v, m: np.full(len(v), len(m))),
}
