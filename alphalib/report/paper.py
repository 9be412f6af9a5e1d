"""The section on paper trading: what the account did beside SPY, its last sessions, and what filled in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from alphalib.report import words
from alphalib.report.execution import paper_words
from alphalib.report.inputs import WeeklyInputs

View = dict[str, Any]

SESSIONS = 5
"""Looked back on. [sessions]"""

_ROWS = 12  # orders that are shown; the rest is counted


def paper(inputs: WeeklyInputs) -> View | None:
    """Sentences, the last sessions and their filled orders; None before the first session was settled."""
    account, orders = inputs.account, inputs.paper
    unreadable = [
        said for part in ("account", "paper") if (said := inputs.missing.get(part, "")).startswith("not read")
    ]
    if unreadable:
        return {"sentences": [], "absent": unreadable, "days": [], "orders": [], "more": ""}
    if account is None or account.empty:
        return None
    lately = account.tail(SESSIONS)
    empty = pd.DataFrame(columns=["date", "fill_time", "filled_shares", "slippage_vs_trigger_bps"])
    orders = empty if orders is None else orders
    filled = orders[orders["date"].isin(lately["date"]) & orders["filled_shares"].notna()]
    latest = filled.sort_values(["date", "fill_time"], ascending=False, kind="stable").head(_ROWS)
    return {
        "sentences": paper_words(account, orders, sessions=SESSIONS),
        "absent": [],
        "days": [_day(row) for row in lately.iloc[::-1].to_dict("records")],
        "orders": [_order(row) for row in latest.to_dict("records")],
        "more": f"The latest {len(latest)} of {len(filled)}." if len(filled) > len(latest) else "",
    }


def _day(row: Mapping[Any, Any]) -> View:
    ours, spy, alpha = (_percent(row[c]) for c in ("daily_return_pct", "spy_return_pct", "daily_alpha_pct"))
    nav = words.money(row["portfolio_nav"])
    return {"date": words.week_day(row["date"]), "nav": nav, "ours": ours, "spy": spy, "alpha": alpha}


def _order(row: Mapping[Any, Any]) -> View:
    entered = row["action"] == "ENTER"
    reason = str(row["trigger_type"] if entered else row["exit_reason"])
    return {
        "ticker": row["ticker"],
        "why": words.TRIGGERS.get(reason) or words.rule(reason),
        "date": words.week_day(row["date"]),
        "order": "buy" if entered else "sell",
        "shares": words.number(row["filled_shares"], digits=0),
        "price": words.number(row["fill_price"]),
        "against": words.number(row["slippage_vs_trigger_bps"], digits=1, signed=True),
    }


def _percent(value: float | None) -> str:
    """A number that is in percent already, as the record has it."""
    return words.percent(None if value is None else value / 100.0, digits=2, signed=True)
