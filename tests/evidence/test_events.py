import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.evidence.events import event_means, with_q

DATES = pd.DatetimeIndex(pd.date_range("2020-01-01", periods=200, freq="W-WED"))


def means(events: pd.DataFrame, *, block: int = 2, seed: int = 0, **options) -> pd.Series:
    return event_means(events, ["x"], dates=DATES, block=block, rng=np.random.default_rng(seed), **options).loc["x"]


def test_the_mean_is_over_events_and_not_over_dates():
    # 1, 2 and 3 on one date, 8 on another: (1 + 2 + 3 + 8) / 4 = 3.5; the mean of the dates' means would be 5
    events = pd.DataFrame({"date": DATES[[0, 0, 0, 100]], "x": [1.0, 2.0, 3.0, 8.0]})
    found = means(events)
    assert found["mean"] == 3.5
    assert (found["events"], found["dates"]) == (4, 2)


def test_a_date_that_moves_all_its_names_together_counts_once():
    rng = np.random.default_rng(1)
    common = rng.normal(size=len(DATES))
    few = pd.DataFrame({"date": DATES, "x": common})
    many = pd.DataFrame({"date": DATES.repeat(50), "x": common.repeat(50)})
    one, fifty = means(few), means(many)
    assert fifty["high"] - fifty["low"] == pytest.approx(one["high"] - one["low"], rel=0.05)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        shock = rng.normal(size=len(DATES) + 1)
        overlapping = shock[1:] + shock[:-1]
        found = means(pd.DataFrame({"date": DATES, "x": overlapping}), block=4, seed=seed, draws=200)
        held += found["low"] <= 0 <= found["high"]
    # Nominal 95 %; blocks of 4 miss a little of the overlap. Binomial spread of 300 is 1.3 points.
    assert 0.89 <= held / 300 <= 0.985


def test_few_blocks_give_no_interval_and_no_p():
    events = pd.DataFrame({"date": DATES[:10], "x": np.arange(10.0)})
    found = means(events, block=5)
    assert found["mean"] == 4.5
    assert np.isnan([found["low"], found["high"], found["p"]]).all()


def test_two_dates_far_apart_are_two_observations():
    events = pd.DataFrame({"date": DATES[[0, 190]].repeat(20), "x": 1.0 + np.arange(40) % 3})
    found = means(events)
    assert found["dates"] == 2
    assert np.isnan([found["low"], found["high"], found["p"]]).all()


def test_missing_values_do_not_count_and_no_event_has_no_mean():
    events = pd.DataFrame({"date": DATES[:3], "x": [np.nan, np.nan, np.nan]})
    found = means(events)
    assert found["events"] == 0
    assert np.isnan(found["mean"])


def test_an_event_on_another_date_is_refused():
    with pytest.raises(InputError, match="an event on 1999-01-01, not a date given"):
        means(pd.DataFrame({"date": [DATES[0], pd.Timestamp("1999-01-01")], "x": [1.0, 2.0]}))
    with pytest.raises(InputError, match="block and draws must be at least 1, got 0"):
        means(pd.DataFrame({"date": DATES, "x": 1.0}), block=0)


def test_q_allows_for_how_many_were_looked_at():
    # Benjamini–Hochberg by hand: .01 × 3 / 1 = .03, .04 × 3 / 2 = .06, .05 × 3 / 3 = .05, made monotone: .03, .05, .05
    table = with_q(pd.DataFrame({"p": [0.01, 0.04, 0.05, np.nan]}))
    np.testing.assert_allclose(table["q"], [0.03, 0.05, 0.05, np.nan])
