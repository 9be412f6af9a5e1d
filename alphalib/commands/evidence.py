"""`python -m alphalib ledger`, `grant`, `power`: what was tried, what may be looked at, what could be found."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from alphalib.commands.common import StoreUrl, store_at, tell
from alphalib.errors import InputError
from alphalib.evidence.holdout import holdout_line, quarter_of
from alphalib.evidence.ledger import LEDGER_FILE, ledger_of
from alphalib.pipeline.asof import resolved_asof
from alphalib.report.words import count
from alphalib.settings import settings

app = typer.Typer()

LINEAGES = ("predictor", "executor params", "scoring weights", "veto", "research boosts")
"""Questions that have a holdout of their own."""

Lineage = Annotated[str | None, typer.Argument(metavar="[LINEAGE]", help=f"One of {', '.join(LINEAGES)}, or another.")]


@app.command("ledger")
def ledger_command(lineage: Lineage = None, store: StoreUrl = None) -> None:
    """Trials, grants and promises by lineage; of one lineage, its latest trials."""
    bus, nothing = store_at(store), "no trial was ever opened" + (f" in {lineage!r}" if lineage else "")
    if settings().ledger is None and not bus.exists(LEDGER_FILE):  # looking makes no folder
        raise InputError(f"{nothing}: the store {bus.url} has no ledger")
    ledger = ledger_of(bus, url=settings().ledger)
    trials, grants, promises = ledger.trials(lineage), ledger.grants(lineage), ledger.promises(lineage)
    names = list(dict.fromkeys([*trials["lineage"], *grants["lineage"]]))
    if not names:
        raise InputError(nothing)
    for name in names:
        own, given, made = (table[table["lineage"] == name] for table in (trials, grants, promises))
        used = int(given["used_asof"].notna().sum())
        tell(
            [
                f"{name}: {count(len(own), 'trial')} worth {ledger.effective_count(name):.1f} independent ones, "
                f"{count(int(own['metrics'].isna().sum()), 'trial')} not closed; "
                f"{count(len(given), 'grant')} given, {used} used; {count(len(made), 'promise')}"
            ]
        )
    if lineage:
        shown = trials.tail(20)
        metrics = [", ".join(f"{k} {v:.4g}" for k, v in (m or {}).items() if v is not None) for m in shown["metrics"]]
        tell([f"{t.id}  {t.asof}  {t.kind:<12} {m}" for t, m in zip(shown.itertuples(), metrics, strict=True)])


@app.command("grant")
def grant_command(
    lineage: Annotated[str, typer.Argument(help=f"One of {', '.join(LINEAGES)}.")],
    by: Annotated[str, typer.Option(help="Who gives it.")],
    store: StoreUrl = None,
) -> None:
    """Allow one look at a lineage's holdout this quarter; the next run that has something to confirm uses it."""
    if lineage not in LINEAGES:
        raise InputError(f"there is no lineage {lineage!r} with a holdout; there are {', '.join(LINEAGES)}")
    bus = store_at(store)
    asof = resolved_asof(bus, None)
    ledger_of(bus, url=settings().ledger).give_grant(lineage, asof=asof, by=by)
    tell(
        [
            f"{lineage!r} may look once at outcomes after {holdout_line(asof):%Y-%m-%d} within {quarter_of(asof)}; "
            "unused it lapses with the quarter"
        ]
    )


@app.command("power")
def power_command(
    trials: Annotated[float, typer.Option(min=1, help="Effective number tried; the level is divided among them.")] = 1,
    horizon: Annotated[int, typer.Option(min=1, help="Of the label, in sessions.")] = 5,
    ic_spread: Annotated[float, typer.Option(help="Standard deviation of per-date rank ICs.")] = 0.12,
    correlation: Annotated[float, typer.Option(help="Between the returns of two books compared.")] = 0.95,
) -> None:
    """What a history can show before it is looked at: the smallest effects found, and how long a rollback takes."""
    from alphalib.evidence.power import power_table, rollback_table

    table = power_table(trials=trials, horizon=horizon, ic_spread=ic_spread, correlation=correlation)
    told = table.rename(columns={"rank_ic": "rank IC", "sharpe": "Sharpe", "sharpe_difference": "Sharpe difference"})
    waits = rollback_table()
    tell(
        [
            "Smallest true effect that is found four times in five, one-sided 5 %:",
            told.to_string(float_format="{:.3f}".format),
            "",
            "A change for the worse is taken back, in half of all cases (false alarms ever: 5 %):",
            *(f"  Sharpe of the difference {sharpe:.1f}: after {_sessions(wait)}" for sharpe, wait in waits.items()),
        ]
    )


def _sessions(wait: float) -> str:
    return f"{wait:,.0f} sessions" if math.isfinite(wait) else "more than five years"
