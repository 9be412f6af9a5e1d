from alphalib.execute.desk.watching import EntryWatch, levels_of
from alphalib.execute.tape import Bar
from tests.execute import morning


def test_an_entry_says_what_it_waits_for():
    """High 110, VWAP (110 + 90 + 100) / 3 = 100, floor 80: closes of 107.80, 99.50 and 80.80 would do."""
    triggers = {"pullback_pct": 0.02, "vwap_discount": 0.005, "support_level": 80.8, "support_floor": 80.0}
    planned = morning.entry("AAA", 10, 100.0)
    entry = planned.model_copy(update={"triggers": planned.triggers.model_copy(update=triggers)})
    watch = EntryWatch(entry, levels_of(entry, 390))
    assert watch.waits_for() == "support 80.80", "the rest is not known before the first minute"
    watch.see(Bar(0, 100.0, 110.0, 90.0, 100.0, 500.0))
    assert watch.waits_for() == "pullback 107.80, vwap 99.50, support 80.80"
    watch.see(Bar(1, 100.0, 100.0, 79.0, 100.0, 0.0))
    assert watch.waits_for() == "pullback 107.80, vwap 99.50", "once below its floor, support is no reason"
