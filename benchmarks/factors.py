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
from typing import Any, TypeAlias

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
    around,
    clocked,
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
QLIB, REFERENCE = "pyqlib==0.9.7", "kunquant==0.1.12 alphalens-reloaded==0.5.1"
Panels: TypeAlias = Mapping[str, Panel]


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
        return [not_installed(what, against, "qlib", QLIB)]
    bars = random_bars(seed=SEED, names=names, sessions=sessions)
    market = market_of(bars)
    with tempfile.TemporaryDirectory() as folder:
        save_bars(bars, Path(folder))
        return [beside_qlib(what, against, python, Path(folder), lambda: alpha158(market))]


def beside_qlib(what: str, against: str, python: str, folder: Path, ours: Callable[[], Panels]) -> Line:
    """Ours before and after one run of qlib on the bars in the folder."""

    def reference() -> list[float]:
        run_reference(python, "reference_qlib.py", folder, THREADS)
        return [result(folder)["seconds"]]

    timed = around(what, ours, against, reference)
    theirs = dict(zip(result(folder)["expressions"], np.load(folder / "values.npy"), strict=True))
    return timed.seen(agreement(ours(), theirs, within=1e-6))


def against_kunquant(names: int, sessions: int) -> list[Line]:
    """KunQuant, float32 throughout, compiled before the clock starts; two threads each."""
    what, against = f"Alpha158, {names} × {sessions:,}, 2 threads", "KunQuant 0.1.12, float32, 2 threads"
    python = other_python("reference")
    if python is None:
        return [not_installed(what, against, "reference", REFERENCE)]
    bars = random_bars(seed=SEED, names=names, sessions=sessions)
    market = market_of(bars)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_bars(bars, folder)

        def reference() -> list[float]:
            run_reference(python, "reference_kunquant.py", folder, THREADS)
            return list(result(folder)["seconds"])

        timed = around(what, lambda: alpha158(market), against, reference)
        found = result(folder)
        theirs = dict(zip(found["names"], np.load(folder / "values.npy", mmap_mode="r"), strict=True))
        agree = agreement(alpha158(market), theirs, within=1e-3)
    return [timed.seen(agree).seen(f"it compiles for {found['compile']:.1f} s, peak {found['peak_mb']:,.0f} MB")]


def against_pandas(names: int, sessions: int) -> list[Line]:
    """Wide pandas, shared parts computed once."""
    market = market_of(random_bars(seed=SEED, names=names, sessions=sessions))
    fields = {field: getattr(market, field) for field in FIELDS}
    nodes = {name: parse(text) for name, text in ALPHA158.items()}
    theirs: dict[str, np.ndarray] = {}

    def plain() -> None:
        found = pandas_factors(nodes.values(), fields)
        theirs.update({name: found[node].to_numpy().T for name, node in nodes.items()})

    what = f"Alpha158, {names} × {sessions:,}"
    timed = around(what, lambda: alpha158(market), "plain wide pandas", lambda: [clocked(plain)])
    return [timed.seen(agreement(alpha158(market), theirs, within=1e-6))]


def alpha158(market: Market, **options: Any) -> Panels:
    """Ours, from bars: what the market derives from them is made anew. No mask, as nobody else has one."""
    return factors(ALPHA158, replace(market), mask=False, threads=THREADS, **options)


def result(folder: Path) -> dict[str, Any]:
    """What a reference program says of its run."""
    said: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return said


def agreement(ours: Panels, theirs: Mapping[str, np.ndarray], *, within: float) -> str:
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
        read = side_by_side(what, ours, "reading alone", lambda: read_market(store, survivors=True), runs=5)
        against, python = "pyqlib 0.9.7 from its files, 2 processes", other_python("qlib")
        if python is None:
            return [read, not_installed(what, against, "qlib", QLIB)]
        save_bars(bars, folder)
        (folder / "expressions.json").write_text(json.dumps(chosen))
        return [read, beside_qlib(what, against, python, folder, ours)]


# One factor, one text -------------------------------------------------------------------------------------------------


def against_alphalens(names: int, sessions: int) -> list[Line]:
    """ICs and quantile returns of one factor, from a panel and returns to numbers by date."""
    what, against = f"IC and quantiles, {names} × {sessions:,}, 3 horizons", "alphalens-reloaded 0.5.1"
    python = other_python("reference")
    if python is None:
        return [not_installed(what, against, "reference", REFERENCE)]
    market = random_market(names=names, sessions=sessions)
    panel = market.adj_close.pct_change(5, fill_method=None)
    after = outcomes(market, horizons=HORIZONS)
    returns = {f"r{horizon}": by_date.values for horizon, by_date in after.returns.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels = {"dates": market.sessions.strftime("%Y-%m-%d").to_numpy(str), "tickers": market.tickers.to_numpy(str)}
        np.savez(folder / "factor.npz", factor=panel.to_numpy(), horizons=np.array(HORIZONS), **labels, **returns)

        def reference() -> list[float]:
            run_reference(python, "reference_alphalens.py", folder)
            return [sum(result(folder).values())]

        timed = around(what, lambda: measured(panel, outcomes(market, horizons=HORIZONS)), against, reference)
        with np.load(folder / "result.npz") as stored:
            theirs = np.hstack([stored["ic"], stored["quantile_return"].reshape(sessions, -1)])
    found = measured(panel, after)
    ours = pd.concat([found.rank_ic, found.quantile_return], axis=1).to_numpy()
    has = panel.notna().to_numpy()
    lacking = np.any([has & np.isnan(values) for values in returns.values()], axis=(0, 2))
    compared = has.any(axis=1) & ~lacking  # alphalens leaves out a name that lacks one of the returns
    apart = np.max(np.abs(ours[compared] - theirs[compared]))
    return [timed.seen(f"at most {apart:.1e} apart on {compared.sum():,} dates")]


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
