"""Operators that look at one cell at a time, on numbers, market-wide rows and blocks alike.

A missing argument gives a missing result, and so does what is not finite: no infinity leaves an operator. The result
may be written over one of the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from alphalib.compiled import Bools, Floats, kernel

Operand: TypeAlias = "Floats | float"
Rule: TypeAlias = Callable[[Sequence[Operand], Floats], None]


@kernel
def keep_finite(values: Floats) -> None:
    """Make everything that is not finite missing, in place."""
    for name in range(values.shape[0]):
        for session in range(values.shape[1]):
            value = values[name, session]
            values[name, session] = value if abs(value) < np.inf else np.nan


def copied(operands: Sequence[Operand], out: Floats) -> None:
    """The operand itself: part of a transposed panel, or a number or a market-wide row for every name."""
    np.copyto(out, operands[0])
    keep_finite(out)


def _plain(function: Callable[..., Any]) -> Rule:
    """A function whose result is finite where its arguments are, and missing where one is."""

    def rule(operands: Sequence[Operand], out: Floats) -> None:
        function(*operands, out=out)

    return rule


def _finite(function: Callable[..., Any]) -> Rule:
    """A function that can overflow or meet a pole."""

    def rule(operands: Sequence[Operand], out: Floats) -> None:
        function(*operands, out=out)
        keep_finite(out)

    return rule


def _strict(function: Callable[..., Any]) -> Rule:
    """A function that would answer although an argument is missing."""

    def rule(operands: Sequence[Operand], out: Floats) -> None:
        missing = _missing(operands)
        function(*operands, out=out)
        np.copyto(out, np.nan, where=missing)

    return rule


def _missing(operands: Sequence[Operand]) -> Bools:
    missing: Bools = np.isnan(operands[0])
    for operand in operands[1:]:
        missing = missing | np.isnan(operand)
    return missing


def _power(operands: Sequence[Operand], out: Floats) -> None:
    """Numpy's 1 for a missing base to the power of 0 is missing here."""
    _raised(operands, out)
    keep_finite(out)


_raised = _strict(np.power)


def _chosen(operands: Sequence[Operand], out: Floats) -> None:
    condition, one, other = operands
    missing = np.isnan(condition)
    np.copyto(out, np.where(np.not_equal(condition, 0.0), one, other))
    np.copyto(out, np.nan, where=missing)


ELEMENTWISE: dict[str, Rule] = {
    "Add": _finite(np.add),
    "Sub": _finite(np.subtract),
    "Mul": _finite(np.multiply),
    "Div": _finite(np.divide),
    "Power": _power,
    "Neg": _plain(np.negative),
    "Abs": _plain(np.abs),
    "Sign": _plain(np.sign),
    "Log": _finite(np.log),
    "Exp": _finite(np.exp),
    "Sqrt": _plain(np.sqrt),
    "Floor": _plain(np.floor),
    "Greater": _plain(np.maximum),
    "Less": _plain(np.minimum),
    "Gt": _strict(np.greater),
    "Ge": _strict(np.greater_equal),
    "Lt": _strict(np.less),
    "Le": _strict(np.less_equal),
    "Eq": _strict(np.equal),
    "Ne": _strict(np.not_equal),
    "And": _strict(np.logical_and),
    "Or": _strict(np.logical_or),
    "Not": _strict(np.logical_not),
    "If": _chosen,
    "Plain": _plain(np.positive),
}
"""How each elementwise operator fills a block, by its name. Callers silence numpy's floating-point warnings."""
