"""What the simulation says of a session on minute bars is what trading it through a socket does."""

import asyncio
import math
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.minutes import BARS
from alphalib.clock import SessionLoop, run
from alphalib.decision import decide, history, order_book
from alphalib.execute.daemon.daemon import Daemon
from alphalib.execute.ib.adapter import IB
from alphalib.execute.journal.journal import journal_of
from alphalib.execute.refs import Role, parts_of
from alphalib.execute.tape import Hours
from alphalib.gateway.accounts import Position
from alphalib.gateway.orders import Contract
from alphalib.gateway.playback import Playback
from alphalib.gateway.server import Gateway
from alphalib.gateway.venue import Venue
from alphalib.sources.sample.minutes import session_path
from alphalib.store import Store
from tests import reference
from tests.backtest.runs import Run, random_run
from tests.backtest.test_simulate import orders_of, portfolio_of
from tests.execute.desk_world import World
from tests.execute.morning import book, entry, stop
from tests.execute.morning import portfolio as portfolio_file

ACCOUNT = "DU0000001"
LIVELY = {
    "min_score": 60.0,
    "conviction_rule": "ignore",
    "drawdown_tiers": (),
    "max_positions": 40,
    "max_position_pct": 0.06,
    "target_positions": 12,
    "daily_loss_limit": 1.0,
    "sizing_rule": "equal",
    "max_adv_pct": 0.1,
    "cooldown_sessions": 0,
    "intraday_profit_pct": 0.02,
}
CLOSE_STOPS = {"intraday_trail_atr": 0.6, "intraday_tight_atr": 0.5}
COLLAPSES = {"intraday_collapse_pct": 0.012}


def lively_run(seed: int, row: int, **rules) -> Run:
    """A random run with the minutes of one session, prices in cents, and nothing that trading costs."""
    made = random_run(seed, names=14, sessions=row + 1)
    bars = {name: getattr(made.market, name).round(2) for name in BARS[:4]}
    market, day = replace(made.market, **bars), made.market.sessions[row]
    today = pd.DataFrame({name: getattr(market, name).loc[day] for name in BARS}).dropna()
    return replace(
        made,
        market=market,
        params=made.params.model_copy(update=LIVELY | rules),
        veto=None,
        costs=Costs(slippage_bps=0, impact=0, commission_bps=0, commission_per_share=0, minimum_commission=0),
        cash=1_000_000.0,
        minutes={
            ticker: session_path(bar.to_dict(), seed=seed, ticker=ticker, day=day) for ticker, bar in today.iterrows()
        },
    )


def morning(made: Run):
    """The order book of the last session, and the portfolio it was decided from, by the plain reference."""
    world = reference.World(made.market, made.signals, made.percentile, None, made.params, {})
    book, orders = reference.Book(cash=made.cash, nav=made.cash, peak=made.cash), None
    known = history(made.market, made.signals, percentile=made.percentile, params=made.params)
    for t in range(len(made.market.sessions) - 1):
        if orders is not None:
            reference.session(world, book, orders, t, made.costs)
        portfolio = portfolio_of(book, world)
        decision = decide(portfolio, known.day(t), made.params)
        book.peak, book.nav_before = decision.nav_peak, decision.nav
        orders = orders_of(decision)
    return portfolio, order_book(decision, known.day(t), portfolio, made.params)


def simulated(made: Run) -> pd.DataFrame:
    """Fills of the last session by the library's simulation."""
    trades = made.backtest().trades
    today = trades[trades["date"] == made.market.sessions[-1]]
    return today.assign(minute=today["minute"].fillna(0))[["ticker", "side", "minute", "shares", "price", "reason"]]


async def session(made: Run, venue: Venue, bus: Store, day: pd.Timestamp) -> None:
    """Gateway and daemon through one session, a socket between them."""
    gateway = Gateway(venue, Playback(day, made.minutes))
    await gateway.start()
    playing = asyncio.get_running_loop().create_task(gateway.play())
    try:
        await Daemon(IB(port=gateway.port), bus=bus, record=bus, session=day).run()
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await gateway.stop()


def traded(made: Run, bus: Store) -> pd.DataFrame:
    """Fills of the last session as the daemon journaled them."""
    (portfolio, book), day = morning(made), made.market.sessions[-1]
    bus.write(book.at(), book)
    file = portfolio.to_file(made.market.sessions[-2], nav=book.nav)
    bus.write(file.at(), file)
    positions = {p.ticker: Position(float(p.shares), p.cost) for p in portfolio.positions}
    contracts = [Contract(number, ticker) for number, ticker in enumerate(made.market.tickers, 1000)]
    venue, hours = Venue({ACCOUNT: portfolio.cash}, contracts, positions={ACCOUNT: positions}), Hours.of(day)
    run(session(made, venue, bus, day), SessionLoop(start=hours.opened - pd.Timedelta(minutes=1), speed=math.inf))
    with closing(journal_of(bus)) as journal:
        why = {intent.ref: intent.rule for intent in journal.intents(f"{day:%Y-%m-%d}")}
        fills = [
            (
                fill.ticker,
                fill.side.lower(),
                hours.minute(fill.at),
                int(fill.shares),
                fill.price,
                "stop" if parts_of(fill.ref).role is Role.STOP else why[fill.ref],
            )
            for fill in journal.fills(f"{day:%Y-%m-%d}")
        ]
    return pd.DataFrame(fills, columns=["ticker", "side", "minute", "shares", "price", "reason"])


SESSIONS = [(7, 45, CLOSE_STOPS), (8, 75, COLLAPSES), (2, 45, COLLAPSES)]
CENT = 0.01 + 1e-9  # stops rest in the market in whole cents


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "row", "rules"), SESSIONS)
def test_a_session_through_the_socket_is_the_simulated_one(seed, row, rules, tmp_path):
    made = lively_run(seed, row, **rules)
    expected, found = simulated(made), traded(made, Store(tmp_path))
    by = ["ticker", "minute", "side", "reason"]
    tables = [table.sort_values(by, ignore_index=True) for table in (found, expected)]
    pd.testing.assert_frame_equal(*tables, check_dtype=False, rtol=0, atol=CENT)


def test_these_sessions_have_every_kind_of_exit():
    fills = [simulated(lively_run(seed, row, **rules)) for seed, row, rules in SESSIONS]
    reasons = set(pd.concat(fills)["reason"])
    assert {"entry", "stop", "collapse", "intraday_profit", "profit_take", "gap_exit"} <= reasons
    bought_today = [table[table["ticker"].isin(table.loc[table["side"] == "buy", "ticker"])] for table in fills]
    assert {"stop", "collapse"} <= set(pd.concat(bought_today)["reason"])


@pytest.mark.parametrize(("price", "rule"), [(94.9, "collapse"), (108.0, "intraday_profit")])
def test_what_is_sold_within_the_session_pays_for_no_entry(price, rule):
    day = "2026-03-05"
    stops, held = [stop("BBB", 40, 90.0, cost=100.0, atr=None)], portfolio_file(day, {"BBB": (40, 100.0)})
    world = World(book(day, entries=[entry("AAA", 100, 50.0)], stops=stops), held, cash=1000.0)
    world.venue.positions["OWN"] = 1000  # 100,000 of something else
    with closing(world.journal):
        for of_held, of_wanted in ((100.0, 50.0), (price, 50.0), (price, 48.9)):
            world.price("BBB", of_held)
            world.price("AAA", of_wanted)
            world.act()
            world.venue.trade("BBB", of_held, world.now)
            world.minute()
        world.act()
        assert rule in {intent.rule for intent in world.journal.intents(day)}
        assert world.venue.cash > 3000
        # 1000 / (48.9 × 1.01) = 20.2
        assert [ticket.shares for ticket in world.placed("entry")] == [20]
