"""The certificate itself: its dates, what it says, that it passes the library and fails what it should."""

import numpy as np
import pandas as pd
import pytest

from alphalib.__main__ import main
from alphalib.errors import InputError
from alphalib.proof import CORRUPTIONS, STAGES, Received, Stage, certify, steps
from alphalib.proof.certificate import certificate_dates
from alphalib.sessions import all_sessions, sessions_between
from alphalib.sources.embedded import ensure_prices
from alphalib.sources.sample import simulate_market
from alphalib.store import Store
from tests.worlds import random_market

SMALL = Received.from_market(random_market(names=5, sessions=120))


def stage_of(function):
    return Stage("one", lambda known, days: [("panel", function(known.market))])


@pytest.mark.slow
def test_the_library_is_certified():
    told = []
    certificate = certify(Received.from_world(simulate_market(seed=9, names=16, sessions=320)), step=told.append)
    assert [str(leak) for leak in certificate.leaks] == []
    assert len(told) == steps(len(STAGES))
    assert certificate.summary().startswith("certified: ")
    assert certificate.table.groupby(["stage", "how"])["day"].nunique().eq(8).all()
    assert set(certificate.grid.index) == {(stage, how) for stage in STAGES for how in CORRUPTIONS}
    compared = certificate.table.groupby("stage")["artefacts"].max()
    assert compared.sum() > 500
    assert len(certificate.empty) < 0.1 * compared.sum()


@pytest.mark.parametrize("sessions", [100, 300, 2012])
@pytest.mark.parametrize("number", [8, 12])
def test_dates_are_spread_after_the_warm_up_with_month_ends_among_them(sessions, number):
    span = all_sessions()[6000 : 6000 + sessions]
    days = certificate_dates(span, number)
    assert len(days) == number
    assert days.is_monotonic_increasing
    assert days.is_unique
    assert days[0] >= span[min(252, sessions // 2)]
    assert days[-1] <= span[-22]
    following = all_sessions()[all_sessions().get_indexer(days) + 1]
    ends = (days.month != following.month).sum()
    inside = span[min(252, sessions // 2) : -21].to_period("M")
    assert ends >= min(number // 2, inside.nunique() - 1)


def test_dates_by_hand():
    # 2,012 sessions from 2016: the warm-up ends with 2016, 21 sessions are left after 2023-11-29.
    days = certificate_dates(sessions_between("2016-01-04", "2023-12-29"))
    assert [f"{day:%Y-%m-%d}" for day in days[[0, 1, -2, -1]]] == [
        "2017-01-03",
        "2017-12-29",
        "2022-12-01",
        "2023-10-31",
    ]


def test_too_few_dates_or_sessions_are_refused():
    with pytest.raises(InputError, match="needs at least 8 dates, got 7"):
        certificate_dates(all_sessions()[:500], 7)
    with pytest.raises(InputError, match="40 sessions are too few for a certificate at 8 dates"):
        certificate_dates(all_sessions()[:40], 8)


def test_a_leak_names_the_first_value_that_differs():
    certificate = certify(SMALL, [stage_of(lambda market: market.close.shift(-1))])
    leak = certificate.leaks[0]
    market, day = SMALL.market(), certificate.table["day"].min()
    is_now = market.close["N000"].shift(-1).loc[day]
    assert str(leak) == f"one, panel: N000 on {day:%Y-%m-%d} is {is_now}, and nan then (all after {day:%Y-%m-%d} NaN)"
    assert not certificate.passed
    assert certificate.summary().startswith("NOT certified: 1 leak")
    assert (certificate.grid == 1).all(axis=None)


def test_the_report_reads_the_same_in_a_notebook():
    page = certify(SMALL, [stage_of(lambda market: market.close.shift(-1))])._repr_html_()
    assert "NOT certified: 1 leak" in page
    assert "<li>one, panel: N000 on" in page
    assert "permuted" in page


def test_a_stage_that_breaks_on_another_future_fails():
    def particular(market):
        if not market.close.iloc[-1].between(1.0, 1000.0).any():
            raise ValueError("prices look strange")
        return market.close

    leaks = certify(SMALL, [stage_of(particular)]).leaks
    assert {leak.how for leak in leaks} == {"NaN", "1e10"}
    assert "raises ValueError: prices look strange" in str(leaks[0])


def test_what_differs_between_two_runs_is_called_so():
    once = iter([0.0, 1.0] + [0.0] * 40)
    leaks = certify(SMALL, [stage_of(lambda market: market.close + next(once))]).leaks
    assert [leak.what for leak in leaks] == ["two runs on the same rows differ: it is not deterministic"]


def test_a_name_that_is_known_only_with_another_future_fails():
    def longest(market):
        return market.close.rename(columns={"N000": "tall" if market.close.max(axis=None) > 1e9 else "N000"})

    leaks = certify(SMALL, [stage_of(longest)]).leaks
    assert [(leak.how, leak.what) for leak in leaks] == [("1e10", "knows of names that are not there otherwise")]


def test_an_artefact_that_goes_away_fails():
    two = Stage(
        "two",
        lambda known, days: [
            ("always", known.market.close),
            *([("sometimes", known.market.volume)] if known.market.volume.iloc[-1].notna().any() else []),
        ],
    )
    leaks = certify(SMALL, [two]).leaks
    assert [(leak.artefact, leak.how, leak.what) for leak in leaks] == [("sometimes", "NaN", "is not there")]


def test_of_what_has_no_value_nothing_is_claimed():
    certificate = certify(SMALL, [stage_of(lambda market: market.close * np.nan)])
    assert certificate.passed
    assert certificate.empty == ("one panel",)
    assert "nothing is proven of 1: one panel" in "\n".join(certificate.lines())


def test_rows_out_of_order_are_refused():
    with pytest.raises(InputError, match="in the order in which they become known"):
        certify(SMALL, [stage_of(lambda market: market.close.iloc[::-1])])


def test_a_table_is_compared_row_by_row():
    def verdicts(market):
        suspicious = market.close.mean().nlargest(2).index
        return pd.DataFrame({"ticker": suspicious.to_numpy()}, index=market.sessions[[10, 20]])

    leaks = certify(SMALL, [stage_of(verdicts)]).leaks
    assert any("ticker on" in leak.what for leak in leaks)


def certified(*arguments):
    """Exit code of the command."""
    with pytest.raises(SystemExit) as end:
        main(["certify", *map(str, arguments)])
    return end.value.code


@pytest.fixture
def stored(tmp_path):
    ensure_prices(Store(tmp_path), asof=pd.Timestamp("2016-09-30"), names=8)
    return tmp_path


def test_the_command_certifies_a_store(stored, capsys):
    assert certified("import", "universe", "--store", stored, "--start", "2016-03-01") == 0
    told = capsys.readouterr().out
    assert "of 2 stages at 8 dates" in told
    assert "names and 150 sessions: every value known by then is the same to the last byte" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dates", "3"], "a certificate needs at least 8 dates, got 3"),
        (["alpha518"], "there is no stage 'alpha518'; the nearest is 'alpha158'"),
        (["--start", "2016-03-05"], "2016-03-05 (Saturday) is not a session"),
    ],
)
def test_the_command_refuses_in_a_sentence(stored, capsys, arguments, message):
    assert certified(*arguments, "--store", stored) == 2
    assert message in capsys.readouterr().err
