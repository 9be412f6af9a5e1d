"""Pictures of paper trading: what was traded is on them, at its time and price."""

from datetime import UTC, datetime, timedelta

import matplotlib.dates
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from alphalib.report.canvas import PALETTE, svg
from alphalib.report.execution import beside_spy, change, fill_words, paper_words, paths, shortfalls, timeline

OPEN = datetime(2024, 3, 8, 14, 30, tzinfo=UTC)
HOURS = (OPEN, OPEN + timedelta(minutes=390))


def at(minute: float) -> datetime:
    return OPEN + timedelta(minutes=minute)


def bars() -> pd.DataFrame:
    close = 50 + np.sin(np.arange(390) / 40)
    return pd.DataFrame(
        {"time": [at(minute) for minute in range(390)], "high": close + 0.1, "low": close - 0.1, "close": close}
    )


MARKS = pd.DataFrame(
    [
        (at(60), "A", 49.9, "trigger", "pullback"),
        (at(61), "A", 49.8, "buy", "pullback"),
        (at(200), "A", 48.0, "stop", "stop"),
    ],
    columns=["time", "ticker", "price", "what", "label"],
)
STOPS = pd.DataFrame(
    [("A", "s", at(61), at(90), 47.5), ("A", "s", at(90), at(200), 48.0)],
    columns=["ticker", "ref", "start", "end", "level"],
)


def drawn(width: int = 700):
    return paths(
        {"A": bars(), "B": bars(), "C": bars()}, marks=MARKS, stops=STOPS, decided={"A": 50.5}, hours=HOURS, width=width
    )


def test_fills_and_stops_lie_on_the_path():
    axes = drawn().axes[0]
    lines = {line.get_marker(): line for line in axes.get_lines() if line.get_marker() not in ("None", "")}
    assert lines["^"].get_ydata().tolist() == [49.8]
    assert matplotlib.dates.num2date(matplotlib.dates.date2num(lines["^"].get_xdata())[0]) == at(61)
    assert (lines["X"].get_ydata().tolist(), lines["o"].get_ydata().tolist()) == ([48.0], [49.9])
    (step,) = [line for line in axes.get_lines() if line.get_drawstyle() == "steps-post"]
    assert step.get_ydata().tolist() == [47.5, 48.0, 48.0]
    assert axes.get_title(loc="left").startswith("A: ")


@pytest.mark.parametrize("width", [700, 344])
def test_both_widths_become_a_page_in_new_york_time(width):
    text = svg(drawn(width), name="paths", description="paths")
    assert ">09:30<" not in text  # whole hours only
    assert ">12:00<" in text
    assert ">14:00<" in text
    assert "var(--book)" in text


def test_the_timeline_has_a_lane_a_name_and_keeps_what_came_before_the_open():
    events = pd.DataFrame(
        [(at(-5), "link", "link"), (at(3), "A", "order"), (at(4), "A", "fill"), (at(9), "alert", "alert")],
        columns=["time", "lane", "kind"],
    )
    axes = timeline(events, hours=HOURS).axes[0]
    assert {label.get_text() for label in axes.get_yticklabels()} == {"A", "link", "alert"}
    assert axes.get_xlim()[0] < matplotlib.dates.date2num(at(-5))


def test_the_parts_of_a_shortfall_end_where_the_whole_does():
    table = pd.DataFrame(
        {"delay": [-60.0, 5.0], "execution": [6.0, 1.0], "missed": [80.0, 0.0], "commission": [1.0, 1.0]},
        index=pd.MultiIndex.from_tuples([("d", "A", "ENTER"), ("d", "B", "EXIT")], names=["date", "ticker", "action"]),
    )
    axes = shortfalls(table.assign(shortfall=table.sum(axis=1))).axes[0]
    ends = [patch.get_width() for patch in axes.patches]
    assert sum(ends[::2]) == pytest.approx(27.0)  # of A
    (whole,) = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert whole.get_xdata().tolist() == [27.0, 7.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A enter", "B exit"]


def test_a_change_is_labelled_with_its_numbers():
    axes = change({"trades": 83.84, "commissions": -3.15}).axes[0]
    assert [text.get_text() for text in axes.texts] == ["+83.84", "−3.15"]


def test_returns_compound_from_the_close_before_the_first_session():
    account = pd.DataFrame(
        {
            "date": ["2024-03-07", "2024-03-08"],
            "daily_return_pct": [1.0, -2.0],
            "spy_return_pct": [0.5, None],
            "daily_alpha_pct": [0.5, None],
        }
    )
    lines = {line.get_label(): line.get_ydata() for line in beside_spy(account).axes[0].get_lines()}
    written = {to_hex(text.get_color()) for text in beside_spy(account).legends[0].get_texts()}
    assert written == {PALETTE["--soft"]}  # black would not be seen on a dark page
    assert lines["Account"] == pytest.approx([0.0, 1.0, 100 * (1.01 * 0.98 - 1)])
    assert lines["SPY"] == pytest.approx([0.0, 0.5, 0.5])  # an unknown day moves nothing


def test_the_week_of_paper_trading_in_sentences():
    account = pd.DataFrame(
        {
            "date": ["2024-03-06", "2024-03-07", "2024-03-08"],
            "portfolio_nav": [9e5, 1e6, 1.01e6],
            "daily_return_pct": [9.0, 1.0, 1.0],
            "spy_return_pct": [9.0, 0.0, 0.5],
            "flagged": [True, False, True],
            "notes": ["old", None, "SPY is missing\ntwice"],
        }
    )
    trades = pd.DataFrame(
        {
            "date": ["2024-03-06", "2024-03-08", "2024-03-08"],
            "filled_shares": [5.0, 5.0, None],
            "slippage_vs_trigger_bps": [99.0, 1.5, None],
        }
    )
    said = paper_words(account, trades, sessions=2)
    assert "2 sessions up to 8 Mar" in said[0]
    assert "+2.01%" in said[0]  # 1.01² − 1
    assert "SPY +0.50%" in said[0]
    assert said[1] == "1 order filled, on average 1.5 bps worse than their trigger."
    better = paper_words(account, trades.assign(slippage_vs_trigger_bps=-2.0), sessions=2)
    assert better[1] == "1 order filled, on average 2.0 bps better than their trigger."
    even = paper_words(account, trades.assign(slippage_vs_trigger_bps=-0.01), sessions=2)
    assert even[1] == "1 order filled, on average at the price of their trigger."
    assert said[2].endswith("is flagged: SPY is missing; twice.")
    assert len(said) == 3
    assert paper_words(account.iloc[:0], trades) == []


def test_fills_are_told_by_new_york_time_and_why():
    columns = ["fill_time", "action", "ticker", "filled_shares", "trigger_type", "exit_reason"]
    rows = [
        ("2024-03-08T20:00:01+00:00", "EXIT", "A", 100.0, "stop", "stop"),
        ("2024-03-08T14:31:00+00:00", "ENTER", "B", 1200.0, "vwap", None),
        (None, "ENTER", "C", None, None, None),
    ]
    prices = {"fill_price": 50.0, "signal_price": 49.9, "trigger_price": None, "slippage_vs_signal_bps": -12.34}
    rest = dict.fromkeys(["slippage_vs_trigger_bps", "execution_latency_ms", "commission_usd"], 1.0)
    told = fill_words(pd.DataFrame(rows, columns=columns).assign(**prices, **rest))
    assert told["time"].tolist() == ["09:31:00", "15:00:01"]
    assert told[""].tolist() == ["enter B", "exit A"]
    assert told["shares"].tolist() == ["1,200", "100"]
    assert told["bps to decision"].tolist() == ["−12.3"] * 2


def test_nothing_says_that_it_is_nothing():
    nothing = pd.DataFrame(columns=["time", "lane", "kind"])
    assert timeline(nothing, hours=HOURS).axes[0].texts[0].get_text() == "nothing happened"
    assert paths({}, marks=MARKS, stops=STOPS, decided={}, hours=HOURS).axes[0].texts
    assert beside_spy(pd.DataFrame()).axes[0].texts
    assert shortfalls(pd.DataFrame(columns=["delay"])).axes[0].texts
