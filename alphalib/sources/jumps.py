"""Jumps between daily bars that nothing explains, judged from past rows alone."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

PRICES = ["open", "high", "low", "close"]
FAR = np.log(5.0)  # no name of the S&P 900 moved so far in a session of 2010–2024 without an action
JUMP = 0.20  # log return over the market's median
JUMP_SIGMAS = 10.0  # of the name's last 63 returns, or of that day's cross-section where that is wider
QUIET = 2.0  # true news comes with volume: below this multiple of the 21-session median there was none
DOUBTFUL_ROWS = 2  # a level that holds longer is accepted from there on
LONG_GAP = 63  # [sessions] a symbol unused this long that returns at another level is another security
_WORST = 0.3  # log return that counts as such in a name's range, so that one slip does not hide the next
WIDE_GAP = np.log(2.0)


class Track(NamedTuple):
    """Accepted-so-far rows, sorted by name and session, with what is usual for each of them."""

    prices: Floats
    volume: Floats
    codes: Ints
    positions: Ints
    dates: Any
    market: Floats
    spread: Floats
    usual_volume: Floats

    @classmethod
    def of(cls, prices: Floats, volume: Floats, codes: Ints, positions: Ints, dates: Any) -> Track:
        """Usual size of a move and of the volume, from past rows and the same session's cross-section."""
        moves = np.full(len(prices), np.nan)
        moves[1:] = np.where(codes[1:] == codes[:-1], np.diff(np.log(prices[:, 3])), np.nan)
        by_session = pd.Series(moves).groupby(positions)
        enough = by_session.transform("count") >= 20
        median = by_session.transform("median").where(enough, 0.0)
        excess = pd.Series(moves) - median
        across = 1.4826 * excess.abs().groupby(positions).transform("median").where(enough, 0.0)
        of_name = excess.clip(-_WORST, _WORST).groupby(codes).rolling(63, min_periods=10).std().to_numpy()
        median_volume = pd.Series(volume).groupby(codes).rolling(21, min_periods=5).median().to_numpy()
        sessions = pd.Series(median.to_numpy(), index=positions).groupby(level=0).first()
        market = sessions.cumsum().reindex(positions).to_numpy()
        spread = np.maximum(_before(of_name, codes), np.nan_to_num(across.to_numpy()))  # NaN without ten returns
        return cls(prices, volume, codes, positions, dates, market, spread, _before(median_volume, codes))


def _before(values: Floats, codes: Ints) -> Floats:
    """Values of the name's row before; NaN in its first."""
    shifted = np.full(len(values), np.nan)
    shifted[1:] = np.where(codes[1:] == codes[:-1], values[:-1], np.nan)
    return shifted


def _growth(track: Track, names: pd.Index, actions: pd.DataFrame) -> Floats:
    """Running sum of log growth by splits and dividends; only differences within a name mean something."""
    growth = np.zeros(len(track.codes))
    chosen = actions[actions["kind"].isin(["split", "dividend"])]
    codes = names.get_indexer(pd.Index(chosen["ticker"]))
    known = codes >= 0
    chosen, codes = chosen[known], codes[known]
    stamps = track.dates.astype("datetime64[D]").astype(np.int64)
    keys = track.codes.astype(np.int64) * 10**6 + stamps
    wanted = codes.astype(np.int64) * 10**6 + chosen["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    rows = np.searchsorted(keys, wanted)
    inside = rows < len(keys)
    inside[inside] = track.codes[rows[inside]] == codes[inside]
    rows, value = rows[inside], chosen["value"].to_numpy(dtype=float)[inside]
    split = (chosen["kind"] == "split").to_numpy()[inside]
    np.add.at(growth, rows, np.where(split, np.log(value), np.log1p(value / track.prices[rows, 3])))
    return np.cumsum(growth)


def _endings(names: pd.Index, actions: pd.DataFrame) -> dict[int, list[pd.Timestamp]]:
    """Dates of the delistings of each name."""
    ended = actions[actions["kind"] == "delisting"]
    return {
        int(names.get_loc(ticker)): sorted(rows["date"]) for ticker, rows in ended.groupby("ticker") if ticker in names
    }


def jumps(track: Track, names: pd.Index, actions: pd.DataFrame) -> tuple[dict[int, tuple[str, str]], dict[int, str]]:
    """Doubtful rows with kind and sentence, and the rows from which a name is another security, with the reason."""
    growth, ended = _growth(track, names, actions), _endings(names, actions)
    rows = np.arange(1, len(track.codes))
    same = track.codes[1:] == track.codes[:-1]
    doubtful, back = np.zeros(len(track.codes), dtype=bool), np.zeros(len(track.codes), dtype=bool)
    doubtful[1:] = same & _doubtful(track, growth, rows, rows - 1)
    back[1:] = same & _back(track, growth, rows, rows - 1)
    doubts: dict[int, tuple[str, str]] = {}
    breaks: dict[int, str] = {}
    for code in sorted(set(track.codes[doubtful | back].tolist()) | set(ended)):
        first, after = np.searchsorted(track.codes, [code, code + 1])
        if first < after:
            walk = _Walk(track, growth, doubtful, back)
            walk.go(range(int(first), int(after)), ended.get(code, []))
            doubts |= walk.doubts
            breaks |= walk.breaks
    return doubts, breaks


class _Walk:
    """One name from its first row to its last: accept, doubt, or begin a new security."""

    def __init__(self, track: Track, growth: Floats, doubtful: Bools, back: Bools) -> None:
        self.track, self.growth = track, growth
        self.doubtful_after_last, self.back_after_last = doubtful, back
        self.doubts: dict[int, tuple[str, str]] = {}
        self.breaks: dict[int, str] = {}

    def go(self, rows: range, endings: list[pd.Timestamp]) -> None:
        """Decide every row from what was accepted before it."""
        accepted = rows[0]
        waiting: list[int] = []
        for row in rows[1:]:
            last, now = self.track.dates[accepted], self.track.dates[row]
            if any(last < np.datetime64(ending) <= now for ending in endings):
                self.breaks[row] = "the listing before it had ended"
            elif self._is_back(row, accepted):
                sessions = self.track.positions[row] - self.track.positions[accepted] - 1
                times = _ratio(self.track, row, accepted)
                self.breaks[row] = f"back after {sessions} sessions at {times:.3g} times the last close"
            elif self._is_doubtful(row, accepted):
                waiting = [row] if not waiting or self._is_doubtful(row, waiting[-1]) else [*waiting, row]
                if len(waiting) <= DOUBTFUL_ROWS:
                    self.doubts[row] = _doubt(self.track, row, accepted)
                    continue
                self._accept_level(row, accepted, first=waiting[0])
            accepted, waiting = row, []

    def _accept_level(self, row: int, accepted: int, *, first: int) -> None:
        """A far rise without volume earned nobody anything: another security. A far fall may be a loss: it stays."""
        times = _ratio(self.track, row, accepted)
        if np.log(times) > FAR and self.track.volume[first] < QUIET * self.track.usual_volume[first]:
            self.breaks[row] = f"{times:.4g} times the last close with nothing to explain it"

    def _is_doubtful(self, row: int, reference: int) -> bool:
        if reference == row - 1:
            return bool(self.doubtful_after_last[row])
        return bool(_doubtful(self.track, self.growth, np.array([row]), np.array([reference]))[0])

    def _is_back(self, row: int, reference: int) -> bool:
        if reference == row - 1:
            return bool(self.back_after_last[row])
        return bool(_back(self.track, self.growth, np.array([row]), np.array([reference]))[0])


def _ratio(track: Track, row: int, reference: int) -> float:
    return float(track.prices[row, 3] / track.prices[reference, 3])


def _doubtful(track: Track, growth: Floats, rows: Ints, references: Ints) -> Bools:
    """Whether rows are too far from their reference rows, with corporate actions counted or not."""
    with np.errstate(invalid="ignore"):
        moves = np.log(track.prices[rows]) - np.log(track.prices[references, 3])[:, None]
        explained = (growth[rows] - growth[references])[:, None]
        beyond = np.fmin(np.nanmax(np.abs(moves), axis=1), np.nanmax(np.abs(moves + explained), axis=1))
        market = track.market[rows] - track.market[references]
        excess = np.minimum(np.abs(moves[:, 3] - market), np.abs(moves[:, 3] + explained[:, 0] - market))
        elapsed = np.maximum(track.positions[rows] - track.positions[references], 1)
        jump = (excess > JUMP) & (excess > JUMP_SIGMAS * track.spread[rows] * np.sqrt(elapsed))
        quiet = track.volume[rows] < QUIET * track.usual_volume[rows]
    return np.asarray((beyond > FAR) | (jump & quiet))


def _back(track: Track, growth: Floats, rows: Ints, references: Ints) -> Bools:
    """Whether rows come after a long gap at another level."""
    move = np.log(track.prices[rows, 3] / track.prices[references, 3])
    nearest = np.minimum(np.abs(move), np.abs(move + growth[rows] - growth[references]))
    long_gap = track.positions[rows] - track.positions[references] > LONG_GAP
    return np.asarray(long_gap & (nearest > WIDE_GAP))


def _doubt(track: Track, row: int, accepted: int) -> tuple[str, str]:
    """Kind and sentence of a doubtful row."""
    ratios = track.prices[row] / track.prices[accepted, 3]
    slipped = slips(ratios)
    worst = int(np.nanargmax(np.abs(np.log(ratios))))
    sentence = f"{PRICES[worst]} is {ratios[worst]:.4g} times the last accepted close, {track.prices[accepted, 3]:.6g}"
    return ("decimal_slip" if slipped[worst] else "unexplained_jump"), sentence


def slips(ratios: Floats) -> Bools:
    """Whether ratios are near a power of ten other than one; a day's true move may come on top."""
    tens = np.log10(ratios)
    return np.asarray((np.abs(tens - np.round(tens)) < 0.15) & (np.round(tens) != 0))
