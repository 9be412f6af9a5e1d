"""The session's orders as rows of `trades_full.csv`: what was decided, what it waited for, what it got."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from alphalib.contracts import Entry, OrderBook, Predictions, Signal, Signals, UrgentExit
from alphalib.contracts.account import TradeRow
from alphalib.execute.account.round_trips import Realised, Sent, slippage_bps
from alphalib.execute.broker import Side
from alphalib.sessions import sessions_from


@dataclass(frozen=True)
class Decided:
    """What stood behind the session's orders.

    Parameters
    ----------
    book : OrderBook
        As it was planned.
    signals, predictions
        That it was planned from.
    """

    book: OrderBook
    signals: Signals
    predictions: Predictions | None

    def entry(self, ticker: str) -> Entry | None:
        """The book's entry of a name, if it has one."""
        return next((entry for entry in self.book.approved_entries if entry.ticker == ticker), None)

    def sale(self, ticker: str) -> UrgentExit | None:
        """The book's own sale of a name, if it has one."""
        return next((sale for sale in self.book.urgent_exits if sale.ticker == ticker), None)

    def signal(self, ticker: str) -> Signal | None:
        """What research said of a name, if anything."""
        return next((row for row in self.signals.universe if row.ticker == ticker), None)


def trade_rows(
    orders: Sequence[Sent],
    decided: Decided | None,
    *,
    session: pd.Timestamp,
    realised: Mapping[str, Realised],
    earlier: pd.DataFrame,
    closes: Mapping[str, float],
    spy: Callable[[datetime], float],
    created: str,
) -> list[TradeRow]:
    """One row an order, by when it was written down; entries that were never sent come last.

    Parameters
    ----------
    orders : sequence of Sent
        Of the session.
    decided : Decided, optional
        None for a session without a plan.
    session : Timestamp
        Which.
    realised : mapping of str to Realised
        By ref, from `walked`.
    earlier : DataFrame
        Rows of earlier sessions, where purchases are looked up.
    closes : mapping of str to float
        Last price of each name. [currency]
    spy : callable
        Price of SPY at a time; NaN when unknown. [currency]
    created : str
        When the account was read.
    """
    rows: list[TradeRow] = []
    bought = _purchases(earlier)
    for order in sorted(orders, key=lambda order: (order.at is None, order.at, order.ref)):
        row = _row(order, decided, session, closes, spy, created)
        if order.ref in realised:
            row = row.model_copy(update=_sold(order, realised[order.ref], row, bought.get(order.ticker), session))
        if order.side is Side.BUY and order.fills:
            bought[order.ticker] = row
        rows.append(row)
    return rows


def _row(
    order: Sent,
    decided: Decided | None,
    session: pd.Timestamp,
    closes: Mapping[str, float],
    spy: Callable[[datetime], float],
    created: str,
) -> TradeRow:
    first = order.fills[0].at if order.fills else None
    at_once = order.rule != "stop"  # which waits for its price
    waited = (first - order.at).total_seconds() * 1e3 if first and order.at and at_once else None
    price, buys = (order.paid if order.fills else None), order.side is Side.BUY
    against_signal = slippage_bps(order.side, price, order.decided) if price else None
    when = first or order.at
    return TradeRow(
        trade_id=order.ref,
        date=f"{session:%Y-%m-%d}",
        ticker=order.ticker,
        action=order.action,
        shares=order.shares,
        price_at_order=_known(order.price),
        fill_price=price,
        fill_time=first.isoformat(timespec="seconds") if first else None,
        ib_order_id=order.perm_id or None,
        status=order.state.value if order.at else "not sent",
        exit_reason=None if buys else order.rule,
        filled_shares=order.filled or None,
        execution_latency_ms=None if waited is None else round(waited),
        signal_price=_known(order.decided),
        trigger_price=_known(order.trigger_price),
        trigger_type=order.trigger or None,
        entry_trigger=(order.trigger or None) if buys else None,
        spy_price_at_order=_known(spy(when)) if when else None,
        slippage_vs_signal=None if against_signal is None else against_signal / 1e4,
        slippage_vs_signal_bps=against_signal,
        slippage_vs_trigger_bps=slippage_bps(order.side, price, order.trigger_price) if price else None,
        commission_usd=order.commission if order.fills else None,
        decided_shares=order.wanted,
        session_close=_known(closes.get(order.ticker)),
        trading_day=f"{session:%Y-%m-%d}",
        created_at=created,
        **(_context(order, decided) if decided else {}),
    )


def _context(order: Sent, decided: Decided) -> dict[str, Any]:
    """What was known of the name when it was decided."""
    book = decided.book
    said, entry, sale = decided.signal(order.ticker), decided.entry(order.ticker), decided.sale(order.ticker)
    told: dict[str, Any] = {
        "portfolio_nav_at_order": book.nav,
        "position_pct": order.shares * order.decided / book.nav if order.decided else None,
        "market_regime": decided.signals.market_regime,
        "signal_trading_day": book.decided_on,
        "signal_date": decided.signals.date,
        "prediction_date": decided.predictions.date if decided.predictions else None,
    }
    if said:
        told |= {
            "research_score": said.score,
            "research_conviction": said.conviction,
            "research_rating": said.rating,
            "sector": said.sector,
            "sector_rating": said.sector_rating,
            "price_target_upside": said.price_target_upside,
            "thesis_summary": said.thesis_summary or None,
        }
    reasons: dict[str, Any] = {"rule": order.rule}
    if order.side is Side.BUY and entry:
        told |= {
            "predicted_direction": entry.predicted_direction,
            "prediction_confidence": entry.prediction_confidence,
        }
        reasons |= {"bound_by": entry.bound_by, "sizing_factors": entry.sizing_factors}
    elif sale and sale.reason == order.rule:
        reasons |= {"detail": sale.detail}
    return told | {"rationale_json": json.dumps(reasons)}


def _sold(
    order: Sent, closed: Realised, row: TradeRow, bought: TradeRow | None, session: pd.Timestamp
) -> dict[str, Any]:
    """What a sale realised, and what SPY did meanwhile."""
    entry = bought if bought and bought.date == f"{closed.entry_date:%Y-%m-%d}" else None
    part = closed.shares / entry.filled_shares if entry and entry.filled_shares else 0.0
    fees = order.commission + part * ((entry.commission_usd or 0.0) if entry else 0.0)
    gained = 100.0 * (order.paid / closed.cost - 1.0)
    began = entry.spy_price_at_order if entry else None
    spy = 100.0 * (row.spy_price_at_order / began - 1.0) if row.spy_price_at_order and began else None
    return {
        "entry_trade_id": entry.trade_id if entry else None,
        "realized_pnl": closed.shares * (order.paid - closed.cost) - fees,
        "realized_return_pct": gained,
        "spy_return_during_hold": spy,
        "realized_alpha_pct": None if spy is None else gained - spy,
        "days_held": sessions_from(closed.entry_date, session),
        "entry_trigger": entry.trigger_type if entry else None,
    }


def _purchases(earlier: pd.DataFrame) -> dict[str, TradeRow]:
    """The last purchase of each name that filled."""
    done = earlier[(earlier["action"] == "ENTER") & (earlier["filled_shares"] > 0)].sort_values("date", kind="stable")
    rows = done.drop_duplicates("ticker", keep="last").to_dict("records")
    return {row["ticker"]: TradeRow(**{name: _plain(value) for name, value in row.items()}) for row in rows}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
