"""What the rest of the library costs: imports, rank IC, a notebook."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
from scipy import stats

from alphalib.evidence.ic import rank_ic
from alphalib.labels import sector_relative_return
from alphalib.pipeline.runner import execute_notebook
from benchmarks.timing import Line, Row, interpreter, side_by_side
from tests.worlds import random_market


def spearman_by_date(prediction: pd.DataFrame, label: pd.DataFrame) -> list[float]:
    """The reference for `rank_ic`: SciPy, one date at a time."""
    return [
        stats.spearmanr(one, other, nan_policy="omit").statistic
        for one, other in zip(prediction.to_numpy(), label.to_numpy(), strict=True)
    ]


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


ROWS: dict[str, Row] = {"import": starting, "rank IC": ranking, "notebook": running}
