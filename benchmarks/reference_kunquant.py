"""Alpha158 by KunQuant. Run by the interpreter that has it, with a C++ compiler: `python … FOLDER THREADS`.

FOLDER/bars.npz as for reference_qlib.py. Written beside it: values.npy, float32 (factors, names, sessions), and
result.json with the names, the seconds of compiling, the seconds of each run and the peak memory. Nothing of alphalib
is imported.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

RUNS = 5
PRICES = ("open", "close", "high", "low", "volume", "amount", "vwap")


def library():
    """The compiled factors, float32 as KunQuant's own tests have them, and their names."""
    from KunQuant.jit import cfake
    from KunQuant.Op import Builder, Input, Output
    from KunQuant.predefined.Alpha158 import AllData
    from KunQuant.Stage import Function

    builder = Builder()
    with builder:
        fields = {name: Input(name) for name in PRICES}
        data = AllData(**{name: fields[name] for name in PRICES[:6]}, vwap=fields["vwap"])
        prices = [(name.upper(), fields[name]) for name in ("open", "high", "low", "vwap")]
        factors, names = data.build({"kbar": {}, "price": {"windows": [0], "feature": prices}, "rolling": {}})
        for name, factor in zip(names, factors, strict=True):
            Output(factor, name)
    target = Function(builder.ops)
    config = cfake.KunCompilerConfig(input_layout="TS", output_layout="TS", dtype="float", partition_factor=4)
    made = cfake.compileit([("alpha158", target, config)], "alpha158", cfake.CppCompilerConfig())
    return made.getModule("alpha158"), names


def main(folder: Path, threads: int) -> None:
    from KunQuant.runner import KunRunner

    with np.load(folder / "bars.npz") as stored:
        bars = {name: np.ascontiguousarray(stored[name].T) for name in PRICES if name != "amount"}
    bars["amount"] = bars["vwap"] * bars["volume"]
    started = time.perf_counter()
    module, names = library()
    compiled = time.perf_counter() - started
    executor = KunRunner.createMultiThreadExecutor(threads)
    sessions, seconds, out = len(bars["close"]), [], {}
    for _ in range(RUNS):
        out.clear()
        started = time.perf_counter()
        out = KunRunner.runGraph(executor, module, bars, 0, sessions)
        seconds.append(time.perf_counter() - started)
    status = Path("/proc/self/status")  # ru_maxrss would be the parent's, where that has had more
    peak = float(status.read_text().split("VmHWM:")[1].split()[0]) / 1024 if status.exists() else float("nan")
    np.save(folder / "values.npy", np.stack([out[name].T for name in names]))
    result = {"names": names, "compile": compiled, "seconds": seconds, "peak_mb": peak}
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
