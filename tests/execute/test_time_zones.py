"""F25: the host's time zone, weeks in which the clocks change, a machine that does not know US/Eastern."""

from importlib import resources

import pytest

from tests.execute.harness import World
from tests.execute.morning import entry, path, sale

AFTER_SPRING, BEFORE_AUTUMN, AFTER_AUTUMN = "2026-03-09", "2026-10-30", "2026-11-02"
OPENS = {AFTER_SPRING: "13:30", BEFORE_AUTUMN: "13:30", AFTER_AUTUMN: "14:30"}  # 9:30 in New York, in UTC


def traded(day: str, *, utc: bool = False, **life: object) -> list[tuple]:
    """A sale at the open and an entry two minutes later, on a machine like that: what the journal has of both."""
    with World(
        {"QUIT": path(50, 49.5), "BUY": path(50, 50, 48.9)},
        entries=[entry("BUY", 40, 50.0)],
        exits=[sale("QUIT", 80)],
        held={"QUIT": (80, 50.0)},
        day=day,
        begin="09:30",
        utc=utc,
        life=life,
    ) as world:
        world.start()
        world.until("09:35")
        world.check()
        return [(fill.ref, fill.shares, fill.price, fill.at.isoformat()) for fill in world.journaled()]


@pytest.mark.parametrize("day", OPENS)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_f25_in_weeks_when_clocks_change_a_machine_anywhere_writes_the_same(day, zone):
    opened, minute = OPENS[day].split(":")
    two_later = f"{opened}:{int(minute) + 2}:01"
    assert traded(day, zone=zone) == [
        (f"al-{day[2:].replace('-', '')}-QUIT-exit-1", 80, 50.0, f"{day}T{opened}:{minute}:01+00:00"),
        (f"al-{day[2:].replace('-', '')}-BUY-entry-1", 40, 48.9, f"{day}T{two_later}+00:00"),
    ]


@pytest.mark.parametrize("utc", [True, False], ids=["times in UTC", "times in US/Eastern"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_f25_however_the_gateway_writes_times_they_are_read_right(zone, utc):
    assert traded(AFTER_SPRING, utc=utc, zone=zone) == traded(AFTER_SPRING)


def test_f25_a_machine_that_knows_no_us_eastern_loses_no_fill(tmp_path):
    """As Debian 13 and Ubuntu 24.04 are without tzdata-legacy, and a Python without tzdata."""
    (tmp_path / "America").mkdir()
    for name in ("UTC", "America/New_York"):
        (tmp_path / name).write_bytes(resources.files("tzdata.zoneinfo").joinpath(name).read_bytes())
    assert traded(AFTER_SPRING, few_zones=str(tmp_path)) == traded(AFTER_SPRING)
