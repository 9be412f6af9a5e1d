"""Whatever happens, in whatever order, and whenever the process dies: everything held is covered, nothing is short."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alphalib.execute.broker import Link
from alphalib.execute.desk.steps import Ask, Cancel, Change, Place, Step
from tests.execute.desk_world import World
from tests.execute.morning import book, entry, portfolio, sale, stop

DAY = "2026-03-05"
NAMES = {"AAA": 50.0, "BBB": 100.0, "CCC": 20.0, "DDD": 30.0}
BOOK = book(
    DAY,
    entries=[entry("AAA", 100, 50.0)],
    exits=[sale("CCC", 70), sale("DDD", 25, signal="REDUCE")],
    stops=[stop("BBB", 40, 90.0, cost=100.0), stop("DDD", 25, 27.0, cost=30.0, atr=1.0)],
)
HELD = portfolio(DAY, {"BBB": (40, 100.0), "CCC": (70, 20.0), "DDD": (50, 30.0)})

SENDING = ("lost before", "lost after", "killed before", "killed after", "dropped", "child dropped", "slow")
"""What can happen to something that is sent: the connection goes before or after it arrives, the process dies before or
after, it vanishes on a connection that stays, only the first of a bracket arrives, or all of it two seconds later,
whatever became of connection and process meanwhile."""


class FaultyWorld(World):
    """A world in which what is sent, said and read can go wrong."""

    def __init__(self) -> None:
        self.fates: deque[str] = deque()
        self.late = False  # what the venue says is on its way
        self.missing: tuple[str, ...] = ()
        self.lives = 1
        self.slow: list[tuple[datetime, Step]] = []
        super().__init__(BOOK, HELD)

    def hear(self) -> None:
        for due, step in self.slow[:]:
            if due <= self.now:
                self.slow.remove((due, step))
                self.arrive(step)
        if not self.late:
            super().hear()

    @property
    def at_rest(self) -> bool:
        return self.late or super().at_rest

    def do(self, step: Step) -> None:
        if isinstance(step, Ask):
            self.steps.append(step)
            self.hear()
            self.desk.learned(self.venue.truth(self.now, missing=self.missing), began=self.now, now=self.now)
            return
        if not isinstance(step, Place | Change | Cancel) or not self.fates:
            super().do(step)
            return
        fate = self.fates.popleft()
        if fate in ("lost after", "killed after"):
            super().do(step)
        elif fate == "slow":
            self.slow.append((self.now + timedelta(seconds=2), step))
        elif fate == "child dropped" and isinstance(step, Place):
            self.venue.place(step.tickets[:1])
        if fate.startswith("lost"):
            raise ConnectionError
        if fate.startswith("killed"):
            raise KilledError

    def arrive(self, step: Step) -> None:
        """What was sent a while ago."""
        match step:
            case Place(tickets):
                self.venue.place(tickets)
            case Change(ticket):
                self.venue.change(ticket)
            case Cancel(ref):
                self.venue.cancel(ref)

    def act(self) -> list[Step]:
        while True:
            try:
                return super().act()
            except KilledError:
                self.lives += 1
                self.start()

    def market(self, ticker: str, price: float, most: int = 10**9) -> None:
        """A print at the venue that the desk sees too."""
        self.price(ticker, price)
        self.venue.trade(ticker, price, self.now, most=most)


class KilledError(Exception):
    """The process is gone."""


MOVES = (0.88, 0.94, 0.97, 1.0, 1.03, 1.09)
tickers = st.sampled_from(sorted(NAMES))
events = st.one_of(
    st.tuples(st.just("trade"), tickers, st.sampled_from(MOVES), st.sampled_from([7, 10**9])),
    st.tuples(st.just("send"), st.sampled_from(SENDING)),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.sampled_from(
        [("minute",), ("lost",), ("killed",), ("late",), ("in time",), ("doubled",), ("incomplete",), ("complete",),
         ("kill switch",), ("flatten",), ("cut off",), ("restored",)]
    ),
    st.tuples(st.just("refused"), tickers, st.sampled_from(["entry", "stop", "exit", "reduce"])),
    st.tuples(st.just("cancelled"), tickers),
)  # fmt: skip


def live(world: FaultyWorld, event: tuple) -> None:
    """One thing happens."""
    match event:
        case ("trade", ticker, factor, most):
            world.market(ticker, round(NAMES[ticker] * factor, 2), most)
        case ("send", fate):
            world.fates.append(fate)
        case ("wait", seconds):
            world.wait(seconds)
        case ("minute",):
            world.minute()
        case ("lost",):
            world.reconnect()
        case ("killed",):
            world.start()
        case ("late",) | ("in time",):
            world.late = event == ("late",)
        case ("doubled",):
            world.venue.events.extend(list(world.venue.events))
        case ("incomplete",) | ("complete",):
            world.missing = ("completed orders",) if event == ("incomplete",) else ()
        case ("kill switch",) | ("flatten",):
            world.desk.kill(world.now, by="a test", flatten=event == ("flatten",))
        case ("cut off",) | ("restored",):
            world.desk.heard(Link.CUT_OFF if event == ("cut off",) else Link.RESTORED, world.now)
        case ("refused", ticker, role):
            world.venue.refused.add(f"{ticker} {role}")
        case ("cancelled", ticker):
            for order in list(world.venue.orders.values()):
                if order.ticket.ticker == ticker and order.ticket.stop is not None:
                    world.venue.cancel(order.ticket.ref)
    world.act()


def rest(world: FaultyWorld) -> None:
    """Nothing goes wrong any more, for some minutes in which prices stay."""
    world.fates.clear()
    world.venue.refused.clear()
    world.late, world.missing = False, ()
    world.desk.heard(Link.RESTORED, world.now)
    last = {ticker: world.tape.last(ticker) for ticker in NAMES}
    for _ in range(40):
        world.wait(5)
        for ticker, price in last.items():
            world.venue.trade(ticker, price, world.now)
        world.act()


@settings(
    phases=[Phase.generate],
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
@given(st.lists(events, min_size=4, max_size=25))
def test_any_interleaving_ends_with_everything_covered_and_nothing_short(happening):
    world = FaultyWorld()
    try:
        for ticker, price in NAMES.items():
            world.price(ticker, price)
        world.act()
        for event in happening:
            live(world, event)
        rest(world)
        venue = world.venue
        assert len(venue.received) == len(set(venue.received)), "an order was sent twice"
        assert venue.lowest >= 0, "a position was short"
        for ticker in NAMES:
            held = venue.positions.get(ticker, 0)
            assert venue.covered(ticker) == held, f"{ticker}: {held} held"
        view = {name.ticker: name.held for name in world.desk.names()}
        assert view == {ticker: venue.positions.get(ticker, 0) for ticker in NAMES}
        assert sum("AAA-entry" in ref and venue.orders[ref].filled > 0 for ref in venue.received) <= 1
        assert world.desk.settled
    finally:
        world.journal.close()
