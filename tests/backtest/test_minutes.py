"""Minute bars beside a history: found by session and name, in regular hours, in the units of the daily bars."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.minutes import BARS, minutes_of
from alphalib.backtest.simulate import simulate
from alphalib.decision import history
from alphalib.errors import InputError
from alphalib.scores import SignalCode
from alphalib.sources.sample.minutes import session_path
from alphalib.store import Store
from tests.backtest.runs import Run, random_minutes, random_run, rehearsed

HALF_DAY = pd.Timestamp("2019-07-03")


def history_of(run: Run):
    return history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=run.params)


RUN = random_run(3, names=4, sessions=130)
KNOWN = history_of(RUN)


def path_of(run: Run, ticker: str, row: int) -> pd.DataFrame:
    bar = {field: float(getattr(run.market, field)[ticker].iloc[row]) for field in BARS}
    return session_path(bar, seed=1, ticker=ticker, day=run.market.sessions[row])


def test_bars_are_found_by_session_and_name():
    row, ticker = 30, str(RUN.market.tickers[2])
    path = path_of(RUN, ticker, row)
    minutes = minutes_of({ticker: path, "ELSEWHERE": path}, KNOWN)
    place = minutes.tickers.get_loc(ticker)
    assert (minutes.end > minutes.start).sum() == 1
    bars = minutes.bars[minutes.start[row, place] : minutes.end[row, place]]
    assert bars["minute"].tolist() == list(range(390))
    for field in BARS:
        np.testing.assert_array_equal(bars[field], path[field])


def test_a_half_day_is_shorter():
    row = RUN.market.sessions.get_loc(HALF_DAY)
    minutes = minutes_of({"N001": path_of(RUN, "N001", row)}, KNOWN)
    assert minutes.lengths[row] == 210
    assert minutes.lengths[row - 1] == 390
    assert len(minutes.bars) == 210


def test_only_regular_hours_and_whole_prices_count_and_order_does_not():
    path = path_of(RUN, "N001", 30)
    early = path.assign(time=path["time"] - pd.Timedelta(hours=5))
    late = path.assign(time=path["time"] + pd.Timedelta(hours=7))
    broken = path.iloc[:5].assign(time=path["time"].iloc[:5] + pd.Timedelta(days=1), low=np.nan)
    mixed = pd.concat([late, broken, path, early.iloc[:200]]).sample(frac=1, random_state=1)
    np.testing.assert_array_equal(minutes_of({"N001": mixed}, KNOWN).bars, minutes_of({"N001": path}, KNOWN).bars)


def test_the_bus_has_a_file_a_name_and_month(tmp_path):
    store, rows = Store(tmp_path), (5, 30)
    paths = {row: path_of(RUN, "N001", row) for row in rows}
    for row, path in paths.items():
        store.write_table(f"prices/minute/N001/{RUN.market.sessions[row]:%Y-%m}.parquet", path)
    store.write_table("prices/minute/N001/1999-01.parquet", paths[5].assign(open=-1.0))
    found = minutes_of(store, KNOWN)
    given = minutes_of({"N001": pd.concat(paths.values())}, KNOWN)
    np.testing.assert_array_equal(found.bars, given.bars)
    np.testing.assert_array_equal(found.start, given.start)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: pd.concat([path, path.iloc[7:8]]), r"N001: 2019-02-14 14:37 UTC has two; keep one"),
        (lambda path: path.assign(time=path["time"].dt.tz_localize(None)), "times need a zone"),
        (
            lambda path: path.assign(**{name: path[name] / 4 for name in ("open", "high", "low", "close")}),
            "N001 on 2019-02-14 run from .* both must be as printed that day, without later splits",
        ),
        (lambda path: path.drop(columns=["close", "volume"]), "minute bars of N001 have no column close, volume"),
    ],
    ids=["two bars", "no zone", "after a split", "no volume"],
)
def test_bars_that_cannot_be_are_refused(change, message):
    assert RUN.market.sessions[30] == pd.Timestamp("2019-02-14")
    with pytest.raises(InputError, match=message):
        minutes_of({"N001": change(path_of(RUN, "N001", 30))}, KNOWN)


def test_minutes_without_a_daily_bar_are_left_out():
    bars = KNOWN.bars.copy()
    for field in ("open", "high", "low"):
        bars[field][30, 1] = np.nan
    paths = pd.concat([path_of(RUN, "N001", row) for row in (5, 30)])
    found = minutes_of({"N001": paths}, replace(KNOWN, bars=bars))
    assert found.end[5, 1] - found.start[5, 1] == len(path_of(RUN, "N001", 5))
    assert found.end[30, 1] == found.start[30, 1]


def test_another_historys_minutes_are_refused():
    other = history_of(random_run(3, names=5, sessions=130))
    with pytest.raises(InputError, match="laid beside another history"):
        simulate(KNOWN, RUN.params, minutes=minutes_of({}, other))


def test_without_any_minute_bar_daily_bars_serve():
    assert simulate(KNOWN, RUN.params, minutes=minutes_of({}, KNOWN)).hash == simulate(KNOWN, RUN.params).hash


# Fills


def fills_of(run: Run) -> list[tuple]:
    trades = run.backtest().trades
    return [
        (trade.reason, trade.trigger, trade.minute, round(trade.price / (1.001 if trade.side == "buy" else 0.999), 6))
        for trade in trades.itertuples()
    ]


def test_an_entry_waits_for_its_trigger():
    assert fills_of(rehearsed({1: {20: 97.9}}, vwap_discount_pct=0.05))[0] == ("entry", "pullback", 21, 97.9)


def test_an_entry_without_a_trigger_comes_late_and_earlier_on_a_half_day():
    assert fills_of(rehearsed({1: {}}))[0] == ("entry", "expiry", 360, 100.0)
    assert fills_of(rehearsed({1: {}}, expiry_minutes_before_close=90))[0] == ("entry", "expiry", 300, 100.0)


def test_a_stop_fills_in_the_first_minute_that_reaches_it():
    # No average range yet, so the stop is a tenth below the cost of 100.1.
    run = rehearsed({5: {100: 91.0, 150: 89.0}}, intraday_collapse_pct=1.0)
    assert fills_of(run)[1] == ("stop", "", 150, pytest.approx(100.1 * 0.9))
    gapped = rehearsed({5: {100: 80.0}})
    table = gapped.minutes["N000"]
    table.loc[table.index[100], ["open", "high"]] = 80.0
    assert fills_of(gapped)[1] == ("stop", "", 100, 80.0)


@pytest.mark.parametrize(("tight_sessions", "stop"), [(5, 104 - 2.0 * 2), (4, 104 - 1.5 * 2)])
def test_a_stop_follows_the_high_of_the_session(tight_sessions, stop):
    # Bought in row 1, so row 5 is 4 sessions later; with ranges of 99 to 101 the ATR is 2.
    rules = {"atr_window": 2, "atr_multiplier": 10.0, "intraday_tight_sessions": tight_sessions}
    run = rehearsed({5: {100: 104.0, 150: 99.5}}, reach=1.0, **rules)
    assert fills_of(run)[1] == ("stop", "", 150, stop)


def test_a_fall_from_the_high_is_sold_at_the_next_open_and_rests():
    run = rehearsed({5: {100: 94.9, 101: 94.0}})
    assert fills_of(run)[1] == ("collapse", "", 101, 94.9)  # 94.9 ≤ 100 × 0.95
    blocked = run.backtest().blocked
    assert blocked["rule"].tolist() == ["cooldown"] * 5
    assert fills_of(rehearsed({5: {100: 95.1}}))[1][0] == "research_exit"


def test_what_the_last_close_calls_for_is_not_done():
    assert fills_of(rehearsed({5: {389: 94.0}}))[1][0] == "research_exit"
    assert fills_of(rehearsed({5: {388: 94.0}}))[1] == ("collapse", "", 389, 94.0)


def test_a_gain_sells_a_part_and_the_rest_stays_on_guard():
    run = rehearsed({5: {100: 109.0, 200: 103.0}}, intraday_profit_fraction=0.3)
    # 109 ≥ 100.1 × 1.08; floor(50 × 0.3) = 15. Then 103 ≤ 109 × 0.95.
    assert fills_of(run)[1:] == [("intraday_profit", "", 101, 109.0), ("collapse", "", 201, 103.0)]
    assert run.backtest().trades["shares"].tolist() == [50, 15, 35]


def test_a_stop_at_nothing_guards_nothing():
    # With ranges of 60 to 140 the ATR is 80, and the stop 140 − 2.5 × 80 below zero.
    rules = {"atr_window": 2, "sector_veto_pct": 0.5}
    assert fills_of(rehearsed({5: {100: 110.0, 200: 70.0}}, reach=40.0, **rules))[1][0] == "research_exit"
    assert fills_of(rehearsed({5: {100: 110.0, 200: 70.0}}, reach=10.0, **rules))[1][0] == "intraday_profit"


def test_a_fall_outweighs_a_gain():
    run = rehearsed({5: {100: 109.0}})
    table = run.minutes["N000"]
    table.loc[table.index[100], "high"] = 109.9 / 0.95
    assert fills_of(run)[1] == ("collapse", "", 101, 109.0)


def test_a_name_bought_in_the_session_is_guarded_from_its_fill():
    # No average range yet: the stop sent with the entry is a tenth below the close before the fill.
    rules = {"vwap_discount_pct": 0.05, "intraday_collapse_pct": 0.08}
    entry = ("entry", "pullback", 21, 97.9)
    assert fills_of(rehearsed({1: {20: 97.9, 30: 88.0}}, **rules))[:2] == [entry, ("stop", "", 30, 88.11)]
    assert fills_of(rehearsed({1: {20: 97.9, 21: 97.8}}, **rules))[1][0] == "research_exit"
    # 90.05 is more than 8 % below 97.9, which is the high since the fill; 91.9 only below the 100 before it.
    assert fills_of(rehearsed({1: {20: 97.9, 30: 90.05}}, **rules))[1] == ("collapse", "", 31, 90.05)
    assert fills_of(rehearsed({1: {20: 97.9, 30: 91.9}}, **rules))[1][0] == "research_exit"


def bought_late(closes: dict[int, float], *, ratio: float = 1.0, **params) -> Run:
    """Bought in row 4, when the ATR is 2, on these minutes; there is a split on that day."""
    run = rehearsed({4: closes}, reach=1.0, atr_window=2, intraday_collapse_pct=1.0, vwap_discount_pct=0.05, **params)
    signal = run.signals.signal.copy()
    signal.iloc[:3, 0] = SignalCode.NONE
    units = np.where(np.arange(len(signal)) < 4, 1.0, ratio)[:, None]
    bars = {name: getattr(run.market, name) / units for name in ("open", "high", "low", "close", "vwap")}
    split = {"date": run.market.sessions[4], "ticker": "N000", "kind": "split", "value": ratio, "detail": ""}
    prices = run.minutes["N000"][["open", "high", "low", "close"]] / ratio
    return replace(
        run,
        market=replace(run.market, **bars, actions=pd.DataFrame([split])),
        signals=replace(run.signals, signal=signal),
        minutes={"N000": run.minutes["N000"].assign(**prices)},
    )


def test_the_first_stop_is_below_the_close_before_the_fill():
    # 97.9 − 2 × 2 = 93.9. Bought at 98.5, and at 94.5 from the next minute on.
    run = bought_late({20: 97.9, 21: 95.0, 30: 93.0})
    table = run.minutes["N000"]
    table.loc[table.index[21], ["open", "high", "low"]] = 98.5, 98.5, 94.2
    assert fills_of(run)[:2] == [("entry", "pullback", 21, 98.5), ("stop", "", 30, pytest.approx(98.5 - 4))]
    assert fills_of(bought_late({20: 97.9, 21: 93.8}))[1] == ("stop", "", 21, pytest.approx(97.9 - 4))


@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_a_split_counts_in_everything_that_is_guarded_by(ratio):
    fills = fills_of(bought_late({20: 97.9, 30: 99.0, 40: 90.0}, ratio=ratio))
    assert fills[:2] == [
        ("entry", "pullback", 21, round(97.9 / ratio, 6)),
        ("stop", "", 40, pytest.approx((99.0 - 4) / ratio)),
    ]
    fell = fills_of(bought_late({20: 97.9, 21: 93.8}, ratio=ratio))
    assert fell[1] == ("stop", "", 21, pytest.approx((97.9 - 4) / ratio))


def test_without_a_minute_before_the_fill_the_first_stop_counts_from_the_last_close():
    run = rehearsed({1: {380: 89.0}}, intraday_collapse_pct=0.5)
    late = replace(run, minutes={"N000": run.minutes["N000"].iloc[370:]})
    assert fills_of(late)[:2] == [("entry", "expiry", 370, 100.0), ("stop", "", 380, 90.0)]


@pytest.mark.parametrize("seed", range(3))
def test_minutes_make_no_money(seed):
    run = random_minutes(random_run(500 + seed, names=6, sessions=80), seed=seed)
    backtest = run.backtest()
    assert (backtest.cash >= 0).all()
    bought = backtest.trades[backtest.trades["side"] == "buy"]
    assert set(bought["trigger"]) <= {"open", "pullback", "vwap", "support", "expiry"}
    assert (bought["minute"].isna() == (bought["trigger"] == "open")).all()
