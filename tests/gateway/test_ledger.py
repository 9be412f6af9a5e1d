"""What the ledger says of the invariants."""

from dataclasses import replace

from alphalib.gateway.accounts import Position
from alphalib.gateway.ledger import Frame, Gap, Ledger
from tests.gateway.stage import ACCOUNT, OPEN, Stage, at


def bought(**options) -> Stage:
    """100 bought at 100 a second after the open, with their stop at 95."""
    stage = Stage(**options)
    stage.bracket(stop=95.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    return stage


def test_a_position_under_its_stop_is_covered():
    stage = bought()
    stage.prints(20, 94.0)
    assert stage.venue.ledger.gaps(ACCOUNT, until=at(600)) == []


def test_a_cancelled_stop_leaves_a_gap_until_the_sale():
    stage = bought()
    stage.cancel(2, 10)
    stage.place(3, "SELL", 100, "MKT", now=12)
    stage.prints(13.5, 99.0)
    gap = Gap("AAA", at(10), at(13), 100.0, 0.0)
    assert stage.venue.ledger.gaps(ACCOUNT) == [gap]
    assert gap.seconds == 3.0
    assert stage.venue.ledger.gaps(ACCOUNT, prefix="other-") == []


def test_a_stop_without_a_position_and_one_of_another_size_are_gaps():
    stage = bought()
    stage.place(3, "SELL", 100, "MKT", now=10)
    stage.prints(11, 99.0)  # sold at 11 s, its stop is left
    stage.cancel(2, 20)
    assert stage.venue.ledger.gaps(ACCOUNT) == [Gap("AAA", at(11), at(20), 0.0, 100.0)]
    stage = bought()
    stage.place(2, "SELL", 60, "STP", aux=95.0, tif="GTC", now=5)
    assert stage.venue.ledger.gaps(ACCOUNT, until=at(8)) == [Gap("AAA", at(5), at(8), 100.0, 60.0)]


def test_neighbouring_gaps_are_one():
    stage = bought()
    stage.cancel(2, 10)
    stage.place(3, "SELL", 50, "STP", aux=95.0, tif="GTC", now=12)
    stage.place(4, "SELL", 50, "STP", aux=95.0, tif="GTC", now=15)
    assert stage.venue.ledger.gaps(ACCOUNT) == [Gap("AAA", at(10), at(15), 100.0, 50.0)]


def test_what_was_there_before_needs_a_stop_too():
    stage = Stage(positions={ACCOUNT: {"AAA": Position(10, 50.0)}})
    stage.place(1, "SELL", 10, "STP", aux=95.0, tif="GTC", now=1)
    assert stage.venue.ledger.gaps(ACCOUNT, until=at(60)) == []
    assert Stage(positions={ACCOUNT: {"AAA": Position(10, 50.0)}}).venue.ledger.gaps(ACCOUNT) == []  # nothing happened


def test_a_stop_behind_a_partly_filled_parent_covers_what_is_filled():
    stage = Stage(max_fill=40, active_on_partial=True)
    stage.bracket(stop=95.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    stage.prints(20, 101.0)
    assert stage.venue.ledger.gaps(ACCOUNT, until=at(30)) == []
    stage.cancel(1, 40)  # now the stop is for 100, and 80 are held
    assert stage.venue.ledger.gaps(ACCOUNT, until=at(50)) == [Gap("AAA", at(40), at(50), 80.0, 100.0)]


def test_refs_have_one_order_each_and_what_was_held_back_is_none():
    stage = Stage()
    stage.place(1, "BUY", 100, "MKT", transmit=False, ref="al-x")
    stage.venue.drop_untransmitted(1)
    stage.place(2, "BUY", 100, "LMT", limit=50.0, ref="al-x")
    ledger = stage.venue.ledger
    assert [len(numbers) for numbers in ledger.orders_by_ref().values()] == [1]
    stage.place(3, "BUY", 100, "LMT", limit=50.0, ref="al-x")
    assert len(ledger.orders_by_ref()["al-x"]) == 2
    assert ledger.orders_by_ref(prefix="manual") == {}


def test_corrections_replace_fills_and_commissions_count_once():
    stage = bought()
    ((done, _),) = stage.venue.executions()
    stage.venue.correct(done.exec_id, at(5), shares=90)
    ledger = stage.venue.ledger
    assert ledger.gaps(ACCOUNT, until=at(8)) == [Gap("AAA", at(5), at(8), 90.0, 100.0)]
    (found,) = ledger.executions().values()
    assert (found.shares, found.price, found.exec_id[-2:]) == (90, 100.0, "02")
    assert ledger.commissions() == {found.root: 1.0}
    assert ledger.positions_at(ACCOUNT, at(4)) == {"AAA": 100}
    assert ledger.positions_at(ACCOUNT) == {"AAA": 90}


def test_the_lowest_position_remembers_a_short_moment():
    stage = bought()
    stage.place(3, "SELL", 150, "MKT", now=5)
    stage.place(4, "BUY", 50, "MKT", now=6)
    stage.venue.advance(at(10))
    assert stage.held == 0
    assert stage.venue.ledger.lowest(ACCOUNT) == {"AAA": -50}


def test_orders_sent_on_a_live_account_stand_out():
    ledger = Ledger()
    paper = Frame(OPEN, 1, ("DU1", "DUP2"), "placeOrder", 1, "DU1", "al-1", "AAA", "BUY", 100, "MKT")
    mixed, nameless = replace(paper, accounts=("DU1", "U2")), replace(paper, accounts=())
    for frame in (paper, mixed, nameless):
        ledger.add(frame)
    assert ledger.frames_on_live() == [mixed, nameless]
