"""A rehearsal through a real socket trades what the backtest trades on the same minutes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.costs import Costs
from alphalib.backtest.minutes import minutes_of
from alphalib.backtest.simulate import simulate
from alphalib.decision import History, Portfolio, history
from alphalib.decision.portfolio import Position
from alphalib.errors import InputError
from alphalib.execute.account.end_of_day import settle
from alphalib.execute.journal.journal import journal_of
from alphalib.execute.plan import planned, read_inputs, write_plan
from alphalib.execute.rehearsal import FOLDER, fresh_record, morning, rehearse, session_bars
from alphalib.gateway.accounts import Position as AtGateway
from alphalib.models.predictions import percentile, predictions, veto
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signal_history, signals
from alphalib.sessions import next_session, week_ends
from alphalib.sources.embedded import RECIPE
from alphalib.sources.sample import minute_bars, simulate_market, write_sample
from alphalib.sources.stored import read_market
from alphalib.store import Store
from tests.execute.test_plan import portfolio_at

WEIGHTS, RESEARCH, VETO = ScoringWeights(), ResearchParams(min_avg_volume=1.0), PredictorParams()
RULES = ExecutorParams(drawdown_tiers=())  # never halted, so that the drawdown's memory need not be known from outside
FREE = Costs.none()
LAST = 311  # row of the last close that the store knows
CENT = 0.01  # what a stop's price is rounded to


@pytest.fixture(scope="module")
def bus(tmp_path_factory):
    store, world = Store(tmp_path_factory.mktemp("bus")), simulate_market(names=40, sessions=LAST + 1)
    write_sample(store, world)
    store.write_json(RECIPE, asdict(world.recipe))
    return store


@pytest.fixture(scope="module")
def future():
    """The same market one session longer, alphas at random, and all that the backtest knows of them."""
    world = simulate_market(names=40, sessions=LAST + 2)
    market = world.market()
    noise = np.random.default_rng(3).normal(size=market.close.shape)
    alpha = pd.DataFrame(noise, index=market.sessions, columns=market.tickers).where(market.member)
    places = percentile(alpha)
    weekly = signal_history(market, WEIGHTS, RESEARCH)
    return world, alpha, history(market, weekly, percentile=places, veto=veto(places, VETO), params=RULES)


def plan(bus: Store, alpha: pd.DataFrame, past: History) -> pd.Timestamp:
    """Plan on the last close, with what the backtest holds then; returns the session that is planned for."""
    market = read_market(bus)
    day, monday = market.last, week_ends(market.sessions)[-1]
    week = None
    for end in [*week_ends(market.sessions[market.sessions < monday])[-1:], monday]:
        week = signals(read_market(bus, asof=end), previous=week, weights=WEIGHTS, params=RESEARCH)
    expected = predictions(day, alpha.loc[day].dropna(), VETO, model_version="v1")
    backtest = simulate(past, RULES, costs=FREE)
    portfolio = portfolio_at(backtest, market, day).to_file(day, nav=float(backtest.nav[day]))
    for artefact in (week, expected, portfolio):
        bus.write(artefact.at(), artefact)
    inputs = read_inputs(bus, asof=day, cash=1.0)
    write_plan(bus, planned(market, inputs, RULES), market, inputs, RULES)
    return past.sessions[-1]


@pytest.mark.slow
def test_a_rehearsal_trades_what_the_backtest_trades(bus, future):
    """To the minute, the share and the cent; and it writes nowhere but in its own folder."""
    world, alpha, past = future
    session = plan(bus, alpha, past)
    before = bus.stamps()
    begins = morning(bus, session)
    record = fresh_record(bus, begins)
    stated = rehearse(bus, record, begins)
    settled = settle(record, bus, session)

    bars = {ticker: minute_bars(world, ticker, session) for ticker in begins.bars if ticker in past.tickers}
    backtest = simulate(past, RULES, costs=FREE, minutes=minutes_of(bars, past))
    trades = backtest.trades[backtest.trades["date"] == session].sort_values(["ticker", "side", "shares"])
    assert set(trades["reason"]) >= {"entry", "stop"}, "a session that trades too little to tell"
    with closing(journal_of(record)) as journal:
        fills = journal.fills(f"{session:%Y-%m-%d}")
    fills = sorted(fills, key=lambda fill: (fill.ticker, fill.side.lower(), fill.shares))
    facts = [(fill.ticker, fill.side.lower(), int(fill.shares)) for fill in fills]
    assert facts == list(zip(trades["ticker"], trades["side"], trades["shares"], strict=True))
    assert [fill.price for fill in fills] == pytest.approx(trades["price"].tolist(), abs=CENT)

    rounding = CENT * sum(fill.shares for fill in fills)
    assert stated.nav + settled.account.commission_usd == pytest.approx(backtest.nav[session], abs=rounding)
    assert not settled.account.flagged, settled.account.notes
    written = {path for path, stamp in bus.stamps().items() if before.get(path) != stamp}
    assert {path.split("/")[0] for path in written} == {FOLDER}


def test_bars_are_those_of_the_session_after_the_last_one_stored(bus, future):
    world, _, past = future
    session = past.sessions[-1]
    bars, actions = session_bars(bus, session, past.tickers[:3])
    pd.testing.assert_frame_equal(bars[past.tickers[0]], minute_bars(world, past.tickers[0], session))
    closes = world.benchmarks[world.benchmarks["ticker"] == "SPY"].set_index("date")["close"]
    assert bars["SPY"]["close"].iloc[-1] == round(closes[session], 2)
    assert not len(actions[actions["kind"] == "split"])


def test_ones_own_prices_are_rehearsed_on_stored_minutes(tmp_path, future):
    world, _, past = future
    store, session = Store(tmp_path), past.sessions[-1]
    ticker = past.tickers[0]
    with pytest.raises(InputError, match=r"there are no minute bars of .* to rehearse on; import them"):
        session_bars(store, session, [ticker])
    both = pd.concat([minute_bars(world, ticker, day) for day in past.sessions[-2:]], ignore_index=True)
    for month, table in both.groupby(both["time"].dt.strftime("%Y-%m")):
        store.write_table(f"prices/minute/{ticker}/{month}.parquet", table)
    bars, _ = session_bars(store, session, [ticker, "NONE"])
    pd.testing.assert_frame_equal(bars[ticker], minute_bars(world, ticker, session))
    assert list(bars) == [ticker]


HOLDINGS = {(12, 301): ("BCZR", "PNRC"), (7, 267): ("RHTS",)}
"""Seed and row of a session of the embedded market in which the first of these names splits 4 for 1 and the second pays
0.18, and of one in which the name is delisted at 1.38 times its last close.
"""


def eventful(folder, seed: int, row: int) -> tuple[Store, pd.Timestamp, dict[str, float]]:
    """A plan for that session with 50 shares of each of the names; and their last closes."""
    tickers = HOLDINGS[seed, row]
    bus, world = Store(folder), simulate_market(names=40, sessions=row, seed=seed)
    write_sample(bus, world)
    bus.write_json(RECIPE, asdict(world.recipe))
    market = read_market(bus)
    closes = {ticker: float(market.close.loc[market.last, ticker]) for ticker in tickers}
    held = tuple(Position(ticker, 50, price, market.last, price) for ticker, price in closes.items())
    nav = 100_000.0 + 50 * sum(closes.values())
    file = Portfolio(100_000.0, nav, held, nav_before=nav).to_file(market.last, nav=nav)
    week = signals(
        read_market(bus, asof=week_ends(market.sessions)[-1]), previous=None, weights=WEIGHTS, params=RESEARCH
    )
    for artefact in (week, file):
        bus.write(artefact.at(), artefact)
    inputs = read_inputs(bus, asof=market.last, cash=1.0)
    write_plan(bus, planned(market, inputs, RULES), market, inputs, RULES)
    return bus, next_session(market.last), closes


def test_a_split_and_a_dividend_of_the_session_are_lived_through(tmp_path):
    """Shares, stops and the account are those of docs/rules.md, "A simulated session", steps 1 and 2."""
    bus, session, closes = eventful(tmp_path, 12, 301)
    begins = morning(bus, session)
    assert begins.positions["BCZR"] == AtGateway(200.0, pytest.approx(closes["BCZR"] / 4))
    assert begins.cash == pytest.approx(100_000.0 + 50 * 0.18)
    record = fresh_record(bus, begins)
    rehearse(bus, record, begins)
    settled = settle(record, bus, session)
    with closing(journal_of(record)) as journal:
        alerts = [event.text for event in journal.events(f"{session:%Y-%m-%d}") if event.kind == "alert"]
        stops = {i.ticket.ticker: i.ticket for i in reversed(journal.intents()) if i.rule == "coverage"}
    planned_stops = {stop.ticker: stop.current_stop for stop in begins.archive.book.active_stops}
    assert alerts == []
    assert (stops["BCZR"].shares, stops["PNRC"].shares) == (200, 50)
    assert stops["BCZR"].stop == pytest.approx(planned_stops["BCZR"] / 4, abs=CENT)
    assert settled.account.dividend_usd == pytest.approx(50 * 0.18)
    assert settled.account.unattributed_usd == pytest.approx(0.0, abs=CENT)
    assert not settled.account.flagged, settled.account.notes


def test_a_delisting_of_the_session_is_paid_out(tmp_path):
    bus, session, closes = eventful(tmp_path, 7, 267)
    begins = morning(bus, session)
    assert begins.positions == {}
    assert begins.cash == pytest.approx(100_000.0 + 50 * closes["RHTS"] * 1.382744, rel=1e-6)
    record = fresh_record(bus, begins)
    rehearse(bus, record, begins)
    settled = settle(record, bus, session)
    assert "RHTS" not in {held.ticker for held in settled.portfolio.positions}
    assert settled.account.positions_snapshot["RHTS"].held == pytest.approx(50 * closes["RHTS"] * 0.382744, rel=1e-6)
    assert settled.account.unattributed_usd == pytest.approx(0.0, abs=CENT)
