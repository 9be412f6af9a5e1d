"""The two spellings: which names and signs each has, how tightly they bind, and the tree that each stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from alphalib.features.language.operators import OPERATORS, Operator, Parameter
from alphalib.features.language.tree import Node, call

Dialect: TypeAlias = Literal["qlib", "quant-stream"]
Argument: TypeAlias = Node | float


@dataclass(frozen=True, slots=True)
class Infix:
    """A sign between two expressions.

    Parameters
    ----------
    name : str
        The operator it stands for; "If" takes a third expression after a colon.
    precedence : int
        The larger binds tighter.
    from_right : bool
        Whether a chain groups from the right.
    comparison : bool
        Whether it may not be chained.
    """

    name: str
    precedence: int
    from_right: bool = False
    comparison: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A name with arguments.

    Parameters
    ----------
    name : str
        As written.
    slots : tuple of (Parameter or None)
        What each argument is: a literal, or an expression for None.
    least : int
        Fewest arguments; those left out take their defaults.
    usage : str
        How it is written, for messages.
    build : callable
        Arguments, literals among them, to the tree.
    """

    name: str
    slots: tuple[Parameter | None, ...]
    least: int
    usage: str
    build: Callable[..., Node]


@dataclass(frozen=True, slots=True)
class Grammar:
    """A dialect.

    Parameters
    ----------
    name : str
        Of the dialect.
    infix : mapping of str to Infix
        By sign.
    prefix : mapping of str to str
        Operator by the sign in front of an expression; "" leaves it as it is.
    functions : mapping of str to Function
        By name.
    bare : bool
        Whether a field may go without its `$`.
    advice : mapping of str to str
        What to write instead of names and signs that it does not have.
    """

    name: Dialect
    infix: Mapping[str, Infix]
    prefix: Mapping[str, str]
    functions: Mapping[str, Function]
    bare: bool = False
    advice: Mapping[str, str] = field(default_factory=dict)


UNARY = 100
"""Precedence of a sign in front; only a power binds tighter."""


def _canonical(operator: Operator) -> Function:
    """An operator under its own name, its expressions before its literals."""
    least, most = operator.expressions

    def build(*arguments: Argument) -> Node:
        nodes = [argument for argument in arguments if isinstance(argument, Node)]
        return call(operator.name, nodes, [argument for argument in arguments if not isinstance(argument, Node)])

    needed = least + sum(parameter.default is None for parameter in operator.parameters)
    return Function(operator.name, (*(None,) * most, *operator.parameters), needed, operator.usage, build)


_COMPARISONS = {">": "Gt", ">=": "Ge", "<": "Lt", "<=": "Le", "==": "Eq", "!=": "Ne"}
_ARITHMETIC = {
    "+": Infix("Add", 50),
    "-": Infix("Sub", 50),
    "*": Infix("Mul", 60),
    "/": Infix("Div", 60),
}

# qlib -----------------------------------------------------------------------------------------------------------------

QLIB = Grammar(
    name="qlib",
    infix={
        **{sign: Infix(name, 20, comparison=True) for sign, name in _COMPARISONS.items()},
        "|": Infix("Or", 30),
        "&": Infix("And", 40),
        **_ARITHMETIC,
        "**": Infix("Power", UNARY + 1, from_right=True),
    },
    prefix={"-": "Neg", "+": ""},
    functions={name: _canonical(operator) for name, operator in OPERATORS.items()},
)
"""qlib evaluates its expressions as Python, so they bind as Python's: `&` and `|` before comparisons."""

GRAMMARS: dict[str, Grammar] = {"qlib": QLIB}
