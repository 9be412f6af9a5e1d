"""The daemon around its desk, at a gateway behind a real socket: how it begins, what it tells, how it leaves."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from alphalib.clock import SessionLoop, run
from alphalib.errors import BrokerError, BusyError, CurrencyError, InputError
from alphalib.execute.daemon.daemon import Daemon
from alphalib.execute.daemon.screen import View
from alphalib.execute.daemon.switch import LOCK, pull
from alphalib.execute.ib.adapter import IB
from alphalib.execute.journal.journal import journal_of
from alphalib.gateway.accounts import Position
from alphalib.gateway.orders import Contract
from alphalib.gateway.playback import Playback
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue
from alphalib.store import Store
from tests.execute import morning

DAY = morning.HALF_DAY
ACCOUNT = "DU1"
HELD = {"HELD": (100, 50.0)}


class Listener:
    """A notifier that keeps what it is told, and a screen."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.views: list[View] = []
        self.closed = False

    def tell(self, text: str) -> None:
        self.told.append(text)

    async def close(self) -> None:
        self.closed = True

    def show(self, view: View) -> None:
        self.views.append(view)


class Place:
    """The last minutes of a half-day: a position that rests, and an entry that falls to its trigger at 12:47."""

    def __init__(self, folder: Any) -> None:
        self.store, self.listener = Store(folder), Listener()
        book = morning.book(
            DAY,
            entries=[morning.entry("DIPS", 40, 50.0)],
            stops=[morning.stop("HELD", 100, 45.0, cost=50.0)],
        )
        portfolio = morning.portfolio(DAY, HELD)
        for artefact in (book, portfolio):
            self.store.write(artefact.at(), artefact)
        paths = {"HELD": [50.0] * 16, "DIPS": [50.0, 50.0, 48.9, *[48.9] * 13], "SPY": [500.0] * 16}
        held = {ticker: Position(float(shares), cost) for ticker, (shares, cost) in HELD.items()}
        contracts = [Contract(number, ticker) for number, ticker in enumerate(paths, 1)]
        self.venue = Venue({ACCOUNT: portfolio.cash}, contracts, positions={ACCOUNT: held})
        self.gateway = Gateway(self.venue, Playback(DAY, morning.bars(DAY, paths, begin="12:45")))

    def daemon(self, **options: Any) -> Daemon:
        broker = options.pop("broker", None) or IB(port=self.gateway.port)
        return Daemon(
            broker,
            bus=self.store,
            record=self.store,
            session=pd.Timestamp(DAY),
            notifier=self.listener,
            show=self.listener.show,
            **options,
        )

    def run(self, scene: Callable[[Place], Awaitable[Any]], *, clock: str = "12:44") -> Any:
        async def main() -> Any:
            await self.gateway.start()
            playing = asyncio.get_running_loop().create_task(self.gateway.play())
            try:
                return await scene(self)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
                await self.gateway.stop()

        return run(main(), SessionLoop(start=morning.at(DAY, clock).to_pydatetime(), speed=math.inf))

    def stops(self) -> dict[str, float]:
        """Shares under working stops, by ticker."""
        return {order.contract.symbol: order.quantity for order in self.venue.orders() if order.kind == "STP"}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_session_ends_with_the_account_stated_and_everything_told(place):
    stated = place.run(lambda here: here.daemon().run())
    # 100 × 50 rest; 40 were bought at 48.9 for a commission of 1, on the fall at 12:47.
    assert stated.cash == pytest.approx(95_000 - 40 * 48.9 - 1.0)
    assert {(held.ticker, held.shares, held.price) for held in stated.positions} == {
        ("DIPS", 40, 48.9),
        ("HELD", 100, 50.0),
    }
    assert stated.at < morning.closing(DAY) + timedelta(minutes=1)
    with closing(journal_of(place.store)) as journal:
        assert journal.statement(DAY) == stated
    assert place.stops() == {"DIPS": 40, "HELD": 100}
    filled, over = place.listener.told
    assert filled.startswith("filled al-261127-DIPS-entry-1 BUY 40 DIPS at 48.9000")
    assert over == f"2026-11-27 is over: NAV {stated.nav:,.2f} (-0.00%)"
    assert place.listener.closed
    waited = next(view for view in place.listener.views if any("pullback" in row.state for row in view.entries))
    assert waited.positions[0].ticker == "HELD"
    last = place.listener.views[-1]
    assert (last.account, last.link, last.filled) == (ACCOUNT, "up", 1)
    assert {row.ticker: row.stop is not None for row in last.positions} == {"DIPS": True, "HELD": True}


class Early(IB):
    """A broker whose listings close at another time than the calendar says; at the opening: not at all."""

    def __init__(self, closes: str, **options: Any) -> None:
        super().__init__(**options)
        self._closes = closes

    async def hours(self, ticker: str) -> Any:
        today, *_ = await super().hours(ticker)
        closes = morning.at(DAY, self._closes).to_pydatetime()
        tomorrow = tuple(at + timedelta(days=3) for at in today)
        return (tomorrow,) if closes == today[0] else ((today[0], closes), tomorrow)


@pytest.mark.parametrize(
    ("closes", "stated", "bought"),
    [("12:55", "12:55:1", {"DIPS"}), ("13:30", "13:00:1", {"DIPS"}), ("09:30", "", set())],
)
def test_the_earlier_close_counts_where_broker_and_calendar_differ_and_it_is_said(place, closes, stated, bought):
    account = place.run(lambda here: here.daemon(broker=Early(closes, port=here.gateway.port)).run())
    at = account.at
    assert {held.ticker for held in account.positions} == {"HELD", *bought}
    assert f"{pd.Timestamp(at).tz_convert('America/New_York'):%H:%M:%S}".startswith(stated)
    assert f"the broker closes at {closes}, the calendar of the exchange at 13:00: the earlier one counts" in (
        place.listener.told
    )


def test_an_account_of_another_currency_is_refused(place):
    async def scene(here: Place) -> None:
        here.gateway.audience.currency = "EUR"
        with pytest.raises(
            CurrencyError, match=r"account DU1 at 127.0.0.1:\d+ is kept in EUR, not in USD: nothing is sent"
        ):
            await here.daemon().run()

    place.run(scene)
    assert place.stops() == {}


def test_leaving_leaves_stops_and_lets_go_of_the_record(place):
    async def scene(here: Place) -> None:
        life = asyncio.get_running_loop().create_task(here.daemon().run())
        await asyncio.sleep(120)
        with pytest.raises(BusyError, match="execute is already running"):
            await here.daemon().run()
        life.cancel()
        with pytest.raises(asyncio.CancelledError):
            await life
        with here.store.lock(LOCK):
            assert here.stops() == {"HELD": 100}
        await here.daemon().run()  # goes on where it was

    place.run(scene)
    assert place.stops() == {"DIPS": 40, "HELD": 100}
    assert place.venue.positions(ACCOUNT)["DIPS"].shares == 40


def test_whoever_liquidates_leaves_with_nothing_held(place):
    async def scene(here: Place) -> Any:
        pull(here.store, flatten=True)
        return await here.daemon(until_flat=True).run()

    assert place.run(scene) is None
    assert place.venue.positions(ACCOUNT) == {}
    assert place.stops() == {}


def test_a_start_after_the_close_states_the_account(place):
    stated = place.run(lambda here: here.daemon().run(), clock="13:30")
    assert stated.cash == pytest.approx(95_000)
    assert place.stops() == {}, "nothing is sent into a closed market"


def test_a_session_after_which_another_began_is_not_traded(place):
    broker = IB(port=1)

    async def late() -> None:
        await Daemon(broker, bus=place.store, record=place.store, session=pd.Timestamp(DAY)).run()

    with pytest.raises(InputError, match="2026-11-27 is over and another has begun"):
        run(late(), SessionLoop(start=morning.at("2026-11-30", "09:30").to_pydatetime(), speed=math.inf))


def test_a_gateway_that_is_gone_after_the_close_is_a_persons_affair(place):
    async def scene(here: Place) -> Any:
        life = asyncio.get_running_loop().create_task(here.daemon().run())
        await asyncio.sleep(600)
        await here.gateway.stop()
        return await life

    with pytest.raises(BrokerError, match="2026-11-27 is over and the account could not be read"):
        place.run(scene)
    assert "stops rest at the broker" in place.listener.told[-1]
