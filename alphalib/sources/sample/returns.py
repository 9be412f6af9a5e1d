"""Total returns: a market, sectors and styles with changing volatility, fat-tailed names, and what is planted.

Simple returns of every component have mean zero given the past, but for the planted drift and a premium that all names
earn alike: against one another, prices are arithmetic martingales. Overnight and intraday parts are uncorrelated: a
bridge splits each session's return.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphalib.market import SECTORS
from alphalib.sessions import SESSIONS_PER_YEAR
from alphalib.sources.sample.alpha import Planted, drift, planted
from alphalib.sources.sample.roster import Roster
from alphalib.sources.sample.streams import (
    Floats,
    autoregression,
    before,
    by_name,
    fat_tailed,
    normal,
    stream,
)

PREMIUM = 0.08 / SESSIONS_PER_YEAR  # of the market, a session
MARKET_VOLATILITY = 0.0118  # daily
SECTOR_VOLATILITY = 0.0055
STYLE_VOLATILITY = np.array([0.0016, 0.0016, 0.0018, 0.0028])  # size, value, low volatility, momentum
MOMENTUM_HALFLIFE = 30.0
OVERNIGHT = 0.3  # share of variance between close and open
REPORT_JUMP = 2.8  # of idiosyncratic volatility, on the session of a report
SLOW, FAST, OWN = 0.36, 0.40, 0.42  # standard deviations of log volatility


@dataclass(frozen=True, eq=False)
class Climate:
    """The common part, by session."""

    market: Floats
    market_overnight: Floats
    sectors: Floats  # sessions × sectors
    sectors_overnight: Floats
    styles: Floats  # sessions × styles
    volatility: Floats  # of the market at that session, daily
    slow: Floats  # log volatility known at the close
    fast: Floats
    stress: Floats  # what the rest of the market feels of it: multiplies other volatilities


@dataclass(frozen=True, eq=False)
class Flow:
    """Returns of the companies before they meet their fate; sessions × companies."""

    total: Floats  # close to close
    overnight: Floats
    intraday_volatility: Floats
    idiosyncratic_volatility: Floats
    volume_trend: Floats  # unit AR(1)
    unusual: Floats  # return over its volatility
    signals: Planted


def climate(seed: int, sessions: int) -> Climate:
    """Market, sector and style returns."""
    shock = np.clip(stream(seed, "market").standard_t(6, sessions) / np.sqrt(1.5), -7.0, 7.0)
    slow = autoregression(normal(stream(seed, "slow volatility"), sessions), halflife=90.0)
    fast_shock = -0.6 * np.clip(shock, -3.0, 3.0) + 0.8 * normal(stream(seed, "fast volatility"), sessions)
    fast = autoregression(fast_shock, halflife=12.0)
    # Centred so that the root mean square over time is the stated volatility.
    level = SLOW * before(slow) + FAST * before(fast) - SLOW**2 - FAST**2
    volatility = MARKET_VOLATILITY * np.exp(level)
    stress = np.exp(0.5 * level)
    market = volatility * shock
    sector_volatility = SECTOR_VOLATILITY * stress[:, None]
    sectors = sector_volatility * _columns(seed, "sector", len(SECTORS), sessions)
    return Climate(
        market=PREMIUM + market,
        market_overnight=_bridge(market, volatility, normal(stream(seed, "market overnight"), sessions)),
        sectors=sectors,
        sectors_overnight=_bridge(
            sectors, sector_volatility, _columns(seed, "sector overnight", len(SECTORS), sessions)
        ),
        styles=STYLE_VOLATILITY * stress[:, None] * _columns(seed, "style", len(STYLE_VOLATILITY), sessions),
        volatility=volatility,
        slow=slow,
        fast=fast,
        stress=stress,
    )


def flow(seed: int, roster: Roster, common: Climate, surprise: Floats, *, alpha: float) -> Flow:
    """Returns of all companies; `surprise` is the unit surprise at the session of each report, else 0."""
    shape = surprise.shape
    shocks = by_name(seed, "return", shape, fat_tailed)
    volume = by_name(seed, "volume", shape, normal)
    restless = autoregression(by_name(seed, "volatility", shape, normal), halflife=25.0)
    volatility = roster.volatility * common.stress[:, None] * np.exp(OWN * before(restless) - OWN**2)
    signals = planted(
        shocks=shocks,
        volume=volume,
        hidden=by_name(seed, "hidden", shape, normal),
        surprise=surprise,
        # Centred under the weight of the volatility it is multiplied with, so that the decoy's drift has mean zero.
        calm=OWN - restless,
    )
    sector = roster.sector.astype(np.int64)
    # Every name earns the premium alike: one that grew with beta would let beta predict in a world without alpha.
    shared = PREMIUM + roster.beta * (common.market[:, None] - PREMIUM)
    shared += np.take_along_axis(common.sectors, sector, axis=1)
    styled = _styled(common, roster, shocks)
    own = volatility * shocks
    jump = _jumps(seed, surprise, volatility)
    total = shared + styled + own + jump + alpha * volatility * drift(signals)
    overnight = (
        roster.beta * common.market_overnight[:, None]
        + np.take_along_axis(common.sectors_overnight, sector, axis=1)
        + OVERNIGHT * styled
        + _bridge(own, volatility, by_name(seed, "overnight", shape, normal))
        + jump
    )
    spread = np.sqrt((roster.beta * common.volatility[:, None]) ** 2 + volatility**2 + SECTOR_VOLATILITY**2)
    return Flow(
        total=np.maximum(total, -0.9),
        overnight=np.maximum(overnight, -0.85),
        intraday_volatility=np.sqrt(1.0 - OVERNIGHT) * spread,
        idiosyncratic_volatility=volatility,
        volume_trend=autoregression(volume, halflife=10.0),
        unusual=(total - jump) / spread,
        signals=signals,
    )


def _styled(common: Climate, roster: Roster, shocks: Floats) -> Floats:
    """Return from styles: three that a company keeps, and momentum of its own past shocks."""
    styled = common.styles[:, -1:] * before(autoregression(shocks, halflife=MOMENTUM_HALFLIFE))
    for number in range(roster.styles.shape[1]):
        styled = styled + common.styles[:, number : number + 1] * roster.styles[:, number]
    return styled


def _jumps(seed: int, surprise: Floats, volatility: Floats) -> Floats:
    """Overnight answer to a report: half of it follows the surprise."""
    noise = by_name(seed, "report", surprise.shape, normal)
    answer = 0.5 * surprise + np.sqrt(0.75) * noise
    return np.where(surprise != 0.0, REPORT_JUMP * volatility * np.clip(answer, -4.0, 4.0), 0.0)


def _bridge(returns: Floats, volatility: Floats, noise: Floats) -> Floats:
    """Overnight part of returns, uncorrelated with the rest: a Brownian bridge at `OVERNIGHT` of the session."""
    kept = float(np.sqrt(OVERNIGHT * (1.0 - OVERNIGHT)))
    return np.asarray(OVERNIGHT * returns + kept * volatility * noise)


def _columns(seed: int, component: str, count: int, sessions: int) -> Floats:
    return by_name(seed, component, (sessions, count), fat_tailed if "overnight" not in component else normal)
