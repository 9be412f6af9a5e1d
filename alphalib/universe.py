"""Who belonged, to which sector, under which symbol, by date. Pure functions of the universe tables.

Tables (tidy, on the bus under `universe/`): membership `ticker, start, end`; sectors `ticker, start, sector`; aliases
`ticker, symbol, start, end`. Intervals include both ends; an empty end is still running.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.market import SECTORS, Panel, sector_name

FOREVER = pd.Timestamp("2036-12-31")


def membership_mask(membership: pd.DataFrame, sessions: pd.DatetimeIndex, tickers: pd.Index) -> Panel:
    """Whether each name belonged at the close of each session.

    Parameters
    ----------
    membership : DataFrame
        `ticker, start, end`; a name may have several intervals.
    sessions, tickers : Index
        Labels of the result.

    Returns
    -------
    Panel
        [bool]
    """
    mask = np.zeros((len(tickers), len(sessions)), dtype=bool)
    columns = tickers.get_indexer(pd.Index(membership["ticker"]))
    first = sessions.searchsorted(pd.DatetimeIndex(membership["start"]))
    after = sessions.searchsorted(pd.DatetimeIndex(membership["end"].fillna(FOREVER)), side="right")
    for column, start, end in zip(columns, first, after, strict=True):
        if column >= 0:
            mask[column, start:end] = True
    return pd.DataFrame(mask.T, index=sessions, columns=tickers, copy=False)


def sector_codes(sectors: pd.DataFrame, sessions: pd.DatetimeIndex, tickers: pd.Index) -> Panel:
    """Code of each name's sector by date, an index into `SECTORS`; −1 before the first row or when not of GICS.

    Parameters
    ----------
    sectors : DataFrame
        `ticker, start, sector`: the sector holds from `start` until the name's next row.
    """
    codes = np.full((len(tickers), len(sessions)), -1, dtype=np.int8)
    ordered = sectors.sort_values("start", kind="stable")
    columns = tickers.get_indexer(pd.Index(ordered["ticker"]))
    first = sessions.searchsorted(pd.DatetimeIndex(ordered["start"]))
    for column, start, text in zip(columns, first, ordered["sector"], strict=True):
        name = sector_name(str(text))
        if column >= 0:
            codes[column, start:] = SECTORS.index(name) if name else -1
    return pd.DataFrame(codes.T, index=sessions, columns=tickers, copy=False)


def sector_totals(
    values: NDArray[np.float64], counted: NDArray[np.bool_], sector: NDArray[np.int8]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Sum and number of the counted values in each name's sector on each date.

    Parameters
    ----------
    values, counted, sector : arrays (sessions, names)
        A quantity, which of it to count, and `Market.sector`; a name of unknown sector counts nowhere.

    Returns
    -------
    (array, array)
        Both in the same shape; zero for a name of unknown sector.
    """
    groups = len(SECTORS) + 1  # the last one collects the unknown
    cells = len(values) * groups
    group = np.arange(len(values))[:, None] * groups + np.where(sector >= 0, sector, groups - 1)
    valid = counted & (sector >= 0)
    total = np.bincount(group.ravel(), np.where(valid, values, 0.0).ravel(), cells).astype(float)
    count = np.bincount(group.ravel()[valid.ravel()], minlength=cells)
    return total[group], count[group]


def symbols(aliases: pd.DataFrame, day: pd.Timestamp) -> dict[str, str]:
    """What the exchange calls each name on a date, for the names whose symbol differs from their column."""
    running = aliases[(aliases["start"] <= day) & (aliases["end"].fillna(FOREVER) >= day)]
    return dict(zip(running["ticker"], running["symbol"], strict=True))


def members_priced(membership: pd.DataFrame, close: Panel) -> pd.DataFrame:
    """How many members each session had and what share of them had a price.

    Returns
    -------
    DataFrame
        Sessions down; `members` [names], `priced` [names], `share` [fraction, NaN without members].
    """
    sessions = pd.DatetimeIndex(close.index)
    everyone = pd.Index(membership["ticker"].unique())
    members = membership_mask(membership, sessions, everyone)
    priced = (members.reindex(columns=close.columns, fill_value=False) & close.notna()).sum(axis=1)
    total = members.sum(axis=1)
    return pd.DataFrame({"members": total, "priced": priced, "share": priced / total.where(total > 0)})
