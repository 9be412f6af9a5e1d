"""Seed defects that are looks at the future: the certificate passes the library's way and fails the seed's."""

from functools import cache

import pytest

from alphalib.proof import STAGES, Received, certify
from alphalib.sources.sample import simulate_market
from tests.proof.leaks import HONEST, LEAKS, stages

SEED = {
    "test_d28": ["z_score_of_the_whole_sample", "min_max_of_the_whole_sample", "filled_backwards"],
    "test_d36": ["members_of_today", "survivors_only"],
    "test_d39": ["figures_by_the_end_of_their_period", "latest_restatement_of_a_period"],
}
OURS = ["z_score_of_the_past", "filled_forwards", "members_of_the_date", "figures_when_they_were_known"]


@cache
def leaking():
    received = Received.from_world(simulate_market(seed=9, names=12, sessions=330))
    planted = {name: LEAKS[name] for names in SEED.values() for name in names} | {name: HONEST[name] for name in OURS}
    library = [STAGES[name] for name in ("universe", "design")]
    return {leak.stage for leak in certify(received, [*stages(planted), *library]).leaks}


@pytest.mark.parametrize("name", SEED["test_d28"])
def test_d28_no_feature_uses_the_whole_series(name):
    assert name in leaking()
    assert not leaking() & {"design", "z_score_of_the_past", "filled_forwards"}


@pytest.mark.parametrize("name", SEED["test_d36"])
def test_d36_members_are_those_of_the_date(name):
    assert name in leaking()
    assert not leaking() & {"universe", "members_of_the_date"}


@pytest.mark.parametrize("name", SEED["test_d39"])
def test_d39_figures_join_when_they_were_known(name):
    assert name in leaking()
    assert not leaking() & {"design", "figures_when_they_were_known"}
