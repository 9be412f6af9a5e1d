"""`python -m alphalib`: what a person sees, and that nothing half-written is left."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from alphalib.__main__ import main
from alphalib.features.catalog import CATALOG
from alphalib.features.compute import factor
from alphalib.sources.stored import read_market
from alphalib.store import Store
from tests.sources.test_adjustment import vendor_file
from tests.sources.test_quality import bars_of
from tests.worlds import random_market

COMMANDS = [
    "certify",
    "factors",
    "import-aliases",
    "import-benchmarks",
    "import-earnings",
    "import-fundamentals",
    "import-macro",
    "import-members",
    "import-minutes",
    "import-prices",
    "import-sectors",
]


def call(*arguments):
    """Run a command in this process; its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code


@pytest.fixture
def bars(tmp_path):
    market = random_market(seed=6, names=4, sessions=80)
    rows = bars_of(market).merge(vendor_file(market)[["date", "ticker", "adj_close"]], on=["date", "ticker"])
    path = tmp_path / "bars.csv"
    rows.to_csv(path, index=False)
    return path


def test_help_lists_every_command(capsys):
    assert call("--help") == 0
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in shown] == []


def test_prices_come_in_and_the_guess_is_told(tmp_path, bars, capsys):
    assert call("import-prices", bars, "--store", tmp_path / "store") == 0
    told = capsys.readouterr().out
    assert "adj_close = adj_close" in told
    assert "prices are raw" in told
    assert "accepted, 0 quarantined" in told
    assert len(read_market(Store(tmp_path / "store")).tickers) == 4


def test_options_reach_the_import(tmp_path, bars, capsys):
    renamed = tmp_path / "renamed.csv"
    pd.read_csv(bars).rename(columns={"close": "px", "date": "when"}).to_csv(renamed, index=False)
    assert call("import-prices", renamed, "--store", tmp_path / "store") == 2
    assert "no column for date" in capsys.readouterr().err
    options = ["--column", "date=when", "--column", "close=px", "--prices", "split-adjusted"]
    assert call("import-prices", renamed, "--store", tmp_path / "store", *options) == 0
    assert "every rule in dollars or shares is off" in capsys.readouterr().out


def test_every_table_has_its_command(tmp_path, capsys):
    files = {
        "aliases": "ticker,symbol,start,end\nMETA,FB,2012-05-18,2022-06-08\n",
        "members": "ticker,start,end\nFB,2013-12-23,\n",
        "sectors": "ticker,sector\nMETA,Communication Services\n",
        "earnings": "ticker,date,eps_est,eps\nMETA,2020-01-29,1,2\n",
        "fundamentals": "ticker,period_end,filed,net_income\nMETA,2019-12-31,2020-01-30,1\n",
        "macro": "date,series,value\n2020-01-02,DGS10,1.9\n2020-01-03,DGS10,1.8\n",
        "minutes": "ticker,time,open,high,low,close,volume\nMETA,2020-01-02T15:00:00Z,1,1,1,1,1\n",
        "benchmarks": "date,ticker,close\n2020-01-02,SPY,300\n2020-01-03,SPY,301\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
        assert call(f"import-{name}", tmp_path / f"{name}.csv", "--store", tmp_path / "store") == 0, name
    assert "1 rows were renamed by the aliases" in capsys.readouterr().out


def test_a_mistake_is_shown_without_a_traceback(tmp_path):
    command = [sys.executable, "-m", "alphalib", "import-prices", str(tmp_path / "none.csv"), "--store", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path}/none.csv does not exist\n"
    assert done.stdout == ""


def test_a_column_without_a_role_is_explained(tmp_path, bars, capsys):
    assert call("import-prices", bars, "--store", tmp_path / "store", "--column", "close") == 2
    assert "--column takes ROLE=NAME" in capsys.readouterr().err


def test_a_store_that_cannot_be_written_is_named(tmp_path, bars, capsys):
    (tmp_path / "taken").write_text("")
    assert call("import-prices", bars, "--store", tmp_path / "taken") == 2
    assert "cannot write to the store" in capsys.readouterr().err


def test_a_full_store_keeps_what_it_had(tmp_path, bars):
    store = tmp_path / "store"
    assert call("import-prices", bars, "--store", store) == 0
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    years = pd.read_csv(bars, parse_dates=["date"])
    longer = pd.concat([years.head(8).assign(date=years["date"].head(8) - pd.Timedelta(days=364)), years])
    longer.to_csv(bars, index=False)

    def no_space() -> None:
        # The system refuses to make any file larger than this, as a full disk does: 2018's bars fit, 2019's do not.
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))

    command = [sys.executable, "-m", "alphalib", "import-prices", str(bars), "--store", str(store), "--prices", "raw"]
    quiet = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=no_space, env=quiet)
    assert done.returncode == 2, done.stderr
    assert "nothing was changed" in done.stderr
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_an_import_waits_for_no_pipeline_and_changes_nothing_under_one(tmp_path, bars, capsys):
    store = Store(tmp_path / "store")
    with store.lock("pipeline"):
        assert call("import-prices", bars, "--store", tmp_path / "store") == 2
    assert "pipeline is already running on the store" in capsys.readouterr().err
    assert store.paths("prices/**") == []
    assert call("import-prices", bars, "--store", tmp_path / "store") == 0


def test_ctrl_c_in_an_import_says_what_to_do_and_leaves_nothing(tmp_path, bars):
    rows = pd.read_csv(bars)
    large = tmp_path / "large.csv"
    many = [rows.assign(ticker=rows["ticker"] + str(copy)) for copy in range(1500)]
    pd.concat(many).to_csv(large, index=False)
    command = [sys.executable, "-m", "alphalib", "import-prices", str(large), "--store", str(tmp_path / "store")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    spent = Path(f"/proc/{running.pid}/io")
    deadline = time.monotonic() + 60
    while int(spent.read_text().split()[1]) < large.stat().st_size and time.monotonic() < deadline:
        time.sleep(0.01)  # until it has begun to read the file
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert said == "interrupted; run the same command again\n"
    assert not (tmp_path / "store").exists()


# Factors -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path, bars):
    folder = tmp_path / "store"
    assert call("import-prices", bars, "--store", folder) == 0
    return folder


def test_a_factor_is_shown_with_its_extremes(store, capsys):
    assert call("factors", "move=$close/Ref($close, 5)-1", "alpha158/KMID", "--store", store) == 0
    told = capsys.readouterr().out
    move = factor("$close/Ref($close, 5)-1", read_market(Store(store)))
    last = move.iloc[-1].dropna().sort_values()
    assert f"move on {move.index[-1]:%Y-%m-%d}" in told
    assert f"  highest {last.index[-1]} {last.iloc[-1]:.4g}" in told
    assert f"  lowest  {last.index[0]} {last.iloc[0]:.4g}" in told
    assert "move  ratio          looks back    5 sessions  covers" in told
    assert "2 factors, 4 names, 80 sessions" in told


def test_factors_are_written_and_a_folder_grows(store, tmp_path, capsys):
    options = ["--store", store, "--out"]
    assert call("factors", "alpha101", "rank=CSRank($volume)", *options, tmp_path / "all.parquet") in (0, 1)
    assert "written" in capsys.readouterr().out
    day = read_market(Store(store)).sessions[-3]
    assert call("factors", "rank=CSRank($volume)", *options, tmp_path / "grows", "--asof", f"{day:%Y-%m-%d}") == 0
    assert call("factors", "rank=CSRank($volume)", *options, tmp_path / "grows") == 0
    assert "2 sessions added" in capsys.readouterr().out
    assert call("factors", "rank=CSRank($volume)", *options, tmp_path / "grows") == 0
    told = capsys.readouterr().out
    assert "nothing new" in told
    assert "covers" not in told
    one, many = (pd.read_parquet(tmp_path / name) for name in ("all.parquet", "grows"))
    by_key = [table.set_index(["ticker", "date"])["rank"].sort_index() for table in (one, many)]
    pd.testing.assert_series_equal(*by_key, check_exact=True)


def test_a_factor_that_fails_is_named_beside_the_others(store, capsys):
    assert call("factors", "bad=Maen($close, 5)", "good=$close/$open", "--store", store) == 1
    told = capsys.readouterr()
    assert "failed: bad: there is no operator Maen; did you mean Mean" in told.err
    assert "good on" in told.out
    assert call("factors", "Maen($close, 5)", "--store", store) == 1
    assert capsys.readouterr() == (
        "",
        "failed: there is no operator Maen; did you mean Mean or CSMean? (character 1)\n    Maen($close, 5)\n    ^\n",
    )


def test_a_factor_of_two_catalogues_is_computed_once(store, capsys):
    assert call("factors", "technical", "predictor/rsi_14", "--store", store) == 0
    assert f"\n{len(CATALOG['technical'])} factors" in capsys.readouterr().out


def test_factors_that_cannot_be_meant_are_explained(store, capsys):
    for words, said in [
        (["alpha159"], "there is no catalogue 'alpha159'; the nearest is 'alpha158'"),
        (["alpha158/KMIDD"], "alpha158 has no factor 'KMIDD'; the nearest is 'KMID'"),
        (["rsi_14"], "write technical/rsi_14 or predictor/rsi_14"),
        (["$close", "--out", "factors.csv"], "a name ends in .parquet"),
        (["x=$close", "x=$open"], "two factors are called 'x'"),
        (["$close", "--asof", "2019-01-05"], "is not a session of the exchange"),
    ]:
        assert call("factors", *words, "--store", store) == 2
        assert said in capsys.readouterr().err


def test_factors_in_the_other_spelling(store, capsys):
    assert call("factors", "up=RANK(close)", "--dialect", "quant-stream", "--no-mask", "--store", store) == 0
    assert "up on" in capsys.readouterr().out
