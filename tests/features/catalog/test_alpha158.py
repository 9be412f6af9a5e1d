"""Alpha158 against qlib: spelling by its fingerprint, values on two panels (`benchmarks/golden_alpha158.py`)."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalib.features.catalog.alpha158 import ALPHA158, WINDOWS
from alphalib.features.compute import factor, factors
from alphalib.market import Market, Source
from tests.worlds import random_market

GOLDEN = Path(__file__).parents[2] / "golden"
HALF_STEP = 2.0**-24
"""Relative error of a number that was rounded to float32."""

ROUNDED = {f"{stem}{d}" for stem in ("CORR", "CORD", "WVMA") for d in WINDOWS}
"""qlib takes their logarithms, ratios and products of fields in float32."""

GAPS = {f"{stem}{d}" for stem in ("IMAX", "IMIN", "IMXD", "CNTP", "CNTN", "CNTD") for d in WINDOWS}
"""Differ on purpose in a window with a missing session: qlib takes a missing value for the first extreme, and a missing
comparison for false."""


def market_of(stored):
    sessions = pd.DatetimeIndex(stored["dates"], name="date")
    tickers = pd.Index(stored["tickers"], name="ticker", dtype="str")

    def panel(values):
        return pd.DataFrame(values.T.astype(float), index=sessions, columns=tickers)

    def table(*columns):
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns})

    bars = {name: panel(stored[name]) for name in ("open", "high", "low", "close", "volume", "vwap")}
    day, text = "datetime64[us]", "str"
    return Market(
        **bars,
        member=bars["close"].notna(),
        sector=(bars["close"] * 0).fillna(0).astype("int8"),
        actions=table(("date", day), ("ticker", text), ("kind", text), ("value", float), ("detail", text)),
        benchmarks=pd.DataFrame(index=sessions),
        macro=pd.DataFrame(index=sessions),
        earnings=table(("ticker", text), ("date", day), ("scheduled", day), ("surprise", float)),
        fundamentals=table(("ticker", text), ("period_end", day), ("known", day)),
        source=Source("golden"),
    )


class Golden:
    """Our values and qlib's on one panel, (names, sessions) by factor."""

    def __init__(self, file, *, mask):
        with np.load(GOLDEN / file) as stored:
            self.market = market_of(stored)
            theirs = stored["values"].astype(float)
            self.expressions = dict(zip(stored["names"], stored["expressions"], strict=True))
        self.theirs = dict(zip(self.expressions, theirs, strict=True))
        self.kept = theirs.shape[-1]
        nodes = {name: entry.node for name, entry in ALPHA158.items()}
        self.ours = {
            name: panel.to_numpy().T[:, -self.kept :] for name, panel in factors(nodes, self.market, mask=mask).items()
        }


@pytest.fixture(scope="module", params=[True, False], ids=["masked", "unmasked"])
def whole(request):
    return Golden("alpha158_qlib.npz", mask=request.param)


@pytest.fixture(scope="module")
def gaps():
    return Golden("alpha158_qlib_gaps.npz", mask=False)


def assert_float32(ours, theirs, name):
    """Equal to half a step of float32, that of the stored result, and for some that of what went into a window."""
    loose = 2e-5 if name in ROUNDED else 0.0
    np.testing.assert_allclose(ours, theirs, rtol=1.01 * HALF_STEP, atol=loose or 1e-12, err_msg=name)


def test_names_spelling_and_order_are_those_of_qlib(whole):
    assert {name: entry.expression for name, entry in ALPHA158.items()} == whole.expressions
    assert list(ALPHA158) == list(whole.expressions)
    # Digest of Alpha158DL.get_feature_config() of pyqlib 0.9.7, one "name expression" a line.
    lines = "\n".join(f"{name} {entry.expression}" for name, entry in ALPHA158.items())
    assert hashlib.blake2b(lines.encode(), digest_size=8).hexdigest() == "7871cda5181dbea8"


@pytest.mark.parametrize("name", ALPHA158)
def test_values_are_those_of_qlib(name, whole):
    assert np.isfinite(whole.theirs[name]).all()
    assert_float32(whole.ours[name], whole.theirs[name], name)


@pytest.mark.parametrize("name", sorted(set(ALPHA158) - GAPS))
def test_values_are_those_of_qlib_with_gaps_and_from_the_first_session(name, gaps):
    assert_float32(gaps.ours[name], gaps.theirs[name], name)


@pytest.mark.parametrize("name", sorted(GAPS))
def test_the_differences_are_in_windows_with_a_missing_session(name, gaps):
    complete = gaps.market.close.notna().rolling(ALPHA158[name].node.lookback + 1).sum()
    rows = (complete == ALPHA158[name].node.lookback + 1).to_numpy().T
    assert rows.any()
    assert_float32(gaps.ours[name][rows], gaps.theirs[name][rows], name)
    assert not np.allclose(gaps.ours[name], gaps.theirs[name], equal_nan=True)


@pytest.mark.parametrize("window", WINDOWS)
def test_what_is_left_of_a_difference_is_float32_before_the_window(window, whole):
    # The same windows over what qlib puts into them, rounded as it is there: the difference is gone.
    close, volume = (panel.astype("float32") for panel in (whole.market.close, whole.market.volume))
    ratio, turnover = close / close.shift(1), volume / volume.shift(1)
    rounded = {
        f"CORR{window}": (close, np.log(volume + 1), f"Corr($close, $volume, {window})"),
        f"CORD{window}": (ratio, np.log(turnover + 1), f"Corr($close, $volume, {window})"),
        f"WVMA{window}": (
            close,
            (ratio - 1).abs() * volume,
            f"Std($volume, {window}) / (Mean($volume, {window}) + 1e-12)",
        ),
    }
    for name, (first, second, expression) in rounded.items():
        fed = replace(whole.market, close=first.astype(float), volume=second.astype(float))
        ours = factor(expression, fed, mask=False).to_numpy().T[:, -whole.kept :]
        np.testing.assert_allclose(ours, whole.theirs[name], rtol=1.01 * HALF_STEP, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(("name", "lookback"), [("KMID", 0), ("ROC60", 60), ("MA60", 59), ("CORD60", 60), ("RSV5", 4)])
def test_look_back(name, lookback):
    assert ALPHA158[name].node.lookback == lookback


def test_a_rolling_factor_by_hand():
    market = random_market(names=3, sessions=40)
    close, high, low = (panel.iloc[:, 1] for panel in (market.adj_close, market.adj_high, market.adj_low))
    # Where the close stands between the lowest low and the highest high of five sessions, the last included.
    lowest, highest = low.iloc[26:31].min(), high.iloc[26:31].max()
    by_hand = (close.iloc[30] - lowest) / (highest - lowest + 1e-12)
    assert factor(ALPHA158["RSV5"].node, market).iloc[30, 1] == pytest.approx(by_hand, rel=1e-12)
