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
from alphalib.decision import History, history
from alphalib.errors import InputError
from alphalib.execute.account.end_of_day import settle
from alphalib.execute.journal.journal import journal_of
from alphalib.execute.plan import planned, read_inputs, write_plan
from alphalib.execute.rehearsal import FOLDER, fresh_record, morning, rehearse, session_bars
from alphalib.models.predictions import percentile, predictions, veto
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signal_history, signals
from alphalib.sessions import week_ends
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
    bars, splits = session_bars(bus, session, past.tickers[:3])
    pd.testing.assert_frame_equal(bars[past.tickers[0]], minute_bars(world, past.tickers[0], session))
    closes = world.benchmarks[world.benchmarks["ticker"] == "SPY"].set_index("date")["close"]
    assert bars["SPY"]["close"].iloc[-1] == round(closes[session], 2)
    assert splits == {}


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
