"""Purged walk-forward splits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.errors import InputError
from alphalib.labels import label_end
from alphalib.models.splits import PurgedWalkForward, session_numbers
from alphalib.sessions import all_sessions


@settings(max_examples=50, deadline=None)
@given(
    horizon=st.integers(1, 21),
    min_train=st.integers(1, 80),
    test=st.integers(8, 60),
    embargo=st.integers(0, 10),
    names=st.integers(1, 3),
    sessions=st.integers(130, 260),
    missing=st.floats(0, 0.5),
    seed=st.integers(0, 99),
)
def test_no_training_label_reaches_the_test_span(horizon, min_train, test, embargo, names, sessions, missing, seed):
    rng = np.random.default_rng(seed)
    dates = all_sessions()[4000 : 4000 + sessions].repeat(names)
    dates = dates[rng.random(len(dates)) >= missing]
    shuffled = dates[rng.permutation(len(dates))]
    splitter = PurgedWalkForward(horizon=horizon, min_train=min_train, test=test, embargo=embargo)
    tested = []
    for train, test_rows in splitter.split(shuffled, groups=shuffled):
        ends = label_end(shuffled[train], horizon)  # of [t+1, t+1+horizon]
        assert ends.max() < shuffled[test_rows].min()
        tested.append(test_rows)
    together = np.concatenate(tested)
    assert len(np.unique(together)) == len(together)  # no row is tested twice
    left_out = np.setdiff1d(np.arange(len(shuffled)), together)
    assert (shuffled[left_out] < shuffled[together].min()).all()  # and from the first test on none is left out


def test_spans_by_hand():
    rows = np.zeros((20, 1))
    folds = list(PurgedWalkForward(horizon=2, min_train=5, test=6).split(rows))
    # 5 rows train, labels of row 4 end at 4+1+2 = 7, so the first test is 8 … 13, then 14 … 19.
    assert [(list(train), list(test)) for train, test in folds] == [
        (list(range(5)), list(range(8, 14))),
        (list(range(11)), list(range(14, 20))),
    ]


def test_later_history_changes_no_earlier_fold():
    splitter = PurgedWalkForward(min_train=50, test=40)
    short, long = (list(splitter.split(np.zeros(n))) for n in (190, 230))
    for (train, test), (train_long, test_long) in zip(short[:-1], long, strict=False):
        assert np.array_equal(train, train_long)
        assert np.array_equal(test, test_long)


def test_embargo_takes_further_sessions_away():
    (train, _), *_ = PurgedWalkForward(horizon=2, min_train=5, test=6, embargo=3).split(np.zeros(20))
    (_, test), *_ = PurgedWalkForward(horizon=2, min_train=5, test=6, embargo=3).split(np.zeros(20))
    assert (train[-1], test[0]) == (4, 11)


def test_scikit_learn_accepts_it():
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import cross_val_score

    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 2)), index=all_sessions()[4000:4300])
    y = X[0] + rng.normal(size=300)
    splitter = PurgedWalkForward(min_train=100, test=50)
    assert len(cross_val_score(LinearRegression(), X, y, cv=splitter)) == splitter.get_n_splits(X) == 4


def test_too_little_history_says_what_is_needed():
    with pytest.raises(InputError, match=r"400 sessions are too few .* 504 to train on, 6 to purge"):
        list(PurgedWalkForward().split(np.zeros(400)))


@pytest.mark.parametrize(
    ("dates", "message"), [([], "no rows"), ([pd.Timestamp("2024-07-04")], "2024-07-04.* is not a session")]
)
def test_dates_must_be_sessions(dates, message):
    with pytest.raises(InputError, match=message):
        session_numbers(pd.DatetimeIndex(dates))


def test_senseless_spans_are_refused():
    with pytest.raises(InputError, match=r"horizon must be at least 1 session\(s\), got 0"):
        PurgedWalkForward(horizon=0)
