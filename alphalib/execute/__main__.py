"""`python -m alphalib.execute --paper | --simulate | --dry-run`, and what a person needs beside it."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TypeAlias

import pandas as pd
import typer
from rich.console import Console

from alphalib.clock import SessionLoop, SystemClock, run
from alphalib.errors import AlphalibError, InputError
from alphalib.execute.daemon.screen import Show, live, nothing
from alphalib.execute.schedule import coming_session, latest_book, session_to_trade
from alphalib.settings import settings
from alphalib.store import Store

app = typer.Typer(
    help="Trade one session's order book: on a paper account, or in rehearsal.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

FASTEST = 100
"""A busy machine pauses for a tenth of a second: at a higher speed that is a time-out of ten seconds and more."""

LEFT = "left; stops stay at the broker, and the same command goes on where it was"

StoreUrl: TypeAlias = Annotated[
    str | None, typer.Option("--store", help="Folder or URL of the bus; `data` without it.")
]
SessionDate: TypeAlias = Annotated[
    str | None, typer.Option("--session", help="Session of the order book; the one that is due without it.")
]


@app.callback(invoke_without_command=True)
def execute(
    context: typer.Context,
    paper: Annotated[bool, typer.Option("--paper", help="On the paper account at IB Gateway or TWS.")] = False,
    simulate: Annotated[bool, typer.Option("--simulate", help="Against the library's own gateway.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    store: StoreUrl = None,
    session: SessionDate = None,
    speed: Annotated[
        float | None, typer.Option(help="Of --simulate: seconds of session time in a second; as fast as it goes.")
    ] = None,
) -> None:
    """Trade one session's order book."""
    if context.invoked_subcommand is not None:
        return
    if [paper, simulate, dry_run].count(True) != 1:
        raise InputError("say one of --paper, --simulate and --dry-run, or a command; --help lists them")
    if speed is not None and not (simulate and 0 < speed <= FASTEST):
        raise InputError(f"--speed is for --simulate, above 0 and at most {FASTEST}; without it, as fast as it goes")
    bus = Store(store or settings().store)
    if dry_run:
        _tell_plan(bus, latest_book(bus, session))
    elif simulate:
        _simulate(bus, latest_book(bus, session), math.inf if speed is None else speed)
    else:
        _paper(bus, session)


@app.command("connection-test")
def connection_test() -> None:
    """Connect, check the accounts, read everything, leave. Sends no order."""
    from alphalib.execute.paper import findings

    for line in run(findings(settings()), SessionLoop()):
        typer.echo(line)


@app.command()
def status(store: StoreUrl = None, session: SessionDate = None) -> None:
    """What the journal says of a session; touches nothing."""
    from alphalib.execute.status import status_lines

    for line in status_lines(Store(store or settings().store), session):
        typer.echo(line)


@app.command()
def kill(
    store: StoreUrl = None,
    flatten: Annotated[bool, typer.Option("--flatten", help="Sell everything of ours too.")] = False,
) -> None:
    """Pull the kill switch: no entries from here on; stops stay. `python -m alphalib rearm` takes it back."""
    from alphalib.execute.daemon.switch import pull

    typer.echo(pull(Store(store or settings().store), flatten=flatten))


@app.command()
def liquidate(store: StoreUrl = None, session: SessionDate = None) -> None:
    """Pull the kill switch and sell everything of ours at the paper account: cancel, confirm, sell."""
    from alphalib.execute.daemon.switch import pull

    bus = Store(store or settings().store)
    typer.echo(pull(bus, flatten=True))
    _paper(bus, session, until_flat=True)


@app.command()
def reset(store: StoreUrl = None) -> None:
    """Move the record of trading to the archive and start a clean one."""
    from alphalib.execute.account import record
    from alphalib.execute.daemon.switch import LOCK
    from alphalib.sessions import last_session

    bus = Store(store or settings().store)
    day = last_session(pd.Timestamp(SystemClock().now().date()))
    with bus.lock(LOCK):
        moved = record.reset(bus, day=day)
    typer.echo(f"{len(moved)} files of the record are in the archive; it starts anew")


@app.command("end-of-day")
def end_of_day(store: StoreUrl = None, session: SessionDate = None) -> None:
    """Settle a session again from the journal; twice is once."""
    from alphalib.execute.account.end_of_day import settle

    bus = Store(store or settings().store)
    typer.echo(settle(bus, bus, latest_book(bus, session)).text)


def _tell_plan(bus: Store, session: pd.Timestamp) -> None:
    from alphalib.execute.opening import opening
    from alphalib.execute.status import plan_lines

    for line in plan_lines(opening(bus, bus, session), bus):
        typer.echo(line)


def _simulate(bus: Store, session: pd.Timestamp, speed: float) -> None:
    from alphalib.execute.account.end_of_day import settle
    from alphalib.execute.rehearsal import FOLDER, fresh_record, morning, rehearse

    with bus.lock(FOLDER):
        begins = morning(bus, session)
        record = fresh_record(bus, begins)
        with _left("left; the next rehearsal begins anew"), _watched(record, session, "rehearsal") as show:
            rehearse(bus, record, begins, speed=speed, show=show)
        typer.echo(settle(record, bus, session).text)
    typer.echo(f"the rehearsal's record: {record.url}")


def _paper(bus: Store, session: str | None, *, until_flat: bool = False) -> None:
    from alphalib.execute.account.end_of_day import settle
    from alphalib.execute.account.mail import mail_letter
    from alphalib.execute.paper import knock, trade

    run(knock(settings()), SessionLoop())
    now = SystemClock().now()
    day = coming_session(now) if until_flat and session is None else session_to_trade(bus, session, now)
    with _left(LEFT), _watched(bus, day, "paper") as show:
        stated = trade(bus, day, settings(), show=show, until_flat=until_flat)
    if stated is None:
        typer.echo("nothing of ours is held")
        return
    settled = settle(bus, bus, day)
    typer.echo(settled.text)
    mailed = mail_letter(settled, settings())
    typer.echo(f"mail {mailed.status}: {mailed.detail}")


@contextmanager
def _left(said: str) -> Iterator[None]:
    """Ctrl-C and SIGTERM end it with a sentence and exit code 130; typer would say nothing of the first."""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo(said, err=True)
        raise typer.Exit(130) from None


@contextmanager
def _watched(record: Store, session: pd.Timestamp, what: str) -> Iterator[Show]:
    """A live table on a terminal, else the log's lines; the log in a file in any case."""
    console, logger = Console(), logging.getLogger("alphalib")
    file = logging.FileHandler(record.local_path(f"trades/{session:%Y-%m-%d}.log"))
    handlers: list[logging.Handler] = [file]
    if not console.is_terminal:
        handlers.append(logging.StreamHandler())
    before = logger.level
    logger.setLevel(logging.INFO)
    for handler in handlers:
        logger.addHandler(handler)
    try:
        if console.is_terminal:
            with live(console, f"alphalib {what} {session:%Y-%m-%d}") as show:
                yield show
        else:
            yield nothing
    finally:
        logger.setLevel(before)
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


def main(arguments: list[str] | None = None) -> None:
    """Run a command; what goes wrong on purpose is shown as its message, with exit code 2."""
    try:
        app(args=arguments, prog_name="python -m alphalib.execute")
    except AlphalibError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
