"""A factor with a name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from alphalib.features.language.parser import Dialect, parse
from alphalib.features.language.tree import Node


@dataclass(frozen=True)
class Entry:
    """A factor of a catalogue.

    Parameters
    ----------
    name : str
        Unique in its catalogue.
    expression : str
        In the factor language.
    source : str
        Where it comes from: a paper with its DOI, a library.
    unit : str
        What its numbers are: "ratio", "price", "shares", "none", "currency" or a product of them.
    dialect : {"qlib", "quant-stream"}
        Spelling of the expression.
    note : str
        What a reader has to know before using it.
    """

    name: str
    expression: str
    source: str
    unit: str = "ratio"
    dialect: Dialect = "qlib"
    note: str = ""

    @cached_property
    def node(self) -> Node:
        """The parsed expression."""
        return parse(self.expression, dialect=self.dialect)
