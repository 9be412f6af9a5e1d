"""A change that disappoints is seen; one that does not is left alone but for the stated share of false alarms."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.simulate import simulate
from alphalib.backtest.tune.apply import Settings
from alphalib.backtest.tune.watch import FALSE_ALARMS, counterfactual_books, watch
from alphalib.decision import history
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from tests.backtest.runs import random_run
from tests.backtest.tune.matrices import SESSIONS

ADOPTED = SESSIONS[700]


def pair(seed: int, *, worse: float, risk: float = 1.0, tails: float = 4.0) -> tuple[pd.Series, pd.Series]:
    """NAVs of two books alike but for noise; the first loses `worse` Sharpe a year to the second after the change.

    Heavy tails, and a common part whose volatility comes and goes.
    """
    rng = np.random.default_rng(seed)
    count = len(SESSIONS)
    calm = np.exp(0.5 * np.sin(np.arange(count) / 60))
    common = 0.0004 + 0.006 * calm * rng.standard_t(tails, count)
    own = 0.002 * calm[:, None] * rng.standard_t(tails, (count, 2))
    returns = common[:, None] + own
    returns[SESSIONS > ADOPTED, 0] -= worse * 0.009 / 252**0.5
    tuned, previous = (
        pd.Series((1 + scale * part).cumprod(), SESSIONS) for scale, part in zip((risk, 1), returns.T, strict=True)
    )
    return tuned, previous


def alarms(count: int, **options) -> float:
    return float(np.mean([watch(*pair(seed, **options), adopted=ADOPTED).alarm is not None for seed in range(count)]))


def test_false_alarms_are_as_rare_as_stated():
    # four years of looking every day; 150 pairs have a standard error of 1.8 % at 5 %
    assert alarms(150, worse=0.0) <= FALSE_ALARMS


def test_a_book_that_only_holds_less_raises_no_alarm():
    assert alarms(50, worse=0.0, risk=0.5) <= FALSE_ALARMS


def test_a_worse_book_is_seen():
    assert alarms(40, worse=2.0) >= 0.8


def test_the_watch_begins_at_the_change():
    tuned, previous = pair(1, worse=2.0)
    seen = watch(tuned, previous, adopted=ADOPTED)
    assert seen.evidence.index[0] == SESSIONS[701]
    assert seen.difference < 0
    assert "false alarms ever: 5%" in str(seen)


def test_two_books_that_are_one_raise_nothing():
    tuned, _ = pair(1, worse=0.0)
    seen = watch(tuned, tuned, adopted=ADOPTED)
    assert (seen.evidence == 1.0).all()
    assert seen.alarm is None


def test_on_the_day_of_the_change_there_is_nothing_to_say():
    tuned, previous = pair(1, worse=0.0)
    seen = watch(tuned.loc[:ADOPTED], previous.loc[:ADOPTED], adopted=ADOPTED)
    assert np.isnan(seen.difference)
    assert seen.alarm is None


def test_a_watch_needs_a_year_before():
    with pytest.raises(InputError, match="a watch needs 252 sessions before the change, got 99"):
        watch(*pair(1, worse=0.0), adopted=SESSIONS[99])


def test_counterfactual_books_are_the_simulated_ones():
    run = random_run(3, names=8, sessions=120)
    past = history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=ExecutorParams())
    first, second, third = (ExecutorParams(min_score=score) for score in (70.0, 50.0, 60.0))
    used = Settings(tuned=third, previous=second, never_tuned=first, adopted=past.sessions[50])
    books = counterfactual_books(past, used, costs=Costs())
    assert list(books) == ["date", "never_tuned", "tuned", "previous"]
    for name, params in (("never_tuned", first), ("tuned", third), ("previous", second)):
        np.testing.assert_array_equal(books[name], simulate(past, params, costs=Costs()).nav)
    untouched = Settings(tuned=first, previous=None, never_tuned=first, adopted=None)
    assert list(counterfactual_books(past, untouched, costs=Costs())) == ["date", "never_tuned", "tuned"]
