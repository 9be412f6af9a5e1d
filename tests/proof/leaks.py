"""Look-ahead as it happens: small functions that know the future, and honest neighbours that do not.

Each takes what a stage takes and gives a panel. They are what the certificate must catch, and must leave alone.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from scipy.signal import savgol_filter

from alphalib.labels import forward_return, label_end
from alphalib.market import Market, Panel
from alphalib.proof import Known, Stage
from alphalib.universe import symbols

LEAKS: dict[str, Callable] = {}
HONEST: dict[str, Callable] = {}


def leak(function):
    """Something that must be caught; of a market."""
    LEAKS[function.__name__] = lambda known, days: function(known.market)
    return function


def honest(function):
    """Something that must pass; of a market."""
    HONEST[function.__name__] = lambda known, days: function(known.market)
    return function


def stages(functions: dict[str, Callable]) -> list[Stage]:
    return [
        Stage(name, lambda known, days, function=function: [("panel", function(known, days))])
        for name, function in functions.items()
    ]


def returns(market: Market) -> Panel:
    return market.adj_close.pct_change(fill_method=None)


def joined(table: pd.DataFrame, when: str, value: str, market: Market, direction: str) -> Panel:
    """A dated table beside every session and ticker."""
    grid = market.close.stack(future_stack=True).rename("close").reset_index().sort_values("date", kind="stable")
    rows = table.dropna(subset=[when]).sort_values(when, kind="stable")
    rows = rows[["ticker", when, value]].rename(columns={when: "date"})
    both = pd.merge_asof(grid, rows, on="date", by="ticker", direction=direction)
    return both.pivot(index="date", columns="ticker", values=value)


# Scaling by the whole sample


@leak
def z_score_of_the_whole_sample(market):
    return (returns(market) - returns(market).mean()) / returns(market).std()


@leak
def min_max_of_the_whole_sample(market):
    low, high = market.adj_close.min(), market.adj_close.max()
    return (market.adj_close - low) / (high - low)


@leak
def winsor_limits_of_the_whole_sample(market):
    values = returns(market)
    low, high = np.nanquantile(values, [0.05, 0.95])
    return values.clip(low, high)


@leak
def rank_over_all_dates(market):
    return market.adj_close.rank(pct=True)


@leak
def quantile_bins_of_the_whole_sample(market):
    values = market.volume.stack(future_stack=True)
    return pd.qcut(values, 10, labels=False, duplicates="drop").unstack().astype(float)


@leak
def missing_filled_with_the_mean_of_all(market):
    return market.close.fillna(market.close.mean())


@leak
def scaler_fitted_on_everything(market):
    from sklearn.preprocessing import StandardScaler

    values = np.nan_to_num(returns(market).to_numpy(), posinf=0.0, neginf=0.0)
    return pd.DataFrame(StandardScaler().fit_transform(values), index=market.sessions, columns=market.tickers)


@leak
def components_fitted_on_everything(market):
    values = np.nan_to_num(returns(market).to_numpy(), posinf=0.0, neginf=0.0)
    _, directions = np.linalg.eigh(values.T @ values)
    return pd.DataFrame(values @ directions[:, -3:], index=market.sessions, columns=["one", "two", "three"])


@leak
def volatility_of_the_whole_sample_for_sizing(market):
    return 1.0 / returns(market).std() + 0.0 * market.close


@leak
def beta_of_the_whole_sample(market):
    spy = market.benchmarks["SPY"].pct_change()
    return returns(market).sub(spy, axis=0).mul(returns(market).corrwith(spy), axis=1)


@leak
def trend_of_the_whole_sample_taken_out(market):
    time = np.arange(len(market.sessions), dtype=float)
    values = market.benchmarks.to_numpy()
    slope = ((time - time.mean()) @ (values - values.mean(axis=0))) / ((time - time.mean()) ** 2).sum()
    return market.benchmarks - np.outer(time, slope)


@leak
def regime_by_the_median_of_all(market):
    return (market.macro["vix"] > market.macro["vix"].median()).to_frame().astype(float)


@leak
def rebased_to_the_last_value(market):
    return market.macro / market.macro.iloc[-1]


@leak
def distance_from_the_high_of_all_time(market):
    return market.adj_close / market.adj_close.max() - 1.0


# Windows and smoothers that reach forward


@leak
def shifted_backwards(market):
    return market.adj_close.shift(-1)


@leak
def centred_window(market):
    return market.adj_close.rolling(5, center=True).mean()


@leak
def averaged_from_the_end(market):
    return market.adj_close.iloc[::-1].ewm(halflife=10).mean().iloc[::-1]


@leak
def smoothed_on_both_sides(market):
    values = savgol_filter(np.nan_to_num(market.benchmarks.to_numpy(), posinf=0.0), 11, 2, axis=0)
    return pd.DataFrame(values, index=market.sessions, columns=market.benchmarks.columns)


@leak
def high_frequencies_filtered_out(market):
    spectrum = np.fft.rfft(np.nan_to_num(market.benchmarks.to_numpy()), axis=0)
    spectrum[20:] = 0.0
    values = np.fft.irfft(spectrum, n=len(market.sessions), axis=0)
    return pd.DataFrame(values, index=market.sessions, columns=market.benchmarks.columns)


@leak
def filled_backwards(market):
    return market.close.bfill()


@leak
def month_ends_interpolated(market):
    ends = market.sessions.to_series().groupby(market.sessions.to_period("M")).max()
    return market.close.loc[ends].reindex(market.sessions).interpolate()


@leak
def month_end_stamped_at_month_start(market):
    month = market.sessions.to_period("M")
    return market.close.groupby(month).transform("last")


@leak
def week_as_a_whole(market):
    return market.volume.groupby(market.sessions.to_period("W")).transform("sum")


# Tables joined at the wrong time


@leak
def report_nearest_in_time(market):
    return joined(market.earnings, "date", "surprise", market, "nearest")


@leak
def report_to_come(market):
    return joined(market.earnings, "date", "surprise", market, "forward")


@leak
def figures_by_the_end_of_their_period(market):
    return joined(market.fundamentals, "period_end", "net_income", market, "backward")


@leak
def latest_restatement_of_a_period(market):
    latest = market.fundamentals.groupby("ticker")["net_income"].last().reindex(market.tickers)
    return market.close.notna().mul(1.0) * latest


@leak
def sessions_to_a_report_nobody_announced(market):
    rows = market.earnings.assign(when=market.earnings["date"].astype("int64").astype(float))
    following = joined(rows, "date", "when", market, "forward")
    return following.sub(market.sessions.astype("int64").to_numpy(dtype=float), axis=0)


@leak
def macro_by_the_period_it_describes(market):
    return market.macro.shift(-21)


@leak
def delisting_known_in_advance(market):
    doomed = pd.DataFrame(0.0, index=market.sessions, columns=market.tickers)
    for action in market.actions[market.actions["kind"] == "delisting"].itertuples():
        doomed.loc[: action.date, action.ticker] = 1.0
    return doomed


@leak
def split_known_in_advance(market):
    return market.split_factor.shift(-5).div(market.split_factor)


@leak
def adjusted_from_the_end(market):
    return market.close * market.return_factor / market.return_factor.iloc[-1]


# Who is there today


@leak
def members_of_today(market):
    return market.close.where(market.member.iloc[-1], axis=1)


@leak
def sectors_of_today(market):
    sector = market.sector.iloc[-1]
    return market.close.T.groupby(sector).transform("mean").T


@leak
def survivors_only(market):
    return market.close.where(market.close.iloc[-1].notna(), axis=1)


@leak
def names_with_enough_history_in_the_end(market):
    return market.close.where(market.close.notna().sum() > 0.95 * len(market.sessions), axis=1)


def symbols_of_today(known: Known, days: pd.DatetimeIndex) -> pd.DataFrame:
    called = symbols(known.received.tables["aliases"], known.market.last)
    return pd.DataFrame([called] * len(days), index=days, dtype="str").fillna("")


LEAKS["symbols_of_today"] = symbols_of_today


# Outcomes in what should predict them


@leak
def label_among_the_features(market):
    return forward_return(market, horizon=5)


@leak
def training_on_labels_that_have_not_ended(market):
    return forward_return(market, horizon=5).rolling(60, min_periods=20).mean()


@leak
def sectors_encoded_by_their_label(market):
    label = forward_return(market, horizon=5).mean()
    return market.close.notna() * label.groupby(market.sector.iloc[0]).transform("mean")


@leak
def sign_chosen_on_everything(market):
    momentum = market.adj_close.pct_change(20, fill_method=None)
    ic = momentum.corrwith(forward_return(market, horizon=5), axis=1)
    return momentum * ic.mean()


@leak
def stopped_early_on_the_test(market):
    label = forward_return(market, horizon=5)
    scores = {w: market.adj_close.pct_change(w, fill_method=None) for w in (3, 5, 10, 21, 42, 63)}
    quality = {w: np.nan_to_num(score.corrwith(label, axis=1)).mean() for w, score in scores.items()}
    return scores[max(quality, key=quality.get)]


# What the import does


def bad_ticks_by_the_row_after(known: Known, days: pd.DatetimeIndex) -> pd.DataFrame:
    close = known.received.bars.drop_duplicates(["date", "ticker"]).pivot(
        index="date", columns="ticker", values="close"
    )
    reverts = (close.shift(-1) / close - 1).abs() > 0.02
    return close.where(~reverts)


LEAKS["bad_ticks_by_the_row_after"] = bad_ticks_by_the_row_after

# Caches


@cache
def remembered(expression: str, shape: tuple[int, int]) -> list[Panel]:
    """A cache whose key is the expression, and not the data."""
    return []


@leak
def cached_by_expression_alone(market):
    kept = remembered("Mean($close, 20)", (0, 0))
    if not kept:
        kept.append(market.adj_close.rolling(20).mean())
    return kept[0]


@leak
def cached_by_expression_and_shape(market):
    kept = remembered("Mean($volume, 20)", market.close.shape)
    if not kept:
        kept.append(market.volume.rolling(20).mean())
    return kept[0]


# Honest neighbours


@honest
def z_score_of_the_past(market):
    values = returns(market)
    return (values - values.rolling(60).mean()) / values.rolling(60).std()


@honest
def rank_among_past_dates(market):
    return market.adj_close.expanding().rank(pct=True)


@honest
def rank_among_names(market):
    return market.adj_close.where(market.member).rank(axis=1, pct=True)


@honest
def filled_forwards(market):
    return market.close.ffill()


@honest
def averaged_from_the_start(market):
    return market.adj_close.ewm(halflife=10).mean()


@honest
def previous_month_end(market):
    month = market.sessions.to_period("M")
    before = market.close.ffill().groupby(month).last().shift()
    return before.loc[month].set_axis(market.sessions)


@honest
def latest_report(market):
    return joined(market.earnings, "date", "surprise", market, "backward")


@honest
def figures_when_they_were_known(market):
    return joined(market.fundamentals, "known", "net_income", market, "backward")


@honest
def members_of_the_date(market):
    return market.close.where(market.member)


@honest
def training_on_labels_that_have_ended(market):
    ended = forward_return(market, horizon=5).set_axis(label_end(market.sessions, 5))
    return ended.rolling(60, min_periods=20).mean()


_BY_DATA: dict[tuple[str, str], Panel] = {}


@honest
def cached_by_data_as_well(market):
    key = ("Mean($close, 20)", market.data_hash)
    if key not in _BY_DATA:
        _BY_DATA[key] = market.adj_close.rolling(20).mean()
    return _BY_DATA[key]


def announced_reports(known: Known, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Sessions' worth of days to the next report that had been announced by then."""
    rows = []
    for day in days:
        coming = known.market.earnings.query("scheduled <= @day < date")
        rows.append((coming.groupby("ticker")["date"].min() - day) / pd.Timedelta(days=1))
    return pd.DataFrame(rows, index=days).reindex(columns=known.market.tickers)


HONEST["announced_reports"] = announced_reports
