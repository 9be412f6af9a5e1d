"""A session is settled from its journal: what is written, what the next plan reads, twice is once."""

import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.parity import drift_of_fills, drift_of_nav
from alphalib.contracts import PortfolioFile
from alphalib.decision import Portfolio
from alphalib.errors import InputError, JournalError
from alphalib.execute.account.end_of_day import settle
from alphalib.execute.account.record import account_day, read_account, read_trades, reset
from alphalib.execute.broker import State
from alphalib.execute.journal.journal import Flag, Told, journal_of
from alphalib.execute.parity import paper_tables
from alphalib.execute.plan import planned, read_inputs, write_plan
from alphalib.execute.refs import Role
from alphalib.models.predictions import predictions
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signals
from alphalib.sessions import next_session
from alphalib.sources.sample import simulate_market, write_sample
from alphalib.sources.stored import read_market
from alphalib.store import Store, parameters
from tests.execute.by_hand import Hand

RESEARCH = ResearchParams(min_avg_volume=1.0)


def plan_for(bus: Store, asof: pd.Timestamp):
    market = read_market(bus, asof=asof)
    inputs, params = read_inputs(bus, asof=asof, cash=1e6), parameters(bus, ExecutorParams)
    plan = planned(market, inputs, params)
    write_plan(bus, plan, market, inputs, params)
    return plan


@pytest.fixture(scope="module")
def planned_once(tmp_path_factory):
    """A store with a plan that buys three names or more, and the close it was made at."""
    folder = tmp_path_factory.mktemp("bus")
    bus = Store(folder)
    world = simulate_market(names=24, sessions=420)
    write_sample(bus, world)
    asof = world.sessions[-4]
    market = read_market(bus, asof=asof)
    week = signals(market, previous=None, weights=ScoringWeights(), params=RESEARCH)
    bus.write(week.at(), week)
    alpha = pd.Series(np.linspace(-1, 1, len(market.tickers)), index=market.tickers)
    expected = predictions(asof, alpha, PredictorParams(), model_version="v1")
    bus.write(expected.at(), expected)
    plan = plan_for(bus, asof)
    assert len(plan.book.approved_entries) >= 3
    return folder, asof, plan.book


class Case:
    """A copy to spoil, its first session, and the names that are to be bought."""

    def __init__(self, folder, asof, book):
        self.bus, self.asof, self.book = Store(folder), asof, book
        self.session, self.second = next_session(asof), next_session(asof, count=2)
        self.market = read_market(self.bus)
        self.names = [entry.ticker for entry in book.approved_entries]
        self.shares = {entry.ticker: entry.shares for entry in book.approved_entries}
        self.price = {entry.ticker: entry.current_price for entry in book.approved_entries}

    def closes(self, session):
        return self.market.close.loc[session].dropna().to_dict()

    def spy(self, session):
        return float(self.market.benchmarks.loc[session, "SPY"])

    def trade(self, journal) -> Hand:
        """First entry whole by `pullback`, second half of it, third refused, the others never sent."""
        hand = Hand(journal, self.session, cash=1e6, shares={})
        one, two, three = self.names[:3]
        for minute, name in enumerate((one, two, three), start=5):
            hand.intend(
                name,
                Role.ENTRY,
                self.shares[name],
                rule="entry",
                minute=minute,
                trigger="pullback",
                trigger_price=self.price[name] * 0.99,
                signal_price=self.price[name],
                last_price=self.price[name] * 0.99,
            )
        ref = f"al-{self.session:%y%m%d}-{{}}-entry-1".format
        hand.fill(ref(one), self.shares[one], self.price[one] * 0.991, minute=5.02)
        hand.stand(ref(one), State.FILLED, self.shares[one], self.shares[one])
        hand.fill(ref(two), self.shares[two] // 2, self.price[two] * 1.002, minute=6.02)
        hand.stand(ref(two), State.CANCELLED, self.shares[two], self.shares[two] // 2)
        hand.stand(ref(three), State.REJECTED, self.shares[three], 0)
        hand.minutes(one, (4, 1e4, 1e4, 1.0, 1.0), (5, 1.0, 2 * self.price[one], 1.0, 1.0))
        hand.close(self.closes(self.session), spy=(self.spy(self.asof), self.spy(self.session)))
        return hand


@pytest.fixture
def case(planned_once, tmp_path):
    folder, asof, book = planned_once
    shutil.copytree(folder, tmp_path / "bus")
    return Case(tmp_path / "bus", asof, book)


@pytest.fixture
def settled(case):
    with closing(journal_of(case.bus)) as journal:
        hand = case.trade(journal)
    return hand, settle(case.bus, case.bus, case.session)


def test_cash_and_positions_are_the_nav_and_the_next_plan_reads_them(case, settled):
    hand, found = settled
    one, two = case.names[:2]
    portfolio = case.bus.read(PortfolioFile.path.format(date=f"{case.session:%Y-%m-%d}"), PortfolioFile)
    assert portfolio == found.portfolio
    assert portfolio.cash == pytest.approx(hand.cash)
    held = {position.ticker: position.shares for position in portfolio.positions}
    assert held == {one: case.shares[one], two: case.shares[two] // 2}
    closes = case.closes(case.session)
    value = portfolio.cash + sum(count * closes[ticker] for ticker, count in held.items())
    assert (portfolio.nav, found.account.portfolio_nav) == pytest.approx((value, value), abs=0.005)
    assert portfolio.nav_before == case.book.nav
    high = {position.ticker: position.high_water for position in portfolio.positions}
    # Minute 4 was before the fill; of the other name no minute was seen.
    assert high == {one: 2 * case.price[one], two: pytest.approx(case.price[two] * 1.002)}
    plan = plan_for(case.bus, case.session)
    assert plan.decision.nav == pytest.approx(portfolio.nav, abs=0.005)
    assert {stop.ticker for stop in plan.book.active_stops} | {s.ticker for s in plan.book.urgent_exits} == set(held)


def test_the_day_is_attributed_and_set_against_spy(case, settled):
    _, found = settled
    day = found.account
    closes, (one, two) = case.closes(case.session), case.names[:2]
    gained = case.shares[one] * (closes[one] - case.price[one] * 0.991)
    gained += case.shares[two] // 2 * (closes[two] - case.price[two] * 1.002)
    assert (day.trade_pnl_usd, day.position_pnl_usd, day.commission_usd) == pytest.approx((gained, 0.0, 2.0))
    assert day.unattributed_usd == pytest.approx(0.0, abs=1e-6)
    spy = case.spy(case.session) / case.spy(case.asof) - 1
    assert day.spy_return_pct == pytest.approx(100 * spy)
    assert day.daily_alpha_pct == pytest.approx(100 * ((gained - 2.0) / 1e6 - spy))
    assert not day.flagged


def test_each_order_is_a_row_and_what_was_never_sent_too(case, settled):
    trades = read_trades(case.bus).set_index("ticker")
    assert len(trades) == len(case.names)
    one, two, three, *others = case.names
    row = trades.loc[one]
    assert (row["status"], row["filled_shares"], row["trigger_type"]) == ("filled", case.shares[one], "pullback")
    assert row["slippage_vs_signal_bps"] == pytest.approx(-90.0)  # .991 against 1
    assert row["slippage_vs_trigger_bps"] == pytest.approx(1e4 * (0.991 / 0.99 - 1))
    assert row["execution_latency_ms"] == 1200
    assert row["research_score"] == case.book.approved_entries[0].research_score
    assert json.loads(row["rationale_json"])["sizing_factors"]
    assert (trades.loc[two, "filled_shares"], trades.loc[three, "status"]) == (case.shares[two] // 2, "rejected")
    assert pd.isna(trades.loc[three, "filled_shares"])
    assert set(trades.loc[others, "status"]) == {"not sent"}
    assert trades["decided_shares"].tolist() == [case.shares[ticker] for ticker in trades.index]


def test_twice_is_once(case, settled):
    paths = ["trades/trades_full.csv", "trades/eod_pnl.csv", f"trades/{case.session:%Y-%m-%d}.txt"]
    paths.append(f"portfolio/{case.session:%Y-%m-%d}.json")
    before = {path: case.bus.read_bytes(path) for path in paths}
    settle(case.bus, case.bus, case.session)
    assert {path: case.bus.read_bytes(path) for path in paths} == before
    with closing(sqlite3.connect(case.bus.local_path("trades/trades.db"))) as database:
        counts = {t: database.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("trades", "eod_pnl")}
    assert counts == {"trades": len(case.names), "eod_pnl": 1}


def test_the_letter_has_what_the_seeds_had(case, settled):
    _, found = settled
    for part in ("NAV", "alpha", "SPY", "POSITIONS", "TRADES", "LAST 10 SESSIONS", "not sent", "unattributed"):
        assert part in found.text
    assert case.bus.read_bytes(f"trades/{case.session:%Y-%m-%d}.txt").decode() == found.text
    assert all(len(line) <= 100 for line in found.text.splitlines())


def second_day(case) -> Hand:
    """The plan of the next session, and a session in which both names are sold."""
    plan_for(case.bus, case.session)
    file = case.bus.read(PortfolioFile.path.format(date=f"{case.session:%Y-%m-%d}"), PortfolioFile)
    held = {position.ticker: position.shares for position in file.positions}
    with closing(journal_of(case.bus)) as journal:
        hand = Hand(journal, case.second, cash=file.cash, shares=held)
        one, two = case.names[:2]
        closes = case.closes(case.session)
        stopped = hand.intend(one, Role.STOP, held[one], rule="coverage", stop=0.97 * closes[one])
        hand.fill(stopped, held[one], 0.969 * closes[one], minute=30.3)
        part = hand.intend(two, Role.REDUCE, 1, rule="intraday_profit", minute=60.0, signal_price=closes[two])
        hand.fill(part, 1, 1.09 * closes[two], minute=60.1)
        hand.close(case.closes(case.second), spy=(case.spy(case.session), case.spy(case.second)))
    return hand


def test_a_sale_closes_its_round_trip(case, settled):
    second_day(case)
    found = settle(case.bus, case.bus, case.second)
    one, two = case.names[:2]
    closes = case.closes(case.session)
    trades = read_trades(case.bus)
    sold = trades[(trades["ticker"] == one) & (trades["action"] == "EXIT")].iloc[0]
    # Both commissions in it; the stop filled .1 % below its level.
    cost, price = case.price[one] * 0.991, 0.969 * closes[one]
    assert sold["realized_pnl"] == pytest.approx(case.shares[one] * (price - cost) - 2.0)
    assert sold["realized_return_pct"] == pytest.approx(100 * (price / cost - 1))
    assert sold["entry_trade_id"] == f"al-{case.session:%y%m%d}-{one}-entry-1"
    # No minutes of SPY were seen, so that each trade stands at the open of its session, which is the close before.
    spy = 100 * (case.spy(case.session) / case.spy(case.asof) - 1)
    assert sold["spy_return_during_hold"] == pytest.approx(spy)
    assert sold["realized_alpha_pct"] == pytest.approx(sold["realized_return_pct"] - spy)
    assert (sold["days_held"], sold["exit_reason"], sold["trigger_type"]) == (1, "stop", "stop")
    assert sold["slippage_vs_trigger_bps"] == pytest.approx(1e4 * (1 - 0.969 / 0.97))
    assert pd.isna(sold["execution_latency_ms"])  # it waited for its price
    assert not found.account.notes
    assert found.account.unattributed_usd == pytest.approx(0.0, abs=1e-6)
    assert found.portfolio.stopped == {one: f"{case.second:%Y-%m-%d}"}
    (position,) = found.portfolio.positions
    assert (position.ticker, position.intraday_profit_taken) == (two, True)
    assert (position.entry_date, position.shares) == (f"{case.session:%Y-%m-%d}", case.shares[two] // 2 - 1)
    account = read_account(case.bus)
    assert account["date"].tolist() == [f"{case.session:%Y-%m-%d}", f"{case.second:%Y-%m-%d}"]
    navs = account["portfolio_nav"]
    assert account["daily_return_pct"].iloc[1] == pytest.approx(100 * (navs.iloc[1] / navs.iloc[0] - 1))
    assert account_day(case.bus, case.second) == found.account


def test_an_older_session_settled_again_changes_nothing_later(case, settled):
    second_day(case)
    settle(case.bus, case.bus, case.second)
    before = {path: case.bus.read_bytes(path) for path in ("trades/trades_full.csv", "trades/eod_pnl.csv")}
    settle(case.bus, case.bus, case.session)
    assert {path: case.bus.read_bytes(path) for path in before} == before


def test_missing_spy_is_flagged_and_mended_once_it_is_there(case):
    kept = case.bus.read_table("prices/benchmarks.parquet")
    case.bus.write_table("prices/benchmarks.parquet", kept[kept["date"] <= case.asof])
    with closing(journal_of(case.bus)) as journal:
        hand = Hand(journal, case.session, cash=1e6, shares={})
        hand.close({})
    found = settle(case.bus, case.bus, case.session)
    assert (found.account.flagged, found.account.spy_return_pct, found.account.daily_alpha_pct) == (True, None, None)
    assert "SPY is missing" in found.account.notes
    assert "! SPY is missing" in found.text
    case.bus.write_table("prices/benchmarks.parquet", kept)
    mended = settle(case.bus, case.bus, case.session).account
    spy = 100 * (case.spy(case.session) / case.spy(case.asof) - 1)
    assert (mended.flagged, mended.spy_return_pct) == (False, pytest.approx(spy))
    assert len(read_account(case.bus)) == 1


def test_a_nav_that_was_being_updated_is_flagged_and_mended_by_a_later_statement(case):
    spy = (case.spy(case.asof), case.spy(case.session))
    with closing(journal_of(case.bus)) as journal:
        hand = Hand(journal, case.session, cash=1e6, shares={})
        hand.close({}, nav=930_000.0, spy=spy)
    found = settle(case.bus, case.bus, case.session).account
    assert (found.portfolio_nav, found.flagged) == (1e6, True)
    assert "it was being updated" in found.notes
    with closing(journal_of(case.bus)) as journal:
        hand.journal = journal
        hand.close({}, spy=spy)
    assert not settle(case.bus, case.bus, case.session).account.flagged


def test_money_paid_in_moves_the_peak_and_is_no_return(case):
    with closing(journal_of(case.bus)) as journal:
        hand = Hand(journal, case.session, cash=1_200_000.0, shares={})
        hand.close({}, spy=(case.spy(case.asof), case.spy(case.session)))
    untold = settle(case.bus, case.bus, case.session)
    assert untold.account.flagged
    assert "200,000.00 of the day is unattributed" in untold.account.notes
    told = settle(case.bus, case.bus, case.session, flow=200_000.0)
    assert (told.account.daily_return_pct, told.account.flagged) == (0.0, False)
    assert (told.portfolio.nav_peak, told.portfolio.nav_before) == (1_200_000.0, 1_200_000.0)
    again = settle(case.bus, case.bus, case.session)  # what was said of the session stays said
    assert again == told


def test_the_smaller_position_counts_and_what_is_not_ours_is_left_alone(case):
    with closing(journal_of(case.bus)) as journal:
        hand = case.trade(journal)
        one, three = case.names[0], case.names[2]
        hand.shares[one] -= 10
        hand.shares[three] = 5
        hand.close(case.closes(case.session), spy=(case.spy(case.asof), case.spy(case.session)))
    found = settle(case.bus, case.bus, case.session)
    assert {p.ticker: p.shares for p in found.portfolio.positions}[one] == case.shares[one] - 10
    assert f"{one}: {case.shares[one]} by our fills, {case.shares[one] - 10} at the broker" in found.account.notes
    assert f"not ours and left alone: {three}" in found.account.notes
    assert found.account.flagged


@pytest.mark.parametrize("shares", [6, 0])
def test_a_corrected_fill_counts_as_corrected_at_the_commission_of_the_first(case, shares):
    with closing(journal_of(case.bus)) as journal:
        hand = Hand(journal, case.session, cash=1e6, shares={})
        one = case.names[0]
        ref = hand.intend(one, Role.ENTRY, 10, rule="entry", minute=5, signal_price=case.price[one])
        hand.fill(ref, 10, case.price[one], minute=6)
        hand.correct(ref, shares, 1.01 * case.price[one], was=(10, case.price[one]), minute=6)
        if shares == 0:
            hand.cash += 1.0  # taken back with the fill
        hand.close(case.closes(case.session), spy=(case.spy(case.asof), case.spy(case.session)))
    found = settle(case.bus, case.bus, case.session)
    assert found.account.notes == ""
    assert found.account.unattributed_usd == pytest.approx(0.0, abs=1e-6)
    assert sum(position.shares for position in found.portfolio.positions) == shares
    (row,) = [row for row in found.trades if row.trade_id == ref]
    assert row.filled_shares == (shares or None)


def test_an_execution_without_its_commission_is_said(case):
    with closing(journal_of(case.bus)) as journal:
        hand = Hand(journal, case.session, cash=1e6, shares={})
        one = case.names[0]
        ref = hand.intend(one, Role.ENTRY, 10, rule="entry", minute=5, signal_price=case.price[one])
        hand.fill(ref, 10, case.price[one], minute=6, commission=None)
        hand.close(case.closes(case.session), spy=(case.spy(case.asof), case.spy(case.session)))
    found = settle(case.bus, case.bus, case.session).account
    assert found.flagged
    assert "1 execution has no commission yet" in found.notes


def test_the_kill_switch_and_alerts_outlive_the_session(case):
    with closing(journal_of(case.bus)) as journal:
        hand = Hand(journal, case.session, cash=1e6, shares={})
        hand.journal.flag(Flag("killed", hand.at(3), "a person"))
        hand.journal.tell(Told(hand.date, hand.at(3), "alert", "the kill switch was pulled"))
        hand.close({}, spy=(case.spy(case.asof), case.spy(case.session)))
    assert settle(case.bus, case.bus, case.session).portfolio.killed
    with closing(sqlite3.connect(case.bus.local_path("trades/trades.db"))) as database:
        events = database.execute("SELECT event_type, detail FROM risk_events WHERE event_type = 'alert'").fetchall()
    assert events == [("alert", "the kill switch was pulled")]


def test_a_person_who_re_arms_after_the_plan_is_heard(case, settled):
    plan_for(case.bus, case.session)
    path = PortfolioFile.path.format(date=f"{case.session:%Y-%m-%d}")
    file = case.bus.read(path, PortfolioFile)
    case.bus.write(path, file.model_copy(update={"rearmed": True}))
    with closing(journal_of(case.bus)) as journal:
        held = {position.ticker: position.shares for position in file.positions}
        Hand(journal, case.second, cash=file.cash, shares=held).close(case.closes(case.second))
    assert settle(case.bus, case.bus, case.second).portfolio.rearmed


def test_to_settle_again_does_not_take_back_that_a_person_re_armed(case):
    before = case.book.decided_on
    killed = Portfolio.of_cash(1e6).to_file(pd.Timestamp(before), nav=1e6).model_copy(update={"killed": True})
    case.bus.write(killed.at(), killed)
    with closing(journal_of(case.bus)) as journal:
        Hand(journal, case.session, cash=1e6, shares={}).close({}, spy=(case.spy(case.asof), case.spy(case.session)))
    found = settle(case.bus, case.bus, case.session).portfolio
    assert (found.killed, found.rearmed) == (True, False)
    case.bus.write(found.at(), found.model_copy(update={"killed": False, "rearmed": True}))  # as `rearm` does
    again = settle(case.bus, case.bus, case.session).portfolio
    assert (again.killed, again.rearmed) == (False, True)


def test_a_session_without_a_plan_keeps_its_memory(case, settled):
    _, first = settled
    with closing(journal_of(case.bus)) as journal:
        held = {position.ticker: position.shares for position in first.portfolio.positions}
        hand = Hand(journal, case.second, cash=first.portfolio.cash, shares=held)
        hand.close(case.closes(case.second), spy=(case.spy(case.session), case.spy(case.second)))
    found = settle(case.bus, case.bus, case.second)
    was = Portfolio.of_file(first.portfolio)
    assert Portfolio.of_file(found.portfolio).positions == was.positions
    assert found.portfolio.nav_before == was.nav_before
    assert "nothing was planned" in found.account.notes
    assert found.account.unattributed_usd == pytest.approx(0.0, abs=1e-6)


def test_a_rehearsals_record_is_another_store(case):
    record = Store(f"{case.bus.url}/rehearsal")
    with closing(journal_of(record)) as journal:
        case.trade(journal)
    settle(record, case.bus, case.session)
    assert record.exists("trades/eod_pnl.csv")
    assert not case.bus.exists("trades/eod_pnl.csv")
    assert not case.bus.paths("portfolio/*")


def test_without_a_statement_nothing_is_settled(case):
    with pytest.raises(JournalError, match="no statement of the account after the close"):
        settle(case.bus, case.bus, case.session)
    assert not case.bus.exists("trades/eod_pnl.csv")


def test_reset_moves_the_record_away_and_the_next_plan_starts_as_cash(case, settled):
    moved = reset(case.bus, day=case.session)
    folder = f"archive/record-{case.session:%Y-%m-%d}"
    assert {"trades/trades.db", "trades/trades_full.csv", "trades/eod_pnl.csv"} < set(moved)
    assert not case.bus.paths("trades/*")
    assert not case.bus.paths("portfolio/*")
    assert read_account(case.bus).empty
    archived = Store(f"{case.bus.url}/{folder}")
    assert len(read_account(archived)) == 1
    with closing(journal_of(archived)) as journal:
        assert len(journal.intents()) == 3
    assert read_inputs(case.bus, asof=case.session, cash=5.0).portfolio == Portfolio.of_cash(5.0)
    with pytest.raises(InputError, match="nothing to reset"):
        reset(case.bus, day=case.session)
    with closing(journal_of(case.bus)) as journal:
        case.trade(journal)
    settle(case.bus, case.bus, case.session)
    reset(case.bus, day=case.session)
    assert case.bus.exists(f"{folder}-2/trades/eod_pnl.csv")


def test_drift_reads_what_is_written(case, settled):
    second_day(case)
    settle(case.bus, case.bus, case.second)
    trades, account = paper_tables(case.bus)
    # The simulation buys the first name at the price that paper paid, and twice the money earns twice as little.
    one, two = case.names[:2]
    simulated = pd.DataFrame(
        {
            "date": [case.session, case.session],
            "ticker": [one, two],
            "side": ["buy", "buy"],
            "shares": [case.shares[one], 7],
            "price": [case.price[one] * 0.991, case.price[two]],
        }
    )
    fills = drift_of_fills(trades, simulated)
    assert len(fills) == 4
    bought = fills.loc[[(case.session, one, "buy"), (case.session, two, "buy")]]
    assert bought["price_drift_bps"].tolist() == pytest.approx([0.0, 20.0])
    assert bought["slippage_bps"].tolist() == pytest.approx([-90.0, 20.0])
    assert fills.loc[(case.second, one, "sell"), "simulated_shares"] == 0
    flat = pd.Series(1e6, index=pd.DatetimeIndex([case.session, case.second]))
    nav = drift_of_nav(account, flat)
    assert nav["paper"].tolist() == pytest.approx([account["daily_return_pct"].iloc[1] / 100])
    assert not nav["flagged"].any()
