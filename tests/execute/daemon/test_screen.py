import io
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console

from alphalib.execute.daemon.screen import EntryRow, PositionRow, View, drawn, live

VIEW = View(
    at=datetime(2024, 1, 2, 15, 0, 1, tzinfo=UTC),
    account="DU1",
    link="up",
    nav=1_001_234.5,
    change=0.0012345,
    cash=950_000.0,
    holding_back=("the kill switch is pulled",),
    positions=(PositionRow("AAA", 10, 100.0, 104.5, 97.25), PositionRow("BBB", 5, 20.0, 19.0, None, "halted")),
    entries=(EntryRow("CCC", 40, 33.3, "pullback to 32.10"),),
    sent=3,
    filled=2,
    said=("10:00:00 filled al-240102-AAA-entry-1",),
)


def text_of(view: View) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(drawn(view, "paper"))
    return console.file.getvalue()


def test_the_table_says_what_matters():
    shown = text_of(VIEW)
    assert "2024-01-02 10:00:01 New York" in shown
    assert "NAV 1,001,234.50 (+0.12%)" in shown
    assert "no entries: the kill switch is pulled" in shown
    assert "+45.00" in shown, "10 shares that gained 4.50"
    assert "97.25" in shown
    assert [line for line in shown.splitlines() if "BBB" in line and "none" in line and "halted" in line]
    assert "pullback to 32.10" in shown
    assert "al-240102-AAA-entry-1" in shown


def test_a_price_that_nobody_heard_is_a_dash():
    held = (PositionRow("AAA", 10, 100.0, float("nan"), 97.25),)
    shown = text_of(replace(VIEW, positions=held, entries=(EntryRow("CCC", 40, float("nan"), "no price yet"),)))
    assert "nan" not in shown
    [row] = [line for line in shown.splitlines() if "AAA  " in line]
    assert row.count("–") == 2, "neither a price nor a gain"


def test_a_live_table_ends_with_the_newest_view():
    console = Console(file=io.StringIO(), width=140, force_terminal=True)
    with live(console, "rehearsal") as show:
        show(VIEW)
    assert "1,001,234.50" in console.file.getvalue()
