"""What pyqlib makes of two small panels, for the tests: `python -m benchmarks.golden_alpha158 PYTHON`.

PYTHON is an interpreter with pyqlib 0.9.7; written are tests/golden/alpha158_qlib.npz, of complete bars, and
alpha158_qlib_gaps.npz, of bars with lost sessions, a late listing, an early end and prices that stand still. Each holds
the bars (float32, names × sessions; qlib stores no more), qlib's names and expressions, and the factors' last sessions
as float32 (factors, names, sessions). qlib computes ratios, logarithms and comparisons of fields in float32 and windows
in float64, so that factors agree to float32's precision of their inputs, not of the result.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.bars import FIELDS, random_bars, save_bars

FOLDER = Path(__file__).parents[1] / "tests/golden"


def bars_with_gaps() -> dict[str, np.ndarray]:
    """Six names: whole, standing still for a while, listed late, gone early, halted, losing one bar in twelve."""
    bars = random_bars(seed=159, names=6, sessions=90)
    gone = np.zeros(bars["close"].shape, dtype=bool)
    gone[2, :30], gone[3, 60:], gone[4, 40:52] = True, True, True
    gone[5] = np.random.default_rng(159).random(gone.shape[1]) < 1 / 12
    for field in FIELDS:
        if field != "volume":
            bars[field][1, 35:70] = bars["close"][1, 35]
        bars[field][gone] = np.nan
    return bars


def write(python: str, bars: dict[str, np.ndarray], path: Path, *, kept: int) -> None:
    """Bars and qlib's values of their last sessions."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_bars(bars, folder)
        subprocess.run([python, Path(__file__).with_name("reference_qlib.py"), folder, "1"], check=True)
        expressions = json.loads((folder / "result.json").read_text())["expressions"]
        values = np.load(folder / "values.npy")[:, :, -kept:]
    names = np.array(list(expressions))
    np.savez_compressed(path, **bars, names=names, expressions=np.array(list(expressions.values())), values=values)


if __name__ == "__main__":
    write(sys.argv[1], random_bars(seed=158, names=12, sessions=260), FOLDER / "alpha158_qlib.npz", kept=60)
    write(sys.argv[1], bars_with_gaps(), FOLDER / "alpha158_qlib_gaps.npz", kept=90)
