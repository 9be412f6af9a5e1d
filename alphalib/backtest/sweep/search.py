"""Settings that Optuna's sampler proposes, a batch at a time, from what the batches before have shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from alphalib.backtest.sweep.run import Sweep
from alphalib.backtest.sweep.space import Rules, Space, cell_name, changed
from alphalib.errors import InputError


def penalised_sharpe(table: pd.DataFrame) -> pd.Series:
    """Sharpe ratio less half the depth of the maximum drawdown: the seed's score of a cell."""
    return table["sharpe"] + 0.5 * table["max_drawdown"]


def search(
    run: Callable[[Sequence[Rules]], Sweep],
    space: Space,
    base: Rules,
    count: int,
    *,
    seed: int,
    batch: int = 16,
    objective: Callable[[pd.DataFrame], pd.Series] = penalised_sharpe,
) -> Sweep:
    """Sweep the base and what a tree-structured Parzen estimator proposes; a killed run goes on where it was.

    The sampler keeps no file: it is a function of its seed and of the results, and those lie on the bus. A run that
    goes on proposes the same settings again and finds them done.

    Parameters
    ----------
    run : callable
        `functools.partial(run_sweep, history, store=…, ledger=…, …)`.
    space : Space
        Values by field; of numbers the order counts.
    base : parameters
        Swept first; what the space does not name is its.
    count : int
        Proposals; those that come twice, or whose values exclude one another, count among them. [cells]
    seed : int
        Of the sampler.
    batch : int
        Proposals between two looks at results. [cells]
    objective : callable
        From a sweep's table to the number to make large; a cell without it is told to be a failure.

    Notes
    -----
    Bergstra et al. (2011), Algorithms for hyper-parameter optimization, NeurIPS 24.
    """
    import optuna

    if count < 1 or batch < 1:
        raise InputError(f"count and batch must be at least 1 cell, got {count} and {batch}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), direction="maximize")
    cells = [base]
    while len(study.trials) < count:
        asked = {}
        for _ in range(min(batch, count - len(study.trials))):
            trial = study.ask()
            asked[trial] = _proposal(trial, space, base)
        cells += [cell for cell in asked.values() if cell is not None]
        sweep = run(cells)
        score = objective(sweep.table)
        for trial, cell in asked.items():
            value = np.nan if cell is None else float(score[cell_name(cell)])
            if np.isfinite(value):
                study.tell(trial, value)
            else:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return sweep


def _proposal(trial: Any, space: Space, base: Rules) -> Rules | None:
    """The setting that a trial stands for; None when its values exclude one another."""
    chosen = {}
    for field, values in space.items():
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        places = range(len(values))
        place = trial.suggest_int(field, 0, places[-1]) if numbers else trial.suggest_categorical(field, list(places))
        chosen[field] = values[place]
    try:
        return changed(base, chosen)
    except InputError:
        return None
