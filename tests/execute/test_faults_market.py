"""F24, F26: hours of the exchange, and prices that nothing may be decided on."""

import pytest

from alphalib.gateway.faults import Act, Fault
from tests.execute.harness import World
from tests.execute.morning import at, entry, path, sale, stop

BUYING = {"paths": {"BUY": path(50, 50, 48.9)}, "entries": [entry("BUY", 40, 50.0)]}  # due at 12:42:00
QUITTING = {"held": {"QUIT": (80, 50.0)}, "exits": [sale("QUIT", 80)]}
BAD = [
    Fault(do=Act.BAD_PRICE, at="12:40:50", seconds=120, price=-1.0),
    Fault(do=Act.BAD_PRICE, at="12:40:50", seconds=120),  # NaN
    Fault(do=Act.HALT, at="12:40:50", symbol="BUY"),
    Fault(do=Act.STALE, at="12:40:50", seconds=120),
]


def test_f24_an_entry_that_nothing_triggered_acts_before_an_early_close():
    with World({"BUY": path(50)}, entries=[entry("BUY", 40, 50.0)]) as world:
        world.start()
        world.until("12:55:59")
        assert world.frames() == []
        world.until("12:57")  # a half-day closes at 13:00, four minutes before that it is 12:56
        assert world.held("BUY") == 40
        world.check()


def test_f24_nothing_is_sent_into_a_closed_market():
    with World(BUYING["paths"], entries=[entry("BUY", 40, 50.0, pullback=0.5)]) as world:
        world.start()
        world.until("13:05")
        assert world.life.exitcode == 0
        assert all(frame.at < at(world.day, "13:00") for frame in world.frames())
        assert world.held("BUY") == 40
        world.check()


def test_f24_what_is_urgent_waits_for_the_open_and_fills_at_its_first_print():
    with World({"QUIT": path(50, 49.5)}, **QUITTING, begin="09:30", resting={"QUIT": (80, 45.0)}) as world:
        world.start()
        world.until("09:29:59")
        assert world.frames() == []
        world.until("09:32")
        assert [(fill.shares, fill.price) for fill in world.fills("QUIT")] == [(80, 50.0)]
        world.check()


@pytest.mark.parametrize("fault", BAD, ids=["-1", "nan", "halted", "stale"])
def test_f26_a_price_that_is_none_triggers_no_entry(fault):
    # At 12:41:59 the bad prices would be a pullback, or are older than the trigger needs.
    with World(BUYING["paths"], entries=BUYING["entries"], script=[fault]) as world:
        world.start()
        world.until("12:42:30")
        assert world.frames() == []
        world.check()


def test_f26_without_market_data_nothing_is_bought():
    elsewhere = Fault(do=Act.ERROR, at="12:41:58", symbol="BUY", code=10197, text="No market data during competing …")
    with World(BUYING["paths"], entries=BUYING["entries"], script=[elsewhere]) as world:
        world.start()
        world.until("12:42:00.2")  # until the next tick there is no price
        assert world.frames() == []
        world.check()


@pytest.mark.parametrize("fault", BAD[:2], ids=["-1", "nan"])
def test_f26_a_price_that_is_none_moves_no_stop_and_sells_nothing(fault):
    with World(
        {"KEEP": path(50)}, held={"KEEP": (100, 50.0)}, stops=[stop("KEEP", 100, 47.0, cost=50.0)], script=[fault]
    ) as world:
        world.start()
        world.until("12:44")
        assert [(order.level, order.quantity) for order in world.orders("KEEP")] == [(47.0, 100)]
        world.check()


@pytest.mark.parametrize("fault", [*BAD[:2], BAD[3]], ids=["-1", "nan", "stale"])
def test_f26_what_is_urgent_is_sold_whatever_the_prices_say(fault):
    with World({"QUIT": path(50)}, **QUITTING, script=[fault.model_copy(update={"at": "12:38:00"})]) as world:
        world.until("12:40:55")
        world.start()
        world.until("12:41:30")
        assert world.held("QUIT") == 0
        world.check()


def test_f26_a_halted_name_is_sold_when_it_trades_again():
    script = [Fault(do=Act.HALT, at="12:39:30", symbol="QUIT"), Fault(do=Act.RESUME, at="12:46:00", symbol="QUIT")]
    with World({"QUIT": path(50)}, **QUITTING, script=script) as world:
        world.start()
        world.until("12:45")
        assert world.held("QUIT") == 80
        assert len(world.working("QUIT", "exit")) == 1
        world.until("12:48")
        assert world.held("QUIT") == 0
        assert len(world.orders("QUIT", "exit")) == 1
        world.check()
