"""The one decision: portfolio, day and parameters in; orders and every reason out. docs/rules.md is its text."""

from alphalib.decision.book import order_book
from alphalib.decision.decide import decide
from alphalib.decision.history import Day, History, day_of, history
from alphalib.decision.outcome import Decision, Purchase, Refusal, Sale
from alphalib.decision.portfolio import Portfolio, Position

__all__ = [
    "Day",
    "Decision",
    "History",
    "Portfolio",
    "Position",
    "Purchase",
    "Refusal",
    "Sale",
    "day_of",
    "decide",
    "history",
    "order_book",
]
