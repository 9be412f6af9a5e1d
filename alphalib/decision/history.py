"""A whole history as the decision reads it: indicators and signals as frozen arrays, made once for many runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib import sessions
from alphalib.compiled import Floats, Ints, Records, frozen, record_type
from alphalib.contracts import Predictions, Signals
from alphalib.decision.shapes import NAME, Moment, Moments
from alphalib.errors import InputError, SessionError
from alphalib.features.technical import atr, rsi
from alphalib.market import SECTOR_ETFS, SECTORS, Market, Panel
from alphalib.params import ExecutorParams
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode, SignalPanels

RATINGS = {"underweight": -1, "market_weight": 0, "overweight": 1}
RANGES = {
    "score": (0, 100),
    "percentile": (0, 1),
    "signal": (min(SignalCode), max(SignalCode)),
    "conviction": (min(ConvictionCode), max(ConvictionCode)),
    "sector_rating": (-1, 1),
    "regime": (min(RegimeCode), max(RegimeCode)),
    "age": (-1, np.inf),
}
"""Least and most of what research and models say, by the panel's name."""


class Bar:
    """What a simulated session needs to know of one name.

    Parameters
    ----------
    open, high, low : float
        NaN where nothing traded. [currency]
    split : float
        New shares for one old; 1 on most days. [shares]
    dividend : float
        A share held before that session's split; 0 on most days. [currency]
    delisting : float
        Return from the last close to what holders received; NaN on most days. [fraction]
    """

    open: float
    high: float
    low: float
    split: float
    dividend: float
    delisting: float


BAR = record_type(Bar)


@dataclass(frozen=True, eq=False)
class Day:
    """What was known at one close.

    Parameters
    ----------
    date : Timestamp
        The session.
    tickers : Index
        Sorted; the order of `names`.
    names : records of shapes.Name
        One a ticker. Read-only.
    moment : Moment
        What was known besides.
    atr_window, correlation_window : int
        The windows they were made for. [sessions]
    """

    date: pd.Timestamp
    tickers: pd.Index
    names: Records
    moment: Moment
    atr_window: int
    correlation_window: int

    @property
    def table(self) -> pd.DataFrame:
        """Everything known of the names, to look at: one ticker a row."""
        return pd.DataFrame({field: self.names[field] for field in NAME.names or ()}, index=self.tickers)


@dataclass(frozen=True, eq=False)
class History:
    """What was known at every close, and the bars in which orders fill.

    Parameters
    ----------
    sessions : DatetimeIndex
        Down.
    tickers : Index
        Across; sorted, so that the order of the input cannot matter.
    names : records of shapes.Name, sessions × tickers
        Read-only.
    bars : records of Bar, sessions × tickers
        Read-only.
    moments : Moments
        Arrays over the sessions; returns sessions × tickers. Read-only.
    atr_window, correlation_window : int
        The windows the indicators were made for. [sessions]
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    names: Records
    bars: Records
    moments: Moments
    atr_window: int
    correlation_window: int

    def until(self, session: sessions.Day) -> History:
        """The same up to and with a session: what is decided in it is what the whole history decides by then."""
        count = int(self.sessions.searchsorted(pd.Timestamp(session), side="right"))
        known = self.moments
        moments = known._replace(
            returns=np.asfortranarray(known.returns[:count]),
            regime=known.regime[:count],
            age=known.age[:count],
            session=known.session[:count],
            first=known.first[: count + 1],
            wanted=known.wanted[: known.first[count]],
        )
        return replace(
            self,
            sessions=self.sessions[:count],
            names=self.names[:count],
            bars=self.bars[:count],
            moments=Moments(*frozen(moments)),
        )

    def day(self, session: int | sessions.Day) -> Day:
        """One session, by its date or its row.

        Raises
        ------
        SessionError
            When the history has no such session.
        """
        t = session if isinstance(session, int) else self.sessions.get_indexer([pd.Timestamp(session)])[0]
        if not 0 <= t < len(self.sessions):
            span = f"{self.sessions[0]:%Y-%m-%d} to {self.sessions[-1]:%Y-%m-%d}"
            raise SessionError(f"{session} is not a session of this history, which runs from {span}")
        start = max(t + 1 - self.correlation_window, 0)
        moment = Moment(
            returns=frozen(np.asfortranarray(self.moments.returns[start : t + 1])),
            end=t + 1 - start,
            regime=int(self.moments.regime[t]),
            age=int(self.moments.age[t]),
            session=int(self.moments.session[t]),
            wanted=self.moments.wanted[self.moments.first[t] : self.moments.first[t + 1]],
        )
        return Day(self.sessions[t], self.tickers, self.names[t], moment, self.atr_window, self.correlation_window)


def history(
    market: Market,
    signals: SignalPanels,
    *,
    percentile: Panel | None = None,
    veto: Panel | None = None,
    params: ExecutorParams,
) -> History:
    """Everything that decisions over a whole market need.

    Parameters
    ----------
    market : Market
        Prices, actions, membership.
    signals : SignalPanels
        In force at each close; labels within the market's.
    percentile : Panel, optional
        Place of each prediction among its date's names; sessions and tickers not covered have none. [fraction]
    veto : Panel, optional
        Whether the prediction vetoes an entry. [bool]
    params : ExecutorParams
        Only its `atr_window` and `correlation_window` are used: every other parameter may vary over one history.

    Returns
    -------
    History
    """
    tickers = pd.Index(sorted(market.tickers), name="ticker")

    def aligned(panel: Panel | None, name: str, kind: str, missing: Any) -> NDArray[Any]:
        return _aligned(panel, market.sessions, tickers, name=name, kind=kind, missing=missing)

    def by_session(values: pd.Series, name: str, missing: int) -> Ints:
        column = values.to_frame(name)
        return _aligned(column, market.sessions, column.columns, name=name, kind="int64", missing=missing)[:, 0]

    names = np.zeros((len(market.sessions), len(tickers)), NAME)
    _fill_market(names, market, tickers, params)
    _fill_opinions(
        names,
        signal=aligned(signals.signal, "signal", "int8", SignalCode.NONE),
        conviction=aligned(signals.conviction, "conviction", "int8", ConvictionCode.STABLE),
        score=aligned(signals.score, "score", "float64", np.nan),
        upside=aligned(signals.upside, "upside", "float64", np.nan),
        sector_rating=_aligned(
            signals.sector_rating, market.sessions, pd.Index(SECTORS), name="sector_rating", kind="int8", missing=0
        ),
    )
    names["percentile"] = aligned(percentile, "percentile", "float64", np.nan)
    names["veto"] = aligned(veto, "veto", "bool", False)
    total = market.adj_close
    first, wanted = wanted_by_score(names)
    moments = Moments(
        returns=np.asfortranarray(_array(total / total.shift(1) - 1, tickers)),
        regime=by_session(signals.regime, "regime", RegimeCode.NEUTRAL),
        age=by_session(signals.age, "age", -1),
        session=_session_numbers(market.sessions),
        first=first,
        wanted=wanted,
    )
    return History(
        sessions=market.sessions,
        tickers=tickers,
        names=frozen(names),
        bars=frozen(_bars(market, tickers)),
        moments=Moments(*frozen(moments)),
        atr_window=params.atr_window,
        correlation_window=params.correlation_window,
    )


def day_of(market: Market, signals: Signals, predictions: Predictions | None, *, params: ExecutorParams) -> Day:
    """The market's last session, from the artefacts in force; the same to the last bit as `History.day`.

    Parameters
    ----------
    market : Market
        As of the session.
    signals : contracts.Signals
        In force; they may be older than the session.
    predictions : contracts.Predictions, optional
        Of that session.
    params : ExecutorParams
        As in `history`.

    Raises
    ------
    InputError
        When signals or predictions are of another time than the market.
    """
    age = sessions.sessions_from(signals.date, market.last)
    if age < 0:
        raise InputError(
            f"signals of {signals.date} are later than the market, whose last session is {market.last:%Y-%m-%d}"
        )
    if predictions is not None and pd.Timestamp(predictions.date) != market.last:
        raise InputError(
            f"predictions are of {predictions.date}, the market's last session is {market.last:%Y-%m-%d}; predict again"
        )
    entries, views = {entry.ticker: entry for entry in signals.universe}, signals.sector_ratings
    index, last = pd.Index(list(entries), dtype="str"), market.sessions[-1:]
    ratings = [RATINGS[views[name].rating] if name in views else 0 for name in SECTORS]

    def row(values: list[Any], names: pd.Index = index) -> Panel:
        return pd.DataFrame([values], index=last, columns=names)

    panels = SignalPanels(
        score=row([np.nan if e.score is None else e.score for e in entries.values()]),
        signal=row([SignalCode[e.signal] for e in entries.values()]),
        conviction=row([ConvictionCode[e.conviction.upper()] for e in entries.values()]),
        upside=row([np.nan if e.price_target_upside is None else e.price_target_upside for e in entries.values()]),
        sector_rating=row(ratings, pd.Index(SECTORS)),
        regime=pd.Series([RegimeCode[signals.market_regime.upper()]], index=last),
        age=pd.Series([age], index=last),
    )
    used = predictions.predictions if predictions is not None and predictions.model_version != "none" else []
    places = pd.Index([p.ticker for p in used], dtype="str")
    percentile = row([np.nan if p.p_up is None else p.p_up for p in used], places)
    veto = row([p.gbm_veto or p.momentum_veto for p in used], places)
    return history(market, panels, percentile=percentile, veto=veto, params=params).day(len(market.sessions) - 1)


def _fill_market(names: Records, market: Market, tickers: pd.Index, params: ExecutorParams) -> None:
    """The fields of `Name` that come from the market: docs/rules.md, Indicators."""
    split, total = market.split_factor, market.adj_close
    close, high, low = (panel * split for panel in (market.close, market.high, market.low))
    panels = {
        "close": market.close,
        # A close is itself, to the last bit; only where there is none the one before is brought to units of the day.
        "mark": market.close.where(market.close.notna(), close.ffill() / split),
        "atr": atr(high, low, close, window=params.atr_window).ffill() / split,
        "rsi": rsi(total, window=14),
        "gap": (market.adj_open / total.ffill().shift(1) - 1).where(market.close.notna()),
        "momentum": total / total.shift(20) - 1,
        "low": low.rolling(20, min_periods=1).min() / split,
        "adv": (market.close * market.volume).rolling(20, min_periods=10).mean(),
        "volatility": (total / total.shift(1) - 1).rolling(20, min_periods=10).std(),
    }
    for field, panel in panels.items():
        names[field] = _array(panel, tickers)
    names["low"][:19] = np.nan
    names["sector"] = market.sector.reindex(columns=tickers).to_numpy(np.int8)
    names["sector_momentum"] = _by_sector(_etf_momentum(market), names["sector"])
    tradable = market.tradable & market.member.astype(bool)
    names["tradable"] = tradable.reindex(columns=tickers).to_numpy(bool)
    names["report_in"] = _report_in(market, tickers)
    names["unbroken"] = _unbroken(_array(total / total.shift(1), tickers))


def _fill_opinions(
    names: Records,
    *,
    signal: NDArray[Any],
    conviction: NDArray[Any],
    score: NDArray[Any],
    upside: NDArray[Any],
    sector_rating: NDArray[Any],
) -> None:
    """The fields of `Name` that come from research. A name without a signal has no opinion beside it."""
    none = signal == SignalCode.NONE
    names["signal"] = signal
    names["conviction"] = np.where(none, np.int8(ConvictionCode.STABLE), conviction)
    names["score"] = np.where(none, np.nan, score)
    names["upside"] = np.where(none, np.nan, upside)
    names["rating"] = _by_sector(np.column_stack([sector_rating, np.zeros(len(sector_rating))]), names["sector"])


def wanted_by_score(names: Records) -> tuple[Ints, Ints]:
    """Places of the names to enter, row by row, and where each row's begin; see `shapes.Moments`."""
    row, place = np.nonzero(names["signal"] == SignalCode.ENTER)
    order = np.lexsort((place, -names["score"][row, place], row))  # NaN sorts last
    counts = np.bincount(row, minlength=len(names))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), place[order].astype(np.int64)


def _etf_momentum(market: Market) -> Floats:
    """20-session return of each sector's ETF, sessions × sectors; the last column, of sector −1, is NaN. [fraction]"""
    etf = market.benchmarks.reindex(columns=list(SECTOR_ETFS))
    return np.column_stack([(etf / etf.shift(20) - 1).to_numpy(float), np.full(len(etf), np.nan)])


def _by_sector(values: Floats, sector: NDArray[Any]) -> Floats:
    """Each name's value of its sector; the last column is for sector −1."""
    return np.take_along_axis(values, sector.astype(np.intp), axis=1)


def _array(panel: Panel, tickers: pd.Index) -> Floats:
    values: Floats = panel.reindex(columns=tickers).to_numpy(dtype=float)
    return values


def _bars(market: Market, tickers: pd.Index) -> Records:
    bars = np.zeros((len(market.sessions), len(tickers)), BAR)
    for field in ("open", "high", "low"):
        bars[field] = _array(getattr(market, field), tickers)
    bars["split"], bars["delisting"] = 1.0, np.nan
    columns = tickers.get_indexer(pd.Index(market.actions["ticker"]))
    days, dates = market.sessions, pd.DatetimeIndex(market.actions["date"])
    rows = days.searchsorted(dates)
    inside = (rows < len(days)) & (columns >= 0)
    rows, columns, actions = rows[inside], columns[inside], market.actions[inside]
    exactly = days[rows] == dates[inside]
    for row, column, kind, value, exact in zip(rows, columns, actions["kind"], actions["value"], exactly, strict=True):
        if kind == "delisting":  # without a session on that date it is of the next one
            bars["delisting"][row, column] = value
        elif kind == "split" and exact:
            bars["split"][row, column] *= value
        elif kind == "dividend" and exact:
            bars["dividend"][row, column] += value
    return bars


def _unbroken(values: Floats) -> NDArray[np.int64]:
    """Rows up to each that have a value, without a gap."""
    row = np.arange(1, len(values) + 1)[:, None]
    return row - np.maximum.accumulate(np.where(np.isnan(values), row, 0), axis=0)


def _report_in(market: Market, tickers: pd.Index) -> NDArray[np.int32]:
    """Exchange sessions to the next report that is scheduled at each close; 0 when none is."""
    result = np.zeros((len(market.sessions), len(tickers)), dtype=np.int32)
    reports = market.earnings[market.earnings["scheduled"].notna()]
    columns = tickers.get_indexer(pd.Index(reports["ticker"]))
    first = market.sessions.searchsorted(pd.DatetimeIndex(reports["scheduled"]))
    after = market.sessions.searchsorted(pd.DatetimeIndex(reports["date"]))
    number, on = _session_numbers(market.sessions), _session_numbers(pd.DatetimeIndex(reports["date"]))
    for column, start, end, report in zip(columns, first, after, on, strict=True):
        if column >= 0:
            known, wait = result[start:end, column], report - number[start:end]
            result[start:end, column] = np.where((known == 0) | (wait < known), wait, known)
    return result


def _session_numbers(days: pd.DatetimeIndex) -> Ints:
    """Number of sessions up to and including each day; the difference of two is `sessions.sessions_from`."""
    return np.asarray(sessions.all_sessions().searchsorted(days, side="right"), dtype=np.int64)


def _aligned(
    panel: Panel | None, down: pd.DatetimeIndex, across: pd.Index, *, name: str, kind: str, missing: Any
) -> NDArray[Any]:
    """A panel's values over sessions and names, `missing` where it has none.

    A label too many or twice is an error, and so is a value outside `RANGES`.
    """
    if panel is None:
        return np.full((len(down), len(across)), missing, dtype=kind)
    for labels in (panel.index, panel.columns):
        if not labels.is_unique:
            raise InputError(f"{name} has {labels[labels.duplicated()][0]} more than once")
    strange = [*panel.columns.difference(across), *panel.index.difference(down)]
    if strange:
        raise InputError(f"{name} has {len(strange)} label(s) that the market has not, {strange[0]} first")
    if kind != "float64" and panel.isna().any(axis=None):
        raise InputError(f"{name} has missing values; where there is none it says {missing!r}")
    if name in RANGES:
        _require_within(panel, name, *RANGES[name])
    result = np.full((len(down), len(across)), missing, dtype=kind)
    rows, columns = down.get_indexer(panel.index), across.get_indexer(panel.columns)
    result[np.ix_(rows, columns)] = panel.to_numpy(dtype=kind)
    return result


def _require_within(panel: Panel, name: str, lowest: float, highest: float) -> None:
    """Refuse values that cannot be, percents for fractions say; NaN is none."""
    values = panel.to_numpy(dtype=float)
    rows, columns = np.nonzero((values < lowest) | (values > highest))
    if len(rows):
        where = f"{panel.columns[columns[0]]} on {panel.index[rows[0]]:%Y-%m-%d}"
        raise InputError(
            f"{name} must be from {lowest:g} to {highest:g}, got {values[rows[0], columns[0]]:g} for {where}"
        )
