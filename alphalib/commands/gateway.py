"""`python -m alphalib gateway`: a TWS-protocol gateway for any client, which plays one session."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from alphalib.commands.common import StoreUrl, steps, store_at, tell, today
from alphalib.contracts import PlanRecord
from alphalib.errors import InputError
from alphalib.gateway.accounts import Position
from alphalib.sessions import require_session
from alphalib.sources.files import read_file
from alphalib.sources.minutes import minute_bars
from alphalib.store import Store

app = typer.Typer()


@app.command("gateway")
def gateway_command(
    replay: Annotated[str, typer.Option(metavar="DAY", help="Session to play.")],
    store: StoreUrl = None,
    bars: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its minute bars, CSV or parquet; the store's without it.")
    ] = None,
    port: Annotated[int, typer.Option(help="Where clients connect; 0 for a free one.")] = 4002,
    speed: Annotated[float, typer.Option(help="Seconds of session time in a second.")] = 1.0,
    account: Annotated[str, typer.Option(help="Its only account.")] = "DU0000001",
    cash: Annotated[float | None, typer.Option(help="In it; the planned portfolio's without it, or 1,000,000.")] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What goes wrong, and when: a JSON list, docs/gateway.md.")
    ] = None,
) -> None:
    """Play a session behind a port, for ib_insync, ib_async or IB's own client, from five minutes before its open."""
    from alphalib.gateway.faults import read_faults
    from alphalib.gateway.server import Gateway, serve

    bus, day = store_at(store), require_session(replay)
    _require_sense(port, speed, account, cash)
    script = read_faults(faults) if faults else ()
    held: Mapping[str, Position] = {}
    tables: Mapping[str, pd.DataFrame]
    if bars:
        tables = _bars_of_file(bars, day)
    else:
        with steps(1) as step:
            step("minute bars")
            tables, planned_cash, held = _session_of_store(bus, day)
        cash = planned_cash if cash is None else cash

    def ready(gateway: Gateway) -> None:
        tell(
            [
                f"{day:%Y-%m-%d} is played on 127.0.0.1:{gateway.port}, from five minutes before its open, "
                f"at {speed:g} times real time: {len(tables)} names, account {account}. Ctrl-C ends it."
            ]
        )

    try:
        serve(
            tables,
            day=day,
            cash={account: 1e6 if cash is None else cash},
            positions={account: held},
            port=port,
            speed=speed,
            script=script,
            ready=ready,
        )
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise InputError(f"cannot listen on 127.0.0.1:{port}: {why}; name another --port") from error
    except KeyboardInterrupt:
        tell(["ended"])


def _require_sense(port: int, speed: float, account: str, cash: float | None) -> None:
    if not speed > 0:
        raise InputError(f"--speed is above 0, got {speed:g}")
    if not 0 <= port <= 65535:
        raise InputError(f"--port is from 0 to 65535, got {port}")
    if not account.strip() or "," in account:
        raise InputError(f"--account is a name such as DU0000001, without commas, got {account!r}")
    if cash is not None and not math.isfinite(cash):
        raise InputError(f"--cash is a number, got {cash}")


def _session_of_store(
    bus: Store, day: pd.Timestamp
) -> tuple[Mapping[str, pd.DataFrame], float, Mapping[str, Position]]:
    """Bars, cash and positions of a session that was planned."""
    from alphalib.execute.rehearsal import morning

    if not bus.exists(PlanRecord.path.format(date=f"{day:%Y-%m-%d}")):
        raise InputError(
            f"no plan was archived for {day:%Y-%m-%d}; run `python -m alphalib.pipeline weekday` first, or name --bars"
        )
    begins = morning(bus, day)
    return begins.bars, begins.cash, begins.positions


def _bars_of_file(path: Path, day: pd.Timestamp) -> dict[str, pd.DataFrame]:
    good, _, lines = minute_bars(read_file(path), given={}, today=max(today(), day))
    of_day = good[good["time"].dt.tz_convert("America/New_York").dt.strftime("%Y-%m-%d") == f"{day:%Y-%m-%d}"]
    if of_day.empty:
        raise InputError(f"{path} has no bars of {day:%Y-%m-%d}: {lines[-1]}")
    return {
        str(ticker): rows.drop(columns="ticker").reset_index(drop=True) for ticker, rows in of_day.groupby("ticker")
    }
