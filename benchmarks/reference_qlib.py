"""Alpha158 by pyqlib's own loader. Run by the interpreter that has pyqlib: `python reference_qlib.py FOLDER PROCESSES`.

FOLDER/bars.npz holds `dates`, `tickers` and the fields, float32 (names, sessions); FOLDER/expressions.json, where it is
there, other factors by name. Written beside them: values.npy, float32 (factors, names, sessions), and result.json with
expressions and seconds. Nothing of alphalib is imported.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

FIELDS = ("open", "high", "low", "close", "volume", "vwap")


def write_store(bars: dict[str, np.ndarray], folder: Path) -> None:
    """Bars in qlib's own format: little-endian float32, the first being the position of the first session."""
    for name in ("calendars", "instruments"):
        (folder / name).mkdir(parents=True)
    dates = [str(date) for date in bars["dates"]]
    (folder / "calendars/day.txt").write_text("\n".join(dates) + "\n")
    lines = [f"{ticker}\t{dates[0]}\t{dates[-1]}" for ticker in bars["tickers"]]
    (folder / "instruments/all.txt").write_text("\n".join(lines) + "\n")
    for row, ticker in enumerate(bars["tickers"]):
        place = folder / "features" / str(ticker).lower()
        place.mkdir(parents=True)
        for field in FIELDS:
            np.hstack([0, bars[field][row]]).astype("<f4").tofile(place / f"{field}.day.bin")


def loaded(folder: Path, chosen: dict[str, str] | None, processes: int) -> tuple[dict[str, str], np.ndarray, float]:
    """Expressions by name, Alpha158's unless others are chosen; values; the loader's wall time [seconds]."""
    import qlib
    from qlib.contrib.data.handler import Alpha158
    from qlib.data.dataset.loader import QlibDataLoader

    qlib.init(provider_uri=str(folder), region="us", kernels=processes, expression_cache=None, dataset_cache=None)
    expressions, names = Alpha158.get_feature_config(Alpha158.__new__(Alpha158))
    if chosen:
        expressions, names = list(chosen.values()), list(chosen)
    loader = QlibDataLoader({"feature": (expressions, names)})
    started = time.perf_counter()
    table = loader.load("all")
    seconds = time.perf_counter() - started
    by_name = table["feature"].swaplevel().sort_index()
    tickers = by_name.index.get_level_values(0).nunique()
    values = by_name[names].to_numpy(np.float32).reshape(tickers, -1, len(names))
    return dict(zip(names, expressions, strict=True)), np.ascontiguousarray(values.transpose(2, 0, 1)), seconds


def main(folder: Path, processes: int) -> None:
    with np.load(folder / "bars.npz") as stored:
        write_store(dict(stored), folder / "store")
    others = folder / "expressions.json"
    chosen = json.loads(others.read_text()) if others.exists() else None
    expressions, values, seconds = loaded(folder / "store", chosen, processes)
    np.save(folder / "values.npy", values)
    (folder / "result.json").write_text(json.dumps({"expressions": expressions, "seconds": seconds}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
