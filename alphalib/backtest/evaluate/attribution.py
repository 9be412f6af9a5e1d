"""Where a book's return came from: sectors and names (Brinson), known factors, the sub-scores behind its signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalib.backtest.evaluate.holdings import weights
from alphalib.backtest.result import Backtest
from alphalib.compiled import Floats
from alphalib.errors import InputError
from alphalib.evidence.events import with_q
from alphalib.evidence.ic import rank_ic
from alphalib.evidence.significance import mean_with_interval
from alphalib.features.compute import factors
from alphalib.labels import sector_relative_return
from alphalib.market import SECTORS, Market, Panel
from alphalib.sessions import SESSIONS_PER_YEAR

STYLES = {
    "momentum": "Ref($close, 21) / Ref($close, 252) - 1",
    "reversal": "1 - $close / Ref($close, 5)",
    "low volatility": "-Std($close / Ref($close, 1) - 1, 63)",
    "illiquidity": "Mean(Abs($close / Ref($close, 1) - 1) / ($close * $volume), 63)",
}
"""Known ways to earn, as factors: the best third of the members less the worst third, equal parts, daily."""


@dataclass(frozen=True, eq=False)
class Brinson:
    """Return over the equal-weighted members, split by sector; the parts add up to the whole.

    Parameters
    ----------
    by_sector : DataFrame
        Sectors down (`Unknown` last); mean weights `book`, `benchmark`, and `allocation`, `selection`, `interaction`.
        [fraction]
    trading : float
        What came from trading within the session and from costs: everything that weights at the close before do not
        explain. [fraction]
    book, benchmark : float
        Total return of both. [fraction]
    """

    by_sector: pd.DataFrame
    trading: float
    book: float
    benchmark: float

    @property
    def excess(self) -> float:
        """What is explained. [fraction]"""
        return self.book - self.benchmark

    def table(self) -> pd.DataFrame:
        """Sectors, trading and the sum of both, to look at. [fraction]"""
        parts = ["allocation", "selection", "interaction"]
        table = self.by_sector.assign(total=self.by_sector[parts].sum(axis=1))
        table.loc["Trading and costs", "total"] = self.trading
        table.loc["All", [*parts, "total"]] = [*self.by_sector[parts].sum(), table["total"].sum()]
        return table


def brinson(backtest: Backtest, market: Market, *, start: pd.Timestamp | None = None) -> Brinson:
    """Allocation, selection and interaction by sector, against the members in equal parts; cash earns nothing.

    Parameters
    ----------
    backtest : Backtest
        Long-only or not.
    market : Market
        The one simulated.
    start : Timestamp, optional
        Session whose close is the first value; the first of the backtest without it.

    Returns
    -------
    Brinson

    Notes
    -----
    Brinson and Fachler (1985), https://doi.org/10.3905/jpm.1985.409005, a day at a time with the weights of the close
    before; days are linked by Carino (1999), Journal of Performance Measurement 3(4), 5–14, so that the sum is the
    difference of the total returns.
    """
    first = backtest.sessions[0] if start is None else pd.Timestamp(start)
    nav = backtest.nav.loc[first:]
    if len(nav) < 2:
        raise InputError(f"attribution needs at least 2 values of the book, got {len(nav)} from {first:%Y-%m-%d} on")
    own = weights(backtest, market).reindex(columns=market.tickers, fill_value=0.0).loc[first:].to_numpy()[:-1]
    wealth = market.wealth.loc[nav.index]
    change = (wealth / wealth.shift() - 1.0).fillna(0.0).to_numpy()[1:]
    counted = (market.member & market.listed & market.wealth.notna()).loc[nav.index].to_numpy()[:-1]
    equal = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    sector = market.sector.loc[nav.index].to_numpy()[:-1]
    book, benchmark = nav.pct_change().to_numpy()[1:], (equal * change).sum(axis=1)
    linked = _linked(book, benchmark)
    rows, explained = {}, np.zeros(len(book))
    for code, name in [*enumerate(SECTORS), (-1, "Unknown")]:
        inside = sector == code
        held, norm = (own * inside).sum(axis=1), (equal * inside).sum(axis=1)
        held_return = _divided((own * inside * change).sum(axis=1), held)
        norm_return = _divided((equal * inside * change).sum(axis=1), norm)
        # A sector that the benchmark lacks is judged by what was held of it: all of it is allocation.
        norm_return = np.where(norm > 0, norm_return, held_return)
        held_return = np.where(held != 0, held_return, norm_return)
        parts = [
            (held - norm) * (norm_return - benchmark),
            norm * (held_return - norm_return),
            (held - norm) * (held_return - norm_return),
        ]
        explained += np.sum(parts, axis=0)
        rows[name] = [held.mean(), norm.mean(), *(float((part * linked).sum()) for part in parts)]
    # Cash is a sector of its own that returns nothing.
    cash = -(1.0 - own.sum(axis=1)) * benchmark
    rows["Cash"] = [float(1.0 - own.sum(axis=1).mean()), 0.0, float((cash * linked).sum()), 0.0, 0.0]
    columns = ["book", "benchmark", "allocation", "selection", "interaction"]
    return Brinson(
        by_sector=pd.DataFrame.from_dict(rows, orient="index", columns=columns),
        trading=float(((book - benchmark - explained - cash) * linked).sum()),
        book=float(np.prod(1 + book) - 1),
        benchmark=float(np.prod(1 + benchmark) - 1),
    )


def factor_returns(market: Market, styles: Mapping[str, str] = STYLES) -> pd.DataFrame:
    """Daily return of SPY and of each style: best third of the members less the worst, as known the day before.

    Returns
    -------
    DataFrame
        Sessions down, `market` and the styles across; NaN on sessions without members that have a value. [fraction]
    """
    spy = market.benchmarks["SPY"]
    returns = {"market": spy / spy.shift() - 1.0}
    change = (market.wealth / market.wealth.shift() - 1.0).to_numpy()
    for name, panel in factors(dict(styles), market).items():
        place = panel.where(market.member.astype(bool)).rank(axis=1, pct=True).shift().to_numpy()
        legs = [np.where(chosen & np.isfinite(change), change, np.nan) for chosen in (place > 2 / 3, place <= 1 / 3)]
        counts = [np.isfinite(leg).sum(axis=1) for leg in legs]
        best, worst = (_divided(np.nansum(leg, axis=1), count) for leg, count in zip(legs, counts, strict=True))
        returns[name] = pd.Series(np.where(np.minimum(*counts) > 0, best - worst, np.nan), index=market.sessions)
    return pd.DataFrame(returns)


def factor_attribution(nav: pd.Series, returns: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Regression of a book's daily returns on factors: exposure to each, and what it brought a year.

    Parameters
    ----------
    nav : Series
        Value at every session's close. [currency]
    returns : DataFrame
        Factors across, see `factor_returns`; sessions without all of them are left out. [fraction]
    level : float
        Coverage of the intervals. [fraction]

    Returns
    -------
    DataFrame
        `alpha` and the factors down; `beta` with `low`, `high` (alpha: a year), `p`, `contribution` a year, which add
        up to the mean return; `attrs` has `r_squared` and `sessions`.

    Notes
    -----
    Newey–West intervals with ⌊4 (n / 100)^(2/9)⌋ lags: Newey and West (1994), https://doi.org/10.2307/2297912.
    """
    import statsmodels.api as sm

    data = returns.assign(book=nav.pct_change()).dropna()
    if len(data) < 10 * returns.shape[1]:
        raise InputError(f"{len(data)} sessions are too few for {returns.shape[1]} factors; ten each are needed")
    exog = sm.add_constant(data[returns.columns])
    lags = int(4 * (len(data) / 100) ** (2 / 9))
    fit = sm.OLS(data["book"], exog).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    ends = fit.conf_int(alpha=1 - level)
    yearly = np.where(exog.columns == "const", SESSIONS_PER_YEAR, 1)
    table = pd.DataFrame(
        {
            "beta": fit.params * yearly,
            "low": ends[0] * yearly,
            "high": ends[1] * yearly,
            "p": fit.pvalues,
            "contribution": fit.params * exog.mean() * SESSIONS_PER_YEAR,
        }
    ).rename(index={"const": "alpha"})
    table.attrs = {"r_squared": float(fit.rsquared), "sessions": len(data)}
    return table


def sub_score_attribution(
    sub_scores: Mapping[str, Panel], market: Market, *, horizons: Sequence[int] = (5, 21)
) -> pd.DataFrame:
    """What each sub-score knows of the return over the sector's: per-date rank IC, alone and less the other sub-scores.

    Parameters
    ----------
    sub_scores : mapping of str to Panel
        On the dates they were made; any scale.
    market : Market
        For the outcomes.
    horizons : sequence of int
        [sessions]

    Returns
    -------
    DataFrame
        `sub_score, horizon, dates, rank_ic, low, high`, `alone` the rank IC of what the others do not explain
        [correlation], `p` of the rank IC and `q`, adjusted for all rows. A sub-score without a value says so in `note`.
    """
    rows = []
    for horizon in horizons:
        label = sector_relative_return(market, horizon=horizon)
        for name, panel in sub_scores.items():
            dates, columns = panel.index, panel.columns
            outcome = label.loc[dates, columns]
            others = [other.reindex_like(panel) for key, other in sub_scores.items() if key != name]
            per_date = rank_ic(panel, outcome)
            spacing = max(int(np.median(np.diff(market.sessions.get_indexer(dates)))), 1) if len(dates) > 1 else 1
            found = mean_with_interval(per_date, horizon=-(-horizon // spacing))
            rows.append(
                {
                    "sub_score": name, "horizon": horizon, "dates": found.n, "rank_ic": found.value, "low": found.low,
                    "high": found.high, "alone": rank_ic(_residual(panel, others), outcome).mean(),
                    "p": _p_value(found.value, found.standard_error),
                    "note": "it has no value" if panel.isna().all(axis=None) else found.note,
                }
            )  # fmt: skip
    return with_q(pd.DataFrame(rows))


def _residual(panel: Panel, others: Sequence[Panel]) -> Panel:
    """Ranks of a panel less what those of the others explain, date by date; others without a value are left out."""
    ranks = panel.rank(axis=1, pct=True)
    known = [other.rank(axis=1, pct=True).to_numpy() for other in others if other.notna().any(axis=None)]
    result = ranks.to_numpy(copy=True)
    for row in range(len(result)) if known else ():
        design = np.column_stack([np.ones(result.shape[1]), *(other[row] for other in known)])
        usable = np.isfinite(result[row]) & np.isfinite(design).all(axis=1)
        if usable.sum() > design.shape[1]:
            fitted = np.linalg.lstsq(design[usable], result[row, usable], rcond=None)[0]
            result[row, usable] -= design[usable] @ fitted
        result[row, ~usable] = np.nan
    return pd.DataFrame(result, index=panel.index, columns=panel.columns)


def _p_value(value: float, error: float) -> float:
    from scipy import stats

    return float(2 * stats.norm.sf(abs(value) / error)) if error > 0 else np.nan


def _linked(book: Floats, benchmark: Floats) -> Floats:
    """Carino's factors: a day's arithmetic difference times its factor, summed, is the difference of total returns."""
    total = np.prod(1 + book) - np.prod(1 + benchmark)
    whole = np.log1p(book).sum() - np.log1p(benchmark).sum()
    scale = total / whole if abs(whole) > 1e-12 else np.prod(1 + book)
    difference = book - benchmark
    close = np.abs(difference) < 1e-12
    daily = np.divide(np.log1p(book) - np.log1p(benchmark), difference, out=1 / (1 + book), where=~close)
    linked: Floats = scale * daily
    return linked


def _divided(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros(len(above)), where=below != 0)
