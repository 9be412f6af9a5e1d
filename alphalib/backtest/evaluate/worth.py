"""What each rule was worth: what entries it blocked did next, what its sales missed, how right its vetoes were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.backtest.evaluate.quality import blocks_for
from alphalib.backtest.result import Backtest
from alphalib.errors import InputError
from alphalib.evidence.events import event_means, with_q
from alphalib.labels import return_over_spy, sector_relative_return
from alphalib.market import Market, Panel
from alphalib.models.predictions import confidence, direction
from alphalib.params import PredictorParams

THRESHOLDS = (0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
"""Veto confidences to look at; the seed's reach to .80, beyond which its vetoes are rarer and surer. [fraction]"""


def blocked_worth(
    backtest: Backtest, market: Market, *, horizon: int = 5, rng: np.random.Generator, draws: int = 1000
) -> pd.DataFrame:
    """What blocked entries did next against SPY, by the rule that blocked them; and the entries that were made.

    A rule earns its keep when what it blocked did worse than what was entered. A name blocked on several sessions in
    a row is counted on each, and the blocks of dates know it.

    Parameters
    ----------
    backtest : Backtest
        Its refusals and entries.
    market : Market
        The one simulated, with SPY.
    horizon : int
        From the close of the session after the decision on. [sessions]
    rng : Generator
        Randomness of the intervals.
    draws : int
        Resamples.

    Returns
    -------
    DataFrame
        Rules down, `entered` first; `events`, `dates`, `mean` excess over SPY with `low`, `high` [fraction], `p` and
        `q`, adjusted for all rows.
    """
    entries = backtest.orders[backtest.orders["reason"] == "entry"].assign(rule="entered")  # a cover is none
    events = pd.concat([entries[["date", "ticker", "rule"]], backtest.blocked[["date", "ticker", "rule"]]])
    order = ["entered", *sorted(backtest.blocked["rule"].unique())]
    return _by_rule(
        events, return_over_spy(market, horizon=horizon), order, market.sessions, horizon=horizon, rng=rng, draws=draws
    )


def exit_worth(
    backtest: Backtest, market: Market, *, horizon: int = 5, rng: np.random.Generator, draws: int = 1000
) -> pd.DataFrame:
    """What was sold did next against SPY, by the reason of the sale, beside what the sale had realised.

    A good exit is followed by less than SPY's return. Long positions only: a short sale is no exit, a cover no sale.

    Parameters
    ----------
    backtest, market, horizon, rng, draws
        As in `blocked_worth`; the return starts at the close of the session of the sale.

    Returns
    -------
    DataFrame
        Reasons down, delistings left out, none for a book that sold nothing: `events`, `dates`, `mean`, `low`, `high`
        of the excess after the sale [fraction], `p`, `q`, `realised` mean return over average cost [fraction] and
        `held` mean [sessions].
    """
    trades = backtest.trades
    sales = trades[(trades["side"] == "sell") & ~trades["reason"].isin(["delisting", "short"])]
    rows = market.sessions.get_indexer(sales["date"])
    # A label starts at the close after its row, and the sale happened in that session.
    events = sales.assign(rule=sales["reason"], date=market.sessions[np.maximum(rows - 1, 0)])
    order = sorted(events["rule"].unique())
    table = _by_rule(
        events, return_over_spy(market, horizon=horizon), order, market.sessions, horizon=horizon, rng=rng, draws=draws
    )
    held = rows - market.sessions.get_indexer(sales["entry_date"])
    by_reason = sales.assign(held=held).groupby("reason")[["realised", "held"]].mean()
    return table.join(by_reason)[["events", "dates", "mean", "low", "high", "p", "q", "realised", "held"]]


def veto_worth(
    percentiles: Panel,
    market: Market,
    params: PredictorParams,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    horizon: int = 5,
    rng: np.random.Generator,
    draws: int = 1000,
) -> pd.DataFrame:
    """Precision of the veto at each confidence: how often a vetoed name did worse than its sector's others.

    Parameters
    ----------
    percentiles : Panel
        Place of each out-of-fold prediction among its date's names; NaN without one. [fraction]
    market : Market
        For the outcomes.
    params : PredictorParams
        `direction_share` is read.
    thresholds : sequence of float
        Values of `veto_confidence`. [fraction]
    horizon : int
        [sessions]
    rng : Generator
        Randomness of the intervals.
    draws : int
        Resamples.

    Returns
    -------
    DataFrame
        Thresholds down; `events` vetoed name-dates, `precision`, `all_names` the share of all predicted names that
        did worse, `lift` between the two with `low`, `high`, `p`, `missed` mean gain of the vetoed that did better
        [fraction], `mean` return over the sector's of all vetoed [fraction], `q`.
    """
    label = sector_relative_return(market, horizon=horizon).reindex_like(percentiles)
    outcome = label.where(percentiles.notna()).to_numpy()
    known = np.isfinite(outcome)
    if not known.any():
        raise InputError("there is no prediction with a known outcome, so no veto can be judged")
    below = np.where(known, outcome < 0, np.nan)
    base = np.divide(np.nansum(below, axis=1), known.sum(axis=1), out=np.zeros(len(known)), where=known.any(axis=1))
    sure, down = confidence(percentiles).to_numpy(), direction(percentiles, params).to_numpy() < 0
    dates = pd.DatetimeIndex(percentiles.index)
    rows = {}
    for threshold in thresholds:
        row, column = np.nonzero(known & down & (sure >= threshold))
        vetoed, right = outcome[row, column], below[row, column]
        events = pd.DataFrame({"date": dates[row], "lift": right - base[row]})
        block = blocks_for(dates, horizon=horizon)
        lift = event_means(events, ["lift"], dates=dates, block=block, rng=rng, draws=draws).loc["lift"]
        rows[threshold] = {
            "events": len(vetoed),
            "precision": _mean(right),
            "all_names": _mean(base[row]),
            "lift": lift["mean"],
            "low": lift["low"],
            "high": lift["high"],
            "p": lift["p"],
            "missed": _mean(vetoed[vetoed > 0]),
            "mean": _mean(vetoed),
        }
    return with_q(pd.DataFrame.from_dict(rows, orient="index").rename_axis("veto_confidence"))


def trigger_worth(trades: pd.DataFrame, opens: Panel) -> pd.DataFrame:
    """What each entry trigger paid against the session's open: below 0 it bought cheaper, before costs.

    Parameters
    ----------
    trades : DataFrame
        Fills with a `trigger`, as of a simulation on minute bars; purchases without one are left out.
    opens : Panel
        Opening prices. [currency]

    Returns
    -------
    DataFrame
        Triggers down; `fills`, `dates`, `mean_bps`, `low`, `high`: price before slippage over the open − 1, with a 95 %
        interval by Student's t over the dates, whose fills share the market's move; NaN ends on one date. [bps]
    """
    bought = trades[(trades["side"] == "buy") & (trades["trigger"] != "")]
    price = bought["price"] - bought["slippage"] / bought["shares"]
    rows, columns = opens.index.get_indexer(bought["date"]), opens.columns.get_indexer(bought["ticker"])
    paid = bought.assign(paid=(price.to_numpy() / opens.to_numpy()[rows, columns] - 1.0) * 1e4).dropna(subset="paid")
    of_trigger = paid.groupby("trigger")["paid"]
    fills, mean, apart = of_trigger.size(), of_trigger.mean(), paid["paid"] - of_trigger.transform("mean")
    of_date = apart.groupby([paid["trigger"], paid["date"]]).sum().groupby(level="trigger")
    dates = of_date.size()
    free = (dates - 1).where(dates > 1)
    error = np.sqrt(of_date.apply(lambda sums: (sums**2).sum()) * dates / free) / fills
    reach = error * stats.t.ppf(0.975, free)
    return pd.DataFrame({"fills": fills, "dates": dates, "mean_bps": mean, "low": mean - reach, "high": mean + reach})


def _by_rule(
    events: pd.DataFrame,
    outcome: Panel,
    rules: Iterable[str],
    dates: pd.DatetimeIndex,
    *,
    horizon: int,
    rng: np.random.Generator,
    draws: int,
) -> pd.DataFrame:
    """Mean outcome of the events of each rule."""
    rows, columns = outcome.index.get_indexer(events["date"]), outcome.columns.get_indexer(events["ticker"])
    told = events.assign(mean=outcome.to_numpy()[rows, columns])
    block = blocks_for(dates, horizon=horizon)
    means = {
        rule: event_means(told[told["rule"] == rule], ["mean"], dates=dates, block=block, rng=rng, draws=draws).iloc[0]
        for rule in rules
    }
    table = pd.DataFrame.from_dict(means, orient="index", columns=["events", "dates", "mean", "low", "high", "p"])
    return with_q(table.rename_axis("rule").astype({"events": int, "dates": int}))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
