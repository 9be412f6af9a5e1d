"""Random expressions that are valid by construction, units included: every function and sign of either dialect.

What can be written is found by trying each function and sign on a field of each unit, so that a new operator is drawn
as soon as it is in the table.
"""

import functools
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from alphalib.errors import InputError
from alphalib.features.fields import FIELDS
from alphalib.features.language.dialects import GRAMMARS
from alphalib.features.language.grammar import Dialect, Function, Grammar
from alphalib.features.language.operators import OPERATORS, Parameter
from alphalib.features.language.parser import parse
from alphalib.features.language.units import CURRENCY, GROUP, PRICE, RATIO, SHARES, Unit

UNITS = (PRICE, SHARES, CURRENCY, RATIO)
LONGEST = 40
"""Windows drawn. [sessions]"""

_LEAVES = {unit: [name for name, entry in FIELDS.items() if entry.unit == unit] for unit in (*UNITS, GROUP)}
_SAMPLE = {PRICE: "$close", SHARES: "$volume", CURRENCY: "$raw_close", RATIO: "$vix", GROUP: "$sector"}
_NUMBERS = ["1", "2", "0.5", "1e-12", "100", ".25", "3.", "1E2", "-1"]


@dataclass(frozen=True)
class Production:
    """One way to write a result of a unit: a function or a sign, and the units of its arguments.

    `growth` is the nodes it has for each argument: a composite such as RSI repeats its own.
    """

    units: tuple[Unit, ...]
    growth: int
    function: Function | None = None
    sign: str = ""


def random_expression(rng: random.Random, *, dialect: Dialect = "qlib", nodes: int = 24, unit: Unit = RATIO) -> str:
    """Text of a valid expression of about `nodes` nodes at most, whose result is in `unit`."""
    return _expression(rng, GRAMMARS[dialect], nodes, unit)


def random_expressions(count: int, *, seed: int = 0, dialect: Dialect = "qlib", nodes: int = 24) -> list[str]:
    """`count` valid expressions of every size up to about `nodes` nodes; four in five are ratios."""
    rng = random.Random(seed)
    return [
        random_expression(
            rng, dialect=dialect, nodes=rng.randint(2, nodes), unit=rng.choice(UNITS) if rng.random() < 0.25 else RATIO
        )
        for _ in range(count)
    ]


def expressions(dialect: Dialect = "qlib", nodes: int = 24) -> st.SearchStrategy[str]:
    """Valid expressions as a hypothesis strategy."""
    return st.builds(
        lambda rng, size, unit: random_expression(rng, dialect=dialect, nodes=size, unit=unit),
        st.randoms(use_true_random=False),
        st.integers(1, nodes),
        st.sampled_from(UNITS),
    )


_NOISE = [
    *"()+-*/<>=!&|?:,.$0159eEx_~^%[]{}'\"\\\n\t \0é５\ud800",
    *("**", "&&", "||", "-1", "1e999", "9" * 40, "$close", "Ref(", "Mean($close,", "RANK(", "((((", "----", "TS_MEAN("),
]


def mutated(rng: random.Random, text: str) -> str:
    """A text with a few characters struck, doubled, swapped or put in: mostly no expression any more."""
    for _ in range(rng.randint(1, 3)):
        start, stop = rng.randint(0, len(text)), rng.randint(0, 8)
        piece = text[start : start + stop]
        middle = rng.choice(["", piece * 2, piece[::-1], rng.choice(_NOISE), rng.choice(_NOISE)])
        text = text[:start] + middle + text[start + len(piece) :]
    return text


# Writing --------------------------------------------------------------------------------------------------------------


def _expression(rng: random.Random, grammar: Grammar, nodes: int, unit: Unit) -> str:
    fitting = [found for found in _productions(grammar.name)[unit] if found.growth * len(found.units) < nodes]
    if unit == GROUP or not fitting or rng.random() < 0.05:
        name = rng.choice(_LEAVES[unit])
        return name if grammar.bare and rng.random() < 0.5 else f"${name}"
    production = rng.choice(fitting)
    room = (nodes - 1) // (len(production.units) * production.growth)
    arguments = [_expression(rng, grammar, room, wanted) for wanted in production.units]
    if production.function is not None:
        return _application(rng, production.function, arguments)
    if len(arguments) == 2 and rng.random() < 0.2:
        side = rng.randrange(2)
        if production.sign not in "*/" or production.units[side] == RATIO:
            arguments[side] = rng.choice(_NUMBERS)
    return _signed(production.sign, arguments, rng.choice(["", " "]))


def _application(rng: random.Random, function: Function, arguments: Sequence[str]) -> str:
    """A function of expressions, with literals drawn; those that have a default may be left out at the end."""
    texts = []
    waiting = iter(arguments)
    for slot in function.slots:
        text = next(waiting, None) if slot is None else _literal(rng, slot)
        if text is not None:
            texts.append(text)
    if len(texts) > function.least and function.slots[-1] is not None and rng.random() < 0.3:
        texts.pop()
    return f"{function.name}({rng.choice([',', ', ']).join(texts)})"


def _signed(sign: str, arguments: Sequence[str], space: str) -> str:
    match arguments:
        case [x]:
            return f"({sign}{x})"
        case [x, y]:
            return f"({x}{space}{sign}{space}{y})"
        case _:
            return "({}{s}?{s}{}{s}:{s}{})".format(*arguments, s=space)


def _literal(rng: random.Random, parameter: Parameter) -> str:
    if parameter.decay and rng.random() < 0.2:
        return f"{rng.uniform(0.05, 0.95):.2f}"
    if parameter.expanding and rng.random() < 0.05:
        return "0"
    if parameter.whole:
        return str(rng.randint(max(int(parameter.low), 1), LONGEST))
    return f"{rng.uniform(max(parameter.low, 0.05), min(parameter.high, 3.0)):.2f}"


# What can be written --------------------------------------------------------------------------------------------------


@functools.cache
def _productions(dialect: Dialect) -> dict[Unit, list[Production]]:
    grammar = GRAMMARS[dialect]
    found: dict[Unit, list[Production]] = {unit: [] for unit in (*UNITS, GROUP)}
    rng = random.Random(0)
    for function in grammar.functions.values():
        literals = [slot for slot in function.slots if slot is not None]
        required = sum(slot.default is None for slot in literals)
        least, most = max(1, function.least - required), len(function.slots) - len(literals)
        for count in sorted({least, min(most, 3)}):
            for units in itertools.product((*UNITS, GROUP), repeat=count):
                text = _application(rng, function, [_SAMPLE[unit] for unit in units])
                _try(found, text, dialect, units, function=function)
    for sign, count in _signs(grammar):
        for units in itertools.product(UNITS, repeat=count):
            _try(found, _signed(sign, [_SAMPLE[unit] for unit in units], ""), dialect, units, sign=sign)
    return found


def _signs(grammar: Grammar) -> list[tuple[str, int]]:
    binary = [(sign, OPERATORS[infix.name].expressions[0]) for sign, infix in grammar.infix.items() if sign != "**"]
    return binary + [(sign, 1) for sign, name in grammar.prefix.items() if name]


def _try(
    found: dict[Unit, list[Production]],
    text: str,
    dialect: Dialect,
    units: tuple[Unit, ...],
    *,
    function: Function | None = None,
    sign: str = "",
) -> None:
    try:
        node = parse(text, dialect=dialect)
    except InputError:
        return
    if node.unit in found and node.unit != GROUP:
        growth = max(1, -(-(node.size - 1) // len(units)))
        found[node.unit].append(Production(units, growth, function, sign))
