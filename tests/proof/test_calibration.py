"""The calibration: bounds by hand, resume, truth on fresh worlds, what it forbids."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from alphalib.__main__ import main
from alphalib.backtest.tune.questions import BOOSTS, VETO
from alphalib.contracts import CalibrationReport
from alphalib.errors import InputError
from alphalib.proof.calibration import (
    FEWEST,
    Calibration,
    Design,
    Job,
    calibrate,
    clopper_pearson,
    jobs,
    known_calibration,
    promotion_allowed,
    read_calibration,
)
from alphalib.proof.lineage_year import EXECUTOR, Books, Change, executor_year, gate_year, looks, settings_of
from alphalib.proof.null_worlds import Size, simulated_world
from alphalib.sessions import sessions_between, week_ends
from alphalib.store import Store

SMALL = Design(size=Size(names=30, sessions=1560), settings=4, shifts=2, looks=13, alphas=(4.0,), handicaps=(1.0,))
TINY = replace(SMALL, shifts=1)
LATE = sessions_between("2016-01-04", "2023-12-29")


def record(kind="simulated", seed=1, *, promoted=None, changes=None, merit=None):
    """A world as on the store; `changes` by lineage, `merit` of the executor's settings a, b and c."""
    changes = changes or {}
    return {
        "kind": kind,
        "seed": seed,
        "alpha": 1.0 if kind == "planted" else 0.0,
        "shift": 0,
        "gate": {
            "asked": ["2023Q1"] if promoted else [],
            "promoted": promoted,
            "rank_ic": 0.0,
            "detectable": 0.0,
            "z": 0.0,
        },
        "tuner": {
            lineage: {"asked": [], "change": asdict(changes[lineage]) if lineage in changes else None}
            for lineage in (EXECUTOR, BOOSTS, VETO)
        },
        "merit": {
            EXECUTOR: merit or {"a": 0.0, "b": 1.0, "c": -1.0},
            BOOSTS: {"4": 0.01, "5": 0.02, "6": 0.04},
            VETO: {"0.75": None, "0.8": 0.0, "0.85": 0.001},
        },
        "handicaps": {"1": asdict(Change("2023Q1", "a", "c"))},
        "reach": {"oracle": 0.05, "reached": 0.02, "net": 0.01},
        "seconds": 1.0,
    }


def calibration(*records):
    return Calibration(SMALL, tuple(records))


def rate_of(found, subject, worlds="all"):
    return next(rate for rate in found.rates if (rate.subject, rate.worlds) == (subject, worlds))


def test_the_bound_by_hand():
    # Without a false one in n, the bound p solves (1 − p)ⁿ = .05.
    assert clopper_pearson(0, 29) == pytest.approx(1 - 0.05 ** (1 / 29))
    assert clopper_pearson(0, FEWEST) < 0.10 < clopper_pearson(0, FEWEST - 1)
    # One of two: P(at most 1) = 1 − p² = .05.
    assert clopper_pearson(1, 2) == pytest.approx(0.95**0.5)
    assert clopper_pearson(2, 2) == 1.0
    assert clopper_pearson(0, 0) == 1.0


def test_looks_are_the_first_of_each_quarter_and_know_their_line():
    found = looks(LATE)
    assert [look.quarter for look in found] == ["2023Q1", "2023Q2", "2023Q3", "2023Q4"]
    assert [f"{look.line:%Y-%m-%d}" for look in found] == ["2021-12-31", "2022-03-31", "2022-06-30", "2022-09-30"]
    assert found[0].asof == week_ends(LATE)[-52]


def test_false_promotions_are_counted_once_a_year():
    found = calibration(record(seed=1, promoted="2023Q1"), record(seed=2), record("shifted", seed=3), record("planted"))
    assert (rate_of(found, "gate").false, rate_of(found, "gate").years) == (1, 3)
    assert rate_of(found, "gate", "simulated").upper == pytest.approx(0.95**0.5)  # 1 of 2, as above
    assert rate_of(found, "gate").asked == 1
    assert "gate, all worlds without alpha: promoted in 1 of 3 lineage-years" in "\n".join(found.lines())


def test_a_change_is_false_when_other_worlds_do_not_bear_it_out():
    good, bad = Change("2023Q1", "a", "b"), Change("2023Q1", "a", "c")
    # In its own world c looked best; in the two others it is −1 and −3 beside 0.
    lucky = record(seed=1, changes={EXECUTOR: bad}, merit={"a": 0.0, "b": 1.0, "c": 5.0})
    others = record(seed=2, changes={EXECUTOR: good}), record(seed=3, merit={"a": 0.0, "b": 2.0, "c": -3.0})
    found = calibration(lucky, *others)
    assert found.truth(lucky, EXECUTOR, bad) == pytest.approx(-2.0)
    assert found.table.set_index("seed")[f"{EXECUTOR} false"].to_dict() == {1: True, 2: False, 3: False}
    assert rate_of(found, "tuner").false == 1


def test_a_number_between_those_tried_has_what_lies_between_theirs():
    mine, other = record(seed=1), record(seed=2)
    found = calibration(mine, other)
    # 5.5 lies half way between .02 at 5 and .04 at 6; the veto's .75 has no outcome anywhere.
    assert found.truth(mine, BOOSTS, Change("2023Q1", "5", "5.5")) == pytest.approx(0.01)
    assert np.isnan(found.truth(mine, VETO, Change("2023Q1", "0.8", "0.75")))


def test_a_change_that_no_other_world_can_judge_counts_as_false():
    alone = calibration(record(changes={EXECUTOR: Change("2023Q1", "a", "b")}))
    assert rate_of(alone, "tuner").false == 1


def test_what_was_planted_for_the_tuner_is_found_when_the_change_is_truly_better():
    # a is made worse by 1; c is worse than a by 1 elsewhere, which makes it no improvement: 1 − 1 is not above 0.
    worse = calibration(record(seed=1), record(seed=2))
    better = calibration(*(record(seed=seed, merit={"a": 0.0, "b": 1.0, "c": -0.9}) for seed in (1, 2)))
    assert [row.found for row in worse.power] == [0]
    assert [(row.planted, row.found, row.years) for row in better.power] == [("Sharpe 1", 2, 2)]


def test_above_the_bound_nothing_is_promoted(tmp_path):
    store = Store(tmp_path)
    few = calibration(*(record(seed=seed) for seed in range(10)))
    store.write(CalibrationReport.path, few.report())
    assert "0 of 10 lineage-years without alpha, at most 26% of them" in promotion_allowed(store, "gate")
    assert f"measure at least {FEWEST} worlds" in promotion_allowed(store, "gate")
    enough = calibration(*(record(seed=seed, promoted="2023Q1" if seed == 0 else None) for seed in range(60)))
    store.write(CalibrationReport.path, enough.report())
    assert promotion_allowed(store, "gate") is None
    assert promotion_allowed(store, "tuner") is None
    bad = calibration(*(record(seed=seed, promoted="2023Q1" if seed < 9 else None) for seed in range(60)))
    store.write(CalibrationReport.path, bad.report())
    assert "nothing is promoted until that is mended" in promotion_allowed(store, "gate")
    assert promotion_allowed(store, "tuner") is None


def test_it_prints_as_a_table():
    html = calibration(record(), record(seed=2), record("planted"))._repr_html_()
    assert html.startswith("<p>gate: at most")
    assert html.count("<table") == 2


def test_jobs_are_half_simulated_half_shifted_and_a_longer_run_begins_with_a_shorter():
    found = jobs(SMALL, worlds=8, planted=1)
    kinds = pd.Series([job.kind for job in found]).value_counts().to_dict()
    assert kinds == {"simulated": 4, "shifted": 2, "planted": 1}
    assert set(found) < set(jobs(SMALL, worlds=20, planted=3))
    assert len({job.path(SMALL) for job in found}) == len(found)
    assert Job("planted", 300_000, 4.0) in found


def test_another_design_is_another_measurement(tmp_path):
    other = replace(SMALL, gate=replace(SMALL.gate, level=0.01))
    assert other.fingerprint != SMALL.fingerprint
    with pytest.raises(InputError, match="no world of this design was measured yet"):
        read_calibration(Store(tmp_path), design=other)
    with pytest.raises(InputError, match="at least 1 world"):
        calibrate(Store(tmp_path), worlds=0, design=SMALL)


def test_the_tuner_finds_a_setting_that_is_surely_better():
    rng = np.random.default_rng(3)
    common = rng.normal(0.0004, 0.008, (len(LATE), 1))
    returns = pd.DataFrame(common + rng.normal(0, 0.001, (len(LATE), 4)), index=LATE, columns=list("abcd"))
    market, trades = pd.Series(common[:, 0], index=LATE), pd.DataFrame(1, index=LATE, columns=list("abcd"))
    year = looks(LATE)
    compared = {look.quarter: list("abc") for look in year}
    better = returns.assign(b=returns["b"] + 0.0006, d=returns["d"] + 0.002)
    assert executor_year(Books(returns, trades, market), year, compared).change is None
    # d is better still, and was not among those that are compared.
    changed = executor_year(Books(better, trades, market), year, compared)
    assert changed.change == Change("2023Q1", "a", "b")
    assert changed.asked == ("2023Q1",)


def test_settings_are_drawn_anew_each_quarter_and_the_same_in_every_world():
    year = looks(LATE)
    drawn = settings_of(year, count=10)
    assert drawn.keys() == {"2023Q1", "2023Q2", "2023Q3", "2023Q4"}
    assert len({next(iter(cells)) for cells in drawn.values()}) == 1  # the one in use first
    assert drawn == settings_of(year, count=10)
    assert set(drawn["2023Q1"]) != set(drawn["2023Q2"])


@pytest.mark.slow
def test_all_looks_of_a_quarter_say_the_same_and_a_run_goes_on_where_it_was(tmp_path):
    store, told = Store(tmp_path), []
    first = calibrate(store, worlds=2, planted=1, design=TINY, n_jobs=1, step=told.append)
    assert told[0] == "0 of 3 markets"
    assert told[-1] == "3 of 3 markets"
    paths = store.paths(f"calibration/{TINY.fingerprint}/*.json")
    kept = {path: store.read_bytes(path) for path in paths}
    # A run that was killed had written all but one; what is there is not computed again.
    store.remove(paths[0])
    marked = json.loads(kept[paths[1]])
    marked[0]["seconds"] = -1.0
    store.write_json(paths[1], marked)
    again = calibrate(store, worlds=2, planted=1, design=TINY, n_jobs=1)
    columns = [name for name in first.table if name != "seconds"]
    pd.testing.assert_frame_equal(again.table[columns], first.table[columns])
    assert (again.table["seconds"] == -1.0).sum() == 1
    assert rate_of(again, "gate").years == 2
    assert rate_of(again, "gate").false == 0
    assert again.table.loc[again.table["kind"] == "planted", "gate false"].tolist() == [True]
    world = simulated_world(100_000, size=TINY.size)
    weekly = {str(gate_year(world, count=count)[0]) for count in (1, 3)}  # looks of one quarter
    assert len(weekly) == 1


def test_the_measurement_that_comes_with_the_library_is_of_its_own_limits(tmp_path):
    report = known_calibration(Store(tmp_path))
    assert report is not None, (
        "limits were changed: calibrate anew and put the result into alphalib/proof/measured.json"
    )
    assert report.design == json.loads(json.dumps(asdict(Design())))
    assert promotion_allowed(Store(tmp_path), "gate") is None
    assert promotion_allowed(Store(tmp_path), "tuner") is None


def test_the_calibration_of_the_store_comes_first(tmp_path):
    store = Store(tmp_path)
    own = calibration(*(record(seed=seed) for seed in range(3))).report()
    store.write(CalibrationReport.path, own)
    assert known_calibration(store).rates == own.rates


def test_the_command_says_what_a_short_run_forbids(tmp_path, capsys):
    bus, design = Store(str(tmp_path)), Design()
    measured = record() | {"handicaps": {f"{handicap:g}": None for handicap in design.handicaps}}
    for job in jobs(design, worlds=2, planted=0):
        bus.write_json(job.path(design), [measured | {"kind": job.kind, "seed": job.seed}])
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", "--worlds", "2", "--planted", "0", "--jobs", "1", "--store", bus.url])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert "tuner, executor params, all worlds without alpha: changed for the worse in 0 of 2 lineage-years" in told
    assert "tuner, executor params, planted Sharpe 0.5 better than what is in use: found in 0 of 2" in told
    assert told.count("nothing is promoted: the gate made a false promotion in 0 of 2 lineage-years") == 1
    assert f"measure at least {FEWEST} worlds" in told
