from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.params import ResearchParams
from alphalib.research.scanner import scan, scan_history
from tests.research.worlds import PARAMS, research_market


def reasons(verdict):
    return verdict.table.set_index("ticker")["reason"]


def test_every_rejection_has_its_reason_value_and_limit():
    verdict = scan(research_market(), PARAMS)
    table = verdict.table.set_index("ticker")
    assert table.loc["N003", ["reason", "limit"]].tolist() == ["min_avg_volume", 500_000]
    assert 50_000 < table.loc["N003", "value"] < 200_000
    assert table.loc["N004", ["reason", "value"]].tolist() == ["unknown_sector", -1]
    assert table.loc["N005", "reason"] == "min_price"
    assert table.loc["N005", "value"] == pytest.approx(research_market().close["N005"].iloc[-1])
    assert "N006" not in table.index  # no member any more
    weak = table[table["reason"] == "min_technical_score"]
    assert len(weak)
    assert (weak["value"] < 60).all()
    assert table["passed"].equals(table["reason"] == "")
    assert 0 < len(verdict.candidates) <= 20
    assert sum(verdict.rejected.values()) + len(verdict.candidates) == len(table)


def test_a_name_that_did_not_trade_or_is_too_young_says_so():
    market = research_market()
    assert (reasons(scan(market.asof(market.sessions[100]), PARAMS)) == "short_history").sum() > 30
    lost = market.sessions[np.flatnonzero(market.close["N010"].isna())[-1]]
    assert reasons(scan(market.asof(lost), PARAMS))["N010"] == "not_tradable"
    halted = market.volume.copy()
    halted.iloc[-1, 11] = 0.0
    assert reasons(scan(replace(market, volume=halted), PARAMS))["N011"] == "not_tradable"


def test_limits_reject_by_themselves():
    market = research_market()
    for name, value in (("max_atr_pct", 0.001), ("min_price_vs_ma200", 0.0), ("min_price", 1e6)):
        assert name in scan(market, PARAMS.model_copy(update={name: value})).rejected


def test_the_best_technical_scores_pass_and_ties_go_by_ticker():
    market = research_market()
    everyone = scan(market, PARAMS).candidates
    few = scan(market, ResearchParams(max_candidates=2))
    assert len(few.candidates) == 2
    assert set(few.candidates) <= set(everyone)
    assert few.rejected["max_candidates"] == len(everyone) - 2
    # The same again with the columns the other way round.
    panels = ("open", "high", "low", "close", "volume", "vwap", "member", "sector")
    turned = replace(market, **{name: getattr(market, name).iloc[:, ::-1] for name in panels})
    pd.testing.assert_frame_equal(scan(turned, ResearchParams(max_candidates=2)).table, few.table, rtol=1e-9)


@pytest.mark.parametrize("row", [120, 260, 310, 379, 380, 419])
def test_the_history_is_the_scan_of_each_session(row):
    market = research_market()
    day = market.sessions[row]
    passed = scan_history(market, PARAMS).loc[day]
    assert sorted(passed.index[passed]) == scan(market.asof(day), PARAMS).candidates


def test_equal_scores_pass_by_ticker():
    market = research_market()
    best = scan(market, ResearchParams(max_candidates=1)).candidates[0]
    twins = {}
    for name in ("open", "high", "low", "close", "volume", "vwap", "member", "sector"):
        panel = getattr(market, name).copy()
        panel[["N038", "N037"]] = panel[[best, best]].to_numpy()  # no splits or dividends in any of them
        twins[name] = panel.iloc[:, ::-1]
    assert best not in ("N000", "N001", "N037", "N038")
    twin_market = replace(market, **twins)
    assert scan(twin_market, ResearchParams(max_candidates=2)).candidates == [best, "N037"]


def test_split_adjusted_prices_turn_rules_in_dollars_and_shares_off():
    market = research_market()
    adjusted = replace(market, source=replace(market.source, prices="split-adjusted"))
    verdict = scan(adjusted, PARAMS)
    assert set(verdict.off) == {"min_avg_volume", "min_price"}
    assert "know later splits" in verdict.off["min_price"]
    assert not set(verdict.rejected) & set(verdict.off)
    assert scan(market, PARAMS).off == {}


def test_a_strict_limit_raises_no_alarm_and_a_broken_one_does():
    market = research_market()
    assert scan(market, PARAMS).alarms == ()
    alarms = scan(market, ResearchParams(min_avg_volume=1e9)).alarms
    assert len(alarms) == 1
    assert alarms[0].startswith("min_avg_volume rejects")
