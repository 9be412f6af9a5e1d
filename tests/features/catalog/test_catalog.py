"""What holds for every factor of every catalogue: a new one is tested by standing in it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.features.catalog import CATALOG, Entry, duplicates, entry_at, find_factors
from alphalib.features.catalog.document import page
from alphalib.features.compute import factors
from alphalib.features.language.operators import LONGEST_WINDOW
from alphalib.features.language.parser import parse
from alphalib.features.language.tree import LONGEST_MEMORY
from tests.features.catalog.markets import complete_market

EVERY = {f"{catalogue}/{name}": entry for catalogue, entries in CATALOG.items() for name, entry in entries.items()}
SESSIONS = 1340
CUT = 1303
"""Past the longest look-back, five years."""


@pytest.fixture(scope="module")
def market():
    return complete_market(names=8, sessions=SESSIONS)


@pytest.fixture(scope="module")
def values(market):
    return factors({place: entry.node for place, entry in EVERY.items()}, market, mask=False)


def test_there_are_three_hundred():
    assert len(EVERY) >= 300


@pytest.mark.parametrize("catalogue", CATALOG)
def test_an_entry_stands_under_its_name_with_a_source(catalogue):
    for name, entry in CATALOG[catalogue].items():
        assert entry.name == name
        assert entry.source.strip()


@pytest.mark.parametrize("place", EVERY)
def test_the_declared_unit_is_that_of_the_tree(place):
    assert EVERY[place].unit == str(EVERY[place].node.unit)


@pytest.mark.parametrize("place", EVERY)
def test_the_canonical_text_reads_back_as_the_same_factor(place):
    node = EVERY[place].node
    again = parse(str(node))
    assert again == node
    assert again.hash == node.hash
    assert again.unit == node.unit
    assert again.reach == node.reach


@pytest.mark.parametrize("catalogue", CATALOG)
def test_no_factor_stands_twice_in_a_catalogue(catalogue):
    hashes = pd.Series({name: entry.node.hash for name, entry in CATALOG[catalogue].items()})
    assert hashes[hashes.duplicated(keep=False)].empty


def test_duplicates_name_what_several_catalogues_share():
    for text, places in duplicates().items():
        assert len({place.split("/")[0] for place in places}) == len(places) > 1
        assert {str(EVERY[place].node) for place in places} == {text}


@pytest.mark.parametrize("place", EVERY)
def test_what_is_read_back_is_bounded(place):
    reach = EVERY[place].node.reach
    assert reach.lookback <= LONGEST_WINDOW
    if reach.memory is None:  # an appended session then costs all of history
        assert "from the first session" in EVERY[place].note
    else:
        assert reach.lookback <= reach.memory <= LONGEST_MEMORY


def test_every_factor_is_computed(values):
    assert values.failed == {}
    assert set(values) == set(EVERY)


def test_values_are_finite_or_missing(values, market):
    for place, panel in values.items():
        assert panel.index.equals(market.close.index), place
        assert panel.columns.equals(market.close.columns), place
        assert not np.isinf(panel.to_numpy()).any(), place


def test_past_values_survive_the_cut_of_the_future(values, market):
    day = market.sessions[CUT]
    cut = factors({place: entry.node for place, entry in EVERY.items()}, market.asof(day), mask=False)
    moved = [place for place in EVERY if not np.array_equal(cut[place], values[place].loc[:day], equal_nan=True)]
    assert moved == []


def test_later_sessions_alone_are_the_same_to_the_bit(values, market):
    day = market.sessions[CUT]
    later = factors({place: entry.node for place, entry in EVERY.items()}, market, mask=False, after=day)
    rows = market.sessions > day
    moved = [place for place in EVERY if not np.array_equal(later[place], values[place].loc[rows], equal_nan=True)]
    assert moved == []


def test_the_page_is_current():
    held = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text()
    assert held == page(CATALOG, duplicates()), 'Path("docs/catalogue.md").write_text(page(CATALOG, duplicates()))'


def test_the_page_names_source_once_or_in_a_column_and_keeps_bars_inside_cells():
    one = {"x": Entry("x", "($close > 1) | ($close < 0.5)", "a book", note="thresholds")}
    text = page({"few": one}, {})
    assert "Source: a book." in text
    assert r"| x | `($close > 1) \| ($close < 0.5)` | ratio | 0 | thresholds |" in text
    two = page({"few": one | {"y": Entry("y", "$close / $open", "a paper")}}, {"$close": ["few/x", "others/z"]})
    assert "| y | `$close / $open` | ratio | 0 |  | a paper |" in two
    assert "- few/x, others/z: `$close`" in two


def test_a_factor_is_found_by_its_place():
    assert entry_at(" technical/rsi_14 ") is CATALOG["technical"]["rsi_14"]
    assert entry_at("$close/$open") is None
    # a field that Quant-Stream's spelling writes without its $, and the name of a factor
    assert entry_at("yield_10y") is None


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("technical/RSI_14", "technical has no factor 'RSI_14'; the nearest is 'rsi_14'"),
        ("technical/zzzz", "technical has no factor 'zzzz'$"),
        ("rsi_14", "rsi_14 is a factor of a catalogue; write technical/rsi_14 or predictor/rsi_14"),
        ("alpha158", "alpha158 is a catalogue; one of its factors is alpha158/KMID"),
    ],
)
def test_a_place_that_is_none_names_the_nearest(place, why):
    with pytest.raises(InputError, match=why):
        entry_at(place)


def test_factors_are_found_by_a_word():
    assert list(find_factors().index) == list(EVERY)
    found = find_factors("AMIHUD")
    assert {"microstructure/amihud_21", "microstructure/amihud_252"} <= set(found.index)
    entry = EVERY["microstructure/amihud_21"]
    assert found.loc["microstructure/amihud_21"].tolist() == [
        entry.expression,
        entry.unit,
        entry.node.lookback,
        entry.note,
        entry.source,
    ]
    assert find_factors("no such word").empty
