"""Expressions in, panels out: what is shown, under which labels, and how a factor fails."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import FactorError, InputError, SessionError
from alphalib.features import CATALOG, FactorWarning, factor, factors, parse
from alphalib.market import Source
from tests.worlds import random_market

MARKET = random_market(names=6, sessions=120, missing=0.05, seed=2)


def late(market, sessions):
    """The market with a second name that begins so much later."""
    panels = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close", "volume", "vwap")}
    for panel in panels.values():
        panel.iloc[:sessions, 1] = np.nan
    return replace(market, **panels)


def test_by_hand():
    close = MARKET.adj_close.ffill()
    market = replace(MARKET, close=close, actions=MARKET.actions.iloc[:0])
    found = factor("Mean($close, 3)/Ref($close, 2)", market)
    # the mean of three closes over the first of them; two earlier sessions are needed
    expected = (close.iloc[7, 0] + close.iloc[8, 0] + close.iloc[9, 0]) / 3 / close.iloc[7, 0]
    assert found.iloc[9, 0] == pytest.approx(expected, rel=1e-14)
    assert found.iloc[:2].isna().all(axis=None)
    assert found.iloc[2:].notna().all(axis=None)


def test_labels_are_those_of_the_market():
    panel = factor("CSRank($close/Ref($close, 5))", MARKET)
    assert panel.index.equals(MARKET.close.index)
    assert panel.columns.equals(MARKET.close.columns)
    assert (panel.index.name, panel.columns.name) == ("date", "ticker")
    assert set(panel.dtypes) == {np.dtype("float64")}


def test_shown_when_a_name_has_the_history_and_a_close():
    market = late(MARKET, 30)
    node = parse("Delta(Mean($close, 5), 3)")  # looks back 4 + 3 sessions
    shown, raw = factor(node, market), factor(node, market, mask=False)
    traded = market.close.notna()
    assert traded.iloc[:30, 1].sum() == 0
    begins = traded.to_numpy().argmax(axis=0)
    age = np.arange(len(raw))[:, None] - begins
    pd.testing.assert_frame_equal(shown, raw.where(traded & (age >= 7)), check_exact=True)
    assert raw.notna().to_numpy().sum() > shown.notna().to_numpy().sum()


def test_only_later_sessions_when_asked():
    expressions = {"fast": "Delta($close, 3)/$close", "slow": "$close/Max($close, 0)", "rank": "CSRank($volume)"}
    whole = factors(expressions, MARKET)
    for day, rows in [(MARKET.sessions[-3], 2), ("2018-12-31", 120), (MARKET.last, 0), ("2030-01-05", 0)]:
        part = factors(expressions, MARKET, after=day)
        for name, panel in part.items():
            pd.testing.assert_frame_equal(panel, whole[name].iloc[120 - rows :], check_exact=True)
    with pytest.raises(SessionError, match="is not a date"):
        factors(expressions, MARKET, after="yesterday")


def test_float32_is_rounded_float64():
    exact, rounded = (factors({"x": "$close/$open"}, MARKET, dtype=d)["x"] for d in ("float64", "float32"))
    pd.testing.assert_frame_equal(rounded, exact.astype("float32"), check_exact=True)


def test_one_factor_under_two_names_is_two_panels_to_who_writes_into_one():
    found = factors({"a": "$close-$open", "b": "$close - $open"}, MARKET)
    before = found["b"].copy()
    found["a"].iloc[50, 0] = -1.0
    pd.testing.assert_frame_equal(found["b"], before)


def test_a_catalogue_is_computed_as_it_is():
    found = factors(CATALOG["alpha158"], MARKET)
    assert list(found) == list(CATALOG["alpha158"])
    pd.testing.assert_frame_equal(found["MA5"], factor("Mean($close, 5)/$close", MARKET))


def test_a_failing_factor_is_named_and_does_not_lose_the_others():
    expressions = {"good": "$close", "typo": "Maen($close, 5)", "future": "Ref($close, -1)", "absent": "$vix3m"}
    with pytest.warns(FactorWarning, match="3 of 4 factors failed") as caught:
        found = factors(expressions, MARKET)
    assert list(found) == ["good"]
    assert list(found.failed) == ["typo", "future", "absent"]
    assert all(f"  {name}: {reason}" in str(caught[0].message) for name, reason in found.failed.items())
    assert caught[0].filename == __file__


def test_a_failing_factor_alone_raises():
    with pytest.raises(FactorError, match="did you mean Mean"):
        factor("Maen($close, 5)", MARKET)
    with pytest.raises(InputError, match=r"^\$vix3m: random world has no macro series 'vix3m'$"):
        factor("$vix3m/$vix", MARKET)


@pytest.mark.parametrize(
    ("expression", "without", "why"),
    [
        ("$spy/Ref($spy, 5)", {"benchmarks": ["XLK"]}, "random world has no SPY"),
        ("$sector_index/$close", {"benchmarks": ["SPY"]}, "random world has no sector ETF"),
        ("$vix", {"macro": ["yield_3m"]}, "random world has no macro series 'vix'"),
        ("$net_income/$revenue", {}, "random world has no figures of '?revenue"),
    ],
)
def test_what_a_market_cannot_have_is_named(expression, without, why):
    market = replace(MARKET, **{table: getattr(MARKET, table)[columns] for table, columns in without.items()})
    with pytest.raises(InputError, match=why):
        factor(expression, market)


def test_levels_are_refused_where_they_know_later_splits():
    market = replace(MARKET, source=Source(name="vendor", prices="split-adjusted"))
    with pytest.raises(InputError, match="split-adjusted prices of vendor know later splits"):
        factor("$raw_close/$close", market)
    assert factor("$close/Ref($close, 5)", market).notna().to_numpy().any()


def test_what_half_the_precision_cannot_hold_is_missing():
    market = random_market(names=2, sessions=40, seed=1)
    text = {"large": "Power(10 * $close / Ref($close, 1), 60)"}  # about 1e60; float32 ends at 3e38
    assert factors(text, market)["large"]["N000"].iloc[1:].notna().all()
    assert factors(text, market, dtype="float32")["large"]["N000"].isna().all()


def test_a_factor_of_a_catalogue_goes_by_its_place():
    entry = CATALOG["technical"]["rsi_7"]
    found = factors({"mine": "technical/rsi_7", "alike": entry}, MARKET)
    pd.testing.assert_frame_equal(found["mine"], found["alike"], check_exact=True)
    pd.testing.assert_frame_equal(factor("technical/rsi_7", MARKET), found["mine"], check_exact=True)


def test_factors_without_names_are_refused():
    with pytest.raises(
        InputError, match=r"factors go by name, \{'name': expression\} or CATALOG\['alpha158'\]; got list"
    ):
        factors(["$close/$open"], MARKET)


def test_panels_are_shown_in_a_line():
    with pytest.warns(FactorWarning):
        found = factors({"a": "$close/$open", "b": "Maen($close, 5)"}, MARKET)
    assert repr(found) == "<1 panels, 120 × 6: ['a']; 1 failed>"


def test_a_precision_it_does_not_have_is_refused():
    with pytest.raises(InputError, match="dtype must be one of float64, float32, got 'float16'"):
        factors({"move": "Delta($close, 1)"}, random_market(names=2, sessions=40), dtype="float16")
