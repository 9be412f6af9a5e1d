"""The two spellings: which names and signs each has, how tightly they bind, and the tree that each stands for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from alphalib.features.fields import FIELDS
from alphalib.features.language.grammar import ARITHMETIC, COMPARISONS, UNARY, Dialect, Grammar, Infix, renamed
from alphalib.features.language.operators import OPERATORS
from alphalib.features.language.quant_stream import FUNCTIONS

QLIB = Grammar(
    name="qlib",
    infix={
        **{sign: Infix(name, 20, comparison=True) for sign, name in COMPARISONS.items()},
        "|": Infix("Or", 30),
        "&": Infix("And", 40),
        **ARITHMETIC,
        "**": Infix("Power", UNARY + 1, from_right=True),
    },
    prefix={"-": "Neg", "+": ""},
    functions={name: renamed(name, name) for name in OPERATORS},
    bare=False,
    instead={
        "&&": "write (x > 0) & (y > 0)",
        "||": "write (x > 0) | (y > 0)",
        "and": "write (x > 0) & (y > 0)",
        "or": "write (x > 0) | (y > 0)",
        "not": "write Not(x)",
        "!": "write Not(x)",
        "?": "write If(condition, x, y)",
        "if": "write If(condition, x, y)",
        "ChangeInstrument": "other instruments are fields: $spy for the S&P 500, $sector_index for the name's sector",
        "Mask": "a factor is computed for every name; the cross-section's members are the universe's on each date",
        "TResample": "bars are daily; write a window in sessions, such as Mean(x, 5) or Last(x, 21)",
        "P": "fundamentals are as they were known on each date already; write $revenue",
        "PRef": "fundamentals are as they were known on each date; an earlier figure is Ref($revenue, 63)",
        "Rolling": "name what is computed: Mean(x, window), Max(x, window)",
        "Feature": "write $close",
        "PFeature": "write $revenue",
    },
)
"""qlib evaluates its expressions as Python, so they bind as Python's do: `&` and `|` before comparisons.

Microsoft qlib 0.9.7, `qlib/data/ops.py` and `qlib/data/base.py`.
"""

QUANT_STREAM = Grammar(
    name="quant-stream",
    infix={
        "?": Infix("If", 5, from_right=True),
        "||": Infix("Or", 10),
        "|": Infix("Or", 10),
        "&&": Infix("And", 20),
        "&": Infix("And", 20),
        **{sign: Infix(name, 30, comparison=True) for sign, name in COMPARISONS.items()},
        **ARITHMETIC,
    },
    prefix={"-": "Neg", "+": "", "!": "Not"},
    functions={function.name: function for function in FUNCTIONS},
    bare=True,
    instead={"**": "write POW(x, n)"},
)
"""Quant-Stream binds as C does: comparisons before `&&`, that before `||`, `?:` last; `&` is `&&` and `|` is `||`."""

GRAMMARS: dict[str, Grammar] = {"qlib": QLIB, "quant-stream": QUANT_STREAM}

LONGEST_GUESSED = 32
"""Characters of a name for which a near one is looked for."""

_FIELD_INSTEAD = {
    "change": "write $close / Ref($close, 1) - 1",
    "return": "write $close / Ref($close, 1) - 1",
    "returns": "write $close / Ref($close, 1) - 1",
    "factor": "prices are adjusted already; $raw_close is the one that was paid",
    "amount": "write $dollar_volume",
    "money": "write $dollar_volume",
    "turnover": "write $raw_volume / $shares_outstanding",
    "cap": "write $market_cap",
    "index": "write $spy",
    "benchmark": "write $spy",
    "industry": "write $sector",
}


def unknown_operator(name: str, grammar: Grammar) -> str:
    """What to say of a name that a dialect does not have."""
    if name in grammar.instead:
        return f"{name} cannot be had: {grammar.instead[name]}"
    for other in GRAMMARS.values():
        if name in other.functions and other is not grammar:
            return f"{name} is {other.name}'s: {_counterpart(name, other, grammar)}pass dialect={other.name!r}"
    if name in FIELDS:
        return f"{name} is a field: write ${name} without parentheses"
    return f"there is no operator {shortened(name)}{_guess(name, grammar.functions)}"


def unknown_field(name: str) -> str:
    """What to say of a field that no market has."""
    if name.startswith("$"):
        return (
            f"{shortened(name)} cannot be had: fundamentals are as they were known on each date already; write $revenue"
        )
    if name in _FIELD_INSTEAD:
        return f"there is no field ${name}: {_FIELD_INSTEAD[name]}"
    return f"there is no field ${shortened(name)}{_guess(name, FIELDS, '$')}"


def bare_name(name: str, grammar: Grammar) -> str:
    """What to say of a name without `$` before it or parentheses after it."""
    if name in grammar.instead:
        return f"{name} is not part of the language: {grammar.instead[name]}"
    if name in FIELDS:
        return f"a field has a $ before it: ${name}"
    if name in grammar.functions:
        return f"{name} takes arguments: {grammar.functions[name].usage}"
    if grammar.bare:
        return unknown_field(name)
    return f"{shortened(name)} is neither a field such as $close nor an operator such as Mean(x, window)"


def shortened(name: str) -> str:
    """A name as a message shows it."""
    return name if len(name) <= LONGEST_GUESSED else name[:LONGEST_GUESSED] + "…"


def _counterpart(name: str, other: Grammar, grammar: Grammar) -> str:
    """The same operator in the dialect at hand."""
    canonical = other.functions[name].canonical
    same = [function for function in grammar.functions.values() if canonical and function.canonical == canonical]
    return f"write {same[0].usage} here, or " if same else ""


def _guess(name: str, known: Iterable[str], lead: str = "") -> str:
    """The nearest of the known names, whatever its case."""
    if len(name) > LONGEST_GUESSED:
        return ""
    folded = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), folded, n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(lead + folded[other] for other in near)}?" if near else ""


__all__ = ["GRAMMARS", "QLIB", "QUANT_STREAM", "Dialect", "bare_name", "shortened", "unknown_field", "unknown_operator"]
