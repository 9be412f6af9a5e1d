"""The weekly page on paper trading: there when the record has something, and plain about what it cannot read."""

import csv
import io

import pandas as pd
import pytest

from alphalib.contracts.account import AccountDay, TradeRow
from alphalib.report import page, read_inputs
from alphalib.report.inputs import PAPER_ACCOUNT, PAPER_TRADES
from alphalib.report.paper import paper
from alphalib.sessions import next_session, sessions_between
from alphalib.store import Store
from tests.report.artefacts import ASOF
from tests.report.test_page import text_of

DAYS = [f"{day:%Y-%m-%d}" for day in sessions_between(ASOF - pd.Timedelta(days=12), ASOF)]


def account_row(date, *, made=0.5, spy=0.25, **more):
    zero = dict.fromkeys(
        ["unrealized_pnl", "realized_pnl", "position_pnl_usd", "interest_usd", "dividend_usd", "unattributed_usd"], 0.0
    )
    values = {"portfolio_nav": 1e6, "total_cash": 1e6, "daily_return_pct": made, "spy_return_pct": spy} | zero
    values |= {"daily_alpha_pct": made - spy, "nav_change_usd": 0.0, "trade_pnl_usd": 0.0, "commission_usd": 0.0}
    return AccountDay(date=date, created_at="2024-03-08T21:00:10+00:00", unattributed_residual_pct=0.0, **values | more)


def trade_row(date, ticker, **more):
    values = {"action": "ENTER", "shares": 10, "filled_shares": 10, "fill_price": 50.0, "trigger_type": "vwap"}
    ref = f"al-{ticker}-{date}"
    return TradeRow(
        trade_id=ref,
        date=date,
        ticker=ticker,
        trading_day=date,
        created_at="2024-03-08T21:00:10+00:00",
        **values | more,
    )


def csv_of(rows):
    text = io.StringIO()
    cells = [row.model_dump() for row in rows]
    for row in cells:
        if "positions_snapshot" in row:
            row["positions_snapshot"] = "{}"
    writer = csv.DictWriter(text, list(cells[0]))
    writer.writeheader()
    writer.writerows(cells)
    return text.getvalue().encode()


@pytest.fixture
def bus(tmp_path):
    """Seven sessions up to the page's date and one after it; a ticker that other tools take for nothing."""
    bus = Store(tmp_path)
    later = f"{next_session(ASOF):%Y-%m-%d}"
    bus.write_bytes(PAPER_ACCOUNT, csv_of([account_row(day) for day in [*DAYS[-7:], later]]))
    orders = [
        trade_row(DAYS[-6], "OLD"),
        trade_row(DAYS[-2], "NA", slippage_vs_trigger_bps=3.0),
        trade_row(DAYS[-1], "BBB", slippage_vs_trigger_bps=1.0, fill_time=f"{DAYS[-1]}T15:00:00+00:00"),
        trade_row(DAYS[-1], "UNFILLED", filled_shares=None, fill_price=None),
        trade_row(
            DAYS[-1],
            "AAA",
            action="EXIT",
            exit_reason="stop",
            slippage_vs_trigger_bps=-1.0,
            fill_time=f"{DAYS[-1]}T19:00:00+00:00",
        ),
        trade_row(later, "LATER"),
    ]
    bus.write_bytes(PAPER_TRADES, csv_of(orders))
    return bus


def test_the_last_five_sessions_and_what_filled_in_them(bus):
    said = paper(read_inputs(bus, ASOF))
    # 1.005⁵ − 1 = 2.525 %, 1.0025⁵ − 1 = 1.256 %
    assert "In 5 sessions up to 8 Mar 2024 the paper account made +2.53%, SPY +1.26%" in said["sentences"][0]
    assert said["sentences"][1] == "3 orders filled, on average 1.0 bps worse than their trigger."
    assert [row["date"] for row in said["days"]][:2] == ["Fri 8 Mar", "Thu 7 Mar"]
    assert len(said["days"]) == 5
    assert [(row["ticker"], row["order"], row["against"]) for row in said["orders"]] == [
        ("AAA", "sell", "−1.0"),
        ("BBB", "buy", "+1.0"),
        ("NA", "buy", "+3.0"),
    ]
    assert said["orders"][2]["why"] == "below the session's average price"


def test_the_page_has_the_section_and_its_picture(bus):
    html = page(read_inputs(bus, ASOF))
    text = text_of(html)
    assert "Paper trading" in text
    assert "the paper account made +2.53%" in text
    assert html.count("Return of the paper account and of SPY since its record began") == 2  # for a desk, for a phone


def test_without_a_record_the_page_says_nothing_of_it(store, bus):
    assert paper(read_inputs(store, ASOF)) is None
    assert "Paper trading" not in text_of(page(read_inputs(bus, pd.Timestamp(DAYS[0]) - pd.Timedelta(days=7))))


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        (PAPER_ACCOUNT, b"date,portfolio_nav\n2024-03-08,-5\n", "not readable: trades/eod_pnl.csv: "),
        (PAPER_ACCOUNT, b"\xff\xfe", "not readable: trades/eod_pnl.csv: not readable as a table"),
        (PAPER_TRADES, b"date,ticker\n2024-03-08\n", "not readable: trades/trades_full.csv: "),
    ],
)
def test_what_cannot_be_read_is_said(bus, path, content, said):
    bus.write_bytes(path, content)
    shown = paper(read_inputs(bus, ASOF))
    assert shown["absent"][0].startswith(said)
    assert "Paper trading" in text_of(page(read_inputs(bus, ASOF)))
