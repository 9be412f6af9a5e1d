"""Promises: how often they hold when they are true, and when they are not."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.ledger import Ledger
from alphalib.evidence.promises import coverage, promise, score_promises
from alphalib.evidence.significance import block_bootstrap, bootstrap_means
from alphalib.sessions import all_sessions

DAYS = all_sessions()[5000:]


def overlapping(seed, *, sessions, mean=0.02):
    """Per-date ICs that overlap as labels of 5 sessions do."""
    shocks = np.random.default_rng(seed).normal(0, 0.12 / 5**0.5, sessions + 4)
    return pd.Series(mean + np.convolve(shocks, np.ones(5), "valid"), index=DAYS[:sessions])


def daily(seed, *, sessions):
    values = np.random.default_rng(seed).standard_t(4, sessions) * 0.01 + 0.0005
    return pd.Series(values, index=DAYS[:sessions])


def kept(draw, *, measure, block, worlds=150, before=750):
    """Share of worlds in which the quarter after it was as promised."""
    hits = 0
    for seed in range(worlds):
        series = draw(seed, sessions=before + 63)
        made = promise(series[:before], block=block, rng=np.random.default_rng(seed), measure=measure, draws=200)
        after = series[before:]
        found = after.mean() if measure == "mean" else after.mean() / after.std() * 252**0.5
        hits += made.low <= found <= made.high
    return hits / worlds


@pytest.mark.parametrize(("draw", "measure", "block"), [(overlapping, "mean", 20), (daily, "sharpe", 5)])
def test_a_true_promise_is_kept_about_nineteen_times_in_twenty(draw, measure, block):
    # 150 worlds of 95 %: 91 to 99 % holds 98 % of all such tests.
    assert 0.91 <= kept(draw, measure=measure, block=block) <= 0.99


def test_a_promise_is_wider_than_what_was_measured_and_narrower_for_longer():
    series = overlapping(0, sessions=1000)
    quarter, year = (promise(series, block=20, rng=np.random.default_rng(0), sessions=s) for s in (63, 252))
    mean = block_bootstrap(series, np.mean, block=20, draws=500, rng=np.random.default_rng(0))
    assert quarter.low < year.low < mean.low < mean.high < year.high < quarter.high
    assert quarter.value == year.value == series.mean()


def test_too_little_promises_nothing():
    made = promise(overlapping(0, sessions=90), block=20, rng=np.random.default_rng(0))
    assert not made.bounded
    assert made.note == "90 values are too few to promise from"
    with pytest.raises(InputError, match="of the mean or the sharpe, got 'alpha'"):
        promise(overlapping(0, sessions=900), block=20, rng=np.random.default_rng(0), measure="alpha")


def test_quick_means_are_those_of_the_block_bootstrap():
    series = overlapping(1, sessions=333)
    slow = block_bootstrap(series, np.mean, block=20, draws=100, rng=np.random.default_rng(5), level=0.9)
    quick = bootstrap_means(series.to_numpy(), block=20, draws=100, rng=np.random.default_rng(5))
    np.testing.assert_allclose(np.quantile(quick, [0.05, 0.95]), [slow.low, slow.high])


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    ledger.close()


def promised(ledger, subject, asof, **options):
    made = promise(overlapping(0, sessions=1000), block=20, rng=np.random.default_rng(0))
    ledger.add_promise(made, lineage="predictor", subject=subject, asof=asof, **options)
    return made


def test_promises_are_kept_in_the_ledger_and_the_first_word_stands(ledger):
    made = promised(ledger, "m1", DAYS[1000])
    ledger.add_promise(made.__class__(0.0, -9.0, 9.0, 1), lineage="predictor", subject="m1", asof=DAYS[1000])
    (row,) = ledger.promises("predictor").to_dict("records")
    assert (row["low"], row["high"], row["level"]) == (made.low, made.high, 0.95)
    assert (row["first"], row["last"]) == (f"{DAYS[1001]:%Y-%m-%d}", f"{DAYS[1063]:%Y-%m-%d}")
    few = promise(overlapping(0, sessions=3), block=20, rng=np.random.default_rng(0))
    with pytest.raises(EvidenceError, match="m2 promises nothing: 3 values are too few"):
        ledger.add_promise(few, lineage="predictor", subject="m2", asof=DAYS[1000])


def test_promises_are_scored_when_their_quarter_is_over(ledger):
    made = promised(ledger, "good", DAYS[1000])
    promised(ledger, "bad", DAYS[1000])
    promised(ledger, "not yet", DAYS[1000])
    promised(ledger, "unknown", DAYS[1000])
    after = pd.Series(made.value, index=DAYS[1001:1064])
    outcomes = {"good": after, "bad": after - 1.0, "not yet": after[:30]}
    scored = score_promises(ledger.promises(), outcomes).set_index("subject")
    assert scored["found"]["good"] == pytest.approx(made.value)
    assert scored["kept"].tolist() == [True, False, pd.NA, pd.NA]
    table = coverage(scored).loc["predictor"]
    # One of two kept: Clopper–Pearson from .0126 to .9874.
    assert (table["made"], table["over"], table["kept"], table["share"]) == (4, 2, 1, 0.5)
    assert (table["low"], table["high"]) == (pytest.approx(0.0126, abs=1e-4), pytest.approx(0.9874, abs=1e-4))
    assert coverage(score_promises(ledger.promises("nobody"), {})).empty
