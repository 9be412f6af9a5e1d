"""The rule-based analyst: scores from features, by formulas that can be read. No language model is used.

score = quant + 10 · (sector modifier − 1) / 0.30 + boosts, within 0 and 100. The quantitative sub-score is half the
technical score, which knows whether times are good, and half the name's place among its peers of that date, which
does not. There is no qualitative sub-score, so its weight goes to the quantitative one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalib.market import Market, Panel
from alphalib.params import ResearchParams, ScoringWeights
from alphalib.research.outlook import regime, sector_modifiers, sector_ratings
from alphalib.research.readings import Readings, complete, readings, technical_score
from alphalib.research.scanner import Check, passing, scan_checks
from alphalib.scores import ConvictionCode, composite

ANALYST = "rule-based analyst, no language model"

PLACES = {
    "momentum_252_21": 1.0,
    "distance_from_52w_high": 1.0,
    "momentum_5": -1.0,
    "realized_volatility_20": -1.0,
}
"""What the place among peers is made of, and which way: last year's winners near their high, calm, not just run up."""

RISING_SCORE, DECLINING_SCORE = 70.0, 40.0
CONVICTION_CHANGE = 10.0


@dataclass(frozen=True, eq=False)
class Scorecard:
    """All that the analyst says of every name, at some sessions.

    Parameters
    ----------
    score : Panel
        Composite score, to two decimals; NaN where the name could not be scored. [0–100]
    quant : Panel
        Quantitative sub-score. [0–100]
    boost : Panel
        Points for the drift after earnings. [0–100]
    conviction : Panel
        `ConvictionCode`, from the score and its change since the row before. [int8]
    passed : Panel
        Whether the name passed the scan. [bool]
    universe : Panel
        Whether the name is a listed member of a known sector. [bool]
    modifiers, ratings : Panel
        Of the sectors; see `outlook`.
    regime : Series
        `RegimeCode`. [int8]
    read : dict of Panel
        What was read.
    checks : list of Check
        The scanner's rules.
    """

    score: Panel
    quant: Panel
    boost: Panel
    conviction: Panel
    passed: Panel
    universe: Panel
    modifiers: Panel
    ratings: Panel
    regime: pd.Series
    read: Readings
    checks: list[Check]

    @property
    def rows(self) -> pd.DatetimeIndex:
        """Sessions scored."""
        return pd.DatetimeIndex(self.score.index)


def scorecard(market: Market, weights: ScoringWeights, params: ResearchParams, rows: pd.DatetimeIndex) -> Scorecard:
    """Score every name at the sessions `rows`, each row from what was known at its close.

    Only the change that conviction counts looks across rows: to the one before.
    """
    read = readings(market, rows)
    state = regime(market).loc[rows]
    modifiers = sector_modifiers(market).loc[rows]
    member, sector = market.member.loc[rows], market.sector.loc[rows]
    universe = member & market.listed.loc[rows] & (sector >= 0)
    scored = universe & market.tradable.loc[rows] & complete(read)
    quant = quant_score(read, state, scored)
    boost = earnings_boost(read, params)
    points = composite(
        quant.to_numpy(),
        np.full(quant.shape, np.nan),
        weights=weights,
        modifier=np.take_along_axis(modifiers.to_numpy(), np.maximum(sector.to_numpy(), 0).astype(np.intp), axis=1),
        boosts=boost.to_numpy(),
        max_boost=params.max_boost,
    )
    # Two decimals are all that the rules deserve, and no threshold hangs on the order of a sum.
    score = pd.DataFrame(np.round(points, 2), index=rows, columns=market.tickers)
    checks = scan_checks(market, read, state, params)
    return Scorecard(
        score=score,
        quant=quant.round(2),
        boost=boost,
        conviction=conviction(score, score.diff()),
        passed=pd.DataFrame(passing(member.to_numpy(), checks), index=rows, columns=market.tickers),
        universe=universe,
        modifiers=modifiers,
        ratings=sector_ratings(modifiers),
        regime=state,
        read=read,
        checks=checks,
    )


def quant_score(read: Readings, state: pd.Series, scored: Panel) -> Panel:
    """Half technical score, half percentile among the scored names of the mean percentile of `PLACES`.

    Parameters
    ----------
    read : Readings
        Features at the rows wanted.
    state : Series
        Regime at the same rows.
    scored : Panel
        Which names are peers. [bool]

    Returns
    -------
    Panel
        NaN where `scored` is not. [0–100]
    """
    places = [_percentile((sign * read[name]).where(scored)) for name, sign in PLACES.items()]
    total: Panel = sum(places[1:], start=places[0])
    return 0.5 * technical_score(read, state).where(scored) + 50.0 * _percentile(total)


def earnings_boost(read: Readings, params: ResearchParams) -> Panel:
    """Points for the drift after earnings: full from a surprise of `pead_surprise`, half from half of it.

    Returns
    -------
    Panel
        Between −`pead_boost` and +`pead_boost`; 0 without a report in the last `pead_sessions`. [points]
    """
    fresh = read["days_since_earnings"] <= params.pead_sessions
    surprise = read["earnings_surprise_60"].where(fresh).fillna(0.0)
    size = surprise.abs()
    half, full = size >= params.pead_surprise / 2, size >= params.pead_surprise
    return np.sign(surprise) * params.pead_boost * (0.5 * half.astype(float) + 0.5 * full.astype(float))


def conviction(score: Panel, change: Panel) -> Panel:
    """Where the conviction is going: declining below 40 or after losing 10 points, rising from 70 or after gaining 10.

    Parameters
    ----------
    score : Panel
        Composite score. [0–100]
    change : Panel
        Its change since the week before; NaN counts as none. [points]

    Returns
    -------
    Panel
        `ConvictionCode`; a loss outweighs a high score, and a name without a score is stable. [int8]
    """
    codes = np.select(
        [
            (score < DECLINING_SCORE) | (change <= -CONVICTION_CHANGE),
            (score >= RISING_SCORE) | (change >= CONVICTION_CHANGE),
        ],
        [ConvictionCode.DECLINING, ConvictionCode.RISING],
        ConvictionCode.STABLE,
    )
    return pd.DataFrame(codes.astype(np.int8), index=score.index, columns=score.columns)


def rationale(card: Scorecard, ticker: str, sector: str) -> str:
    """One sentence of numbers behind a name's score at the last row."""
    now = {name: panel[ticker].iloc[-1] for name, panel in card.read.items()}
    parts = [
        f"12-month momentum {now['momentum_252_21']:+.0%}",
        f"20 sessions {now['momentum_20']:+.1%}",
        f"{now['price_vs_ma200']:+.1%} against the 200-session mean",
        f"RSI {now['rsi_14']:.0f}",
        f"volatility {now['realized_volatility_20']:.0%}",
        f"{sector} modifier {card.modifiers[sector].iloc[-1]:.2f}",
    ]
    boost = card.boost[ticker].iloc[-1]
    if boost:
        surprise, age = now["earnings_surprise_60"], int(now["days_since_earnings"])
        parts.append(f"earnings surprise {surprise:+.1%} {age} sessions ago, boost {boost:+g}")
    return f"Quant {card.quant[ticker].iloc[-1]:.0f}: {', '.join(parts)}."


def _percentile(values: Panel) -> Panel:
    """Place in the row: 0 for the lowest, 1 for the highest, ½ when alone; ties share theirs."""
    rank = values.rank(axis=1) - 1.0
    others = values.count(axis=1) - 1.0
    return rank.div(others.where(others > 0), axis=0).where(others > 0, 0.5, axis=0).where(values.notna())
