"""What the rest of the library costs: imports, backtest, decision, rank IC, a notebook."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.backtest.simulate import simulate
from alphalib.decision import Portfolio, decide, history
from alphalib.evidence.ic import rank_ic
from alphalib.labels import sector_relative_return
from alphalib.market import SECTORS, Market
from alphalib.params import ExecutorParams
from alphalib.pipeline.runner import execute_notebook
from alphalib.scores import SignalPanels
from benchmarks.timing import Call, Line, Row, interpreter, side_by_side
from tests.worlds import random_market

NAMES, SESSIONS = 900, 2520


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


def vectorbt_orders(market: Market, trades: pd.DataFrame) -> Call:
    """The floor for `simulate`: vectorbt only adds up orders that are already decided."""
    import vectorbt as vbt

    signed = trades["shares"].where(trades["side"] == "buy", -trades["shares"])
    size = signed.groupby([trades["date"], trades["ticker"]]).sum().unstack()
    size = size.reindex(index=market.close.index, columns=market.close.columns)
    close = market.close.ffill().bfill()
    return lambda: vbt.Portfolio.from_orders(
        close, size=size, price=close, init_cash=1e6, cash_sharing=True, group_by=True, freq="1D"
    ).value()


def starting() -> list[Line]:
    """Imports in new processes."""
    pandas = "import pandas"
    return [
        side_by_side("import alphalib", interpreter("import alphalib"), pandas, interpreter(pandas), runs=7),
        side_by_side(
            "import what reads a market",
            interpreter("import alphalib.sources.stored"),
            pandas,
            interpreter(pandas),
            runs=7,
        ),
    ]


def deciding() -> list[Line]:
    """The backtest against vectorbt, one decision against the backtest."""
    market, params = random_market(names=NAMES, sessions=SESSIONS), ExecutorParams()
    past = history(market, random_signals(market), params=params)
    trades, day = simulate(past, params).trades, past.day(SESSIONS - 2)
    return [
        side_by_side(
            f"backtest, all rules, {NAMES} × {SESSIONS}",
            lambda: simulate(past, params),
            f"vectorbt from_orders, the same {len(trades):,} fills",
            vectorbt_orders(market, trades),
            runs=5,
        ),
        side_by_side(
            f"decide, {NAMES} names",
            lambda: decide(Portfolio.of_cash(1e6), day, params),
            "the whole backtest",
            lambda: simulate(past, params),
            runs=9,
        ),
    ]


def ranking() -> list[Line]:
    """Rank IC against SciPy."""
    market = random_market(names=200, sessions=500)
    prediction, label = market.adj_close.pct_change(5, fill_method=None), sector_relative_return(market)
    return [
        side_by_side(
            "rank IC, 200 × 500",
            lambda: rank_ic(prediction, label),
            "SciPy, date by date",
            lambda: spearman_by_date(prediction, label),
            runs=3,
        )
    ]


def running() -> list[Line]:
    """A notebook through the runner's engine, and its code in a new process."""
    from tests.pipeline.projects import write_notebook

    code = "from alphalib.sessions import sessions_between; sessions_between('2010-01-01', '2020-01-01')"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_notebook(folder / "one.ipynb", ["x: int = 1"], [code])
        return [
            side_by_side(
                "a notebook through papermill",
                lambda: execute_notebook(path, folder / "out.ipynb", {}),
                "its code in a new interpreter",
                interpreter(code),
                runs=5,
            )
        ]


ROWS: dict[str, Row] = {"import": starting, "backtest": deciding, "rank IC": ranking, "notebook": running}
