"""Imports of members, sectors, aliases, earnings, fundamentals, macro and minutes."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.sources.columns import Table
from alphalib.sources.files import read_file
from alphalib.sources.macro import import_macro, macro
from alphalib.sources.minutes import import_minutes, minute_bars
from alphalib.sources.stored import read_table
from alphalib.sources.tables import (
    alias_table,
    earnings,
    fundamentals,
    import_table,
    members,
    renamed_intervals,
    sectors,
    sessions_after,
)
from alphalib.store import Store

TODAY = pd.Timestamp("2024-03-08")


def table(text):
    """A file from lines such as `a,b` / `1,2`, read as the importers read it."""
    header, *rows = [line.strip().split(",") for line in text.strip().splitlines()]
    return Table("file.csv", pd.DataFrame(rows, columns=header).replace("", np.nan), 2)


def aliases(*rows):
    made = pd.DataFrame(rows, columns=["ticker", "symbol", "start", "end"])
    return made.astype({"ticker": "str", "symbol": "str", "start": "datetime64[us]", "end": "datetime64[us]"})


NONE = aliases()


def test_members_without_prices_stay_and_ends_are_the_last_day_inside():
    file = table("""
        symbol,start_date,end_date
        GONE.B,2000-01-03,2010-06-01
        NEXT,2010-06-01,2012-02-01
        LAST,2012-02-01,""")
    rows, lines = members(file, given={}, aliases=NONE)
    assert rows["ticker"].tolist() == ["GONE-B", "NEXT", "LAST"]
    # Both end dates are start dates of others, so they are the first days outside.
    assert rows["end"].tolist()[:2] == [pd.Timestamp("2010-05-31"), pd.Timestamp("2012-01-31")]
    assert pd.isna(rows["end"][2])
    assert any("first day outside" in line for line in lines)
    assert any("GONE.B is GONE-B" in line for line in lines)


def test_members_with_ends_inside_are_taken_as_they_are():
    rows, _ = members(table("ticker,start,end\nA,2000-01-03,2010-05-31\nB,2010-06-01,"), given={}, aliases=NONE)
    assert rows["end"][0] == pd.Timestamp("2010-05-31")


def test_an_interval_that_ends_before_it_starts_is_refused():
    with pytest.raises(InputError, match=r"line 2, column 'end': A ends 2009-01-05, before it starts"):
        members(table("ticker,start,end\nA,2010-01-04,2009-01-05"), given={}, aliases=NONE)


def test_intervals_are_cut_where_a_symbol_changes_hands():
    known = aliases(("META", "FB", "2012-05-18", "2022-06-08"), ("FB.2", "FB", "2023-01-03", None))
    rows = pd.DataFrame(
        {
            "ticker": ["FB", "OTHER"],
            "start": pd.to_datetime(["2010-01-04", "2011-01-03"]).as_unit("us"),
            "end": pd.to_datetime([None, "2012-01-03"]).as_unit("us"),
        }
    )
    cut, changed = renamed_intervals(rows, known)
    found = [tuple(row) for row in cut.sort_values("start").astype("str").fillna("").to_numpy()]
    assert found == [
        ("FB", "2010-01-04", "2012-05-17"),
        ("OTHER", "2011-01-03", "2012-01-03"),
        ("META", "2012-05-18", "2022-06-08"),
        ("FB", "2022-06-09", "2023-01-02"),
        ("FB.2", "2023-01-03", ""),
    ]
    assert changed == 2


def test_sectors_without_dates_are_looked_at_backwards():
    file = table("ticker,sector\nA,Technology\nB,Energy\nC,Pet Rocks")
    rows, lines = sectors(file, given={}, aliases=NONE)
    assert rows["sector"].tolist() == ["Information Technology", "Energy", "Pet Rocks"]
    assert set(rows["start"]) == {pd.Timestamp("1990-01-01")}
    assert any("today's, looked at backwards" in line for line in lines)
    assert any("'Pet Rocks' (1)" in line for line in lines)
    with pytest.raises(InputError, match="no GICS sector among Pet Rocks"):
        sectors(table("ticker,sector\nC,Pet Rocks"), given={}, aliases=NONE)


def test_a_symbol_of_two_columns_at_once_is_refused():
    with pytest.raises(InputError, match="X stands for two columns on 2015-01-05"):
        alias_table(
            table("ticker,symbol,start,end\nA,X,2010-01-04,2016-01-04\nB,X,2015-01-05,"), given={}, aliases=NONE
        )


def test_earnings_are_dated_by_the_session_that_can_trade_on_them():
    file = table("""
        symbol,date,eps_est,eps,release_time
        A,2019-07-03,1.00,1.10,pre
        A,2019-10-03,1.00,0.90,post
        A,2020-01-03,-0.01,0.02,post
        A,2020-04-03,0.01,5.00,
        A,2020-07-04,1.00,,pre""")
    rows, lines = earnings(file, given={}, aliases=NONE)
    # 2020-07-03 was a holiday and 4 July a Saturday; 2020-01-03 and 2020-04-03 were Fridays.
    days = ["2019-07-03", "2019-10-04", "2020-01-06", "2020-04-06", "2020-07-06"]
    assert rows["date"].dt.strftime("%Y-%m-%d").tolist() == days
    # (1.1 − 1) / 1; (0.9 − 1) / 1; 0.03 / 0.05; 4.99 / 0.05 bounded to 1; nothing known.
    np.testing.assert_allclose(rows["surprise"], [0.1, -0.1, 0.6, 1.0, np.nan])
    assert rows["scheduled"].isna().all()
    assert any("2 reports before the open, 3 tradable in the next session" in line for line in lines)


def test_fundamentals_are_known_after_their_filing():
    file = table("ticker,period_end,available_date,net_income\nA,2019-03-31,2019-05-03,10\nA,2019-06-30,2019-08-02,")
    rows, _ = fundamentals(file, given={}, aliases=aliases(("A.2", "A", "2019-06-03", None)))
    assert rows["known"].dt.strftime("%Y-%m-%d").tolist() == ["2019-05-06", "2019-08-05"]  # both filed on a Friday
    assert rows["ticker"].tolist() == ["A", "A.2"]
    with pytest.raises(InputError, match="filed before its period ended"):
        fundamentals(table("ticker,period_end,filed,x\nA,2019-03-31,2019-03-01,1"), given={}, aliases=NONE)


def test_the_next_session_skips_holidays():
    days = pd.Series(pd.to_datetime(["2020-07-02", "2020-07-03"]))
    assert sessions_after(days, include=False).tolist() == [pd.Timestamp("2020-07-06")] * 2
    assert sessions_after(days, include=True).tolist() == [pd.Timestamp("2020-07-02"), pd.Timestamp("2020-07-06")]


def test_macro_waits_for_its_publication():
    days = [f"2020-{month:02d}-01" for month in range(1, 7)]
    monthly = "".join(f"{day},TB3MS,{number}\n" for number, day in enumerate(days))
    daily = "".join(f"{day:%Y-%m-%d},DGS10,1.5\n" for day in pd.bdate_range("2020-01-02", periods=9))
    rows, lines = macro(table("date,series,value\n" + monthly + daily), given={}, lag_days=None, today=TODAY)
    bills, notes = rows[rows["series"] == "yield_3m"], rows[rows["series"] == "yield_10y"]
    # 1 January + 75 days is Monday 16 March.
    assert bills["date"].iloc[0] == pd.Timestamp("2020-03-16")
    np.testing.assert_allclose(bills["value"], np.arange(6) / 100)
    assert notes["date"].iloc[[0, 1]].tolist() == [pd.Timestamp("2020-01-03"), pd.Timestamp("2020-01-06")]
    assert notes["value"].iloc[0] == 0.015
    assert any("today's revisions" in line for line in lines)
    with pytest.raises(InputError, match="DGS10 has a value of 2020-01-14, in the future"):
        macro(table("date,series,value\n" + daily), given={}, lag_days=None, today=pd.Timestamp("2020-01-13"))


def test_the_vix_of_its_own_file_replaces_freds(tmp_path):
    store = Store(tmp_path / "store")
    (tmp_path / "fred.csv").write_text("date,series,value\n2020-03-13,VIXCLS,1\n2020-03-16,VIXCLS,2\n2020-03-16,X,3\n")
    (tmp_path / "vix_daily.csv").write_text(
        "DATE,OPEN,HIGH,LOW,CLOSE\n2020-03-13,1,1,1,57.83\n2020-03-16,1,1,1,82.69\n"
    )
    paths = [tmp_path / "fred.csv", tmp_path / "vix_daily.csv"]
    import_macro(store, paths, given={}, lag_days=None, today=TODAY, step=lambda _: None)
    stored = read_table(store, "macro").set_index(["series", "date"])["value"]
    assert stored.loc[("vix", pd.Timestamp("2020-03-16"))] == 82.69
    assert len(stored.loc["vix"]) == 2
    assert len(stored.loc["x"]) == 1


MINUTES = """
    ticker,datetime,open,high,low,close,volume
    A,{0},10,11,9,10,100
    A,{1},10,9,11,10,100
    B,{1},20,20,20,20,0"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2020-01-02T14:30:00Z", "2020-01-02T14:31:00Z"),
        ("2020-01-02 14:30:00", "2020-01-02 20:31:00"),
        ("2020-01-02 09:30:00", "2020-01-02 09:31:00"),
        ("2020-01-02T09:30:00-05:00", "2020-01-02T09:31:00-05:00"),
    ],
)
def test_minutes_are_in_utc(first, second):
    good, doubtful, lines = minute_bars(table(MINUTES.format(first, second)), given={}, today=TODAY)
    assert good["time"].iloc[0] == pd.Timestamp("2020-01-02 14:30", tz="UTC")
    assert good["ticker"].tolist() == ["A", "B"]
    assert doubtful["detail"].tolist() == ["not low ≤ open, close ≤ high"]
    assert any("0 of them outside regular hours" in line for line in lines)


def test_minutes_lie_by_ticker_and_month(tmp_path):
    store = Store(tmp_path / "store")
    text = MINUTES.format("2020-01-31T20:00:00Z", "2020-02-03T15:00:00Z")
    (tmp_path / "bars.csv").write_text("\n".join(line.strip() for line in text.strip().splitlines()))
    import_minutes(store, [tmp_path / "bars.csv"], given={}, today=TODAY, step=lambda _: None)
    assert store.paths("prices/minute/*/*.parquet") == [
        "prices/minute/A/2020-01.parquet",
        "prices/minute/B/2020-02.parquet",
    ]
    assert list(store.read_table("prices/minute/A/2020-01.parquet")) == [
        "time",
        "open",
        "high",
        "low",
        "close",
        "volume",
    ]
    assert len(store.read_table("prices/minute_quarantine.parquet")) == 1


def test_days_are_no_minutes():
    with pytest.raises(InputError, match="daily bars go to import-prices"):
        minute_bars(table(MINUTES.format("2020-01-02", "2020-01-03")), given={}, today=TODAY)


def test_of_several_files_the_last_has_its_way(tmp_path):
    store = Store(tmp_path / "store")
    (tmp_path / "a.csv").write_text("ticker,sector\nA,Energy\nB,Energy\n")
    (tmp_path / "b.csv").write_text("ticker,sector\nB,Utilities\n")
    import_table(store, "sectors", [tmp_path / "a.csv", tmp_path / "b.csv"], given={}, step=lambda _: None)
    stored = read_table(store, "sectors").set_index("ticker")["sector"].to_dict()
    assert stored == {"A": "Energy", "B": "Utilities"}


def test_files_say_their_line(tmp_path):
    (tmp_path / "e.csv").write_text("ticker,date,eps_est,eps\nA,2020-01-02,1.0,x\n")
    with pytest.raises(InputError, match=r"e\.csv, line 2, column 'eps': 'x' is not a number"):
        earnings(read_file(tmp_path / "e.csv"), given={}, aliases=NONE)
