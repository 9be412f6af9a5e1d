"""IC and quantiles by alphalens-reloaded. Run by the interpreter that has it: `python reference_alphalens.py FOLDER`.

FOLDER/factor.npz holds `dates`, `tickers`, `factor` and a forward return `r{horizon}` for each of `horizons`, float64
(sessions, names). Written beside it: result.npz with `ic` and `quantile_return` (sessions, horizons[, quantiles]), and
result.json with the seconds of each part. Nothing of alphalib is imported.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

QUANTILES = 5


def long(values: np.ndarray, stored: dict[str, np.ndarray]) -> pd.Series:
    """A panel as alphalens wants it."""
    frame = pd.DataFrame(values, pd.DatetimeIndex(stored["dates"], name="date"), stored["tickers"])
    return frame.rename_axis(columns="asset").stack()


def main(folder: Path) -> None:
    import alphalens.performance as performance
    import alphalens.utils as utils

    warnings.simplefilter("ignore")
    with np.load(folder / "factor.npz") as file:
        stored = dict(file)
    names = {int(horizon): f"{horizon}D" for horizon in stored["horizons"]}
    started = time.perf_counter()
    forward = pd.DataFrame({name: long(stored[f"r{horizon}"], stored) for horizon, name in names.items()})
    clean = utils.get_clean_factor(long(stored["factor"], stored), forward, quantiles=QUANTILES, max_loss=1.0)
    made = time.perf_counter()
    ic = performance.factor_information_coefficient(clean)
    correlated = time.perf_counter()
    returns, _ = performance.mean_return_by_quantile(clean, by_date=True)
    ended = time.perf_counter()
    dates = pd.DatetimeIndex(stored["dates"])
    by_date = returns.unstack("factor_quantile").reindex(dates)
    np.savez(
        folder / "result.npz",
        ic=ic.reindex(dates)[list(names.values())].to_numpy(),
        quantile_return=by_date[list(names.values())].to_numpy().reshape(len(dates), len(names), QUANTILES),
    )
    seconds = {"clean": made - started, "ic": correlated - made, "quantiles": ended - correlated}
    (folder / "result.json").write_text(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
