import asyncio
import math
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from alphalib.clock import SessionLoop, run
from alphalib.execute.ib.outbox import Outbox, Urgency

START = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)


def sent(puts, *, most=20, seconds=60.0, pause_at=None):
    """(second, name) of what was written, when `puts` are put at their seconds."""
    written = []

    async def main():
        loop = asyncio.get_running_loop()
        outbox = Outbox(most)
        for at, urgency, name in sorted(puts, key=lambda put: put[0]):
            await asyncio.sleep(at - loop.time())
            if name == "pause":
                outbox.pause()
            else:
                outbox.put(urgency, lambda name=name: written.append((loop.time(), name)))
        await asyncio.sleep(seconds)
        outbox.clear()

    run(main(), SessionLoop(start=START, speed=math.inf))
    return written


def test_what_does_not_fit_waits_and_the_urgent_goes_first():
    puts = [(0.0, Urgency.DATA, f"data {i}") for i in range(3)]
    puts += [(0.0, Urgency.ORDER, "entry"), (0.0, Urgency.EXIT, "cancel"), (0.0, Urgency.EXIT, "sale")]
    # two a second: two pass before anything urgent is known
    assert sent(puts, most=2) == [
        (0.0, "data 0"), (0.0, "data 1"), (1.0, "cancel"), (1.0, "sale"), (2.0, "entry"), (2.0, "data 2"),
    ]  # fmt: skip


def test_an_exit_passes_a_hundred_subscriptions():
    puts = [(0.0, Urgency.DATA, f"data {i}") for i in range(100)] + [(0.5, Urgency.EXIT, "sale")]
    assert sent(puts)[20] == (1.0, "sale")


def test_after_a_pause_nothing_is_sent_for_a_second():
    puts = [(0.0, Urgency.DATA, "pause"), (0.25, Urgency.EXIT, "sale")]
    assert sent(puts) == [(1.0, "sale")]


def test_what_is_cleared_is_not_sent():
    async def main():
        outbox, written = Outbox(1), []
        outbox.put(Urgency.EXIT, lambda: written.append(1))
        outbox.put(Urgency.EXIT, lambda: written.append(2))
        outbox.clear()
        await asyncio.sleep(10)
        outbox.put(Urgency.EXIT, lambda: written.append(3))
        return written

    assert run(main(), SessionLoop(start=START, speed=math.inf)) == [1, 3]


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from(Urgency)), max_size=120), st.integers(1, 20))
def test_everything_is_sent_once_and_never_too_much_in_a_second(puts, most):
    written = sent([(at, urgency, number) for number, (at, urgency) in enumerate(puts)], most=most, seconds=200.0)
    assert sorted(number for _, number in written) == list(range(len(puts)))
    times = [at for at, _ in written]
    assert all(later - sooner > 1 - 1e-5 for sooner, later in zip(times, times[most:], strict=False))
    for urgency in Urgency:  # among equals the first comes first
        of_it = [number for _, number in written if puts[number][1] is urgency]
        assert of_it == sorted(of_it, key=lambda number: (puts[number][0], number))
