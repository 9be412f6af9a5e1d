"""What a book earned and at what risk, beside SPY and the equal-weighted universe, each figure with its interval.

The statistics are plain functions of simple returns, one a session, NaN where they are not defined. Cash earns nothing
in the simulation, so nothing is subtracted for it.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from alphalib.contracts import Measured
from alphalib.contracts import Performance as Row
from alphalib.errors import InputError
from alphalib.evidence.significance import block_bootstrap, deflated_sharpe, probabilistic_sharpe
from alphalib.market import Market
from alphalib.sessions import SESSIONS_PER_YEAR, sessions_from

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Unit: TypeAlias = Literal["fraction", "ratio", "probability"]


def total_return(returns: Floats) -> float:
    """Growth over the whole span. [fraction]"""
    return float(np.prod(1.0 + returns)) - 1.0


def annual_return(returns: Floats, *, per_year: int = SESSIONS_PER_YEAR) -> float:
    """Geometric growth a year. [fraction]"""
    return float((1.0 + total_return(returns)) ** (per_year / len(returns))) - 1.0


def volatility(returns: Floats, *, per_year: int = SESSIONS_PER_YEAR) -> float:
    """Standard deviation of returns, annualised; NaN of fewer than two. [per √year]"""
    return float(np.std(returns, ddof=1)) * per_year**0.5 if len(returns) > 1 else np.nan


def sharpe_ratio(returns: Floats, *, per_year: int = SESSIONS_PER_YEAR) -> float:
    """Mean over standard deviation, annualised: `per_year` is 252 for daily returns and 52 for weekly ones. [ratio]"""
    return _ratio(float(np.mean(returns)) * per_year, volatility(returns, per_year=per_year))


def sortino_ratio(returns: Floats, *, per_year: int = SESSIONS_PER_YEAR) -> float:
    """Mean over the root mean square of shortfalls below zero, taken over all periods, annualised. [ratio]"""
    shortfall = float(np.mean(np.minimum(returns, 0.0) ** 2)) ** 0.5
    return _ratio(float(np.mean(returns)) * per_year, shortfall * per_year**0.5)


def maximum_drawdown(returns: Floats) -> float:
    """Deepest fall from a peak, the starting value being the first peak. [fraction, ≤ 0]"""
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    return float(np.min(wealth / np.maximum.accumulate(wealth))) - 1.0


def calmar_ratio(returns: Floats) -> float:
    """Annual return over the depth of the maximum drawdown. [ratio]"""
    return _ratio(annual_return(returns), -maximum_drawdown(returns))


def hit_rate(returns: Floats) -> float:
    """Share of the sessions that moved on which the value rose. [fraction]"""
    return _ratio(float(np.sum(returns > 0)), float(np.sum(returns != 0)))


def tracking_error(returns: Floats, benchmark: Floats) -> float:
    """Standard deviation of the difference from the benchmark, annualised. [per √year]"""
    return volatility(returns - benchmark)


def information_ratio(returns: Floats, benchmark: Floats) -> float:
    """Mean difference from the benchmark over its standard deviation, annualised. [ratio]"""
    return sharpe_ratio(returns - benchmark)


def alpha_beta(returns: Floats, benchmark: Floats, *, level: float = 0.95) -> tuple[Measured, Measured] | None:
    """Regression of returns on the benchmark's: alpha a year and beta, with Newey–West intervals; None if undefined.

    Parameters
    ----------
    returns, benchmark : ndarray, shape (n,)
        Aligned by date. [fraction]
    level : float
        Coverage of the intervals. [fraction]

    Notes
    -----
    ⌊4 (n / 100)^(2/9)⌋ lags with Bartlett weights: Newey and West (1994), doi:10.2307/2297912.
    """
    import statsmodels.api as sm

    if len(returns) < 30 or not volatility(benchmark) > 0:
        return None
    lags = int(4 * (len(returns) / 100) ** (2 / 9))
    fitted = sm.OLS(returns, sm.add_constant(benchmark)).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    ends = fitted.conf_int(alpha=1 - level)
    alpha, beta = (
        Measured(value=float(value) * scale, low=float(low) * scale, high=float(high) * scale)
        for value, (low, high), scale in zip(fitted.params, ends, (SESSIONS_PER_YEAR, 1), strict=True)
    )
    return alpha, beta


@dataclass(frozen=True)
class Statistic:
    """A figure of a series of returns, or, when `relative`, of that and SPY's; and why it may have no value."""

    name: str
    unit: Unit
    formula: Callable[..., float]
    undefined: str = ""
    relative: bool = False


STATISTICS = (
    Statistic("Total return", "fraction", total_return),
    Statistic("Annual return", "fraction", annual_return),
    Statistic("Volatility", "fraction", volatility, "a single return has no spread"),
    Statistic("Sharpe ratio", "ratio", sharpe_ratio, "the value never moved"),
    Statistic("Sortino ratio", "ratio", sortino_ratio, "no session fell"),
    Statistic("Maximum drawdown", "fraction", maximum_drawdown),
    Statistic("Calmar ratio", "ratio", calmar_ratio, "there was no drawdown"),
    Statistic("Sessions that rose", "fraction", hit_rate, "the value never moved"),
    Statistic("Tracking error", "fraction", tracking_error, "a single return has no spread", relative=True),
    Statistic("Information ratio", "ratio", information_ratio, "it never differed from SPY", relative=True),
)
COLUMNS = {"book": "Book", "spy": "SPY", "equal_weight": "Equal weight"}


@dataclass(frozen=True)
class Performance:
    """The performance table of a book.

    Parameters
    ----------
    rows : tuple of Row
        One measure each, in the shape of the summary on the bus: book, SPY and equal weight with their intervals, and a
        note where something could not be computed.
    sessions : int
        Returns in the sample. [sessions]
    level : float
        Coverage of the intervals. [fraction]
    interval_method : str
        How the intervals were made.
    """

    rows: tuple[Row, ...]
    sessions: int
    level: float
    interval_method: str

    def __getitem__(self, measure: str) -> Row:
        for row in self.rows:
            if row.measure == measure:
                return row
        raise KeyError(f"no measure {measure!r}; there are {', '.join(row.measure for row in self.rows)}")

    def table(self) -> pd.DataFrame:
        """Measures down; value, low and high of book, SPY and equal weight across, then unit and note."""
        records = []
        for row in self.rows:
            record: dict[str, Any] = {"measure": row.measure}
            for field, title in COLUMNS.items():
                cell = getattr(row, field) or Measured(value=None)
                record |= {title: cell.value, f"{title} low": cell.low, f"{title} high": cell.high}
            records.append({**record, "unit": row.unit, "note": row.note})
        table = pd.DataFrame(records).set_index("measure")
        numbers = [column for column in table if column not in ("unit", "note")]
        return table.astype(dict.fromkeys(numbers, "float64"))

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{text}</th>" for text in ("", *COLUMNS.values(), "Note"))
        body = "".join(
            f"<tr><th>{html.escape(row.measure)}</th>"
            + "".join(f"<td>{_shown(getattr(row, field), row.unit)}</td>" for field in COLUMNS)
            + f"<td>{html.escape(row.note)}</td></tr>"
            for row in self.rows
        )
        caption = f"{self.sessions} sessions; {self.level:.0%} intervals: {self.interval_method}"
        return f"<table><caption>{html.escape(caption)}</caption><tr>{heads}</tr>{body}</table>"


def performance(
    nav: pd.Series,
    *,
    spy: pd.Series,
    equal_weight: pd.Series,
    rng: np.random.Generator,
    exposure: pd.Series | None = None,
    traded: pd.Series | None = None,
    trials: float | None = None,
    variance_of_trials: float = 0.0,
    block: int = 21,
    draws: int = 1000,
    level: float = 0.95,
) -> Performance:
    """Statistics of a book against SPY and the equal-weighted universe.

    Parameters
    ----------
    nav : Series
        Value at every session's close, however seldom the book is rebalanced. [currency]
    spy, equal_weight : Series
        Total-return indices that cover the sessions of `nav`; one that does not is left out, and the notes say so.
    rng : Generator
        Randomness of the intervals.
    exposure : Series, optional
        Positions over NAV at each close. [fraction]
    traded : Series, optional
        Value bought plus value sold in each session. [currency]
    trials : float, optional
        Effective number tried in the lineage, from the ledger; gives the deflated Sharpe ratio. [trials]
    variance_of_trials : float
        Variance of the trials' daily Sharpe ratios; see `evidence.significance.sharpe_variance`. [per session]
    block : int
        Block of the bootstrap. [sessions]
    draws : int
        Resamples.
    level : float
        Coverage of the intervals. [fraction]

    Raises
    ------
    InputError
        When `nav` skips a session, is not positive, or has fewer than 2 values.
    """
    _require_daily(nav)
    returns, absent = _aligned_returns(nav, spy=spy, equal_weight=equal_weight)

    def measured(formula: Callable[..., float], series: pd.Series | pd.DataFrame) -> tuple[Measured, str]:
        return _measured(formula, series, block=block, draws=draws, rng=rng, level=level)

    rows = [_row(statistic, returns, absent, measured) for statistic in STATISTICS]
    rows[-2:-2] = _market_rows(returns, absent, level)
    if exposure is not None:
        cell, note = measured(np.mean, exposure.loc[returns.index])
        rows.append(Row(measure="Exposure", unit="fraction", book=cell, note=note))
    if traded is not None:
        share = (traded.reindex(nav.index, fill_value=0.0) / nav.shift()).loc[returns.index]
        cell, note = measured(np.mean, share * SESSIONS_PER_YEAR / 2)
        rows.append(Row(measure="Turnover a year, one way", unit="fraction", book=cell, note=note))
    rows.append(_probability_row(returns, absent))
    if trials is not None:
        rows.append(_deflated_row(returns["book"], trials, variance_of_trials))
    method = f"percentiles of {draws} circular block resamples of {block} sessions; Newey–West for alpha and beta"
    return Performance(rows=tuple(rows), sessions=len(returns), level=level, interval_method=method)


def equal_weight(market: Market) -> pd.Series:
    """Total-return index of all members held in equal parts, rebalanced every session, without costs.

    The return of session t is the mean over the names that were members at the close of t−1 and had a price by then;
    names that lost their bar stand still, delisted ones end with what their holders received. A session without any
    member counts as cash.

    Returns
    -------
    Series
        1 at the first session. [multiple of the start]
    """
    known = (market.member & market.listed & market.wealth.notna()).shift(fill_value=False)
    growth = market.wealth / market.wealth.shift() - 1.0
    mean = growth.where(known).mean(axis=1).fillna(0.0)
    return (1.0 + mean).cumprod().rename("equal_weight")


def _measured(
    formula: Callable[..., float],
    series: pd.Series | pd.DataFrame,
    *,
    block: int,
    draws: int,
    rng: np.random.Generator,
    level: float,
) -> tuple[Measured, str]:
    """A statistic with its bootstrap interval, and the reason when there is none. A frame's columns are arguments."""
    columns = series.to_numpy(dtype=float).T
    value = float(formula(*np.atleast_2d(columns)))
    if not np.isfinite(value):
        return Measured(value=None), "undefined"
    if len(series) < 2 * block:
        return Measured(value=value), f"no interval: {len(series)} returns are fewer than two blocks of {block}"
    estimate = block_bootstrap(
        series,
        lambda values: formula(*np.atleast_2d(values.T)),
        block=block,
        draws=draws,
        rng=rng,
        level=level,
    )
    return Measured(value=value, low=estimate.low, high=estimate.high), ""


def _row(
    statistic: Statistic,
    returns: pd.DataFrame,
    absent: Mapping[str, str],
    measured: Callable[[Callable[..., float], pd.Series | pd.DataFrame], tuple[Measured, str]],
) -> Row:
    """One statistic of every column that has returns."""
    cells: dict[str, Measured] = {"book": Measured(value=None)}
    notes = list(absent.values())
    for name in returns:
        if statistic.relative and (name == "spy" or "spy" not in returns):
            continue
        cells[name], note = measured(statistic.formula, returns[[name, "spy"]] if statistic.relative else returns[name])
        notes.append(f"{COLUMNS[name]}: {statistic.undefined}" if note == "undefined" else note)
    return Row(measure=statistic.name, unit=statistic.unit, note=_sentence(notes), **cells)


def _market_rows(returns: pd.DataFrame, absent: Mapping[str, str], level: float) -> list[Row]:
    """Alpha and beta of the book and of the equal-weighted universe."""
    alphas: dict[str, Measured] = {"book": Measured(value=None)}
    betas, notes = dict(alphas), list(absent.values())
    for name in [column for column in returns if column != "spy" and "spy" in returns]:
        fit = alpha_beta(returns[name].to_numpy(), returns["spy"].to_numpy(), level=level)
        if fit is None:
            notes.append("needs 30 returns and a benchmark that moves")
        else:
            alphas[name], betas[name] = fit
    note = _sentence(notes)
    return [
        Row(measure="Alpha a year", unit="fraction", note=note, **alphas),
        Row(measure="Beta", unit="ratio", note=note, **betas),
    ]


def _probability_row(returns: pd.DataFrame, absent: Mapping[str, str]) -> Row:
    cells = {name: _probability(probabilistic_sharpe(returns[name])) for name in returns}
    note = "" if all(cell.value is not None for cell in cells.values()) else "needs 3 returns that differ"
    return Row(
        measure="Probability of a positive Sharpe",
        unit="probability",
        note=_sentence([*absent.values(), note]),
        **cells,
    )


def _deflated_row(returns: pd.Series, trials: float, variance: float) -> Row:
    """Probability that the Sharpe ratio is above what the best of all trials without skill would have shown."""
    name = f"… above the best of {trials:.3g} without skill"
    if not np.isfinite(variance):
        return Row(measure=name, unit="probability", book=Measured(value=None), note="needs the returns of two trials")
    cell = _probability(deflated_sharpe(returns, trials=trials, variance_of_trials=variance))
    return Row(measure=name, unit="probability", book=cell, note="" if cell.value is not None else "undefined")


def _probability(value: float) -> Measured:
    return Measured(value=value if np.isfinite(value) else None)


def _sentence(notes: list[str]) -> str:
    return "; ".join(dict.fromkeys(note for note in notes if note))


def _aligned_returns(nav: pd.Series, **benchmarks: pd.Series) -> tuple[pd.DataFrame, dict[str, str]]:
    """Returns of the book and of each benchmark that covers its sessions, and a sentence on each that does not."""
    levels, absent = {"book": nav}, {}
    for name, series in benchmarks.items():
        level = series.reindex(nav.index)
        if level.isna().any():
            absent[name] = f"{COLUMNS[name]} has no value on {level.index[level.isna()][0]:%Y-%m-%d} and is left out"
        else:
            levels[name] = level
    wealth = pd.DataFrame(levels)
    return (wealth / wealth.shift() - 1.0).iloc[1:], absent


def _require_daily(nav: pd.Series) -> None:
    if len(nav) < 2:
        raise InputError(f"performance needs at least 2 values of the book, got {len(nav)}")
    if not (nav > 0).all():
        raise InputError(f"nav must be positive at every session, got {nav.min()}")
    first, last = nav.index[0], nav.index[-1]
    expected = sessions_from(first, last) + 1
    if expected != len(nav):
        raise InputError(
            f"nav must be valued at every session: {first:%Y-%m-%d} to {last:%Y-%m-%d} are {expected}, got {len(nav)}"
        )


def _ratio(above: float, below: float) -> float:
    """`above` / `below`; NaN where there is nothing to divide by but rounding errors."""
    return above / below if below > 1e-12 else np.nan


def _shown(cell: Measured | None, unit: str) -> str:
    if cell is None or cell.value is None:
        return "–"
    form = "{:.2f}" if unit == "ratio" else "{:.1%}"
    text = form.format(cell.value)
    if cell.low is None or cell.high is None:
        return text
    return f"{text} ({form.format(cell.low)} … {form.format(cell.high)})"
