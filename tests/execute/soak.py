"""`python -m tests.execute.soak`: every crash point, twenty sessions in a row, thousands of random schedules."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

CHUNK = 50
"""Schedules or days of one task."""


def crashes(pairs: list[tuple[int, int | None]]) -> list[str]:
    """Days on which the daemon is killed at a point, and maybe again so many points later; those that went wrong."""
    from tests.execute.crashes import killed_at

    found = []
    for number, again in pairs:
        found += [f"killed at {number}, then {again} later: {fault}" for fault in killed_at(number, again=again)]
    return found


def schedules(seed: int, count: int) -> list[str]:
    """So many random schedules; the first that breaks a promise, made small."""
    import hypothesis
    from hypothesis import HealthCheck, settings
    from hypothesis.stateful import run_state_machine_as_test

    from tests.execute.machine import Mischief

    seeded = hypothesis.seed(seed)(type("Seeded", (Mischief,), {}))
    chosen = settings(
        max_examples=count,
        stateful_step_count=8,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seeded, settings=chosen)
    except Exception:
        return [f"seed {seed}, {count} schedules:\n{traceback.format_exc()}"]
    return []


def sessions(count: int) -> list[str]:
    """Sessions in a row in one process; a line when files, objects or memory pile up."""
    from tests.execute.endurance import sessions

    after = sessions(count)
    settled, last = after[min(4, count - 1)], after[-1]
    print(f"{count} sessions: {settled} after the fifth, {last} after the last")
    piled = last.files > settled.files or last.objects > settled.objects * 1.01 or last.memory > settled.memory + 10.0
    return [f"from {settled} to {last}"] if piled else []


def points() -> int:
    """How many points a day has at which the daemon may die."""
    from tests.execute.crashes import calm

    return len(calm().points)


def run(pool: ProcessPoolExecutor, what: str, tasks: Iterable[Callable[[], list[str]]], each: int) -> int:
    """Run tasks, saying how far it has come; returns how many faults were found."""
    begun, faults = time.monotonic(), 0
    futures = [pool.submit(task) for task in tasks]
    for done, future in enumerate(futures, 1):
        found = future.result()
        faults += len(found)
        print(*found, sep="\n", end="\n" if found else "")
        print(
            f"{what}: {done * each} of {len(futures) * each}, {time.monotonic() - begun:.0f} s, {faults} faults",
            flush=True,
        )
    return faults


def main() -> int:
    """Run all of it; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, help="random schedules")
    parser.add_argument("--days", type=int, default=500, help="days with two deaths at random points")
    parser.add_argument("--sessions", type=int, default=20, help="in a row in one process")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    print(f"seed {given.seed}")
    rng = random.Random(given.seed)
    with ProcessPoolExecutor(given.workers) as pool:
        number = pool.submit(points).result()
        once = [(point, None) for point in range(1, number + 1)]
        twice = [(rng.randint(1, number), rng.randint(1, 40)) for _ in range(given.days)]
        faults = run(pool, f"each of {number} crash points", _parts(once), 10)
        faults += run(pool, "two deaths", _parts(twice), 10)
        faults += run(pool, "sessions", [partial(sessions, given.sessions)] if given.sessions else [], given.sessions)
        tasks = [partial(schedules, rng.randrange(2**31), CHUNK) for _ in range(-(-given.schedules // CHUNK))]
        faults += run(pool, "schedules", tasks, CHUNK)
    return 1 if faults else 0


def _parts(days: list[tuple[int, int | None]]) -> list[Callable[[], list[str]]]:
    return [partial(crashes, days[start : start + 10]) for start in range(0, len(days), 10)]


if __name__ == "__main__":
    sys.exit(main())
