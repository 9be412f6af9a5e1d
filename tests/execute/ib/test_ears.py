import asyncio
import math
from datetime import UTC, datetime

import pytest

from alphalib.clock import SessionLoop, run
from alphalib.execute.broker import Link, Notice
from alphalib.execute.ib.ears import Ears

NOW = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)


def listen(hear):
    """What is told when an Ears hears something."""

    async def main():
        events, links, accounts = asyncio.Queue(), [], []
        hear(Ears(events, 2, now=lambda: NOW, link=links.append, accounts=accounts.append))
        return [events.get_nowait() for _ in range(events.qsize())], links, accounts

    return run(main(), SessionLoop(start=NOW, speed=math.inf))


def test_a_message_that_cannot_be_read_is_told_and_remembered():
    def hear(ears):
        ears.unreadable("Error handling fields: ['11', 'x']")
        assert ears.reading.unreadable

    (notice,), _, _ = listen(hear)
    assert (notice.code, notice.text[:50]) == (0, "a message of the gateway could not be read: Error ")


@pytest.mark.parametrize(
    ("code", "link"),
    [
        (1100, Link.CUT_OFF),
        (2110, Link.CUT_OFF),
        (1101, Link.RESTORED_WITHOUT_DATA),
        (1102, Link.RESTORED),
        (2104, None),
        (100, None),
    ],
)
def test_what_codes_say_of_the_link(code, link):
    said, links, _ = listen(lambda ears: ears.error(-1, code, "words", ""))
    assert said == [Notice(code, "words")]
    assert links == [link] * (link is not None)


def test_accounts_are_told_each_time_they_are_said():
    def hear(ears):
        ears.managedAccounts("DU1,U2,")
        ears.managedAccounts("")

    assert listen(hear)[2] == [("DU1", "U2"), ()]


def test_too_much_is_answered_with_a_pause():
    paused = []

    def hear(ears):
        ears.pace = lambda: paused.append(True)
        ears.error(-1, 100, "Max rate of messages per second has been exceeded", "")

    listen(hear)
    assert paused == [True]
