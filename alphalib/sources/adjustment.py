"""What an adjusted close says about corporate actions.

A vendor's `adj_close` is `close` times a factor that is restated whenever something is paid or split. Between two
rows of a name the factor grows by g = (adj_close / close)ₜ / (adj_close / close)ₜ₋₁, and a holder's total return is the
return of `close` times g. So g is all there is to know, and the market grows its own adjusted panels from it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats: TypeAlias = npt.NDArray[np.float64]
Prices: TypeAlias = Literal["raw", "split-adjusted"]

ROUNDINGS = 10.0  # a g further from 1 than this many worst-case roundings is an action; on real files noise ends at 6
LARGEST_TERM = 50  # of a split's ratio, as in 3:2 or 1:40
SPLIT_AT_LEAST = 1.09
OFFSET = np.log(1.6)  # a split of ratio k comes with a close that falls to about 1/k
UNDONE = 3  # [rows] a ratio undone so soon is a slip of one price, not a split


class Implied(NamedTuple):
    """Corporate actions that an adjusted close implies.

    `actions` as in `Market.actions`; `prices` is what the closes are, `why` the reason in words; `unexplained` the rows
    whose factor moves in a way that no distribution does.
    """

    actions: pd.DataFrame
    prices: Prices
    why: str
    unexplained: int


def implied_actions(bars: pd.DataFrame, *, prices: Prices | None = None) -> Implied:
    """Dividends and splits between consecutive rows of each name.

    Parameters
    ----------
    bars : DataFrame
        `ticker`, `date`, `close`, `adj_close`, sorted by ticker and date.
    prices : {"raw", "split-adjusted"}, optional
        Whether splits are still in `close`; guessed without it: a raw file shows clean ratios such as 2 or 3/2 in the
        factor, with closes that fall by just as much.

    Notes
    -----
    Falls of the factor are no distribution but for reverse splits. A file whose adjusted closes can only be compared
    with the next row's (each row captured before the next event) rises and falls at each event; there the rises count.
    """
    close, adjusted = bars["close"].to_numpy(dtype=float), bars["adj_close"].to_numpy(dtype=float)
    tickers = bars["ticker"].to_numpy()
    growth, bound = _growth(close, adjusted, _quantum(close), _quantum(adjusted))
    follows = np.zeros(len(bars), dtype=bool)
    follows[1:] = tickers[1:] == tickers[:-1]
    events = np.flatnonzero(follows & (np.abs(growth - 1.0) > ROUNDINGS * bound))
    moves = np.log(close[events] / close[events - 1])
    g = growth[events]
    offset = np.abs(moves + np.log(g)) < OFFSET
    clean = np.array(
        [_clean(value, ROUNDINGS * width) for value, width in zip(g, bound[events], strict=True)], dtype=bool
    )
    split = clean & offset & ~_undone(events, np.where(offset, np.log(g), np.nan), tickers)
    guess, why = _guess(int(split.sum()), len(events))
    kind = prices or guess
    if kind == "split-adjusted":
        split = np.zeros_like(split)
    paid = ~split & (g > 1.0) & (offset | (g < 1.25))
    values = np.where(split, [float(_ratio(value)) for value in g], close[events] * (g - 1.0))
    taken = split | paid
    actions = pd.DataFrame(
        {
            "date": bars["date"].to_numpy()[events[taken]],
            "ticker": pd.Series(tickers[events[taken]], dtype="str"),
            "kind": pd.Series(np.where(split[taken], "split", "dividend"), dtype="str"),
            "value": values[taken],
            "detail": pd.Series("implied by adj_close", index=range(int(taken.sum())), dtype="str"),
        }
    )
    return Implied(actions, kind, why if prices is None else "as given", int((~taken).sum()))


def no_actions() -> pd.DataFrame:
    """An empty table of actions."""
    text = pd.Series(dtype="str")
    return pd.DataFrame(
        {
            "date": pd.Series(dtype="datetime64[us]"),
            "ticker": text,
            "kind": text,
            "value": pd.Series(dtype=float),
            "detail": text,
        }
    )


def _growth(close: Floats, adjusted: Floats, step: float, adjusted_step: float) -> tuple[Floats, Floats]:
    """Growth of each row over the row before, and the largest distance from 1 that rounding alone can make."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = adjusted / close
        rounding = 2.0 * 2.0**-24 + 0.5 * (step / close + adjusted_step / adjusted)
        growth, bound = np.ones(len(close)), np.ones(len(close))
        growth[1:] = factor[1:] / factor[:-1]
        bound[1:] = rounding[1:] + rounding[:-1]
    return np.nan_to_num(growth, nan=1.0), bound


def _quantum(values: Floats) -> float:
    """The step a column is rounded to: the coarsest of a cent … a millionth that nearly all keep. [currency]"""
    sample = values[np.isfinite(values)][:: max(1, len(values) // 100_000)]
    for decimals in (2, 3, 4, 5):
        if len(sample) and np.mean(np.abs(sample - np.round(sample, decimals)) <= 1e-7 * np.abs(sample)) > 0.99:
            return float(10.0**-decimals)
    return 1e-6


def _ratio(value: float) -> Fraction:
    return Fraction(value).limit_denominator(LARGEST_TERM)


def _clean(value: float, tolerance: float) -> bool:
    """Whether a ratio is one of small whole numbers, far enough from 1, as splits are."""
    if not 1 / LARGEST_TERM <= value <= LARGEST_TERM or max(value, 1 / value) < SPLIT_AT_LEAST:
        return False
    ratio = _ratio(value)
    small = min(ratio.numerator, ratio.denominator) <= 10
    return small and abs(value / float(ratio) - 1.0) < min(tolerance, 1e-3)


def _undone(events: npt.NDArray[np.int64], logs: Floats, tickers: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Events that the next or the last event of the name takes back within a few rows, the closes with it."""
    undone = np.zeros(len(events), dtype=bool)
    if len(events) > 1:
        near = (np.diff(events) <= UNDONE) & (tickers[events[1:]] == tickers[events[:-1]])
        pairs = near & (np.abs(logs[1:] + logs[:-1]) < 0.01)  # NaN where the closes did not move
        undone[1:] |= pairs
        undone[:-1] |= pairs
    return undone


def _guess(splits: int, events: int) -> tuple[Prices, str]:
    if splits and splits >= 0.001 * events:
        return "raw", f"{splits} of {events:,} steps of adj_close over close are splits that the closes show as well"
    return "split-adjusted", f"none of the {events:,} steps of adj_close over close is a split that the closes show"
