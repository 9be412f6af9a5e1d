"""Null worlds: whole panels moved by at least a year, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.evidence.ic import rank_ic
from alphalib.market import SECTORS
from alphalib.proof.null_worlds import Size, shifted, shifted_worlds, simulated_world
from alphalib.proof.planted_worlds import handicapped, net_ic, planted_world

SMALL = Size(names=24, sessions=1040)


@pytest.fixture(scope="module")
def planted():
    return planted_world(5, alpha=4.0, size=SMALL)


def test_a_shifted_panel_keeps_its_rows_and_their_order():
    days = pd.bdate_range("2020-01-06", periods=5)
    panel = pd.DataFrame({"AAA": [1.0, 2.0, 3.0, 4.0, 5.0], "BBB": [10.0, 20.0, 30.0, 40.0, 50.0]}, index=days)
    moved = shifted(panel, 2)
    # The last two rows come in at the top: 4 5 1 2 3.
    assert moved["AAA"].tolist() == [4.0, 5.0, 1.0, 2.0, 3.0]
    assert moved["BBB"].tolist() == [40.0, 50.0, 10.0, 20.0, 30.0]
    assert moved.index.equals(panel.index)


def test_shifts_are_a_year_from_one_another_and_from_none(planted):
    worlds = list(shifted_worlds(planted, count=3))
    places = [0, *(world.shift for world in worlds), len(planted.label)]
    assert min(np.diff(places)) >= 252
    assert len({world.name for world in worlds}) == 3


def test_labels_and_signals_move_together_and_the_market_stays(planted):
    world = next(iter(shifted_worlds(planted, count=1)))
    by = world.shift
    assert world.market is planted.market
    assert world.features is planted.features
    np.testing.assert_array_equal(world.label.iloc[by:], planted.label.iloc[:-by])
    np.testing.assert_array_equal(world.signals.score.iloc[by:], planted.signals.score.iloc[:-by])
    np.testing.assert_array_equal(world.signals.regime.iloc[by:], planted.signals.regime.iloc[:-by])
    assert list(world.signals.sector_rating) == list(SECTORS)
    assert world.signals.signal.dtypes.eq(np.int8).all()
    assert world.signals.score.index.equals(planted.market.sessions)


def test_what_was_planted_is_there_and_a_shift_takes_it_away(planted):
    moved = next(iter(shifted_worlds(planted, count=1)))

    def oracle_ic(world):
        return rank_ic(world.oracle.where(world.market.member), world.label).mean()

    # Four times the embedded market's alpha; with 19 members and four years the error is about .015.
    assert oracle_ic(planted) > 0.08
    assert abs(oracle_ic(moved)) < 0.045
    assert (simulated_world(5, size=Size(names=24, sessions=300)).oracle.fillna(0.0) == 0.0).all(axis=None)


def test_a_market_that_is_too_short_says_so(planted):
    with pytest.raises(InputError, match=r"4 shift\(s\) a year apart do not fit into 4.1 years; take a longer market"):
        list(shifted_worlds(planted, count=4))


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
