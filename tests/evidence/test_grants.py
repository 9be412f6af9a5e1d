"""Grants: one a quarter and lineage, forward in time, written down when given and when used."""

import pandas as pd
import pytest

from alphalib.errors import EvidenceError
from alphalib.evidence.ledger import Ledger

ASOF = "2023-11-15"


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    ledger.close()


def test_a_grant_is_given_used_once_and_both_are_written_down(ledger):
    assert ledger.may_give("predictor", asof=ASOF)
    ledger.give_grant("predictor", asof=ASOF, by="Ada")
    grant = ledger.use_grant("predictor", asof="2023-12-29", reason="trial 12")
    assert (grant.quarter, grant.line, grant.asof) == ("2023Q4", pd.Timestamp("2022-09-30"), pd.Timestamp("2023-12-29"))
    (row,) = ledger.grants("predictor").to_dict("records")
    assert row == {
        "lineage": "predictor",
        "quarter": "2023Q4",
        "given_asof": ASOF,
        "given_by": "Ada",
        "id": grant.id,
        "used_asof": "2023-12-29",
        "reason": "trial 12",
    }
    with pytest.raises(EvidenceError, match=r"of 2023Q4 was given already.*possible from 2024-01-01"):
        ledger.use_grant("predictor", asof="2023-12-29", reason="again")


def test_nothing_is_used_that_was_not_given(ledger):
    with pytest.raises(EvidenceError, match="no grant was given to 'predictor' in 2023Q4"):
        ledger.use_grant("predictor", asof=ASOF, reason="impatience")
    ledger.give_grant("predictor", asof=ASOF, by="Ada")
    with pytest.raises(EvidenceError, match="no grant was given to 'predictor' in 2024Q1"):
        ledger.use_grant("predictor", asof="2024-01-02", reason="it lapsed")
    assert ledger.grants()["used_asof"].isna().all()


def test_one_a_quarter_and_lineage(ledger):
    ledger.give_grant("predictor", asof=ASOF, by="Ada")
    assert not ledger.may_give("predictor", asof="2023-12-29")
    with pytest.raises(EvidenceError, match=r"one a quarter and lineage; the next of 'predictor'.*2024-01-01"):
        ledger.give_grant("predictor", asof="2023-12-29", by="Ada")
    ledger.give_grant("veto", asof=ASOF, by="Ada")
    ledger.give_grant("predictor", asof="2024-01-02", by="Ada")
    assert ledger.grants().groupby("lineage").size().to_dict() == {"predictor": 2, "veto": 1}


def test_grants_go_forward_in_time(ledger):
    ledger.give_grant("predictor", asof=ASOF, by="Ada")
    assert not ledger.may_give("predictor", asof="2023-09-29")
    with pytest.raises(EvidenceError, match=r"2023Q4, which is after 2023Q3, was given already.*from 2024-01-01"):
        ledger.give_grant("predictor", asof="2023-09-29", by="Ada")


def test_somebody_gives_it(ledger):
    with pytest.raises(EvidenceError, match="say by whom"):
        ledger.give_grant("predictor", asof=ASOF, by=" ")


def test_a_ledger_from_before_grants_takes_them(tmp_path):
    old = Ledger(tmp_path / "ledger.db")
    with old._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE grants")
    old.close()
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.give_grant("predictor", asof=ASOF, by="Ada")
    assert len(ledger.grants()) == 1
    ledger.close()


def test_a_run_that_is_repeated_takes_the_same_grant(ledger):
    first = ledger.take_grant("predictor", asof=ASOF, trial="t1", by="the pipeline")
    assert first is not None
    assert ledger.take_grant("predictor", asof=ASOF, trial="t1", by="the pipeline") == first
    assert ledger.take_grant("predictor", asof=ASOF, trial="t2", by="the pipeline") is None
    assert ledger.take_grant("predictor", asof="2023-11-16", trial="t1", by="the pipeline") is None
    assert len(ledger.grants()) == 1


def test_without_a_giver_only_what_somebody_gave_is_taken(ledger):
    assert ledger.take_grant("predictor", asof=ASOF, trial="t1") is None
    assert ledger.grants().empty
    ledger.give_grant("predictor", asof=ASOF, by="Ada")
    grant = ledger.take_grant("predictor", asof="2023-12-01", trial="t1")
    assert (grant.asof, grant.reason) == (pd.Timestamp("2023-12-01"), "trial t1")
    assert ledger.take_grant("predictor", asof="2023-06-30", trial="t0", by="the pipeline") is None
