"""The factor engine against pyqlib, KunQuant, plain pandas and alphalens, and against its own full run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alphalib.evidence.factor_measure import measured, outcomes
from alphalib.features import CATALOG, factors, parse
from alphalib.market import Market, Panel
from alphalib.sources.stored import read_market
from benchmarks.bars import FIELDS, market_of, random_bars, save_bars, write_store
from benchmarks.pandas_factors import pandas_factors
from benchmarks.timing import (
    PROJECT,
    Line,
    Row,
    clocked,
    line,
    not_installed,
    other_python,
    run_reference,
    side_by_side,
)
from tests.features.language.expressions import random_expressions
from tests.worlds import random_market

SEED, THREADS, SETTLED = 158, 2, 60
ALPHA158 = {name: entry.expression for name, entry in CATALOG["alpha158"].items()}
FOURTEEN = (
    "KMID KLEN OPEN0 ROC20 MA20 STD20 BETA20 RSQR20 MAX20 MIN20 RSV20 CORR20 CNTP20 VMA20".split()  # noqa: SIM905
)
HORIZONS = (1, 5, 21)


def rows(*, full: bool) -> dict[str, Row]:
    """The lines by name; `full` takes the sizes that the README speaks of."""
    return {
        "alpha158 qlib": partial(against_qlib, *((500, 2520) if full else (100, 1260))),
        "alpha158 kunquant": partial(against_kunquant, 904, 2520),
        "alpha158 pandas": partial(against_pandas, *((904, 2520) if full else (100, 1260))),
        "memory": partial(memory, 904, 2520),
        "one more session": partial(one_session, 904, 2520),
        "cold": partial(cold, 800, 3525),
        "alphalens": partial(against_alphalens, *((900, 2520) if full else (200, 1260))),
        "parse": parsing,
    }


# Alpha158 -----------------------------------------------------------------------------------------------------------


def against_qlib(names: int, sessions: int) -> list[Line]:
    """pyqlib's own loader, two processes; its start and the making of its files are not counted."""
    what, against = f"Alpha158, {names} × {sessions:,}", "pyqlib 0.9.7, its loader, 2 processes"
    python = other_python("qlib")
    if python is None:
        return [not_installed(what, against, "qlib", "pyqlib==0.9.7")]
    bars = random_bars(seed=SEED, names=names, sessions=sessions)
    market = market_of(bars)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_bars(bars, folder)
        return [beside_qlib(what, against, python, folder, lambda: alpha158(market), alpha158(market))]


def beside_qlib(
    what: str, against: str, python: str, folder: Path, ours: Callable[[], object], panels: Mapping[str, Panel]
) -> Line:
    """Ours three times before and three times after qlib's one run."""
    before = [clocked(ours) for _ in range(3)]
    run_reference(python, "reference_qlib.py", folder, THREADS)
    mine = statistics.median(before + [clocked(ours) for _ in range(3)])
    result = json.loads((folder / "result.json").read_text())
    theirs = dict(zip(result["expressions"], np.load(folder / "values.npy"), strict=True))
    times = result["seconds"] / mine
    note = f"{times:.0f} times as fast; {agreement(panels, theirs, within=1e-6)}"
    return line(what, [mine], against, [result["seconds"]], [mine / result["seconds"]], note)


def against_kunquant(names: int, sessions: int) -> list[Line]:
    """KunQuant, float32 throughout, compiled before the clock starts; two threads each."""
    what, against = f"Alpha158, {names} × {sessions:,}, 2 threads", "KunQuant 0.1.12, float32, 2 threads"
    python = other_python("reference")
    if python is None:
        return [not_installed(what, against, "reference", "kunquant==0.1.12 alphalens-reloaded==0.5.1")]
    bars = random_bars(seed=SEED, names=names, sessions=sessions)
    market = market_of(bars)
    panels = alpha158(market)
    before = [clocked(lambda: alpha158(market)) for _ in range(3)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_bars(bars, folder)
        run_reference(python, "reference_kunquant.py", folder, THREADS)
        result = json.loads((folder / "result.json").read_text())
        theirs = dict(zip(result["names"], np.load(folder / "values.npy", mmap_mode="r"), strict=True))
        agree = agreement(panels, theirs, within=1e-3)
    mine = before + [clocked(lambda: alpha158(market)) for _ in range(3)]
    note = f"{agree}; KunQuant compiles for {result['compile']:.1f} s and peaks at {result['peak_mb']:,.0f} MB"
    ratio = statistics.median(mine) / statistics.median(result["seconds"])
    return [line(what, mine, against, result["seconds"], [ratio], note)]


def against_pandas(names: int, sessions: int) -> list[Line]:
    """Wide pandas, shared parts computed once."""
    market = market_of(random_bars(seed=SEED, names=names, sessions=sessions))
    fields = {field: getattr(market, "adj_volume" if field == "volume" else field) for field in FIELDS}
    nodes = {name: parse(text) for name, text in ALPHA158.items()}
    theirs: dict[str, Panel] = {}

    def plain() -> None:
        found = pandas_factors(nodes.values(), fields)
        theirs.update({name: found[node] for name, node in nodes.items()})

    alpha158(market)
    before = [clocked(lambda: alpha158(market)) for _ in range(3)]
    seconds = clocked(plain)
    mine = statistics.median(before + [clocked(lambda: alpha158(market)) for _ in range(3)])
    arrays = {name: panel.to_numpy().T for name, panel in theirs.items()}
    note = f"{seconds / mine:.0f} times as fast; {agreement(alpha158(market), arrays, within=1e-6)}"
    return [line(f"Alpha158, {names} × {sessions:,}", [mine], "plain wide pandas", [seconds], [mine / seconds], note)]


def alpha158(market: Market, **options: Any) -> Mapping[str, Panel]:
    """Ours, from bars: what the market derives from them is made anew. No mask, as nobody else has one."""
    return factors(ALPHA158, replace(market), mask=False, threads=THREADS, **options)


def agreement(ours: Mapping[str, Panel], theirs: Mapping[str, np.ndarray], *, within: float) -> str:
    """How many factors agree once every window is full, and the largest difference, relative to value and spread."""
    apart = {name: difference(ours[name].to_numpy().T, values) for name, values in theirs.items()}
    worst = max(apart, key=lambda name: apart[name])
    agree = sum(value <= within for value in apart.values())
    return f"{agree} of {len(apart)} agree to {within:g}, at most {apart[worst]:.1e} apart ({worst})"


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference relative to the value's size and the factor's spread; infinite where only one is missing."""
    a, b = ours[:, SETTLED:], np.asarray(theirs[:, SETTLED:], dtype=float)
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    return float(np.nanmax(np.abs(a - b) / (np.abs(b) + np.nanstd(b))))


# Memory, one session, cold --------------------------------------------------------------------------------------------


def memory(names: int, sessions: int) -> list[Line]:
    """Peaks of fresh processes that compute all panels, and that write them to a file."""
    what = f"Alpha158, {names} × {sessions:,}, 2 threads"
    with tempfile.TemporaryDirectory() as name:
        write_store(random_bars(seed=SEED, names=names, sessions=sessions), Path(name))
        seen = {kind: child(name, kind) for kind in ("panels", "parquet")}
    panels, file = seen["panels"], seen["parquet"]
    return [
        Line(
            f"peak memory of {what}",
            f"result + {panels['peak'] - panels['result'] - panels['before']:.0f} MB",
            "the result, float64",
            f"{panels['result']:,.0f} MB",
            f"{panels['peak'] / panels['result']:.3g}",
            note=f"beside {panels['before']:.0f} MB of interpreter and market; first run {panels['seconds']:.2f} s",
        ),
        Line(
            f"the same, streamed to parquet in {file['seconds']:.1f} s",
            f"{file['peak']:,.0f} MB",
            "the panels' peak",
            f"{panels['peak']:,.0f} MB",
            f"{file['peak'] / panels['peak']:.3g}",
            note=f"of these {file['before']:.0f} MB interpreter and market; the file has {file['result']:,.0f} MB",
        ),
    ]


def child(store: str, kind: str) -> dict[str, float]:
    """Numbers of `benchmarks.memory` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", store, kind]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)
    numbers: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def one_session(names: int, sessions: int) -> list[Line]:
    """The last session alone, adjusted prices included, and all of them."""
    market = market_of(random_bars(seed=SEED, names=names, sessions=sessions))
    day = market.sessions[-2]
    return [
        side_by_side(
            f"one more session, {names} × 158",
            lambda: alpha158(market, after=day),
            f"all {sessions:,}",
            lambda: alpha158(market),
            runs=5,
        )
    ]


def cold(names: int, sessions: int) -> list[Line]:
    """From files to factors in a running interpreter; qlib reads the same bars from its own files."""
    what = f"14 factors, {names} × {sessions:,}, from parquet"
    chosen = {name: ALPHA158[name] for name in FOURTEEN}
    bars = random_bars(seed=SEED, names=names, sessions=sessions, first="2007-01-03")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = write_store(bars, folder / "ours")
        ours = lambda: factors(chosen, read_market(store, survivors=True), mask=False)  # noqa: E731
        panels = ours()
        python = other_python("qlib")
        if python is not None:
            save_bars(bars, folder)
            (folder / "expressions.json").write_text(json.dumps(chosen))
            return [beside_qlib(what, "pyqlib 0.9.7 from its files, 2 processes", python, folder, ours, panels)]
        return [side_by_side(what, ours, "reading alone", lambda: read_market(store), runs=5)]


# One factor, one text -------------------------------------------------------------------------------------------------


def against_alphalens(names: int, sessions: int) -> list[Line]:
    """ICs and quantile returns of one factor, from a panel and returns to numbers by date."""
    what, against = f"IC and quantiles, {names} × {sessions:,}, 3 horizons", "alphalens-reloaded 0.5.1"
    python = other_python("reference")
    if python is None:
        return [not_installed(what, against, "reference", "kunquant==0.1.12 alphalens-reloaded==0.5.1")]
    market = random_market(names=names, sessions=sessions)
    panel = market.adj_close.pct_change(5, fill_method=None)
    ours = lambda: measured(panel, outcomes(market, horizons=HORIZONS))  # noqa: E731
    found, after = ours(), outcomes(market, horizons=HORIZONS)
    before = [clocked(ours) for _ in range(3)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(
            folder / "factor.npz",
            dates=market.sessions.strftime("%Y-%m-%d").to_numpy(dtype=str),
            tickers=market.tickers.to_numpy(dtype=str),
            factor=panel.to_numpy(),
            horizons=np.array(HORIZONS),
            **{f"r{horizon}": returns.values for horizon, returns in after.returns.items()},
        )
        run_reference(python, "reference_alphalens.py", folder)
        seconds = sum(json.loads((folder / "result.json").read_text()).values())
        with np.load(folder / "result.npz") as result:
            theirs = np.hstack([result["ic"], result["quantile_return"].reshape(sessions, -1)])
    mine = statistics.median(before + [clocked(ours) for _ in range(3)])
    both = pd.concat([found.rank_ic, found.quantile_return], axis=1).to_numpy()
    known = slice(5, sessions - max(HORIZONS) - 1)  # at the end alphalens drops a name that lacks one of the returns
    apart = float(np.max(np.abs(both[known] - theirs[known])))
    note = f"{seconds / mine:.0f} times as fast; at most {apart:.1e} apart"
    return [line(what, [mine], against, [seconds], [mine / seconds], note)]


def parsing() -> list[Line]:
    """Random expressions of either dialect, units checked."""
    texts = {seed: random_expressions(5000, seed=seed, dialect="qlib") for seed in range(3)}
    others = {seed: random_expressions(5000, seed=seed, dialect="quant-stream") for seed in range(3)}

    def parsed(seed: int) -> None:
        for text in texts[seed]:
            parse(text)
        for text in others[seed]:
            parse(text, dialect="quant-stream")

    seconds = [clocked(partial(parsed, seed)) for seed in texts]
    length = statistics.mean(len(text) for some in (*texts.values(), *others.values()) for text in some)
    shown = f"{statistics.median(seconds):.3g} s"
    return [Line("parse and check 10,000 random expressions", shown, "–", note=f"{length:.0f} characters on average")]
