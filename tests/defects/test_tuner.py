"""What tuners before this one got wrong: validation that was none, selection by one figure, and how it is held here."""

import numpy as np
import pandas as pd
import pytest

from alphalib.backtest.tune.change import choose_executor, confirm
from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.holdout import seal
from alphalib.evidence.ledger import Ledger
from tests.backtest.tune.matrices import ASOF, LINE, SESSIONS, books


def look(returns, market, fills):
    known = returns.loc[:LINE]
    rng = np.random.default_rng(0)
    return choose_executor(known, "setting 0", asof=ASOF, market=market, trades=fills, trials=40.0, rng=rng)


def failed(proposal):
    return {check.rule for check in proposal.checks if not check.passed}


def test_d17_tuning_cannot_read_the_holdout():
    returns, market, fills = books(3, better=1.5)
    with pytest.raises(EvidenceError, match="outcomes after 2022-09-30 are sealed"):
        choose_executor(
            returns, "setting 0", asof=ASOF, market=market, trades=fills, trials=1, rng=np.random.default_rng(0)
        )
    proposal = look(returns, market, fills)
    with pytest.raises(EvidenceError, match="read with a grant"):
        confirm(proposal, seal(returns, ends=SESSIONS, line=LINE), None, rng=np.random.default_rng(0))


def test_d18_a_tuner_without_validation_or_holdout_changes_nothing(tmp_path):
    returns, market, fills = books(3, better=1.5)
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.give_grant("executor params", asof=ASOF, by="a test")
    grant = ledger.use_grant("executor params", asof=ASOF, reason="a test")
    proposal = look(returns, market, fills)
    assert proposal.outcome == "propose"
    # the holdout has no returns
    empty = returns.copy()
    empty.loc[empty.index > LINE] = np.nan
    unseen = confirm(proposal, seal(empty, ends=SESSIONS, line=LINE), grant, rng=np.random.default_rng(0))
    assert unseen.outcome == "refused"
    assert failed(unseen) == {"holdout_sessions"}
    # books that stop trading in the validation part, a market that stands still, too few sessions, benchmark missing
    cut = round(len(returns.loc[:LINE]) * 0.7)
    idle = fills.mul(np.arange(len(fills)) < cut, axis=0)
    assert "validation_trades" in failed(look(returns, market, idle))
    assert not look(returns, 0 * market, fills).passed
    assert look(returns.iloc[-600:], market, fills).outcome == "too few"
    with pytest.raises(InputError, match="market's returns are missing"):
        look(returns, market * np.nan, fills)


def test_d22_the_highest_sharpe_ratio_does_not_win_by_itself():
    """The seed recommended a setting with a higher Sharpe ratio and an alpha of −258 %."""
    returns, market, fills = books(3)
    rng = np.random.default_rng(0)
    # less risk, a higher Sharpe ratio, and an alpha that is lost: a tenth of the market's risk, well below its return
    low = 0.1 * market + 0.0002 + 0.0003 * rng.standard_normal(len(market))
    current = 1.0 * market + 0.0012 + 0.02 * rng.standard_normal(len(market))
    one = pd.DataFrame({"setting 0": current, "setting 1": low})
    proposal = look(one, market, fills)
    assert low.mean() / low.std() > current.mean() / current.std()
    assert not proposal.passed
    # every setting is surely below SPY: the best of them is still no setting to change to
    losing = returns.sub(0.0025, axis=0)
    losing.iloc[:, 7] += 0.0012
    best = look(losing, market, fills)
    assert best.candidate == "setting 7"
    assert failed(best) == {"alpha_upper"}


def test_d22_what_falls_deeper_is_no_improvement():
    returns, market, fills = books(3, better=3.0, how_many=1)
    cut = round(len(returns.loc[:LINE]) * 0.7)
    returns.iloc[cut + 50 : cut + 60, -1] -= 0.02
    returns.iloc[cut + 61 : cut + 161, -1] += 0.004
    assert "drawdown" in failed(look(returns, market, fills))


def test_d22_a_sign_flip_out_of_sample_fails():
    returns, market, fills = books(3)
    cut = round(len(returns.loc[:LINE]) * 0.7)
    returns.iloc[:cut, 7] += 0.0008
    returns.iloc[cut:, 7] -= 0.0008
    proposal = look(returns, market, fills)
    assert not proposal.passed
    alone = look(returns[["setting 0", "setting 7"]], market, fills)
    assert alone.candidate == "setting 7"
    assert {"validation", "validation_bound"} <= failed(alone)
