"""The embedded market: the same bytes however long it runs, and a market to look at."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.errors import InputError, SessionError
from alphalib.sessions import session_minutes, sessions_from
from alphalib.sources.sample import minute_bars, simulate_market, write_sample
from alphalib.sources.stored import TABLES, read_market, read_table
from alphalib.store import Store

KNOWN = {
    "bars": "date",
    "faults": "date",
    "actions": "date",
    "benchmarks": "date",
    "macro": "date",
    "sectors": "start",
    "membership": "start",
    "aliases": "start",
    "fundamentals": "known",
    "headlines": "known",
}


@pytest.fixture(scope="module")
def world():
    return simulate_market(names=40, sessions=700)


@pytest.fixture(scope="module")
def usual():
    """The market as `make run` meets it."""
    return simulate_market()


def as_known(name, table, last):
    """A table of a longer world, cut to what was known at the close of `last`."""
    if name == "earnings":
        cut = table[(table["date"] <= last) | (table["scheduled"] <= last)]
        cut = cut.assign(surprise=cut["surprise"].where(cut["date"] <= last))
    else:
        cut = table[table[KNOWN[name]] <= last]
    if name in ("membership", "aliases"):
        # An end that falls on the last session is told the session after.
        cut = cut.assign(end=cut["end"].where(cut["end"] < last))
    return cut.reset_index(drop=True)


@pytest.mark.parametrize("by", [1, 60])
@pytest.mark.parametrize("name", [*TABLES, "bars", "faults"])
def test_a_longer_world_begins_byte_equal(world, name, by):
    longer = getattr(world.longer(by), name)
    expected = getattr(world, name)
    pd.testing.assert_frame_equal(as_known(name, longer, world.sessions[-1]), expected, check_exact=True)


def test_later_listings_leave_earlier_names_as_they_were(world):
    longer = world.longer(260)
    assert len(longer.driver.columns) > len(world.driver.columns)
    for panel in ("driver", "oracle"):
        ours, theirs = getattr(world, panel), getattr(longer, panel)
        pd.testing.assert_frame_equal(theirs.loc[: world.sessions[-1], ours.columns], ours, check_exact=True)


def test_the_seed_makes_the_world(world):
    again, other = simulate_market(names=40, sessions=700), simulate_market(names=40, sessions=700, seed=8)
    assert again.market().data_hash == world.market().data_hash
    assert other.market().data_hash != world.market().data_hash


def test_the_store_gives_back_the_same_market(world, tmp_path):
    store = Store(tmp_path)
    write_sample(store, world)
    market = read_market(store)
    assert market.data_hash == world.market().data_hash
    assert market.source.simulated
    assert "simulated" in market.source.name
    pd.testing.assert_frame_equal(read_table(store, "headlines"), world.headlines)
    assert not store.paths("**/fault*"), "the hidden list is not for sale"


def test_true_bars_are_consistent(usual):
    bars = usual.true_bars
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    assert bars["vwap"].between(bars["low"], bars["high"]).all()
    assert (bars["volume"] > 0).all()
    assert (bars["low"] > 0).all()
    assert bars.notna().all().all()


def test_every_impossible_bar_is_on_the_hidden_list(usual):
    bars = usual.bars.set_index(["date", "ticker"])
    wrong = bars[(bars["high"] < bars["low"]) | (bars["volume"] <= 0)].index
    listed = pd.MultiIndex.from_frame(usual.faults[["date", "ticker"]])
    assert len(wrong) > 5
    assert wrong.isin(listed).all()


def test_the_hidden_list_tells_what_is_true(usual):
    truth = usual.true_bars.set_index(["date", "ticker"])
    seen = usual.bars.set_index(["date", "ticker"])
    kinds = usual.faults.drop_duplicates(["date", "ticker", "kind"])["kind"].value_counts()
    assert set(kinds.index) == {"decimal slip", "high below low", "stale", "zero volume", "gap", "halt"}
    assert kinds.drop("halt").sum() < 150
    for fault in usual.faults.itertuples():
        place = (fault.date, fault.ticker)
        if fault.kind == "halt":
            assert place not in truth.index
            continue
        assert truth.loc[place, fault.field] == fault.true_value
        if fault.kind == "gap":
            assert place not in seen.index
    same = truth.drop(usual.faults.set_index(["date", "ticker"]).index, errors="ignore")
    pd.testing.assert_frame_equal(same.sort_index(), seen.loc[same.index].sort_index())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_minute_bars_agree_with_the_day(world, data):
    bar = world.true_bars.iloc[data.draw(st.integers(0, len(world.true_bars) - 1))]
    minutes = minute_bars(world, bar["ticker"], bar["date"])
    assert len(minutes) == session_minutes(bar["date"])
    assert minutes["open"].iloc[0] == bar["open"]
    assert minutes["close"].iloc[-1] == bar["close"]
    assert minutes["high"].max() == bar["high"]
    assert minutes["low"].min() == bar["low"]
    assert minutes["volume"].sum() == bar["volume"]
    assert (minutes["high"] >= minutes[["open", "close"]].max(axis=1)).all()
    assert (minutes["low"] <= minutes[["open", "close"]].min(axis=1)).all()
    pd.testing.assert_frame_equal(minutes, minute_bars(world, bar["ticker"], bar["date"]))


def test_minutes_are_in_utc_and_short_on_half_days(world):
    ticker = world.true_bars["ticker"].iloc[0]
    winter = minute_bars(world, ticker, "2016-11-25")  # the day after Thanksgiving, New York is UTC−5
    assert len(winter) == 210
    assert winter["time"].iloc[0] == pd.Timestamp("2016-11-25 14:30", tz="UTC")
    assert minute_bars(world, ticker, "2016-07-05")["time"].iloc[0] == pd.Timestamp("2016-07-05 13:30", tz="UTC")


def test_a_name_that_did_not_trade_has_no_minutes(world):
    with pytest.raises(InputError, match="NONE did not trade on 2016-07-05"):
        minute_bars(world, "NONE", "2016-07-05")


def test_the_smallest_world_is_a_market():
    for seed in range(5):
        market = simulate_market(seed=seed, names=2, sessions=5).market()
        assert market.close.shape == (5, 2)


def test_bad_recipes_are_refused():
    with pytest.raises(InputError, match="at least 2 sessions and 2 names, got 1 and 30"):
        simulate_market(sessions=1, names=30)
    with pytest.raises(SessionError, match="take 2015-12-31"):
        simulate_market(start="2016-01-01", sessions=10)
    with pytest.raises(InputError, match="the end of the calendar"):
        simulate_market(start="2030-01-02", sessions=5000)


def test_reports_are_known_ahead_and_filings_arrive_late(usual):
    told = usual.earnings.dropna(subset=["scheduled"])
    notice = [sessions_from(row.scheduled, row.date) for row in told.head(400).itertuples()]
    assert set(notice) == {20}
    assert 0.01 < usual.earnings["scheduled"].isna().mean() < 0.06
    later = usual.earnings[usual.earnings["date"] > usual.sessions[-1]]
    assert len(later)
    assert later["surprise"].isna().all()
    delay = (usual.fundamentals["known"] - usual.fundamentals["period_end"]).dt.days
    first = ~usual.fundamentals.duplicated(["ticker", "period_end"])
    assert delay[first].between(25, 81).all()  # up to 75 days, then the first session
    assert 0.03 < (~first).mean() < 0.09
    assert (delay[~first] > 85).all()


def test_headlines_are_known_after_they_are_published(usual):
    closing = usual.headlines["known"] + pd.Timedelta(hours=16)
    lag = closing - usual.headlines["published"]
    assert (lag > pd.Timedelta(0)).all()
    assert (lag > pd.Timedelta(days=1)).mean() > 0.3
    assert usual.headlines["known"].is_monotonic_increasing


def test_a_recycled_symbol_means_two_companies(usual):
    shared = usual.aliases[usual.aliases.duplicated("symbol", keep=False)].sort_values(["symbol", "start"])
    assert len(shared) >= 2
    for symbol, spells in shared.groupby("symbol"):
        former, latter = spells.itertuples()
        assert former.end < latter.start
        assert latter.ticker == f"{symbol}-{latter.start:%Y%m}"


def test_a_renamed_company_keeps_its_column(usual):
    renames = usual.actions[usual.actions["kind"] == "rename"]
    assert len(renames) > 3
    for rename in renames.itertuples():
        spells = usual.aliases[usual.aliases["ticker"] == rename.ticker].set_index("symbol")
        assert spells.loc[rename.detail, "start"] == rename.date
    assert not set(renames["detail"]) & set(usual.driver.columns)


def test_delistings_have_reasons_and_returns(usual):
    gone = usual.actions[usual.actions["kind"] == "delisting"].set_index("ticker")
    halted = set(usual.faults.loc[usual.faults["kind"] == "halt", "ticker"])
    plain = gone[~gone.index.isin(halted)]
    assert plain.loc[plain["detail"] == "distress", "value"].between(-1.0, -0.295).all()
    assert plain.loc[plain["detail"] == "merger", "value"].between(0.115, 0.455).all()
    assert set(gone["detail"]) == {"distress", "merger"}
    last = usual.true_bars.groupby("ticker")["date"].max()
    assert (last[gone.index] < gone["date"]).all()


def test_hidden_panels_have_the_markets_labels(usual):
    market = usual.market()
    for panel in (usual.driver, usual.oracle, *usual.decoys.values()):
        assert panel.index.equals(market.sessions)
        assert panel.columns.equals(market.tickers)


def test_funds_start_when_theirs_did(usual):
    first = usual.benchmarks.groupby("ticker")["date"].min()
    assert first["SPY"] == usual.sessions[0]
    assert (first["XLRE"], first["XLC"]) == (pd.Timestamp("2016-09-19"), pd.Timestamp("2018-06-19"))


def test_splits_and_dividends_leave_no_jump(usual):
    market = usual.true_market()
    returns = market.adj_close.pct_change(fill_method=None)
    splits = usual.actions[usual.actions["kind"] == "split"]
    assert len(splits) > 5
    across = np.array([returns.loc[row.date, row.ticker] for row in splits.itertuples()])
    assert (np.abs(across[~np.isnan(across)]) < 0.25).all()
