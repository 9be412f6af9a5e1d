from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.gateway.market_data import DELAYED, LIVE, Pacing, Quote, historical_bars, hours, ticks
from alphalib.gateway.orders import Print
from alphalib.gateway.playback import Playback
from alphalib.gateway.requests import BarsWanted, NotUnderstood, Wanted
from tests.gateway.port import DAY, bars

OPEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def trade(price: float, size: float = 100.0, *, opens: bool = False) -> Print:
    return Print("AAA", price, size, OPEN, opens=opens)


def asked(size: str = "1 min", duration: str = "1 D", end: str = "", symbol: str = "AAA") -> BarsWanted:
    wanted = Wanted(0, symbol, "STK", "SMART", "", "USD")
    return BarsWanted(1, wanted, end, size, duration, regular=True, what="TRADES", as_epoch=True, keep=False)


def test_a_trade_changes_last_and_volume_and_maybe_the_extremes_and_once_a_minute_the_sides():
    quote = Quote(spread_bps=20.0)
    quote.take(trade(100.0, opens=True))
    assert quote.take(trade(101.0)) == [("last", 101.0, 100.0), ("volume", 200.0, 0.0), ("high", 101.0, 0.0)]
    # half of 20 bps of 100 on each side
    expected = [("last", 100.0, 100.0), ("volume", 300.0, 0.0), ("bid", 99.9, 100.0), ("ask", 100.1, 100.0)]
    assert quote.take(trade(100.0, opens=True)) == expected


def test_who_begins_to_watch_is_told_all_there_is():
    assert Quote().known() == []
    quote = Quote(close=99.0)
    quote.take(trade(100.0, opens=True))
    quote.take(trade(98.0, 50.0))
    quote.halted = True
    assert {name: price for name, price, _ in quote.known()} == {
        "close": 99.0, "open": 100.0, "high": 100.0, "low": 98.0, "last": 98.0, "volume": 150.0, "bid": 98.0,
        "ask": 98.0, "halted": 1.0,
    }  # fmt: skip


def test_ticks_are_numbered_as_live_or_delayed_ones():
    changes = [("last", 100.5, 100.0), ("volume", 1234567.0, 0.0), ("halted", 1.0, 0.0)]
    assert [message[4:] for _, message in ticks(9, changes, DELAYED)] == [
        b"1\x006\x009\x0068\x00100.5\x00100\x000\x00",
        b"2\x006\x009\x0074\x001234567\x00",
        b"45\x006\x009\x0049\x001\x00",
    ]
    for name, message in ticks(9, changes, LIVE):
        assert int.from_bytes(message[:4], "big") == len(message) - 4, name


def test_hours_of_a_day_its_weekend_and_a_half_day():
    assert hours("2026-11-27", days=3) == ("20261127:0930-20261127:1300;20261128:CLOSED;20261129:CLOSED")
    assert hours("2026-11-27", days=1, extended=True) == "20261127:0400-20261127:1700"
    # clocks go forward on Sunday, March 8th; New York's hours stay
    assert hours("2026-03-06", days=4).endswith("20260309:0930-20260309:1600")


def test_bars_that_are_not_complete_are_not_there():
    playback = Playback(DAY, bars({"AAA": [100.0, 101.0, 102.0, 103.0]}))
    now = OPEN + timedelta(minutes=2, seconds=59)
    assert [row[4] for row in historical_bars(playback, "AAA", asked(), now)] == [100.0, 101.0]
    last = historical_bars(playback, "AAA", asked(duration="60 S"), OPEN + timedelta(minutes=3))
    assert [row[4] for row in last] == [102.0]
    until = historical_bars(playback, "AAA", asked(end="20260302 09:32:00 US/Eastern"), OPEN + timedelta(minutes=4))
    assert [row[4] for row in until] == [100.0, 101.0]
    assert historical_bars(playback, "AAA", asked(end="20260302-14:30:30"), OPEN + timedelta(minutes=4)) == []


@pytest.mark.parametrize(
    ("size", "duration", "match"),
    [("7 mins", "1 D", "bar size setting is invalid"), ("1 min", "1 F", "duration is invalid: 1 F")],
)
def test_bars_that_do_not_exist_are_refused(size: str, duration: str, match: str):
    playback = Playback(DAY, bars({"AAA": [100.0]}))
    with pytest.raises(NotUnderstood, match=match):
        historical_bars(playback, "AAA", asked(size, duration), OPEN)


@given(gaps=st.lists(st.floats(0.0, 0.2), max_size=200))
def test_no_more_than_50_messages_pass_in_any_second(gaps: list[float]):
    pacing, now, passed = Pacing(), 0.0, []
    for gap in gaps:
        now += gap
        rate = pacing.too_fast(now)
        recent = 1 + sum(at > now - 1 for at in passed)
        assert rate == (recent if recent > 50 else 0)
        passed.append(now)


def test_historical_bars_are_paced():
    pacing = Pacing()
    assert not pacing.too_many_bars(0.0, "AAA", asked())
    assert pacing.too_many_bars(14.9, "AAA", asked())  # the same within 15 seconds
    assert not pacing.too_many_bars(15.0, "AAA", asked())
    others = [pacing.too_many_bars(100.0, "AAA", asked(duration=f"{n} D")) for n in range(1, 7)]
    assert others == [False] * 5 + [True]  # of one name within 2 seconds
    later = [pacing.too_many_bars(110.0 + n, "BBB", asked(duration=f"{n} S", symbol="BBB")) for n in range(60)]
    assert later.count(False) == 60 - 2 - 5  # 60 within 10 minutes, seven of them before
    assert not pacing.too_many_bars(700.0, "AAA", asked())
