"""The whole engine: against the language written once more, and what no cutting into pieces may change."""

import threading
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.features.catalog import CATALOG
from alphalib.features.compute import factor, factors
from alphalib.features.engine.available import missing_field
from alphalib.features.engine.elementwise import ELEMENTWISE
from alphalib.features.engine.evaluate import evaluate
from alphalib.features.engine.inputs import inputs_of
from alphalib.features.engine.kernels import CROSS, TIME
from alphalib.features.language.operators import OPERATORS
from alphalib.features.language.parser import parse
from alphalib.features.language.tree import call, field, number
from tests.features.engine.naive import naive
from tests.features.engine.worlds import full_market
from tests.features.language.expressions import random_expressions
from tests.worlds import random_market

MARKET = full_market()
RETURN = call("Sub", [call("Div", [field("close"), call("Ref", [field("close")], [1])]), number(1)])
TRADE = call("Div", [field("volume"), call("Mean", [field("volume")], [10])])
TURN = call("Log", [TRADE])


def values(nodes, market=MARKET, **options):
    """Unmasked values of factors by node, (names, sessions)."""
    nodes = list(dict.fromkeys(nodes))
    inputs = inputs_of(market, frozenset().union(*(node.fields for node in nodes)))
    found = {node: np.full((inputs.names, inputs.sessions), 12345.0) for node in nodes}

    def keep(node, name, block):
        found[node][name : name + len(block)] = block

    evaluate(nodes, inputs, keep, **options)
    return found


def drawn(count, seed):
    """Random factors that the market has the fields for."""
    nodes = [parse(text) for text in random_expressions(count, seed=seed, nodes=14)]
    return [node for node in nodes if not any(missing_field(name, MARKET) for name in node.fields)]


def agree(found, expected):
    """Where two answers are the same but for rounding."""
    size = np.nanmax(np.abs(expected), initial=0.0)
    near = np.abs(found - expected) <= 1e-9 * np.abs(expected) + 1e-14 * size
    return near | (np.isnan(found) & np.isnan(expected))


def test_every_operator_can_be_computed():
    assert {*ELEMENTWISE, *TIME, *CROSS} == set(OPERATORS)


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_on_factors_is_what_its_text_says(name):
    operator = OPERATORS[name]
    literals = [{"window": 7, "lag": 3, "q": 0.3}.get(p.name, p.default) for p in operator.parameters]
    arguments = [RETURN, TURN, TRADE][: operator.expressions[0]]
    if name == "CSNeutralize":
        arguments = [RETURN, field("sector"), TURN]
    node = call(name, arguments, literals)
    assert agree(values([node])[node], naive(node, MARKET).to_numpy().T).all()
    assert np.isfinite(naive(node, MARKET).to_numpy()).any()


def test_random_factors_equal_the_plain_evaluator():
    nodes = drawn(60, seed=1)
    found = values(nodes)
    apart = [str(node) for node in nodes if not agree(found[node], naive(node, MARKET).to_numpy().T).all()]
    # What compares or divides by what should be 0, such as the residual of an exact fit, turns on the last digit.
    assert len(apart) <= 0.05 * len(nodes), apart


@pytest.mark.parametrize(
    "options",
    [{"threads": 2}, {"block_bytes": 1}, {"block_bytes": 3 * 8 * 100, "threads": 3}, {"held_bytes": 1}],
    ids=["threads", "a name at a time", "three names at a time", "one barrier at a time"],
)
def test_cutting_into_pieces_changes_no_bit(options):
    nodes = drawn(150, seed=2)
    whole, cut = values(nodes), values(nodes, **options)
    assert [str(node) for node in nodes if whole[node].tobytes() != cut[node].tobytes()] == []


def test_a_factor_does_not_depend_on_the_company_it_is_in():
    nodes = drawn(80, seed=3)
    together = values(nodes)
    assert [str(n) for n in nodes if values([n])[n].tobytes() != together[n].tobytes()] == []


def later(nodes, market, cut):
    """Nodes whose rows after a cut differ from those of all history, computed masked as users do."""
    expressions = {str(node): node for node in nodes}
    whole = factors(expressions, market)
    slices = factors(expressions, market, after=market.sessions[cut - 1])
    return [
        name
        for name in expressions
        if slices[name].to_numpy().tobytes() != whole[name].iloc[cut:].to_numpy().tobytes()
        or not slices[name].index.equals(market.sessions[cut:])
    ]


@pytest.mark.parametrize("cut", [399, 397, 241])
def test_later_sessions_of_random_factors_are_those_of_all_history(cut):
    assert later(drawn(200, seed=4), full_market(names=6, sessions=400), cut) == []


@pytest.mark.parametrize("catalogue", CATALOG)
def test_later_sessions_of_a_catalogue_are_those_of_all_history(catalogue):
    market = full_market(names=4, sessions=700, seed=8)
    nodes = [entry.node for entry in CATALOG[catalogue].values()]
    nodes = [node for node in nodes if not any(missing_field(name, market) for name in node.fields)]
    assert later(nodes, market, 698) == []


def test_what_is_not_finite_is_missing():
    price = field("close")
    nodes = [
        call("Div", [price, call("Sub", [price, price])]),  # x / 0
        call("Log", [call("Sub", [price, price])]),
        call("Exp", [call("Mul", [RETURN, number(1e9)])]),
        call("Power", [call("Plain", [price]), number(400)]),
        call("Mul", [call("Mul", [price, number(1e200)]), call("Mul", [price, number(1e200)])]),
    ]
    for node, found in values(nodes).items():
        assert not np.isinf(found).any(), str(node)


def test_the_market_is_left_alone():
    market = full_market(seed=6)
    before = {name: getattr(market, name).copy() for name in ("close", "adj_close", "volume", "member", "macro")}
    factors({str(node): node for node in drawn(60, seed=5)}, market, mask=False)
    for name, panel in before.items():
        pd.testing.assert_frame_equal(getattr(market, name), panel, check_exact=True)


def test_a_row_for_the_whole_market_is_computed_once_and_spread():
    vix = field("vix")
    nodes = [
        call("Mean", [vix], [5]),
        call("Mul", [RETURN, call("Delta", [vix], [1])]),
        call("Corr", [RETURN, call("Ref", [vix], [1])], [10]),
        call("CSDemean", [vix]),
        vix,
    ]
    for node, found in values(nodes).items():
        assert agree(found, naive(node, MARKET).to_numpy().T).all(), str(node)


def test_a_number_is_spread_where_an_operator_needs_rows():
    nodes = [call("Cov", [RETURN, number(2)], [5]), call("CSResid", [RETURN, number(1)])]
    for node, found in values(nodes).items():
        assert agree(found, naive(node, MARKET).to_numpy().T).all(), str(node)


def test_a_market_of_one_name_and_one_of_one_session():
    larger = random_market(names=3, sessions=60)
    panels = ("open", "high", "low", "close", "volume", "vwap", "member", "sector")
    one_name = replace(larger, **{name: getattr(larger, name).iloc[:, :1] for name in panels})
    for market in (one_name, larger.asof(larger.sessions[0])):
        node = call("CSRank", [call("Mul", [RETURN, field("vix")])])
        assert values([node], market)[node].shape == market.close.T.shape


def test_progress_counts_to_the_end():
    told = []
    values(
        drawn(40, seed=6), threads=2, block_bytes=2 * 8 * 100, progress=lambda done, total: told.append((done, total))
    )
    total = told[0][1]
    assert told == [(done, total) for done in range(1, total + 1)]


def test_an_interrupt_waits_for_no_more_than_the_pieces_begun():
    market = random_market(names=400, sessions=400)
    nodes = [entry.node for entry in CATALOG["alpha158"].values()]
    inputs = inputs_of(market, frozenset().union(*(node.fields for node in nodes)))
    begun = set()

    def interrupted(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(
            nodes, inputs, lambda node, name, _: begun.add(name), threads=2, block_bytes=8 * 400, progress=interrupted
        )
    assert len(begun) < 100  # of 400 names, one a piece
    assert not any(thread.name.startswith("factors") for thread in threading.enumerate())


def test_a_fault_in_a_piece_comes_out():
    node = call("Mean", [RETURN], [5])

    def broken(*_):
        raise RuntimeError("no room")

    began = time.monotonic()
    with pytest.raises(RuntimeError, match="no room"):
        evaluate([node], inputs_of(MARKET, node.fields), broken, threads=2, block_bytes=1)
    assert time.monotonic() - began < 10


def test_a_delisted_name_no_longer_counts_whatever_the_table_of_members_says():
    market = random_market(names=14, sessions=120)
    market = replace(market, member=market.member | True)
    count = factor("CSCount(Sum($volume, 60))", market)["N000"]  # N013's window has values for 59 sessions more
    assert count.iloc[99] == 14
    assert (count.iloc[100:] == 13).all()
