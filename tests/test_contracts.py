"""Artefacts that break their schema are rejected with one message a fault."""

import json
from typing import Any

import pandas as pd
import pytest

from alphalib.contracts import OrderBook, Predictions, Signals, require_fresh
from alphalib.errors import ContractError
from alphalib.store import checked


def entry(ticker: str, score: float | None, **changes: Any) -> dict[str, Any]:
    rating = "REVIEW" if score is None else "BUY" if score >= 70 else "SELL" if score <= 40 else "HOLD"
    signal = {"BUY": "ENTER", "SELL": "EXIT"}.get(rating, "HOLD")
    return {
        "ticker": ticker,
        "signal": signal,
        "score": score,
        "rating": rating,
        "conviction": "stable",
        "sector": "Energy",
        "sector_rating": "overweight",
        "price_target_upside": 0.1,
        "thesis_summary": "because",
    } | changes


def signals(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "date": "2024-03-08",
        "market_regime": "neutral",
        "sector_ratings": {"Energy": {"rating": "overweight", "rationale": "x"}},
        "sector_modifiers": {"Energy": 1.1},
        "universe": list(entries) or [entry("AAA", 75), entry("BBB", 50), entry("CCC", 30)],
        "buy_candidates": ["AAA"],
    } | changes


def faults(content: dict[str, Any], contract: Any = Signals) -> str:
    with pytest.raises(ContractError) as caught:
        checked(content, contract, name="artefact")
    return "\n".join(caught.value.faults)


def test_a_sound_artefact_passes_and_keeps_fields_it_does_not_know():
    artefact = checked(signals(run_by="cron"), Signals, name="signals")
    assert artefact.model_dump()["run_by"] == "cron"
    assert artefact.at() == "signals/2024-03-08/signals.json"


def test_candidates_of_the_seed_are_objects():
    assert checked(signals(buy_candidates=[{"ticker": "AAA"}]), Signals, name="signals").buy_candidates == ["AAA"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (signals(entry("AAA", 75, sector="Healthcare"), entry("BBB", 50)), "GICS calls it 'Health Care'"),
        (signals(entry("AAA", 75, sector_rating="underweight")), "AAA has sector_rating underweight, its sector"),
        (signals(entry("AAA", 55, rating="BUY", signal="HOLD")), "score 55 and rating BUY; that score is a HOLD"),
        (signals(entry("AAA", 75), entry("BBB", 50, signal="ENTER")), "BBB is to ENTER with rating HOLD"),
        (signals(*[entry(f"A{n}", 80) for n in range(9)], buy_candidates=[]), "all 9 names are to ENTER"),
        (signals(entry("AAA", 75, price_target_upside=None)), "price_target_upside is missing in all 1 names"),
        (signals(entry("AAA", 75, sub_scores={"qual": None})), r"qual is missing in all 1 names and absent['qual']"),
        (signals(entry("AAA", 75), entry("AAA", 75)), "AAA appears more than once"),
        (signals(date="2024-03-09"), "2024-03-09 is not a session"),
        (signals(buy_candidates=["ZZZ"]), "ZZZ is a buy candidate but is not in universe"),
        (signals(universe=[]), "universe is empty"),
    ],
)
def test_d42_nonsense_is_rejected(content, fault):
    assert fault in faults(content)


def test_d42_two_faults_are_two_messages():
    content = signals(entry("AAA", 55, rating="BUY", signal="HOLD", sector="Healthcare"), buy_candidates=[])
    assert len(faults(content).splitlines()) == 2


def test_an_absence_with_a_reason_is_no_fault():
    content = signals(entry("AAA", 75, price_target_upside=None), absent={"price_target_upside": "no analyst targets"})
    assert checked(content, Signals, name="signals").universe[0].price_target_upside is None


def test_d43_no_score_is_review_never_a_neutral_rating():
    assert "must be rated REVIEW, not HOLD" in faults(signals(entry("AAA", None, rating="HOLD"), entry("BBB", 75)))


def test_d42_a_stale_artefact_is_rejected():
    artefact = checked(signals(), Signals, name="signals")
    assert require_fresh(artefact, asof=pd.Timestamp("2024-03-15"), within=5) == 5
    with pytest.raises(ContractError, match=r"6 session\(s\) before 2024-03-18; at most 5 old"):
        require_fresh(artefact, asof=pd.Timestamp("2024-03-18"), within=5)
    with pytest.raises(ContractError, match="after"):
        require_fresh(artefact, asof=pd.Timestamp("2024-03-07"), within=5)


def prediction(number: int, direction: str, *, veto: bool = False) -> dict[str, Any]:
    return {
        "ticker": f"A{number}",
        "predicted_direction": direction,
        "prediction_confidence": 0.5,
        "predicted_alpha": 0.0,
        "combined_rank": number + 1,
        "gbm_veto": veto,
    }


def test_without_a_model_nothing_may_act():
    content = {
        "date": "2024-03-08",
        "model_version": "none",
        "n_predictions": 1,
        "predictions": [prediction(0, "DOWN")],
    }
    assert "no model is in use, yet 1 name(s) have a direction or a veto, A0 first" in faults(content, Predictions)


def test_d34_one_sided_predictions_stop_for_review():
    rows = [prediction(n, "DOWN" if n < 18 else "UP") for n in range(20)]
    content = {"date": "2024-03-08", "model_version": "v1", "n_predictions": 20, "predictions": rows}
    assert "18 of 20 names are DOWN: one-sided" in faults(content, Predictions)


def test_a_book_is_for_the_session_after_its_decision():
    book = {
        "date": "2024-03-11",
        "decided_on": "2024-03-07",
        "nav": 1e6,
        "drawdown": 0.0,
        "drawdown_multiplier": 1.0,
        "approved_entries": [],
        "urgent_exits": [],
        "active_stops": [],
        "decision_hash": "0",
    }
    assert "is decided on the session before it, got 2024-03-07" in faults(book, OrderBook)
    assert json.loads(checked(book | {"decided_on": "2024-03-08"}, OrderBook, name="book").model_dump_json())
