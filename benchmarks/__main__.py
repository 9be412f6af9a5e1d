"""Prints a table of ratios; every row times ours and the reference in turn, several times, and takes medians."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy import stats

from alphalib.backtest.simulate import simulate
from alphalib.decision import Portfolio, decide, history
from alphalib.evidence.ic import rank_ic
from alphalib.labels import sector_relative_return
from alphalib.market import SECTORS, Market
from alphalib.params import ExecutorParams
from alphalib.pipeline.runner import execute_notebook
from alphalib.scores import SignalPanels
from tests.worlds import random_market

NAMES, SESSIONS = 900, 2520


def interpreter(statement: str) -> Callable[[], object]:
    """A new process that runs one statement."""
    return lambda: subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)


def random_signals(market: Market) -> SignalPanels:
    """Scores that change every week; one name in ten is to be bought."""
    rng = np.random.default_rng(1)
    shape = market.close.shape
    weekly = np.repeat(rng.uniform(0, 100, (shape[0] // 5 + 1, shape[1])), 5, axis=0)[: shape[0]]
    panel = lambda values: pd.DataFrame(values, index=market.close.index, columns=market.close.columns)  # noqa: E731
    return SignalPanels(
        score=panel(weekly),
        signal=panel(np.where(weekly > 90, 2, 1).astype(np.int8)),
        conviction=panel(np.full(shape, 2, np.int8)),
        upside=panel(np.full(shape, np.nan)),
        sector_rating=pd.DataFrame(
            np.zeros((shape[0], len(SECTORS)), np.int8), index=market.close.index, columns=SECTORS
        ),
        regime=pd.Series(np.ones(shape[0], np.int8), index=market.close.index),
        age=pd.Series(np.arange(shape[0]) % 5, index=market.close.index),
    )


def spearman_by_date(prediction: pd.DataFrame, label: pd.DataFrame) -> list[float]:
    """The reference for `rank_ic`: SciPy, one date at a time."""
    return [
        stats.spearmanr(one, other, nan_policy="omit").statistic
        for one, other in zip(prediction.to_numpy(), label.to_numpy(), strict=True)
    ]


def vectorbt_orders(market: Market, trades: pd.DataFrame) -> Callable[[], object]:
    """The floor for `simulate`: vectorbt only adds up orders that are already decided."""
    import vectorbt as vbt

    signed = trades["shares"].where(trades["side"] == "buy", -trades["shares"])
    size = signed.groupby([trades["date"], trades["ticker"]]).sum().unstack()
    size = size.reindex(index=market.close.index, columns=market.close.columns)
    close = market.close.ffill().bfill()
    return lambda: vbt.Portfolio.from_orders(
        close, size=size, price=close, init_cash=1e6, cash_sharing=True, group_by=True, freq="1D"
    ).value()


def noop_notebook() -> tuple[Callable[[], object], Callable[[], object]]:
    """A notebook through the runner's engine, and its code called in this process."""
    from tests.pipeline.projects import write_notebook

    folder = Path(tempfile.mkdtemp())
    code = "from alphalib.sessions import sessions_between; sessions_between('2010-01-01', '2020-01-01')"
    path = write_notebook(folder / "one.ipynb", ["x: int = 1"], [code])

    return lambda: execute_notebook(path, folder / "out.ipynb", {}), interpreter(code)


def rows() -> list[tuple[str, Callable[[], object], str, Callable[[], object], int]]:
    """What is compared: name, ours, name of the reference, the reference, runs of each."""
    market = random_market(names=NAMES, sessions=SESSIONS)
    params = ExecutorParams()
    past = history(market, random_signals(market), params=params)
    backtest = simulate(past, params)
    small = random_market(names=200, sessions=500)
    prediction, label = small.adj_close.pct_change(5, fill_method=None), sector_relative_return(small)
    day = past.day(SESSIONS - 2)
    through, called = noop_notebook()
    return [
        ("import alphalib", interpreter("import alphalib"), "import pandas", interpreter("import pandas"), 7),
        (
            "import what reads a market",
            interpreter("import alphalib.sources.stored"),
            "import pandas",
            interpreter("import pandas"),
            7,
        ),
        (
            f"backtest, all rules, {NAMES} × {SESSIONS}",
            lambda: simulate(past, params),
            f"vectorbt from_orders, the same {len(backtest.trades):,} fills",
            vectorbt_orders(market, backtest.trades),
            5,
        ),
        (
            f"decide, {NAMES} names",
            lambda: decide(Portfolio.of_cash(1e6), day, params),
            "the whole backtest",
            lambda: simulate(past, params),
            9,
        ),
        (
            "rank IC, 200 × 500",
            lambda: rank_ic(prediction, label),
            "SciPy, date by date",
            lambda: spearman_by_date(prediction, label),
            3,
        ),
        ("a notebook through papermill", through, "its code in a new interpreter", called, 5),
    ]


def measured(ours: Callable[[], object], other: Callable[[], object], runs: int) -> tuple[float, float, list[float]]:
    """Medians of both and the ratios pair by pair, after a warm-up. [seconds]"""
    ours(), other()
    pairs = [(clocked(ours), clocked(other)) for _ in range(runs)]
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second), [one / two for one, two in pairs]


def clocked(call: Callable[[], object]) -> float:
    """Wall time of a call. [seconds]"""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main() -> None:
    """Time every row and print the table."""
    warnings.simplefilter("ignore")
    console = Console(width=140)
    table = Table("what", "ours", "against", "reference", "ratio", "range of ratios", title="make bench")
    for name, ours, against, other, runs in track(rows(), console=Console(stderr=True), description="timing"):
        mine, theirs, ratios = measured(ours, other, runs)
        spread = f"{min(ratios):.3g} – {max(ratios):.3g}"
        table.add_row(name, f"{mine:.4g} s", against, f"{theirs:.4g} s", f"{statistics.median(ratios):.3g}", spread)
    console.print(table)


if __name__ == "__main__":
    main()
