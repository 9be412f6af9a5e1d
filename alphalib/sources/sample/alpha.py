"""What is planted: a latent driver of returns, a decoy that dies and a decoy that costs eat.

Everything here is made of shocks, never of prices, so that `alpha` scales the drift and leaves every draw as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphalib.sources.sample.streams import Floats, autoregression, before

HORIZON = 5  # sessions of the label the oracle is stated for; it starts one session after the decision
HALFLIFE = 8.0  # of the driver [sessions]
STRENGTH = 0.036  # drift of a session per unit of driver, over its idiosyncratic volatility
DECOY_STRENGTH = 0.028  # the same for the decoy that dies
DECOY_DIES = 1006  # session from which it is dead, about four years
REVERSAL_STRENGTH = 0.030  # of a session's shock, given back in each of the next two

# Shares of the driver's innovation variance: past price, price confirmed by volume, volume, surprise; the rest hides.
PRICE, CONFIRMED, VOLUME, SURPRISE = 0.36, 0.06, 0.24, 0.20
HIDDEN = 1.0 - PRICE - CONFIRMED - VOLUME - SURPRISE
_REPORTS_A_SESSION = 1 / 63


@dataclass(frozen=True, eq=False)
class Planted:
    """Sessions × companies, as known at each session's close; unit variance."""

    driver: Floats
    calm: Floats  # the decoy that dies: volatility below the name's own normal
    reversal: Floats  # the decoy that costs eat: minus the last session's shock


def planted(*, shocks: Floats, volume: Floats, hidden: Floats, surprise: Floats, calm: Floats) -> Planted:
    """The driver and the decoys.

    Parameters
    ----------
    shocks, volume, hidden : array
        Unit shocks of idiosyncratic return, of volume, and of what nobody sees.
    surprise : array
        Unit earnings surprise at the session of the report, else 0.
    calm : array
        Own volatility below its normal, as a unit AR(1) in logs.
    """
    tame = np.clip(shocks, -2.5, 2.5) / 0.9
    innovation = (
        np.sqrt(PRICE) * tame
        + np.sqrt(CONFIRMED) * tame * volume
        + np.sqrt(VOLUME) * volume
        + np.sqrt(SURPRISE / _REPORTS_A_SESSION) * np.clip(surprise, -2.5, 2.5) / 0.9
        + np.sqrt(HIDDEN) * hidden
    )
    return Planted(driver=autoregression(innovation, halflife=HALFLIFE), calm=calm, reversal=-tame)


def drift(signals: Planted) -> Floats:
    """Expected return of each session known the session before, over idiosyncratic volatility, at alpha 1."""
    alive = (np.arange(len(signals.calm)) <= DECOY_DIES)[:, None]
    return (
        STRENGTH * before(signals.driver)
        + DECOY_STRENGTH * before(signals.calm) * alive
        + REVERSAL_STRENGTH * (before(signals.reversal) + before(signals.reversal, by=2))
    )


def oracle(signals: Planted, volatility: Floats) -> Floats:
    """What the driver adds to the return from t+1 to t+1+`HORIZON`, known at t. [fraction]"""
    persistence = 0.5 ** (1.0 / HALFLIFE)
    reach = sum(persistence**ahead for ahead in range(1, HORIZON + 1))
    return np.asarray(STRENGTH * reach * volatility * signals.driver)
