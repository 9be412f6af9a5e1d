"""From trees to what is computed, in which order, in which buffer.

All expressions of a call become one graph: nodes with the same canonical text are one. Operators over time and within
a cell are computed block by block of names, in one sweep; an operator across names is a barrier, for it needs every
name: what it takes is held for all of them, and a later sweep goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from alphalib.features.language.operators import Operator
from alphalib.features.language.tree import Node

SHORTEST_SLICE = 32
"""Factors that remember fewer sessions than this, than twice this, … are extended together. [sessions]"""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator on one block.

    Parameters
    ----------
    operator : Operator, optional
        Elementwise or over time; without one the input is copied into a buffer of the block's shape.
    literals : tuple of float
        Its literals.
    inputs : tuple of int
        Registers it reads.
    out : int
        Register it writes; only an elementwise operator may write over what it reads.
    kept : Node, optional
        What the result is, when it is wanted outside the block.
    """

    operator: Operator | None
    literals: tuple[float, ...]
    inputs: tuple[int, ...]
    out: int
    kept: Node | None


@dataclass(frozen=True)
class Sweep:
    """One pass over the blocks of names.

    Parameters
    ----------
    outside : tuple of Node
        What fills the first registers: numbers, fields, market-wide expressions, results held for all names.
    steps : tuple of Step
        In order.
    buffers : int
        Registers that follow: scratch buffers of the block's shape.
    """

    outside: tuple[Node, ...]
    steps: tuple[Step, ...]
    buffers: int


@dataclass(frozen=True)
class Stage:
    """A sweep and the barrier behind it.

    Parameters
    ----------
    sweep : Sweep
        Keeps roots and arguments of `crossings`.
    crossings : tuple of Node
        Cross-sectional operators, computed when the sweep is over.
    done : tuple of Node
        Held results that no later stage reads.
    """

    sweep: Sweep
    crossings: tuple[Node, ...]
    done: tuple[Node, ...]


Value: TypeAlias = tuple[Node, bool]
"""A node, and whether it lies in a buffer of the block; otherwise it is read from outside."""


def plan(roots: Sequence[Node], market_wide: frozenset[str]) -> tuple[Stage, ...]:
    """Stages that compute `roots`, every node once a sweep.

    Parameters
    ----------
    roots : sequence of Node
        Distinct factors.
    market_wide : frozenset of str
        Names of the fields that are the same for every name.
    """
    levels: dict[Node, int] = {}
    for root in roots:
        _level(root, levels)
    crossings: list[list[Node]] = [[] for _ in range(1 + max(levels.values(), default=0))]
    for node, level in levels.items():
        if crosses(node):
            crossings[level].append(node)
    held: dict[Node, None] = {}  # a dict keeps the order, which must not change from run to run
    sweeps = []
    for level, here in enumerate(crossings):
        arguments = [argument for node in here for argument in node.arguments]
        ready = [root for root in roots if levels[root] == level and not crosses(root)]
        targets = dict.fromkeys(node for node in (*arguments, *ready) if node not in held)
        sweeps.append(_sweep(tuple(targets), held, market_wide))
        held |= dict.fromkeys((*arguments, *here))
    return _released(sweeps, crossings, held)


def batches(roots: Sequence[Node], most_held: int) -> Iterator[list[Node]]:
    """Roots in groups that hold about `most_held` results for all names at once; those without a barrier come first.

    This bounds memory; a result that two groups need is computed in both.
    """
    plain = [root for root in roots if not any(map(crosses, root.walk()))]
    if plain:
        yield plain
    group: list[Node] = []
    held: set[Node] = set()
    for root in roots:
        needs = {one for node in root.walk() if crosses(node) for one in (node, *node.arguments)}
        if not needs:
            continue
        if group and len(held | needs) > most_held:
            yield group
            group, held = [], set()
        group.append(root)
        held |= needs
    if group:
        yield group


def starts(nodes: Iterable[Node], cut: int) -> dict[int, list[Node]]:
    """From which session factors must be computed so that those from number `cut` on are as in all history.

    Factors with a memory of like length go together: one that remembers everything does not drag the others along.
    """
    alike: dict[int | None, list[Node]] = {}
    for node in nodes:
        length = SHORTEST_SLICE
        while node.memory is not None and length < node.memory:
            length *= 2
        alike.setdefault(None if node.memory is None else length, []).append(node)
    found: dict[int, list[Node]] = {}
    for group in alike.values():
        longest = max(cut if node.memory is None else node.memory for node in group)
        found.setdefault(max(cut - longest, 0), []).extend(group)
    return found


def crosses(node: Node) -> bool:
    """Whether it is an operator across names."""
    return node.operator is not None and node.operator.kind == "cross-section"


def is_market_wide(node: Node, fields: frozenset[str]) -> bool:
    """Whether its value is the same for every name because all the fields it reads are."""
    return bool(node.fields) and node.fields <= fields and not any(map(crosses, node.walk()))


def _level(node: Node, levels: dict[Node, int]) -> int:
    """Barriers below a node."""
    if node not in levels:
        below = [_level(argument, levels) + crosses(argument) for argument in node.arguments]
        levels[node] = max(below, default=0)
    return levels[node]


def _released(sweeps: Sequence[Sweep], crossings: Sequence[Sequence[Node]], held: Iterable[Node]) -> tuple[Stage, ...]:
    last = dict.fromkeys(held, 0)
    for number, (sweep, here) in enumerate(zip(sweeps, crossings, strict=True)):
        arguments = [argument for node in here for argument in node.arguments]
        last |= {node: number for node in (*sweep.outside, *arguments, *here) if node in last}
    return tuple(
        Stage(sweep, tuple(here), tuple(node for node, stage in last.items() if stage == number))
        for number, (sweep, here) in enumerate(zip(sweeps, crossings, strict=True))
    )


def _sweep(targets: Sequence[Node], held: Iterable[Node], market_wide: frozenset[str]) -> Sweep:
    """Steps in the order of a walk, so that a result is used soon after it is made."""
    order = _order(targets, frozenset(held), market_wide)
    outside = tuple(dict.fromkeys(node for inputs in order.values() for node, inside in inputs if not inside))
    return _with_registers(order, outside, frozenset(targets))


def _order(
    targets: Sequence[Node], held: frozenset[Node], market_wide: frozenset[str]
) -> Mapping[Value, tuple[Value, ...]]:
    """What is computed in a block, arguments first, each with its inputs."""
    order: dict[Value, tuple[Value, ...]] = {}

    def visit(node: Node, *, spread: bool) -> Value:
        """`spread` asks for an array of the block's shape; elementwise operators spread what they take themselves."""
        is_wide = node.is_number or is_market_wide(node, market_wide)
        if node in held or (is_wide and not spread):
            return node, False
        if (node, True) not in order:
            if is_wide or node.operator is None:
                inputs: tuple[Value, ...] = ((node, False),)
            else:
                elementwise = node.operator.kind == "elementwise"
                inputs = tuple(visit(argument, spread=not elementwise) for argument in node.arguments)
            order[node, True] = inputs
        return node, True

    for target in targets:
        visit(target, spread=True)
    return order


def _with_registers(
    order: Mapping[Value, tuple[Value, ...]], outside: tuple[Node, ...], targets: frozenset[Node]
) -> Sweep:
    last_use = {value: number for number, inputs in enumerate(order.values()) for value in inputs}
    registers: dict[Value, int] = {(node, False): number for number, node in enumerate(outside)}
    free: list[int] = []
    used = len(outside)
    steps = []
    for number, (value, inputs) in enumerate(order.items()):
        node = value[0]
        copied = inputs == ((node, False),)
        read = tuple(registers[one] for one in inputs)
        spent = [registers[one] for one in dict.fromkeys(inputs) if one[1] and last_use[one] == number]
        overwrites = not copied and node.operator is not None and node.operator.kind == "elementwise"
        if overwrites:
            free += spent
        if not free:
            free.append(used)
            used += 1
        registers[value] = free.pop()
        if not overwrites:
            free += spent
        if value not in last_use:
            free.append(registers[value])
        operator, literals = (None, ()) if copied else (node.operator, node.literals)
        steps.append(Step(operator, literals, read, registers[value], node if node in targets else None))
    return Sweep(outside, tuple(steps), used - len(outside))
