"""The tuner: what to change in the four parameter files, on which evidence, and how to take it back.

`choose_executor` and `choose_number` propose from what is open; `confirm` and `confirm_number` ask the holdout, with a
grant; `tune_executor` and `tune_number` do a week of it; `watch_executor` takes back a change that disappoints.
"""

from alphalib.backtest.tune.apply import apply, rollback, settings_used
from alphalib.backtest.tune.change import choose_executor, confirm
from alphalib.backtest.tune.guard import Guardrails, Proposal
from alphalib.backtest.tune.number import choose_number, confirm_number
from alphalib.backtest.tune.questions import boost_question, veto_question, weight_question
from alphalib.backtest.tune.watch import adopted_returns, counterfactual_books, watch
from alphalib.backtest.tune.week import Week, tune_executor, tune_number, watch_executor

__all__ = [
    "Guardrails",
    "Proposal",
    "Week",
    "adopted_returns",
    "apply",
    "boost_question",
    "choose_executor",
    "choose_number",
    "confirm",
    "confirm_number",
    "counterfactual_books",
    "rollback",
    "settings_used",
    "tune_executor",
    "tune_number",
    "veto_question",
    "watch",
    "watch_executor",
    "weight_question",
]
