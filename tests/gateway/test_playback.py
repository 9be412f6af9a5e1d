"""Bars as prints."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.errors import InputError
from alphalib.gateway.playback import Bar, Playback, prints
from alphalib.sources.sample.minutes import session_path

OPEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def table(*rows: tuple[float, ...], begin: datetime = OPEN) -> pd.DataFrame:
    """Bars of successive minutes: open, high, low, close, volume."""
    found = pd.DataFrame(rows, columns=["open", "high", "low", "close", "volume"])
    found.insert(0, "time", pd.date_range(begin, periods=len(rows), freq="min"))
    return found


@pytest.mark.parametrize(
    ("bar", "path"),
    [
        ((10.0, 12.0, 9.0, 11.0), [(0.5, 10.0), (20, 9.0), (40, 12.0), (55, 11.0)]),
        ((11.0, 12.0, 9.0, 10.0), [(0.5, 11.0), (20, 12.0), (40, 9.0), (55, 10.0)]),
        ((10.0, 12.0, 9.0, 10.0), [(0.5, 10.0), (20, 9.0), (40, 12.0), (55, 10.0)]),
        ((10.0, 12.0, 10.0, 12.0), [(0.5, 10.0), (40, 12.0), (55, 12.0)]),
        ((10.0, 10.0, 10.0, 10.0), [(0.5, 10.0), (55, 10.0)]),
    ],
    ids=["rising: low first", "falling: high first", "unchanged: low first", "opens at its low", "flat"],
)
def test_a_minute_goes_through_its_extremes(bar, path):
    made = prints("AAA", Bar(OPEN, *bar, 101.0))
    assert [((each.at - OPEN).total_seconds(), each.price) for each in made] == path
    assert [each.opens for each in made] == [True] + [False] * (len(path) - 1)


prices = st.integers(100, 300).map(lambda cents: cents / 100)


@given(st.tuples(prices, prices, prices, prices), st.integers(0, 10_000))
def test_prints_make_their_bar_again(path, volume):
    bar = Bar(OPEN, path[0], max(path), min(path), path[-1], float(volume))
    made = prints("AAA", bar)
    seen = [each.price for each in made]
    assert (seen[0], max(seen), min(seen), seen[-1]) == (bar.open, bar.high, bar.low, bar.close)
    assert sum(each.size for each in made) == bar.volume
    assert min(each.size for each in made) >= 0


def test_moments_go_by_time_and_then_by_name():
    bars = {"BBB": table((10, 11, 9, 10, 40)), "AAA": table((20, 21, 19, 20, 40), (20, 21, 19, 20, 40))}
    moments = list(Playback("2026-03-02", bars).moments())
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    assert [each.symbol for each in moments[0].traded] == ["AAA", "BBB"]
    assert all(moment.told == moment.traded for moment in moments)
    assert len(moments) == 8


def test_delayed_prints_are_told_later_and_bars_with_them():
    played = Playback("2026-03-02", {"AAA": table((10, 11, 9, 10, 40), (10, 12, 10, 11, 60))}, delay=15)
    moments = list(played.moments())
    late = timedelta(minutes=15)
    assert {moment.at + late: moment.traded for moment in moments if moment.traded} == {
        moment.at: moment.told for moment in moments if moment.told
    }
    assert played.minutes("AAA", OPEN + late) == []
    assert [bar.close for bar in played.minutes("AAA", OPEN + late + timedelta(minutes=1))] == [10]


def test_the_day_so_far_is_a_daily_bar():
    before = table((9, 9, 9, 9, 500), begin=datetime(2026, 2, 27, tzinfo=UTC))
    bars = {"AAA": table((10, 11, 9, 10, 40), (10, 12, 10, 11, 60))}
    played = Playback("2026-03-02", bars, daily={"AAA": before})
    first, today = played.days("AAA", OPEN + timedelta(minutes=2))
    assert first.close == 9
    assert (today.open, today.high, today.low, today.close, today.volume) == (10, 12, 9, 11, 100)
    assert played.days("AAA", OPEN) == [first]
    assert played.minutes("AAA", OPEN + timedelta(seconds=119))[-1].high == 11
    assert played.days("ZZZ", OPEN) == []


def test_other_days_and_hours_are_left_out():
    early = table((10, 11, 9, 10, 40), begin=OPEN - timedelta(minutes=1))
    late = table((10, 11, 9, 10, 40), begin=datetime(2026, 3, 2, 21, tzinfo=UTC))
    bars = {"AAA": pd.concat([early, table((20, 21, 19, 20, 40)), late]), "BBB": early}
    played = Playback("2026-03-02", bars)
    traded = [each for moment in played.moments() for each in moment.traded]
    assert {(each.symbol, each.price) for each in traded} == {("AAA", 19), ("AAA", 20), ("AAA", 21)}


def test_a_volume_that_is_not_known_is_none():
    unknown = table((10, 11, 9, 10, 40)).assign(volume=np.nan)
    assert {each.size for moment in Playback("2026-03-02", {"AAA": unknown}).moments() for each in moment.traded} == {0}


def test_half_days_and_summer_time_end_and_begin_by_the_calendar():
    half = table((10, 11, 9, 10, 40), begin=datetime(2026, 11, 27, 14, 30, tzinfo=UTC))
    played = Playback("2026-11-27", {"AAA": half})
    assert (played.closed - played.opened) == timedelta(minutes=210)
    summer = table((10, 11, 9, 10, 40), begin=datetime(2026, 3, 9, 13, 30, tzinfo=UTC))
    assert Playback("2026-03-09", {"AAA": summer}).opened == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)


def test_bars_that_cannot_be_are_refused_by_name_and_minute():
    with pytest.raises(InputError, match=r"AAA: the bar at 2026-03-02 14:31 UTC cannot be played: .* low 12"):
        Playback("2026-03-02", {"AAA": table((10, 11, 9, 10, 40), (10, 11, 12, 10, 40))})
    with pytest.raises(InputError, match="low nan"):
        Playback("2026-03-02", {"AAA": table((10, 11, np.nan, 10, 40))})
    with pytest.raises(InputError, match="each minute there once"):
        Playback("2026-03-02", {"AAA": pd.concat([table((10, 11, 9, 10, 40))] * 2)})
    with pytest.raises(InputError, match="no minute bars of 2026-03-03"):
        Playback("2026-03-03", {"AAA": table((10, 11, 9, 10, 40))})


def test_the_embedded_market_can_be_played():
    daily = {"open": 50.0, "high": 52.5, "low": 49.0, "close": 51.25, "volume": 1_000_003.0}
    bars = session_path(daily, seed=7, ticker="AAA", day=pd.Timestamp("2026-03-02"))
    played = Playback("2026-03-02", {"AAA": bars})
    path = [each for moment in played.moments() for each in moment.traded]
    assert (path[0].price, path[-1].price, sum(each.size for each in path)) == (50.0, 51.25, 1_000_003)
    assert (max(each.price for each in path), min(each.price for each in path)) == (52.5, 49.0)
    assert len(played.minutes("AAA", played.closed)) == 390
