"""The gate: what it catches, what it lets through, and that the future does not change its mind."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import InputError
from alphalib.sources.adjustment import no_actions
from alphalib.sources.quality import gate, rename_columns
from alphalib.sources.sample import simulate_market
from tests.worlds import random_market

PRICES = ["open", "high", "low", "close"]


def bars_of(market):
    parts = {name: getattr(market, name).stack() for name in [*PRICES, "volume"]}
    return pd.DataFrame(parts).dropna(how="all").reset_index()


@pytest.fixture
def market():
    return random_market(names=25, sessions=120)


@pytest.fixture
def bars(market):
    return bars_of(market)


def kinds(gated):
    found = gated.quarantined
    return dict(zip(found["ticker"] + " " + found["date"].dt.strftime("%Y-%m-%d"), found["kind"], strict=True))


def at(bars, ticker, number):
    """Row of the `number`-th session of a name, and its key in `kinds`."""
    row = bars.index[bars["ticker"] == ticker][number]
    return row, f"{ticker} {bars['date'][row]:%Y-%m-%d}"


def test_sound_bars_pass_whole(market, bars):
    gated = gate(bars.sample(frac=1, random_state=1), market.actions)
    expected = bars.sort_values(["ticker", "date"], ignore_index=True)
    pd.testing.assert_frame_equal(gated.bars, expected, check_column_type=False)
    assert sum(gated.report.quarantined.values()) == 0
    assert gated.report.accepted == gated.report.rows == len(bars)


@pytest.mark.parametrize("factor", [0.01, 0.1, 10, 100])
@pytest.mark.parametrize("sessions", [1, 2])
def test_decimal_slips_of_whole_bars(market, bars, factor, sessions):
    rows = [at(bars, "N003", 60 + later) for later in range(sessions)]
    for row, _ in rows:
        bars.loc[row, PRICES] *= factor
    assert kinds(gate(bars, market.actions)) == {key: "decimal_slip" for _, key in rows}


@pytest.mark.parametrize("field", PRICES)
def test_decimal_slips_of_one_price(market, bars, field):
    row, key = at(bars, "N003", 60)
    bars.loc[row, field] *= 10
    assert kinds(gate(bars, market.actions)) == {key: "decimal_slip"}


def test_impossible_bars(market, bars):
    changes = {"N001": ("low", "high", 1.01), "N002": ("close", "close", -1.0), "N004": ("volume", "volume", 0.0)}
    wanted = {}
    for ticker, (field, of, factor) in changes.items():
        row, key = at(bars, ticker, 50)
        bars.loc[row, field] = factor * bars.loc[row, of]
        wanted[key] = "impossible_bar"
    missing, key = at(bars, "N005", 50)
    bars.loc[missing, "open"] = np.nan
    assert kinds(gate(bars, market.actions)) == wanted | {key: "impossible_bar"}


def test_splits_are_explained_and_missing_splits_are_not(market, bars):
    # N000 splits 2:1 at session 40: the closes halve.
    _, key = at(bars, "N000", 40)
    assert kinds(gate(bars, market.actions)) == {}
    unexplained = gate(bars, market.actions[market.actions["kind"] != "split"])
    assert kinds(unexplained) == {key: "unexplained_jump"}  # the next session's volume tells of news
    assert "times the last accepted close, 48.9116" in unexplained.report.findings[0].detail


def test_duplicates_with_one_value_keep_one_and_with_two_keep_none(market, bars):
    same, key = at(bars, "N001", 30)
    other, other_key = at(bars, "N002", 30)
    conflict = bars.loc[[other]].assign(close=bars.loc[other, "close"] * 1.001)
    gated = gate(pd.concat([bars, bars.loc[[same]], conflict], ignore_index=True), market.actions)
    assert gated.quarantined.groupby("ticker").size().to_dict() == {"N001": 1, "N002": 2}
    assert set(kinds(gated).values()) == {"duplicate"}
    kept = gated.bars["ticker"] + " " + gated.bars["date"].dt.strftime("%Y-%m-%d")
    assert (kept == key).sum() == 1
    assert (kept == other_key).sum() == 0


def test_stale_bars_and_days_off(market, bars):
    first = at(bars, "N006", 50)[0]
    repeats = [at(bars, "N006", 50 + later) for later in (1, 2, 3)]
    for row, _ in repeats:
        bars.loc[row, [*PRICES, "volume"]] = bars.loc[first, [*PRICES, "volume"]]
    weekend = bars.loc[[first]].assign(date=pd.Timestamp("2019-03-16"), close=bars.loc[first, "low"])
    gated = gate(pd.concat([bars, weekend], ignore_index=True), market.actions)
    assert kinds(gated) == {key: "stale" for _, key in repeats} | {"N006 2019-03-16": "not_a_session"}


def test_a_rebased_history_becomes_a_second_column(market, bars):
    later = (bars["ticker"] == "N007") & (bars["date"] >= market.sessions[70])
    bars.loc[later, PRICES] *= 258.0
    bars.loc[later, "volume"] /= 258.0
    gated = gate(bars, market.actions)
    # Two rows are doubtful, the third at the new level is accepted as another security.
    assert list(kinds(gated).values()) == ["unexplained_jump", "unexplained_jump"]
    (listing,) = gated.report.relisted
    assert (listing.ticker, listing.symbol) == ("N007.2", "N007")
    assert listing.start == f"{market.sessions[72]:%Y-%m-%d}"
    assert gated.bars.loc[gated.bars["ticker"] == "N007", "date"].max() == market.sessions[69]
    renamed = rename_columns(bars[["date", "ticker"]], [listing])
    assert (renamed["ticker"] == "N007.2").sum() == 120 - 72


def test_a_large_fall_stays_in_its_column(market, bars):
    later = (bars["ticker"] == "N007") & (bars["date"] >= market.sessions[70])
    bars.loc[later, PRICES] *= 0.15
    gated = gate(bars, market.actions)
    assert len(gated.quarantined) == 2
    assert gated.report.relisted == []


def test_a_recycled_ticker_becomes_a_second_column(market, bars):
    name = bars["ticker"] == "N008"
    gone = name & bars["date"].between(market.sessions[20], market.sessions[90])
    bars.loc[name & (bars["date"] > market.sessions[90]), PRICES] *= 3.0
    gated = gate(bars[~gone], market.actions)
    (listing,) = gated.report.relisted
    assert listing.start == f"{market.sessions[91]:%Y-%m-%d}"
    assert "back after 71 sessions" in listing.reason
    assert len(gated.quarantined) == 0


def test_gaps_are_counted(market, bars):
    gone = (bars["ticker"] == "N009") & bars["date"].isin(market.sessions[40:44])
    report = gate(bars[~gone], market.actions).report
    assert (report.gap_sessions, report.gap_names) == (4, 1)
    assert report.longest_gaps[0].after == f"{market.sessions[39]:%Y-%m-%d}"
    assert any("4 sessions are missing" in line for line in report.lines())


def test_the_past_is_judged_without_the_future(market, bars):
    rng = np.random.default_rng(5)
    for ticker in market.tickers[:12]:
        row, _ = at(bars, ticker, int(rng.integers(5, 95)))
        bars.loc[row, PRICES] *= rng.choice([0.1, 0.5, 1.6, 10.0, 300.0])
    later = (bars["ticker"] == "N013") & (bars["date"] >= market.sessions[70])
    bars.loc[later, PRICES] *= 30.0
    whole = gate(bars, market.actions)
    assert len(whole.quarantined) > 8
    for number in range(60, 80):
        day = market.sessions[number]
        cut = gate(bars[bars["date"] <= day], market.actions[market.actions["date"] <= day])
        for part in ("bars", "quarantined"):
            full = getattr(whole, part)
            expected = full[full["date"] <= day].reset_index(drop=True)
            pd.testing.assert_frame_equal(getattr(cut, part), expected, check_exact=True)


def test_nothing_left_is_an_error(bars):
    with pytest.raises(InputError, match="no bars"):
        gate(bars.iloc[:0], no_actions())
    with pytest.raises(InputError, match="all 3 rows are doubtful, the first: N000"):
        gate(bars[bars["ticker"] == "N000"].head(3).assign(close=-1.0), no_actions())


@pytest.mark.slow
def test_the_gate_finds_the_faults_of_the_embedded_market():
    world = simulate_market()
    gated = gate(world.bars, world.tables["actions"])
    faults = world.faults.drop_duplicates(["date", "ticker"]).merge(world.bars[["date", "ticker"]].drop_duplicates())
    marked = gated.quarantined[["date", "ticker", "kind"]].rename(columns={"kind": "found"})
    recall = faults.merge(marked, how="left").groupby("kind")["found"].apply(lambda found: found.notna().mean())
    assert set(recall.index) >= {"decimal slip", "high below low", "stale"}
    assert (recall >= 0.9).all(), recall
    certain = marked[marked["found"] != "unexplained_jump"].merge(faults, how="left")
    assert certain["kind"].notna().mean() >= 0.9
    # Jumps in the simulated market come without the volume that news brings, so some are taken for faults; seeds 0 to 2
    # gave 80 to 90 % in all.
    assert marked.merge(faults, how="left")["kind"].notna().mean() >= 0.75
