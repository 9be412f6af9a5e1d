"""The parts of the library that the certificate covers, each a name and what it knows by date.

A stage is a pure function of what was received. It yields artefacts: frames whose index says when each row became
known, ascending. Another part of the library joins by another entry of `STAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.features import feature_panels
from alphalib.features.catalog import CATALOG, Entry
from alphalib.features.compute import factors
from alphalib.labels import forward_return, label_end, sector_relative_return
from alphalib.market import Market, Panel
from alphalib.models.design import stack
from alphalib.proof.received import How, Received, corrupted
from alphalib.sessions import next_session
from alphalib.sources.adjustment import Implied
from alphalib.sources.files import examined
from alphalib.sources.quality import Gated
from alphalib.sources.stored import BAR
from alphalib.universe import symbols

Artefacts: TypeAlias = Iterator[tuple[str, pd.DataFrame]]
HORIZONS = (5, 21)  # [sessions]
SEASON = 63  # [sessions]
BLOCK = 256 * 2**20  # [bytes] of factors that are held at a time


@dataclass(frozen=True, eq=False)
class Known:
    """What a stage is given.

    Parameters
    ----------
    received : Received
        Rows as they came in, doubtful ones among them.
    accepted : Received
        The rows that passed the quality gate before anything was corrupted, so that nonsense reaches what lies behind
        the gate.
    """

    received: Received
    accepted: Received

    @classmethod
    def of(cls, received: Received) -> Known:
        """What is known of received rows; an adjusted close is added as a vendor restates it at the end."""
        complete = received if "adj_close" in received.bars else _restated(received)
        gated, _ = _examined(complete)
        return cls(complete, replace(complete, bars=gated.bars))

    def with_gaps(self, days: pd.DatetimeIndex) -> Known:
        """The same without one name's bar on each of the days: what fills gaps from behind shows at a gap alone."""
        bars = self.accepted.bars
        gaps = {}
        for place, day in enumerate(days):
            names = bars.loc[bars["date"] == day, "ticker"].sort_values()
            gaps[day] = names.iloc[place % len(names)]

        def holed(rows: Received) -> Received:
            missing = rows.bars["ticker"] == rows.bars["date"].map(gaps)
            return replace(rows, bars=rows.bars[~missing].reset_index(drop=True))

        return Known(holed(self.received), holed(self.accepted))

    def corrupted(self, day: pd.Timestamp, how: How) -> Known:
        """The same with everything that became known after `day` made nonsense, see `received.corrupted`.

        The gate, for which every nonsensical row is work, gets a season of it; what lies behind the gate gets it all.
        """
        received = corrupted(self.received, day, how)
        accepted = corrupted(replace(self.accepted, tables={}), day, how)
        season = received.bars["date"] <= next_session(day, count=SEASON)
        return Known(replace(received, bars=received.bars[season]), replace(received, bars=accepted.bars))

    @cached_property
    def market(self) -> Market:
        """The market of the accepted rows."""
        return self.accepted.market()

    @cached_property
    def begun(self) -> Panel:
        """Whether a name has had a price; that there is a column for one still to come is knowledge of the future."""
        return self.market.close.notna().cummax()

    @cached_property
    def examined(self) -> tuple[Gated, Implied | None]:
        """What the import makes of the received bars."""
        return _examined(self.received)


@dataclass(frozen=True)
class Stage:
    """A part of the library under proof.

    Parameters
    ----------
    name : str
        For people.
    artefacts : callable
        From `Known` and the certificate's dates to named frames. A row of a frame is what became known at the session
        in its index; a stage that works day by day gives rows for the certificate's dates only.
    """

    name: str
    artefacts: Callable[[Known, pd.DatetimeIndex], Iterable[tuple[str, pd.DataFrame]]]


def imported(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """The gate's verdicts, the implied actions, and the market of the bars that passed."""
    gated, implied = known.examined
    yield "quarantined", by_time(gated.quarantined[["date", "ticker", "kind", "detail"]], "date")
    if implied is not None:
        yield "implied actions", by_time(implied.actions, "date")
    market = replace(known.received, bars=gated.bars).market()
    for name in (*BAR, "benchmarks", "macro"):
        yield name, getattr(market, name)
    yield "actions", by_time(market.actions, "date")
    yield "earnings", by_time(market.earnings, "date")
    yield "fundamentals", by_time(market.fundamentals, "known")


def adjusted(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """Factors, adjusted panels, wealth and the masks that actions and bars make."""
    for name in ("split_factor", "return_factor"):
        yield name, getattr(known.market, name).where(known.begun)
    for name in ("adj_open", "adj_high", "adj_low", "adj_close", "adj_volume"):
        yield name, getattr(known.market, name)
    for name in ("wealth", "listed", "tradable"):
        yield name, getattr(known.market, name)


def universe(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """Membership, sectors, and what the exchange calls each name."""
    yield "member", known.market.member & known.begun
    yield "sector", known.market.sector.where(known.begun, np.int8(-1))
    aliases = known.received.tables["aliases"]
    called = [symbols(aliases, day) for day in days]
    names = sorted(set(known.market.tickers).union(*called))
    rows = [[one.get(name, "") for name in names] for one in called]
    yield "symbols", pd.DataFrame(rows, index=days, columns=names, dtype="str")


def labels(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """Labels by the session at which they have ended."""
    for horizon in HORIZONS:
        ends = label_end(known.market.sessions, horizon)
        yield f"forward_return {horizon}", forward_return(known.market, horizon=horizon).set_axis(ends)
        yield f"sector_relative_return {horizon}", sector_relative_return(known.market, horizon=horizon).set_axis(ends)


def design(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """The predictor's features, and the rows that are made of them."""
    features = feature_panels(known.market)
    yield from features.items()
    rows = stack(features, known.market.member)
    yield "matrix", pd.DataFrame(rows.X, index=rows.dates, columns=rows.names)
    yield "names of the matrix", pd.DataFrame({"ticker": rows.tickers[rows.column]}, index=rows.dates)


def catalogue(entries: Mapping[str, Entry]) -> Callable[[Known, pd.DatetimeIndex], Artefacts]:
    """The factors of a catalogue, a block at a time; one that this market cannot give has no rows."""

    def of_block(known: Known, days: pd.DatetimeIndex) -> Artefacts:
        nodes = [(name, entry.node) for name, entry in entries.items()]
        size = max(BLOCK // (known.market.close.size * 8), 1)
        for first in range(0, len(nodes), size):
            panels = factors(dict(nodes[first : first + size]), known.market)
            yield from panels.items()
            yield from ((name, known.market.close[:0]) for name in panels.failed)

    return of_block


STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("import", imported),
        Stage("adjustment", adjusted),
        Stage("universe", universe),
        Stage("labels", labels),
        Stage("design", design),
        *(Stage(name, catalogue(entries)) for name, entries in CATALOG.items()),
    )
}
"""Every stage by its name, in the order of the pipeline."""


def stages_called(names: Sequence[str] | None) -> tuple[Stage, ...]:
    """Stages by their names; all without any.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    for name in names or ():
        if name not in STAGES:
            near = get_close_matches(name, STAGES, n=1)
            raise InputError(
                f"there is no stage {name!r}; "
                + (f"the nearest is {near[0]!r}" if near else f"there are {', '.join(STAGES)}")
            )
    return tuple(STAGES[name] for name in names or STAGES)


def by_time(table: pd.DataFrame, when: str) -> pd.DataFrame:
    """A table by the time at which its rows become known, rows of one time in an order of their own."""
    return table.sort_values([when, *(name for name in table if name != when)], kind="stable").set_index(when)


def _examined(received: Received) -> tuple[Gated, Implied | None]:
    return examined(received.bars, prices=received.source.prices, step=lambda _: None)


def _restated(received: Received) -> Received:
    market = received.market()
    factor = (market.return_factor / market.return_factor.iloc[-1]).to_numpy()
    rows = market.sessions.get_indexer(pd.DatetimeIndex(received.bars["date"]))
    columns = market.tickers.get_indexer(pd.Index(received.bars["ticker"]))
    close = received.bars["close"].to_numpy(dtype=float)
    return replace(received, bars=received.bars.assign(adj_close=close * np.asarray(factor)[rows, columns]))
