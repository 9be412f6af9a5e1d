"""Triggers a minute at a time; and that neither minutes nor daily bars invent an advantage."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from alphalib.backtest.triggers import (
    MINUTE,
    UNSEEN,
    Levels,
    Trigger,
    bounds,
    due,
    entry_minute,
    first_stop,
    guarded,
    highest,
    on_guard,
    part_sold,
    protection,
    watched,
)
from alphalib.contracts import Intraday
from alphalib.params import ExecutorParams

PARAMS = ExecutorParams()
NEVER = Levels(pullback=0.9, discount=0.9, support=0.0, floor=math.nan, expiry=360)


def session(*closes, volume=100.0):
    """Minutes that open at the close before and reach no further than open and close."""
    bars, before = np.zeros(len(closes), MINUTE), closes[0]
    for minute, (bar, close) in enumerate(zip(bars, closes, strict=True)):
        bar["minute"], bar["open"], bar["close"], bar["volume"] = minute, before, close, volume
        bar["high"], bar["low"] = max(before, close), min(before, close)
        before = close
    return bars


def test_a_pullback_is_seen_at_a_close_and_bought_at_the_next_open():
    # Highest 102; 2 % below it is 99.96, which the close of 99.9 in minute 3 has reached. Minute 4 opens at 99.9.
    bars = session(100.0, 102.0, 100.5, 99.9, 101.0)
    row, trigger = entry_minute(bars, NEVER._replace(pullback=0.02))
    assert (row, trigger, bars[row]["open"]) == (4, Trigger.PULLBACK, 99.9)


def test_a_minute_that_only_touches_the_level_is_no_trigger():
    bars = session(100.0, 102.0, 101.0, 101.0)
    bars["low"][2] = 90.0
    assert entry_minute(bars, NEVER._replace(pullback=0.02)) == (-1, 0)


def test_vwap_is_the_sessions_own_and_needs_a_volume():
    # Typical prices 100, 101 (high 101.5: (101.5 + 100 + 101.5)/3), then 100.5 with three times the volume:
    # (100 + 101 + 3 × (101.5 + 100 + 100)/3) / 5 = 100.5; 0.5 % below is 99.9975.
    bars = session(100.0, 101.5, 100.0, 99.99, 99.0)
    bars["volume"] = [1.0, 1.0, 3.0, 0.0, 0.0]
    row, trigger = entry_minute(bars, NEVER._replace(discount=0.005))
    assert (row, trigger) == (4, Trigger.VWAP)
    bars["volume"] = 0.0
    assert entry_minute(bars, NEVER._replace(discount=0.005)) == (-1, 0)
    bars["volume"] = np.nan
    assert entry_minute(bars, NEVER._replace(discount=0.005)) == (-1, 0)


def test_support_counts_until_it_is_broken():
    levels = NEVER._replace(floor=99.0, support=0.01)
    assert entry_minute(session(101.0, 99.9, 100.0), levels) == (2, Trigger.SUPPORT)  # 99.9 ≤ 99 × 1.01
    assert entry_minute(session(101.0, 98.9, 99.5, 99.5), levels) == (-1, 0)


@pytest.mark.parametrize(("length", "minute"), [(390, 360), (210, 180)])
def test_time_is_up_before_the_close_of_every_session(length, minute):
    bars = session(*np.full(length, 100.0))
    levels = NEVER._replace(expiry=length - PARAMS.expiry_minutes_before_close)
    assert entry_minute(bars, levels) == (minute, Trigger.EXPIRY)


def test_missing_minutes_are_stepped_over():
    bars = session(100.0, 97.0, 98.0, 99.0)
    bars["minute"] = [0, 5, 20, 380]
    assert entry_minute(bars, NEVER._replace(pullback=0.02)) == (2, Trigger.PULLBACK)
    assert entry_minute(bars, NEVER) == (3, Trigger.EXPIRY)
    assert entry_minute(bars[:3], NEVER) == (-1, 0)


def test_a_trigger_in_the_last_minute_is_too_late():
    assert entry_minute(session(100.0, 100.0, 97.0), NEVER._replace(pullback=0.02)) == (-1, 0)


def test_the_first_trigger_stays():
    levels = Levels(pullback=0.02, discount=0.005, support=0.01, floor=90.0, expiry=360)
    watch = UNSEEN
    for bar in session(100.0, 99.0, 97.0, 90.5):
        watch = watched(watch, bar, levels)
    assert watch.fired == Trigger.VWAP
    assert due(watch, 4, levels) == Trigger.VWAP
    assert due(UNSEEN, 359, levels) == 0
    assert due(UNSEEN, 360, levels) == Trigger.EXPIRY


def test_the_highest_price_from_a_row_on():
    assert highest(session(100.0, 98.0, 96.0, 95.0), 2) == 98.0


@given(
    st.lists(st.floats(50, 150), min_size=2, max_size=30),
    st.floats(0.001, 0.2),
    st.floats(0, 0.05),
    st.floats(50, 150),
    st.integers(1, 30),
)
def test_what_comes_later_changes_no_entry(closes, pullback, discount, floor, expiry):
    levels = Levels(pullback, discount, 0.01, floor, expiry)
    row, trigger = entry_minute(session(*closes), levels)
    if row >= 0:
        later = [*closes[:row], *(close * 1.5 for close in closes[row:])]
        assert entry_minute(session(*later), levels) == (row, trigger)
        assert closes[row - 1] == session(*closes)[row]["open"]


# On guard

NUMBERS = protection(PARAMS)


def guards(bars, *, stop=90.0, limits):
    """The guard after each of the minutes."""
    guard, seen = on_guard(stop), []
    for bar in bars:
        guard = guarded(guard, bar, limits)
        seen.append(guard)
    return seen


def test_the_numbers_of_a_file_and_of_an_order_book_are_the_same():
    fields = {name: getattr(PARAMS, name) for name in Intraday.model_fields}
    assert protection(Intraday(**fields)) == NUMBERS
    assert NUMBERS == (2.0, 1.5, 3, 0.08, 0.5, 0.05, 0.10)


def test_bounds_by_hand():
    # 2 × ATR 3, from the third session on 1.5 × 3; 8 % above 100.
    assert bounds(NUMBERS, 3.0, 100.0, 2, False) == (6.0, 0.05, pytest.approx(108.0))
    assert bounds(NUMBERS, 3.0, 100.0, 3, False).distance == 4.5
    assert bounds(NUMBERS, 3.0, 100.0, 0, True).target == math.inf
    assert bounds(NUMBERS, math.nan, 100.0, 0, False).distance == math.inf
    assert bounds(NUMBERS, 0.0, 100.0, 0, False).distance == math.inf


def test_the_first_stop_is_always_above_zero():
    assert first_stop(NUMBERS, 100.0, 3.0) == 94.0
    assert first_stop(NUMBERS, 100.0, math.nan) == first_stop(NUMBERS, 100.0, 0.0) == 90.0
    assert first_stop(NUMBERS, 100.0, 50.0) == 90.0


def test_a_guard_by_hand():
    seen = guards(session(100.0, 104.0, 101.0, 98.8), stop=95.0, limits=bounds(NUMBERS, 3.0, 90.0, 1, False))
    # Highs 100, 104, 104, 104 less 2 × 3; 104 ≥ 90 × 1.08 = 97.2 from the first close on; 98.8 = 104 × 0.95.
    assert [guard.stop for guard in seen] == [95.0, 98.0, 98.0, 98.0]
    assert [guard.gained for guard in seen] == [True, True, True, True]
    assert [guard.collapsed for guard in seen] == [False, False, False, True]


def test_without_an_average_range_a_stop_stays():
    seen = guards(session(100.0, 150.0), stop=95.0, limits=bounds(NUMBERS, math.nan, 100.0, 1, False))
    assert [guard.stop for guard in seen] == [95.0, 95.0]


@pytest.mark.parametrize(("shares", "fraction", "sold"), [(50, 0.5, 25), (7, 0.5, 3), (1, 0.5, 1), (3, 0.1, 1)])
def test_a_part_is_at_least_one_share(shares, fraction, sold):
    assert part_sold(shares, fraction) == sold


@given(st.lists(st.floats(50, 150), min_size=2, max_size=30), st.floats(0.1, 20), st.floats(60, 150))
def test_a_guard_rises_only_and_what_has_fired_stays(closes, atr, cost):
    seen = guards(session(*closes), limits=bounds(NUMBERS, atr, cost, 1, False))
    for before, after in itertools.pairwise(seen):
        assert after.stop >= before.stop
        assert after.high >= before.high
        assert after.collapsed >= before.collapsed
        assert after.gained >= before.gained


# Unbiased

MINUTES, DAILY_MOVE = 390, 0.018
DAY = np.zeros(MINUTES, MINUTE)


@njit
def driftless_entries(paths, bars, levels, move, rng):
    """Fill on minutes, by the obvious rule, and the close, of sessions that open at 1 and have no drift."""
    filled, obvious, closed = np.empty(paths), np.empty(paths), np.empty(paths)
    step = move / np.sqrt(4 * len(bars))
    for path in range(paths):
        price, top, bottom = 1.0, 1.0, 1.0
        for minute in range(len(bars)):
            bar = bars[minute]
            bar.minute, bar.open, bar.high, bar.low, bar.volume = minute, price, price, price, 1.0
            for _ in range(4):
                price *= np.exp(step * rng.standard_normal() - step * step / 2)
                bar.high, bar.low = max(bar.high, price), min(bar.low, price)
            bar.close = price
            top, bottom = max(top, bar.high), min(bottom, bar.low)
        floor = 1.0 - 2 * move * abs(rng.standard_normal())
        waiting = Levels(levels.pullback, levels.discount, levels.support, floor, levels.expiry)
        row, _ = entry_minute(bars, waiting)
        level = top * (1.0 - levels.pullback)
        filled[path], closed[path] = bars[row].open, price
        obvious[path] = level if bottom <= level else price
    return filled, obvious, closed


def test_the_open_is_what_waiting_costs_on_a_path_without_drift():
    """docs/rules.md, "Why daily bars fill at the open": in bps an entry, the close as a control of known mean 1."""
    levels = Levels(PARAMS.pullback_pct, PARAMS.vwap_discount_pct, PARAMS.support_pct, math.nan, MINUTES - 30)
    filled, obvious, closed = driftless_entries(40_000, DAY, levels, DAILY_MOVE, np.random.default_rng(1))
    share = np.cov(filled, closed)[0, 1] / closed.var()
    advantage = 1e4 * (filled - 1.0 - share * (closed - 1.0))
    assert advantage.std() / len(filled) ** 0.5 < 0.45
    assert abs(advantage.mean()) < 1.0
    assert 1e4 * (filled - obvious).mean() == pytest.approx(42.4, abs=2.0)
