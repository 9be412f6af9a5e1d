"""Parity from the archive and from the store: every planted change is named by its stage, and entries wait."""

import io
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.contracts import OrderBook, ParityReport, Predictions, Signals
from alphalib.decision import Portfolio, Position
from alphalib.errors import ContractError, InputError
from alphalib.execute.archive import Archive, day_bytes, day_of_bytes, read_files
from alphalib.execute.parity import (
    acknowledge,
    check_parity,
    latest_plan,
    paper_tables,
    parity_history,
    read_record,
    report_lines,
    stage_table,
)
from alphalib.execute.plan import planned, read_inputs, unacknowledged, write_plan
from alphalib.models.predictions import predictions
from alphalib.params import ExecutorParams, PredictorParams, ResearchParams, ScoringWeights
from alphalib.research.desk import signals
from alphalib.sessions import next_session
from alphalib.sources.sample import simulate_market, write_sample
from alphalib.sources.stored import read_market
from alphalib.store import Store, content_hash, parameters

RESEARCH = ResearchParams(min_avg_volume=1.0)


def plan_for(store: Store, asof: pd.Timestamp):
    market = read_market(store, asof=asof)
    inputs, params = read_inputs(store, asof=asof, cash=1e6), parameters(store, ExecutorParams)
    plan = planned(market, inputs, params)
    write_plan(store, plan, market, inputs, params)
    return plan


@pytest.fixture(scope="module")
def planned_once(tmp_path_factory):
    """A store with a plan that buys, and the close it was made at."""
    folder = tmp_path_factory.mktemp("bus")
    store = Store(folder)
    world = simulate_market(names=24, sessions=420)
    write_sample(store, world)
    asof = world.sessions[-3]
    market = read_market(store, asof=asof)
    week = signals(market, previous=None, weights=ScoringWeights(), params=RESEARCH)
    store.write(week.at(), week)
    alpha = pd.Series(np.linspace(-1, 1, len(market.tickers)), index=market.tickers)
    expected = predictions(asof, alpha, PredictorParams(), model_version="v1")
    store.write(expected.at(), expected)
    plan = plan_for(store, asof)
    assert plan.book.approved_entries
    return folder, asof


@pytest.fixture
def bus(planned_once, tmp_path):
    """A copy to spoil: the store, the last close known, the session planned for."""
    folder, asof = planned_once
    shutil.copytree(folder, tmp_path / "bus")
    return Store(tmp_path / "bus"), asof, next_session(asof)


def rewrite(store: Store, path: str, change) -> None:
    content = store.read_json(path)
    change(content)
    store.write_json(path, content)


def stages(found) -> list[str]:
    return [stage.stage for stage in found if stage.differences]


def test_nothing_changed_is_the_same_twice_over(bus):
    store, asof, date = bus
    report = check_parity(store, date)
    assert report.differing == []
    assert not report.blocks
    assert len(report.archived) == 10
    assert len(report.stored) == 8
    assert store.read(report.at(), ParityReport) == report
    assert report_lines(report) == [
        f"order book of {date:%Y-%m-%d}: the same from the archived inputs and from the store"
    ]
    assert unacknowledged(store, asof=date) == ()
    assert latest_plan(store, asof=date) == date
    assert plan_for(store, asof).book == store.read(f"inputs/{date:%Y-%m-%d}/order_book.json", OrderBook)


def test_a_day_survives_its_file_to_the_last_bit(bus):
    store, asof, date = bus
    record = read_record(store, date)
    archive = Archive.of(read_files(store, record))
    day = planned(read_market(store, asof=asof), read_inputs(store, asof=asof, cash=1e6), archive.params).day
    assert day.names.tobytes() == archive.day.names.tobytes()
    for one, other in zip(day.moment, archive.day.moment, strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
    assert day_bytes(day_of_bytes(day_bytes(day))) == day_bytes(day)
    assert day.tickers.equals(archive.day.tickers)
    assert archive.portfolio == Portfolio.of_cash(1e6)


def change_params(store, asof, date):
    store.write(ExecutorParams.path, ExecutorParams(max_position_pct=0.03))


def restate_price(store, asof, date):
    path = f"prices/daily/{asof.year}.parquet"
    bars = store.read_table(path)
    name = store.read(OrderBook.path.format(date=f"{date:%Y-%m-%d}"), OrderBook).approved_entries[0].ticker
    row = (bars["date"] == asof) & (bars["ticker"] == name)
    bars.loc[row, "close"] *= 1.01
    store.write_table(path, bars)


def edit_signal(store, asof, date):
    path = Signals.path.format(date=f"{asof:%Y-%m-%d}")

    def raised(content):
        entry = next(entry for entry in content["universe"] if entry["signal"] == "ENTER")
        entry["score"] = 99.0

    rewrite(store, path, raised)


def edit_prediction(store, asof, date):
    path = Predictions.path.format(date=f"{asof:%Y-%m-%d}")
    rewrite(store, path, lambda content: content["predictions"][5].update(gbm_veto=True))


def record_portfolio(store, asof, date):
    file = Portfolio.of_cash(500_000.0).to_file(asof, nav=500_000.0)
    store.write(file.at(), file)


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (change_params, "parameters"),
        (restate_price, "prices"),
        (edit_signal, "signals"),
        (edit_prediction, "vetoes"),
        (record_portfolio, "portfolio"),
    ],
)
def test_what_was_changed_behind_a_plan_is_named_by_its_stage(bus, change, first):
    store, asof, date = bus
    change(store, asof, date)
    report = check_parity(store, date)
    assert stages(report.archived) == []
    assert stages(report.stored)[0] == first
    assert report.blocks


def test_what_cannot_be_read_any_more_is_a_difference_that_says_why(bus):
    store, asof, date = bus
    store.remove(Signals.path.format(date=f"{asof:%Y-%m-%d}"))
    report = check_parity(store, date)
    assert stages(report.stored) == ["signals"]
    assert "there are no signals up to" in report.stored[0].examples[0]


def test_an_archive_that_was_edited_is_seen(bus):
    store, _, date = bus
    rewrite(store, f"inputs/{date:%Y-%m-%d}/executor_params.json", lambda content: content.update(min_score=99.0))
    report = check_parity(store, date)
    assert stages(report.archived) == ["archive", "rules", "sizes", "orders"]
    assert "executor_params.json" in report.archived[0].examples[0]


def test_rules_that_decide_otherwise_on_the_same_inputs_are_seen(bus):
    store, _, date = bus
    folder = f"inputs/{date:%Y-%m-%d}"

    def other(content):
        content["approved_entries"][0]["shares"] += 1
        content["approved_entries"][0]["sizing_factors"]["base"] = 0.5

    rewrite(store, f"{folder}/order_book.json", other)
    written = content_hash(store.read_bytes(f"{folder}/order_book.json"))
    rewrite(store, f"{folder}/plan.json", lambda content: content["files"].update({"order_book.json": written}))
    report = check_parity(store, date)
    assert stages(report.archived) == ["book", "sizes", "orders"]


def test_an_order_book_edited_by_hand_is_seen_and_the_daemons_notes_are_not(bus):
    store, _, date = bus
    path = OrderBook.path.format(date=f"{date:%Y-%m-%d}")

    def traded(content):
        content["approved_entries"][0]["status"] = "executed"
        content["executed_today"] = [{"ticker": "AAA"}]

    rewrite(store, path, traded)
    assert not check_parity(store, date).differing
    rewrite(store, path, lambda content: content["approved_entries"][0].update(shares=1))
    assert stages(check_parity(store, date).archived) == ["book"]


def test_a_broken_archive_is_reported_not_raised(bus):
    store, _, date = bus
    store.write_bytes(f"inputs/{date:%Y-%m-%d}/day.npz", b"PK nothing")
    report = check_parity(store, date)
    assert stages(report.archived) == ["archive", "inputs"]
    assert "not readable as arrays" in report.archived[1].examples[0]
    store.remove(f"inputs/{date:%Y-%m-%d}/day.npz")
    assert "is not in the archive" in check_parity(store, date).archived[1].examples[0]


def test_an_archive_of_other_rules_says_which_field(bus):
    store, _, date = bus
    day = Archive.of(read_files(store, read_record(store, date))).day
    with np.load(io.BytesIO(day_bytes(day))) as file:
        arrays = {name: file[name] for name in file.files if name != "name.atr"}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with pytest.raises(ContractError, match=r"name\.atr is not there\n.*another version of the rules: plan again"):
        day_of_bytes(buffer.getvalue())


def test_entries_wait_for_a_person_and_exits_do_not(bus):
    store, asof, date = bus
    change_params(store, asof, date)
    check_parity(store, date)
    market, params = read_market(store, asof=date), ExecutorParams()
    inputs = read_inputs(store, asof=date, cash=1e6)
    leaving = next(entry.ticker for entry in inputs.signals.universe if entry.signal == "EXIT")
    close = float(market.close[leaving].iloc[-1])
    held = Position(leaving, 10, close, market.sessions[-5], close)
    inputs = replace(inputs, portfolio=Portfolio(1e6, 1e6 + 10 * close, (held,)))

    free, waiting = planned(market, replace(inputs, withheld=()), params), planned(market, inputs, params)

    assert waiting.book.approved_entries == []
    assert waiting.decision.hash == free.decision.hash
    assert [sale.ticker for sale in waiting.book.urgent_exits] == [leaving]
    blocked = [row for row in waiting.book.blocked if row.rule == "parity"]
    assert [row.ticker for row in blocked] == [entry.ticker for entry in free.book.approved_entries] != []
    assert f"the order book of {date:%Y-%m-%d} differs in parameters" in blocked[0].detail
    write_plan(store, waiting, market, inputs, params)
    following = check_parity(store, next_session(date))
    assert stages(following.archived) == []


def test_an_acknowledgement_lets_entries_go_on_until_something_else_differs(bus):
    store, asof, date = bus
    change_params(store, asof, date)
    check_parity(store, date)
    assert len(unacknowledged(store, asof=date)) == 1
    assert unacknowledged(store, asof=asof) == (), "a plan for that session again is not held up by its own report"

    said = acknowledge(store, date, by="Ada", reason="the cap was lowered on purpose", on=date)

    assert not said.blocks
    assert unacknowledged(store, asof=date) == ()
    assert check_parity(store, date).acknowledged == said.acknowledged
    assert "acknowledged by Ada" in report_lines(said)[-1]
    restate_price(store, asof, date)
    assert check_parity(store, date).acknowledged is None
    assert len(unacknowledged(store, asof=date)) == 1


def test_only_a_difference_can_be_acknowledged_and_by_somebody(bus):
    store, asof, date = bus
    with pytest.raises(InputError, match=f"run `python -m alphalib parity --date {date:%Y-%m-%d}` first"):
        acknowledge(store, date, by="Ada", reason="seen", on=date)
    check_parity(store, date)
    with pytest.raises(InputError, match="nothing differs in parity/"):
        acknowledge(store, date, by="Ada", reason="seen", on=date)
    change_params(store, asof, date)
    check_parity(store, date)
    with pytest.raises(InputError, match="says who looked and why"):
        acknowledge(store, date, by=" ", reason="seen", on=date)


def test_a_session_without_a_plan_says_which_has_one(bus):
    store, asof, date = bus
    with pytest.raises(InputError, match=f"no plan was archived for {next_session(date):%Y-%m-%d}; the latest before"):
        check_parity(store, next_session(date))
    with pytest.raises(InputError, match="none was ever archived"):
        check_parity(store, asof)


def test_reports_as_tables(bus):
    store, asof, date = bus
    check_parity(store, date)
    assert parity_history(store, until=date).to_numpy().sum() == 0
    change_params(store, asof, date)
    table = stage_table(check_parity(store, date)).set_index(["from", "stage"])
    assert table.loc[("store", "parameters"), "example"] == "max_position_pct: 0.05 → 0.03"
    history = parity_history(store, until=date)
    assert history.index.tolist() == [date]
    assert history.loc[date, ("store", "parameters")] == 1
    assert parity_history(store, until=asof).empty


def test_paper_tables_are_there_when_both_are(bus):
    store, _, _ = bus
    assert paper_tables(store) is None
    store.write_bytes("trades/trades_full.csv", b"date,ticker\n2024-03-08,AAA\n")
    assert paper_tables(store) is None
    store.write_bytes("trades/eod_pnl.csv", b"date,portfolio_nav\n2024-03-08,100\n")
    trades, account = paper_tables(store)
    assert trades["date"].iloc[0] == account["date"].iloc[0] == pd.Timestamp("2024-03-08")
