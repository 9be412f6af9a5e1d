"""Units of numbers: products, powers, sums."""

import pytest

from alphalib.errors import FactorError
from alphalib.features import parse
from alphalib.features.language.units import CURRENCY, GROUP, NONE, NUMBER, PRICE, RATIO, SHARES, Unit, common


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (RATIO, "ratio"),
        (NUMBER, "ratio"),
        (PRICE, "price"),
        (PRICE * SHARES, "price·shares"),
        (PRICE / SHARES, "price/shares"),
        (RATIO / SHARES, "1/shares"),
        (CURRENCY**2 / PRICE**0.5, "currency^2/price^0.5"),
        (NONE * PRICE, "none"),
        (GROUP, "group"),
    ],
)
def test_a_unit_is_written_as_on_paper(unit, text):
    assert str(unit) == text


def test_what_is_divided_by_its_own_kind_is_a_ratio():
    assert PRICE / PRICE == RATIO
    assert (PRICE / PRICE).is_ratio
    assert not PRICE.is_ratio
    assert not NONE.is_ratio


def test_fractional_powers_add_up():
    assert PRICE**0.1 * PRICE**0.2 == PRICE**0.3  # 0.1 + 0.2 is not 0.3 in binary


@pytest.mark.parametrize(
    ("first", "second", "sum_of_both"),
    [
        (PRICE, PRICE, PRICE),
        (PRICE, NUMBER, PRICE),
        (NUMBER, SHARES, SHARES),
        (PRICE, SHARES, None),
        (PRICE, RATIO, None),
        (NONE, PRICE, NONE),
        (Unit(price=2.0), PRICE * PRICE, PRICE**2),
    ],
)
def test_sums_need_one_unit(first, second, sum_of_both):
    assert common(first, second) == sum_of_both


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$close ** 1e308", "a quantity in price is raised to at most 20"),
        ("If($sector, $close, $open)", "If cannot take group codes"),
    ],
)
def test_no_power_is_endless_and_no_code_a_condition(text, reason):
    with pytest.raises(FactorError, match=reason):
        parse(text)


@pytest.mark.parametrize("text", ["Power(2, $close)", "Power(CSRank($close), $volume)", "Power($close, $vix)"])
def test_an_exponent_with_a_unit_leaves_none(text):
    assert parse(text).unit == NONE
