"""What a terminal shows while a pipeline runs: a bar for its steps, one for the notebook, one for a loop inside it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

METER = re.compile(r"^(?P<what>[^|]*?):?\s*\d+%\|[^|]*\|\s*(?P<done>\d+)/(?P<total>\d+)")
"""A line of tqdm: `folds:  50%|█████     | 3/6 [00:12<00:12]`."""


class Meter:
    """A text stream that understands tqdm: its lines move a bar, others are passed on.

    Parameters
    ----------
    move : callable
        Gets what is counted, how many are done, and of how many.
    say : callable
        Gets a line that is no progress.
    """

    def __init__(self, move: Callable[[str, int, int], None], say: Callable[[str], None]) -> None:
        self._move = move
        self._say = say

    def write(self, text: str) -> int:
        """Take what tqdm, or a kernel, writes to its standard error."""
        for line in re.split(r"[\r\n]+", text):
            found = METER.match(line)
            if found:
                self._move(found["what"].strip(), int(found["done"]), int(found["total"]))
            elif line.strip():
                self._say(line)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


class Bars:
    """Three bars: the pipeline's steps, the cells of the notebook that runs, and the loop that runs in it."""

    def __init__(self, shown: Any, pipeline: str, steps: int) -> None:
        self._shown = shown
        self._pipeline = shown.add_task(pipeline, total=steps)
        self._notebook = shown.add_task("", total=None, visible=False)
        self._loop = shown.add_task("", total=None, visible=False)
        self.cells = Meter(lambda _, done, total: shown.update(self._notebook, completed=done, total=total), self._say)
        self.loops = Meter(self._move_loop, self._say)

    def begin(self, notebook: str) -> None:
        """A notebook starts."""
        self._shown.reset(self._notebook, description=f"  {notebook}", total=None, visible=True)
        self._shown.update(self._loop, visible=False)

    def done(self, steps: int) -> None:
        """So many steps are done."""
        self._shown.update(self._pipeline, completed=steps)
        self._shown.update(self._notebook, visible=False)
        self._shown.update(self._loop, visible=False)

    def _move_loop(self, what: str, done: int, total: int) -> None:
        task = self._shown.tasks[self._loop]
        if task.description != f"    {what}" or done < task.completed or not task.visible:
            self._shown.reset(self._loop, description=f"    {what}")
        self._shown.update(self._loop, completed=done, total=total, visible=done < total)

    def _say(self, line: str) -> None:
        self._shown.console.print(line, markup=False, highlight=False)


@contextmanager
def bars(pipeline: str, steps: int) -> Iterator[Bars | None]:
    """Bars on standard error while the block runs; None where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    # A line for standard output goes above the bars; one that is sent into a file stays out of their way.
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as shown:
        yield Bars(shown, pipeline, steps)
