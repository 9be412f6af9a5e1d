"""What a history can show before it is looked at: the smallest effects that would be found, and how long a wait is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from scipy import stats

from alphalib.errors import InputError
from alphalib.evidence.sequential import sessions_to_alarm
from alphalib.sessions import SESSIONS_PER_YEAR


def power_table(
    *,
    years: Sequence[float] = (0.25, 1.0, 3.0, 5.0, 10.0),
    horizon: int = 5,
    ic_spread: float = 0.12,
    correlation: float = 0.95,
    trials: float = 1.0,
    level: float = 0.05,
    power: float = 0.8,
) -> pd.DataFrame:
    """Smallest true effects that a one-sided test finds with the given power, by length of the history.

    Parameters
    ----------
    years : sequence of float
        Lengths; 0.25 is a quarter. [years]
    horizon : int
        Of the label: per-date ICs of neighbouring dates share all but one of its sessions. [sessions]
    ic_spread : float
        Standard deviation of per-date rank ICs; .12 for some 100 names that move in sectors. [correlation]
    correlation : float
        Between the daily returns of two books that are compared; a small change of parameters leaves .95 and more.
    trials : float
        Effective number tried, from `Ledger.effective_count`; the level is divided among them. [trials]
    level, power : float
        Error of the test, and how often the effect is found. [probability]

    Returns
    -------
    DataFrame
        One row a length. `rank_ic` [correlation], `sharpe` of one book and `sharpe_difference` of two [per √year].

    Notes
    -----
    Detectable is (z of the level among the trials + z of the power) standard errors: 2.49 for one trial. Those are, in
    n sessions of T years, spread·√(horizon/n) of a mean IC, √(1/T) of a Sharpe ratio, and √(2(1−ρ)/T) of the difference
    of two: Jobson and Korkie (1981), https://doi.org/10.1111/j.1540-6261.1981.tb04891.x, as corrected by Memmel (2003),
    less terms in the square of a daily Sharpe ratio.
    """
    _check(years, horizon=horizon, correlation=correlation, trials=trials, level=level, power=power)
    if not ic_spread > 0:
        raise InputError(f"ic_spread must be above 0, got {ic_spread}")
    errors = level_among(trials, level=level)
    times = float(stats.norm.isf(errors) + stats.norm.ppf(power))
    length = pd.Index([float(span) for span in years], name="years")
    return pd.DataFrame(
        {
            "rank_ic": [times * ic_spread * math.sqrt(horizon / (span * SESSIONS_PER_YEAR)) for span in length],
            "sharpe": [times / math.sqrt(span) for span in length],
            "sharpe_difference": [times * math.sqrt(2 * (1 - correlation) / span) for span in length],
        },
        index=length,
    )


def rollback_table(
    sharpes: Sequence[float] = (-0.5, -1.0, -2.0, -3.0, -5.0), *, alpha: float = 0.05, sessions: int = 1260
) -> pd.Series:
    """How long a change that made things worse stays in use before the alarm undoes it, in half of all cases.

    Parameters
    ----------
    sharpes : sequence of float
        How much worse: Sharpe ratio of the paired difference, negative. [per √year]
    alpha : float
        Probability that a change that did no harm is ever undone. [probability]
    sessions : int
        How long one would wait. [sessions]

    Returns
    -------
    Series
        By `sharpes`; infinite beyond `sessions`. [sessions]
    """
    waits = [sessions_to_alarm(sharpe, alpha=alpha, sessions=sessions) for sharpe in sharpes]
    return pd.Series(waits, index=pd.Index(sharpes, name="sharpe of the difference"), name="sessions to alarm")


def level_among(trials: float, *, level: float) -> float:
    """Level of each of so many independent tests that together err with `level`: Šidák. [probability]"""
    return -math.expm1(math.log1p(-level) / trials)


def _check(
    years: Sequence[float], *, horizon: int, correlation: float, trials: float, level: float, power: float
) -> None:
    if not len(years) or not all(span > 0 for span in years):
        raise InputError(f"years must be positive lengths, got {list(years)}")
    if horizon < 1 or trials < 1:
        raise InputError(f"horizon and trials must be at least 1, got {horizon} and {trials}")
    if not -1 <= correlation <= 1:
        raise InputError(f"a correlation lies between −1 and 1, got {correlation}")
    if not (0 < level < 1 and 0 < power < 1):
        raise InputError(f"level and power must lie between 0 and 1, got {level} and {power}")
