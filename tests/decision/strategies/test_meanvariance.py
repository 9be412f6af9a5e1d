"""The optimiser: by hand where there is a formula, within its limits, and honest when there is no way."""

import numpy as np
import pytest

from alphalib.decision import Portfolio, decide
from alphalib.decision.strategies import MeanVariance
from alphalib.decision.strategies.meanvariance import Limits, covariance_ewma, covariance_shrunk, mean_variance
from tests.decision.days import day_of_names, held, portfolio

FREE = Limits(
    buy=np.ones(2),
    sell=np.ones(2),
    position=np.ones(2),
    sector=1.0,
    elsewhere=np.zeros(2),
    equity=1.0,
    minimum=0.0,
    turnover=4.0,
)
COVARIANCE = np.diag([0.04, 0.09])
GROUP = np.array([0, 1])


def solved(alpha, current=(0.0, 0.0), *, risk_aversion=5.0, cost=0.0, **limits):
    weight = mean_variance(
        np.array(alpha),
        COVARIANCE,
        np.array(current),
        GROUP,
        FREE._replace(**limits),
        risk_aversion=risk_aversion,
        cost=cost,
    )
    return None if weight is None else weight.tolist()


def test_without_limits_a_weight_is_alpha_over_lambda_and_variance():
    # .04 / (5 × .04) = .2 and .09 / (5 × .09) = .2
    assert solved([0.04, 0.09]) == pytest.approx([0.2, 0.2], abs=1e-6)
    assert solved([0.04, -0.09]) == pytest.approx([0.2, 0.0], abs=1e-6)


def test_costs_make_it_stay_where_it_is():
    # Buying pays until alpha − λσ²w = cost: (.04 − .01) / .2 = .15; at .24 selling earns λσ²w − alpha = .008 < .01.
    assert solved([0.04, 0.0], cost=0.01) == pytest.approx([0.15, 0.0], abs=1e-6)
    assert solved([0.04, 0.0], (0.24, 0.0), cost=0.01) == pytest.approx([0.24, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"position": np.array([0.05, 1.0])}, [0.05, 0.2]),
        ({"buy": np.array([1.0, 0.07])}, [0.2, 0.07]),
        ({"sector": 0.1}, [0.1, 0.1]),
        ({"sector": 0.1, "elsewhere": np.array([0.04, 0.0])}, [0.06, 0.1]),
        ({"equity": 0.2, "elsewhere": np.array([0.2, 0.0])}, [0.0, 0.0]),
    ],
    ids=["position", "adv", "sector", "sector held elsewhere", "equity"],
)
def test_each_limit_holds(limits, expected):
    assert solved([0.04, 0.09], **limits) == pytest.approx(expected, abs=1e-6)


def test_turnover_counts_purchases_and_sales():
    weight = solved([0.04, -0.5], (0.0, 0.5), turnover=0.3)
    assert abs(weight[0]) + abs(weight[1] - 0.5) == pytest.approx(0.3, abs=1e-6)


def test_what_drift_has_carried_above_a_cap_may_stay():
    assert solved([0.4, 0.0], (0.3, 0.0), position=np.array([0.1, 0.1])) == pytest.approx([0.3, 0.0], abs=1e-3)


def test_when_the_limits_leave_no_way_it_says_so():
    assert solved([0.04, 0.09], minimum=0.9, turnover=0.2) is None


def test_an_infeasible_book_holds_and_names_what_it_wanted():
    rng = np.random.default_rng(0)
    returns = rng.normal(0, 0.02, (60, 3))
    day = day_of_names(*({"percentile": p, "adv": 1e9} for p in (0.9, 0.6, 0.2)), returns=returns)
    params = MeanVariance(rebalance_sessions=1, min_equity_pct=0.9, max_turnover_pct=0.1)
    decision = decide(portfolio(held("C"), cash=90_000.0), day, params)
    assert not decision.entries
    assert not decision.exits
    assert [(refusal.ticker, refusal.rule) for refusal in decision.blocked] == [
        ("A", "infeasible"),
        ("B", "infeasible"),
    ]


def test_a_name_without_enough_returns_or_volume_is_not_bought():
    rng = np.random.default_rng(0)
    returns = rng.normal(0, 0.01, (60, 3))
    returns[:40, 0] = np.nan
    names = ({"percentile": 0.95, "adv": 1e9}, {"percentile": 0.9, "adv": np.nan}, {"percentile": 0.8, "adv": 1e9})
    day = day_of_names(*names, returns=returns)
    decision = decide(Portfolio.of_cash(1e6), day, MeanVariance(rebalance_sessions=1))
    assert [entry.ticker for entry in decision.entries] == ["C"]


def test_covariances_by_hand():
    returns = np.array([[0.01, 0.02], [-0.01, -0.02], [0.01, np.nan], [-0.01, np.nan]])
    # Age 3 … 0 under a half-life of 1: weights 1, 2, 4, 8 of 15; the missing count as the mean, which is 0.
    expected = np.array([[1e-4, 2e-4 * 3 / 15], [2e-4 * 3 / 15, 4e-4 * 3 / 15]]) * 252
    assert covariance_ewma(returns, halflife=1.0) == pytest.approx(expected)
    shrunk = covariance_shrunk(np.random.default_rng(0).normal(0, 0.01, (60, 80)))
    assert np.linalg.eigvalsh(shrunk).min() > 0
    assert np.diag(shrunk).mean() == pytest.approx(1e-4 * 252, rel=0.1)
