"""Every planted look at the future is caught by what `python -m alphalib certify` runs; honest code passes."""

from functools import cache

import numpy as np
import pytest

from alphalib.proof import Received, certify
from alphalib.sources.sample import simulate_market
from tests.proof.leaks import HONEST, LEAKS, stages
from tests.worlds import random_market

pytestmark = pytest.mark.slow  # one certificate of everything, shared by the tests

RECEIVED = Received.from_world(simulate_market(seed=9, names=24, sessions=380))


@cache
def certificate():
    return certify(RECEIVED, [*stages(LEAKS), *stages(HONEST)])


def found(name):
    return {leak.how: str(leak) for leak in certificate().leaks if leak.stage == name}


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_caught(name):
    assert found(name), f"{name} knows the future and was certified"


@pytest.mark.parametrize("name", HONEST)
def test_honest_code_is_certified(name):
    assert found(name) == {}


def test_the_world_is_fit_to_catch_something():
    market = RECEIVED.market()
    first = certificate().table["day"].min()
    begins = market.close.notna().idxmax()
    assert (begins > first).any(), "somebody comes"
    later = market.actions[market.actions["date"] > first]
    assert {"split", "dividend", "delisting"} <= set(later["kind"])
    assert (market.member.loc[first] != market.member.iloc[-1]).any(), "the members change"


# Why there is more than one way to replace the future


def crash_of_tomorrow(market):
    """A filter of bad ticks, which leaves absurd ones to others: a close is doubtful when the next is half of it."""
    following = market.close.shift(-1) / market.close
    return ((following < 0.5) & (following > 0.001)).astype(float)


def in_thousands(market):
    """A unit guessed from the largest volume there ever is."""
    return market.volume / (1000.0 if market.volume.max(axis=None) > 1e9 else 1.0)


def complete_names(market):
    """Names with a price at the end, as a vendor's file of today has them."""
    return market.close.where(market.close.iloc[-5:].notna().any(), axis=1)


def time_as_a_feature(market):
    """How much of the sample is over."""
    return market.close.notna().mul(np.linspace(0, 1, len(market.sessions)), axis=0)


ONLY = {"permuted": crash_of_tomorrow, "1e10": in_thousands, "NaN": complete_names, "cut": time_as_a_feature}


@cache
def certificate_of_the_quiet():
    # Nobody comes or goes, and nothing crashes.
    market = random_market(names=12, sessions=300)
    quiet = market.asof(market.sessions[240])
    return certify(
        Received.from_market(quiet),
        stages({how: lambda known, days, leak=leak: leak(known.market) for how, leak in ONLY.items()}),
    )


@pytest.mark.parametrize("how", ONLY)
def test_some_leaks_show_under_one_corruption_alone(how):
    assert {leak.how for leak in certificate_of_the_quiet().leaks if leak.stage == how} == {how}
