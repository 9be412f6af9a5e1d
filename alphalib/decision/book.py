"""The order book: a decision as the artefact that the daemon trades and a person reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from alphalib.contracts import (
    ActiveStop,
    Blocked,
    Entry,
    Intraday,
    OrderBook,
    Prediction,
    Predictions,
    Triggers,
    UrgentExit,
)
from alphalib.decision.explain import reason
from alphalib.decision.history import RATINGS, Day
from alphalib.decision.outcome import Decision, Purchase, Sale
from alphalib.decision.portfolio import Portfolio
from alphalib.errors import InputError
from alphalib.market import SECTORS
from alphalib.params import ExecutorParams
from alphalib.scores import ConvictionCode, RegimeCode
from alphalib.sessions import next_session

_RATING_NAMES = {code: name for name, code in RATINGS.items()}


def order_book(
    decision: Decision,
    day: Day,
    portfolio: Portfolio,
    params: ExecutorParams,
    *,
    predictions: Predictions | None = None,
    inputs: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> OrderBook:
    """The decision for the session after it, with every reason.

    Parameters
    ----------
    decision : Decision
        What was decided.
    day, portfolio, params
        From what.
    predictions : contracts.Predictions, optional
        To show direction and confidence beside the entries.
    inputs : mapping, optional
        What was read: path to content hash.
    notes : sequence of str
        For people.
    """
    if decision.date != day.date:
        raise InputError(f"the decision is of {decision.date:%Y-%m-%d}, the day is {day.date:%Y-%m-%d}")
    portfolio.require_long("an order book")
    short = [p.ticker for p in decision.entries if p.shares < 0]
    if short:
        raise InputError(
            f"an order book sells nothing short, the decision wants {', '.join(short)}; backtest it instead"
        )
    score = dict(zip(day.tickers, day.names["score"], strict=True))
    unscored = [p.ticker for p in decision.entries if math.isnan(score[p.ticker])]
    if unscored:
        raise InputError(
            f"an order book shows research's score beside every entry, {', '.join(unscored)} has none on "
            f"{day.date:%Y-%m-%d}; let research follow it, or backtest this strategy instead"
        )
    predicted = {p.ticker: p for p in predictions.predictions} if predictions else {}
    stops = _stops(decision, day, portfolio, params)
    shown = {stop.ticker for stop in stops}
    missing = [t for t, _ in decision.stops if t not in shown]
    return OrderBook(
        date=f"{next_session(day.date):%Y-%m-%d}",
        decided_on=f"{day.date:%Y-%m-%d}",
        nav=decision.nav,
        drawdown=decision.drawdown,
        drawdown_multiplier=decision.multiplier,
        halted=decision.halted > 0,
        approved_entries=[_entry(p, decision, day, params, predicted.get(p.ticker)) for p in decision.entries],
        urgent_exits=[_sale(sale, day) for sale in decision.exits],
        active_stops=stops,
        intraday=Intraday(**{name: getattr(params, name) for name in Intraday.model_fields}),
        blocked=[
            Blocked(
                ticker=b.ticker,
                rule=b.rule,
                value=b.value,
                limit=b.limit,
                detail=reason(b.rule, b.value, b.limit),
            )
            for b in decision.blocked
        ],
        decision_hash=decision.hash,
        inputs=dict(inputs or {}),
        notes=[
            *_closed(decision, portfolio, params),
            *(f"{t} has no stop: its range is wider than its price" for t in missing),
            *notes,
        ],
    )


def _closed(decision: Decision, portfolio: Portfolio, params: ExecutorParams) -> list[str]:
    """Why the whole book enters nothing, as one note; none when it may."""
    if portfolio.killed:
        return ["no entries: the kill switch is on"]
    if decision.halted:
        return [f"no entries: halted after a drawdown, decision {decision.halted} of the halt"]
    change = decision.nav / portfolio.nav_before - 1.0 if portfolio.nav_before else 0.0
    if change <= -params.daily_loss_limit:
        return [f"no entries: {reason('daily_loss', -change, params.daily_loss_limit)}"]
    return []


def _entry(
    purchase: Purchase, decision: Decision, day: Day, params: ExecutorParams, predicted: Prediction | None
) -> Entry:
    name = day.names[day.tickers.get_loc(purchase.ticker)]
    close, sector = float(name["close"]), int(name["sector"])
    value = purchase.shares * close
    return Entry(
        ticker=purchase.ticker,
        shares=purchase.shares,
        current_price=close,
        dollar_size=value,
        position_pct=value / decision.nav,
        atr_value=_positive(name["atr"]),
        triggers=Triggers(
            pullback_pct=params.pullback_pct,
            vwap_discount=params.vwap_discount_pct,
            support_level=_positive(name["low"] * (1 + params.support_pct)),
            support_floor=_positive(name["low"]),
            expiry_minutes_before_close=params.expiry_minutes_before_close,
        ),
        research_score=float(name["score"]),
        research_conviction=_word(ConvictionCode(name["conviction"])),
        sector=SECTORS[sector] if sector >= 0 else "Unknown",
        sector_rating=_RATING_NAMES[int(name["rating"])],
        market_regime=_word(RegimeCode(day.moment.regime)),
        price_target_upside=_known(name["upside"]),
        predicted_direction=predicted.predicted_direction if predicted else "FLAT",
        prediction_confidence=predicted.prediction_confidence if predicted else 0.0,
        sizing_factors=dict(purchase.factors),
        bound_by=purchase.bound_by or None,
    )


def _sale(sale: Sale, day: Day) -> UrgentExit:
    return UrgentExit(
        ticker=sale.ticker,
        signal=sale.signal,
        shares=sale.shares,
        reason=sale.rule,
        detail=reason(sale.rule, sale.value, sale.limit),
        current_price=_positive(day.names["close"][day.tickers.get_loc(sale.ticker)]),
    )


def _stops(decision: Decision, day: Day, portfolio: Portfolio, params: ExecutorParams) -> list[ActiveStop]:
    """Stops of what stays, for the shares left after a reduction; a range wider than the price leaves none."""
    held = {position.ticker: position for position in portfolio.positions}
    sold = {sale.ticker: sale.shares for sale in decision.exits}
    stops = []
    for ticker, price in decision.stops:
        position, trail = held[ticker], _positive(day.names["atr"][day.tickers.get_loc(ticker)])
        if price > 0:
            stops.append(
                ActiveStop(
                    ticker=ticker,
                    entry_price=position.cost,
                    current_stop=price,
                    trail_atr=trail,
                    atr_multiple=params.atr_multiplier if trail else None,
                    high_water=position.high_water,
                    entry_date=f"{position.entry_date:%Y-%m-%d}",
                    shares=position.shares - sold.get(ticker, 0),
                    intraday_profit_taken=position.intraday_profit_taken,
                )
            )
    return stops


def _word(code: ConvictionCode | RegimeCode) -> Any:
    return code.name.lower()


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _positive(value: float) -> float | None:
    return float(value) if value > 0 else None
