"""A session in which anything may go wrong at any time: the state machine of the tests and of the soak.

What no daemon can survive is left out: a broker that says of a list that it is whole when it is not, an order that
arrives long after everybody was told that it is nowhere, executions that nobody was told of before they were forgotten,
and a sale by hand in the very seconds in which ours is under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from alphalib.gateway.faults import Act, Fault
from tests.execute.harness import BY_HAND, GRACE, World
from tests.execute.morning import at, entry, path, sale, stop

MOVES = (0.0, 0.0, 0.0, 0.004, -0.004, 0.015, -0.015, -0.025, 0.03, -0.055, 0.09, -0.09)
"""Of a minute. [fraction]"""
LAST = "12:45:30"
"""Until then something may go wrong; until then, too, an entry waits for its trigger."""

TOLD = ["openOrder", "orderStatus", "execDetails", "commissionReport", "position", "error", "tickPrice"]
ENDS = ["openOrderEnd", "completedOrdersEnd", "execDetailsEnd", "positionEnd", "accountDownloadEnd", "currentTime"]
LISTINGS = ["reqAllOpenOrders", "reqCompletedOrders", "reqExecutions", "reqPositions", "reqAccountUpdates"]
ASKED = ["placeOrder", "cancelOrder", *LISTINGS, "reqCurrentTime", "startApi"]
NAMES = ["KEEP", "QUIT", "TRIM", "BUYS", "BUYL"]

counts, some_seconds = st.integers(1, 12), st.integers(1, 25)


def _fault(do: st.SearchStrategy[Act] | Act, message: Sequence[str], **fields: st.SearchStrategy) -> st.SearchStrategy:
    acts = st.just(do) if isinstance(do, Act) else do
    return st.builds(Fault, do=acts, message=st.sampled_from(message), count=counts, **fields)


MESSAGE_FAULTS = st.one_of(
    _fault(st.sampled_from([Act.CUT, Act.CUT_INSIDE, Act.CUT_AFTER]), [*TOLD, *ENDS, *ASKED]),
    _fault(Act.DROP, [*TOLD, *ENDS, *ASKED], times=st.integers(1, 3)),
    _fault(Act.DOUBLE, [*TOLD, *ENDS], times=st.integers(1, 3)),
    _fault(Act.DELAY, [*TOLD, *ENDS], seconds=some_seconds, times=st.integers(1, 3)),
    _fault(Act.DELAY, ["placeOrder", "cancelOrder"], seconds=st.integers(1, 2)),
    _fault(Act.HOLD, TOLD[:5], until=st.sampled_from([None, *TOLD[:5]])),
    _fault(Act.REJECT, ["placeOrder"], times=st.integers(1, 3)),
    _fault(Act.PARTIAL, ["placeOrder"], shares=st.integers(0, 60)),
    _fault(Act.WARN, ["placeOrder", "cancelOrder"], code=st.sampled_from([10349, 399, 2109, 478])),
    _fault(Act.NOT_CANCELLED, ["cancelOrder"], code=st.sampled_from([10147, 10148]), times=st.integers(1, 3)),
    _fault(Act.CORRECT, ["execDetails"], seconds=some_seconds, price=st.sampled_from([None, 49.0]), shares=st.none()),
    _fault(Act.NO_END, LISTINGS, times=st.integers(1, 3)),
    _fault(Act.EMPTY, ["reqCompletedOrders"], times=st.integers(1, 3)),
    _fault(Act.BUSY_ID, ["startApi"], times=st.integers(1, 4)),
    _fault(Act.EMPTY_ACCOUNTS, ["startApi"], times=st.integers(1, 3)),
)
TIMED_FAULTS = st.one_of(
    st.builds(Fault, do=st.just(Act.SILENT), at=st.just(0), seconds=st.integers(1, 45)),
    st.builds(Fault, do=st.just(Act.CUT), at=st.just(0)),
    st.builds(Fault, do=st.just(Act.REFUSE_LOGIN), at=st.just(0), seconds=some_seconds),
    st.builds(Fault, do=st.just(Act.BUSY_ID), at=st.just(0), times=st.integers(1, 4)),
    st.builds(Fault, do=st.just(Act.EMPTY_ACCOUNTS), at=st.just(0), times=st.integers(1, 3)),
    st.builds(Fault, do=st.just(Act.STALE), at=st.just(0), seconds=some_seconds, symbol=st.sampled_from(["", *NAMES])),
    st.builds(
        Fault,
        do=st.just(Act.BAD_PRICE),
        at=st.just(0),
        seconds=some_seconds,
        symbol=st.sampled_from(["", *NAMES]),
        price=st.sampled_from([-1.0, 0.0, None]),
    ),
    st.builds(Fault, do=st.just(Act.WITHDRAW), at=st.just(0), ref=st.sampled_from(["stop", "entry", "exit", "-KEEP-"])),
    st.builds(Fault, do=st.just(Act.REJECT), at=st.just(0), ref=st.sampled_from(["stop", "entry", "exit"])),
    st.builds(Fault, do=st.just(Act.WARN), at=st.just(0), code=st.sampled_from([10349, 399, 478])),
    st.builds(Fault, do=st.just(Act.ERROR), at=st.just(0), code=st.sampled_from([100, 162, 2103, 10197])),
)
PATHS = st.lists(st.lists(st.sampled_from(MOVES), min_size=3, max_size=13), min_size=len(NAMES), max_size=len(NAMES))


def _closes(moves: Sequence[float]) -> list[float]:
    closes = [50.0]
    for move in moves:
        closes.append(round(closes[-1] * (1.0 + move), 2))
    return path(*closes)


class Mischief(RuleBasedStateMachine):
    """One session: prices and mishaps are drawn, then time goes on, and things happen in between."""

    world: World

    @initialize(
        moves=PATHS,
        script=st.one_of(st.just([]), st.lists(MESSAGE_FAULTS, min_size=1, max_size=4)),
        restarts=st.sampled_from([1.0, 4.0, 20.0]),
        max_fill=st.sampled_from([None, None, 12, 35]),
        cancel_latency=st.sampled_from([0.0, 0.0, 1.0, 15.0]),
        active_on_partial=st.booleans(),
        resting=st.booleans(),
    )
    def opens(self, moves, script, restarts, resting, **venue):
        held = {"KEEP": (100, 50.0), "QUIT": (80, 50.0), "TRIM": (60, 50.0), "SOLD": (120, 50.0)}
        self.world = World(
            {name: _closes(of) for name, of in zip(NAMES, moves, strict=True)} | {"SOLD": path(50)},
            entries=[entry("BUYS", 40, 50.0, expiry=17), entry("BUYL", 70, 50.0, pullback=0.01, expiry=16)],
            exits=[sale("QUIT", 80), sale("TRIM", 25, signal="REDUCE")],
            stops=[
                stop("KEEP", 100, 46.5, cost=50.0),
                stop("TRIM", 35, 46.0, cost=50.0),
                stop("SOLD", 120, 40.0, cost=50.0),
            ],
            held=held,
            resting={name: (shares, 45.0) for name, (shares, _) in held.items()} if resting else {},
            script=script,
            restarts=restarts,
            **venue,
        )
        self.calm = not script
        self.world.start(witnessed=True)
        self._wait(62)

    def _wait(self, seconds: float) -> None:
        now = self.world.loop.now()
        self.world.play(min(now + timedelta(seconds=seconds), at(self.world.day, LAST).to_pydatetime()))

    @rule(seconds=st.sampled_from([1, 7, 31, 60, 75]))
    def time_passes(self, seconds):
        self._wait(seconds)

    @rule()
    def the_process_is_killed(self):
        self.calm = False
        self.world.kill()
        self._wait(2)

    @rule(points=st.integers(1, 60))
    def the_process_dies_soon(self, points):
        self.calm = False
        self.world.dies_after(points)
        self._wait(60)

    @rule(fault=TIMED_FAULTS)
    def something_goes_wrong(self, fault):
        self.calm = False
        self.world.gateway.mishaps.strike(fault)
        self._wait(3)

    @rule(seconds=some_seconds, how=st.sampled_from([Act.RESTORED, Act.RESTORED_WITHOUT_DATA]))
    def the_gateway_is_cut_off_for_a_while(self, seconds, how):
        self.calm = False
        self.world.gateway.mishaps.strike(Fault(do=Act.LOST, at=0))
        self._wait(seconds)
        self.world.gateway.mishaps.strike(Fault(do=how, at=0))

    @rule(name=st.sampled_from(NAMES), seconds=some_seconds)
    def a_name_is_halted_for_a_while(self, name, seconds):
        self.calm = False
        self.world.gateway.mishaps.strike(Fault(do=Act.HALT, symbol=name, at=0))
        self._wait(seconds)
        self.world.gateway.mishaps.strike(Fault(do=Act.RESUME, symbol=name, at=0))

    @rule(name=st.sampled_from([*NAMES, "SPY"]), shares=st.integers(1, 30))
    def somebody_buys(self, name, shares):
        self.world.by_hand("BUY", name, shares)
        self._wait(1)

    @precondition(lambda self: self.calm)
    @rule(shares=st.integers(1, 120))
    def somebody_sells(self, shares):
        """Of SOLD alone, whose price never comes near its stop: what is hit in the same second nobody can help."""
        sold = [o for o in self.world.venue.orders(BY_HAND) if (o.contract.symbol, o.action) == ("SOLD", "SELL")]
        left = self.world.held("SOLD") - sum(order.remaining for order in sold)
        if left > 0:
            self.world.by_hand("SELL", "SOLD", min(shares, left))
            self._wait(21)  # it fills at the next print

    @rule(flatten=st.booleans())
    def somebody_pulls_the_kill_switch(self, flatten):
        self.calm = False
        self.world.kill_switch("flatten" if flatten else "")
        self._wait(2)

    def teardown(self):
        """The dust settles; then it is judged."""
        if not hasattr(self, "world"):
            return
        with self.world as world:
            world.die_at = lambda point, number: False
            world.until("12:46")
            if not world.life.alive:
                world.start()
            world.until("12:48:30")
            assert world.life.alive
            assert "fell over" not in world.log
            world.check()
            judged = at(world.day, "12:40" if self.calm else "12:47:30")
            assert [gap for gap in world.gaps() if gap.seconds > GRACE and gap.end > judged] == []
