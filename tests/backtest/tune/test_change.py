"""Choosing among settings: what is really better is found, luck is not, and nothing behind the line is seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.tune.change import choose_executor, confirm
from alphalib.backtest.tune.guard import Proposal
from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.holdout import seal
from alphalib.evidence.ledger import Ledger
from tests.backtest.tune.matrices import ASOF, LINE, SESSIONS, books


def look(returns, market, fills, *, asof=ASOF, trials=40.0, current="setting 0", seed=0) -> Proposal:
    return choose_executor(
        returns.loc[:LINE],
        current,
        asof=asof,
        market=market,
        trades=fills,
        trials=trials,
        rng=np.random.default_rng(seed),
    )


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


def test_a_really_better_setting_is_proposed_and_confirmed(ledger):
    returns, market, fills = books(3, better=1.5)
    proposal = look(returns, market, fills)
    assert proposal.outcome == "propose", str(proposal)
    assert int(proposal.candidate.split()[1]) >= 36

    ledger.give_grant(proposal.lineage, asof=ASOF, by="a test")
    grant = ledger.use_grant(proposal.lineage, asof=ASOF, reason="confirm a setting")
    sealed = seal(returns, ends=SESSIONS, line=LINE)
    confirmed = confirm(proposal, sealed, grant, rng=np.random.default_rng(0))
    assert confirmed.outcome == "confirmed", str(confirmed)
    assert confirmed.grant == grant.id


def test_luck_is_seldom_proposed():
    passed = sum(look(*books(seed), seed=seed).passed for seed in range(40))
    assert passed <= 2  # each look may err; a year of looks is measured in null worlds


def test_what_only_validation_liked_is_not_searched_for():
    returns, market, fills = books(5)
    cut = returns.index.get_loc(LINE) * 7 // 10
    returns.iloc[cut:, 9] += 0.01
    assert look(returns, market, fills).candidate != "setting 9" or not look(returns, market, fills).passed


def test_no_row_behind_the_line_is_seen():
    returns, market, fills = books(1)
    arguments = {"asof": ASOF, "market": market, "trades": fills, "trials": 1.0, "rng": np.random.default_rng(0)}
    with pytest.raises(EvidenceError, match="returns reach to 2023-12-29, and outcomes after 2022-09-30 are sealed"):
        choose_executor(returns, "setting 0", **arguments)
    with pytest.raises(EvidenceError, match="sealed from 2023-06-30 on, the line is 2022-09-30"):
        choose_executor(seal(returns, ends=SESSIONS, line="2023-06-30"), "setting 0", **arguments)


def test_the_future_behind_the_line_changes_nothing():
    returns, market, fills = books(3, better=1.5)
    arguments = {"asof": ASOF, "market": market, "trades": fills, "trials": 40.0}
    spoilt = returns.copy()
    spoilt.loc[spoilt.index > LINE] = 1e10
    first, second = (
        choose_executor(seal(frame, ends=SESSIONS, line=LINE), "setting 0", **arguments, rng=np.random.default_rng(0))
        for frame in (returns, spoilt)
    )
    assert str(first) == str(second)
    assert first.numbers == second.numbers


def test_too_few_sessions_propose_nothing():
    returns, market, fills = books(3, better=1.5)
    proposal = look(returns.iloc[-700:], market, fills)
    assert proposal.outcome == "too few"
    assert "too few" in proposal.checks[0].note


def test_a_missing_current_setting_is_an_error():
    with pytest.raises(InputError, match="the current setting 'mine' has no returns"):
        look(*books(1), current="mine")


def test_missing_market_returns_are_an_error():
    returns, market, fills = books(1)
    with pytest.raises(InputError, match="the market's returns are missing on 2017-01-03"):
        look(returns, market.iloc[100:], fills)


def test_order_of_settings_does_not_matter():
    returns, market, fills = books(3, better=1.5)
    turned = returns[returns.columns[::-1]]
    assert look(returns, market, fills).candidate == look(turned, market, fills).candidate


def test_a_proposal_that_did_not_pass_uses_no_grant():
    kept = Proposal("executor params", pd.Timestamp(ASOF), LINE, "a", "b", "keep", ())
    with pytest.raises(EvidenceError, match="'keep' is not confirmed; the grant is kept"):
        confirm(kept, seal(books(1)[0], ends=SESSIONS, line=LINE), None, rng=np.random.default_rng(0))
