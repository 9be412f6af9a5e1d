"""What the commands share: options, the store, progress, and how lines are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import pandas as pd
import typer

from alphalib.clock import SystemClock
from alphalib.errors import InputError
from alphalib.settings import settings
from alphalib.store import Store

Files: TypeAlias = Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV or parquet.")]
StoreUrl: TypeAlias = Annotated[
    str | None, typer.Option("--store", help="Folder or URL of the bus; `data` without it.")
]
Columns: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="ROLE=NAME", help="What a column means, where the guess fails: date=TradeDate."),
]


def store_at(url: str | None) -> Store:
    """The bus at a URL, or the one of the settings."""
    return Store(url or settings().store)


def today() -> pd.Timestamp:
    """The date of the machine's clock."""
    return pd.Timestamp(SystemClock().now().date())


def given(pairs: list[str] | None) -> dict[str, str]:
    """Columns by their role, as the option `--column` says them."""
    found = {}
    for pair in pairs or []:
        role, equals, name = pair.partition("=")
        if not (role and equals and name):
            raise InputError(f"--column takes ROLE=NAME, such as date=TradeDate, got {pair!r}")
        found[role] = name
    return found


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar that moves on with every step it is told."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, completed=-1)

        def step(description: str) -> None:
            progress.update(task, description=description, advance=1)

        try:
            yield step
        except KeyboardInterrupt:
            typer.echo("interrupted; run the same command again", err=True)
            raise typer.Exit(130) from None


def percent(step: Callable[[str], None], description: str) -> Callable[[int, int], None]:
    """Moves a bar of a hundred steps by the share of the work that is done."""
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        while shown * total < 100 * done:
            step(description)
            shown += 1

    return progress


def tell(lines: list[str]) -> None:
    """Write lines for a person."""
    for line in lines:
        typer.echo(line)
