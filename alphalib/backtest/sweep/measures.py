"""The figures of one cell of a sweep: quick, plain, and where one cannot be computed, why.

For the book that is chosen in the end `performance` has the intervals of everything, beside its benchmarks.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from alphalib.backtest.evaluate.performance import (
    annual_return,
    calmar_ratio,
    maximum_drawdown,
    sharpe_ratio,
    sortino_ratio,
    volatility,
)
from alphalib.backtest.result import Backtest
from alphalib.evidence.significance import newey_west_error, sharpe_with_interval
from alphalib.sessions import SESSIONS_PER_YEAR, all_sessions

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

FEWEST = 30
"""Returns that a regression on the benchmark needs. [sessions]"""

MEASURES = (
    "annual_return",
    "volatility",
    "sharpe",
    "sharpe_low",
    "sharpe_high",
    "sortino",
    "max_drawdown",
    "calmar",
    "alpha",
    "alpha_low",
    "alpha_high",
    "beta",
    "turnover",
    "exposure",
    "positions",
    "trades",
    "costs",
    "halted",
    "final_nav",
)
"""Columns of a sweep's table.

Annual return, volatility, drawdown, alpha a year, exposure and halted (sessions without entries) are fractions;
turnover is one way, a year, over NAV; low and high are the ends of 95 % intervals, Mertens' for Sharpe and Newey–West's
for alpha; positions [names], trades [fills], costs and final_nav [currency].
"""

_UNDEFINED = {
    "sharpe": "the value never moved",
    "sortino": "no session fell",
    "calmar": "there was no drawdown",
}


def measured(backtest: Backtest, *, first: int, spy: Floats | None) -> dict[str, Any]:
    """Measures of a book from row `first` on.

    Parameters
    ----------
    backtest : Backtest
        As simulated.
    first : int
        Row of the first session that counts; returns begin with the next one.
    spy : ndarray, shape (sessions,), optional
        Total-return index over the sessions of the backtest.

    Returns
    -------
    dict
        `MEASURES`; `note`, which says why one is missing; and two arrays over the sessions after `first`, `returns`
        [fraction] and `trades_daily` [fills].
    """
    nav = backtest.nav.to_numpy(dtype=float)
    returns, after = nav[first + 1 :] / nav[first:-1] - 1.0, slice(first + 1, None)
    fills = backtest.logs.fills
    row = all_sessions().searchsorted(backtest.sessions, side="right").searchsorted(fills["session"])
    traded = np.bincount(row, np.abs(fills["shares"]) * fills["price"], minlength=len(nav))
    trades = np.bincount(row, minlength=len(nav))[after]
    sharpe = sharpe_with_interval(pd.Series(returns))
    alpha, alpha_low, alpha_high, beta, why = market_line(returns, None if spy is None else spy[first:])
    values = {
        "annual_return": annual_return(returns),
        "volatility": volatility(returns),
        "sharpe": sharpe_ratio(returns),
        "sharpe_low": sharpe.low,
        "sharpe_high": sharpe.high,
        "sortino": sortino_ratio(returns),
        "max_drawdown": maximum_drawdown(returns),
        "calmar": calmar_ratio(returns),
        "alpha": alpha,
        "alpha_low": alpha_low,
        "alpha_high": alpha_high,
        "beta": beta,
        "turnover": float(np.mean(traded[after] / nav[first:-1])) * SESSIONS_PER_YEAR / 2,
        "exposure": float(backtest.exposure.to_numpy()[after].mean()),
        "positions": float(backtest.positions.to_numpy()[after].mean()),
        "trades": int(trades.sum()),
        "costs": backtest.total_costs,
        "halted": float(backtest.halted.to_numpy()[after].mean()),
        "final_nav": float(nav[-1]),
    }
    notes = [f"{name}: {text}" for name, text in _UNDEFINED.items() if not np.isfinite(values[name])]
    notes += [f"alpha, beta: {why}"] if why else []
    return {**values, "note": "; ".join(notes), "returns": returns, "trades_daily": trades}


def market_line(returns: Floats, spy: Floats | None) -> tuple[float, float, float, float, str]:
    """Alpha a year with its 95 % interval, and beta: the regression of returns on the benchmark's; and why not.

    The same figures as `performance.alpha_beta` has, in a hundredth of its time: alpha's error is that of a mean, the
    mean of the residuals weighted by what each contributes to the intercept.
    """
    if spy is None:
        return np.nan, np.nan, np.nan, np.nan, "no benchmark was given"
    lacking = int(np.isnan(spy).sum())
    if lacking:
        return np.nan, np.nan, np.nan, np.nan, f"the benchmark has no value in {lacking} of the sessions"
    market = spy[1:] / spy[:-1] - 1.0
    centred = market - market.mean()
    variance = float(np.mean(centred**2))
    if len(returns) < FEWEST or variance == 0:
        return np.nan, np.nan, np.nan, np.nan, f"needs {FEWEST} returns and a benchmark that moves"
    beta = float(np.mean(centred * returns)) / variance
    residual = returns - returns.mean() - beta * centred
    alpha = float(returns.mean() - beta * market.mean())
    lags = int(4 * (len(returns) / 100) ** (2 / 9))
    influence = residual * (1.0 - market.mean() * centred / variance)
    reach = 1.959964 * newey_west_error(influence, lags=lags)
    year = SESSIONS_PER_YEAR
    return alpha * year, (alpha - reach) * year, (alpha + reach) * year, beta, ""
