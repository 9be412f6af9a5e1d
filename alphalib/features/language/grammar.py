"""What a dialect is made of: signs, functions, and what to say of those it lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from alphalib.features.language.operators import OPERATORS, Parameter
from alphalib.features.language.tree import Node, call

Dialect: TypeAlias = Literal["qlib", "quant-stream"]
Argument: TypeAlias = Node | float
Slot: TypeAlias = Parameter | None

UNARY = 100
"""Precedence of a sign in front; only a power binds tighter."""


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
        Fewest arguments; literals left out take their defaults.
    build : callable
        Arguments, literals among them, to the tree.
    canonical : str
        The operator that it is another name for; empty where it is a tree of several.
    """

    name: str
    slots: tuple[Slot, ...]
    least: int
    build: Callable[..., Node]
    canonical: str = ""

    @property
    def usage(self) -> str:
        """How it is written, for messages: `Quantile(x, window, q)`."""
        letters = iter("xyz")
        shown: list[str] = []
        for index, slot in enumerate(self.slots):
            name = next(letters, "…") if slot is None else slot.name
            if name == "…":
                return f"{self.name}({', '.join(shown[: self.least])}, …)"
            if slot is not None and slot.default is not None:
                name += f"={slot.default:g}"
            shown.append(name if index < self.least else f"[{name}]")
        return f"{self.name}({', '.join(shown)})"


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
    instead : mapping of str to str
        What to write for names and signs that it does not have.
    """

    name: Dialect
    infix: Mapping[str, Infix]
    prefix: Mapping[str, str]
    functions: Mapping[str, Function]
    bare: bool
    instead: Mapping[str, str]


COMPARISONS = {">": "Gt", ">=": "Ge", "<": "Lt", "<=": "Le", "==": "Eq", "!=": "Ne"}
ARITHMETIC = {"+": Infix("Add", 50), "-": Infix("Sub", 50), "*": Infix("Mul", 60), "/": Infix("Div", 60)}


def renamed(name: str, canonical: str, literals: tuple[Parameter, ...] | None = None) -> Function:
    """A function that is an operator: its expressions before its literals, which may have other defaults."""
    operator = OPERATORS[canonical]
    literals = operator.parameters if literals is None else literals
    least, most = operator.expressions

    def build(*arguments: Argument) -> Node:
        nodes = [argument for argument in arguments if isinstance(argument, Node)]
        return call(canonical, nodes, [argument for argument in arguments if not isinstance(argument, Node)])

    slots = (*(None,) * most, *literals)
    return Function(name, slots, least + sum(literal.default is None for literal in literals), build, canonical)
