"""Worlds without alpha: what may not be promoted there, by the gate or by the tuner.

Two kinds. In a simulated market of alpha 0 no price knows anything of its future. In a shifted one everything is as in
a market that does know, cross-section, overlap and features included, but whole label panels (for the tuner: whole
signal panels) are moved by at least a year, so that what is predicted belongs to another time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from alphalib.errors import InputError
from alphalib.features import feature_panels
from alphalib.labels import sector_relative_return
from alphalib.market import Market, Panel
from alphalib.params import ResearchParams, ScoringWeights
from alphalib.research.desk import signal_history
from alphalib.scores import SignalPanels
from alphalib.sessions import SESSIONS_PER_YEAR
from alphalib.sources.sample import simulate_market

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
    """What gate and tuner are shown.

    Parameters
    ----------
    kind : {"simulated", "shifted", "planted"}
        How it was made.
    seed : int
        Of the market.
    shift : int
        By how much labels and signals were moved. [sessions]
    market : Market
        Prices.
    features : mapping of str to Panel
        Raw.
    label : Panel
        Outcomes, possibly of another time. [fraction]
    horizon : int
        Of the label. [sessions]
    signals : SignalPanels
        Of research, possibly of another time.
    oracle : Panel, optional
        What was planted, known to nobody inside. [fraction]
    """

    kind: Kind
    seed: int
    shift: int
    market: Market
    features: Mapping[str, Panel]
    label: Panel
    horizon: int
    signals: SignalPanels
    oracle: Panel | None = None

    @property
    def name(self) -> str:
        """Its own among all worlds."""
        return f"{self.kind} {self.seed}" + (f", shifted by {self.shift}" if self.shift else "")


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
    market = made.true_market()
    kind: Kind = "planted" if alpha else "simulated"
    return replace(as_it_is(market, kind=kind, seed=seed, horizon=size.horizon), oracle=made.oracle)


def as_it_is(market: Market, *, kind: Kind, seed: int, horizon: int) -> World:
    """A world of a market as it is, with the features, labels and signals that the pipeline makes of it."""
    return World(
        kind=kind,
        seed=seed,
        shift=0,
        market=market,
        features=feature_panels(market),
        label=sector_relative_return(market, horizon=horizon),
        horizon=horizon,
        signals=signal_history(market, ScoringWeights(), ResearchParams()),
    )


def shifted_worlds(world: World, *, count: int = SHIFTS) -> Iterator[World]:
    """The same market with labels and signals of another time; any market will do, a real one too.

    Parameters
    ----------
    world : World
        As it is.
    count : int
        How many, with shifts at least a year apart from one another and from none. [worlds]

    Raises
    ------
    InputError
        When the market is too short for so many.
    """
    year = SESSIONS_PER_YEAR
    free = len(world.label) - (count + 1) * year
    if count < 1 or free < 0:
        years = len(world.label) / year
        raise InputError(f"{count} shift(s) a year apart do not fit into {years:.1f} years; take a longer market")
    gaps = np.sort(np.random.default_rng(world.seed).integers(free + 1, size=count))
    for by in (gaps + year * np.arange(1, count + 1)).tolist():
        signals = _signals_shifted(world.signals, by)
        yield replace(world, kind="shifted", shift=by, label=shifted(world.label, by), signals=signals)


def shifted(panel: pd.DataFrame, by: int) -> pd.DataFrame:
    """A whole panel moved down, its end coming in at the top: every row stays whole, and neighbours stay neighbours."""
    return pd.DataFrame(np.roll(panel.to_numpy(), by, axis=0), index=panel.index, columns=panel.columns)


def _signals_shifted(signals: SignalPanels, by: int) -> SignalPanels:
    moved = {}
    for field in fields(signals):
        panel = getattr(signals, field.name)
        series = isinstance(panel, pd.Series)
        wide = shifted(panel.to_frame() if series else panel, by)
        moved[field.name] = wide.iloc[:, 0].rename(panel.name) if series else wide
    return SignalPanels(**moved)
