"""The tables of docs/factor_language.md, written from the operators, the fields and Quant-Stream's functions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alphalib.errors import InputError
from alphalib.features.fields import FIELDS
from alphalib.features.language.grammar import Function
from alphalib.features.language.operators import OPERATORS, Kind, Operator, Parameter
from alphalib.features.language.quant_stream import FUNCTIONS
from alphalib.features.language.tree import Node, field
from alphalib.features.language.units import GROUP, PRICE, SHARES, Unit

_EXAMPLES = {"close": "x", "open": "y", "high": "z"}


def operator_table(kind: Kind) -> str:
    """Markdown: the operators of a kind, what they compute, the unit of the result and the literals they take."""
    rows = [
        (f"`{operator.usage}`", operator.summary, _unit(operator), _literals(operator.parameters))
        for operator in OPERATORS.values()
        if operator.kind == kind
    ]
    if kind == "time":
        return _table(("operator", "result", "unit", "literals"), rows)
    return _table(("operator", "result", "unit"), [row[:3] for row in rows])


def field_table() -> str:
    """Markdown: every field, its unit and what a market must have for it."""
    rows = [(f"`${entry.name}`", str(entry.unit), entry.summary, entry.needs) for entry in FIELDS.values()]
    return _table(("field", "unit", "what", "needs"), rows)


def quant_stream_table() -> str:
    """Markdown: Quant-Stream's functions and the tree that each stands for."""
    return _table(("Quant-Stream", "here"), [(f"`{f.usage}`", f"`{_tree(f)}`") for f in FUNCTIONS])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _unit(operator: Operator) -> str:
    """Unit of the result in those of x and y."""
    least = operator.expressions[0]
    for units, letters in _TRIED:
        if len(units) == least:
            try:
                found = operator.unit(units, [5.0] * len(operator.parameters))
            except InputError:
                continue
            return str(found).replace("price", letters[0]).replace("shares", letters[-1])
    raise ValueError(f"{operator.name} takes none of the units tried")


_TRIED: list[tuple[tuple[Unit, ...], str]] = [
    ((PRICE,), "x"),
    ((PRICE, SHARES), "xy"),
    ((PRICE, PRICE), "x"),
    ((PRICE, GROUP), "x"),
    ((SHARES, PRICE, PRICE), "y"),
]
"""Units of the arguments, and the letters that stand for price and shares in the result."""


def _literals(parameters: Sequence[Parameter]) -> str:
    return "; ".join(_literal(parameter) for parameter in parameters)


def _literal(parameter: Parameter) -> str:
    also = [", or 0: all history"] if parameter.expanding else []
    also += [", or 0 < alpha < 1: exponential"] if parameter.decay else []
    return f"{parameter.name} {parameter.low:g} to {parameter.high:g}{''.join(also)}"


def _tree(function: Function) -> str:
    """What a function stands for, its literals at their defaults and letters for its expressions."""
    names = iter(_EXAMPLES)
    arguments: list[Node | float] = []
    for slot in function.slots:
        if slot is None:
            arguments.append(field(next(names)))
        else:
            arguments.append(_SHOWN.get(slot.name, 5.0) if slot.default is None else slot.default)
    return re.sub(r"\$(\w+)", lambda found: _EXAMPLES[found[1]], str(function.build(*arguments)))


_SHOWN = {"alpha": 0.1, "q": 0.8, "m": 1.0, "n": 8.0}
