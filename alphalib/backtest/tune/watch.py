"""Whether a change disappoints: the tuned book beside the one before it, looked at as often as one likes.

Both are simulated, because a live book differs from a simulated one by its slippage alone. What came after the line is
read here without a grant: nothing is chosen by it, a change is at most taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from alphalib.backtest.costs import Costs
from alphalib.backtest.simulate import simulate
from alphalib.backtest.sweep.space import cell_name
from alphalib.backtest.tune.apply import Settings, rollback, settings_applied
from alphalib.backtest.tune.paired import equal_risk_difference
from alphalib.decision.decide import require_windows
from alphalib.decision.history import History
from alphalib.errors import InputError
from alphalib.evidence.sequential import first_alarm, worse_evidence
from alphalib.params import ExecutorParams
from alphalib.sessions import SESSIONS_PER_YEAR, Day
from alphalib.store import Store

FALSE_ALARMS = 0.05
"""Probability of ever taking back a change that is no worse than what it replaced. [probability]"""

FEWEST_BEFORE = 252


@dataclass(frozen=True, eq=False)
class Watch:
    """A change in use, watched.

    Parameters
    ----------
    adopted : Timestamp
        Session of the change.
    evidence : Series
        By what factor a sceptic's capital has grown, by session since; an alarm at 1 / `alpha`. [ratio]
    difference : float
        Sharpe ratio over that of the book before it, at equal risk, since the change; NaN before two sessions.
        [per √year]
    alarm : Timestamp or None
        First session at which it was raised.
    alpha : float
        Its false-alarm rate. [probability]
    """

    adopted: pd.Timestamp
    evidence: pd.Series
    difference: float
    alarm: pd.Timestamp | None
    alpha: float

    def __str__(self) -> str:
        now = float(self.evidence.iloc[-1]) if len(self.evidence) else 1.0
        state = f"alarm on {self.alarm:%Y-%m-%d}" if self.alarm is not None else "no alarm"
        return (
            f"changed on {self.adopted:%Y-%m-%d}, {len(self.evidence)} sessions ago: evidence {now:.2f} of "
            f"{1 / self.alpha:g} that it is worse, {state} (false alarms ever: {self.alpha:.0%})"
        )


def watch(tuned: pd.Series, previous: pd.Series, *, adopted: Day, alpha: float = FALSE_ALARMS) -> Watch:
    """Compare the two books since the change.

    Parameters
    ----------
    tuned, previous : Series
        NAV of the book in use and of the one before it, both simulated over the whole history. [currency]
    adopted : Day
        Session of the change; both books' returns until then tell how large differences are.
    alpha : float
        Probability of ever raising a false alarm. [probability]

    Raises
    ------
    InputError
        With fewer than 252 sessions before the change.

    Notes
    -----
    The books are compared at the risks they had before the change, so that one that holds less loses nothing by it;
    the e-process is `evidence.sequential.worse_evidence`.
    """
    day = pd.Timestamp(adopted)
    returns = pd.DataFrame({"tuned": tuned, "previous": previous}).pct_change(fill_method=None).dropna()
    before, since = returns.loc[:day], returns.loc[returns.index > day]
    if len(before) < FEWEST_BEFORE:
        raise InputError(f"a watch needs {FEWEST_BEFORE} sessions before the change, got {len(before)}")
    risk = before["previous"].std() / before["tuned"].std() if before["tuned"].std() > 0 else 1.0
    past, now = (part["tuned"] * risk - part["previous"] for part in (before, since))
    evidence = worse_evidence(now, before=past) if float((past**2).sum()) > 0 else 0.0 * now + 1.0
    ahead = equal_risk_difference(since[["tuned"]].to_numpy(), since["previous"].to_numpy()) if len(since) > 2 else None
    return Watch(
        adopted=day,
        evidence=evidence,
        difference=float("nan") if ahead is None else float(ahead.mean()) * SESSIONS_PER_YEAR**0.5,
        alarm=first_alarm(evidence, alpha=alpha),
        alpha=alpha,
    )


def roll_back_if_worse(store: Store, kind: type[ExecutorParams], found: Watch, *, asof: Day) -> bool:
    """Take the change back when the alarm was raised; whether it was."""
    if found.alarm is None:
        return False
    rollback(store, kind, asof=asof, reason=str(found))
    return True


def compared(settings: Settings) -> Mapping[str, ExecutorParams]:
    """The executor's settings whose books are carried on, by the name of the book."""
    rules = {"never_tuned": settings.never_tuned, "tuned": settings.tuned, "previous": settings.previous}
    return {name: params for name, params in rules.items() if isinstance(params, ExecutorParams)}


def counterfactual_books(
    history: History, settings: Settings, *, costs: Costs, cash: float = 1_000_000.0
) -> pd.DataFrame:
    """NAV of the books that would have been: never tuned, tuned as it is, and as it was before the last change.

    Parameters
    ----------
    history : History
        The whole of it.
    settings : Settings
        From `settings_used(store, ExecutorParams)`.
    costs : Costs
        Of trading.
    cash : float
        To start with. [currency]

    Returns
    -------
    DataFrame
        `date, never_tuned, tuned` and, where there was a change, `previous`, one row a session. [currency]
    """
    books = {name: simulate(history, params, costs=costs, cash=cash).nav for name, params in compared(settings).items()}
    return pd.DataFrame(books).rename_axis(index="date").reset_index()


def adopted_returns(
    store: Store, history: History, rules: ExecutorParams, *, costs: Costs | None = None, cash: float = 1_000_000.0
) -> dict[str, pd.Series]:
    """Daily returns of the book in use and of every one that was: what their promises are scored on.

    A setting that was replaced or taken back is scored as well, or only what did well would be. One that needs other
    windows than the history's has no book here, and its promise stays open.

    Parameters
    ----------
    store : Store
        The bus, with the changes of the executor's parameters.
    history : History
        The whole of it.
    rules : ExecutorParams
        In use.
    costs, cash
        As in `simulate`.

    Returns
    -------
    dict of str to Series
        By `space.cell_name`, which is the subject of a promise. [fraction]
    """
    settings = {cell_name(one): one for one in [*settings_applied(store, ExecutorParams), rules]}
    books: dict[str, pd.Series] = {}
    for name, params in settings.items():
        with suppress(InputError):
            require_windows(history.atr_window, history.correlation_window, params)
            books[name] = simulate(history, params, costs=costs, cash=cash).nav.pct_change()
    return books


def counterfactual_path(date: str) -> str:
    """Where that table lies: `backtest/{date}/counterfactual.parquet`."""
    return f"backtest/{date}/counterfactual.parquet"
