"""A week of the tuner: looks that the ledger counts, and what is done about what they propose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from alphalib.backtest.costs import Costs
from alphalib.backtest.evaluate.summary import LINEAGE
from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.run import Step, Sweep, first_scored, run_sweep
from alphalib.backtest.sweep.space import cell_name
from alphalib.backtest.tune.apply import apply, settings_used
from alphalib.backtest.tune.change import choose_executor, confirm
from alphalib.backtest.tune.guard import Guardrails, Proposal
from alphalib.backtest.tune.number import Question, choose_number, confirm_number, proposed_number
from alphalib.backtest.tune.report import proposal_row, proposed_file, watch_row
from alphalib.backtest.tune.space import executor_cells
from alphalib.backtest.tune.watch import (
    compared,
    counterfactual_books,
    counterfactual_path,
    roll_back_if_worse,
    watch,
)
from alphalib.contracts import TuneProposal, TuneWatch
from alphalib.decision.history import History
from alphalib.evidence.holdout import Grant, Sealed, holdout_line, seal
from alphalib.evidence.ledger import Ledger
from alphalib.evidence.promises import promise
from alphalib.params import ExecutorParams, Params
from alphalib.store import Store, parameters


@dataclass(frozen=True, eq=False)
class Week:
    """What the looks of one week share.

    Parameters
    ----------
    store, ledger : Store, Ledger
        Where files are, and where trials and grants are counted.
    asof : Timestamp
        Last session known.
    data_hash, code_version : str
        Provenance of the trials.
    seed : int
        Of draws and bootstrap. They are the same in all weeks of a quarter: 52 weeks are not 52 throws of the dice.
    apply_changes : bool
        Whether to use a grant that somebody gave, and write what it confirms; none is given here.
    forbidden : str, optional
        Why nothing may be promoted, as from `proof.calibration.promotion_allowed`.
    members : {"by date", "survivors only"}
        `Source.members` of the market: what was learnt from today's names looked at backwards changes nothing.
    guard : Guardrails
        Limits.
    """

    store: Store
    ledger: Ledger
    asof: pd.Timestamp
    data_hash: str
    code_version: str
    seed: int
    apply_changes: bool = False
    forbidden: str | None = None
    members: Literal["by date", "survivors only"] = "by date"
    guard: Guardrails = field(default_factory=Guardrails)

    @property
    def line(self) -> pd.Timestamp:
        """Up to which outcomes are open."""
        return holdout_line(self.asof)

    @property
    def obstacle(self) -> str | None:
        """Why nothing may be changed, whatever is found."""
        survivors = "today's members looked at backwards are not evidence"
        return survivors if self.members == "survivors only" else self.forbidden

    def rng(self, lineage: str) -> np.random.Generator:
        """Randomness of a lineage, the same all quarter."""
        return np.random.default_rng([self.seed, self.line.year, self.line.quarter, *lineage.encode()])


def watch_executor(
    week: Week, past: History, *, costs: Costs, cash: float, made_by: Mapping[str, Any]
) -> tuple[pd.DataFrame, list[TuneWatch]]:
    """Carry the counterfactual books on, and take the last change back when it is seen to be worse.

    Each book is a trial in the ledger, where its returns end at the line.

    Parameters
    ----------
    week : Week
        Where and when.
    past : History
        Up to `week.asof`.
    costs, cash, made_by
        As in `run_sweep`.

    Returns
    -------
    books, watches
        The table written as `backtest/{date}/counterfactual.parquet`, and one row where a change is in use.
    """
    used = settings_used(week.store, ExecutorParams)
    context = {**made_by, "costs": costs.model_dump(), "cash": cash}
    opened = week.ledger.open_trials(
        [{**context, ExecutorParams.__name__: rules.model_dump(mode="json")} for rules in compared(used).values()],
        lineage=LINEAGE,
        kind="backtest",
        data_hash=week.data_hash,
        code_version=week.code_version,
        asof=week.asof,
    )
    books = counterfactual_books(past, used, costs=costs, cash=cash)
    daily = books.set_index("date").pct_change().loc[past.sessions[first_scored(past)] : week.line].iloc[1:]
    book_of = dict(zip(opened, daily, strict=True))  # settings that are one are one trial
    finals = {
        trial: {"final_nav": books.set_index("date").loc[: week.line, name].iloc[-1]} for trial, name in book_of.items()
    }
    week.ledger.close_trials(finals, returns=pd.DataFrame({trial: daily[name] for trial, name in book_of.items()}))
    week.store.write_table(counterfactual_path(f"{week.asof:%Y-%m-%d}"), books)
    if used.adopted is None:
        return books, []
    by_date = books.set_index("date")
    seen = watch(by_date["tuned"], by_date["previous"], adopted=used.adopted)
    taken_back = roll_back_if_worse(week.store, ExecutorParams, seen, asof=week.asof)
    return books, [watch_row(seen, file=ExecutorParams.path, rolled_back=taken_back)]


def tune_executor(
    week: Week,
    past: History,
    *,
    settings: int,
    spy: pd.Series,
    costs: Costs,
    cash: float,
    made_by: Mapping[str, Any],
    n_jobs: int = 1,
    cluster: str | None = None,
    step: Step | None = None,
) -> tuple[TuneProposal, Sweep]:
    """Sweep settings around the one in use over what is open, propose, and do about it what may be done.

    Parameters
    ----------
    week : Week
        Where and when.
    past : History
        Up to `week.asof`; the sweep sees it up to the line.
    settings : int
        How many are compared, the one in use included.
    spy : Series
        Total-return index that alpha is measured against.
    costs, cash, made_by, n_jobs, cluster, step
        As in `run_sweep`.
    """
    rules, rng = parameters(week.store, ExecutorParams), week.rng(LINEAGE)
    cells = {cell_name(one): one for one in executor_cells(rules, settings, rng=rng)}
    sweep = run_sweep(
        past.until(week.line),
        list(cells.values()),
        ledger=week.ledger,
        store=week.store,
        name="tune",
        costs=costs,
        cash=cash,
        spy=spy,
        n_jobs=n_jobs,
        cluster=cluster,
        step=step,
        made_by=made_by,
        code_version=week.code_version,
    )
    own, trials = cell_name(rules), week.ledger.effective_count(LINEAGE)
    proposal = choose_executor(
        sweep.returns(),
        own,
        asof=week.asof,
        market=spy.pct_change(fill_method=None),
        trades=sweep.trades(),
        trials=trials,
        rng=rng,
        guard=week.guard,
    )
    better = cells[proposal.candidate] if proposal.candidate else rules

    def confirmed(found: Proposal, grant: Grant) -> Proposal:
        books = {
            cell_name(one): simulate(past, one, costs=costs, cash=cash).nav.pct_change() for one in (rules, better)
        }
        sealed = seal(pd.DataFrame(books), ends=past.sessions, line=week.line)
        held = confirm(found, sealed, grant, rng=rng, guard=week.guard)
        if held.passed:  # promised before it is written: what is in use has promised something
            daily, subject = books[cell_name(better)].loc[sweep.sessions[0] :], cell_name(better)
            promised = promise(daily, block=21, rng=rng, measure="sharpe")
            week.ledger.add_promise(promised, lineage=LINEAGE, subject=subject, asof=week.asof, measure="sharpe")
        return held

    trial = str(sweep.table.loc[proposal.candidate or own, "trial"])
    row = _settled(week, proposal, rules, better, trials=trials, trial=trial, confirmed=confirmed)
    return row, sweep


def tune_number(week: Week, question: Question, outcomes: Sealed[pd.DataFrame], file: Params) -> TuneProposal:
    """Count every value in the ledger, judge them on what is open, propose, and do about it what may be done.

    Parameters
    ----------
    week : Week
        Where and when.
    question : Question
        Which number.
    outcomes : Sealed
        By date and name. [fraction]
    file : Params
        Parameter file in use.
    """
    known, rng = outcomes.open, week.rng(question.lineage)
    judged = question.quality(question.current, known).notna().any()
    values = (question.current, *question.values) if judged else ()  # without outcomes nothing is tried
    opened = _tried(week, question, values, known)
    proposed = proposed_number(question, outcomes, guard=week.guard) if judged else None
    if proposed is not None and proposed not in opened:  # part of the way to the best one: a number of its own
        opened |= _tried(week, question, (proposed,), known)
    trials = week.ledger.effective_count(question.lineage)
    proposal = choose_number(question, outcomes, asof=week.asof, trials=trials, rng=rng, guard=week.guard)

    def confirmed(found: Proposal, grant: Grant) -> Proposal:
        return confirm_number(question, found, outcomes, grant, rng=rng, guard=week.guard)

    after, looked_at = proposed_file(proposal, file), float(proposal.candidate or question.current)
    trial = opened.get(looked_at, "")
    return _settled(week, proposal, file, after, trials=trials, trial=trial, confirmed=confirmed)


def _tried(week: Week, question: Question, values: Sequence[float], known: pd.DataFrame) -> dict[float, str]:
    """Ids of the trials of values, each counted before its quality is known."""
    opened = week.ledger.open_trials(
        [{"value": value, "horizon": question.horizon} for value in values],
        lineage=question.lineage,
        kind="tuned number",
        data_hash=week.data_hash,
        code_version=week.code_version,
        asof=week.asof,
    )
    for trial, value in zip(opened, values, strict=True):
        quality = question.quality(value, known)
        week.ledger.close_trial(trial, metrics={"quality": float(quality.mean())}, returns=quality)
    return dict(zip(values, opened, strict=True))


def _settled(
    week: Week,
    proposal: Proposal,
    before: Params,
    looked_at: Params,
    *,
    trials: float,
    trial: str,
    confirmed: Callable[[Proposal, Grant], Proposal],
) -> TuneProposal:
    """Nothing, or ask the holdout with a grant, and write what it confirms."""
    note, applied = "", False
    if proposal.passed and week.obstacle:
        note = week.obstacle
    elif proposal.passed and not week.apply_changes:
        note = "waits: nothing is applied in this run"
    elif proposal.passed:
        grant = week.ledger.take_grant(proposal.lineage, asof=proposal.asof, trial=trial)
        note = "" if grant else _waits(week, proposal.lineage)
        if grant:
            proposal = confirmed(proposal, grant)
        if grant and proposal.passed:
            apply(week.store, proposal, looked_at, grant=grant)
            applied = True
    return proposal_row(proposal, before, looked_at, trials=trials, applied=applied, note=note)


def _waits(week: Week, lineage: str) -> str:
    if week.ledger.may_give(lineage, asof=week.asof):
        return f"waits for a grant of {lineage!r} in this quarter"
    return "the grant of this quarter was used for another look; waits for the next quarter's"
