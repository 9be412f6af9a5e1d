"""The daily simulation: the same decision as by hand, books that add up, and what happens in a session."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest import simulate as simulate_module
from alphalib.backtest.costs import Costs
from alphalib.backtest.session import converted
from alphalib.backtest.simulate import simulate
from alphalib.decision import Portfolio, Position, decide, history
from alphalib.errors import InputError
from alphalib.market import Source
from alphalib.params import ExecutorParams
from alphalib.scores import SignalCode
from tests import reference
from tests.backtest.runs import flat_run, random_run, random_signals
from tests.worlds import random_market

SEEDS = range(8)
PANELS = ("open", "high", "low", "close", "volume", "vwap", "member", "sector")


def history_of(run):
    return history(run.market, run.signals, percentile=run.percentile, veto=run.veto, params=run.params)


def backtest_of(run):
    return simulate(history_of(run), run.params, costs=run.costs, cash=run.cash)


@pytest.fixture(scope="module", params=SEEDS)
def run(request):
    return trading_run(200 + request.param, names=14)


def trading_run(seed, **shape):
    """A random run that trades: not sized by a win rate that is none."""
    run = random_run(seed, **shape)
    return replace(run, params=run.params.model_copy(update={"sizing_rule": "equal"}))


def portfolio_of(book, world):
    """The reference's book as a portfolio."""
    positions = tuple(
        Position(
            ticker,
            p.shares,
            p.cost,
            world.days[p.entered],
            p.high,
            p.profit_taken,
            p.time_reduced,
            p.intraday_profit_taken,
        )
        for ticker, p in book.positions.items()
    )
    return Portfolio(
        book.cash,
        book.peak,
        positions,
        halted=book.decisions_halted,
        tiers_fired=len(book.reached),
        under_tier=book.decisions_under_tier,
        nav_before=None if math.isnan(book.nav_before) else book.nav_before,
        stopped=tuple((ticker, world.days[t]) for ticker, t in book.stopped.items()),
    )


def orders_of(decision):
    """A decision as the reference's orders."""
    return reference.Orders(
        exits=[(sale.ticker, sale.shares, sale.rule) for sale in decision.exits if sale.signal == "EXIT"],
        reductions=[(sale.ticker, sale.shares, sale.rule) for sale in decision.exits if sale.signal == "REDUCE"],
        entries=[(entry.ticker, entry.shares, entry.bound_by) for entry in decision.entries],
        stops=dict(decision.stops),
        blocked=[],
        drawdown=decision.drawdown,
        halted=decision.halted > 0,
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_loop_decides_what_decide_decides_day_by_day(seed):
    run = trading_run(300 + seed)
    known, world = history_of(run), reference.World(run.market, run.signals, run.percentile, run.veto, run.params, {})
    book = reference.Book(cash=run.cash, nav=run.cash, peak=run.cash)
    rows, orders, navs = [], None, []
    for t, day in enumerate(run.market.sessions):
        if orders is not None:
            reference.session(world, book, orders, t, run.costs)
        decision = decide(portfolio_of(book, world), known.day(t), run.params)
        book.peak, book.nav_before = decision.nav_peak, decision.nav
        book.decisions_halted, book.decisions_under_tier = decision.halted, decision.under_tier
        book.reached = set(range(decision.tiers_fired))
        orders = orders_of(decision)
        rows += [(day, sale.ticker, "sell", sale.shares, sale.rule, "") for sale in decision.exits]
        rows += [(day, e.ticker, "buy", e.shares, "entry", e.bound_by) for e in decision.entries]
        navs.append(decision.nav)
    backtest = backtest_of(run)
    expected = pd.DataFrame(rows, columns=["date", "ticker", "side", "shares", "reason", "bound_by"])
    pd.testing.assert_frame_equal(backtest.orders, expected, check_dtype=False)
    np.testing.assert_allclose(backtest.nav, navs, rtol=1e-12)


def replayed(run, backtest):
    """Cash and shares at each close from trades and payments alone, sessions down."""
    market, trades = run.market, backtest.trades
    signed = trades["shares"].where(trades["side"] == "buy", -trades["shares"])
    flow = -signed * trades["price"] - trades["cost"]
    cash = run.cash + (
        flow.groupby(trades["date"]).sum().reindex(market.sessions, fill_value=0.0).cumsum()
        + backtest.payments.groupby("date")["amount"].sum().reindex(market.sessions, fill_value=0.0).cumsum()
    )
    ratios = market.split_factor / market.split_factor.shift(1).fillna(1.0)
    traded = signed.groupby([trades["date"], trades["ticker"]]).sum().unstack(fill_value=0)
    traded = traded.reindex(index=market.sessions, columns=market.tickers, fill_value=0).to_numpy()
    shares, rows = np.zeros(len(market.tickers)), []
    for t in range(len(market.sessions)):
        shares = np.floor(shares * ratios.to_numpy()[t] + 5e-10) + traded[t]
        rows.append(shares)
    return cash, pd.DataFrame(rows, index=market.sessions, columns=market.tickers)


def test_cash_and_nav_follow_from_the_trades(run):
    backtest = backtest_of(run)
    cash, shares = replayed(run, backtest)
    marks = pd.DataFrame(history_of(run).names["mark"], index=run.market.sessions, columns=sorted(run.market.tickers))
    worth = (shares * marks).sum(axis=1)
    np.testing.assert_allclose(backtest.cash, cash, rtol=0, atol=1e-9 * run.cash)
    np.testing.assert_allclose(backtest.nav, cash + worth, rtol=1e-9)
    np.testing.assert_allclose(backtest.exposure, worth / backtest.nav, atol=1e-9)
    assert ((shares > 0).sum(axis=1) == backtest.positions).all()


def test_a_gain_is_price_changes_and_dividends_less_costs(run):
    """The same sum the other way round: every share held over a night or bought that day, against its own prices."""
    backtest = backtest_of(run)
    _, shares = replayed(run, backtest)
    marks = pd.DataFrame(history_of(run).names["mark"], index=run.market.sessions, columns=sorted(run.market.tickers))
    split = run.market.split_factor / run.market.split_factor.shift(1)
    overnight = (shares.shift(1) * (marks * split - marks.shift(1))).sum(axis=1)
    trades = backtest.trades
    signed = trades["shares"].where(trades["side"] == "buy", -trades["shares"])
    asked = trades["price"] - np.sign(signed) * trades["slippage"] / trades["shares"]  # before slippage
    closing = [marks.loc[date, ticker] for date, ticker in zip(trades["date"], trades["ticker"], strict=True)]
    intraday = (signed * (np.array(closing) - asked)).groupby(trades["date"]).sum()
    fractions = backtest.payments.query("kind == 'fraction'")
    exchanged = pd.Series(
        [
            paid - paid * split.loc[date, ticker] * marks.loc[date, ticker] / marks.shift(1).loc[date, ticker]
            for date, ticker, paid in zip(fractions["date"], fractions["ticker"], fractions["amount"], strict=True)
        ],
        index=fractions["date"],
        dtype=float,
    )
    dividends = backtest.payments.query("kind == 'dividend'").groupby("date")["amount"].sum()
    costs = (trades["cost"] + trades["slippage"]).groupby(trades["date"]).sum()
    parts = [overnight, intraday, exchanged.groupby(level=0).sum(), dividends, -costs]
    gain = sum(part.reindex(run.market.sessions, fill_value=0.0) for part in parts)
    np.testing.assert_allclose(backtest.nav.diff()[1:], gain[1:], rtol=0, atol=1e-9 * run.cash)


def test_no_money_is_created(run):
    backtest = backtest_of(run)
    _, shares = replayed(run, backtest)
    assert (backtest.cash >= 0).all()
    assert (shares >= 0).all(axis=None)
    assert (backtest.trades["cost"] >= 0).all()
    assert backtest.total_costs == pytest.approx(backtest.trades[["cost", "slippage"]].sum(axis=None))


def test_what_is_ordered_fills_in_the_next_session_or_never(run):
    backtest = backtest_of(run)
    following = dict(zip(run.market.sessions, run.market.sessions[1:], strict=False))
    ordered = {(following.get(o.date), o.ticker, o.side, o.reason) for o in backtest.orders.itertuples()}
    resting = {"stop", "delisting"}
    filled = {(f.date, f.ticker, f.side, f.reason) for f in backtest.trades.itertuples() if f.reason not in resting}
    assert filled <= ordered


def test_the_order_of_tickers_does_not_matter(run):
    order = list(run.market.tickers)[::-1]
    turned = replace(run, market=replace(run.market, **{name: getattr(run.market, name)[order] for name in PANELS}))
    assert backtest_of(turned).order_hash == backtest_of(run).order_hash
    pd.testing.assert_series_equal(backtest_of(turned).nav, backtest_of(run).nav, check_exact=True)


def test_one_history_serves_many_settings_and_is_not_changed(run):
    known, before = history_of(run), backtest_of(run)
    other = run.params.model_copy(update={"target_positions": 50})
    costs = run.costs
    assert simulate(known, other, costs=costs, cash=run.cash).order_hash != before.order_hash
    assert simulate(known, run.params, costs=costs, cash=run.cash).order_hash == before.order_hash


def test_another_process_gets_the_same_without_compiling_again():
    run = trading_run(200)
    known = history_of(run)
    before = simulate(known, run.params).order_hash
    compiled = len(simulate_module.run.signatures)
    sent = pickle.loads(pickle.dumps(known))
    assert sent.names.flags.writeable
    assert simulate(sent, run.params).order_hash == before
    assert len(simulate_module.run.signatures) == compiled


def test_costs_only_cost(run):
    free = simulate(history_of(run), run.params, costs=Costs.none(), cash=run.cash)
    assert free.total_costs == 0.0


# One name, by hand

TICKER = "N000"


def one_name(changes, *, level=None, actions=(), sessions=40, **params):
    """A name to be entered that opens and closes at 100 × `level` within 1 %, but for `changes`: {(row, field): value}.

    Bought for 5 % of 100,000 without costs: 50 shares. ATR 2 from row 13 on, so the stop is 101 − 2.5 × 2 = 96.
    """
    market = random_market(names=2, sessions=sessions)
    down, across = market.sessions, market.tickers[:1]
    scale = np.ones(sessions) if level is None else np.asarray(level)
    steady = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "vwap": 100.0}
    panels = {name: pd.DataFrame(price * scale, down, across) for name, price in steady.items()}
    panels["volume"] = pd.DataFrame(1e6, down, across)
    for (row, field), value in changes.items():
        panels[field].iloc[row] = value
    table = pd.DataFrame(
        [(down[row], TICKER, kind, value, "") for row, kind, value in actions], columns=market.actions.columns
    )
    none = market.earnings.iloc[:0]
    whole = {"member": pd.DataFrame(True, down, across), "sector": market.sector[across]}
    market = replace(market, **panels, **whole, actions=table, earnings=none)
    signals = random_signals(market, np.random.default_rng(0))
    said = {"score": 80.0, "signal": np.int8(SignalCode.ENTER), "conviction": np.int8(1), "upside": np.nan}
    opinions = {name: pd.DataFrame(value, down, across) for name, value in said.items()}
    calm = {"regime": signals.regime * 0, "age": signals.age * 0, "sector_rating": signals.sector_rating * 0}
    rules = ExecutorParams(**{"sector_veto_pct": 0.5, **params})
    known = history(market, replace(signals, **opinions, **calm), params=rules)
    return simulate(known, rules, costs=Costs.none(), cash=100_000.0), market


def stepped(row, factor, *, sessions=40):
    """A level that is multiplied by `factor` from a row on."""
    return np.where(np.arange(sessions) >= row, factor, 1.0)


ALL = ("open", "high", "low", "close", "volume")


def test_the_first_session_only_decides():
    backtest, market = one_name({})
    assert backtest.nav.iloc[0] == 100_000.0
    assert backtest.trades["date"].iloc[0] == market.sessions[1]
    assert backtest.trades["shares"].iloc[0] == 50  # 5 % of 100,000 at 100


def test_costs_go_against_the_trader_both_ways():
    run = trading_run(200)
    trades = simulate(history_of(run), run.params, costs=Costs(slippage_bps=10, commission_bps=20, impact=0)).trades
    np.testing.assert_allclose(trades["cost"], trades["value"] * 0.002 * (trades["reason"] != "delisting"))
    sign = np.where(trades["side"] == "buy", 1, -1) * (trades["reason"] != "delisting")
    np.testing.assert_allclose(trades["slippage"], trades["value"] * 0.001 / (1 + sign * 0.001) * np.abs(sign))


def test_a_split_changes_no_value():
    backtest, _ = one_name({}, level=stepped(20, 1 / 1.5), actions=[(20, "split", 1.5)])
    assert len(backtest.trades) == 1  # 50 × 1.5 = 75 whole shares; the stop was split too
    assert backtest.payments.empty
    np.testing.assert_allclose(backtest.nav, 100_000.0)


def test_a_fraction_of_a_share_is_paid_out():
    backtest, market = one_name({}, level=stepped(20, 1 / 0.31), actions=[(20, "split", 0.31)])
    # 50 × 0.31 = 15.5: half a share at 100 / 0.31
    assert backtest.payments.to_numpy().tolist() == [
        [market.sessions[20], TICKER, "fraction", pytest.approx(0.5 * 100 / 0.31)]
    ]
    np.testing.assert_allclose(backtest.nav, 100_000.0)


def test_an_order_is_split_with_the_shares():
    backtest, _ = one_name({}, level=stepped(1, 0.5), actions=[(1, "split", 2.0)])
    assert backtest.trades[["shares", "price"]].iloc[0].tolist() == [100, 50.0]


def test_a_dividend_is_paid_on_the_shares_before_the_split():
    backtest, market = one_name({}, level=stepped(10, 0.5), actions=[(10, "split", 2.0), (10, "dividend", 1.0)])
    assert backtest.payments.to_numpy().tolist() == [[market.sessions[10], TICKER, "dividend", 50.0]]


def test_a_delisting_pays_what_holders_received():
    gone = {(row, field): np.nan for row in range(10, 40) for field in ALL}
    backtest, market = one_name(gone, actions=[(10, "delisting", -0.6)])
    last = backtest.trades.iloc[-1]
    assert (last["date"], last["reason"], last["shares"]) == (market.sessions[10], "delisting", 50)
    assert (last["price"], last["cost"]) == (pytest.approx(40.0), 0.0)
    assert last["realised"] == pytest.approx(-0.6)
    assert backtest.nav.iloc[-1] == pytest.approx(97_000.0)


def test_a_stop_fills_at_itself_or_at_a_worse_open():
    touched, market = one_name({(30, "low"): 95.0})
    stop = touched.trades.query("reason == 'stop'").iloc[0]
    assert (stop["date"], stop["price"]) == (market.sessions[30], pytest.approx(96.0))
    gapped, _ = one_name({(30, "low"): 90.0, (30, "open"): 92.0})
    assert gapped.trades.query("reason == 'stop'")["price"].iloc[0] == 92.0


def test_a_name_bought_today_has_no_stop_today():
    backtest, _ = one_name({(1, "low"): 50.0})
    assert backtest.trades["reason"].tolist()[:1] == ["entry"]
    assert backtest.positions.iloc[1] == 1


def test_without_an_open_nothing_trades():
    backtest, market = one_name({(1, "open"): np.nan})
    assert backtest.trades["date"].iloc[0] == market.sessions[2]
    stays, _ = one_name({(30, "low"): 90.0, (30, "open"): np.nan})
    assert "stop" not in set(stays.trades["reason"])


def test_a_position_without_a_price_keeps_its_last_value():
    backtest, _ = one_name({(row, field): np.nan for row in (10, 11) for field in ALL})
    np.testing.assert_allclose(backtest.nav, 100_000.0)
    assert backtest.positions.iloc[11] == 1


def test_an_entry_takes_no_more_than_the_cash():
    caps = {"max_position_pct": 0.25, "target_positions": 1, "max_sector_pct": 1.0, "max_equity_pct": 1.0}
    backtest, _ = one_name({(1, "open"): 480.0, (1, "high"): 480.0}, **caps)
    assert backtest.trades["shares"].iloc[0] == 208  # 250 wanted, floor(100,000 / 480)
    assert backtest.cash.iloc[1] == pytest.approx(100_000 - 208 * 480)


@pytest.mark.parametrize(("shares", "ratio", "whole", "fraction"), [
    (10, 0.1, 1, 0.0), (3, 1.1, 3, 0.3), (15, 0.1, 1, 0.5), (7, 1 / 7, 1, 0.0), (1, 0.5, 0, 0.5),
])  # fmt: skip
def test_whole_shares_survive_rounding(shares, ratio, whole, fraction):
    assert converted(shares, ratio) == (whole, pytest.approx(fraction))


def test_split_adjusted_prices_simulate_on_their_close():
    run = trading_run(200)
    stated = replace(run, market=replace(run.market, source=Source(name="vendor", prices="split-adjusted")))
    assert backtest_of(stated).order_hash == backtest_of(run).order_hash


def test_halted_time_and_drawdown_are_reported():
    backtest = next(b for b in (backtest_of(trading_run(seed)) for seed in range(60)) if b.halted.any())
    assert (backtest.multiplier[backtest.halted] == 0).all()
    assert backtest.drawdown.min() < 0
    peak = backtest.nav.cummax()
    np.testing.assert_allclose(backtest.drawdown, backtest.nav / peak - 1)


def test_the_hash_is_of_everything():
    run = trading_run(201)
    known, before = history_of(run), backtest_of(run)
    assert before.hash == backtest_of(run).hash
    dearer = run.costs.model_copy(update={"slippage_bps": run.costs.slippage_bps + 1e-9})
    assert simulate(known, run.params, costs=dearer, cash=run.cash).hash != before.hash
    assert simulate(known, run.params, costs=run.costs, cash=run.cash + 1e-9).hash != before.hash


def test_it_shows_itself_in_a_notebook():
    backtest = backtest_of(trading_run(201))
    for text in ("Sharpe ratio", "Sortino ratio", "Calmar ratio", "Maximum drawdown", "Turnover", backtest.hash):
        assert text in backtest._repr_html_()
    assert backtest.headline["Exposure"] == f"{backtest.exposure.mean():.1%}"


def test_it_shows_itself_in_a_terminal():
    backtest = backtest_of(trading_run(201))
    said = repr(backtest).splitlines()
    assert said[0].endswith(f"{len(backtest.sessions):,} sessions")
    assert f"  Hash: {backtest.hash}" in said
    assert len(said) == 1 + len(backtest.headline)


def test_a_figure_that_cannot_be_computed_says_why():
    run = trading_run(201)
    signals = replace(run.signals, signal=run.signals.signal * 0)
    idle = replace(run, signals=signals).backtest()
    assert idle.headline["Sharpe ratio"] == "– (the value never moved)"
    assert idle.headline["Sales above cost"] == "– (no sale)"


# What should not have been given


def test_a_signal_for_a_name_without_prices():
    run = trading_run(201)
    unknown = run.signals.signal.assign(GHOST=np.int8(SignalCode.ENTER))
    with pytest.raises(InputError, match=r"signal has 1 label.* GHOST first"):
        history(run.market, replace(run.signals, signal=unknown), params=run.params)
    empty = {name: getattr(run.market, name).assign(N003=np.nan) for name in ("open", "high", "low", "close", "volume")}
    wanted = run.signals.signal.assign(N003=np.int8(SignalCode.ENTER))
    silent = replace(run, market=replace(run.market, **empty), signals=replace(run.signals, signal=wanted)).backtest()
    assert "N003" not in set(silent.trades["ticker"])
    assert set(silent.blocked.query("ticker == 'N003'")["rule"]) == {"not_tradable"}


def test_a_universe_that_empties_is_left_in_order():
    run = flat_run()
    member = run.market.member.copy()
    member.iloc[5:] = False
    wanted = run.signals.signal.copy()
    wanted.iloc[12:, 0] = SignalCode.ENTER
    signals, day = replace(run.signals, signal=wanted), run.market.sessions
    left = replace(run, market=replace(run.market, member=member), signals=signals).backtest()
    assert left.trades[["date", "reason"]].to_numpy().tolist() == [[day[1], "entry"], [day[11], "research_exit"]]
    assert set(left.blocked.query("date >= @day[12]")["rule"]) == {"not_tradable"}
    assert (replace(run, signals=signals).backtest().trades.query("side == 'buy'")["date"] > day[12]).any()


def test_prices_that_stop_are_reported():
    gone = {(row, field): np.nan for row in range(10, 40) for field in ALL}
    backtest, market = one_name(gone)
    assert backtest.nav.iloc[-1] == pytest.approx(100_000.0)
    assert backtest.unpriced[["ticker", "shares", "mark", "priced"]].to_numpy().tolist() == [
        [TICKER, 50, 100.0, market.sessions[9]]
    ]
    assert backtest.headline["Held although prices have stopped"] == TICKER
    assert one_name({})[0].unpriced.empty


def test_other_windows_and_no_cash_are_refused():
    run = trading_run(200)
    with pytest.raises(InputError, match="history was made with atr_window=14 and the parameters say 21"):
        simulate(history_of(run), run.params.model_copy(update={"atr_window": 21}))
    for cash in (0.0, math.inf):
        with pytest.raises(InputError, match=f"cash must be above 0 and finite, got {cash}"):
            simulate(history_of(run), run.params, cash=cash)


def test_a_sale_realises_against_its_average_cost(run):
    trades = backtest_of(run).trades
    sales = trades[trades["side"] == "sell"]
    assert sales["realised"].notna().all()
    assert trades.loc[trades["side"] == "buy", "realised"].isna().all()
    assert (sales["entry_date"] <= sales["date"]).all()
    assert math.isfinite(sales["realised"].mean())
