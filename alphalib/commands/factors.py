"""`python -m alphalib factors`: expressions of the factor language, computed."""

from __future__ import annotations

import time
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alphalib.commands.common import StoreUrl, percent, steps, store_at, tell
from alphalib.sessions import previous_session
from alphalib.sources.stored import read_market

app = typer.Typer()


class Spelling(StrEnum):
    """Dialects of the factor language."""

    QLIB = "qlib"
    QUANT_STREAM = "quant-stream"


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
    market = read_market(store_at(store), start=start, asof=asof)
    with warnings.catch_warnings(action="ignore", category=FactorWarning):
        nodes, failed = readable(expressions, market, dialect=dialect.value)
    for name, reason in failed.items():
        typer.echo(asked.failed_line(name, expressions[name], reason), err=True)
    if not nodes:
        raise typer.Exit(1)
    with steps(100) as step:
        progress = percent(step, f"{len(nodes)} factors")
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
    tell([*lines, f"{many}, {size}: {time.monotonic() - began:.1f} s"])
    if failed:
        raise typer.Exit(1)
