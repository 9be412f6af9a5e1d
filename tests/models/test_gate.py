"""The gate refuses noise, promotes a strong signal, and says why."""

import numpy as np
import pandas as pd
import pytest

from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.holdout import holdout_line, seal, seal_label
from alphalib.evidence.ic import rank_ic
from alphalib.models.gate import GateParams, confirm, fold_means, gate
from alphalib.sessions import all_sessions
from tests.models.planted import granted

QUICK = GateParams(draws=200)


def ics(seed, *, mean=0.0, sessions=1500, horizon=5):
    """Per-date ICs as wide as real ones, .12, that overlap as labels of 5 sessions do."""
    rng = np.random.default_rng(seed)
    shocks = rng.normal(0, 0.12 / horizon**0.5, sessions + horizon - 1)
    values = mean + np.convolve(shocks, np.ones(horizon), "valid")
    return pd.Series(values, index=all_sessions()[5000 : 5000 + sessions])


def judged(series, *, trials=1.0, params=QUICK, **options):
    return gate(series, horizon=5, trials=trials, rng=np.random.default_rng(0), params=params, **options)


def check(verdict, rule):
    return next(check for check in verdict.checks if check.rule == rule)


def test_noise_is_refused_and_signal_promoted():
    passed_noise = sum(judged(ics(seed)).passed for seed in range(100))
    passed_signal = sum(judged(ics(seed, mean=0.04)).passed for seed in range(20))
    # Nominal 2.5 of 100; 8 would be beyond 99 % of a binomial with 3 %.
    assert passed_noise <= 7
    assert passed_signal >= 19


def test_panels_of_noise_are_refused_and_panels_of_signal_promoted():
    rng = np.random.default_rng(3)
    label = pd.DataFrame(rng.normal(size=(1100, 25)), index=all_sessions()[5000:6100])
    noise = [pd.DataFrame(rng.normal(size=label.shape), index=label.index) for _ in range(10)]
    assert sum(judged(rank_ic(prediction, label)).passed for prediction in noise) <= 2
    assert judged(rank_ic(noise[0] + 0.2 * label, label)).passed


def test_every_reason_is_given_with_value_and_limit():
    verdict = judged(ics(0, sessions=350))
    assert [c.rule for c in verdict.checks] == [
        "coverage",
        "folds",
        "positive_folds",
        "mean_ic",
        "newey_west_bound",
        "bootstrap_bound",
        "priced",
    ]
    folds = check(verdict, "folds")
    assert (folds.value, folds.limit, folds.passed) == (1, 3, False)
    assert str(verdict).startswith("refused\n  passed coverage: 1 against 0.9")
    assert verdict.minimum_detectable == pytest.approx(2.4865 * verdict.rank_ic.standard_error, rel=1e-4)


def test_more_trials_ask_for_more():
    series = ics(4, mean=0.015)
    bounds = [check(judged(series, trials=n), "newey_west_bound").value for n in (1, 5, 50)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > 0 > bounds[2]
    with pytest.raises(InputError, match="take the number from the ledger"):
        judged(series, trials=0)


def test_an_incumbent_yields_only_to_what_is_better_beyond_doubt():
    incumbent = ics(5, mean=0.04)
    slightly = incumbent + ics(6, mean=0.0005)
    clearly = incumbent + ics(6, mean=0.03)
    assert not check(judged(slightly, incumbent=incumbent), "incumbent").passed
    assert judged(clearly, incumbent=incumbent).passed
    assert not judged(incumbent, incumbent=incumbent).passed


def test_an_incumbent_of_other_dates_is_no_comparison():
    series = ics(7, mean=0.05)
    verdict = judged(series, incumbent=series.iloc[:700] - 0.05)
    assert not verdict.passed
    assert "only 47% of the dates in common" in check(verdict, "incumbent").note


def test_a_short_last_fold_joins_the_one_before():
    assert len(fold_means(ics(0, sessions=252 * 4 + 125))) == 4
    assert len(fold_means(ics(0, sessions=252 * 4 + 127))) == 5


def test_saturation_and_tilt_are_noted():
    rng = np.random.default_rng(8)
    raw = pd.DataFrame(rng.normal(size=(100, 30)), index=all_sessions()[5000:5100])
    assert judged(ics(0), raw=raw).notes == ()
    raw.iloc[:25] += 2.0
    raw.iloc[25:30] = 0.1
    saturated, tilted = judged(ics(0), raw=raw).notes
    assert saturated == "on 5.0% of the sessions every name has the same prediction"
    assert tilted == "on 30.0% of the sessions over 80 % of the names lean to one side"


def test_d36_what_survivors_taught_is_never_promoted():
    skilled = pd.Series(np.random.default_rng(3).normal(0.05, 0.1, 2000), index=all_sessions()[5000:7000])
    given = {"horizon": 5, "trials": 1, "rng": np.random.default_rng(0)}
    assert gate(skilled, **given).passed
    verdict = gate(skilled, members="survivors only", **given)
    assert [check.rule for check in verdict.checks if not check.passed] == ["members"]
    verdict = gate(skilled, priced=0.75, **given)
    assert [check.rule for check in verdict.checks if not check.passed] == ["priced"]


def confirmed(series, *, given=True, verdict=None, **options):
    """Both stages on a series that ends on its last session's day."""
    closed = seal_label(series, horizon=5)
    verdict = verdict or judged(closed.open, **options)
    grant = granted(series.index[-1]) if given else None
    return confirm(verdict, closed, grant, horizon=5, rng=np.random.default_rng(1), params=QUICK)


def test_the_holdout_confirms_a_signal():
    verdict = confirmed(ics(0, mean=0.04))
    assert [c.rule for c in verdict.checks[-3:]] == ["holdout_sessions", "holdout", "promise"]
    assert verdict.confirmed
    assert str(verdict).startswith("promoted\n")
    assert str(judged(ics(0, mean=0.04))).startswith("passed what is open\n")
    assert not judged(ics(0, mean=0.04)).confirmed


def test_d17_the_first_stage_does_not_know_the_holdout():
    series = ics(0, mean=0.04)
    line = holdout_line(series.index[-1])
    other = series.copy()
    other[other.index > line - np.timedelta64(8, "D")] = -1.0
    assert judged(seal_label(series, horizon=5).open) == judged(seal_label(other, horizon=5).open)
    refused = confirmed(other)
    assert [c.rule for c in refused.checks if not c.passed] == ["holdout", "promise"]


def test_d18_a_holdout_that_was_not_read_is_a_fail():
    verdict = confirmed(ics(0, mean=0.04), given=False)
    assert not verdict.passed
    assert not verdict.confirmed
    assert "no grant at hand" in check(verdict, "holdout").note


def test_d18_a_holdout_without_outcomes_is_a_fail():
    series = ics(0, mean=0.04)
    verdict = judged(seal_label(series, horizon=5).open)
    closed = seal(seal_label(series, horizon=5).open, ends=series.index, line=holdout_line(series.index[-1]))
    refused = confirm(verdict, closed, granted(series.index[-1]), horizon=5, rng=np.random.default_rng(1))
    assert [c.rule for c in refused.checks if not c.passed] == ["holdout_sessions", "holdout", "promise"]


def test_what_was_refused_reads_no_holdout():
    verdict = judged(seal_label(ics(1), horizon=5).open)
    assert not verdict.passed
    assert confirmed(ics(1), verdict=verdict) is verdict


def test_d17_a_grant_of_another_quarter_confirms_nothing():
    series = ics(0, mean=0.04)
    closed, rng = seal_label(series, horizon=5), np.random.default_rng(1)
    with pytest.raises(EvidenceError, match="opens those after"):
        confirm(judged(closed.open), closed, granted(series.index[-100]), horizon=5, rng=rng)


def test_a_holdout_far_above_its_promise_is_noted():
    series = ics(0, mean=0.04)
    closed = seal_label(series, horizon=5)
    series[closed.open.isna()] += 0.3
    assert confirmed(series).notes[-1].endswith("is above what was promised")


def test_a_signal_that_died_is_refused():
    series = ics(0, mean=0.06)
    series[seal_label(series, horizon=5).open.isna()] -= 0.07
    assert not confirmed(series).passed


def test_d17_a_first_stage_that_saw_the_holdout_cannot_be_confirmed():
    series = ics(0, mean=0.04)
    assert judged(series).passed
    with pytest.raises(EvidenceError, match="judge what is open, then confirm it"):
        confirmed(series, verdict=judged(series))


def test_what_the_calibration_forbids_is_refused():
    verdict = judged(ics(0, mean=0.04), forbidden="the gate made a false promotion in 9 of 40 lineage-years")
    assert [c.rule for c in verdict.checks if not c.passed] == ["calibration"]
    assert "9 of 40" in check(verdict, "calibration").note
