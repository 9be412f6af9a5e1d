"""Carry a plan out: blocks of names, barriers and chunks of sessions, on threads.

The kernels let go of the interpreter's lock, so threads share the work without copies. What a cell comes to depends
neither on the number of threads nor on the cutting into blocks: no operator over time sees another name, and no
operator across names sees another date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Self, TypeAlias, TypeVar, cast

import numpy as np

from alphalib.compiled import Floats
from alphalib.features.engine.elementwise import ELEMENTWISE, Operand, copied
from alphalib.features.engine.inputs import Inputs
from alphalib.features.engine.kernels import CROSS, TIME
from alphalib.features.engine.plan import Stage, Sweep, batches, is_market_wide, plan
from alphalib.features.language.operators import Operator
from alphalib.features.language.tree import Node

Result = TypeVar("Result")

Sink: TypeAlias = Callable[[Node, int, Floats], None]
"""Takes a factor, the number of a block's first name, and its values (names, sessions), which it must copy."""

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many pieces of the work are done, and of how many."""

BLOCK_BYTES = 320 * 1024
"""Size of one array of a block: half a dozen of them fit a core's second-level cache."""

HELD_BYTES = 256 * 1024**2
"""Size of what is held between barriers at a time, about."""

CHUNK = 64
"""Dates that an operator across names takes at a time. [sessions]"""


def evaluate(
    roots: Sequence[Node],
    inputs: Inputs,
    sink: Sink,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
    held_bytes: int = HELD_BYTES,
) -> None:
    """Compute factors and hand them on, block by block.

    Parameters
    ----------
    roots : sequence of Node
        Distinct factors.
    inputs : Inputs
        The fields they read.
    sink : callable
        Called from several threads, in no promised order; every block of every factor reaches it.
    threads : int
        How many at a time.
    progress : callable, optional
        Told how many pieces of the work are done, and of how many.
    block_bytes, held_bytes : int
        Size of an array of a block, and of what is held between barriers; no result depends on them. [bytes]
    """
    everyone = slice(0, inputs.names)
    blocks = name_blocks(everyone, inputs.sessions, threads=threads, block_bytes=block_bytes)
    chunks = [slice(start, min(start + CHUNK, inputs.sessions)) for start in range(0, inputs.sessions, CHUNK)]
    most_held = held_bytes // (8 * inputs.sessions * inputs.names)
    plans = [(frozenset(batch), plan(batch, inputs.market_wide)) for batch in batches(roots, most_held)]
    total = sum(_pieces(batch, stage, len(blocks), len(chunks)) for batch, stages in plans for stage in stages)
    spare: list[Floats] = []
    with Workers(threads, progress, total) as workers:
        for batch, stages in plans:
            run = _Run(inputs, sink, batch, blocks, chunks, workers, spare)
            for stage in stages:
                run.stage(stage)


def name_blocks(names: slice, sessions: int, *, threads: int = 1, block_bytes: int = BLOCK_BYTES) -> list[slice]:
    """Names cut so that one array of a block has about `block_bytes`, and every thread has a block."""
    count = names.stop - names.start
    rows = max(1, min(block_bytes // (8 * sessions), -(-count // threads)))
    return [slice(start, min(start + rows, names.stop)) for start in range(names.start, names.stop, rows)]


class Workers:
    """Threads that take pieces of work, and the count of those done."""

    def __init__(self, threads: int, progress: Progress | None = None, total: int = 0) -> None:
        self.threads, self._progress, self._total, self._done = threads, progress, total, 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="factors")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)  # Ctrl-C waits for no more than the pieces begun

    def run(self, pieces: Iterable[Callable[[], None]]) -> None:
        """Do all of them."""
        for piece in as_completed([self._pool.submit(silenced, one) for one in pieces]):
            piece.result()
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)


def silenced(piece: Callable[[], Result]) -> Result:
    """What overflows or divides by zero is missing; numpy need not say so. Its settings belong to the thread."""
    with np.errstate(all="ignore"):
        return piece()


class Blocks:
    """A sweep that can be computed for any block of names, in any order and thread.

    Parameters
    ----------
    sweep : Sweep
        From a plan.
    inputs : Inputs
        Fields.
    held : mapping of Node to array (names, sessions)
        What earlier stages made.
    """

    def __init__(self, sweep: Sweep, inputs: Inputs, held: Mapping[Node, Floats]) -> None:
        self._sweep, self._inputs = sweep, inputs
        rows: dict[Node, Floats] = {}
        self._outside = [_outside(node, inputs, held, rows) for node in sweep.outside]

    def scratch(self, rows: int) -> Floats:
        """Buffers for blocks of up to so many names; one set serves one block at a time."""
        return np.empty((self._sweep.buffers, rows, self._inputs.sessions))

    def compute_all(self, names: slice, sink: Sink) -> None:
        """Compute some names, a block after another."""
        blocks = name_blocks(names, self._inputs.sessions)
        scratch = self.scratch(blocks[0].stop - blocks[0].start)
        for block in blocks:
            self.compute(block, scratch, sink)

    def compute(self, block: slice, scratch: Floats, sink: Sink) -> None:
        """Compute a block and hand its kept results to `sink`."""
        registers: list[Operand] = [
            value[block] if isinstance(value, np.ndarray) and len(value) == self._inputs.names else value
            for value in self._outside
        ]
        buffers = scratch[:, : block.stop - block.start]
        registers.extend(buffers)
        first = len(self._outside)
        for step in self._sweep.steps:
            out = buffers[step.out - first]
            _compute(step.operator, step.literals, [registers[i] for i in step.inputs], self._inputs.first, out)
            if step.kept is not None:
                sink(step.kept, block.start, out)


@dataclass
class _Run:
    """One batch of factors on its way, with what is held for all names and the arrays that are free again."""

    inputs: Inputs
    sink: Sink
    roots: frozenset[Node]
    blocks: Sequence[slice]
    chunks: Sequence[slice]
    workers: Workers
    spare: list[Floats]
    held: dict[Node, Floats] = field(default_factory=dict)

    def stage(self, stage: Stage) -> None:
        """A sweep over the blocks of names, then the operators across them."""
        arguments = [argument for node in stage.crossings for argument in node.arguments]
        made: dict[Node, Floats] = {node: self._empty() for node in arguments if node not in self.held}
        if stage.sweep.steps:
            self._sweep(stage.sweep, made)
        self.held |= made
        for node in stage.crossings:
            self._cross(node)
        for node in stage.done:
            self.spare.append(self.held.pop(node))

    def _sweep(self, sweep: Sweep, made: Mapping[Node, Floats]) -> None:
        blocks = Blocks(sweep, self.inputs, self.held)
        spare: SimpleQueue[Floats] = SimpleQueue()
        for _ in range(min(self.workers.threads, len(self.blocks))):
            spare.put(blocks.scratch(self.blocks[0].stop))

        def keep(node: Node, name: int, values: Floats) -> None:
            if node in made:
                made[node][name : name + len(values)] = values
            if node in self.roots:
                self.sink(node, name, values)

        def compute(block: slice) -> None:
            scratch = spare.get()
            try:
                blocks.compute(block, scratch, keep)
            finally:
                spare.put(scratch)

        self.workers.run(partial(compute, block) for block in self.blocks)

    def _cross(self, node: Node) -> None:
        assert node.operator is not None
        operator, out = CROSS[node.operator.name], self._empty()
        arguments = [self.held[argument] for argument in node.arguments]

        def compute(chunk: slice) -> None:
            cut = [argument[:, chunk] for argument in arguments]
            operator(cut, node.literals, self.inputs.members[:, chunk], out[:, chunk])

        self.workers.run(partial(compute, chunk) for chunk in self.chunks)
        self.held[node] = out
        if node in self.roots:
            self.workers.run(partial(self.sink, node, block.start, out[block]) for block in self.blocks)

    def _empty(self) -> Floats:
        return self.spare.pop() if self.spare else np.empty((self.inputs.names, self.inputs.sessions))


def _pieces(roots: frozenset[Node], stage: Stage, blocks: int, chunks: int) -> int:
    """Pieces of work in a stage."""
    shown = sum(node in roots for node in stage.crossings)
    return blocks * (bool(stage.sweep.steps) + shown) + chunks * len(stage.crossings)


def _outside(node: Node, inputs: Inputs, held: Mapping[Node, Floats], rows: dict[Node, Floats]) -> Operand:
    """What a sweep reads: a number, one row for every name, or a row a name."""
    if node.is_number:
        return node.literals[0]
    if node in held:
        return held[node]
    if is_market_wide(node, inputs.market_wide):
        return silenced(partial(_row, node, inputs, rows))
    return inputs.panels[node.text[1:]]


def _row(node: Node, inputs: Inputs, rows: dict[Node, Floats]) -> Floats:
    """The one row of an expression that is the same for every name; `rows` remembers those of its parts."""
    if node not in rows:
        out = np.empty((1, inputs.sessions))
        if node.operator is None:
            copied([node.literals[0] if node.is_number else inputs.panels[node.text[1:]]], out)
        else:
            operands = [_row(argument, inputs, rows) for argument in node.arguments]
            _compute(node.operator, node.literals, operands, inputs.first, out)
        rows[node] = out
    return rows[node]


def _compute(
    operator: Operator | None, literals: Sequence[float], operands: Sequence[Operand], first: int, out: Floats
) -> None:
    if operator is None:
        copied(operands, out)
    elif operator.kind == "elementwise":
        ELEMENTWISE[operator.name](operands, out)
    else:
        # A plan spreads what an operator over time takes: no number and no single row comes here.
        TIME[operator.name](cast("Sequence[Floats]", operands), literals, first, out)
