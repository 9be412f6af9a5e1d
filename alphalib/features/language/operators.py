"""The operators of the factor language: what each takes, what its result is measured in, how far back it reads.

An operator takes expressions first and literals after them. How it computes is in `features.engine`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from alphalib.errors import InputError
from alphalib.features.language.units import GROUP, NONE, NUMBER, RATIO, Unit, common

Kind: TypeAlias = Literal["elementwise", "time", "cross-section"]
UnitRule: TypeAlias = Callable[[Sequence[Unit], Sequence[float]], Unit]
ReachRule: TypeAlias = Callable[[Sequence[float]], "Reach"]

LONGEST_WINDOW = 5040
"""Twenty years. [sessions]"""

FORGOTTEN = 36.8
"""An exponential average forgets what weighs less than exp(−36.8) = 1e-16, the precision of a double."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back an operator reads.

    Parameters
    ----------
    lookback : int
        Earlier sessions it wants before its value is what it says. [sessions]
    memory : int, optional
        Earlier sessions that can change a bit of its value; None when all of them can. [sessions]
    """

    lookback: int = 0
    memory: int | None = 0


NOW = Reach()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A literal argument.

    Parameters
    ----------
    name : str
        For messages.
    low, high : float
        Least and largest value.
    whole : bool
        Whether only whole numbers will do.
    default : float, optional
        Taken when it is left out.
    expanding, decay : bool
        Whether 0, for everything up to now, and a fraction between 0 and 1, for exponential weights, are taken too.
    """

    name: str
    low: float
    high: float
    whole: bool = True
    default: float | None = None
    expanding: bool = False
    decay: bool = False

    def fault(self, value: float) -> str | None:
        """What is wrong with a value, in words; None when nothing is."""
        if (self.expanding and value == 0) or (self.decay and 0 < value < 1):
            return None
        if value < 0 <= self.low and self.whole:
            return (
                f"the {self.name} must not be negative, got {value:g}: "
                "it would read sessions that have not happened yet"
            )
        if self.whole and value != int(value):
            return f"the {self.name} must be a whole number of sessions, got {value:g}"
        if not self.low <= value <= self.high:
            also = " (or 0 for all history)" if self.expanding else ""
            return f"the {self.name} must be from {self.low:g} to {self.high:g}{also}, got {value:g}"
        return None


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Parameters
    ----------
    name : str
        Canonical: qlib's spelling where qlib has it.
    kind : {"elementwise", "time", "cross-section"}
        What one value of its result is computed from: the same cell, the same name, the same date.
    expressions : tuple of int
        Fewest and most expressions it takes.
    parameters : tuple of Parameter
        Its literals.
    unit : callable
        Units of the expressions and the literals to the unit of the result; raises `InputError`.
    reach : callable
        Literals to `Reach`.
    commutative : bool
        Whether the order of its expressions does not matter.
    summary : str
        What it computes; for the reference in the docs and for messages.
    """

    name: str
    kind: Kind
    expressions: tuple[int, int]
    parameters: tuple[Parameter, ...]
    unit: UnitRule
    reach: ReachRule
    summary: str
    commutative: bool = False

    @property
    def usage(self) -> str:
        """How it is written, for messages: `Quantile(x, window, q)`."""
        least, most = self.expressions
        names = list("xyz"[:least]) + (["…"] if most > least else [])
        literals = [p.name if p.default is None else f"[{p.name}={p.default:g}]" for p in self.parameters]
        return f"{self.name}({', '.join([*names, *literals])})"


# Units ----------------------------------------------------------------------------------------------------------------


def _same(units: Sequence[Unit], _: Sequence[float]) -> Unit:
    return units[0]


def _ratio(_units: Sequence[Unit], _: Sequence[float]) -> Unit:
    return RATIO


def _sum(units: Sequence[Unit], _: Sequence[float]) -> Unit:
    found = common(units[0], units[1])
    if found is None or found == GROUP:
        raise InputError(f"{units[0]} and {units[1]} cannot be added or compared; divide one by its own kind first")
    return found


def _compared(units: Sequence[Unit], literals: Sequence[float]) -> Unit:
    if units[0] != GROUP or units[1] not in (GROUP, NUMBER):
        _sum(units, literals)
    return RATIO


def _chosen(units: Sequence[Unit], literals: Sequence[float]) -> Unit:
    return _sum(units[1:], literals)


def _product(units: Sequence[Unit], _: Sequence[float]) -> Unit:
    return units[0] * units[1]


def _quotient(units: Sequence[Unit], _: Sequence[float]) -> Unit:
    return units[0] / units[1]


def _square(units: Sequence[Unit], _: Sequence[float]) -> Unit:
    return units[0] ** 2


def _root(units: Sequence[Unit], _: Sequence[float]) -> Unit:
    return units[0] ** 0.5


def _pure(units: Sequence[Unit], _: Sequence[float]) -> Unit:
    return RATIO if units[0].is_ratio else NONE


def _powered(units: Sequence[Unit], _: Sequence[float]) -> Unit:
    """The tree knows a literal exponent and passes its unit on by `Unit.__pow__`; any other exponent loses the unit."""
    return RATIO if units[0].is_ratio and units[1].is_ratio else NONE


# Reach ----------------------------------------------------------------------------------------------------------------


def _now(_: Sequence[float]) -> Reach:
    return NOW


def _lag(literals: Sequence[float]) -> Reach:
    sessions = int(literals[0])
    return Reach(sessions, sessions) if sessions else Reach(0, None)


def _window(literals: Sequence[float]) -> Reach:
    window = literals[0]
    if window == 0:
        return Reach(0, None)
    if window < 1:
        return _exponential(window)
    return Reach(int(window) - 1, int(window) - 1)


def _latest(literals: Sequence[float]) -> Reach:
    """The first value is already the latest: it wants no history, though it may read some."""
    return Reach(0, _window(literals).memory)


def _span(literals: Sequence[float]) -> Reach:
    if literals[0] == 0:
        return Reach(0, None)
    return _exponential(literals[0] if literals[0] < 1 else 2.0 / (literals[0] + 1.0))


def _wilder(literals: Sequence[float]) -> Reach:
    return _exponential(1.0 / literals[0])


def _exponential(alpha: float) -> Reach:
    """Warm after two spans, when 98 % of the weight lies on what was seen."""
    if alpha >= 1.0:
        return NOW
    return Reach(math.ceil(4.0 / alpha) - 2, 2 * restart(alpha) - 1)


def restart(alpha: float) -> int:
    """Sessions after which exponential weights are nothing; averages restart at multiples of it. [sessions]"""
    return 1 if alpha >= 1.0 else math.ceil(FORGOTTEN / -math.log1p(-alpha))


# The table ------------------------------------------------------------------------------------------------------------

_LAG = Parameter("lag", 0, LONGEST_WINDOW)


def _window_of(least: int, *, expanding: bool = True, decay: bool = False) -> Parameter:
    return Parameter("window", least, LONGEST_WINDOW, expanding=expanding, decay=decay)


def _elementwise(name: str, count: int, unit: UnitRule, summary: str, *, commutative: bool = False) -> Operator:
    return Operator(name, "elementwise", (count, count), (), unit, _now, summary, commutative)


def _over_time(
    name: str,
    unit: UnitRule,
    summary: str,
    *parameters: Parameter,
    count: int = 1,
    reach: ReachRule = _window,
    commutative: bool = False,
) -> Operator:
    return Operator(name, "time", (count, count), parameters, unit, reach, summary, commutative)


def _across(
    name: str, unit: UnitRule, summary: str, *parameters: Parameter, expressions: tuple[int, int] = (1, 1)
) -> Operator:
    return Operator(name, "cross-section", expressions, parameters, unit, _now, summary)


MOST_REGRESSORS = 5

_ALL = (
    _elementwise("Add", 2, _sum, "x + y", commutative=True),
    _elementwise("Sub", 2, _sum, "x − y"),
    _elementwise("Mul", 2, _product, "x · y", commutative=True),
    _elementwise("Div", 2, _quotient, "x / y; missing where y is 0"),
    _elementwise("Power", 2, _powered, "x to the power of y"),
    _elementwise("Neg", 1, _same, "−x"),
    _elementwise("Abs", 1, _same, "|x|"),
    _elementwise("Sign", 1, _ratio, "−1, 0 or 1"),
    _elementwise("Log", 1, _pure, "natural logarithm; missing at 0 and below"),
    _elementwise("Exp", 1, _pure, "e to the power of x"),
    _elementwise("Sqrt", 1, _root, "square root; missing below 0"),
    _elementwise("Floor", 1, _same, "largest whole number not above x"),
    _elementwise("Greater", 2, _sum, "the larger of the two", commutative=True),
    _elementwise("Less", 2, _sum, "the smaller of the two", commutative=True),
    _elementwise("Gt", 2, _compared, "1 where x > y, else 0"),
    _elementwise("Ge", 2, _compared, "1 where x ≥ y, else 0"),
    _elementwise("Lt", 2, _compared, "1 where x < y, else 0"),
    _elementwise("Le", 2, _compared, "1 where x ≤ y, else 0"),
    _elementwise("Eq", 2, _compared, "1 where x = y, else 0", commutative=True),
    _elementwise("Ne", 2, _compared, "1 where x ≠ y, else 0", commutative=True),
    _elementwise("And", 2, _ratio, "1 where both are not 0", commutative=True),
    _elementwise("Or", 2, _ratio, "1 where one is not 0", commutative=True),
    _elementwise("Not", 1, _ratio, "1 where x is 0"),
    _elementwise("If", 3, _chosen, "y where x is not 0, else z"),
    _elementwise("Plain", 1, _ratio, "x as a number without its unit"),
    _over_time("Ref", _same, "the value `lag` sessions ago; 0 is the first", _LAG, reach=_lag),
    _over_time("Delta", _same, "x less its value `lag` sessions ago; 0 is the first", _LAG, reach=_lag),
    _over_time(
        "Last",
        _same,
        "the latest value of the last `window` sessions",
        _window_of(1, expanding=False),
        reach=_latest,
    ),
    _over_time("Mean", _same, "mean", _window_of(1, decay=True)),
    _over_time("Sum", _same, "sum", _window_of(1)),
    _over_time("Prod", _pure, "product", _window_of(1)),
    _over_time("Std", _same, "standard deviation, n − 1", _window_of(2)),
    _over_time("Var", _square, "variance, n − 1", _window_of(2)),
    _over_time("Skew", _ratio, "skewness, unbiased", _window_of(3)),
    _over_time("Kurt", _ratio, "excess kurtosis, unbiased", _window_of(4)),
    _over_time("Max", _same, "largest value", _window_of(1)),
    _over_time("Min", _same, "smallest value", _window_of(1)),
    _over_time("IdxMax", _ratio, "position of the first maximum in the window, from 1", _window_of(1)),
    _over_time("IdxMin", _ratio, "position of the first minimum in the window, from 1", _window_of(1)),
    _over_time("SinceMax", _ratio, "sessions since the latest maximum", _window_of(1, expanding=False)),
    _over_time("SinceMin", _ratio, "sessions since the latest minimum", _window_of(1, expanding=False)),
    _over_time("Med", _same, "median", _window_of(1)),
    _over_time("Mad", _same, "mean absolute deviation from the mean", _window_of(1)),
    _over_time("Count", _ratio, "number of values", _window_of(1)),
    _over_time(
        "Quantile", _same, "quantile, linear between values", _window_of(1), Parameter("q", 0.0, 1.0, whole=False)
    ),
    _over_time("Rank", _ratio, "share of the window's values at or below the last; ties half", _window_of(1)),
    _over_time("Slope", _same, "slope on time, per session", _window_of(2)),
    _over_time("Rsquare", _ratio, "R² of the regression on time", _window_of(2)),
    _over_time("Resi", _same, "residual of the last session in the regression on time", _window_of(2)),
    _over_time("WMA", _same, "mean with weights 1 … window, the latest heaviest", _window_of(1)),
    _over_time(
        "GMA",
        _same,
        "mean with weights ratio^sessions ago",
        _window_of(1, expanding=False),
        Parameter("ratio", 0.0, 1.0, whole=False, default=0.9),
    ),
    _over_time("EMA", _same, "exponential mean, alpha 2/(span + 1)", _window_of(1, decay=True), reach=_span),
    _over_time("Wilder", _same, "exponential mean, alpha 1/window", _window_of(1, expanding=False), reach=_wilder),
    _over_time("Corr", _ratio, "correlation", _window_of(2), count=2, commutative=True),
    _over_time("Cov", _product, "covariance, n − 1", _window_of(2), count=2, commutative=True),
    _over_time("RegBeta", _quotient, "slope of x on y", _window_of(2), count=2),
    _over_time("RegResi", _same, "residual of the last session when x is regressed on y", _window_of(2), count=2),
    _across("CSRank", _ratio, "share of the members at or below, in (0, 1]; ties share their mean rank"),
    _across("CSZScore", _ratio, "standard deviations from the members' mean"),
    _across("CSDemean", _same, "less the members' mean"),
    _across(
        "CSScale",
        _ratio,
        "so that the members' absolute values add to `total`",
        Parameter("total", 1e-9, 1e9, whole=False, default=1.0),
    ),
    _across(
        "CSWinsor",
        _same,
        "clipped to the members' quantiles `limit` and 1 − `limit`",
        Parameter("limit", 0.0, 0.49, whole=False, default=0.025),
    ),
    _across(
        "CSNeutralize",
        _same,
        "residual on the groups of y, and on further expressions within them",
        expressions=(2, 2 + MOST_REGRESSORS),
    ),
    _across("CSResid", _same, "residual on the other expressions and a constant", expressions=(2, 1 + MOST_REGRESSORS)),
    _across("CSMean", _same, "mean of the members"),
    _across("CSStd", _same, "standard deviation of the members, n − 1"),
    _across("CSSkew", _ratio, "skewness of the members"),
    _across("CSMax", _same, "largest of the members"),
    _across("CSMin", _same, "smallest of the members"),
    _across("CSMedian", _same, "median of the members"),
    _across("CSSum", _same, "sum over the members"),
    _across("CSCount", _ratio, "number of members with a value"),
)

OPERATORS: dict[str, Operator] = {operator.name: operator for operator in _ALL}
"""Every operator by its canonical name."""
