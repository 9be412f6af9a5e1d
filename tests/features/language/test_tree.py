"""Trees: canonical text, unit, reach, and what cannot be built."""

import math

import pytest

from alphalib.errors import InputError
from alphalib.features.fields import FIELDS
from alphalib.features.language.operators import OPERATORS, Reach
from alphalib.features.language.parser import parse
from alphalib.features.language.tree import call, field, number
from alphalib.features.language.units import PRICE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("$close + $open", "$open + $close"),
        ("Corr($close, $volume, 5)", "Corr($volume, $close, 5)"),
        ("$vix * 2", "2.0 * $vix"),
        ("2 * 3 * $vix", "$vix * (2 + 4)"),
        ("-1 * $vix", "$vix * -(3 - 2)"),
        ("$vix * 0", "$vix * -0"),
    ],
)
def test_what_is_the_same_has_one_text_and_one_hash(first, second):
    assert parse(first) == parse(second)
    assert parse(first).hash == parse(second).hash


@pytest.mark.parametrize(
    ("first", "second"),
    [("$close - $open", "$open - $close"), ("RegBeta($close, $open, 5)", "RegBeta($open, $close, 5)")],
)
def test_order_counts_where_it_matters(first, second):
    assert parse(first) != parse(second)
    assert parse(first).hash != parse(second).hash


def test_there_is_one_zero():
    assert math.copysign(1.0, number(-0.0).literals[0]) == 1.0


def test_hash_is_the_same_tomorrow():
    assert parse("Mean($close, 5) / $close").hash == "2a8d97da082d9aa7"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("$close", "price"),
        ("Var($close, 5)", "price^2"),
        ("Sqrt(Var($close, 5)) + $close", "price"),
        ("Cov($close, $volume, 5)", "price·shares"),
        ("RegBeta($close, $volume, 5)", "price/shares"),
        ("$close * $volume / Mean($close * $volume, 20)", "ratio"),
        ("Log($close)", "none"),
        ("Log($close / Ref($close, 1))", "ratio"),
        ("Log($close) - Log(Ref($close, 1))", "none"),
        ("Plain(Log($close))", "ratio"),
        ("$raw_close * $shares_outstanding", "shares·currency"),
        ("CSRank($volume)", "ratio"),
        ("If($vix > 20, $close, 0)", "price"),
        ("$sector == 3", "ratio"),
        ("$close ** 2 / $close", "price"),
    ],
)
def test_unit_of_the_result(text, unit):
    assert str(parse(text).unit) == unit


@pytest.mark.parametrize(
    ("text", "reach"),
    [
        ("$close", Reach(0, 0)),
        ("Ref($close, 5)", Reach(5, 5)),
        ("Ref($close, 0) / $close", Reach(0, None)),  # the first value there was
        ("Mean($close, 5)", Reach(4, 4)),
        ("Mean($close, 0)", Reach(0, None)),
        ("EMA($close, 0)", Reach(0, None)),
        ("Mean(Ref($close, 3), 5)", Reach(7, 7)),
        ("Mean($close, 5) + Ref($close, 20)", Reach(20, 20)),
        ("CSRank($close)", Reach(0, 0)),
        # alpha 2/3: weights are nothing after ceil(36.8/ln 3) = 34 sessions; warm after ceil(4/alpha) − 2 = 4
        ("EMA($close, 2)", Reach(4, 67)),
        ("Mean($close, 0.5)", Reach(6, 107)),  # ceil(36.8/ln 2) = 54
        ("Wilder($close, 1)", Reach(0, 0)),
    ],
)
def test_reach_adds_up(text, reach):
    assert parse(text).reach == reach


def test_a_node_knows_what_it_is_made_of():
    node = parse("CSRank(Mean($close, 5) / Ref($open, 20))")
    assert (node.size, node.depth, node.complexity) == (6, 4, 8)
    assert node.fields == {"close", "open"}
    assert repr(node) == "parse('CSRank(Div(Mean($close, 5), Ref($open, 20)))')"
    assert str(next(node.walk())) == "$close"


def test_every_field_can_be_written():
    assert all(str(parse(f"${name}")) == f"${name}" for name in FIELDS)


@pytest.mark.parametrize("name", OPERATORS)
def test_usage_names_every_argument(name):
    operator = OPERATORS[name]
    assert operator.usage.startswith(f"{name}(x")
    assert all(parameter.name in operator.usage for parameter in operator.parameters)


def test_the_tree_checks_what_the_parser_does_not():
    with pytest.raises(InputError, match="Ref: the lag must not be negative, got -1"):
        call("Ref", [field("close")], [-1])
    with pytest.raises(InputError, match="a number must be finite"):
        number(float("nan"))
    node = field("vix")
    for _ in range(47):
        node = call("Abs", [node])
    with pytest.raises(InputError, match="512 nodes and 48 levels, this one has 49 and 49"):
        call("Abs", [node])


def test_a_field_by_itself_is_a_factor():
    assert field("close").unit == PRICE
    assert parse("$close") == field("close")
