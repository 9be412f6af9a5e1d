"""A sweep counts before it knows, forgets nothing in a kill, and says the same wherever it runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.run import run_sweep
from alphalib.backtest.sweep.space import cell_name, changed, grid
from alphalib.decision import history
from alphalib.decision.strategies import TopkDropout
from alphalib.errors import BusyError, InputError
from alphalib.evidence.ledger import Ledger
from alphalib.params import ExecutorParams
from alphalib.store import Store
from tests.backtest.runs import random_run

LINEAGE = "executor params"
SPACE = {"min_score": (20.0, 70.0), "atr_multiplier": (2.0, 3.0), "profit_take_pct": (0.1, 0.2)}
CELLS = grid(SPACE, ExecutorParams())
RUN = random_run(3, names=12, sessions=250)


def known(run=RUN):
    return history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=ExecutorParams())


PAST = known()


class Place:
    """A store with its ledger."""

    def __init__(self, folder):
        self.store = Store(folder)
        self.ledger = Ledger(self.store.local_path("evidence/ledger.db"))

    def sweep(self, cells=CELLS, past=PAST, **options):
        spy = RUN.market.benchmarks["SPY"]
        return run_sweep(past, cells, ledger=self.ledger, store=self.store, name="test", spy=spy, **options)


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "data")
    yield place
    place.ledger.close()


def test_each_cell_is_its_own_backtest(place):
    sweep = place.sweep(costs=Costs(slippage_bps=20.0), cash=50_000.0)
    assert list(sweep.table.index) == [cell_name(cell) for cell in CELLS]
    assert list(sweep.table.columns[:3]) == list(SPACE)
    for cell in CELLS[::3]:
        alone = simulate(PAST, cell, costs=Costs(slippage_bps=20.0), cash=50_000.0)
        name = cell_name(cell)
        daily = alone.nav.pct_change(fill_method=None).loc[sweep.sessions]
        pd.testing.assert_series_equal(sweep.returns()[name], daily, check_names=False, check_freq=False)
        assert sweep.table.loc[name, "final_nav"] == alone.nav.iloc[-1]
        assert sweep.trades([name])[name].sum() == sweep.table.loc[name, "trades"] == len(alone.trades)
    assert sweep.table["sharpe"].nunique() > 4
    page, best = sweep._repr_html_(), sweep.table.nlargest(1, "sharpe").iloc[0]
    for text in ("8 cells", f"{best['sharpe']:.2f} [{best['sharpe_low']:.2f}, {best['sharpe_high']:.2f}]"):
        assert text in page
    assert f">{next(iter(SPACE)).replace('_', ' ')}</th>" in page
    assert "nan" not in page
    assert repr(sweep).endswith(f"8 cells, {len(sweep.sessions):,} sessions; read `table`")


def test_measuring_begins_with_the_first_scored_name(tmp_path):
    first = int(np.argmax(np.isfinite(PAST.names["score"]).any(axis=1)))
    sweep = Place(tmp_path).sweep(CELLS[:1])
    assert sweep.sessions[0] == PAST.sessions[first + 1]
    assert sweep.sessions[-1] == PAST.sessions[-1]


def test_every_cell_is_in_the_ledger_before_the_first_result(place):
    seen = []

    def look(_):
        trials = place.ledger.trials(LINEAGE)
        seen.append((len(trials), int(trials["metrics"].notna().sum())))

    sweep = place.sweep(step=look)
    assert [opened for opened, _ in seen] == [8, 8]
    assert [closed for _, closed in seen] == [4, 8]
    trials = place.ledger.trials(LINEAGE).set_index("id")
    best = sweep.table["sharpe"].idxmax()
    assert trials.loc[sweep.table.loc[best, "trial"], "metrics"]["sharpe"] == sweep.table.loc[best, "sharpe"]
    assert trials["params"].iloc[0]["ExecutorParams"]["min_score"] == 20.0
    assert place.ledger.returns(LINEAGE).shape == (len(sweep.sessions), 8)


def test_a_ledger_that_was_lost_is_filled_again(place, tmp_path):
    """Parts on the bus are results that a new ledger never counted."""
    before = place.sweep()
    anew = Ledger(tmp_path / "anew.db")
    options = {"store": place.store, "name": "test", "spy": RUN.market.benchmarks["SPY"]}
    after = run_sweep(PAST, CELLS, ledger=anew, **options)
    assert anew.count(LINEAGE) == len(CELLS)
    assert anew.returns(LINEAGE).shape == (len(after.sessions), len(CELLS))
    pd.testing.assert_frame_equal(after.table, before.table)
    run_sweep(PAST, CELLS, ledger=anew, **options)
    assert set(anew.trials(LINEAGE)["runs"]) == {1}
    anew.close()


def test_twins_count_once(place):
    twin = CELLS[0].model_copy(update={"updated_at": "2026-11-21"})
    assert len(place.sweep([CELLS[0], twin, CELLS[1]]).table) == 2
    assert place.ledger.count(LINEAGE) == 2


KILLED = """
import os, signal, sys
from tests.backtest.sweep.test_run import Place
if __name__ == "__main__":
    killed = lambda said: os.kill(os.getpid(), signal.SIGKILL)
    Place(sys.argv[1]).sweep(n_jobs=int(sys.argv[2]), step=killed)
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_sweep_that_was_killed_goes_on_and_gives_the_same_table(tmp_path, n_jobs):
    folder, script = tmp_path / "killed", tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(script), str(folder), str(n_jobs)]
    ended = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    place = Place(folder)
    before = place.ledger.trials(LINEAGE)
    half = int(before["metrics"].notna().sum())
    assert (len(before), half) == (8, 4 // n_jobs)
    told = []
    again = place.sweep(step=told.append)
    whole = Place(tmp_path / "whole").sweep()
    pd.testing.assert_frame_equal(again.table, whole.table)
    pd.testing.assert_frame_equal(again.returns(), whole.returns())
    pd.testing.assert_frame_equal(again.trades(), whole.trades())
    runs = place.ledger.trials(LINEAGE)["runs"]
    assert (runs == 1).sum() == half  # what was done is not done again
    place.sweep(step=lambda said: pytest.fail(f"nothing is left to do, and it says {said}"))


def test_other_costs_data_or_cash_are_another_sweep(place):
    first = place.sweep()
    assert place.sweep(costs=Costs(slippage_bps=50.0)).table["costs"].min() > first.table["costs"].max()
    assert place.sweep(cash=2e6).table["final_nav"].min() > 1.5e6
    folders = {place.sweep(past=known(random_run(5, names=12, sessions=250))).folder, first.folder}
    assert len(folders) == 2
    assert place.sweep().folder == first.folder


def test_more_cells_go_on_from_those_there_are(place):
    place.sweep(CELLS[:4])
    told = []
    assert len(place.sweep(step=told.append).table) == 8
    assert told[0] == "6 of 8 cells"


@pytest.mark.slow
def test_processes_say_the_same(place, tmp_path):
    pd.testing.assert_frame_equal(place.sweep(n_jobs=2).table, Place(tmp_path / "one").sweep().table)


def test_a_cell_without_trades_says_what_it_lacks(place):
    sweep = place.sweep([changed(ExecutorParams(), {"min_order": 1e9})])
    row = sweep.table.iloc[0]
    assert np.isnan(row["sharpe"])
    assert "sharpe: the value never moved" in row["note"]
    assert (row["trades"], row["final_nav"]) == (0, 1e6)


def test_what_cannot_be_swept_is_said_before_anything_runs(place):
    with pytest.raises(InputError, match="at least one cell"):
        place.sweep([])
    with pytest.raises(InputError, match="atr_window"):
        place.sweep([changed(ExecutorParams(), {"atr_window": 20})])
    with pytest.raises(InputError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9' \(ALPHALIB_CLUSTER\)"):
        place.sweep(cluster="tcp://127.0.0.1:9")
    unscored = RUN.signals.score * np.nan
    silent = history(RUN.market, type(RUN.signals)(**{**vars(RUN.signals), "score": unscored}), params=ExecutorParams())
    with pytest.raises(InputError, match="has no scored name"):
        place.sweep(past=silent)
    with pytest.raises(InputError, match="no cell 'nobody'"):
        place.sweep(CELLS[:1]).returns(["nobody"])


def test_one_sweep_of_a_name_at_a_time(place):
    with place.store.lock("sweep-test"), pytest.raises(BusyError, match="already running"):
        place.sweep()


@pytest.mark.slow
def test_a_dask_cluster_says_the_same(place, tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        told = []
        there = place.sweep(cluster=cluster.scheduler_address, n_jobs=-1, step=told.append)
    assert len(told) == 4  # two cells a part, so that both workers have something to do
    pd.testing.assert_frame_equal(there.table, Place(tmp_path / "here").sweep().table)


def test_strategies_and_rules_stand_in_one_table(place):
    topk = [TopkDropout(topk=topk, n_drop=1) for topk in (2, 4)]
    table = place.sweep([*topk, CELLS[0]]).table
    assert table["strategy"].tolist() == ["TopkDropout", "TopkDropout", "ExecutorParams"]
    assert table["topk"].tolist()[:2] == [2, 4]
    assert table["positions"].iloc[1] > table["positions"].iloc[0] > 0
