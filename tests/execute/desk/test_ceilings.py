"""Hard ceilings: what is over one is named."""

from dataclasses import replace

import pytest

from alphalib.execute.broker import Kind, Side, Ticket
from alphalib.execute.desk.ceilings import Traffic, breach

BUY = Ticket("al-260305-AAA-entry-1", "AAA", Side.BUY, 100, Kind.MARKET)
SELL = Ticket("al-260305-AAA-exit-1", "AAA", Side.SELL, 100, Kind.MARKET)
QUIET = Traffic(0.0, 0, 0)


def broken(ticket, *, price=10.0, nav=100_000.0, sellable=100, traffic=QUIET):
    return breach(ticket, price=price, nav=nav, sellable=sellable, traffic=traffic)


def test_what_the_rules_ask_for_passes():
    assert broken(BUY) == ""
    assert broken(SELL) == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"price": 250.01}, "25,001 of value, 25% of NAV, is over the ceiling of 25,000"),
        ({"price": 10_001.0, "nav": 1e9}, "1,000,100 of value is over the ceiling of 1,000,000"),
        ({"traffic": Traffic(99_500.0, 0, 0)}, "100,500 bought in the session, 100% of NAV, is over"),
        ({"traffic": Traffic(0.0, 60, 60)}, "61 orders in a minute is over the ceiling of 60"),
        ({"traffic": Traffic(0.0, 0, 1000)}, "1000 orders were sent this session, at most 1000 are"),
        ({"price": float("nan")}, "its value is unknown at a price of nan"),
        ({"nav": float("nan")}, "a NAV of nan"),
    ],
)
def test_a_purchase_over_a_ceiling_is_named(options, words):
    assert words in broken(BUY, **options)


def test_too_many_shares_are_named():
    assert "100,001 shares is over the ceiling of 100,000" in broken(replace(BUY, shares=100_001), price=0.01, nav=1e9)


def test_a_sale_is_bound_by_what_is_held_and_not_by_its_value():
    assert broken(SELL, price=1e9, traffic=Traffic(1e12, 500, 500)) == ""
    assert "100 shares would be sold and 99 are there to sell" in broken(SELL, sellable=99)


def test_not_even_a_sale_is_the_thousand_and_first_order():
    assert "at most 1000 are" in broken(SELL, traffic=Traffic(0.0, 0, 1000))
