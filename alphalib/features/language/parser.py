"""Text to a tree: precedence climbing over the tokens, every node checked as it is made."""

from __future__ import annotations

import math

from alphalib.errors import FactorError, InputError
from alphalib.features.fields import FIELDS
from alphalib.features.language.dialects import GRAMMARS, bare_name, shortened, unknown_field, unknown_operator
from alphalib.features.language.grammar import UNARY, Argument, Dialect, Function, Grammar
from alphalib.features.language.operators import Parameter
from alphalib.features.language.tokens import Token, tokens
from alphalib.features.language.tree import Node, call, field, number

__all__ = ["DEEPEST_NESTING", "Dialect", "parse"]

DEEPEST_NESTING = 64
"""Parentheses, signs and powers within each other."""


def parse(text: str, dialect: Dialect = "qlib") -> Node:
    """The factor that an expression describes.

    Parameters
    ----------
    text : str
        Such as ``CSRank(Mean($close, 5) / Ref($close, 20))``, at most 4,096 characters.
    dialect : {"qlib", "quant-stream"}
        Which names and which precedence it is written in; both give the same trees.

    Returns
    -------
    Node
        The checked tree; ``parse(str(node)) == node``.

    Raises
    ------
    FactorError
        When it cannot be read, reads the future, or adds what cannot be added; its message points at the character.
    """
    if dialect not in GRAMMARS:
        raise InputError(f"dialect must be one of {', '.join(GRAMMARS)}, got {dialect!r}")
    if not isinstance(text, str):
        raise InputError(f"an expression is text, got {type(text).__name__}")
    return _Reader(text, GRAMMARS[dialect]).whole()


class _Reader:
    """Walks once over the tokens of a text."""

    __slots__ = ("grammar", "index", "nesting", "text", "tokens")

    def __init__(self, text: str, grammar: Grammar) -> None:
        self.text = text
        self.grammar = grammar
        self.tokens = tokens(text)
        self.index = 0
        self.nesting = 0

    def whole(self) -> Node:
        """The whole text as one expression."""
        node = self.expression(0)
        rest = self.tokens[self.index]
        if rest.kind != "end":
            raise self.unexpected(rest, "an operator or the end")
        if node.is_number:
            raise self.fault("a factor needs a field such as $close; a number says nothing about any name", 0)
        return node

    def expression(self, least: int) -> Node:
        """An expression whose signs bind at least so tightly."""
        self.nesting += 1
        if self.nesting > DEEPEST_NESTING:
            raise self.fault(f"more than {DEEPEST_NESTING} levels within each other", self.tokens[self.index].position)
        node = self.operand()
        known = self.grammar.infix
        while True:
            token = self.tokens[self.index]
            infix = known.get(token.text)
            if infix is None or infix.precedence < least:
                break
            self.index += 1
            if infix.name == "If":
                node = self.choice(node, token, infix.precedence)
                continue
            right = self.expression(infix.precedence if infix.from_right else infix.precedence + 1)
            if infix.comparison:
                self.refuse_chain()
            node = self.made(infix.name, (node, right), token)
        self.nesting -= 1
        return node

    def refuse_chain(self) -> None:
        """Refuse `x < y < z`, which Python, C and the reader each take for something else."""
        token = self.tokens[self.index]
        after = self.grammar.infix.get(token.text)
        if after is not None and after.comparison:
            reason = "comparisons cannot be chained; put each in parentheses: (x < y) & (y < z)"
            raise self.fault(reason, token.position)

    def choice(self, condition: Node, token: Token, precedence: int) -> Node:
        """The rest of `condition ? x : y`."""
        chosen = self.expression(precedence)
        self.expect(":", "a colon and what holds otherwise")
        return self.made("If", (condition, chosen, self.expression(precedence)), token)

    def operand(self) -> Node:
        """A number, a field, a function of its arguments, or an expression after a sign or in parentheses."""
        token = self.tokens[self.index]
        self.index += 1
        if token.kind == "number":
            return self.number(token)
        if token.kind == "field":
            return self.field(token, token.text[1:])
        if token.kind == "name":
            return self.named(token)
        if token.text == "(":
            node = self.expression(0)
            self.expect(")", "an operator or )")
            return node
        if token.text in self.grammar.prefix:
            node = self.expression(UNARY)
            name = self.grammar.prefix[token.text]
            return self.made(name, (node,), token) if name else node
        if token.kind == "text":
            raise self.fault("there are no texts in the language", token.position)
        raise self.unexpected(token, "an expression")

    def number(self, token: Token) -> Node:
        """A literal."""
        value = float(token.text)
        if not math.isfinite(value):
            raise self.fault("the number is too large", token.position)
        return number(value)

    def field(self, token: Token, name: str) -> Node:
        """A field of the market."""
        if name not in FIELDS:
            raise self.fault(unknown_field(name), token.position)
        return field(name)

    def named(self, token: Token) -> Node:
        """A function of its arguments, or a field without its `$` where the dialect has it."""
        if self.tokens[self.index].text != "(":
            if self.grammar.bare and token.text in FIELDS:
                return field(token.text)
            raise self.fault(bare_name(token.text, self.grammar), token.position)
        function = self.grammar.functions.get(token.text)
        if function is None:
            raise self.fault(unknown_operator(token.text, self.grammar), token.position)
        arguments = self.arguments(function)
        try:
            return function.build(*arguments)
        except InputError as error:
            reason = str(error)
            lead = "" if reason.startswith(function.name) else f"{function.name}: "
            raise self.fault(lead + reason, token.position) from None

    def arguments(self, function: Function) -> list[Argument]:
        """What stands between the parentheses, with the defaults of what was left out."""
        self.index += 1
        found: list[Argument] = []
        while True:
            token = self.tokens[self.index]
            if token.text == ")" and (not found or len(found) >= function.least):
                break
            if len(found) == len(function.slots):
                raise self.fault(f"too many arguments: {function.usage}", token.position)
            slot = function.slots[len(found)]
            found.append(self.expression(0) if slot is None else self.literal(slot, function))
            token = self.tokens[self.index]
            if token.text != ",":
                break
            self.index += 1
        closing = self.tokens[self.index]
        if closing.text != ")":
            raise self.unexpected(closing, "an operator, a comma or )")
        if len(found) < function.least:
            raise self.fault(f"too few arguments: {function.usage}", closing.position)
        self.index += 1
        left_out = [slot.default for slot in function.slots[len(found) :] if slot is not None]
        return found + [default for default in left_out if default is not None]

    def literal(self, parameter: Parameter, function: Function) -> float:
        """A number written out, as lags and windows are."""
        first = self.tokens[self.index]
        negative = first.text == "-"
        token = self.tokens[self.index + negative]
        if token.kind == "end" or first.text in (",", ")"):
            raise self.unexpected(token, f"the {parameter.name}: {function.usage}")
        if token.kind != "number" or self.tokens[self.index + negative + 1].text not in (",", ")"):
            reason = f"{function.name}: the {parameter.name} must be a number written out, never computed"
            raise self.fault(reason + _FUTURE if parameter.whole else reason, first.position)
        value = float(token.text) * (-1.0 if negative else 1.0)
        if not math.isfinite(value):
            raise self.fault("the number is too large", token.position)
        if fault := parameter.fault(value):
            raise self.fault(f"{function.name}: {fault}", first.position)
        if parameter.whole and not token.text.isdigit() and not 0 < value < 1:
            raise self.fault(f"{function.name}: the {parameter.name} is written in digits alone", first.position)
        self.index += 1 + negative
        return value

    def made(self, name: str, arguments: tuple[Node, ...], token: Token) -> Node:
        """An operator with its arguments, its faults shown at its sign."""
        try:
            return call(name, arguments)
        except InputError as error:
            raise self.fault(str(error), token.position) from None

    def expect(self, text: str, what: str) -> None:
        """Step over a sign that has to stand here."""
        token = self.tokens[self.index]
        if token.text != text:
            raise self.unexpected(token, what)
        self.index += 1

    def unexpected(self, token: Token, expected: str) -> FactorError:
        """The error of a token that cannot stand where it does."""
        found = "the end" if token.kind == "end" else shortened(token.text)
        instead = self.grammar.instead.get(token.text)
        advice = f"; instead of {token.text} {instead}" if instead else ""
        return self.fault(f"expected {expected}, found {found}{advice}", token.position)

    def fault(self, reason: str, position: int) -> FactorError:
        """An error at a character of the text."""
        return FactorError(reason, self.text, position)


_FUTURE = ": one that is computed could be negative and read sessions that have not happened yet"
