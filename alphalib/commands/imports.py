"""`python -m alphalib import-…`: files into the store."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alphalib.commands.common import Columns, Files, StoreUrl, given, steps, store_at, tell, today
from alphalib.sources.adjustment import Prices
from alphalib.sources.files import STEPS_AFTER, import_benchmarks, import_prices
from alphalib.sources.macro import import_macro
from alphalib.sources.minutes import import_minutes
from alphalib.sources.tables import import_table

app = typer.Typer()


class PriceKind(StrEnum):
    """What the closes of a file are."""

    RAW = "raw"
    SPLIT_ADJUSTED = "split-adjusted"


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
    with steps(len(files) + STEPS_AFTER) as step:
        lines = import_prices(store_at(store), files, today=today(), prices=kind, given=given(column), step=step)
    tell(lines)


@app.command("import-benchmarks")
def benchmarks(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """Total-return closes of SPY and the sector ETFs."""
    with steps(len(files) + 2) as step:
        lines = import_benchmarks(store_at(store), files, today=today(), given=given(column), step=step)
    tell(lines)


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
    with steps(len(files) + 1) as step:
        lines = import_macro(store_at(store), files, given=given(column), lag_days=lag_days, today=today(), step=step)
    tell(lines)


@app.command("import-minutes")
def minutes(files: Files, store: StoreUrl = None, column: Columns = None) -> None:
    """Minute bars: ticker, time, open, high, low, close, volume."""
    with steps(len(files) + 1) as step:
        lines = import_minutes(store_at(store), files, given=given(column), today=today(), step=step)
    tell(lines)


def _import_table(name: str, files: list[Path], store: str | None, column: list[str] | None) -> None:
    with steps(len(files) + 1) as step:
        lines = import_table(store_at(store), name, files, given=given(column), step=step)
    tell(lines)
