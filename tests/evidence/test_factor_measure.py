"""A factor measured by date: golden numbers of alphalens-reloaded, hand values, and what may not matter."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.evidence.by_date import sorted_by_date
from alphalib.evidence.factor_measure import Outcomes, delayed_rank_ic, measured, outcomes, sector_rank_ic
from alphalib.evidence.ic import ic, rank_ic
from alphalib.labels import forward_return
from tests.worlds import random_market

# The golden numbers were made once, with alphalens-reloaded 0.5.1, pandas 3.1.1, numpy 2.5.5:
#
# import numpy as np, pandas as pd
# import alphalens.performance as perf, alphalens.utils as utils
# i, j = np.arange(30)[:, None], np.arange(13)
# names, dates = [f"N{k:02d}" for k in range(13)], pd.date_range("2020-01-01", periods=30, name="date")
# factor = ((7 * i + 5 * j * j + i * j) % 67) // 2.0
# factor[(i + 3 * j) % 11 == 0] = np.nan
# returns = {h: ((3 * i * i + 11 * j + h * i * j * j) % 37) / 1000 - 0.018 for h in (1, 5)}
# long = lambda values: pd.DataFrame(values, dates, names).rename_axis(columns="asset").stack()
# forward = pd.DataFrame({f"{h}D": long(r) for h, r in returns.items()})
# clean = utils.get_clean_factor(long(factor), forward, quantiles=4, max_loss=1)
# ic = perf.factor_information_coefficient(clean)
# by_date, _ = perf.mean_return_by_quantile(clean, by_date=True)
# means, _ = perf.mean_return_by_quantile(clean)
# spread, _ = perf.compute_mean_returns_spread(by_date, 4, 1)
# print(ic.loc[dates[[0, 7, 29]]].to_numpy().tolist(), ic.mean().tolist())
# print(means.to_numpy().tolist(), spread.mean().tolist())
# for lag in (1, 5):
#     print([perf.quantile_turnover(clean["factor_quantile"], q, lag).mean() for q in (1, 2, 3, 4)])
# print([perf.factor_rank_autocorrelation(clean, lag).mean() for lag in (1, 5)])
IC_ON_DATES = [
    [-0.004555820475782052, -0.004555820475782052],
    [0.04685300761812306, -0.20041198377813219],
    [0.39292589295631947, -0.31028563884245197],
]
IC_MEANS = [0.1377978057996698, -0.018013796205474105]
QUANTILE_MEANS = [
    [-0.002528484848484849, -4.2424242424243405e-06],
    [0.00026262626262626266, 0.0010396464646464647],
    [0.002554292929292929, -0.0006909090909090909],
    [0.0006737373737373738, -0.0009214646464646468],
]
SPREADS = [0.0016011111111111115, -0.00045861111111111113]
TURNOVERS = {
    1: [0.7132183908045978, 0.7126436781609196, 0.7528735632183909, 0.7701149425287356],
    5: [0.6766666666666665, 0.8100000000000002, 0.7433333333333333, 0.7666666666666667],
}
AUTOCORRELATIONS = {1: 0.1536686159666088, 5: 0.02830667873591023}


@pytest.fixture(scope="module")
def golden():
    i, j = np.arange(30)[:, None], np.arange(13)
    names, dates = pd.Index([f"N{k:02d}" for k in range(13)]), pd.date_range("2020-01-01", periods=30, name="date")
    factor = ((7 * i + 5 * j * j + i * j) % 67) // 2.0
    factor[(i + 3 * j) % 11 == 0] = np.nan
    returns = {h: sorted_by_date(((3 * i * i + 11 * j + h * i * j * j) % 37) / 1000 - 0.018) for h in (1, 5)}
    everyone = np.ones(factor.shape, dtype=bool)
    after = Outcomes(dates, names, everyone, np.zeros(factor.shape, np.int8), returns)
    return measured(pd.DataFrame(factor, dates, names), after, quantiles=4)


def test_rank_ic_is_alphalens(golden):
    assert golden.rank_ic.iloc[[0, 7, 29]].to_numpy() == pytest.approx(np.array(IC_ON_DATES), abs=1e-10)
    assert golden.rank_ic.mean().tolist() == pytest.approx(IC_MEANS, abs=1e-10)


def test_quantile_returns_are_alphalens(golden):
    means = golden.quantile_return.mean().unstack("horizon").to_numpy()
    assert means == pytest.approx(np.array(QUANTILE_MEANS), abs=1e-10)
    assert [golden.spread(h).mean() for h in (1, 5)] == pytest.approx(SPREADS, abs=1e-10)


@pytest.mark.parametrize("lag", [1, 5])
def test_turnover_and_autocorrelation_are_alphalens(golden, lag):
    assert golden.turnover(lag).mean().tolist() == pytest.approx(TURNOVERS[lag], abs=1e-10)
    assert golden.rank_autocorrelation(lag).mean() == pytest.approx(AUTOCORRELATIONS[lag], abs=1e-10)


@pytest.fixture(scope="module")
def market():
    return random_market(names=40, sessions=160, missing=0.03)


@pytest.fixture(scope="module")
def factor(market):
    return market.adj_close.pct_change(5, fill_method=None)


def test_ics_are_those_of_the_date_s_members(market, factor):
    member = market.member.copy()
    member.iloc[:, ::3] = False
    result = measured(factor, outcomes(replace(market, member=member), horizons=[5]))
    label = forward_return(market, horizon=5)
    expected = [rank_ic(factor.where(member), label), ic(factor.where(member), label)]
    pd.testing.assert_series_equal(result.rank_ic[5], expected[0], check_names=False, check_freq=False)
    pd.testing.assert_series_equal(result.ic[5], expected[1], check_names=False, check_freq=False)
    assert (result.quantile[~member.to_numpy()] == 0).all()


def test_quantiles_know_nothing_of_what_came_next(market, factor):
    whole = measured(factor, outcomes(market))
    cut = market.asof(market.sessions[100])
    part = measured(factor.loc[: cut.last], outcomes(cut))
    assert (part.quantile == whole.quantile[:101]).all()
    pd.testing.assert_frame_equal(part.turnover(5), whole.turnover(5).iloc[:101], check_freq=False)


def test_a_holding_has_a_return_only_when_it_has_ended(market, factor):
    result = measured(factor, outcomes(market, horizons=[1, 21]))
    # The last row with a label of horizon h is that of t + 1 + h = the last session.
    assert [result.rank_ic[h].last_valid_index() for h in (1, 21)] == [market.sessions[-3], market.sessions[-23]]


def test_what_increases_with_the_factor_changes_nothing(market, factor):
    after = outcomes(market, horizons=[5])
    one, other = measured(factor, after), measured(np.exp(3 * factor) - 2, after)
    pd.testing.assert_frame_equal(one.rank_ic, other.rank_ic)
    assert (one.quantile == other.quantile).mean() > 0.999  # an edge between two names may round


def test_the_opposite_factor_has_the_opposite_ic(market, factor):
    after = outcomes(market, horizons=[5])
    one, other = measured(factor, after), measured(-factor, after)
    pd.testing.assert_frame_equal(one.rank_ic, -other.rank_ic)


def test_coverage_is_the_share_of_members_with_a_value(market, factor):
    half = factor.copy()
    half.iloc[:, ::2] = np.nan
    result = measured(half, outcomes(market, horizons=[5]))
    both = (half.notna() & market.member).sum(axis=1)
    pd.testing.assert_series_equal(result.coverage, both / market.member.sum(axis=1), check_freq=False)


def test_a_delay_of_k_sessions_is_the_factor_of_k_sessions_before(market, factor):
    after = outcomes(market, horizons=[5])
    whole = measured(factor, after)
    expected = rank_ic(factor.where(market.member).shift(3), forward_return(market, horizon=5).where(market.member))
    assert delayed_rank_ic(whole.factor, after.returns[5], 3) == pytest.approx(expected.to_numpy(), nan_ok=True)


def test_the_ic_of_a_sector_is_the_ic_of_its_names(market, factor):
    after = outcomes(market, horizons=[5])
    by_sector = sector_rank_ic(measured(factor, after).factor, after, horizon=5)
    of_first = (market.sector == 0) & market.member
    expected = rank_ic(factor.where(of_first), forward_return(market, horizon=5))
    pd.testing.assert_series_equal(by_sector.iloc[:, 0], expected, check_names=False, check_freq=False)


def test_panels_and_quantiles_are_checked(market, factor):
    after = outcomes(market, horizons=[5])
    with pytest.raises(InputError, match="quantiles must be 2 to 100, got 1"):
        measured(factor, after, quantiles=1)
    with pytest.raises(InputError, match="the market's sessions and tickers"):
        measured(factor.iloc[1:], after)
