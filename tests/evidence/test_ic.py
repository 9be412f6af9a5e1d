"""Per-date information coefficients."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alphalib.errors import InputError
from alphalib.evidence.ic import ic, icir, rank_ic
from alphalib.sessions import sessions_between


def panels(seed, *, sessions=40, names=30):
    rng = np.random.default_rng(seed)
    index = sessions_between("2019-01-02", "2029-12-31")[:sessions]
    shape = (sessions, names)
    # Rounded, so that ties occur; a tenth missing in each.
    made = [np.where(rng.random(shape) < 0.1, np.nan, rng.normal(size=shape).round(1)) for _ in range(2)]
    return [pd.DataFrame(values, index=index).rename_axis(index="date", columns="ticker") for values in made]


@pytest.mark.parametrize("seed", range(5))
def test_rank_ic_is_scipys_spearman_on_every_date(seed):
    prediction, label = panels(seed)
    ours = rank_ic(prediction, label)
    for day in prediction.index:
        both = prediction.loc[day].notna() & label.loc[day].notna()
        theirs = stats.spearmanr(prediction.loc[day][both], label.loc[day][both]).statistic
        assert ours[day] == pytest.approx(theirs, abs=1e-12)


def test_ic_is_pearsons_correlation_per_date():
    prediction, label = panels(0)
    expected = prediction.corrwith(label, axis=1)
    pd.testing.assert_series_equal(ic(prediction, label), expected, check_names=False)


def test_ic_by_hand():
    index = sessions_between("2019-01-02", "2019-01-03")
    prediction = pd.DataFrame([[1.0, 2, 3], [1, 1, 1]], index=index)
    label = pd.DataFrame([[1.0, 3, 2], [1, 2, 3]], index=index)
    # Ranks (1, 2, 3) and (1, 3, 2): 1 − 6·(0 + 1 + 1) / (3·8) = 0.5. A constant prediction orders nothing.
    assert rank_ic(prediction, label, minimum=3).tolist() == pytest.approx([0.5, np.nan], nan_ok=True)


def test_too_few_names_give_no_ic():
    prediction, label = panels(1, names=9)
    assert rank_ic(prediction, label, minimum=10).isna().all()


def test_panels_must_share_their_labels():
    prediction, label = panels(2)
    with pytest.raises(InputError, match="same sessions and the same tickers"):
        rank_ic(prediction, label.iloc[1:])


def test_icir_by_hand():
    # mean(0.01, 0.02, 0.03) = 0.02, standard deviation 0.01: 0.02 / 0.01.
    assert icir(pd.Series([0.01, np.nan, 0.02, 0.03])) == pytest.approx(2.0)
    assert np.isnan(icir(pd.Series([0.02, 0.02])))


def test_ten_years_of_900_names_take_a_second():
    rng = np.random.default_rng(0)
    prediction, label = (pd.DataFrame(rng.normal(size=(2500, 900))) for _ in range(2))
    rank_ic(prediction.head(), label.head())  # compiled, or read from the disk
    started = time.perf_counter()
    rank_ic(prediction, label)
    assert time.perf_counter() - started < 1.5  # about 0.1 s on an idle machine
