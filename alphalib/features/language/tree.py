"""A factor as a tree: what is computed, in which unit, from how far back. Never evaluated as Python."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from alphalib.errors import InputError
from alphalib.features.fields import FIELDS
from alphalib.features.language.operators import NOW, OPERATORS, Operator, Reach
from alphalib.features.language.tokens import LONGEST_TEXT
from alphalib.features.language.units import GROUP, NUMBER, Unit

DEEPEST = 48
LARGEST = 512
LONGEST_MEMORY = 10_080
LARGEST_POWER = 20
"""Limits of a tree: levels, nodes, sessions read back, exponent of what has a unit."""


@dataclass(frozen=True, eq=False)
class Node:
    """A number, a field of the market, or an operator with its arguments; made by `number`, `field` and `call`.

    Parameters
    ----------
    text : str
        Canonical text: two nodes with the same text are the same factor.
    unit : Unit
        Of the result.
    reach : Reach
        How far back the whole tree reads.
    size, depth : int
        Nodes and levels.
    operator : Operator, optional
        None for numbers and fields.
    arguments : tuple of Node
        Its expressions.
    literals : tuple of float
        Its literals; for a number, the number.
    """

    text: str
    unit: Unit
    reach: Reach = NOW
    size: int = 1
    depth: int = 1
    operator: Operator | None = None
    arguments: tuple[Node, ...] = ()
    literals: tuple[float, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"parse({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def lookback(self) -> int:
        """Earlier sessions a name needs before its values are shown. [sessions]"""
        return self.reach.lookback

    @property
    def memory(self) -> int | None:
        """Earlier sessions that can change a bit of a value; None when all of them can. [sessions]"""
        return self.reach.memory

    @property
    def complexity(self) -> int:
        """Nodes and literals: what a search over factors should be charged for."""
        return self.size + sum(len(node.literals) for node in self.walk() if node.operator)

    @property
    def is_number(self) -> bool:
        """Whether it is a literal."""
        return self.operator is None and self.unit == NUMBER

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of the canonical text: cache key, duplicate key, trial id."""
        return hashlib.blake2b(self.text.encode(), digest_size=8).hexdigest()

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of the market's fields it reads."""
        return frozenset(node.text[1:] for node in self.walk() if node.operator is None and not node.is_number)

    def walk(self) -> Iterator[Node]:
        """Every node, arguments before what takes them; a shared one as often as it is used."""
        for argument in self.arguments:
            yield from argument.walk()
        yield self


def number(value: float) -> Node:
    """A literal."""
    if not math.isfinite(value):
        raise InputError(f"a number must be finite, got {value!r}")
    value = float(value) + 0.0  # −0 is 0
    return Node(_spelled(value), NUMBER, literals=(value,))


def field(name: str) -> Node:
    """A field of the market, `$close` by the name "close"."""
    return Node(f"${name}", FIELDS[name].unit)


def call(name: str, arguments: Sequence[Node], literals: Sequence[float] = ()) -> Node:
    """An operator with its arguments, checked and in canonical order.

    Raises
    ------
    InputError
        When a literal is out of range, units do not fit, or the tree grows past its limits.
    """
    operator = OPERATORS[name]
    _check_literals(operator, literals)
    if all(argument.is_number for argument in arguments):
        return _folded(operator, arguments, literals)
    ordered = tuple(sorted(arguments, key=lambda node: node.text)) if operator.commutative else tuple(arguments)
    size, depth = 1 + sum(node.size for node in ordered), 1 + max(node.depth for node in ordered)
    if size > LARGEST or depth > DEEPEST:
        raise InputError(f"a factor may have {LARGEST} nodes and {DEEPEST} levels, this one has {size} and {depth}")
    text = f"{name}({', '.join([*(node.text for node in ordered), *map(_spelled, literals)])})"
    if len(text) > LONGEST_TEXT:
        raise InputError(f"a factor may have {LONGEST_TEXT:,} characters when written out, this one has {len(text):,}")
    return Node(
        text,
        _unit(operator, ordered, literals),
        _reach(operator, ordered, literals),
        size,
        depth,
        operator,
        ordered,
        tuple(map(float, literals)),
    )


def _check_literals(operator: Operator, literals: Sequence[float]) -> None:
    for parameter, value in zip(operator.parameters, literals, strict=True):
        if fault := parameter.fault(value):
            raise InputError(f"{operator.name}: {fault}")


def _folded(operator: Operator, arguments: Sequence[Node], literals: Sequence[float]) -> Node:
    """The number that an operator makes of numbers."""
    rule = _CONSTANT.get(operator.name)
    if rule is None:
        raise InputError(f"{operator.name} of a constant says nothing about any name; it needs a field such as $close")
    values = [argument.literals[0] for argument in arguments]
    try:
        return number(rule(*values))
    except (ArithmeticError, ValueError, TypeError) as error:
        raise InputError(f"{operator.name} of {', '.join(map(_spelled, values))} is not a number") from error


_CONSTANT: dict[str, Callable[..., float]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
    "Power": lambda a, b: a**b,
    "Neg": lambda a: -a,
    "Abs": abs,
    "Sqrt": math.sqrt,
    "Log": math.log,
    "Exp": math.exp,
}


def _unit(operator: Operator, arguments: Sequence[Node], literals: Sequence[float]) -> Unit:
    units = [argument.unit for argument in arguments]
    elsewhere = [] if operator.name in ("Eq", "Ne") else units
    if operator.name == "CSNeutralize":
        if units[1] != GROUP:
            raise InputError(f"CSNeutralize takes its groups second, such as $sector; got {arguments[1]}")
        elsewhere = [units[0], *units[2:]]
    if GROUP in elsewhere:
        raise InputError(
            f"{operator.name} cannot take group codes such as $sector; they are the second argument of CSNeutralize"
        )
    if operator.name == "Power" and arguments[1].is_number:
        if abs(arguments[1].literals[0]) > LARGEST_POWER and not units[0].is_ratio:
            raise InputError(f"Power: a quantity in {units[0]} is raised to at most {LARGEST_POWER}")
        return units[0] ** arguments[1].literals[0]
    try:
        return operator.unit(units, literals)
    except InputError as error:
        raise InputError(f"{operator.name}: {error}") from None


def _reach(operator: Operator, arguments: Sequence[Node], literals: Sequence[float]) -> Reach:
    own = operator.reach(literals)
    lookback, memory = own.lookback + max([node.reach.lookback for node in arguments]), own.memory
    memories = [node.reach.memory for node in arguments]
    if memory is None or None in memories:
        return Reach(lookback, None)
    memory += max([earlier for earlier in memories if earlier is not None])
    if memory > LONGEST_MEMORY:
        raise InputError(f"a factor may read {LONGEST_MEMORY} sessions back, this one reads {memory}")
    return Reach(lookback, memory)


def _spelled(value: float) -> str:
    """Shortest text of a number that reads back as the same."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
