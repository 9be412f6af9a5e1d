"""A line of the table, and how its numbers are taken."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

Call: TypeAlias = Callable[[], object]


@dataclass(frozen=True)
class Line:
    """What is measured, ours, the reference, ours divided by it, the range of that, and what else was seen."""

    what: str
    ours: str
    against: str
    reference: str = "–"
    ratio: str = "–"
    spread: str = "–"
    note: str = ""

    def seen(self, note: str) -> Line:
        """The same with one more note."""
        return replace(self, note="; ".join(filter(None, [self.note, note])))


Row: TypeAlias = Callable[[], list[Line]]


def clocked(call: Call) -> float:
    """Wall time of a call. [seconds]"""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def side_by_side(what: str, ours: Call, against: str, other: Call, *, runs: int, note: str = "") -> Line:
    """Time both in turn, after a warm-up of each."""
    ours(), other()
    pairs = [(clocked(ours), clocked(other)) for _ in range(runs)]
    mine, theirs = zip(*pairs, strict=True)
    return line(what, mine, against, theirs, [one / two for one, two in pairs], note)


def around(what: str, ours: Call, against: str, reference: Callable[[], list[float]], *, runs: int = 3) -> Line:
    """Time ours before and after a slow reference, which clocks itself: once, or several runs."""
    ours()
    before = [clocked(ours) for _ in range(runs)]
    theirs = reference()
    mine = before + [clocked(ours) for _ in range(runs)]
    ratios = [seconds / statistics.median(theirs) for seconds in mine]
    times = 1 / statistics.median(ratios)
    return line(what, mine, against, theirs, ratios, f"{times:.3g} times as fast" if times > 1 else "")


def line(
    what: str, ours: Sequence[float], against: str, theirs: Sequence[float], ratios: Sequence[float], note: str = ""
) -> Line:
    """Medians of both sides [seconds] and of their ratios."""
    return Line(
        what,
        f"{statistics.median(ours):.4g} s",
        against,
        f"{statistics.median(theirs):.4g} s",
        f"{statistics.median(ratios):.3g}",
        f"{min(ratios):.3g} – {max(ratios):.3g}",
        note,
    )


def interpreter(statement: str) -> Call:
    """A new process that runs one statement."""
    return lambda: subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)


# Other programs -----------------------------------------------------------------------------------------------------

PROJECT = Path(__file__).parents[1]


def other_python(name: str) -> str | None:
    """Interpreter with a reference program: $ALPHALIB_BENCH_{NAME}, or that of .bench/{name}; None without it."""
    beside = PROJECT / f".bench/{name}/bin/python"
    return os.environ.get(f"ALPHALIB_BENCH_{name.upper()}") or (str(beside) if beside.exists() else None)


def not_installed(what: str, against: str, name: str, requirement: str) -> Line:
    """The line of a reference that is not there; the note says how to get it."""
    made = f"uv venv -p 3.12 .bench/{name} && uv pip install -p .bench/{name} {requirement}"
    return Line(what, "–", against, "not installed", note=f"{made}, or set ALPHALIB_BENCH_{name.upper()}")


def run_reference(python: str, script: str, folder: Path, *arguments: object) -> None:
    """Run a reference program of this folder with its own interpreter; what it printed is shown when it fails."""
    command = [python, Path(__file__).with_name(script), folder, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
