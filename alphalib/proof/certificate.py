"""The certificate: nothing that the library knows at a date changes with what happens later.

After each of the dates everything is replaced by NaN, by 1e10, by rows in another order, and cut off, from the received
rows onwards. What every stage knows up to that date must be the same to the last byte. And what it says of the days
after must change: a result that does not notice was never computed, it came from a cache.
"""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.proof.frames import aligned, digest, first_difference, is_nothing, until
from alphalib.proof.received import CORRUPTIONS, How, Received
from alphalib.proof.stages import STAGES, Known, Stage
from alphalib.sessions import all_sessions

WARM_UP = 252  # [sessions] by then most features have values
FUTURE = 21  # [sessions] at least that much is left to be corrupted
FEWEST = 8

Step = Callable[[str], None]


@dataclass(frozen=True)
class Leak:
    """An artefact that changed with the future, or never noticed it.

    Parameters
    ----------
    stage, artefact : str
        Where.
    how, day
        What was done to everything after which session; "replaced" when it stayed the same under all of them.
    what : str
        The first value that differs: its date, its ticker or field, what it is and what it became.
    """

    stage: str
    artefact: str
    how: str
    day: pd.Timestamp
    what: str

    def __str__(self) -> str:
        return f"{self.stage}, {self.artefact}: {self.what} (all after {self.day:%Y-%m-%d} {self.how})"


@dataclass(frozen=True, eq=False)
class Certificate:
    """What was compared and what was found.

    Parameters
    ----------
    market : str
        What it was run on, in words.
    table : DataFrame
        One row a stage, corruption and date: `stage, how, day`, `artefacts` compared, `leaks` found.
    leaks : tuple of Leak
        One an artefact and corruption, at the first date it shows.
    empty : tuple of str
        Artefacts without a single value, of which nothing is proven.
    """

    market: str
    table: pd.DataFrame
    leaks: tuple[Leak, ...]
    empty: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing leaked."""
        return not self.leaks

    @property
    def grid(self) -> pd.DataFrame:
        """Artefacts that leak, stages and corruptions down, dates across."""
        wide = self.table.pivot(index=["stage", "how"], columns="day", values="leaks")
        order = [(stage, how) for stage in self.table["stage"].unique() for how in self.table["how"].unique()]
        return wide.reindex(pd.MultiIndex.from_tuples(order, names=["stage", "how"]))

    def summary(self) -> str:
        """The verdict in a sentence."""
        days, artefacts = self.table["day"].nunique(), self.table.groupby("stage")["artefacts"].max().sum()
        compared = (
            f"{artefacts:,} artefacts of {self.table['stage'].nunique()} stages at {days} dates, the future replaced "
            f"in {self.table['how'].nunique()} ways, on {self.market}"
        )
        if self.passed:
            return f"certified: {compared}: every value known by then is the same to the last byte"
        leaking = {(leak.stage, leak.artefact) for leak in self.leaks}
        return f"NOT certified: {len(leaking):,} leak, of {compared}"

    def lines(self) -> list[str]:
        """The verdict, what leaks, and of what nothing is proven."""
        told = list(map(str, self.leaks))
        if self.leaks:
            told = [self.grid.rename(columns=lambda day: f"{day:%y-%m-%d}").to_string(), *told]
        if self.empty:
            told.append(f"no value on this market, so nothing is proven of {len(self.empty)}: {', '.join(self.empty)}")
        return [*told, self.summary()]

    def _repr_html_(self) -> str:
        leaks = "".join(f"<li>{html.escape(str(leak))}</li>" for leak in self.leaks)
        return f"<p>{html.escape(self.summary())}</p><ul>{leaks}</ul>{self.grid.to_html()}"


def certify(
    received: Received,
    stages: Iterable[Stage] = tuple(STAGES.values()),
    *,
    dates: int = FEWEST,
    step: Step = lambda _: None,
) -> Certificate:
    """Replace the future after each date in every way, and compare what every stage knows up to it.

    On each of the dates one name's bar is taken out first, so that what fills gaps from behind has one to fill.

    Parameters
    ----------
    received : Received
        The rows to run the library on.
    stages : iterable of Stage
        What to prove.
    dates : int
        How many dates; at least 8.
    step : callable
        Is told what is being done, `steps` times.

    Returns
    -------
    Certificate
    """
    stages = tuple(stages)
    known = Known.of(received)
    market = known.market
    days = certificate_dates(market.sessions, dates)
    described = f"{market.source.name}, {market.close.shape[1]:,} names and {market.close.shape[0]:,} sessions"
    known = known.with_gaps(days)
    prints = {stage.name: _prints(stage, known, days, step) for stage in stages}
    known = Known(known.received, known.accepted, days)  # without what the stages left in it
    del market
    unmoved = {(stage, name) for stage, own in prints.items() for name, one in own.items() if one.future}
    checks: list[_Check] = []
    for day in days:
        for how in CORRUPTIONS:
            spoilt = known.corrupted(day, how)
            for stage in stages:
                step(f"{stage.name}, {how} after {day:%Y-%m-%d}")
                check = _checked(stage, spoilt, prints[stage.name], days, day=day, how=how)
                checks.append(check)
                unmoved -= {(stage.name, name) for name in check.moved}
    leaks = [*_located(known, stages, days, checks), *_deaf(sorted(unmoved), days[0])]
    empty = [f"{stage} {name}" for stage, own in prints.items() for name, one in own.items() if one.nothing[-1]]
    table = pd.DataFrame(
        [(one.stage, one.how, one.day, len(prints[one.stage]), len(one.broken)) for one in checks],
        columns=["stage", "how", "day", "artefacts", "leaks"],
    )
    return Certificate(described, table, tuple(leaks), tuple(empty))


def steps(stages: int, dates: int = FEWEST) -> int:
    """How many steps `certify` tells of."""
    return stages * (1 + dates * len(CORRUPTIONS))


def certificate_dates(sessions: pd.DatetimeIndex, count: int = FEWEST) -> pd.DatetimeIndex:
    """Sessions spread over the span after the warm-up, every other one the last of a month.

    Raises
    ------
    InputError
        When fewer than 8 are asked for, or the span is too short for so many.
    """
    if count < FEWEST:
        raise InputError(f"a certificate needs at least {FEWEST} dates, got {count}")
    first, last = min(WARM_UP, len(sessions) // 2), len(sessions) - 1 - FUTURE
    if last - first < 2 * count:
        raise InputError(f"{len(sessions)} sessions are too few for a certificate at {count} dates")
    exchange = all_sessions()
    following = exchange[exchange.searchsorted(sessions, side="right")]
    month_ends = np.flatnonzero(sessions.to_period("M") != following.to_period("M"))
    month_ends = month_ends[(month_ends >= first) & (month_ends <= last)]
    chosen: list[int] = []
    for number, wanted in enumerate(np.linspace(first, last, count).astype(int)):
        free = np.setdiff1d(month_ends if number % 2 else np.arange(first, last + 1), chosen)
        free = free if len(free) else np.setdiff1d(np.arange(first, last + 1), chosen)
        chosen.append(int(free[np.argmin(np.abs(free - wanted))]))
    return sessions[sorted(chosen)]


@dataclass(frozen=True, eq=False)
class _Print:
    """What an artefact must still be when the future is another: hashes, since hundreds of panels do not fit.

    Parameters
    ----------
    columns : Index
        Of the artefact.
    past : tuple of bytes
        Hash of what is known by each date.
    nothing : tuple of bool
        Whether nothing is known by each date; last whether there is no value at all.
    future : bytes
        Hash of the rows after the first date; empty when they hold nothing.
    """

    columns: pd.Index
    past: tuple[bytes, ...]
    nothing: tuple[bool, ...]
    future: bytes

    @classmethod
    def of(cls, frame: pd.DataFrame, days: pd.DatetimeIndex) -> _Print:
        known = [until(frame, day) for day in days]
        after = frame.iloc[len(known[0]) :]
        return cls(
            columns=frame.columns,
            past=tuple(map(digest, known)),
            nothing=(*map(is_nothing, known), is_nothing(frame)),
            future=b"" if is_nothing(after) else digest(after),
        )


def _prints(stage: Stage, known: Known, days: pd.DatetimeIndex, step: Step) -> dict[str, _Print]:
    step(f"{stage.name}, as it is")
    with _quiet():
        return {name: _Print.of(frame, days) for name, frame in stage.artefacts(known, days)}


@dataclass(frozen=True)
class _Check:
    """What one corruption did to a stage: artefacts that broke, each with the reason where it is known already."""

    stage: str
    how: How
    day: pd.Timestamp
    broken: dict[str, str]
    moved: tuple[str, ...]


def _checked(
    stage: Stage, spoilt: Known, prints: dict[str, _Print], days: pd.DatetimeIndex, *, day: pd.Timestamp, how: How
) -> _Check:
    place = int(days.get_loc(day))
    broken: dict[str, str] = {}
    moved: list[str] = []
    missing = {name for name, one in prints.items() if not one.nothing[place]}
    try:
        with _quiet():
            for name, frame in stage.artefacts(spoilt, days[days <= spoilt.market.last]):
                missing.discard(name)
                known = until(frame, day)
                was = prints.get(name)
                if was is None or (same := aligned(known, was.columns)) is None:
                    broken |= {} if is_nothing(known) else {name: "knows of names that are not there otherwise"}
                elif digest(same) != was.past[place]:
                    broken[name] = ""
                if was and place == 0 and how != "cut":
                    after = frame.iloc[len(known) :]
                    moved += [name] if not after.columns.equals(was.columns) or digest(after) != was.future else []
    except Exception as error:  # whatever it is, it is not raised when the future is as it was
        broken["(whole)"] = f"raises {type(error).__name__}: {error}"
    else:
        broken |= dict.fromkeys(sorted(missing), "is not there")
    return _Check(stage.name, how, day, broken, tuple(moved))


def _located(known: Known, stages: Iterable[Stage], days: pd.DatetimeIndex, checks: Iterable[_Check]) -> Iterator[Leak]:
    """One leak an artefact and corruption, found by computing both again at the first date it shows."""
    by_name = {stage.name: stage for stage in stages}
    seen: set[tuple[str, str, str]] = set()
    for check in checks:
        new = {name: why for name, why in check.broken.items() if (check.stage, check.how, name) not in seen}
        seen |= {(check.stage, check.how, name) for name in new}
        where = {name for name, why in new.items() if not why}
        if where:
            new |= _differences(by_name[check.stage], known, where, days, day=check.day, how=check.how)
        yield from (Leak(check.stage, name, check.how, check.day, what) for name, what in new.items())


def _differences(
    stage: Stage, known: Known, where: set[str], days: pd.DatetimeIndex, *, day: pd.Timestamp, how: How
) -> dict[str, str]:
    spoilt = known.corrupted(day, how)
    found = {}
    with _quiet():
        is_now = (pair for pair in stage.artefacts(known, days) if pair[0] in where)
        becomes = (pair for pair in stage.artefacts(spoilt, days[days <= spoilt.market.last]) if pair[0] in where)
        for (name, one), (_, other) in zip(is_now, becomes, strict=True):
            same = aligned(until(other, day), one.columns)
            if same is not None:
                found[name] = first_difference(until(one, day), same)
    return found


def _deaf(unmoved: Iterable[tuple[str, str]], day: pd.Timestamp) -> Iterator[Leak]:
    for stage, name in unmoved:
        yield Leak(
            stage, name, "replaced", day, "stays as it is after that date too: it was not computed from these rows"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
