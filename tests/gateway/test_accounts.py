"""Cash, average cost and what is realised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.gateway.accounts import Account, Position, Tariff, traded


def test_commission_is_by_share_within_its_bounds():
    tariff = Tariff()
    assert tariff.of(1000, 50_000.0) == 5.0  # 1,000 × .005
    assert tariff.of(100, 5_000.0) == 1.0  # .50 is below the minimum
    assert tariff.of(1, 20.0) == 0.2  # 1 % of the value is below the minimum
    assert tariff.of(0, 0.0) == 0.0


def test_a_sale_through_zero_closes_and_opens():
    # 100 at 10, then 150 sold at 12 for 3: of the commission 2 are for the 100 closed, 1 for the 50 opened
    after, realised = traded(Position(100, 10.0), -150, 12.0, 3.0)
    assert realised == 198.0  # 100 × 2 − 2
    assert after == Position(-50, pytest.approx(11.98))  # a short share brought 12 − 1/50


def test_the_correction_of_a_sale_realises_and_of_a_purchase_costs():
    account = Account(1_000.0, {"AAA": Position(50, 10.0)})
    # a sale of 50 said to be at 13, not at 12
    assert account.amend("AAA", 0.0, -50.0, closing=True) == 50.0
    assert account.positions["AAA"] == Position(50, 10.0)
    # a purchase of 50 said to be at 11, not at 10
    assert account.amend("AAA", 0.0, 50.0, closing=False) == 0.0
    assert (account.cash, account.positions["AAA"]) == (1_000.0, Position(50, 11.0))


trades = st.tuples(
    st.integers(-200, 200).filter(bool), st.integers(1, 500), st.integers(0, 5), st.integers(-20, 20), st.booleans()
)


@given(st.lists(trades, max_size=12))
def test_cash_and_cost_of_what_is_held_are_what_was_paid_in_and_realised(steps):
    account, gained = Account(1_000.0), 0.0
    for shares, price, commission, correction, corrected in steps:
        realised = account.trade("AAA", shares, float(price), float(commission))
        gained += realised or 0.0
        if corrected:
            gained += account.amend("AAA", 0.0, shares * correction / 10, closing=realised is not None)
        held = account.positions.get("AAA", Position(0.0))
        assert account.cash + held.shares * held.cost == pytest.approx(1_000.0 + gained)


def test_what_has_no_price_is_worth_its_cost():
    account = Account(100.0, {"AAA": Position(10, 5.0), "BBB": Position(-2, 3.0)})
    assert account.worth({"AAA": 6.0}) == 154.0  # 100 + 10 × 6 − 2 × 3
