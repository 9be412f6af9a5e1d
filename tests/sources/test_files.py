"""Imports of prices: layouts, guesses, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.sources.columns import dates, guessed, numbers, symbol
from alphalib.sources.files import import_benchmarks, import_prices, read_file
from alphalib.sources.stored import read_market, read_table
from alphalib.store import Store
from tests.sources.test_adjustment import vendor_file
from tests.sources.test_quality import bars_of
from tests.worlds import random_market

TODAY = pd.Timestamp("2024-03-08")
REAL = Path(__file__).parents[2] / "../shared/data"


def quiet(_):
    pass


def run(store, *paths, call=import_prices, given=None, **options):
    return call(store, list(paths), today=TODAY, given=given or {}, step=quiet, **options)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def market():
    return random_market(seed=6, names=5, sessions=90)


@pytest.fixture
def rows(market):
    return bars_of(market).merge(vendor_file(market)[["date", "ticker", "adj_close"]], on=["date", "ticker"])


def written(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", ["csv", "parquet", "semicolon", "vendor names", "shuffled", "indexed"])
def test_long_files_of_any_form_give_the_same_market(tmp_path, store, market, rows, form):
    path = tmp_path / ("bars.parquet" if form in ("parquet", "indexed") else "bars.csv")
    if form == "parquet":
        rows.to_parquet(path, index=False)
    elif form == "indexed":
        rows.set_index(["date", "ticker"]).to_parquet(path)
    elif form == "semicolon":
        rows.to_csv(path, index=False, sep=";")
    elif form == "vendor names":
        names = {"date": "Trade Date", "ticker": "Symbol", "adj_close": "Adj Close", "close": "Close"}
        rows.rename(columns=names).to_csv(path, index=False, date_format="%m/%d/%Y")
    else:
        (rows.sample(frac=1, random_state=0) if form == "shuffled" else rows).to_csv(path, index=False)
    lines = run(store, path)
    assert any("prices are raw" in line for line in lines)
    assert ("back and forth" in " ".join(lines)) == (form == "shuffled")
    read = read_market(store)
    for field in ("open", "close", "volume"):
        pd.testing.assert_frame_equal(getattr(read, field), getattr(market, field), check_freq=False)
    returns = read.adj_close.pct_change(fill_method=None), market.adj_close.pct_change(fill_method=None)
    np.testing.assert_allclose(*returns, atol=1e-9)
    assert read.source.prices == "raw"


def test_wide_files_of_one_quantity_each_are_joined(tmp_path, store, market):
    names = market.tickers[1:]  # the first one splits, which closes alone cannot tell from a fault
    for field in ("open", "high", "low", "close", "volume"):
        getattr(market, field)[names].to_csv(tmp_path / f"{field}.csv")
    lines = run(store, *(tmp_path / f"{field}.csv" for field in ("close", "open", "high", "low", "volume")))
    assert sum("one column a ticker (4 of them)" in line for line in lines) == 5
    pd.testing.assert_frame_equal(read_market(store).low, market.low[names], check_freq=False)


def test_a_file_without_tickers_is_one_security(tmp_path, store, rows):
    path = tmp_path / "brk.b.csv"
    rows[rows["ticker"] == "N001"].drop(columns="ticker").to_csv(path, index=False)
    assert any("taken for BRK-B, the file's name" in line for line in run(store, path))
    assert list(read_market(store).tickers) == ["BRK-B"]


def test_split_adjusted_files_say_that_dollars_mean_nothing(tmp_path, store, rows):
    path = tmp_path / "bars.parquet"
    rows.drop(columns="adj_close").to_parquet(path)
    lines = run(store, path)
    assert any("every rule in dollars or shares is off" in line for line in lines)
    assert read_market(store).source.prices == "split-adjusted"
    raw = run(store, path, prices="raw")
    assert not any("dollars" in line for line in raw)
    assert read_market(store).source.prices == "raw"


def test_names_that_leave_are_delisted_at_their_last_price(tmp_path, store, market, rows):
    path = tmp_path / "bars.parquet"
    gone = (rows["ticker"] == "N002") & (rows["date"] > market.sessions[50])
    rows[~gone].to_parquet(path)
    run(store, path)
    ended = read_table(store, "actions").query("kind == 'delisting' and ticker == 'N002'")
    assert ended["date"].tolist() == [market.sessions[51]]
    assert ended["value"].tolist() == [0.0]


def test_a_broken_history_has_an_alias_and_the_report_lists_the_rows(tmp_path, store, market, rows):
    later = (rows["ticker"] == "N001") & (rows["date"] >= market.sessions[40])
    rows.loc[later, ["open", "high", "low", "close", "adj_close"]] *= 258.0
    path = tmp_path / "bars.parquet"
    rows.to_parquet(path)
    assert any("N001 is column N001.2 from" in line for line in run(store, path))
    aliases = read_table(store, "aliases").set_index("ticker")
    assert aliases.loc["N001.2", "start"] == market.sessions[42]
    assert aliases.loc["N001", "end"] < market.sessions[42]
    quarantined = store.read_table("prices/quarantine.parquet")
    assert quarantined["date"].tolist() == market.sessions[40:42].tolist()
    report = json.loads(store.read_bytes("prices/quality.json"))
    assert report["quarantined"]["unexplained_jump"] == 2
    run(store, path)
    assert len(read_table(store, "aliases")) == 2  # the same import again changes nothing


def test_a_shorter_import_leaves_no_year_behind(tmp_path, store, rows):
    path = tmp_path / "bars.parquet"
    two_years = pd.concat([rows, rows.assign(date=rows["date"] - pd.Timedelta(days=364))])
    two_years.to_parquet(path)
    run(store, path)
    assert store.paths("prices/daily/*") == ["prices/daily/2018.parquet", "prices/daily/2019.parquet"]
    rows.to_parquet(path)
    run(store, path)
    assert store.paths("prices/daily/*") == ["prices/daily/2019.parquet"]


def test_benchmarks_keep_their_start_and_name_what_is_missing(tmp_path, store, rows):
    path = tmp_path / "etf.csv"
    rows["ticker"] = rows["ticker"].map({"N000": "SPY", "N001": "XLK", "N002": "XLC"})
    late = (rows["ticker"] == "XLC") & (rows["date"] < rows["date"].iloc[30])
    rows[rows["ticker"].notna() & ~late].to_csv(path, index=False)
    lines = " ".join(run(store, path, call=import_benchmarks))
    assert "later starts: XLC" in lines
    assert "not in the files: XLY" in lines
    assert set(read_table(store, "benchmarks")["ticker"]) == {"SPY", "XLK", "XLC"}


def broken(rows, how):
    text = rows.astype({"close": "object"})
    if how == "no date":
        return rows.drop(columns="date"), "no column for date; it has ticker, open"
    if how == "dollars":
        text.loc[3, "close"] = "$1,234.5"
        return text, r"line 5, column 'close': '\$1,234.5' is not a number"
    if how == "n/a":
        text.loc[0, "close"] = "n/a"
        return text, "line 2, column 'close': 'n/a' is not a number"
    if how == "future":
        return rows.assign(date=rows["date"] + pd.Timedelta(days=3650)), "lies in the future: today is 2024-03-08"
    if how == "not a date":
        return rows.assign(date=rows["date"].astype("str").where(rows.index != 4, "yesterday")), "line 6.*'yesterday'"
    if how == "two readings":
        return rows.head(3).assign(date=["03/04/2019", "04/04/2019", "05/04/2019"]), "may be read in two ways"
    if how == "two securities":
        return rows.drop(columns="ticker"), "no ticker column, and .* of its .* dates appear again"
    if how == "no rows":
        return rows.iloc[:0], "and no rows"
    if how == "no prices":
        return rows[["date", "ticker", "volume"]], "no column for close"
    return rows.assign(ticker=rows["ticker"].where(rows.index != 2)), "line 4, column 'ticker': there is no ticker"


HOWS = [
    "no date",
    "dollars",
    "n/a",
    "future",
    "not a date",
    "two readings",
    "two securities",
    "no rows",
    "no prices",
    "x",
]


@pytest.mark.parametrize("how", HOWS)
def test_bad_files_are_refused_before_anything_is_written(tmp_path, rows, how):
    content, message = broken(rows, how)
    content.to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(InputError, match=message):
        run(Store(tmp_path / "store"), tmp_path / "bad.csv")
    assert written(tmp_path) == [tmp_path / "bad.csv"]


def test_unreadable_files_say_why(tmp_path, store, rows):
    whole = tmp_path / "whole.parquet"
    rows.to_parquet(whole)
    (tmp_path / "cut.parquet").write_bytes(whole.read_bytes()[:-500])
    (tmp_path / "empty.csv").touch()
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81" * 50)
    for name, message in {
        "cut.parquet": "not a readable parquet file, perhaps cut off",
        "empty.csv": "is empty",
        "binary.csv": "not a text file",
        "none.csv": "does not exist",
    }.items():
        with pytest.raises(InputError, match=message):
            run(store, tmp_path / name)
    with pytest.raises(InputError, match="is a folder"):
        run(store, tmp_path)
    assert not (tmp_path / "store").exists()


def test_real_prices_do_not_mix_with_the_simulated_market(tmp_path, store, rows):
    store.write_json("prices/source.json", {"name": "embedded", "simulated": True})
    rows.to_parquet(tmp_path / "bars.parquet")
    with pytest.raises(InputError, match="holds the simulated market 'embedded'; name another folder"):
        run(store, tmp_path / "bars.parquet")


def test_columns_are_guessed_once_and_overridden():
    names = ["TradeDate", "SYMBOL", "Adj Close", "PX_LAST", "Close"]
    assert guessed(names, ["date", "ticker", "adj_close", "close"], given={}) == {
        "date": "TradeDate",
        "ticker": "SYMBOL",
        "adj_close": "Adj Close",
        "close": "Close",
    }
    assert guessed(names, ["close"], given={"close": "PX_LAST"}) == {"close": "PX_LAST"}
    with pytest.raises(InputError, match="no column 'Price'; the file has TradeDate"):
        guessed(names, ["close"], given={"close": "Price"})


def test_symbols_have_one_spelling():
    assert [symbol(text) for text in ("brk.b", "BRK/B", "BF B", "BRK-B", "AAPL", "N001.2")] == [
        "BRK-B",
        "BRK-B",
        "BF-B",
        "BRK-B",
        "AAPL",
        "N001.2",
    ]


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["2020-03-04", "2020-03-05"], "2020-03-04"),
        (["2020-03-04T00:00:00Z", "2020-03-05T00:00:00Z"], "2020-03-04"),
        (["20200304", "20200305"], "2020-03-04"),
        (["04/13/2020", "04/14/2020"], "2020-04-13"),
        (["13/04/2020", "14/04/2020"], "2020-04-13"),
        (["2020-03-05T02:00:00Z", "2020-03-06T02:00:00Z"], "2020-03-04"),
    ],
)
def test_dates_of_many_spellings(tmp_path, texts, first):
    path = tmp_path / "dates.csv"
    pd.DataFrame({"date": texts, "close": [1, 2]}).to_csv(path, index=False)
    table = read_file(path)
    assert dates(table, "date")[0] == pd.Timestamp(first)
    assert numbers(table, "close").tolist() == [1.0, 2.0]


def test_tickers_that_look_like_something_else_stay_tickers(tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text("date,ticker,close\n2020-03-04,NA,1\n2020-03-04,TRUE,2\n2020-03-04,1,\n")
    table = read_file(path)
    assert table.rows["ticker"].tolist() == ["NA", "TRUE", "1"]
    assert np.isnan(numbers(table, "close")[2])


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the real files are not beside this clone")
def test_the_real_file_keeps_its_total_returns(store):
    lines = run(store, REAL / "prices/us_daily_sp900_2010_2024.parquet")
    assert any("prices are split-adjusted" in line for line in lines)
    assert any("CHRD is column CHRD.2 from 2020-11-24" in line for line in lines)
    run(store, REAL / "prices/us_etf_daily_2010_2024.parquet", call=import_benchmarks)
    market = read_market(store, start="2019-12-31", survivors=True)
    year = market.adj_close.loc["2020-12-31"] / market.adj_close.loc["2019-12-31"] - 1
    assert year["AAPL"] == pytest.approx(0.8231, abs=1e-4)
    assert year["TSLA"] == pytest.approx(7.4344, abs=1e-4)
    spy = market.benchmarks["SPY"]
    assert spy.loc["2022-12-30"] / spy.loc["2021-12-31"] - 1 == pytest.approx(-0.182, abs=1e-3)
