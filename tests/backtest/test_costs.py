"""What a trade pays: half the spread, impact, commission; and how many shares the cash is enough for."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.backtest.costs import FREE, Costs, affordable, commission, outlay, slippage

MONEY = st.floats(1.0, 1e6)
COSTS = st.builds(
    Costs,
    slippage_bps=st.floats(0, 1000),
    commission_bps=st.floats(0, 1000),
    commission_per_share=st.floats(0, 1),
    minimum_commission=st.floats(0, 100),
    impact=st.floats(0, 5),
)


def test_impact_is_the_root_of_the_share_of_a_days_value():
    # Half the spread 5 bps; 10,000 of 1,000,000 a day is 1 %, its root 0.1, × 2 % a day × ½ = 10 bps.
    assert slippage(10_000.0, 1e6, 0.02, Costs().tariff) == pytest.approx(0.0015)
    four_times = slippage(40_000.0, 1e6, 0.02, Costs().tariff)
    assert four_times - 0.0005 == pytest.approx(2 * 0.0010)


@pytest.mark.parametrize(("adv", "volatility"), [(math.nan, 0.02), (0.0, 0.02), (1e6, math.nan), (1e6, 0.0)])
def test_what_is_not_known_has_no_impact(adv, volatility):
    assert slippage(10_000.0, adv, volatility, Costs().tariff) == pytest.approx(0.0005)


def test_no_trade_moves_a_price_below_nothing():
    assert slippage(1e12, 1.0, 1.0, Costs().tariff) == 1.0


@pytest.mark.parametrize(
    ("shares", "value", "expected"),
    [
        (100, 50_000.0, 5.0),  # 1 bp
        (10, 5_000.0, 1.0),  # 0.50 would be less than the minimum
        (1, 50.0, 0.5),  # 1 % of 50 is less than the minimum
    ],
)
def test_a_small_order_pays_the_minimum_but_no_more_than_a_hundredth(shares, value, expected):
    assert commission(shares, value, Costs().tariff) == pytest.approx(expected)


def test_a_tariff_by_the_share():
    by_share = Costs(commission_bps=0, commission_per_share=0.005, minimum_commission=1).tariff
    assert commission(1_000, 25_000.0, by_share) == pytest.approx(5.0)
    assert commission(1_000, 1.0, by_share) == 1.0  # never more than the value


@settings(deadline=None)  # the first call compiles
@given(COSTS, st.integers(1, 10_000), MONEY, st.floats(0.01, 1000), MONEY)
def test_as_many_as_the_cash_pays_for_and_not_one_more(costs, wanted, cash, price, adv):
    shares = affordable(wanted, cash, price, adv, 0.02, costs.tariff)
    assert 0 <= shares <= wanted
    assert shares == 0 or outlay(shares, price, adv, 0.02, costs.tariff) <= cash
    assert shares == wanted or outlay(shares + 1, price, adv, 0.02, costs.tariff) > cash


@settings(deadline=None)  # the first call compiles
@given(COSTS, st.integers(1, 10_000), st.floats(0.01, 1000), MONEY)
def test_a_sale_never_costs_more_than_it_brings(costs, shares, price, adv):
    paid = price * (1 - slippage(shares * price, adv, 0.02, costs.tariff))
    assert shares * paid - commission(shares, shares * paid, costs.tariff) >= 0.0


def test_nothing_costs_nothing():
    assert Costs.none().tariff == FREE
    assert outlay(10, 100.0, 1e6, 0.02, FREE) == 1000.0


def test_a_cost_below_zero_is_refused():
    with pytest.raises(ValueError, match="impact"):
        Costs(impact=-1.0)
