"""Backtest, decision and sweep: against vectorbt's adding up of the same orders, in processes, and on a Dask cluster.

The history is 900 names × 10 years of the simulated market with the desk's own weekly signals, some ten names to enter
a day, and random predictions with a veto on one name in twenty; `dense` has 250 names to enter a day instead.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from alphalib.backtest.simulate import Backtest, simulate
from alphalib.backtest.sweep.run import Sweep, run_sweep
from alphalib.backtest.sweep.space import GRID_SEED, grid, size
from alphalib.decision import Portfolio, decide, history
from alphalib.decision.history import History
from alphalib.evidence.ledger import Ledger
from alphalib.market import SECTORS, Market, Panel
from alphalib.params import ExecutorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signal_history
from alphalib.scores import SignalCode, SignalPanels
from alphalib.sources.sample import simulate_market
from alphalib.store import Store
from benchmarks.timing import PROJECT, Call, Line, Row, clocked, line, side_by_side
from tests.worlds import random_market

NAMES, SESSIONS = 900, 2520
LISTED = 690  # at the start; arrivals make some 900 names in ten years
PARAMS = ExecutorParams()
SEED_BACKTEST = "the seed: 8–12 minutes"
SEED_SWEEP = "the seed ran out of two hours at 60 cells"


def rows(*, full: bool) -> dict[str, Row]:
    """The lines by name; `full` sweeps all 1,728 cells of the seed's grid."""
    cells = size(GRID_SEED) if full else 96
    return {
        "backtest vectorbt": backtests,
        "decide": deciding,
        "sweep": partial(sweeping, cells),
        "sweep memory": memory,
        "sweep dask": partial(on_dask, min(cells, 192)),
    }


# Inputs ---------------------------------------------------------------------------------------------------------------


@cache
def researched() -> tuple[Market, History, str]:
    """The simulated market, its history, and what is in it, in words."""
    market = simulate_market(start="2013-12-23", sessions=SESSIONS, names=LISTED).true_market()
    signals = signal_history(market, ScoringWeights(), ResearchParams())
    return market, with_predictions(market, signals), described(signals)


@cache
def dense() -> tuple[Market, History, str]:
    """Random walks with scores that change every week and are entered from 70 on."""
    market, rng = random_market(names=NAMES, sessions=SESSIONS), np.random.default_rng(1)
    weekly = np.repeat(rng.uniform(20, 90, (SESSIONS // 5 + 1, NAMES)), 5, axis=0)[:SESSIONS]
    kind = np.select([weekly >= 70, weekly < 40], [SignalCode.ENTER, SignalCode.EXIT], SignalCode.HOLD)

    def panel(values: np.ndarray, columns: pd.Index = market.tickers) -> Panel:
        return pd.DataFrame(values, index=market.sessions, columns=columns)

    signals = SignalPanels(
        score=panel(weekly),
        signal=panel(kind.astype(np.int8)),
        conviction=panel(rng.integers(1, 3, kind.shape).astype(np.int8)),
        upside=panel(np.full(kind.shape, np.nan)),
        sector_rating=panel(np.zeros((SESSIONS, len(SECTORS)), np.int8), pd.Index(SECTORS)),
        regime=pd.Series(1, index=market.sessions),
        age=pd.Series(np.arange(SESSIONS) % 5, index=market.sessions),
    )
    return market, with_predictions(market, signals), described(signals)


def with_predictions(market: Market, signals: SignalPanels) -> History:
    """The history with random percentiles and a veto on one name in twenty."""
    rng = np.random.default_rng(2)
    places = pd.DataFrame(rng.random(market.close.shape), index=market.sessions, columns=market.tickers)
    return history(market, signals, percentile=places, veto=places < 0.05, params=PARAMS)


def described(signals: SignalPanels) -> str:
    """Names and entries wanted a day, over the sessions with signals."""
    wanted = (signals.signal == SignalCode.ENTER).sum(axis=1)
    return f"{signals.signal.shape[1]} names × {len(wanted):,}, {wanted[wanted > 0].mean():.0f} to enter a day"


# Backtest and decision ------------------------------------------------------------------------------------------------


def vectorbt_orders(market: Market, backtest: Backtest) -> Call:
    """The floor for `simulate`: vectorbt only adds up orders that are already decided."""
    import vectorbt as vbt

    trades = backtest.trades
    signed = trades["shares"].where(trades["side"] == "buy", -trades["shares"])
    size = signed.groupby([trades["date"], trades["ticker"]]).sum().unstack()
    size = size.reindex(index=market.close.index, columns=market.close.columns)
    close = market.close.ffill().bfill()
    return lambda: vbt.Portfolio.from_orders(
        close, size=size, price=close, init_cash=1e6, cash_sharing=True, group_by=True, freq="1D"
    )


def backtests() -> list[Line]:
    """All rules against vectorbt's `from_orders` alone on the same fills; its values are not even computed."""
    lines = []
    for market, past, words in (researched(), dense()):
        backtest = simulate(past, PARAMS)
        floor = vectorbt_orders(market, backtest)
        against = f"vectorbt from_orders, the same {len(backtest.trades):,} fills"
        what = f"backtest, all rules, {words}"
        lines.append(side_by_side(what, lambda past=past: simulate(past, PARAMS), against, floor, runs=7))
    return [lines[0].seen(SEED_BACKTEST), *lines[1:]]


def deciding() -> list[Line]:
    """One decision against one backtest."""
    lines = []
    for _, past, words in (researched(), dense()):
        day, whole = past.day(SESSIONS - 2), partial(simulate, past, PARAMS)
        one = partial(decide, Portfolio.of_cash(1e6), day, PARAMS)
        lines.append(side_by_side(f"decide, {words}", one, "the whole backtest", whole, runs=15))
    return lines


# Sweep ----------------------------------------------------------------------------------------------------------------


def sweep(past: History, cells: int, folder: str, **options: object) -> Sweep:
    """The first cells of the seed's grid, each taken from another corner of it."""
    every = grid(GRID_SEED, PARAMS)
    chosen = [every[place] for place in np.random.default_rng(0).permutation(len(every))[:cells]]
    store = Store(folder)
    ledger = Ledger(store.local_path("evidence/ledger.db"))
    try:
        return run_sweep(past, chosen, ledger=ledger, store=store, name="bench", **options)  # type: ignore[arg-type]
    finally:
        ledger.close()


def timed_sweep(past: History, cells: int, **options: object) -> float:
    """Wall time, the start of the processes included. [seconds]"""
    with tempfile.TemporaryDirectory() as folder:
        return clocked(lambda: sweep(past, cells, folder, **options))


def sweeping(cells: int) -> list[Line]:
    """Two processes, ledger and store included, against the same simulations one after the other and nothing else."""
    market, past, words = researched()
    some = grid(GRID_SEED, PARAMS)[:: size(GRID_SEED) // 24]
    simulate(past, PARAMS)
    alone = clocked(lambda: [simulate(past, params) for params in some]) / len(some) * cells
    seconds = timed_sweep(past, cells, n_jobs=2, spy=market.benchmarks["SPY"])
    what, against = f"sweep of {cells:,} cells, 2 processes, {words}", f"{cells:,} times one backtest, on one core"
    note = f"{cells / seconds:.0f} cells a second; {SEED_SWEEP}"
    return [line(what, [seconds], against, [alone], [seconds / alone], note)]


def on_dask(cells: int) -> list[Line]:
    """A stock scheduler with two workers of one thread each against two local processes; both are up and warm."""
    from distributed import LocalCluster

    market, past, words = researched()
    options = {"spy": market.benchmarks["SPY"]}
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(**settings) as cluster:
        there = partial(timed_sweep, past, cells, cluster=cluster.scheduler_address, n_jobs=-1, **options)
        here = partial(timed_sweep, past, cells, n_jobs=2, **options)
        what = f"sweep of {cells} cells on a Dask cluster, 2 workers, {words}"
        return [side_by_side(what, there, "2 local processes", here, runs=1)]


def memory() -> list[Line]:
    """Peaks of fresh processes that sweep few cells and many."""
    few, many = 32, 288
    past = with_predictions(*small_world())
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "history.pkl"
        file.write_bytes(pickle.dumps(past))
        peaks = {cells: peak_memory(file, cells) for cells in (few, many)}
    grown = peaks[many] - peaks[few]
    return [
        Line(
            f"peak memory of a sweep of {many:,} cells, 30 names × {SESSIONS:,}",
            f"{peaks[many]:,.0f} MB",
            f"of {few} cells",
            f"{peaks[few]:,.0f} MB",
            f"{peaks[many] / peaks[few]:.3g}",
            note=f"{grown / (many - few) * 1e3:.0f} kB a cell more; its daily returns and fills alone are "
            f"{SESSIONS * 16 / 1e3:.0f} kB",
        )
    ]


def small_world(*, names: int = 30, sessions: int = SESSIONS) -> tuple[Market, SignalPanels]:
    """A small market with signals, in which a sweep of hundreds of cells takes seconds."""
    from tests.backtest.runs import random_signals

    market = random_market(names=names, sessions=sessions)
    return market, random_signals(market, np.random.default_rng(0))


def peak_memory(file: Path, cells: int) -> float:
    """Of a fresh process that sweeps the pickled history. [MB]"""
    command = [sys.executable, "-m", "benchmarks.backtest", str(file), str(cells)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["peak"])


def main(file: str, cells: str) -> None:
    """Sweep in this process; its peak on the last line. [MB]"""
    from benchmarks.memory import memory as of_process

    past = pickle.loads(Path(file).read_bytes())
    timed_sweep(past, int(cells))
    print(json.dumps({"peak": of_process("VmHWM")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
