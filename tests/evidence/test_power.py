"""Power: what the tables say is what tests find."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alphalib.errors import InputError
from alphalib.evidence.power import level_among, power_table, rollback_table


def test_a_year_by_hand():
    year = power_table(years=[1.0]).loc[1.0]
    # 2.4865 · .12 · √(5/252) = .0420; 2.4865 / √1; 2.4865 · √(2 · .05).
    assert year["rank_ic"] == pytest.approx(2.4865 * 0.12 * (5 / 252) ** 0.5, rel=1e-4)
    assert year["sharpe"] == pytest.approx(2.4865, rel=1e-4)
    assert year["sharpe_difference"] == pytest.approx(2.4865 * 0.1**0.5, rel=1e-4)


def test_four_times_as_long_shows_half_and_more_trials_show_less():
    table = power_table(years=[1, 4])
    pd.testing.assert_series_equal(table.loc[1.0], 2 * table.loc[4.0], check_names=False)
    assert (power_table(trials=100) > power_table(trials=1)).all(axis=None)
    assert level_among(1, level=0.05) == pytest.approx(0.05)
    # 1 − .95^(1/10) = .005116.
    assert level_among(10, level=0.05) == pytest.approx(0.005116, abs=1e-6)


def test_the_detectable_difference_is_found_four_times_out_of_five():
    rng = np.random.default_rng(0)
    years, correlation, worlds = 4, 0.9, 1000
    effect = power_table(years=[years], correlation=correlation).loc[4.0, "sharpe_difference"]
    n = 252 * years
    common = rng.normal(size=(n, worlds)) * correlation**0.5
    one, two = (common + rng.normal(size=(n, worlds)) * (1 - correlation) ** 0.5 for _ in range(2))
    two += effect / 252**0.5
    difference = (two.mean(0) / two.std(0) - one.mean(0) / one.std(0)) * 252**0.5
    error = (2 * (1 - correlation) / years) ** 0.5
    found = (difference / error > stats.norm.ppf(0.95)).mean()
    assert found == pytest.approx(0.8, abs=0.04)


def test_what_is_much_worse_is_undone_sooner():
    table = rollback_table([-8.0, -4.0, -0.2], sessions=504)
    assert table[-8.0] < table[-4.0] < 300
    assert np.isinf(table[-0.2])


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"years": [0.0]}, "positive lengths"),
        ({"years": []}, "positive lengths"),
        ({"trials": 0}, "at least 1, got 5 and 0"),
        ({"correlation": 1.2}, "between −1 and 1, got 1.2"),
        ({"level": 5}, "between 0 and 1, got 5 and 0.8"),
        ({"ic_spread": -1.0}, "ic_spread must be above 0, got -1.0"),
    ],
)
def test_nonsense_is_refused(given, match):
    with pytest.raises(InputError, match=match):
        power_table(**given)
