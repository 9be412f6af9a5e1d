"""`python -m alphalib certify`, `calibrate`: what is run on the whole library."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from alphalib.commands.common import StoreUrl, steps, store_at, tell
from alphalib.sessions import require_session

app = typer.Typer()


@app.command()
def certify(
    stage: Annotated[list[str] | None, typer.Argument(metavar="[STAGE]…", help="Which; all without it.")] = None,
    store: StoreUrl = None,
    dates: Annotated[int, typer.Option(help="After how many dates the future is corrupted; at least 8.")] = 8,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session that is read.")] = None,
) -> None:
    """Prove that nothing known at a date changes with what comes after; the embedded market without prices stored."""
    from alphalib.proof import certify, stages_called
    from alphalib.proof import steps as steps_of
    from alphalib.proof.received import received_from

    stages = stages_called(stage)
    received = received_from(store_at(store))
    if start is not None:
        received = received.since(require_session(start))
    began = time.monotonic()
    with steps(steps_of(len(stages), dates)) as step:
        certificate = certify(received, stages, dates=dates, step=step)
    tell([*certificate.lines(), f"{time.monotonic() - began:.0f} s"])
    if not certificate.passed:
        raise typer.Exit(1)


@app.command("calibrate")
def calibrate_command(
    worlds: Annotated[int, typer.Option(min=1, help="Years of weekly looks at worlds without alpha, at least.")] = 200,
    planted: Annotated[int, typer.Option(min=0, help="Years of looks at worlds with alpha.")] = 30,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for one a core.")] = -1,
    store: StoreUrl = None,
) -> None:
    """Measure how often gate and tuner promote where there is nothing; goes on where it was interrupted."""
    from alphalib.proof.calibration import Design, calibrate, promotion_allowed
    from alphalib.proof.calibration import jobs as markets

    bus, began = store_at(store), time.monotonic()
    with steps(1 + len(markets(Design(), worlds=worlds, planted=planted))) as step:
        found = calibrate(bus, worlds=worlds, planted=planted, n_jobs=jobs, step=step)
    report = found.report()
    bus.write(report.at(), report)
    forbidden = [reason for subject in ("gate", "tuner") if (reason := promotion_allowed(bus, subject))]
    tell([*found.lines(), f"{report.at()} written; {time.monotonic() - began:.0f} s"])
    tell([f"on this store nothing is promoted: {reason}" for reason in forbidden])
