"""What pyqlib makes of a small panel, for the tests: `python -m benchmarks.golden_alpha158 PYTHON`.

PYTHON is an interpreter with pyqlib 0.9.7; written is tests/golden/alpha158_qlib.npz. It holds the bars (float32, names ×
sessions; qlib stores no more), qlib's names and expressions, and the factors' last 60 sessions as float32 (factors,
names, sessions). qlib computes ratios, logarithms and comparisons of fields in float32 and windows in float64, so that
factors agree to float32's precision of their inputs, not of the result: a residual or a correlation to about 1e-4.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.bars import random_bars, save_bars

SEED, NAMES, SESSIONS, KEPT = 158, 12, 260, 60
GOLDEN = Path(__file__).parents[1] / "tests/golden/alpha158_qlib.npz"


def main(python: str) -> None:
    bars = random_bars(seed=SEED, names=NAMES, sessions=SESSIONS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_bars(bars, folder)
        subprocess.run([python, Path(__file__).with_name("reference_qlib.py"), folder, "1"], check=True)
        expressions = json.loads((folder / "result.json").read_text())["expressions"]
        values = np.load(folder / "values.npy")[:, :, -KEPT:]
    names = np.array(list(expressions))
    np.savez_compressed(GOLDEN, **bars, names=names, expressions=np.array(list(expressions.values())), values=values)


if __name__ == "__main__":
    main(sys.argv[1])
