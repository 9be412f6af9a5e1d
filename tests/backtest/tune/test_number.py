"""A single number: what orders outcomes better is found, a sign that flips is not, and few samples say nothing."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.tune import number
from alphalib.backtest.tune.guard import Guardrails
from alphalib.backtest.tune.number import Question, blended, choose_number, confirm_number, steps
from alphalib.errors import EvidenceError
from alphalib.evidence.holdout import seal
from alphalib.evidence.ledger import Ledger
from alphalib.labels import label_end
from alphalib.sessions import week_ends
from tests.backtest.tune.matrices import ASOF, LINE, SESSIONS

WEEKS = week_ends(SESSIONS)
HORIZON = 5


def panel(values: pd.Series) -> pd.DataFrame:
    return values.to_frame("quality")


def question(*, slope: float, samples: int = 100, noise: float = 0.05, seed: int = 0, level: float = 0.03) -> Question:
    """Quality of a value: `level` + slope × (value − ½) + what all share + a little of its own, by week."""
    rng = np.random.default_rng(seed)
    shared, own = (pd.Series(noise * rng.standard_normal(len(WEEKS)), index=WEEKS) for _ in range(2))

    def quality(value, outcomes):
        drift = slope if np.isscalar(slope) else slope(WEEKS)
        return (level + shared + (drift + own) * (value - 0.5)).where(outcomes["quality"].reindex(WEEKS).notna())

    def described(value, outcomes):
        return {"samples": float(outcomes["quality"].notna().sum())}

    return Question("scoring weights", 0.5, (0.4, 0.45, 0.55, 0.6), quality, described, samples, HORIZON)


def outcomes(line=LINE):
    return seal(panel(pd.Series(1.0, index=WEEKS)), ends=label_end(WEEKS, HORIZON), line=line)


def look(asked, *, asof=ASOF, trials=2.0, sealed=None, seed=0):
    sealed = sealed if sealed is not None else outcomes()
    return choose_number(asked, sealed, asof=asof, trials=trials, rng=np.random.default_rng(seed))


@pytest.fixture
def grant(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.give_grant("scoring weights", asof=ASOF, by="a test")
    return ledger.use_grant("scoring weights", asof=ASOF, reason="a test")


def test_a_better_number_is_proposed_part_of_the_way_and_confirmed(grant):
    asked = question(slope=0.05)
    proposal = look(asked)
    assert proposal.outcome == "propose", str(proposal)
    assert 0.5 < float(proposal.candidate) < 0.6
    assert proposal.numbers["search_best"] == 0.6
    confirmed = confirm_number(asked, proposal, outcomes(), grant, rng=np.random.default_rng(0))
    assert confirmed.outcome == "confirmed", str(confirmed)


def test_what_ends_at_the_line_is_refused_by_the_holdout(grant):
    asked = question(slope=lambda weeks: pd.Series(np.where(weeks > LINE, -0.05, 0.05), index=weeks))
    proposal = look(asked)
    assert proposal.outcome == "propose"
    refused = confirm_number(asked, proposal, outcomes(), grant, rng=np.random.default_rng(0))
    assert refused.outcome == "refused"
    assert not refused.passed


def test_noise_is_seldom_proposed():
    assert sum(look(question(slope=0.0, seed=seed), seed=seed).passed for seed in range(100)) <= 8


def test_a_sign_that_flips_is_a_failure():
    cut = WEEKS[WEEKS <= LINE][200]
    asked = question(slope=lambda weeks: pd.Series(np.where(weeks > cut, -0.1, 0.1), index=weeks))
    proposal = look(asked)
    assert proposal.outcome == "keep"
    assert "validation" in [check.rule for check in proposal.checks if not check.passed]


def test_outcomes_of_the_search_end_before_validation_begins():
    search, validation = number._parts(WEEKS, HORIZON, Guardrails())
    assert label_end(search, HORIZON).max() < validation[0]
    assert len(validation) == round(len(WEEKS) * 0.3)
    assert 1 <= len(WEEKS) - len(search) - len(validation) <= 2  # a label of five sessions ends a week or two later


def test_what_only_validation_liked_is_not_searched_for():
    cut = WEEKS[WEEKS <= LINE][210]
    asked = question(slope=lambda weeks: pd.Series(np.where(weeks > cut, 0.3, -0.01), index=weeks))
    assert look(asked).numbers.get("search_best", 0.4) == 0.4


def test_a_better_number_without_merit_is_kept_out():
    proposal = look(question(slope=0.05, level=-0.2))
    assert [check.rule for check in proposal.checks if not check.passed] == ["merit"]


def test_few_samples_say_so():
    proposal = look(question(slope=0.05, samples=1000))
    assert proposal.outcome == "too few"
    assert proposal.candidate is None
    short = seal(panel(pd.Series(1.0, index=WEEKS)).iloc[-90:], ends=label_end(WEEKS[-90:], HORIZON), line=LINE)
    assert look(question(slope=0.05, samples=10), sealed=short).outcome == "too few"


def test_outcomes_that_are_open_too_far_are_refused():
    with pytest.raises(EvidenceError, match="sealed from 2023-06-30 on, the line is 2022-09-30"):
        look(question(slope=0.05), sealed=outcomes("2023-06-30"))


def test_a_number_that_was_kept_uses_no_grant(grant):
    asked = question(slope=0.0)
    with pytest.raises(EvidenceError, match="'keep' is not confirmed; the grant is kept"):
        confirm_number(asked, look(asked), outcomes(), grant, rng=np.random.default_rng(0))


def test_little_evidence_moves_little():
    # 0 samples: a fifth of .10; 250: .20 + .30 × ½ = .35 of it; 500 and more: half
    assert [blended(0.5, 0.6, samples=n) for n in (0, 250, 500, 9000)] == [0.52, 0.54, 0.55, 0.55]
    assert blended(0.5, 0.5, samples=100) == 0.5


def test_steps_stay_within_bounds_and_leave_the_current_value_out():
    assert steps(0.9, step=0.1, by=0.05, low=0.03, high=0.97) == (0.8, 0.85, 0.95)
