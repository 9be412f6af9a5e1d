"""What the ledger says of the invariants."""

from dataclasses import replace

from alphalib.gateway.ledger import Frame, Ledger, Stated
from tests.gateway.stage import ACCOUNT, OPEN, Stage, at


def bought(**options) -> Stage:
    """100 bought at 100 a second after the open, with their stop at 95."""
    stage = Stage(**options)
    stage.bracket(stop=95.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    return stage


def working(stage: Stage, number: int) -> list[float]:
    """What each entry about an order said that may fill of it."""
    name = stage.venue.order(1, number).perm_id
    return [
        entry.working for entry in stage.venue.ledger.entries if isinstance(entry, Stated) and entry.perm_id == name
    ]


def test_a_stop_works_from_its_parents_fill_to_its_end():
    stage = bought()
    stage.place(2, "SELL", 60, "STP", aux=95.0, tif="GTC", now=5)
    stage.cancel(2, 10)
    assert working(stage, 2) == [0, 0, 100, 60, 0]  # held back, waiting, active, changed, cancelled


def test_a_stop_behind_a_partly_filled_parent_works_for_what_is_filled():
    stage = Stage(max_fill=40, active_on_partial=True)
    stage.bracket(stop=95.0)
    stage.prints(0.5, 100.0, opens=True)
    stage.venue.advance(at(1))
    stage.prints(20, 101.0)
    stage.cancel(1, 40)  # now the stop is for 100, and 80 are held
    assert working(stage, 2) == [0, 0, 40, 80, 100]


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
