"""`python -m alphalib parity`, `acknowledge`, `rearm`, `rollback`: what a person does beside the runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphalib.backtest.tune.apply import rollback
from alphalib.commands.common import StoreUrl, store_at, tell, today
from alphalib.contracts import PortfolioFile
from alphalib.errors import InputError
from alphalib.execute.daemon.switch import LOCK, release
from alphalib.execute.parity import acknowledge, check_parity, latest_plan, report_lines
from alphalib.params import PARAMETER_FILES
from alphalib.pipeline.asof import resolved_asof
from alphalib.sessions import all_sessions, next_session, require_session
from alphalib.store import Store

app = typer.Typer()

_FILES = {Path(kind.path).stem: kind for kind in PARAMETER_FILES}


@app.command("parity")
def parity_command(
    store: StoreUrl = None,
    date: Annotated[str | None, typer.Option(help="Session of the order book; the latest one without it.")] = None,
) -> None:
    """Derive an order book again from its archived inputs and from the store; a difference holds entries back."""
    bus = store_at(store)
    planned = require_session(date) if date else latest_plan(bus, asof=next_session(resolved_asof(bus, None)))
    if planned is None:
        raise InputError("no plan was ever archived; run `python -m alphalib.pipeline weekday` first")
    report = check_parity(bus, planned)
    tell(report_lines(report))
    if report.differing:
        raise typer.Exit(1)


@app.command("acknowledge")
def acknowledge_command(
    date: Annotated[str, typer.Option(help="Session of the order book.")],
    by: Annotated[str, typer.Option(help="Who has looked.")],
    reason: Annotated[str, typer.Option(help="Why entries may go on.")],
    store: StoreUrl = None,
) -> None:
    """Say that a difference was looked at; entries go on."""
    tell(report_lines(acknowledge(store_at(store), require_session(date), by=by, reason=reason, on=today())))


@app.command()
def rearm(
    store: StoreUrl = None,
) -> None:
    """End a halt and switch the kill switch off: the next decision counts its drawdown from the NAV it finds."""
    bus = store_at(store)
    with bus.lock(LOCK):
        switched = release(bus)
        found = _latest_portfolio(bus)
        if found is None:
            if not switched:
                raise InputError(
                    "no portfolio was ever recorded and the kill switch is off: there is nothing to re-arm"
                )
            tell(["the kill switch is off; the next session may enter again"])
            return
        path, portfolio = found
        if not (switched or portfolio.decisions_halted or portfolio.tiers_fired or portfolio.killed):
            raise InputError(f"{path}: nothing is halted, no drawdown tier is in force and the kill switch is off")
        bus.write(path, portfolio.model_copy(update={"rearmed": True, "killed": False}))
    tell([f"{path}: re-armed; the next decision may enter again"])


@app.command("rollback")
def rollback_command(
    file: Annotated[str, typer.Argument(help=f"One of {', '.join(_FILES)}.")],
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
    store: StoreUrl = None,
) -> None:
    """Undo the last change of a parameter file; what was written by hand since stays. Needs no grant."""
    if file not in _FILES:
        raise InputError(f"there is no parameter file {file!r}; there are {', '.join(_FILES)}")
    bus = store_at(store)
    restored = rollback(bus, _FILES[file], asof=resolved_asof(bus, None), reason=reason)
    tell([f"{restored.path}: its last change is undone"])


def _latest_portfolio(bus: Store) -> tuple[str, PortfolioFile] | None:
    """The newest one, which may know a later close than the stored prices do."""
    found = bus.latest(PortfolioFile.path, asof=all_sessions()[-1])
    return None if found is None else (found[0], bus.read(found[0], PortfolioFile))
