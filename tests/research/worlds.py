"""A random market in which research has something to say: long enough, with gaps, some names that do not pass."""

from dataclasses import replace
from functools import cache

import numpy as np

from alphalib.market import Market
from alphalib.params import ResearchParams, ScoringWeights
from tests.worlds import random_market

WEIGHTS, PARAMS = ScoringWeights(), ResearchParams(population=8, max_rotations=3, max_candidates=20)


@cache
def research_market() -> Market:
    """Forty names over 420 sessions; not to be changed."""
    market = random_market(names=40, sessions=420, missing=0.01, seed=5)
    volume, sector = market.volume.copy(), market.sector.copy()
    volume.iloc[:, 3] /= 10.0  # too little traded
    sector.iloc[:, 4] = -1  # of no known sector
    for panel in (market.open, market.high, market.low, market.close, market.vwap):
        panel.iloc[:, 5] /= 20.0  # too cheap
    member = market.listed.copy()  # a lost bar does not end a membership
    member.iloc[380:, 6:9] = False  # leave the universe
    member.iloc[400:, 12] = False  # while research follows it
    rng = np.random.default_rng(0)
    earnings = market.earnings.assign(date=market.sessions[rng.integers(380, 418, 40)])
    return replace(market, volume=volume, sector=sector, member=member, earnings=earnings)
