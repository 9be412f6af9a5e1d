"""The desk: scanner, analyst and population together, for one session or a whole history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalib.contracts import Signals
from alphalib.errors import InputError
from alphalib.market import SECTORS, Market, Panel
from alphalib.params import ResearchParams, ScoringWeights
from alphalib.research.analyst import ANALYST, Scorecard, rationale, scorecard
from alphalib.research.outlook import RATINGS, sector_views
from alphalib.research.population import Change, rotate
from alphalib.research.scanner import scan_at
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode, SignalPanels
from alphalib.sessions import week_ends
from alphalib.store import checked

ABSENT = {
    "qual": "no language model was used; the weight of the qualitative sub-score went to the quantitative one",
    "price_target_upside": "the rule-based analyst sets no price targets",
}


def signals(market: Market, *, previous: Signals | None, weights: ScoringWeights, params: ResearchParams) -> Signals:
    """What research thinks of every scored name at the market's last session.

    Parameters
    ----------
    market : Market
        Known up to the session that is scored.
    previous : Signals, optional
        Of the week before: its population is the one that rotates. Without it the population of the week before is
        the one that these rules would have led to from the market's first week on, so that a first run goes on where
        `signal_history` is.
    weights, params : ScoringWeights, ResearchParams
        The tuned files.

    Raises
    ------
    InputError
        When `previous` is not from before the session.
    ContractError
        When the result would be nonsense, such as a market in which no name can be scored.
    """
    if previous is not None and pd.Timestamp(previous.date) >= market.last:
        raise InputError(f"the previous signals must be from before {market.last:%Y-%m-%d}, got {previous.date}")
    weeks = week_ends(market.sessions[:-1])
    card = scorecard(market, weights, params, weeks[-1:].append(market.sessions[-1:]))
    row = len(card.rows) - 1
    followed = _led_to(market, weights, params) if previous is None else previous.population
    population, changes = _population(card, row, followed, params)
    codes = _signal_codes(card, row, population, followed, params)
    scan = scan_at(market, card.checks, card.rows, row)
    sector = market.sector.where(market.sector >= 0).ffill().iloc[-1]  # the last known, for a name that lost its own
    universe = [
        _entry(card, ticker, SignalCode(code), SECTORS[int(sector[ticker])], params)
        for ticker, code in zip(market.tickers, codes, strict=True)
        if code != SignalCode.NONE
    ]
    universe.sort(key=lambda entry: (-(entry["score"] or 0.0), entry["ticker"]))
    content = {
        "date": f"{market.last:%Y-%m-%d}",
        "market_regime": RegimeCode(card.regime.iloc[-1]).name.lower(),
        "sector_ratings": {name: view.model_dump() for name, view in sector_views(market, card.ratings).items()},
        "sector_modifiers": {str(name): round(float(m), 4) for name, m in card.modifiers.iloc[-1].items()},
        "universe": universe,
        "buy_candidates": [e["ticker"] for e in universe if e["rating"] == "BUY" and card.passed[e["ticker"]].iloc[-1]],
        "population": population,
        "population_changes": [asdict(change) for change in changes],
        "scanner": {
            "members": len(scan.table),
            "passed": len(scan.candidates),
            "rejected": scan.rejected,
            "off": scan.off,
            "alarms": list(scan.alarms),
        },
        "absent": ABSENT,
        "analyst": ANALYST,
        "buy_score": params.buy_score,
        "sell_score": params.sell_score,
    }
    return checked(content, Signals, name=f"signals of {market.last:%Y-%m-%d}")


def signal_history(market: Market, weights: ScoringWeights, params: ResearchParams) -> SignalPanels:
    """Signals made at every week's end and carried to the next, as if the desk had worked through the whole history.

    Returns
    -------
    SignalPanels
        Row t of a week's end is what `signals` says of the market cut at t, given the population of the week before.
    """
    card = scorecard(market, weights, params, week_ends(market.sessions))
    codes = np.zeros(card.score.shape, dtype=np.int8)
    population: list[str] = []
    for row in range(len(card.rows)):
        followed = population
        population, _ = _population(card, row, followed, params)
        codes[row] = _signal_codes(card, row, population, followed, params)
    week = card.rows.searchsorted(market.sessions, side="right") - 1
    made = np.append(market.sessions.get_indexer(card.rows), 0)[week]
    age = np.where(week >= 0, np.arange(len(week)) - made, -1)

    def carried(panel: Panel, before: float) -> Panel:
        values = np.vstack([panel.to_numpy(), np.full((1, panel.shape[1]), before, panel.dtypes.iloc[0])])
        return pd.DataFrame(values[week], index=market.sessions, columns=panel.columns)

    regimes = np.append(card.regime.to_numpy(), np.int8(RegimeCode.NEUTRAL))[week]
    return SignalPanels(
        score=carried(card.score, np.nan),
        signal=carried(pd.DataFrame(codes, index=card.rows, columns=market.tickers), SignalCode.NONE),
        conviction=carried(card.conviction, ConvictionCode.STABLE),
        upside=pd.DataFrame(np.nan, index=market.sessions, columns=market.tickers),
        sector_rating=carried(card.ratings, 0),
        regime=pd.Series(regimes, index=market.sessions, name="regime"),
        age=pd.Series(age, index=market.sessions, name="age"),
    )


def _led_to(market: Market, weights: ScoringWeights, params: ResearchParams) -> list[str]:
    """The population after the last week that ended before the market's last session."""
    card = scorecard(market, weights, params, week_ends(market.sessions[:-1]))
    population: list[str] = []
    for row in range(len(card.rows)):
        population, _ = _population(card, row, population, params)
    return population


def _population(
    card: Scorecard, row: int, followed: Sequence[str], params: ResearchParams
) -> tuple[list[str], list[Change]]:
    """The population after one row of the scorecard; only names that passed the scan may come in."""
    names = card.score.columns
    scores = card.score.iloc[row][card.universe.iloc[row].to_numpy()]
    return rotate(followed, scores, params, challengers=list(names[card.passed.iloc[row].to_numpy()]))


def _signal_codes(
    card: Scorecard, row: int, population: Sequence[str], followed: Sequence[str], params: ResearchParams
) -> NDArray[np.int8]:
    """`SignalCode` of every name: ENTER a followed BUY that passed, EXIT a SELL or a name no longer followed."""
    score, names = card.score.iloc[row].to_numpy(), card.score.columns
    inside, left = names.isin(population), names.isin(sorted(set(followed) - set(population)))
    enter = inside & (score >= params.buy_score) & card.passed.iloc[row].to_numpy()
    leave = left | (score <= params.sell_score)
    codes = np.select(
        [leave, enter, ~np.isnan(score) | inside], [SignalCode.EXIT, SignalCode.ENTER, SignalCode.HOLD], SignalCode.NONE
    )
    return codes.astype(np.int8)


def _entry(card: Scorecard, ticker: str, signal: SignalCode, sector: str, params: ResearchParams) -> dict[str, Any]:
    """One name of the artefact; without a score it is up for review, not neutral."""
    score, boost = float(card.score[ticker].iloc[-1]), float(card.boost[ticker].iloc[-1])
    readable = not np.isnan(score)
    return {
        "ticker": ticker,
        "signal": signal.name,
        "score": score if readable else None,
        "rating": _rating(score, params),
        "conviction": ConvictionCode(card.conviction[ticker].iloc[-1]).name.lower(),
        "sector": sector,
        "sector_rating": RATINGS[int(card.ratings[sector].iloc[-1])],
        "price_target_upside": None,
        "sub_scores": {"quant": float(card.quant[ticker].iloc[-1]) if readable else None, "qual": None},
        "boosts": {"post_earnings_drift": boost} if readable and boost else {},
        "thesis_summary": rationale(card, ticker, sector) if readable else "Could not be scored at this session.",
    }


def _rating(score: float, params: ResearchParams) -> str:
    if np.isnan(score):
        return "REVIEW"
    return "BUY" if score >= params.buy_score else "SELL" if score <= params.sell_score else "HOLD"
