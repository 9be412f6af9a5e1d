"""A stop at the venue and one in the simulator fill in the same minute at the same price."""

from __future__ import annotations

import itertools
import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalib.backtest.costs import FREE
from alphalib.backtest.session import FILL, PAYMENT, Log, sell_on_guard
from alphalib.backtest.triggers import MINUTE, Protection, bounds, guarded, on_guard
from alphalib.decision.shapes import HELD, NAME
from alphalib.gateway.ledger import Executed
from alphalib.gateway.playback import Bar, prints
from tests.gateway.stage import OPEN, Stage, at

price = st.integers(9_000, 11_000).map(lambda cents: cents / 100)
gapping = st.lists(st.tuples(price, price, price, price), min_size=1, max_size=8)
SHARES = 100


def bars_of(paths: list[tuple[float, ...]]) -> list[Bar]:
    return [Bar(at(60.0 * place), path[0], max(path), min(path), path[-1], 1000.0) for place, path in enumerate(paths)]


def protection(trail: float) -> Protection:
    """A stop that trails by so much, when the ATR is 1, and nothing else that sells."""
    return Protection(trail, trail, 1, 100.0, 0.5, 0.999, 0.1)


def records(bars: list[Bar]) -> np.ndarray:
    table = np.zeros(len(bars), MINUTE)
    for place, bar in enumerate(bars):
        table[place] = (place, bar.open, bar.high, bar.low, bar.close, bar.volume)
    return table


def simulated(bars: list[Bar], stop: float, *, atr: float, trail: float = 2.0) -> list[tuple[int, float]]:
    """Minute and price of the sale in `backtest.session`."""
    name, position = np.zeros(1, NAME), np.zeros(1, HELD)
    name["atr"], name["adv"], position["shares"], position["cost"] = atr, 1e9, SHARES, 100.0
    log = Log(np.zeros(3, FILL), np.zeros(2, PAYMENT), np.zeros(2, np.int64))
    sell_on_guard(1, 0, records(bars), stop, 1.0, name[0], position[0], protection(trail), FREE, log)
    return [(int(fill["minute"]), float(fill["price"])) for fill in log.fills[: log.used[0]]]


def played(bars: list[Bar], stop: float, *, atr: float = math.nan, trail: float = 2.0) -> list[tuple[int, float]]:
    """The same at the venue, where the stop is moved at each minute's close."""
    stage = Stage(opened=False)
    stage.place(1, "SELL", SHARES, "STP", aux=stop, tif="GTC", now=-600)
    stage.venue.open_session(OPEN)
    guard, limits = on_guard(stop), bounds(protection(trail), atr, 100.0, 1, False)
    for place, bar in enumerate(bars):
        if round(guard.stop, 2) != stop and stage.venue.orders():
            stop = round(guard.stop, 2)
            stage.place(1, "SELL", SHARES, "STP", aux=stop, tif="GTC", now=60.0 * place)
        for each in prints("AAA", bar):
            stage.venue.print_(each)
        guard = guarded(guard, records([bar])[0], limits)
    stage.venue.advance(at(60.0 * len(bars)))
    done = [entry for entry in stage.venue.ledger.entries if isinstance(entry, Executed)]
    return [(int((entry.at - OPEN) / timedelta(minutes=1)), entry.price) for entry in done]


@settings(max_examples=200, deadline=None)
@given(gapping, price)
def test_a_resting_stop_fills_as_in_the_simulator(paths, stop):
    bars = bars_of(paths)
    assert played(bars, stop) == simulated(bars, stop, atr=math.nan)


@settings(max_examples=200, deadline=None)
@given(gapping, price, st.integers(1, 500).map(lambda cents: cents / 100))
def test_a_stop_that_trails_by_the_minute_fills_as_in_the_simulator(paths, stop, trail):
    # A stop moved above the last price sells at once at the venue, and waits for its price in the simulator: the same
    # where a minute opens at the close before.
    chained = [paths[0], *((before[-1], *path[1:]) for before, path in itertools.pairwise(paths))]
    found = played(bars := bars_of(chained), stop, atr=1.0, trail=trail)
    # The venue has whole cents.
    assert [minute for minute, _ in found] == [minute for minute, _ in simulated(bars, stop, atr=1.0, trail=trail)]
    assert [at for _, at in found] == pytest.approx([at for _, at in simulated(bars, stop, atr=1.0, trail=trail)])
