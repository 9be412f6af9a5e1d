"""A whole history as the decision reads it: indicators and signals as frozen arrays, made once for many runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib import sessions
from alphalib.compiled import Floats, Ints
from alphalib.contracts import Predictions, Signals
from alphalib.decision.shapes import Rows
from alphalib.errors import InputError, SessionError
from alphalib.features.technical import atr, rsi
from alphalib.market import SECTOR_ETFS, SECTORS, Market, Panel
from alphalib.params import ExecutorParams
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode, SignalPanels

RATINGS = {"underweight": -1, "market_weight": 0, "overweight": 1}


class Bars(NamedTuple):
    """What a simulated session needs to know, sessions × tickers.

    Parameters
    ----------
    open, high, low : array
        NaN where nothing traded. [currency]
    split : array
        New shares for one old; 1 on most days. [shares]
    dividend : array
        A share held before that session's split; 0 on most days. [currency]
    delisting : array
        Return from the last close to what holders received; NaN on most days. [fraction]
    """

    open: Floats
    high: Floats
    low: Floats
    split: Floats
    dividend: Floats
    delisting: Floats


@dataclass(frozen=True, eq=False)
class Day:
    """What was known at one close.

    Parameters
    ----------
    date : Timestamp
        The session.
    tickers : Index
        Sorted; the order of every array in `rows`.
    rows : Rows
        The arrays. Read-only.
    atr_window, correlation_window : int
        The windows they were made for. [sessions]
    """

    date: pd.Timestamp
    tickers: pd.Index
    rows: Rows[int]
    atr_window: int
    correlation_window: int


@dataclass(frozen=True, eq=False)
class History:
    """What was known at every close, and the bars in which orders fill.

    Parameters
    ----------
    sessions : DatetimeIndex
        Down.
    tickers : Index
        Across; sorted, so that the order of the input cannot matter.
    rows : Rows
        Arrays sessions × tickers; `end`, `regime`, `age` and `session` are arrays over the sessions. Read-only.
    bars : Bars
        Read-only.
    atr_window, correlation_window : int
        The windows the indicators were made for. [sessions]
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    rows: Rows[Ints]
    bars: Bars
    atr_window: int
    correlation_window: int

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
        numbers = ("end", "regime", "age", "session")
        arrays = {n: a[t] for n, a in self.rows._asdict().items() if n != "returns" and n not in numbers}
        rows: Rows[int] = Rows(
            **arrays,
            returns=_frozen(np.asfortranarray(self.rows.returns[start : t + 1])),
            end=t + 1 - start,
            regime=int(self.rows.regime[t]),
            age=int(self.rows.age[t]),
            session=int(self.rows.session[t]),
        )
        return Day(self.sessions[t], self.tickers, rows, self.atr_window, self.correlation_window)


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

    known = _known(market, tickers, params)
    rating = _aligned(
        signals.sector_rating, market.sessions, pd.Index(SECTORS), name="sector_rating", kind="int8", missing=0
    )
    rows: Rows[Ints] = Rows(
        **known,
        **_opinions(
            signal=aligned(signals.signal, "signal", "int8", SignalCode.NONE),
            conviction=aligned(signals.conviction, "conviction", "int8", ConvictionCode.STABLE),
            score=aligned(signals.score, "score", "float64", np.nan),
            upside=aligned(signals.upside, "upside", "float64", np.nan),
            sector_rating=rating,
            sector=known["sector"],
        ),
        percentile=aligned(percentile, "percentile", "float64", np.nan),
        veto=aligned(veto, "veto", "bool", False),
        end=np.arange(1, len(market.sessions) + 1),
        regime=signals.regime.reindex(market.sessions).fillna(RegimeCode.NEUTRAL).to_numpy(np.int64),
        age=signals.age.reindex(market.sessions).fillna(-1).to_numpy(np.int64),
        session=_session_numbers(market.sessions),
    )
    return History(
        sessions=market.sessions,
        tickers=tickers,
        rows=Rows(*(_frozen(array) for array in rows)),
        bars=Bars(*(_frozen(array) for array in _bars(market, tickers))),
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


def _known(market: Market, tickers: pd.Index, params: ExecutorParams) -> dict[str, Any]:
    """The fields of `Rows` that come from the market: docs/rules.md, Indicators."""
    split = market.split_factor
    close, high, low = (panel * split for panel in (market.close, market.high, market.low))
    ranges = atr(high, low, close, window=params.atr_window).ffill() / split
    total = market.adj_close
    sector = market.sector.reindex(columns=tickers).to_numpy(np.int8)
    etf = market.benchmarks.reindex(columns=list(SECTOR_ETFS))
    etf_momentum = np.column_stack([(etf / etf.shift(20) - 1).to_numpy(float), np.full(len(etf), np.nan)])
    tradable = market.tradable & market.member.astype(bool)

    def array(panel: Panel) -> Floats:
        return np.ascontiguousarray(panel.reindex(columns=tickers).to_numpy(dtype=float))

    return {
        "close": array(market.close),
        # A close is itself, to the last bit; only where there is none the one before is brought to units of the day.
        "mark": array(market.close.where(market.close.notna(), close.ffill() / split)),
        "atr": array(ranges),
        "rsi": array(rsi(total, window=14)),
        "momentum": array(total / total.shift(20) - 1),
        "sector_momentum": np.take_along_axis(etf_momentum, sector.astype(np.intp), axis=1),
        "low": array(low.rolling(20, min_periods=1).min().where(_rows_from(low, 19)) / split),
        "sector": sector,
        "tradable": np.ascontiguousarray(tradable.reindex(columns=tickers).to_numpy(bool)),
        "report_in": _report_in(market, tickers),
        "returns": np.asfortranarray(array(total / total.shift(1) - 1)),
    }


def _rows_from(panel: Panel, first: int) -> NDArray[np.bool_]:
    """True from row `first` on, in the shape of the panel."""
    return np.broadcast_to((np.arange(len(panel)) >= first)[:, None], panel.shape)


def _opinions(
    *,
    signal: NDArray[Any],
    conviction: NDArray[Any],
    score: NDArray[Any],
    upside: NDArray[Any],
    sector_rating: NDArray[Any],
    sector: NDArray[Any],
) -> dict[str, Any]:
    """The fields of `Rows` that come from research. What has no signal has no opinion, whatever else was filled in."""
    none = signal == SignalCode.NONE
    by_sector = np.column_stack([sector_rating, np.zeros(len(sector_rating), dtype=np.int8)])
    return {
        "signal": signal,
        "conviction": np.where(none, np.int8(ConvictionCode.STABLE), conviction),
        "score": np.where(none, np.nan, score),
        "upside": np.where(none, np.nan, upside),
        "rating": np.take_along_axis(by_sector, sector.astype(np.intp), axis=1),
    }


def _bars(market: Market, tickers: pd.Index) -> Bars:
    def array(panel: Panel) -> Floats:
        return np.ascontiguousarray(panel.reindex(columns=tickers).to_numpy(dtype=float))

    shape = (len(market.sessions), len(tickers))
    split, dividend, delisting = np.ones(shape), np.zeros(shape), np.full(shape, np.nan)
    columns = tickers.get_indexer(pd.Index(market.actions["ticker"]))
    # A delisting on a day without a session is of the next one; a split or dividend there cannot be placed.
    rows = market.sessions.searchsorted(pd.DatetimeIndex(market.actions["date"]))
    inside = (rows < len(market.sessions)) & (columns >= 0)
    for row, column, action in zip(rows[inside], columns[inside], market.actions[inside].itertuples(), strict=True):
        if action.kind == "delisting":
            delisting[row, column] = action.value
        elif action.kind in ("split", "dividend") and market.sessions[row] == action.date:
            if action.kind == "split":
                split[row, column] *= action.value
            else:
                dividend[row, column] += action.value
    return Bars(
        open=array(market.open),
        high=array(market.high),
        low=array(market.low),
        split=split,
        dividend=dividend,
        delisting=delisting,
    )


def _report_in(market: Market, tickers: pd.Index) -> Ints:
    """Exchange sessions to the next report that is scheduled at each close; 0 when none is."""
    result = np.zeros((len(market.sessions), len(tickers)), dtype=np.int64)
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
    """A panel's values over sessions and names, `missing` where it has none; a label too many is an error."""
    if panel is None:
        return np.full((len(down), len(across)), missing, dtype=kind)
    strange = [*panel.columns.difference(across), *panel.index.difference(down)]
    if strange:
        raise InputError(f"{name} has {len(strange)} label(s) that the market has not, {strange[0]} first")
    result = np.full((len(down), len(across)), missing, dtype=kind)
    rows, columns = down.get_indexer(panel.index), across.get_indexer(panel.columns)
    result[np.ix_(rows, columns)] = panel.to_numpy(dtype=kind)
    return result


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
