"""Quant-Stream's operators as trees of ours.

Names, arguments and defaults are those of `quant_stream/functions` in divyanshmaybe/Agentic-Trading-Platform. What was
not there stays missing, where Quant-Stream takes 0 or the other branch; windows and lags are at least 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from alphalib.features.language.grammar import Function, Slot, renamed
from alphalib.features.language.operators import LONGEST_WINDOW, Parameter
from alphalib.features.language.tree import Node, call, number

_Build: TypeAlias = Callable[..., Node]

_TRUTHS = {"Gt", "Ge", "Lt", "Le", "Eq", "Ne", "And", "Or", "Not"}


def _window(default: float | None = None, name: str = "window", least: int = 1) -> Parameter:
    return Parameter(name, least, LONGEST_WINDOW, default=default)


def _lag(default: float) -> Parameter:
    return _window(default, "lag")


_Q = Parameter("q", 0.0, 1.0, whole=False)
_MEDIAN = Parameter("q", 0.0, 1.0, whole=False, default=0.5)
_TOTAL = Parameter("target_sum", 1e-9, 1e9, whole=False, default=1.0)
_WIDTH = Parameter("deviations", 0.0, 100.0, whole=False, default=2.0)
_ALPHA = Parameter("alpha", 1e-4, 1.0, whole=False)


# Trees ----------------------------------------------------------------------------------------------------------------


def _change(x: Node, lag: float) -> Node:
    """Missing where there was nothing to change from; Quant-Stream says 0."""
    return call("Sub", [call("Div", [x, call("Ref", [x], [lag])]), number(1)])


def _zscore(x: Node, window: float) -> Node:
    return call("Div", [call("Sub", [x, call("Mean", [x], [window])]), call("Std", [x], [window])])


def _days_since(name: str) -> _Build:
    """HIGHDAY and LOWDAY count today as 1."""
    return lambda x, window: call("Add", [call(name, [x], [window]), number(1)])


def _weighted(x: Node, window: float) -> Node:
    return call("GMA", [x], [window, 0.9])


def _smooth(x: Node, alpha: float) -> Node:
    return call("Mean", [x], [alpha])


def _sma(x: Node, window: float, of: float | None = None) -> Node:
    """Y' = m/n·X + (1 − m/n)·Y; its two spellings, (x, 1, 12) and (x, 12, 1), mean the fraction below 1."""
    return call("Mean", [x], [window if of is None else min(window, of) / max(window, of)])


def _macd(x: Node, short: float, long: float) -> Node:
    return call("Sub", [call("EMA", [x], [short]), call("EMA", [x], [long])])


def _rsi(x: Node, window: float) -> Node:
    """100 − 100/(1 + up/down) is 100·up/(up + down), which also knows what to do without a fall."""
    change = call("Delta", [x], [1])
    up = call("EMA", [call("Greater", [change, number(0)])], [window])
    down = call("EMA", [call("Greater", [call("Neg", [change]), number(0)])], [window])
    return call("Mul", [number(100), call("Div", [up, call("Add", [up, down])])])


def _band(sign: str) -> _Build:
    def build(x: Node, window: float, deviations: float) -> Node:
        width = call("Mul", [number(deviations), call("Std", [x], [window])])
        return call(sign, [call("Mean", [x], [window]), width])

    return build


def _truth(condition: Node) -> Node:
    """1 where a condition holds, else 0."""
    known = condition.operator is not None and condition.operator.name in _TRUTHS
    return condition if known else call("Ne", [condition, number(0)])


def _count(condition: Node, window: float) -> Node:
    return call("Sum", [_truth(condition)], [window])


def _sum_if(x: Node, window: float, condition: Node) -> Node:
    return call("Sum", [_filtered(x, condition)], [window])


def _filtered(x: Node, condition: Node) -> Node:
    return call("If", [condition, x, number(0)])


def _most(name: str) -> _Build:
    """Of two or three."""

    def build(x: Node, y: Node, z: Node | None = None) -> Node:
        two = call(name, [x, y])
        return two if z is None else call(name, [two, z])

    return build


# The table ------------------------------------------------------------------------------------------------------------


def _tree(name: str, build: _Build, *slots: Slot, optional: int = 0) -> Function:
    """A function that is a tree of several operators; the last `optional` arguments may go without a default."""
    needed = sum(slot is None or slot.default is None for slot in slots)
    return Function(name, slots, needed - optional, build)


def _renamed(name: str, canonical: str, *literals: Parameter) -> Function:
    return renamed(name, canonical, literals)


FUNCTIONS: tuple[Function, ...] = (
    # across names, date by date
    _renamed("RANK", "CSRank"),
    _renamed("ZSCORE", "CSZScore"),
    _renamed("SCALE", "CSScale", _TOTAL),
    _renamed("MEAN", "CSMean"),
    _renamed("STD", "CSStd"),
    _renamed("SKEW", "CSSkew"),
    _renamed("MAX", "CSMax"),
    _renamed("MIN", "CSMin"),
    _renamed("MEDIAN", "CSMedian"),
    # over time
    _renamed("DELTA", "Delta", _lag(1)),
    _renamed("DELAY", "Ref", _lag(1)),
    _renamed("TS_MAX", "Max", _window(5)),
    _renamed("TS_MIN", "Min", _window(5)),
    _renamed("TS_MEAN", "Mean", _window(5)),
    _renamed("TS_MEDIAN", "Med", _window(5)),
    _renamed("TS_SUM", "Sum", _window(5)),
    _renamed("TS_VAR", "Var", _window(5)),
    _renamed("TS_RANK", "Rank", _window(5)),
    _tree("TS_ZSCORE", _zscore, None, _window(5)),
    _renamed("TS_MAD", "Mad", _window(5)),
    _renamed("TS_STD", "Std", _window(20)),
    _renamed("TS_ARGMAX", "SinceMax", _window(5)),
    _renamed("TS_ARGMIN", "SinceMin", _window(5)),
    _renamed("TS_QUANTILE", "Quantile", _window(5), _MEDIAN),
    _tree("PERCENTILE", lambda x, q, window: call("Quantile", [x], [window, q]), None, _Q, _window()),
    _tree("TS_PCTCHANGE", _change, None, _lag(1)),
    # indicators
    _tree("SMA", _sma, None, _window(name="m"), _window(name="n"), optional=1),
    _renamed("EMA", "EMA", _window(name="span")),
    _tree("EWM", _smooth, None, _ALPHA),
    _tree("WMA", _weighted, None, _window(20)),
    _renamed("DECAYLINEAR", "WMA", _window(5)),
    _renamed("PROD", "Prod", _window(5)),
    _tree("COUNT", _count, None, _window(20)),
    _tree("SUMIF", _sum_if, None, _window(), None),
    _tree("FILTER", _filtered, None, None),
    _tree("MACD", _macd, None, _window(12, "short"), _window(26, "long")),
    _tree("RSI", _rsi, None, _window(14)),
    _renamed("BB_MIDDLE", "Mean", _window(20)),
    _tree("BB_UPPER", _band("Add"), None, _window(20), _WIDTH),
    _tree("BB_LOWER", _band("Sub"), None, _window(20), _WIDTH),
    # two expressions
    _renamed("TS_CORR", "Corr", _window(5, least=2)),
    _renamed("TS_COVARIANCE", "Cov", _window(5, least=2)),
    _renamed("REGBETA", "RegBeta", _window(5, least=2)),
    _renamed("REGRESI", "RegResi", _window(5, least=2)),
    _tree("HIGHDAY", _days_since("SinceMax"), None, _window(5)),
    _tree("LOWDAY", _days_since("SinceMin"), None, _window(5)),
    _renamed("SUMAC", "Sum", _window(10)),
    _renamed("ADD", "Add"),
    _renamed("SUBTRACT", "Sub"),
    _renamed("MULTIPLY", "Mul"),
    _renamed("DIVIDE", "Div"),
    _renamed("AND", "And"),
    _renamed("OR", "Or"),
    # cell by cell
    _renamed("ABS", "Abs"),
    _renamed("SIGN", "Sign"),
    _tree("MAX_ELEMENTWISE", _most("Greater"), None, None, None, optional=1),
    _tree("MIN_ELEMENTWISE", _most("Less"), None, None, None, optional=1),
    _renamed("IF", "If"),
    _renamed("TERNARY", "If"),
    _renamed("EXP", "Exp"),
    _renamed("SQRT", "Sqrt"),
    _tree("LOG", lambda x: call("Log", [call("Add", [x, number(1)])]), None),
    _tree("INV", lambda x: call("Div", [number(1), x]), None),
    _renamed("POW", "Power"),
    _renamed("FLOOR", "Floor"),
)
"""Every function of the dialect."""
