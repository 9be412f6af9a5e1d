"""Seed defects of features, labels and research, each through the public path that would show it again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphalib.contracts import Signals, require_fresh
from alphalib.errors import ContractError, InputError
from alphalib.features import FEATURES, feature, feature_panels
from alphalib.labels import forward_return, sector_relative_return
from alphalib.market import SECTORS
from alphalib.research.desk import signal_history, signals
from alphalib.research.scanner import scan
from alphalib.sessions import next_session, week_ends
from alphalib.store import checked
from tests.corruption import CORRUPTIONS, corrupted
from tests.research.worlds import PARAMS, WEIGHTS, research_market
from tests.worlds import random_market


@pytest.mark.parametrize("how", CORRUPTIONS)
def test_d28_nothing_known_at_t_uses_what_comes_after(how):
    market, row = research_market(), 399
    with np.errstate(all="ignore"):
        changed = corrupted(market, row, how)
        now, corrupt = (feature_panels(m) for m in (market, changed))
        for name in FEATURES:
            assert now[name].iloc[: row + 1].to_numpy().tobytes() == corrupt[name].iloc[: row + 1].to_numpy().tobytes()
        told, lied = (signal_history(m, WEIGHTS, PARAMS) for m in (market, changed))
    for name in ("score", "signal", "conviction", "sector_rating", "regime", "age"):
        then = getattr(told, name).iloc[: row + 1].to_numpy(), getattr(lied, name).iloc[: row + 1].to_numpy()
        assert then[0].tobytes() == then[1].tobytes(), name


def test_d29_a_ratio_is_never_read_as_shares():
    with pytest.raises(InputError, match="'relative_volume_20' is in 'ratio', it was asked for in 'shares'"):
        feature("relative_volume_20", unit="shares")
    market = random_market(sessions=60)
    volume = feature("avg_volume_20", unit="shares").panel(market)["N002"].iloc[-1]
    assert volume == pytest.approx(market.volume["N002"].iloc[-20:].mean())


def test_d30_a_scanner_that_rejects_nearly_all_for_one_reason_raises_an_alarm():
    market = research_market()
    # The seed's fault: the volume that arrives is a ratio near one.
    broken = replace(market, volume=market.volume / 1e6)
    verdict = scan(broken, PARAMS)
    assert verdict.candidates == []
    told = verdict.rejected["min_avg_volume"]
    assert verdict.alarms[0].startswith(f"min_avg_volume rejects {told} of {len(verdict.table)} members")
    assert scan(market, PARAMS).alarms == ()
    assert signals(broken, previous=None, weights=WEIGHTS, params=PARAMS).scanner["alarms"] == list(verdict.alarms)


def test_d37_a_return_over_n_days_ends_on_day_n():
    market = random_market(sessions=120)
    early, late = market.asof(market.sessions[50]), market
    day = market.sessions[40]
    # Whenever the job runs, the 5-session return of day 40 is that from 41 to 46.
    for known in (early, late):
        measured = forward_return(known, horizon=5).loc[day, "N002"]
        assert measured == market.close["N002"].iloc[46] / market.close["N002"].iloc[41] - 1
    assert np.isnan(forward_return(market.asof(market.sessions[45]), horizon=5).loc[day, "N002"])


def test_d39_what_is_not_known_is_missing_not_zero():
    market = random_market(sessions=300, missing=0.02)
    surprise = feature_panels(market, names=["earnings_surprise_60"])["earnings_surprise_60"]
    for report in market.earnings.itertuples():
        assert surprise.loc[surprise.index < report.date, report.ticker].isna().all()
    label = sector_relative_return(market)
    assert label.iloc[-6:].isna().all(axis=None)
    lost = market.close.isna().shift(-1, fill_value=False).astype(bool)
    assert label.where(lost).isna().all(axis=None)
    assert not (label == 0).any(axis=None)
    # No sample-wide fill: half the history gives the same numbers as the whole.
    half = market.asof(market.sessions[150])
    for name, panel in feature_panels(half).items():
        pd.testing.assert_frame_equal(panel, feature_panels(market, names=[name])[name].iloc[:151], check_exact=True)


@pytest.fixture(scope="module")
def made():
    return signals(research_market(), previous=None, weights=WEIGHTS, params=PARAMS)


def test_d42_the_desk_writes_no_nonsense(made):
    assert {entry.sector for entry in made.universe} <= set(made.sector_ratings) == set(SECTORS)
    assert {entry.signal for entry in made.universe} > {"ENTER"}
    assert {entry.rating for entry in made.universe if entry.score >= made.buy_score} == {"BUY"}
    assert all(made.absent[field] for field in ("qual", "price_target_upside"))
    assert "N004" not in {entry.ticker for entry in made.universe}  # of unknown sector
    assert require_fresh(made, asof=next_session(made.date, count=3), within=5) == 3


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c["universe"][0].update(sector="Technology"), "GICS calls it 'Information Technology'"),
        (lambda c: [e.update(signal="ENTER", rating="BUY", score=90.0) for e in c["universe"]], "never says no"),
        (lambda c: c["absent"].clear(), r"absent\['qual'\] gives no reason"),
        (lambda c: c["universe"][0].update(rating="SELL"), "that score is a BUY"),
    ],
    ids=["sector", "all enter", "absent", "rating"],
)
def test_d42_spoilt_signals_are_refused(made, spoil, message):
    content = made.model_dump(mode="json")
    spoil(content)
    with pytest.raises(ContractError, match=message):
        checked(content, Signals, name="signals")


def test_d42_stale_signals_are_refused(made):
    with pytest.raises(ContractError, match="at most 5 old is accepted"):
        require_fresh(made, asof=next_session(made.date, count=6), within=5)


def test_d43_what_cannot_be_scored_is_up_for_review_not_neutral():
    market = research_market()
    weeks = week_ends(market.sessions)[-2:]
    before = signals(market.asof(weeks[0]), previous=None, weights=WEIGHTS, params=PARAMS)
    name = before.population[0]
    # A followed name has no bar at the next week's end.
    bars = {field: getattr(market, field).copy() for field in ("open", "high", "low", "close", "volume", "vwap")}
    for panel in bars.values():
        panel.loc[weeks[1], name] = np.nan
    after = signals(replace(market, **bars).asof(weeks[1]), previous=before, weights=WEIGHTS, params=PARAMS)
    entry = next(entry for entry in after.universe if entry.ticker == name)
    assert (entry.score, entry.rating, entry.signal) == (None, "REVIEW", "HOLD")
    assert entry.sub_scores == {"quant": None, "qual": None}
    assert name in after.population
    assert name not in after.buy_candidates
