"""`python -m alphalib …`: lay out a project, look after it, import files into the store, certify the library."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import pandas as pd
import typer

from alphalib.clock import SystemClock
from alphalib.doctor import findings
from alphalib.errors import AlphalibError, InputError
from alphalib.init import lay_out
from alphalib.sessions import previous_session, require_session
from alphalib.settings import settings
from alphalib.sources.adjustment import Prices
from alphalib.sources.files import STEPS_AFTER, import_benchmarks, import_prices
from alphalib.sources.macro import import_macro
from alphalib.sources.minutes import import_minutes
from alphalib.sources.stored import read_market
from alphalib.sources.tables import import_table
from alphalib.store import Store

app = typer.Typer(
    help="alphalib: research notebooks, backtests and paper trading in one library.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Files: TypeAlias = Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV or parquet.")]
StoreUrl: TypeAlias = Annotated[
    str | None, typer.Option("--store", help="Folder or URL of the bus; `data` without it.")
]
Columns: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="ROLE=NAME", help="What a column means, where the guess fails: date=TradeDate."),
]


class PriceKind(StrEnum):
    """What the closes of a file are."""

    RAW = "raw"
    SPLIT_ADJUSTED = "split-adjusted"


class Spelling(StrEnum):
    """Dialects of the factor language."""

    QLIB = "qlib"
    QUANT_STREAM = "quant-stream"


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the project goes.")]) -> None:
    """Lay out a project: notebooks, pipelines, data and reports."""
    made = lay_out(folder)
    there = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    _tell([f"{len(made)} files in {folder}; next: {there}python -m alphalib.pipeline weekly weekday"])


@app.command()
def doctor() -> None:
    """What is present, what is missing, and the one command that mends each."""
    marks = {"ok": "ok     ", "off": "off    ", "missing": "MISSING"}
    found = findings(settings(), Path())
    _tell([f"{marks[f.state]}  {f.what:<28} {f.detail}" + (f"\n{'':38}→ {f.mend}" if f.mend else "") for f in found])
    if any(finding.state == "missing" for finding in found):
        raise typer.Exit(1)


@app.command("import-prices")
def prices(
    files: Files,
    store: StoreUrl = None,
    column: Columns = None,
    prices: Annotated[
        PriceKind | None, typer.Option(help="What `close` is; guessed from adj_close without it.")
    ] = None,
) -> None:
    """Daily bars of stocks, long or wide, with their dividends, splits and quality report."""
    kind: Prices | None = None if prices is None else "raw" if prices is PriceKind.RAW else "split-adjusted"
    with _steps(len(files) + STEPS_AFTER) as step:
        lines = import_prices(_store(store), files, today=_today(), prices=kind, given=_given(column), step=step)
    _tell(lines)


@app.command("import-benchmarks")
def benchmarks(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """Total-return closes of SPY and the sector ETFs."""
    with _steps(len(files) + 2) as step:
        lines = import_benchmarks(_store(store), files, today=_today(), given=_given(column), step=step)
    _tell(lines)


@app.command("import-members")
def members(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """Who belonged to the universe when: ticker, start, end. Members without prices are kept."""
    _import_table("membership", files, store, column)


@app.command("import-sectors")
def sectors(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """GICS sectors: ticker, sector, and start where they changed."""
    _import_table("sectors", files, store, column)


@app.command("import-aliases")
def aliases(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """Which column a symbol of the exchange was at a date: ticker, symbol, start, end."""
    _import_table("aliases", files, store, column)


@app.command("import-earnings")
def earnings(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """Earnings reports: ticker, date, before or after the session, estimate and actual."""
    _import_table("earnings", files, store, column)


@app.command("import-fundamentals")
def fundamentals(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """Figures by filing: ticker, period end, filing date, one column a figure."""
    _import_table("fundamentals", files, store, column)


@app.command("import-macro")
def macro(
    files: Files,
    store: StoreUrl = None,
    column: Columns = None,
    lag_days: Annotated[int | None, typer.Option(min=0, help="Calendar days from date to publication.")] = None,
) -> None:
    """Macro series, long or wide; the lag is guessed from their frequency."""
    with _steps(len(files) + 1) as step:
        lines = import_macro(_store(store), files, given=_given(column), lag_days=lag_days, today=_today(), step=step)
    _tell(lines)


@app.command("import-minutes")
def minutes(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """Minute bars: ticker, time, open, high, low, close, volume."""
    with _steps(len(files) + 1) as step:
        lines = import_minutes(_store(store), files, given=_given(column), today=_today(), step=step)
    _tell(lines)


@app.command("factors")
def factors_command(
    what: Annotated[
        list[str],
        typer.Argument(metavar="WHAT…", help="'EXPRESSION', 'NAME=EXPRESSION', CATALOGUE/NAME, a catalogue, or all."),
    ],
    store: StoreUrl = None,
    out: Annotated[
        Path | None, typer.Option(help="FILE.parquet, or a folder that grows by the sessions that are new.")
    ] = None,
    dialect: Annotated[Spelling, typer.Option(help="How the expressions are spelled.")] = Spelling.QLIB,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session that is read.")] = None,
    asof: Annotated[str | None, typer.Option(metavar="DATE", help="Last session that is known.")] = None,
    mask: Annotated[bool, typer.Option(help="Missing until a name has the history a factor looks back on.")] = True,
) -> None:
    """Compute factors: the last session's extremes, or all history as parquet with --out."""
    from alphalib.features import asked
    from alphalib.features.compute import FactorWarning, factors, readable, write_factors

    began = time.monotonic()
    expressions = asked.asked_for(what, dialect.value)
    market = read_market(_store(store), start=start, asof=asof)
    with warnings.catch_warnings(action="ignore", category=FactorWarning):
        nodes, failed = readable(expressions, market, dialect=dialect.value)
    for name, reason in failed.items():
        typer.echo(asked.failed_line(name, expressions[name], reason), err=True)
    if not nodes:
        raise typer.Exit(1)
    with _steps(100) as step:
        progress = _percent(step, f"{len(nodes)} factors")
        if out is not None:
            written = write_factors(nodes, market, out, mask=mask, progress=progress)
            lines = asked.lines_of(nodes, written.coverage) if written.rows else []
            lines += [asked.written_line(written)]
        else:
            # The last session alone: a catalogue's whole history would fill a small machine's memory to be thrown away.
            before = previous_session(market.last)
            panels = factors(nodes, market, mask=mask, after=before, progress=progress)
            lines = asked.lines_of(nodes, asked.coverage_of(panels, market.close.iloc[-1:]))
            lines += [line for name, panel in panels.items() for line in asked.extremes(name, panel)]
    size = f"{len(market.tickers)} names, {len(market.sessions):,} sessions"
    many = "1 factor" if len(nodes) == 1 else f"{len(nodes)} factors"
    _tell([*lines, f"{many}, {size}: {time.monotonic() - began:.1f} s"])
    if failed:
        raise typer.Exit(1)


@app.command()
def certify(
    stage: Annotated[list[str] | None, typer.Argument(metavar="[STAGE]…", help="Which; all without it.")] = None,
    store: StoreUrl = None,
    dates: Annotated[int, typer.Option(help="After how many dates the future is corrupted; at least 8.")] = 8,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session that is read.")] = None,
) -> None:
    """Prove that nothing known at a date changes with what comes after; the embedded market without prices stored."""
    from alphalib.proof import certify, stages_called, steps
    from alphalib.proof.received import received_from

    stages = stages_called(stage)
    received = received_from(_store(store))
    if start is not None:
        received = received.since(require_session(start))
    began = time.monotonic()
    with _steps(steps(len(stages), dates)) as step:
        certificate = certify(received, stages, dates=dates, step=step)
    _tell([*certificate.lines(), f"{time.monotonic() - began:.0f} s"])
    if not certificate.passed:
        raise typer.Exit(1)


def _import_table(name: str, files: list[Path], store: str | None, column: list[str] | None) -> None:
    with _steps(len(files) + 1) as step:
        lines = import_table(_store(store), name, files, given=_given(column), step=step)
    _tell(lines)


def _store(url: str | None) -> Store:
    return Store(url or settings().store)


def _today() -> pd.Timestamp:
    return pd.Timestamp(SystemClock().now().date())


def _given(pairs: list[str] | None) -> dict[str, str]:
    given = {}
    for pair in pairs or []:
        role, equals, name = pair.partition("=")
        if not (role and equals and name):
            raise InputError(f"--column takes ROLE=NAME, such as date=TradeDate, got {pair!r}")
        given[role] = name
    return given


@contextmanager
def _steps(total: int) -> Iterator[Callable[[str], None]]:
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


def _percent(step: Callable[[str], None], description: str) -> Callable[[int, int], None]:
    """Moves a bar of a hundred steps by the share of the work that is done."""
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        while shown * total < 100 * done:
            step(description)
            shown += 1

    return progress


def _tell(lines: list[str]) -> None:
    for line in lines:
        typer.echo(line)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; what goes wrong on purpose is shown as its message, with exit code 2."""
    try:
        app(args=arguments, prog_name="python -m alphalib")
    except AlphalibError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
