"""Alpha158 of a stored market in a fresh process: `python -m benchmarks.memory STORE panels|parquet`.

JSON on the last line: `seconds` of the computation, `result` the size of the panels or of the file, `before` the memory
of the process when it starts (interpreter, compiled code, market), `peak` the largest it has had. [MB]
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from alphalib.features import CATALOG, factors, write_factors
from alphalib.sources.stored import read_market
from alphalib.store import Store
from tests.worlds import random_market

THREADS = 2


def memory(field: str) -> float:
    """Of this process: `VmRSS` now, `VmHWM` at its largest; `ru_maxrss` would pass on the parent's own. [MB]"""
    return float(Path("/proc/self/status").read_text().split(f"{field}:")[1].split()[0]) / 2**10


def main(store: str, kind: str) -> None:
    entries = CATALOG["alpha158"]
    factors(entries, random_market(names=12, sessions=150))  # compiled code is loaded
    market = read_market(Store(store))
    before, started = memory("VmRSS"), time.perf_counter()
    if kind == "panels":
        panels = factors(entries, market, threads=THREADS)
        seconds = time.perf_counter() - started
        size = sum(panel.to_numpy().nbytes for panel in panels.values())
    else:
        with tempfile.TemporaryDirectory() as folder:
            written = write_factors(entries, market, Path(folder) / "alpha158.parquet", threads=THREADS)
            seconds, size = time.perf_counter() - started, written.path.stat().st_size
    print(json.dumps({"seconds": seconds, "result": size / 2**20, "before": before, "peak": memory("VmHWM")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
