"""Prints a table of ratios: `python -m benchmarks [--full] [WORD …]`, the rows whose name has one of the words.

Every row times ours and the reference in turn and takes medians. pyqlib, KunQuant and alphalens-reloaded have
interpreters of their own: .bench/qlib and .bench/reference, or $ALPHALIB_BENCH_QLIB and $ALPHALIB_BENCH_REFERENCE.
`--full` takes the sizes of the README, at which pyqlib alone takes minutes.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import astuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import backtest, execution, factors, library


def main() -> None:
    """Time every row and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed, as ratios side by side.")
    parser.add_argument("words", nargs="*", help="only rows whose name has one of them")
    parser.add_argument("--full", action="store_true", help="the sizes of the README; minutes more")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = {**library.ROWS, **backtest.rows(full=asked.full), **execution.rows(), **factors.rows(full=asked.full)}
    chosen = [row for name, row in rows.items() if not asked.words or any(word in name for word in asked.words)]
    table = Table("what", "ours", "against", "reference", "ratio", "range", "seen", title="make bench")
    for row in track(chosen, console=Console(stderr=True), description="timing"):
        for line in row():
            table.add_row(*astuple(line))
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
