"""The ranked table: one trial a factor, false discoveries counted, and nothing found in noise."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.evidence.factor_measure import measured, outcomes
from alphalib.evidence.factor_table import catalogue, named, open_factor_trial, others, panels, rank_factors
from alphalib.evidence.ledger import Ledger
from alphalib.evidence.significance import false_discovery
from alphalib.features.catalog import CATALOG
from alphalib.features.compute import factor, factors
from alphalib.features.language.parser import parse
from tests.worlds import random_market

SOME = {
    "reversal": "Ref($close, 5) / $close",
    "volume": "$volume / Mean($volume, 20)",
    "range": "($high - $low) / $close",
    "the same": "$volume/Mean($volume,20)",
}


@pytest.fixture(scope="module")
def market():
    return random_market(names=30, sessions=260)


@pytest.fixture(scope="module")
def ranked(market, tmp_path_factory):
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")
    return rank_factors(SOME, market, ledger, code_version="1"), ledger


def test_a_row_is_what_the_factor_measures(ranked, market):
    table, _ = ranked
    result = measured(factor(SOME["range"], market), outcomes(market, horizons=[5]))
    row = table.rows.loc["range"]
    assert row["rank_ic"] == pytest.approx(result.rank_ic[5].mean(), abs=1e-15)
    assert row["coverage"] == pytest.approx(result.coverage.mean())
    assert row["expression"] == str(parse(SOME["range"]))


def test_the_table_is_ranked_and_its_q_values_are_those_of_all_rows(ranked):
    table, _ = ranked
    rows = table.rows
    assert rows["t"].abs().is_monotonic_decreasing
    pd.testing.assert_series_equal(rows["q"], false_discovery(rows["p"]), check_names=False)
    # Under any dependence the values are larger by 1 + 1/2 + 1/3 for three factors, and at most 1.
    assert rows["q_any"].tolist() == pytest.approx(np.minimum(rows["q"] * (1 + 1 / 2 + 1 / 3), 1))


def test_a_duplicate_counts_once(ranked):
    table, ledger = ranked
    assert table.duplicates == {"the same": "volume"}
    assert set(table.rows.index) == {"reversal", "volume", "range"}
    assert (table.trials, ledger.count("factors")) == (3, 3)
    assert 1 < table.effective <= 3


def test_every_factor_is_a_closed_trial_with_its_ics(ranked, market):
    table, ledger = ranked
    trials = ledger.trials("factors").set_index("id")
    assert set(table.rows["trial"]) == set(trials.index)
    trial = trials.loc[table.rows.loc["reversal", "trial"]]
    assert trial["params"] == {
        "factor": str(parse(SOME["reversal"])),
        "hash": parse(SOME["reversal"]).hash,
        "horizon": 5,
    }
    assert trial["metrics"]["rank_ic"] == table.rows.loc["reversal", "rank_ic"]
    assert trial["data_hash"] == market.data_hash
    assert len(ledger.returns("factors").dropna()) > 200


def test_every_trial_is_open_before_the_first_result(market, tmp_path):
    ledger, seen = Ledger(tmp_path / "ledger.db"), []

    def watching(found, total):
        seen.append((ledger.count("factors"), ledger.trials("factors")["metrics"].notna().sum()))
        return found

    rank_factors(SOME, market, ledger, code_version="1", progress=watching)
    assert seen == [(3, 0)]


def test_a_report_by_hand_and_a_row_of_the_table_are_one_trial(ranked, market):
    table, ledger = ranked
    node = parse(" $volume / Mean( $volume, 20 ) ")
    again = open_factor_trial(ledger, node, market, lineage="factors", horizon=5, code_version="2")
    assert again == table.rows.loc["volume", "trial"]
    assert ledger.count("factors") == 3
    other = open_factor_trial(ledger, node, market, lineage="others", horizon=10, code_version="2")
    assert other != again


def test_a_factor_that_cannot_be_had_is_named_and_is_no_trial(market, tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    given = {"good": "$close / $open", "bad": "Ref($close, -1)", "nothing": "Log(($close - $close) / $close)"}
    table = rank_factors(given, market, ledger, code_version="1")
    assert table.rows.index.tolist() == ["good"]
    assert table.failed["nothing"] == "no session has 10 members with different values and with returns"
    assert "it would read sessions that have not happened yet" in table.failed["bad"]
    assert ledger.count("factors") == 2


@pytest.mark.slow
def test_nothing_is_found_in_noise(tmp_path):
    market = random_market(names=60, sessions=500, seed=5)
    some = dict(list(CATALOG["alpha158"].items())[::4])
    table = rank_factors(some, market, Ledger(tmp_path / "l.db"), code_version="1")
    assert len(table.rows) == len(some) == 40
    assert table.found().empty
    assert table.rows["q"].min() > 0.05
    assert 1 < table.effective < len(table.rows)


def test_several_catalogues_keep_their_names():
    assert catalogue("alpha158") == CATALOG["alpha158"]
    both = catalogue("alpha158, alpha101")
    assert both["alpha158/KMID"] is CATALOG["alpha158"]["KMID"]
    assert len(both) == len(CATALOG["alpha158"]) + len(CATALOG["alpha101"])
    assert len(catalogue("all")) == sum(map(len, CATALOG.values()))
    with pytest.raises(InputError, match="no catalogue is called 'alpha9'; take alpha158"):
        catalogue("alpha9")


def test_the_table_prints_its_trials(ranked):
    text = str(ranked[0])
    assert "3 factors over 5 sessions; 3 trials in 'factors'" in text
    assert "1 duplicates, 0 failed" in text


def test_panels_come_a_few_at_a_time_and_are_those_of_factors(market):
    nodes = {name: parse(text) for name, text in SOME.items()}
    found = dict(panels(nodes, market, at_once=3))
    assert set(found) == set(nodes)
    for name, panel in factors(nodes, market).items():
        pd.testing.assert_frame_equal(found[name], panel)


def test_a_factor_is_compared_with_all_but_itself(market):
    known = {**SOME, "not here": "$shares_outstanding * $close", "entry": CATALOG["alpha158"]["KMID"]}
    assert {name for name, _ in others(parse(SOME["volume"]), known, market)} == {"reversal", "range", "entry"}


def test_a_factor_by_name_or_by_expression():
    assert named(" alpha158/KMID ") == ("alpha158/KMID", CATALOG["alpha158"]["KMID"].node)
    assert named("$close / $open") == ("$close / $open", parse("$close/$open"))
    with pytest.raises(InputError, match="the nearest is 'KMID'"):
        named("alpha158/KNID")
