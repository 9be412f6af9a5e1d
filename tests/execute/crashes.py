"""One compressed day with everything in it, and the same day with the daemon killed somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tests.execute.harness import World
from tests.execute.morning import entry, path, sale, stop


def day(**options) -> World:
    """The last quarter of an hour of a half-day: sales at once, entries, a stop, a collapse, a gain, the close."""
    held = {"GAIN": (100, 50.0), "QUIT": (80, 50.0), "TRIM": (60, 50.0), "FALL": (90, 50.0), "HIT": (70, 50.0)}
    return World(
        {
            "GAIN": path(50, 50, 50.5, 54.5, 54.6, minutes=15),  # a part is sold at 12:48
            "QUIT": path(50, minutes=15),
            "TRIM": path(50, 50, 50.2, minutes=15),
            "FALL": path(50, 50, 50, 50, 50, 47.4, minutes=15),  # a collapse at 12:50, above its stop
            "HIT": path(50, 50, 50, 50, 50, 50, 46.0, 45.0, minutes=15),  # a stop at 12:50:40
            "SOON": path(50, 50, 48.9, minutes=15),  # bought at 12:47
            "LATE": path(50, minutes=15),  # bought at 12:56
        },
        begin="12:45",
        entries=[entry("SOON", 40, 50.0), entry("LATE", 30, 50.0)],
        exits=[sale("QUIT", 80), sale("TRIM", 25, signal="REDUCE")],
        stops=[
            stop("GAIN", 100, 46.0, cost=50.0),
            stop("TRIM", 35, 46.0, cost=50.0),
            stop("FALL", 90, 44.0, cost=50.0, atr=4.0),
            stop("HIT", 70, 47.0, cost=50.0),
        ],
        held=held,
        resting={"GAIN": (100, 46.0), "QUIT": (80, 45.0), "HIT": (70, 47.0)},
        **options,
    )


@dataclass(frozen=True)
class Calm:
    """The day as it goes when nothing goes wrong: every point where the daemon may die, and what is held at the end."""

    points: tuple[str, ...]
    held: dict[str, float]


@cache
def calm() -> Calm:
    """The undisturbed day."""
    with day() as world:
        world.start(witnessed=True)
        world.until("13:01")
        assert world.life.exitcode == 0
        world.check()
        return Calm(tuple(point for _, point in world.trace), world.ledger.positions_at(world.account))


def killed_at(number: int, *, again: int | None = None) -> list[str]:
    """What is wrong with the day when the daemon is killed at a point of it, and `again` so many points later."""
    with day(restarts=2.0) as world:
        deaths = {number} | ({number + again} if again else set())
        world.die_at = lambda point, passed: passed in deaths
        world.start(witnessed=True)
        world.until("13:02")
        found = world.violations()
        held = world.ledger.positions_at(world.account)
        if held != calm().held:
            found.append(f"at the end {held} are held, and {calm().held} on a calm day")
        if world.life.exitcode != 0:
            found.append(f"the last life ended with {world.life.exitcode}, and {len(world.lives)} were lived")
        if "fell over" in world.log:
            found.append("it fell over")
        if found:
            print("\n".join([*world.story(), world.log[-8000:]]))
        return found
