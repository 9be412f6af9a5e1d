"""Every monitor catches its planted fault, and a dead one is noticed."""

import pandas as pd
import pytest

from alphalib.contracts import CanaryReport
from alphalib.errors import InputError
from alphalib.proof.canaries import CANARIES, Canary, canary_table, run_canaries, sung
from alphalib.store import Store

ASOF, BEFORE = pd.Timestamp("2023-12-29"), pd.Timestamp("2023-12-22")
DEAD = Canary("monitor", "fault", lambda planted: "")
ALIVE = Canary("monitor", "fault", lambda planted: "there it is" if planted else "")


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: f"{canary.monitor}, {canary.fault}")
def test_the_monitor_catches_its_fault_and_is_quiet_without(canary):
    row = sung(canary, asof=ASOF, last_fired=None)
    assert row.fired, row.said
    assert row.last_fired == "2023-12-29"


def test_monitor_and_fault_name_a_canary():
    assert len({(canary.monitor, canary.fault) for canary in CANARIES}) == len(CANARIES)


def broken(planted):
    raise InputError("a table is missing")


@pytest.mark.parametrize(
    ("canary", "said"),
    [
        (DEAD, "was quiet"),
        (Canary("m", "f", lambda planted: "always"), "speaks without the fault too: always"),
        (Canary("m", "f", broken), "broke: a table is missing"),
    ],
)
def test_a_monitor_that_is_dead_is_seen(canary, said):
    row = sung(canary, asof=ASOF, last_fired="2020-01-03")
    assert (row.fired, row.said, row.last_fired) == (False, said, "2020-01-03")


def test_the_report_remembers_when_each_last_fired(tmp_path):
    store = Store(tmp_path)
    run_canaries(store, asof=BEFORE, canaries=[ALIVE])
    report = run_canaries(store, asof=ASOF, canaries=[DEAD, Canary("another", "fault", ALIVE.said)])
    assert store.read(CanaryReport.path, CanaryReport) == report
    table = canary_table(report)
    assert table[["monitor", "alive", "last fired"]].to_numpy().tolist() == [
        ["monitor", False, "2023-12-22"],
        ["another", True, "2023-12-29"],
    ]
