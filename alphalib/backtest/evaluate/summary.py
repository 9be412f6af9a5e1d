"""A backtest as artefacts: the summary with its table, and the series and fills that the report draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel

from alphalib.backtest.books import BooksCheck
from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.performance import Performance, equal_weight, performance
from alphalib.backtest.result import Backtest
from alphalib.contracts import BacktestSummary, CrossCheck
from alphalib.evidence.ledger import Ledger
from alphalib.evidence.significance import sharpe_variance
from alphalib.market import Market, Panel
from alphalib.models.registry import Model
from alphalib.scores import SignalPanels
from alphalib.store import Store

LINEAGE = "executor params"
"""What backtests are counted under in the trial ledger."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A backtest beside its benchmarks.

    Parameters
    ----------
    table : DataFrame
        `date, nav, cash, exposure, halted, spy, equal_weight` from the first session with signals; both benchmarks
        begin at the book's value.
    performance : Performance
        With intervals, from that session on.
    trials, effective_trials : int, float
        Of the lineage, this one included.
    members : {"by date", "survivors only"}
        As in `Source`.
    """

    table: pd.DataFrame
    performance: Performance
    trials: int
    effective_trials: float
    members: Literal["by date", "survivors only"]


def tried(
    *tuned: BaseModel, costs: Costs, cash: float, model: Model | None, members: Literal["by date", "survivors only"]
) -> dict[str, Any]:
    """What makes a backtest another trial: every parameter file, costs, cash, members, and the kind of model.

    Parameters
    ----------
    tuned : BaseModel
        The parameter files that the book was made by.
    costs : Costs
        Of trading.
    cash : float
        To start with. [currency]
    model : Model, optional
        Whose predictions it used; a refit of the same configuration is no other trial.
    members : {"by date", "survivors only"}
        As in `Source`.
    """
    files: dict[str, Any] = {type(params).__name__: params.model_dump(mode="json") for params in tuned}
    kind = model.card.configuration if model else None
    return files | {"costs": costs.model_dump(), "cash": cash, "model": kind, "members": members}


def judged(
    backtest: Backtest, market: Market, signals: SignalPanels, ledger: Ledger, *, rng: np.random.Generator
) -> Judged:
    """Performance of a book from the first session with a scored name on, deflated by the trials in the ledger.

    Parameters
    ----------
    backtest : Backtest
        Its trial must be closed already, so that it counts.
    market : Market
        What it ran on.
    signals : SignalPanels
        What it traded on.
    ledger : Ledger
        Where the trials of the lineage are counted.
    rng : Generator
        Randomness of the intervals.
    """
    first = signals.score.index[int(np.argmax(signals.score.notna().any(axis=1).to_numpy()))]
    nav = backtest.nav.loc[first:]
    benchmarks = pd.DataFrame({"spy": market.benchmarks["SPY"], "equal_weight": equal_weight(market)}).loc[first:]
    trades = backtest.trades
    effective = ledger.effective_count(LINEAGE)
    return Judged(
        table=_table(backtest, benchmarks / benchmarks.bfill().iloc[0] * nav.iloc[0]),
        performance=performance(
            nav,
            spy=benchmarks["spy"],
            equal_weight=benchmarks["equal_weight"],
            rng=rng,
            exposure=backtest.exposure.loc[first:],
            traded=trades.groupby("date")["value"].sum() if len(trades) else None,
            trials=effective,
            variance_of_trials=float(np.nan_to_num(sharpe_variance(ledger.returns(LINEAGE)))),
        ),
        trials=ledger.count(LINEAGE),
        effective_trials=effective,
        members=market.source.members,
    )


def summary(
    backtest: Backtest, result: Judged, *, asof: pd.Timestamp, books: BooksCheck | None, notes: list[str]
) -> BacktestSummary:
    """The artefact of a judged backtest.

    Parameters
    ----------
    books : BooksCheck or None
        What vectorbt said of the same fills; None when it was not asked.
    notes : list of str
        Sentences the report shows beside it.
    """
    checks = []
    if books is not None:
        difference = max(books.max_cash_difference, books.max_nav_difference)
        checks.append(CrossCheck(by="vectorbt", agrees=books.agrees, largest_difference=difference))
    deflated = [row for row in result.performance.rows if row.measure.startswith("…")]
    return BacktestSummary(
        date=f"{asof:%Y-%m-%d}",
        start=f"{result.table['date'].iloc[0]:%Y-%m-%d}",
        sessions=len(result.table),
        members=result.members,
        halted_sessions=int(result.table["halted"].sum()),
        level=result.performance.level,
        interval_method=result.performance.interval_method,
        performance=list(result.performance.rows),
        trials=result.trials,
        effective_trials=result.effective_trials,
        deflated_sharpe=deflated[0].book.value if deflated else None,
        costs=backtest.total_costs,
        cross_checks=checks,
        notes=[*notes, *_reduced(backtest, pd.DatetimeIndex(result.table["date"]))],
    )


def write_backtest(store: Store, artefact: BacktestSummary, backtest: Backtest, result: Judged) -> None:
    """Write summary, series, fills and refusals under `backtest/{date}/`."""
    folder = f"backtest/{artefact.date}"
    store.write_table(f"{folder}/nav.parquet", result.table)
    store.write_table(f"{folder}/trades.parquet", backtest.trades)
    store.write_table(f"{folder}/blocked.parquet", backtest.blocked)
    store.write(artefact.at(), artefact)


def _reduced(backtest: Backtest, sessions: pd.DatetimeIndex) -> list[str]:
    """How long drawdowns kept new entries small: a book at a quarter of its size takes years to recover."""
    shares = backtest.multiplier.loc[sessions].value_counts(normalize=True).drop(1.0, errors="ignore")
    told = [f"×{size:g} on {share:.0%}" for size, share in shares.sort_index(ascending=False).items()]
    return [f"Drawdowns scaled new entries: {', '.join(told)} of the sessions."] if told else []


def _table(backtest: Backtest, benchmarks: Panel) -> pd.DataFrame:
    first = benchmarks.index[0]
    columns = {
        "nav": backtest.nav,
        "cash": backtest.cash,
        "exposure": backtest.exposure,
        "halted": backtest.halted,
    }
    return pd.DataFrame(columns).loc[first:].join(benchmarks).rename_axis(index="date").reset_index()
