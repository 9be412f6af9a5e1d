"""Text to tokens: numbers, `$fields`, names and symbols, each with where it stands."""

from __future__ import annotations

import re
from typing import NamedTuple

from alphalib.errors import FactorError

LONGEST_TEXT = 4096
"""Characters an expression may have."""


class Token(NamedTuple):
    """A piece of the text.

    Parameters
    ----------
    kind : {"number", "field", "name", "symbol", "text", "end"}
        What it is.
    text : str
        As written; empty for the end.
    position : int
        Of its first character in the text.
    """

    kind: str
    text: str
    position: int


# Digits and letters are ASCII: a full-width or Arabic digit would read as a number that nobody sees.
_TOKEN = re.compile(
    r"""
    [ \t\r\n]* (?:
      (?P<number> (?: [0-9]+ (?:\.[0-9]*)? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    | (?P<field>  \$\$? [A-Za-z_][A-Za-z0-9_]* )
    | (?P<name>   [A-Za-z_][A-Za-z0-9_]* )
    | (?P<text>   "[^"\n]*" | '[^'\n]*' )
    | (?P<symbol> \*\* | && | \|\| | [<>=!]= | [-+*/()<>,&|?:!] )
    | (?P<end> \Z ) )
    """,
    re.VERBOSE,
)

_INSTEAD = {
    "~": "write Not(x)",
    "^": "write x ** y or Power(x, y)",
    "%": "there is no remainder",
    "=": "write == to compare",
    "$": "the name of a field follows it, as in $close",
    "[": "write parentheses",
    "{": "write parentheses",
    ".": "a number has digits, as in 0.5",
    "，": "write a comma ,",
    "（": "write (",
    "）": "write )",
    "−": "write a minus -",
    "×": "write *",
    "÷": "write /",
    "≥": "write >=",
    "≤": "write <=",
    "≠": "write !=",
}


def tokens(text: str) -> list[Token]:
    """Every token of a text, and an end after the last.

    Raises
    ------
    FactorError
        At the first character that belongs to none, and where a text runs past `LONGEST_TEXT`.
    """
    if len(text) > LONGEST_TEXT:
        raise FactorError(f"an expression may have {LONGEST_TEXT:,} characters, got {len(text):,}", text, LONGEST_TEXT)
    found = []
    position, kind = 0, ""
    while kind != "end":
        piece = _TOKEN.match(text, position)
        if piece is None:
            raise _stray(text, position)
        kind = piece.lastgroup or ""
        start, position = piece.span(kind)
        found.append(Token(kind, text[start:position], start))
    return found


def _stray(text: str, position: int) -> FactorError:
    while text[position] in " \t\r\n":
        position += 1
    character = text[position]
    advice = _INSTEAD.get(character)
    return FactorError(f"{character!a} is not part of the language{': ' + advice if advice else ''}", text, position)
