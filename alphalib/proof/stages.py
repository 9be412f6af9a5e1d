"""The parts of the library that the certificate covers, each a name and what it knows by date.

A stage is a pure function of what was received. It yields artefacts: frames whose index says when each row became
known, ascending. Another part of the library joins by another entry of `STAGES`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd

from alphalib.backtest.evaluate.performance import equal_weight
from alphalib.backtest.simulate import Backtest, simulate
from alphalib.contracts import OrderBook
from alphalib.decision import Decision, History, Portfolio, Position, decide, history, order_book
from alphalib.errors import InputError
from alphalib.features import feature_panels
from alphalib.features.catalog import CATALOG, Entry
from alphalib.features.compute import factors
from alphalib.labels import forward_return, label_end, sector_relative_return
from alphalib.market import Market, Panel
from alphalib.models.design import stack
from alphalib.models.predictions import percentile, veto
from alphalib.models.splits import PurgedWalkForward, session_numbers
from alphalib.models.walkforward import centred, walk_forward
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights
from alphalib.proof.received import How, Received, corrupted
from alphalib.research.desk import signal_history
from alphalib.scores import SignalCode
from alphalib.sessions import next_session
from alphalib.sources.adjustment import Implied
from alphalib.sources.files import examined
from alphalib.sources.quality import Gated
from alphalib.sources.stored import BAR
from alphalib.universe import symbols

Artefacts: TypeAlias = Iterator[tuple[str, pd.DataFrame]]
HORIZONS = (5, 21)  # [sessions]
SEASON = 63  # [sessions]
HELD_FOR = 10  # [sessions]
RESEARCH = ResearchParams(min_avg_volume=0.0, min_price=0.0, min_technical_score=40.0, buy_score=55.0)
RULES = ExecutorParams(min_score=55.0, conviction_rule="reduce", momentum_gate_threshold=-0.2)
"""Less strict than those in use, so that there are entries whose sizes can be compared."""
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
    dates : DatetimeIndex
        Of the certificate.
    """

    received: Received
    accepted: Received
    dates: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))

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

        return Known(holed(self.received), holed(self.accepted), days)

    def corrupted(self, day: pd.Timestamp, how: How) -> Known:
        """The same with everything that became known after `day` made nonsense, see `received.corrupted`.

        The gate, for which every nonsensical row is work, gets a season of it; what lies behind the gate gets it all.
        """
        received = corrupted(self.received, day, how)
        accepted = corrupted(replace(self.accepted, tables={}), day, how)
        season = received.bars["date"] <= next_session(day, count=SEASON)
        return Known(replace(received, bars=received.bars[season]), replace(received, bars=accepted.bars), self.dates)

    @cached_property
    def market(self) -> Market:
        """The market of the accepted rows."""
        return self.accepted.market()

    @cached_property
    def begun(self) -> Panel:
        """Whether a name has had a price; that there is a column for one still to come is knowledge of the future."""
        return self.market.close.notna().cummax()

    @cached_property
    def features(self) -> dict[str, Panel]:
        """The predictor's features, for the stages that read them."""
        return feature_panels(self.market)

    @cached_property
    def predicted(self) -> Panel:
        """Out-of-fold predictions of a small model, fitted anew at every date. [place among names]

        A label that reaches a session too far shows at the date itself and nowhere else: behind it is nonsense. Some
        twenty names and a third of the features are enough, since a walk forward looks ahead through its dates; the
        names are chosen among those of the first half year, so that what comes later cannot choose them.
        """
        half = self.market.close.iloc[: SEASON * 2].notna().any()
        names = sorted(self.market.tickers[half.to_numpy()])
        names = names[:: max(len(names) // 20, 1)]
        features = {name: panel[names] for name, panel in list(self.features.items())[::3]}
        label = forward_return(self.market, horizon=HORIZONS[0])[names]
        dates = self.dates[self.dates <= self.market.last]
        ends = [*dates[1:], next_session(self.market.last)]
        parts = [
            _from(date, end, features, label, self.market.member[names]) for date, end in zip(dates, ends, strict=True)
        ]
        return pd.concat(parts) if parts else label.iloc[:0]

    @cached_property
    def history(self) -> History:
        """Everything that decisions read, by the rule-based analyst and the small model."""
        places = percentile(centred(self.predicted))
        opinions = signal_history(self.market, ScoringWeights(), RESEARCH)
        vetoed = veto(places, PredictorParams())
        return history(self.market, opinions, percentile=places, veto=vetoed, params=RULES)

    @cached_property
    def backtest(self) -> Backtest:
        """The book over the whole history."""
        return simulate(self.history, RULES)

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
    yield from known.features.items()
    rows = stack(known.features, known.market.member)
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


def predicted(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """Out-of-fold predictions, their places among the date's names, and what they veto."""
    places = percentile(centred(known.predicted))
    yield from {"raw": known.predicted, "percentiles": places}.items()
    yield "vetoes", veto(places, PredictorParams())


def decided(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """Every field of what the rules know of every name, what they know besides, and the decision at each date."""
    past = known.history
    begun = known.begun.reindex(columns=past.tickers).to_numpy()
    asked = begun & (past.names["signal"] != SignalCode.NONE)
    for name in past.names.dtype.names or ():
        values = past.names[name]
        if values.dtype.kind == "i":  # −1 is nothing in a panel of codes, see `frames`
            values = np.where(asked if name in ("signal", "conviction") else begun, values.astype(np.int64), -1)
        yield name, pd.DataFrame(values, index=past.sessions, columns=past.tickers)
    known_besides = past.moments
    yield "returns", pd.DataFrame(known_besides.returns, index=past.sessions, columns=past.tickers)
    numbers = {name: getattr(known_besides, name) for name in ("regime", "age", "session")}
    yield "besides", pd.DataFrame(numbers, index=past.sessions)
    entering = past.sessions.repeat(np.diff(known_besides.first))
    yield "wanted", pd.DataFrame({"ticker": past.tickers[known_besides.wanted]}, index=entering)
    plans = [(day, *_plan(known, day)) for day in days]
    rows = [(day, *line) for day, decision, _ in plans for line in _lines(decision)]
    yield "decisions", pd.DataFrame(rows, columns=["date", "part", "content"]).set_index("date")


def simulated(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """The simulated book: its value and every other number by session, orders, refusals, fills, payments; benchmark."""
    book = known.backtest
    begun = np.maximum.accumulate(
        np.isin(book.sessions, book.orders["date"])
    )  # before that it is cash, and says nothing
    yield "days", pd.DataFrame(book.days._asdict(), index=book.sessions)[begun]
    for name in ("orders", "blocked", "trades", "payments"):
        yield name, getattr(book, name).set_index("date")
    yield "equal weight", equal_weight(known.market).to_frame()


def ordered(known: Known, days: pd.DatetimeIndex) -> Artefacts:
    """The order book that each date leads to, for a portfolio that holds something."""
    books = [_plan(known, day)[1].model_dump(mode="json") for day in days]
    content = {name: [json.dumps(book[name]) for book in books] for name in OrderBook.model_fields}
    yield "order book", pd.DataFrame(content, index=days, dtype="str")


STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("import", imported),
        Stage("adjustment", adjusted),
        Stage("universe", universe),
        Stage("labels", labels),
        Stage("design", design),
        *(Stage(name, catalogue(entries)) for name, entries in CATALOG.items()),
        Stage("predictions", predicted),
        Stage("decision", decided),
        Stage("simulation", simulated),
        Stage("order book", ordered),
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


def _from(date: pd.Timestamp, end: pd.Timestamp, features: Mapping[str, Panel], label: Panel, member: Panel) -> Panel:
    """Predictions from `date` to before `end`, by a model that was fitted at `date`; none without a feature by then."""
    from alphalib.models.trees import RankedTrees  # scikit-learn takes seconds to import

    known = member.index < end
    cut = {name: panel[known] for name, panel in features.items()}
    rows, horizon = stack(cut, member[known]).dates, HORIZONS[0]
    before = int(np.subtract(*session_numbers([date, rows[0]]))) - 1 - horizon if len(rows) else 0
    if before < 1 or rows[-1] < date:
        return label.iloc[:0]
    splits = PurgedWalkForward(horizon=horizon, min_train=before, test=len(member))
    model = RankedTrees(n_estimators=5, min_child_samples=20, n_jobs=1)
    return walk_forward(cut, label[known], member[known], splits, model).raw.loc[date:]


def _plan(known: Known, day: pd.Timestamp) -> tuple[Decision, OrderBook]:
    """What the rules decide at a date for a book that has held five of its names for two weeks."""
    past, row = known.history, int(known.history.sessions.get_loc(day))
    then = row - HELD_FOR
    there = np.flatnonzero((past.names["mark"][row] > 0) & (past.names["close"][then] > 0))[:5]
    positions = tuple(
        Position(str(past.tickers[place]), 100, float(close), past.sessions[then], float(max(close, mark)))
        for place, close, mark in zip(
            there, past.names["close"][then, there], past.names["mark"][row, there], strict=True
        )
    )
    portfolio, today = Portfolio(1e6, 1e6, positions), past.day(row)
    decision = decide(portfolio, today, RULES)
    return decision, order_book(decision, today, portfolio, RULES)


def _lines(decision: Decision) -> list[tuple[str, str]]:
    """A decision as lines: the part, and each thing in it."""
    return [
        (field.name, repr(one))
        for field in fields(decision)
        for value in [getattr(decision, field.name)]
        for one in (value if isinstance(value, tuple) else [value])
    ]


def _examined(received: Received) -> tuple[Gated, Implied | None]:
    return examined(received.bars, prices=received.source.prices, step=lambda _: None)


def _restated(received: Received) -> Received:
    market = received.market()
    factor = (market.return_factor / market.return_factor.iloc[-1]).to_numpy()
    rows = market.sessions.get_indexer(pd.DatetimeIndex(received.bars["date"]))
    columns = market.tickers.get_indexer(pd.Index(received.bars["ticker"]))
    close = received.bars["close"].to_numpy(dtype=float)
    return replace(received, bars=received.bars.assign(adj_close=close * np.asarray(factor)[rows, columns]))
