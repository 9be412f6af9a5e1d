from datetime import UTC, datetime, timedelta

from alphalib.execute.broker import Held, Tick, Truth
from alphalib.execute.daemon.closing import statement
from alphalib.execute.journal.journal import Kept
from alphalib.execute.tape import Bar, Hours, Tape

HOURS = Hours.of("2024-01-02")
TRUTH = Truth(
    at=datetime(2024, 1, 2, 21, 0, 10, tzinfo=UTC),
    account="DU1",
    nav=1500.0,
    cash=500.0,
    accrued=1.5,
    held=(Held("AAA", 10, 90.0), Held("BBB", 5, 20.0), Held("CCC", 0, 0.0), Held("DDD", 1, 7.0)),
    orders=(),
    fills=(),
    charges=(),
)


def bar(minute: int, price: float) -> Bar:
    return Bar(minute, price, price + 1, price - 1, price + 0.5, 100.0)


def test_positions_have_the_last_price_that_the_session_printed():
    """AAA by the tape, which saw the closing print; BBB by the journal, from before a restart; DDD never traded."""
    tape = Tape(HOURS)
    tape.take(Tick("AAA", 101.0, 100, HOURS.closed + timedelta(seconds=1)))
    tape.take(Tick("SPY", 512.0, 100, HOURS.opened + timedelta(minutes=200)))
    minutes = {"AAA": [bar(0, 50.0)], "BBB": [bar(0, 19.0), bar(7, 21.0)], "SPY": [bar(0, 510.0), bar(1, 511.0)]}
    stated = statement(TRUTH, tape, minutes, session="2024-01-02")
    assert stated.positions == (Kept("AAA", 10, 90.0, 101.0), Kept("BBB", 5, 20.0, 21.5), Kept("DDD", 1, 7.0, None))
    assert (stated.nav, stated.cash, stated.accrued, stated.account) == (1500.0, 500.0, 1.5, "DU1")
    assert (stated.spy_open, stated.spy_last) == (510.0, 512.0)


def test_what_nobody_saw_is_missing():
    stated = statement(TRUTH, Tape(HOURS), {}, session="2024-01-02")
    assert {held.price for held in stated.positions} == {None}
    assert (stated.spy_open, stated.spy_last) == (None, None)
