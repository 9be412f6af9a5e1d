import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalib.execute.broker import Tick
from alphalib.execute.tape import STALE, Bar, Hours, Tape

HOURS = Hours.of("2024-01-02")
HALF_DAY = "2023-11-24"  # the day after Thanksgiving, until 13:00


def tick(seconds: float, price: float, volume: float | None = None, *, halted: bool = False) -> Tick:
    return Tick("AAA", price, volume, HOURS.opened + timedelta(seconds=seconds), halted)


def test_a_minute_is_what_was_printed_in_it():
    tape = Tape(HOURS)
    for printed in (tick(0.5, 10.0, 100), tick(20, 9.5, 250), tick(40, 10.5, 250), tick(55, 10.2, 400)):
        tape.take(printed)
    tape.take(tick(60.5, 11.0, 500))  # of the next; whoever asks a little late misses nothing
    # 100 + 150 + 0 + 150 shares
    assert tape.minute(0) == {"AAA": Bar(0, 10.0, 10.5, 9.5, 10.2, 400.0)}
    assert tape.minute(1) == {"AAA": Bar(1, 11.0, 11.0, 11.0, 11.0, 100.0)}
    assert tape.minute(2) == {}, "a minute without a trade has no bar"
    assert tape.first("AAA") == 10.0
    assert tape.last("AAA") == 11.0


def test_what_was_traded_before_the_open_belongs_to_no_minute():
    tape = Tape(HOURS)
    tape.take(tick(-60, 9.9, 5000))
    tape.take(tick(0.5, 10.0, 5100))
    tape.take(tick(1, 10.0, 5150))
    assert tape.minute(0)["AAA"].volume == 150.0
    assert tape.first("AAA") == 10.0


def test_a_count_that_begins_anew_is_no_negative_volume():
    tape = Tape(HOURS)
    tape.take(tick(-60, 9.9, 5_000_000))  # yesterday's
    tape.take(tick(0.5, 10.0, 100))
    tape.take(tick(1.5, 10.0, 99))  # a trade taken back
    assert tape.minute(0)["AAA"].volume == 100.0


def test_what_was_traded_in_a_gap_of_ones_own_belongs_to_no_minute():
    tape = Tape(HOURS)
    tape.take(tick(0.5, 10.0, 100))
    tape.minute(0)
    tape.gap(HOURS.opened + timedelta(minutes=5))
    tape.take(tick(300.5, 10.0, 9000))
    tape.take(tick(301, 10.0, 9010))
    assert tape.minute(5)["AAA"].volume == 10.0


def test_connecting_again_before_the_open_is_no_gap():
    tape = Tape(HOURS)
    tape.gap(HOURS.opened - timedelta(minutes=5))
    tape.take(tick(0.5, 10.0, 100))
    assert tape.minute(0)["AAA"].volume == 100.0


@pytest.mark.parametrize("price", [-1.0, 0.0, math.nan, math.inf])
def test_a_price_that_is_none_decides_nothing_and_is_not_remembered(price):
    tape = Tape(HOURS)
    tape.take(tick(1, 10.0, 100))
    tape.take(tick(2, price, 200))
    now = HOURS.opened + timedelta(seconds=60)
    assert math.isnan(tape.price("AAA", now))
    assert tape.last("AAA") == 10.0
    assert tape.minute(0) == {}
    assert tape.marks(["AAA", "BBB"], now) == {"AAA": "no valid price", "BBB": "no price yet"}


def test_a_halt_stands_until_it_is_taken_back():
    tape = Tape(HOURS)
    tape.take(tick(1, 10.0, 100, halted=True))
    now = HOURS.opened + timedelta(seconds=60)
    assert math.isnan(tape.price("AAA", now))
    assert tape.marks(["AAA"], now) == {"AAA": "halted"}
    assert tape.minute(0) == {}
    tape.take(tick(61, 10.0, 100))
    assert tape.price("AAA", now + timedelta(seconds=5)) == 10.0
    assert tape.minute(1)["AAA"].close == 10.0


def test_a_price_grows_stale():
    tape = Tape(HOURS)
    tape.take(tick(0, 10.0))
    assert tape.price("AAA", HOURS.opened + STALE) == 10.0
    after = HOURS.opened + STALE + timedelta(seconds=1)
    assert math.isnan(tape.price("AAA", after))
    assert tape.marks(["AAA"], after) == {"AAA": "stale"}


def test_hours_are_the_exchanges():
    assert HOURS.minutes == 390
    assert f"{HOURS.opened:%H:%M}" == "14:30"
    half = Hours.of(HALF_DAY)
    assert half.minutes == 210
    assert half.open_at(half.opened)
    assert not half.open_at(half.closed)
    summer = Hours.of("2024-07-01")
    assert f"{summer.opened:%H:%M}" == "13:30", "daylight saving time"
    assert half.minute(half.boundary(17)) == 17
    assert half.minute(half.opened - timedelta(seconds=1)) == -1


def test_a_print_after_the_close_is_the_last_price_and_no_minute():
    tape = Tape(HOURS)
    tape.take(tick(390 * 60 + 1, 10.0, 100))
    assert tape.last("AAA") == 10.0
    assert tape.minute(390) == {}


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.floats(1, 100, allow_nan=False), st.integers(0, 1000)),
        min_size=1,
        max_size=60,
    )
)
def test_no_share_is_lost_and_none_invented(prints):
    """Whatever the prints: the minutes' volumes sum to what was traded, and each close lies within its bar."""
    tape, traded, minutes, now = Tape(HOURS), 0, [], 0
    for seconds, price, size in sorted(prints):
        while seconds >= (now + 1) * 60:
            minutes.append(tape.minute(now))
            now += 1
        traded += size
        tape.take(tick(seconds, price, traded))
    minutes.append(tape.minute(now))
    bars = [bar for minute in minutes for bar in minute.values()]
    assert sum(bar.volume for bar in bars) == traded
    assert all(bar.low <= min(bar.open, bar.close) and max(bar.open, bar.close) <= bar.high for bar in bars)
