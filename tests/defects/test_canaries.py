"""Seed defect: monitors that were dead for months and looked like quiet ones."""

import pandas as pd
import pytest

from alphalib.proof.canaries import CANARIES, Canary, canary_table, run_canaries
from alphalib.store import Store

FIRST, SECOND = pd.Timestamp("2023-12-22"), pd.Timestamp("2023-12-29")


@pytest.mark.parametrize("monitor", ["drawdown", "veto", "parity", "scanner"])
def test_d44_a_planted_fault_is_caught_and_the_report_says_when_last(tmp_path, monitor):
    store, planted = Store(tmp_path), [canary for canary in CANARIES if canary.monitor == monitor]
    assert planted
    assert canary_table(run_canaries(store, asof=FIRST, canaries=planted))["alive"].all()
    dead = [Canary(canary.monitor, canary.fault, lambda _: "") for canary in planted]
    table = canary_table(run_canaries(store, asof=SECOND, canaries=dead))
    assert not table["alive"].any()
    assert set(table["last fired"]) == {"2023-12-22"}
