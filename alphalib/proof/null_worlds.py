"""Worlds without alpha: what may not be promoted there, by the gate or by the tuner.

Two kinds. In a simulated market of alpha 0 no price knows anything of its future. A shifted world is a market that does
know, with everything known moved against everything that happens by at least a year, whole panels at a time: the cross-
section, overlap and persistence of both stay, and what they had to do with one another goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.features import feature_panels
from alphalib.labels import sector_relative_return
from alphalib.market import Market, Panel
from alphalib.params import ResearchParams, ScoringWeights
from alphalib.research.analyst import scorecard
from alphalib.research.desk import signal_history
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode, SignalPanels
from alphalib.sessions import SESSIONS_PER_YEAR, previous_session, week_ends
from alphalib.sources.sample import simulate_market
from alphalib.sources.stored import assemble

Kind: TypeAlias = Literal["simulated", "shifted", "planted"]
SHIFTS = 3  # of one market, which share its features


@dataclass(frozen=True)
class Size:
    """How large a world is.

    Parameters
    ----------
    names : int
        Companies listed at the start; four fifths of them are members. [names]
    sessions : int
        The default, from `start` on, ends with a year of looks, before which five quarters are sealed and six years
        open. [sessions]
    start : str
        First session.
    horizon : int
        Of the label. [sessions]
    """

    names: int = 100
    sessions: int = 2012
    start: str = "2016-01-04"
    horizon: int = 5


@dataclass(frozen=True, eq=False)
class World:
    """What gate and tuner are shown: what is known, beside what happens.

    Parameters
    ----------
    kind : {"simulated", "shifted", "planted"}
        How it was made.
    seed : int
        Of the market.
    shift : int
        By how much what is known is older than it seems. [sessions]
    market : Market
        What happens.
    label : Panel
        Outcomes of the market. [fraction]
    horizon : int
        Of the label. [sessions]
    features : mapping of str to Panel
        Known, raw; with the labels of `label`.
    member : Panel
        Known members. [bool]
    signals : SignalPanels
        Known, of research.
    score, boost : Panel
        Known, of research: composite score without the boost after earnings, and that boost for one point.
    oracle : Panel, optional
        What was planted, known to nobody inside. [fraction]
    """

    kind: Kind
    seed: int
    shift: int
    market: Market
    label: Panel
    horizon: int
    features: Mapping[str, Panel]
    member: Panel
    signals: SignalPanels
    score: Panel
    boost: Panel
    oracle: Panel | None = None

    @property
    def name(self) -> str:
        """Its own among all worlds."""
        return f"{self.kind} {self.seed}" + (f", shifted by {self.shift}" if self.shift else "")


def as_it_is(market: Market, *, kind: Kind, seed: int, horizon: int) -> World:
    """A world of a market as it is, with the features, labels and signals that the pipeline makes of it."""
    weights, research = ScoringWeights(), ResearchParams(pead_boost=1.0)
    weeks = week_ends(market.sessions)
    card = scorecard(market, weights, research, weeks)

    def in_force(panel: Panel) -> Panel:
        return panel.reindex(market.sessions, method="ffill")

    return World(
        kind=kind,
        seed=seed,
        shift=0,
        market=market,
        label=sector_relative_return(market, horizon=horizon),
        horizon=horizon,
        features=feature_panels(market),
        member=market.member,
        signals=signal_history(market, weights, ResearchParams()),
        score=in_force(card.score - card.boost),
        boost=in_force(card.boost),
    )


def simulated_world(seed: int, *, size: Size | None = None, alpha: float = 0.0) -> World:
    """A simulated market, true bars; without alpha it is a null world, with it a planted one.

    Parameters
    ----------
    seed : int
        Of the market.
    size : Size, optional
        As in a calibration without it.
    alpha : float
        Multiplies what is planted; see docs/sample_market.md.
    """
    size = size or Size()
    made = simulate_market(seed=seed, start=size.start, sessions=size.sessions, names=size.names, alpha=alpha)
    kind: Kind = "planted" if alpha else "simulated"
    return replace(as_it_is(made.true_market(), kind=kind, seed=seed, horizon=size.horizon), oracle=made.oracle)


def shifted_worlds(seed: int, *, size: Size | None = None, alpha: float = 1.0, count: int = SHIFTS) -> Iterator[World]:
    """Worlds of one simulated market in which everything known is a year old or more.

    Parameters
    ----------
    seed : int
        Of the market, which begins early enough to know something in the first session of the worlds.
    size : Size, optional
        As in a calibration without it.
    alpha : float
        What the market really knows.
    count : int
        How many, with shifts a year apart. [worlds]
    """
    if count < 1:
        raise InputError(f"there is at least 1 shift, got {count}")
    size = size or Size()
    earliest = (count + 1) * SESSIONS_PER_YEAR
    start = previous_session(size.start, count=earliest)
    made = simulate_market(
        seed=seed, start=f"{start:%Y-%m-%d}", sessions=earliest + size.sessions, names=size.names, alpha=alpha
    )
    known = as_it_is(made.true_market(), kind="shifted", seed=seed, horizon=size.horizon)
    bars = made.true_bars
    later = assemble(bars[bars["date"] >= pd.Timestamp(size.start)].reset_index(drop=True), made.tables, made.source)
    offset = int(np.random.default_rng(seed).integers(SESSIONS_PER_YEAR))
    for number in range(1, count + 1):
        yield shifted_world(known, later, by=number * SESSIONS_PER_YEAR + offset)


def shifted_world(known: World, market: Market, *, by: int) -> World:
    """What happens in a market, beside what was known of it `by` sessions before; any market will do, a real one too.

    Why known things are delayed and outcomes never: what will be known in a year, such as momentum or which names are
    still there, knows the returns until then. A shift that wraps around mixes both.

    Parameters
    ----------
    known : World
        As it is, of a market that begins `by` sessions earlier.
    market : Market
        The same market from a later start.
    by : int
        A year at least, so that nothing that was known is about what happens. [sessions]

    Raises
    ------
    InputError
        When the shift is shorter than a year.
    """
    if by < SESSIONS_PER_YEAR:
        raise InputError(f"a shift is at least a year, {SESSIONS_PER_YEAR} sessions, got {by}")

    def old(panel: Any, missing: Any) -> Any:
        return delayed(panel, by, missing=missing).loc[market.sessions]

    def old_names(panel: Panel, missing: Any) -> Panel:
        return pd.DataFrame(old(panel, missing).reindex(columns=market.tickers, fill_value=missing))

    signals = known.signals
    return replace(
        known,
        kind="shifted",
        shift=by,
        market=market,
        label=sector_relative_return(market, horizon=known.horizon),
        features={name: old_names(panel, np.nan) for name, panel in known.features.items()},
        member=old_names(known.member, False),
        signals=SignalPanels(
            score=old_names(signals.score, np.nan),
            signal=old_names(signals.signal, np.int8(SignalCode.NONE)),
            conviction=old_names(signals.conviction, np.int8(ConvictionCode.STABLE)),
            upside=old_names(signals.upside, np.nan),
            sector_rating=old(signals.sector_rating, np.int8(0)),
            regime=old(signals.regime, np.int8(RegimeCode.NEUTRAL)),
            age=old(signals.age, -1),
        ),
        score=old_names(known.score, np.nan),
        boost=old_names(known.boost, np.nan),
        oracle=None,
    )


def delayed(panel: Any, by: int, *, missing: Any) -> Any:
    """A panel or series as it was `by` rows before; `missing` where there was none yet."""
    return panel.shift(by, fill_value=missing)
