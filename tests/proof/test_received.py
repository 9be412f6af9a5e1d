"""Rows with a nonsensical future: what was known stays, the rest is nonsense, before anything has read it."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.proof.received import CORRUPTIONS, Received, corrupted, received_from
from alphalib.sources.embedded import ensure_prices
from alphalib.sources.sample import simulate_market
from alphalib.sources.stored import TABLES
from alphalib.store import Store
from tests.worlds import random_market

WORLD = simulate_market(seed=9, names=12, sessions=320)
RECEIVED = Received.from_world(WORLD)
DAY = WORLD.sessions[200]
KNOWN_BY = {"actions": "date", "benchmarks": "date", "macro": "date", "fundamentals": "known", "headlines": "known"}
every_corruption = pytest.mark.parametrize("how", CORRUPTIONS)


def by_hand(how):
    """One name with a bar a day: 10 on the first, 20 on the second, 30 on the third; the second is known."""
    days = pd.DatetimeIndex(["2024-03-06", "2024-03-07", "2024-03-08"]).as_unit("us")
    dated = {"ticker": pd.Series(["A"] * 3, dtype="str"), "date": days}
    tables = {
        "membership": pd.DataFrame(
            {"ticker": pd.Series(["A", "B"], dtype="str"), "start": days[[0, 2]], "end": [days[2], pd.NaT]}
        ),
        "sectors": pd.DataFrame(
            {"ticker": pd.Series(["A"], dtype="str"), "start": days[:1], "sector": pd.Series(["Energy"], dtype="str")}
        ),
        # Announced on the first day for the third: its date is known on the second, its surprise is not.
        "earnings": pd.DataFrame(
            {"ticker": pd.Series(["A"], dtype="str"), "date": days[2:], "scheduled": days[:1], "surprise": [0.1]}
        ),
    }
    received = Received(pd.DataFrame(dated | {"close": [10.0, 20.0, 30.0]}), tables, WORLD.source)
    return corrupted(received, days[1], how)


@pytest.mark.parametrize(
    ("how", "closes"),
    [("NaN", [10, 20, np.nan]), ("1e10", [10, 20, 1e10]), ("permuted", [10, 20, 30]), ("cut", [10, 20])],
)
def test_bars_after_the_day_by_hand(how, closes):
    assert np.array_equal(by_hand(how).bars["close"], closes, equal_nan=True)


@pytest.mark.parametrize(
    ("how", "members"),
    [
        ("NaN", [("A", "2024-03-06", "2024-03-07")]),
        ("cut", [("A", "2024-03-06", None)]),  # that it ends on the 8th, nobody knows on the 7th
        ("1e10", [("A", "2024-03-06", "2024-03-07"), ("A", "2024-03-08", None)]),
    ],
)
def test_an_interval_that_runs_loses_its_end(how, members):
    table = by_hand(how).tables["membership"]
    expected = [(name, pd.Timestamp(start), pd.Timestamp(end)) for name, start, end in members]
    assert list(table.itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(("how", "surprise"), [("NaN", np.nan), ("1e10", 1e10), ("cut", np.nan)])
def test_an_announced_report_keeps_its_date_and_loses_its_surprise(how, surprise):
    report = by_hand(how).tables["earnings"].iloc[0]
    assert report["date"] == pd.Timestamp("2024-03-08")
    assert np.array_equal(report["surprise"], surprise, equal_nan=True)


@every_corruption
def test_what_was_known_stays_as_it_is(how):
    spoilt = corrupted(RECEIVED, DAY, how)
    for name, when in KNOWN_BY.items():
        before, after = (tables[name][tables[name][when] <= DAY] for tables in (RECEIVED.tables, spoilt.tables))
        pd.testing.assert_frame_equal(before.reset_index(drop=True), after.reset_index(drop=True), check_exact=True)
    before, after = (rows.bars[rows.bars["date"] <= DAY].reset_index(drop=True) for rows in (RECEIVED, spoilt))
    pd.testing.assert_frame_equal(before, after, check_exact=True)


@pytest.mark.parametrize("how", ["NaN", "1e10", "permuted"])
@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_another_future(name, how):
    before, after = RECEIVED.tables[name], corrupted(RECEIVED, DAY, how).tables[name]
    assert list(after.dtypes) == list(before.dtypes)
    assert not after.equals(before)


def test_nothing_comes_after_a_cut():
    cut = corrupted(RECEIVED, DAY, "cut")
    assert cut.bars["date"].max() == DAY
    assert all((cut.tables[name][when] <= DAY).all() for name, when in KNOWN_BY.items())
    assert all((cut.tables[name]["start"] <= DAY).all() for name in ("membership", "sectors", "aliases"))
    # Every end that is left is past: one still to come is unknown.
    assert all((cut.tables[name]["end"].dropna() <= DAY).all() for name in ("membership", "aliases"))


@every_corruption
def test_the_input_is_untouched_and_the_same_nonsense_comes_twice(how):
    before = RECEIVED.market().data_hash
    hashes = {corrupted(RECEIVED, DAY, how).market().data_hash for _ in range(2)}
    assert len(hashes) == 1
    assert hashes != {before}
    assert RECEIVED.market().data_hash == before


def test_a_market_goes_to_rows_and_back():
    market = random_market(seed=4, missing=0.02)
    again = Received.from_market(market).market()
    for field in fields(market):
        one, other = getattr(market, field.name), getattr(again, field.name)
        if isinstance(one, pd.DataFrame):
            ordered = other[one.columns].rename_axis(columns=one.columns.name)
            pd.testing.assert_frame_equal(ordered, one, check_exact=True, check_freq=False)


def test_a_store_gives_its_bars_with_the_quarantined_ones(tmp_path):
    store = Store(tmp_path)
    ensure_prices(store, asof=pd.Timestamp("2016-12-30"), names=40)
    received = received_from(store)
    quarantined = store.read_table("prices/quarantine.parquet")
    assert len(quarantined) > 0
    first = quarantined.iloc[0]
    assert ((received.bars["date"] == first["date"]) & (received.bars["ticker"] == first["ticker"])).any()
    assert set(received.tables) == set(TABLES)


def test_what_there_is_not_is_said(tmp_path):
    with pytest.raises(InputError, match="has no prices"):
        Received.from_store(Store(tmp_path))
    with pytest.raises(InputError, match=r"has no prices from 2030-01-02 on; it ends on 20\d\d"):
        RECEIVED.since(pd.Timestamp("2030-01-02"))
    assert RECEIVED.since(DAY).bars["date"].min() == DAY
