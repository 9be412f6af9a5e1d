"""The line, what lies behind it, and the grants that open it."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.holdout import holdout_line, require_grant, seal, seal_label, sealed_rank_ic
from alphalib.evidence.ic import rank_ic
from alphalib.evidence.ledger import Ledger
from alphalib.labels import label_end
from alphalib.sessions import all_sessions, sessions_between

ASOF, LINE = pd.Timestamp("2023-12-29"), pd.Timestamp("2022-09-30")
DAYS = sessions_between("2022-09-19", "2022-10-14")
SEALED_WAYS = [
    lambda sealed: sealed.loc["2022-09-19":],
    lambda sealed: sealed["A"],
    lambda sealed: sealed.mean(),
    lambda sealed: sealed.to_numpy(),
    lambda sealed: np.asarray(sealed),
    lambda sealed: np.nanmean(sealed),
    lambda sealed: sealed.opened(None),
]


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    ledger.close()


@pytest.fixture
def grant(ledger):
    ledger.give_grant("predictor", asof=ASOF, by="a person")
    return ledger.use_grant("predictor", asof=ASOF, reason="a test")


def outcomes():
    return pd.DataFrame({"A": np.arange(float(len(DAYS))), "B": 1.0}, index=DAYS)


def sealed_label():
    return seal(outcomes(), ends=label_end(DAYS, 5), line=LINE)


@pytest.mark.parametrize(
    ("asof", "line"),
    [
        ("2023-12-29", "2022-09-30"),  # 2022Q4 to 2023Q3 and the present 2023Q4 are sealed
        ("2023-10-02", "2022-09-30"),
        ("2023-09-29", "2022-06-30"),
        ("2024-01-02", "2022-12-30"),  # the 31st was a Saturday
    ],
)
def test_the_line_is_the_end_of_the_quarter_before_the_four(asof, line):
    assert holdout_line(asof) == pd.Timestamp(line)
    with pytest.raises(InputError, match="at least one full quarter"):
        holdout_line(asof, quarters=0)


@given(st.integers(600, len(all_sessions()) - 2), st.integers(1, 8))
def test_the_line_never_moves_back_and_stays_a_quarter_behind(place, quarters):
    today, tomorrow = all_sessions()[place : place + 2]
    line = holdout_line(today, quarters=quarters)
    assert line <= holdout_line(tomorrow, quarters=quarters)
    months = (today.year - line.year) * 12 + today.month - line.month
    assert 3 * quarters < months <= 3 * quarters + 3


def test_d17_what_ended_by_the_line_is_open_and_nothing_else():
    # A label of 5 sessions from 2022-09-22 ends on the 30th: 23 26 27 28 29 30 are the six sessions after it.
    opened = sealed_label().open
    assert opened["A"].last_valid_index() == pd.Timestamp("2022-09-22")
    assert opened.index.equals(DAYS)
    assert opened.loc["2022-09-23":].isna().all(axis=None)
    assert repr(sealed_label()) == "Sealed(line 2022-09-30, 4 rows open, 16 closed)"


@pytest.mark.parametrize("way", SEALED_WAYS)
def test_d17_every_other_way_in_raises(way):
    with pytest.raises(EvidenceError, match="after 2022-09-30 are sealed"):
        way(sealed_label())


def test_d17_the_values_behind_the_line_do_not_change_what_is_open():
    other = outcomes()
    other.loc["2022-09-23":] = 1e10
    pd.testing.assert_frame_equal(seal(other, ends=label_end(DAYS, 5), line=LINE).open, sealed_label().open)


def test_a_grant_opens_up_to_its_day(ledger):
    ledger.give_grant("predictor", asof="2023-10-05", by="a person")
    grant = ledger.use_grant("predictor", asof="2023-10-05", reason="a test")
    pd.testing.assert_frame_equal(sealed_label().opened(grant), outcomes(), check_freq=False)
    late = sessions_between("2023-09-25", "2023-10-13")
    series = pd.Series(1.0, index=late)
    assert seal(series, ends=late, line=LINE).opened(grant).last_valid_index() == pd.Timestamp("2023-10-05")


def test_what_comes_out_is_a_copy_and_travels_to_other_processes(grant):
    given = outcomes()
    sealed = seal(given, ends=label_end(DAYS, 5), line=LINE)
    for taken in (given, sealed.open, sealed.opened(grant)):
        taken.iloc[:] = 7.0
    pd.testing.assert_frame_equal(sealed.opened(grant), outcomes(), check_freq=False)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(sealed)).open, sealed.open)


@pytest.mark.parametrize("change", [{"asof": pd.Timestamp("2024-03-28")}, {"line": LINE - pd.Timedelta(days=92)}])
def test_d17_a_grant_that_was_edited_opens_nothing(grant, change):
    with pytest.raises(EvidenceError, match="not as the ledger gave it"):
        sealed_label().opened(replace(grant, **change))


def test_d17_a_grant_of_another_line_lineage_or_day_opens_nothing(ledger, grant):
    ledger.give_grant("veto", asof="2024-01-05", by="a person")
    other = ledger.use_grant("veto", asof="2024-01-05", reason="a test")
    with pytest.raises(EvidenceError, match="2024Q1 opens those after 2022-12-30"):
        sealed_label().opened(other)
    asked = {"line": LINE, "what": "labels"}
    assert require_grant(grant, lineage="predictor", reaches=ASOF, **asked) is grant
    with pytest.raises(EvidenceError, match="was given for 'predictor', not 'veto'"):
        require_grant(grant, lineage="veto", **asked)
    with pytest.raises(EvidenceError, match="up to 2023-12-29, not to 2024-01-02"):
        require_grant(grant, reaches="2024-01-02", **asked)


def test_ends_must_fit_the_rows():
    with pytest.raises(InputError, match="20 rows, 3 ends"):
        seal(outcomes(), ends=DAYS[:3], line=LINE)
    with pytest.raises(InputError, match="before the session it belongs to"):
        seal(outcomes(), ends=DAYS - pd.Timedelta(days=1), line=LINE)


def test_ics_are_as_closed_as_their_labels(grant):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(len(DAYS), 12)), index=DAYS)
    prediction = pd.DataFrame(rng.normal(size=wide.shape), index=DAYS)
    per_date = sealed_rank_ic(prediction, seal(wide, ends=label_end(DAYS, 5), line=LINE))
    pd.testing.assert_series_equal(per_date.opened(grant), rank_ic(prediction, wide), check_freq=False)
    assert per_date.open.last_valid_index() == pd.Timestamp("2022-09-22")
    assert per_date.behind(grant).index[0] == pd.Timestamp("2022-09-23")
    assert per_date.seen_with(None).equals(per_date.open)
    assert per_date.seen_with(grant).equals(per_date.opened(grant))
    with pytest.raises(EvidenceError, match="read with a grant"):
        per_date.behind(None)


def test_labels_are_closed_by_their_last_session():
    days = sessions_between("2021-01-04", ASOF)
    label = pd.DataFrame(1.0, index=days, columns=["A"])
    sealed = seal_label(label, horizon=5)
    assert sealed.line == LINE
    assert sealed.open["A"].last_valid_index() == pd.Timestamp("2022-09-22")
    with pytest.raises(InputError, match="no labels to seal"):
        seal_label(label.iloc[:0], horizon=5)
