"""Random streams: independent by name and component, and never disturbed by what comes later."""

import numpy as np
import pytest

from alphalib.sources.sample.streams import autoregression, before, by_name, fat_tailed, normal, over_names, stream


@pytest.mark.parametrize("draw", [normal, fat_tailed])
def test_a_longer_draw_begins_as_the_shorter(draw):
    short, long = by_name(3, "x", (50, 4), draw), by_name(3, "x", (70, 9), draw)
    assert (long[:50, :4] == short).all()
    assert (autoregression(long, halflife=5)[:50, :4] == autoregression(short, halflife=5)).all()


def test_streams_differ_by_seed_component_and_name():
    draws = {float(stream(*key).random()) for key in [(1, "a", 0), (1, "a", 1), (1, "b", 0), (2, "a", 0), (1, "a")]}
    assert len(draws) == 5


def test_names_listed_later_add_nothing_to_earlier_sums():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 37))
    padded = np.hstack([values, np.zeros((500, 150))])
    assert (over_names(padded) == over_names(values)).all()
    assert (padded.sum(axis=1) != values.sum(axis=1)).any(), "numpy's own sum would do, drop over_names"


def test_autoregression_by_hand():
    # Halflife 1: persistence ½, so that unit variance needs shocks × √(1 − ¼); the first value is the first shock.
    values = autoregression(np.array([[2.0], [1.0], [0.0]]), halflife=1.0)
    assert values[:, 0] == pytest.approx([2.0, 1.0 + 0.75**0.5, 0.5 + 0.5 * 0.75**0.5])


def test_autoregression_has_unit_variance():
    values = autoregression(by_name(1, "x", (4000, 20), normal), halflife=8.0)
    assert values.std() == pytest.approx(1.0, abs=0.05)


def test_shocks_have_mean_zero_and_unit_variance():
    shocks = by_name(1, "x", (4000, 50), fat_tailed)
    assert abs(shocks.mean()) < 3 / np.sqrt(shocks.size)
    assert shocks.std() == pytest.approx(1.0, abs=0.05)


def test_before_knows_nothing_at_first():
    assert before(np.array([1.0, 2.0, 3.0]), by=2).tolist() == [0.0, 0.0, 1.0]
