"""The factor language: text to a typed tree."""

from alphalib.errors import FactorError
from alphalib.features.language.grammar import Dialect
from alphalib.features.language.parser import parse
from alphalib.features.language.tree import Node

__all__ = ["Dialect", "FactorError", "Node", "parse"]
