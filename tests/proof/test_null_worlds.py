"""Null worlds: whole panels moved by at least a year, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.evidence.ic import rank_ic
from alphalib.market import SECTORS
from alphalib.proof.null_worlds import Size, delayed, shifted_world, shifted_worlds, simulated_world
from alphalib.proof.planted_worlds import handicapped, net_ic

SMALL = Size(names=24, sessions=1040)


@pytest.fixture(scope="module")
def planted():
    return simulated_world(5, alpha=4.0, size=SMALL)


@pytest.fixture(scope="module")
def shifted():
    return list(shifted_worlds(5, alpha=4.0, size=SMALL, count=2))


def test_a_delayed_panel_says_what_it_said_before():
    days = pd.bdate_range("2020-01-06", periods=4)
    panel = pd.DataFrame({"AAA": [1, 2, 3, 4], "BBB": [5, 6, 7, 8]}, index=days, dtype="int8")
    old = delayed(panel, 2, missing=np.int8(0))
    assert old["AAA"].tolist() == [0, 0, 1, 2]
    assert old["BBB"].tolist() == [0, 0, 5, 6]
    assert old.index.equals(panel.index)
    assert old.dtypes.eq("int8").all()


def test_shifts_are_a_year_from_one_another_and_from_none(shifted):
    first, second = (world.shift for world in shifted)
    assert first >= 252
    assert second - first >= 252
    assert len({world.name for world in shifted}) == 2


def test_what_is_known_is_old_and_what_happens_is_not(shifted):
    first, second = shifted
    by = second.shift - first.shift
    pd.testing.assert_frame_equal(first.label, second.label)
    assert first.label.index.equals(second.market.sessions)
    assert len(first.label) == SMALL.sessions

    def same(of):
        before, after = of(first), of(second)
        np.testing.assert_array_equal(after.iloc[by:], before.iloc[:-by])
        assert after.dtypes.eq(before.dtypes).all() if after.ndim == 2 else after.dtype == before.dtype

    same(lambda world: world.features["momentum_20"])
    same(lambda world: world.member)
    same(lambda world: world.signals.score)
    same(lambda world: world.signals.signal)
    same(lambda world: world.signals.sector_rating)
    same(lambda world: world.signals.regime)
    same(lambda world: world.boost)
    assert list(first.signals.sector_rating) == list(SECTORS)
    assert first.member.sum(axis=1).min() > 10  # known from the first session on


def test_what_was_planted_is_there_and_a_shift_takes_it_away(planted, shifted):
    assert planted.kind == "planted"
    # Four times the embedded market's alpha; with 19 members and four years the error is about .015.
    known = rank_ic(planted.features["momentum_20"].where(planted.member), planted.label).mean()
    oracle = rank_ic(planted.oracle.where(planted.member), planted.label).mean()
    old = [rank_ic(world.features["momentum_20"].where(world.member), world.label).mean() for world in shifted]
    assert oracle > 0.08
    assert known > 0.05
    assert max(map(abs, old)) < 0.045


def test_without_alpha_nothing_is_planted():
    world = simulated_world(5, size=Size(names=24, sessions=300))
    assert world.kind == "simulated"
    assert world.oracle.fillna(0.0).eq(0.0).all(axis=None)


def test_a_shift_shorter_than_a_year_is_refused(planted):
    with pytest.raises(InputError, match="at least a year, 252 sessions, got 21"):
        shifted_world(planted, planted.market, by=21)
    with pytest.raises(InputError, match="at least 1 shift, got 0"):
        list(shifted_worlds(5, count=0))


def test_net_ic_is_what_costs_leave():
    days = pd.bdate_range("2020-01-06", periods=4)
    names = [f"N{number:02}" for number in range(10)]
    prediction = pd.DataFrame(np.tile(np.arange(10.0), (4, 1)), index=days, columns=names)
    prediction.iloc[1::2] *= -1.0
    label = prediction / 100.0
    # The book turns over whole every session: from weights w to −w, 2 traded for each 1 held. Places −.45 … .45 over
    # their sum 2.5 give the gross return Σ w·label = 2 × (.45 × 9 + .35 × 7 + .25 × 5 + .15 × 3 + .05 × 1) / 2.5 / 200
    # = .033; costs are 2 × 10 bps = .002; the rank IC is 1.
    assert net_ic(prediction, label, horizon=1) == pytest.approx((0.033 - 0.002) / 0.033)
    assert net_ic(prediction, label, horizon=2) == pytest.approx(1.0)  # the same book every second session
    assert np.isnan(net_ic(prediction, -label, horizon=1))


def test_a_handicap_takes_that_much_of_the_sharpe_ratio():
    rng = np.random.default_rng(1)
    returns = pd.DataFrame(rng.normal(0.0005, 0.01, (500, 2)), columns=["used", "other"])
    worse = handicapped(returns, "used", sharpe=1.0)
    sharpe = [frame["used"].mean() / frame["used"].std() * 252**0.5 for frame in (returns, worse)]
    assert sharpe[0] - sharpe[1] == pytest.approx(1.0)
    pd.testing.assert_series_equal(worse["other"], returns["other"])
