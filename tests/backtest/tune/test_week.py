"""A week: counted in the ledger, the same all quarter, applied only with a grant, and undone when it disappoints."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.summary import LINEAGE
from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.space import cell_name
from alphalib.backtest.tune.apply import previous_path, settings_used
from alphalib.backtest.tune.guard import Guardrails
from alphalib.backtest.tune.number import Question
from alphalib.backtest.tune.watch import adopted_returns, counterfactual_path
from alphalib.backtest.tune.week import Week, tune_executor, tune_number, watch_executor
from alphalib.contracts import ConfigChange, ConfigHistory, TuneReport
from alphalib.decision import history
from alphalib.errors import InputError, StoreError
from alphalib.evidence.holdout import seal
from alphalib.evidence.ledger import Ledger
from alphalib.labels import label_end
from alphalib.params import ExecutorParams, ScoringWeights
from alphalib.store import Store
from tests.backtest.runs import random_run
from tests.backtest.tune.matrices import ASOF
from tests.backtest.tune.test_number import HORIZON, WEEKS, question

RUN = random_run(4, names=6, sessions=900)
COSTS = Costs()


def past():
    return history(RUN.market, RUN.signals, percentile=RUN.percentile, veto=RUN.veto, params=ExecutorParams())


PAST = past()
SPY = RUN.market.benchmarks["SPY"]


@pytest.fixture
def make(tmp_path):
    store = Store(tmp_path / "data")
    ledger = Ledger(store.local_path("evidence/ledger.db"))

    def week(asof=ASOF, **options):
        return Week(store, ledger, pd.Timestamp(asof), "data", "code", seed=7, **options)

    yield week
    ledger.close()


def outcomes(week):
    everything = pd.DataFrame({"quality": 1.0}, index=WEEKS)
    return seal(everything, ends=label_end(WEEKS, HORIZON), line=week.line)


def test_history_until_a_session_decides_the_same():
    session = PAST.sessions[500]
    whole, cut = (simulate(known, ExecutorParams(), costs=COSTS) for known in (PAST, PAST.until(session)))
    assert cut.sessions[-1] == session
    pd.testing.assert_series_equal(whole.nav.loc[:session], cut.nav, check_freq=False)
    orders = whole.orders[whole.orders["date"] <= session]
    pd.testing.assert_frame_equal(orders.reset_index(drop=True), cut.orders)
    assert len(PAST.until("2100-01-01").sessions) == len(PAST.sessions)


def test_a_week_counts_its_settings_and_sees_nothing_behind_the_line(make):
    week = make(asof=PAST.sessions[-1])
    row, sweep = tune_executor(week, PAST, settings=6, spy=SPY, costs=COSTS, cash=1e6, made_by={})
    assert week.ledger.count(LINEAGE) == 6
    assert sweep.sessions[-1] <= week.line
    assert row.outcome in ("keep", "too few")
    assert row.line == f"{week.line:%Y-%m-%d}"
    again, _ = tune_executor(make(asof=PAST.sessions[-3]), PAST, settings=6, spy=SPY, costs=COSTS, cash=1e6, made_by={})
    assert again == row  # another week of the quarter is no other throw of the dice
    assert week.ledger.count(LINEAGE) == 6


@pytest.mark.parametrize(("holdout_level", "outcome"), [(0.20, "refused"), (0.95, "confirmed")])
def test_an_executor_setting_is_written_when_the_holdout_confirms_it(make, holdout_level, outcome):
    """Limits so loose that a random market passes the open part; against a benchmark that only pays costs."""
    loose = Guardrails(deflated=0.3, level=0.4, trades=20, holdout_level=holdout_level)
    week = make(asof=PAST.sessions[-1], apply_changes=True, guard=loose)
    week.store.write(ExecutorParams.path, ExecutorParams(min_score=20.0, atr_multiplier=1.5))
    week.ledger.give_grant(LINEAGE, asof=week.asof, by="a test")
    costs = Costs(slippage_bps=100.0)
    churn = simulate(PAST, ExecutorParams(min_score=20.0, atr_multiplier=0.5), costs=costs).nav
    row, _ = tune_executor(week, PAST, settings=30, spy=churn, costs=costs, cash=1e6, made_by={})
    assert (row.outcome, row.applied) == (outcome, outcome == "confirmed")
    assert row.grant is not None
    assert week.ledger.grants(LINEAGE)["used_asof"].notna().all()
    in_use = week.store.read(ExecutorParams.path, ExecutorParams)
    assert in_use.atr_multiplier == (2.0 if row.applied else 1.5)
    if row.applied:
        assert {field: (getattr(in_use, field)) for field in row.changes} == {
            f: new for f, (_, new) in row.changes.items()
        }
        assert settings_used(week.store, ExecutorParams).adopted == week.asof
    promised = week.ledger.promises(LINEAGE)
    assert len(promised) == row.applied
    assert (promised["first"] > f"{week.asof:%Y-%m-%d}").all()


def test_a_week_that_could_not_write_is_done_again_with_its_grant(make):
    """It has promised already, and what it looks at is what it looked at before."""
    loose = Guardrails(deflated=0.3, level=0.4, trades=20, holdout_level=0.95)
    week = make(asof=PAST.sessions[-1], apply_changes=True, guard=loose)
    week.store.write(ExecutorParams.path, ExecutorParams(min_score=20.0, atr_multiplier=1.5))
    week.ledger.give_grant(LINEAGE, asof=week.asof, by="a test")
    costs = Costs(slippage_bps=100.0)
    churn = simulate(PAST, ExecutorParams(min_score=20.0, atr_multiplier=0.5), costs=costs).nav
    options = {"settings": 30, "spy": churn, "costs": costs, "cash": 1e6, "made_by": {}}
    obstacle = week.store.local_path("config/executor_params_history")
    obstacle.write_text("a file where a folder is needed")
    with pytest.raises(StoreError, match="nothing was changed"):
        tune_executor(week, PAST, **options)
    assert len(week.ledger.promises(LINEAGE)) == 1
    obstacle.unlink()
    row, _ = tune_executor(week, PAST, **options)
    assert row.applied
    assert len(week.ledger.promises(LINEAGE)) == 1


def test_a_grant_is_for_the_setting_proposed_and_no_other(make):
    """The look is repeated after a kill; another setting on the same day would be another look."""
    loose = Guardrails(deflated=0.3, level=0.4, trades=20)
    week = make(asof=PAST.sessions[-1], apply_changes=True, guard=loose)
    week.store.write(ExecutorParams.path, ExecutorParams(min_score=20.0, atr_multiplier=1.5))
    week.ledger.give_grant(LINEAGE, asof=week.asof, by="a test")
    costs = Costs(slippage_bps=100.0)
    churn = simulate(PAST, ExecutorParams(min_score=20.0, atr_multiplier=0.5), costs=costs).nav
    options = {"settings": 30, "spy": churn, "costs": costs, "cash": 1e6, "made_by": {}}
    row, sweep = tune_executor(week, PAST, **options)
    assert row.outcome == "refused"
    (reason,) = week.ledger.grants(LINEAGE)["reason"]
    (cell,) = sweep.table.index[sweep.table["trial"] == reason.removeprefix("trial ")]
    assert sweep.table.loc[cell, list(row.changes)].to_dict() == {f: new for f, (_, new) in row.changes.items()}
    assert tune_executor(week, PAST, **options)[0] == row
    other = sweep.table["trial"].drop(cell).iloc[0]
    assert week.ledger.take_grant(LINEAGE, asof=week.asof, trial=other) is None


def test_a_grant_that_was_used_is_said_to_be(make):
    week = make(apply_changes=True)
    week.ledger.give_grant("scoring weights", asof=ASOF, by="a test")
    week.ledger.use_grant("scoring weights", asof=ASOF, reason="another look")
    row = tune_number(week, question(slope=0.05), outcomes(week), ScoringWeights())
    assert (row.outcome, row.grant, row.applied) == ("propose", None, False)
    assert row.note == "the grant of this quarter was used for another look; waits for the next quarter's"


def test_a_week_sweeps_on_the_cluster_that_is_named(make):
    week = make(asof=PAST.sessions[-1])
    options = {"settings": 2, "spy": SPY, "costs": COSTS, "cash": 1e6, "made_by": {}}
    with pytest.raises(InputError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:1'"):
        tune_executor(week, PAST, cluster="tcp://127.0.0.1:1", **options)


def test_a_grant_of_a_number_is_for_the_number_proposed(make):
    week = make(apply_changes=True, guard=Guardrails(holdout_level=0.0001))
    week.ledger.give_grant("scoring weights", asof=ASOF, by="a test")
    row = tune_number(week, question(slope=0.05), outcomes(week), ScoringWeights())
    assert row.grant is not None
    trials = week.ledger.trials("scoring weights")
    (reason,) = week.ledger.grants("scoring weights")["reason"]
    used = trials[trials["id"] == reason.removeprefix("trial ")]
    assert [params["value"] for params in used["params"]] == [row.changes["quant"][1]]


def test_a_number_waits_until_it_may_be_applied(make):
    for options, note in (
        ({}, "waits: nothing is applied in this run"),
        ({"apply_changes": True}, "waits for a grant of 'scoring weights' in this quarter"),
        ({"apply_changes": True, "forbidden": "above the bound"}, "above the bound"),
        ({"apply_changes": True, "members": "survivors only"}, "today's members looked at backwards are not evidence"),
    ):
        week = make(**options)
        row = tune_number(week, question(slope=0.05), outcomes(week), ScoringWeights())
        assert (row.outcome, row.note, row.applied) == ("propose", note, False)
    assert week.ledger.count("scoring weights") == 6  # five that were searched, and the one proposed between them
    assert not week.store.exists(ScoringWeights.path)
    assert not len(week.ledger.grants("scoring weights"))


def test_a_number_is_applied_with_a_grant(make):
    week = make(apply_changes=True)
    week.ledger.give_grant("scoring weights", asof=ASOF, by="a test")
    row = tune_number(week, question(slope=0.05), outcomes(week), ScoringWeights())
    assert (row.outcome, row.applied, row.note) == ("confirmed", True, "")
    (old, new) = row.changes["quant"]
    written = week.store.read(ScoringWeights.path, ScoringWeights)
    assert (old, new) == (0.5, written.quant)
    assert written.quant + written.qual == pytest.approx(1)
    assert written.confidence in ("medium", "high")
    assert written.n_samples >= 100
    assert written.updated_at == ASOF
    report = TuneReport(date=ASOF, proposals=[row])
    week.store.write(report.at(), report)
    assert week.store.read("tune/2023-12-29.json", TuneReport) == report


def test_a_number_that_was_never_seen_to_act_is_no_trial(make):
    week, nothing = make(), question(slope=0.05)
    empty = Question(
        nothing.lineage,
        nothing.current,
        nothing.values,
        lambda value, known: nothing.quality(value, known) * np.nan,
        lambda value, known: {"samples": 0.0},
        nothing.samples,
        nothing.horizon,
    )
    row = tune_number(week, empty, outcomes(week), ScoringWeights())
    assert row.outcome == "too few"
    assert week.ledger.count("scoring weights") == 0


def test_without_a_change_two_books_are_carried_on(make):
    week = make(asof=PAST.sessions[-1])
    books, watches = watch_executor(week, PAST, costs=COSTS, cash=1e6, made_by={})
    assert list(books) == ["date", "never_tuned", "tuned"]
    assert week.ledger.count(LINEAGE) == 1  # one setting, whatever its book is called
    assert watches == []
    pd.testing.assert_frame_equal(week.store.read_table(counterfactual_path(f"{week.asof:%Y-%m-%d}")), books)


def test_a_change_that_is_worse_is_taken_back(make):
    """Stops so close that the book only pays its costs, put into use after a year and a half."""
    week, adopted = make(asof=PAST.sessions[-1]), f"{PAST.sessions[400]:%Y-%m-%d}"
    before, after = (
        ExecutorParams(min_score=20.0, atr_multiplier=8.0),
        ExecutorParams(min_score=20.0, atr_multiplier=0.5),
    )
    for path, params in ((ExecutorParams.path, after), (previous_path(ExecutorParams), before)):
        week.store.write(path, params)
    plain = {"before": before.model_dump(mode="json"), "after": after.model_dump(mode="json")}
    change = ConfigChange(date=adopted, event="applied", grant="one", **plain)
    changes = ConfigHistory(date=adopted, file=ExecutorParams.path, changes=[change])
    week.store.write(changes.at(), changes)
    books, watches = watch_executor(week, PAST, costs=Costs(slippage_bps=150.0), cash=1e6, made_by={})
    assert week.ledger.count(LINEAGE) == 2
    assert week.ledger.returns(LINEAGE).index[-1] <= week.line
    assert list(books) == ["date", "never_tuned", "tuned", "previous"]
    assert watches[0].rolled_back
    assert adopted < watches[0].alarm <= f"{week.asof:%Y-%m-%d}"
    assert week.store.read(ExecutorParams.path, ExecutorParams).atr_multiplier == 8.0
    assert settings_used(week.store, ExecutorParams).previous is None
    _, after_that = watch_executor(week, PAST, costs=COSTS, cash=1e6, made_by={})
    assert after_that == []
    scored = adopted_returns(week.store, PAST, before)  # a promise is scored whatever became of the setting
    assert set(scored) == {cell_name(before), cell_name(after)}
    assert scored[cell_name(after)].iloc[1:].notna().all()
    other_windows = after.model_copy(update={"atr_window": after.atr_window + 1})
    assert set(adopted_returns(week.store, PAST, other_windows)) == {cell_name(after)}
