"""What the seed's faults would have reported on the same run, beside the right figure: D01, D02, D17 and D20."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.performance import maximum_drawdown, sharpe_ratio
from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.run import first_scored
from alphalib.decision.history import History
from alphalib.errors import InputError
from alphalib.evidence.significance import block_bootstrap
from alphalib.params import DrawdownTier, ExecutorParams

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

TIERS_SEED = (
    DrawdownTier(drawdown=-0.04, multiplier=0.5),
    DrawdownTier(drawdown=-0.06, multiplier=0.0, forced_exits=2),
)
"""How the seed's table acted: each size one step later than its label said, the quarter hidden behind the halt."""

YEAR_SEED = 365
"""Days by which the seed annualised what it had measured in sessions."""

COLUMNS = ("fault", "figure", "seed", "right", "low", "high", "note")


def seed_faults(
    history: History,
    params: ExecutorParams,
    returns: pd.DataFrame | None,
    *,
    rng: np.random.Generator,
    costs: Costs | None = None,
    cash: float = 1_000_000.0,
    holdout: float = 0.3,
) -> pd.DataFrame:
    """The seed's headline faults on this run, one a row.

    Parameters
    ----------
    history : History
        What the book runs on.
    params : ExecutorParams
        The book's rules, with tiers that act where their labels say.
    returns : DataFrame or None
        Daily returns of the settings of a sweep, sessions down, settings across; without them nothing was chosen, and
        the row of the holdout says so. [fraction]
    rng : Generator
        Of the bootstrap.
    costs, cash
        As in `simulate`. [currency]
    holdout : float
        Share of the sessions, the last ones, that choosing must not see. [fraction]

    Returns
    -------
    DataFrame
        `fault`, `figure`, what the `seed` would have reported, what is `right`, `low` and `high` of its 95 % interval
        (circular blocks of 21 sessions), and a `note`.
    """
    first = first_scored(history)

    def daily(rules: ExecutorParams) -> Floats:
        nav: Floats = simulate(history, rules, costs=costs, cash=cash).nav.to_numpy(dtype=float)[first:]
        change: Floats = nav[1:] / nav[:-1] - 1.0
        return change

    book = daily(params)
    late = daily(params.model_copy(update={"drawdown_tiers": TIERS_SEED}))
    dead = daily(params.model_copy(update={"drawdown_tiers": ()}))
    fall, sharpe = _with_interval(book, maximum_drawdown, rng), _with_interval(book, sharpe_ratio, rng)
    rows = [
        ("tiers act one step late", "maximum drawdown", maximum_drawdown(late), *fall),
        ("no peak was recorded: no tier acts", "maximum drawdown", maximum_drawdown(dead), *fall),
        ("√365 for daily returns", "Sharpe ratio", sharpe_ratio(book, per_year=YEAR_SEED), *sharpe),
        _holdout_row(returns, holdout, rng),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).set_index("fault")


def _holdout_row(returns: pd.DataFrame | None, holdout: float, rng: np.random.Generator) -> tuple[Any, ...]:
    """The best setting on the holdout: of all sessions and measured on all, as the seed did, or seen before only."""
    fault, figure = "the holdout is the training sample", "Sharpe ratio of the chosen setting on the holdout"
    if returns is None:
        return fault, figure, np.nan, np.nan, np.nan, np.nan, "nothing was chosen: needs the returns of a sweep"
    if not 0 < holdout < 1:
        raise InputError(f"the holdout is a share of the sessions between 0 and 1, got {holdout}")
    known = returns.dropna().to_numpy(dtype=float)
    cut = int(len(known) * (1 - holdout))
    if cut < 2 or len(known) - cut < 2:
        raise InputError(f"{len(known)} sessions are too few for a holdout of {holdout:.0%}")
    blind, seen = _best(known), _best(known[:cut])
    *right, note = _with_interval(known[cut:, seen], sharpe_ratio, rng)
    before = sharpe_ratio(known[:cut, seen])
    chosen = f"best of {known.shape[1]:,} by Sharpe − ½ drawdown; where it was chosen the right one had {before:.2f}"
    return fault, figure, sharpe_ratio(known[:, blind]), *right, "; ".join(filter(None, [chosen, note]))


def _best(returns: Floats) -> int:
    """Column with the seed's highest score."""
    scores = [sharpe_ratio(column) + 0.5 * maximum_drawdown(column) for column in returns.T]
    if np.isnan(scores).all():
        raise InputError("no setting of the sweep ever traded; nothing can be chosen")
    return int(np.nanargmax(scores))


def _with_interval(
    returns: Floats, figure: Callable[[Floats], float], rng: np.random.Generator
) -> tuple[float, float, float, str]:
    """Value, low, high and, without an interval, why."""
    estimate = block_bootstrap(pd.Series(returns), figure, block=21, draws=500, rng=rng)
    return estimate.value, estimate.low, estimate.high, estimate.note
