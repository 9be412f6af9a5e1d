"""A book lived through day by day: decide at each close, fill in the next session. One compiled loop over both."""

from __future__ import annotations

from typing import Any

import numpy as np

from alphalib.backtest import costs as costs_module
from alphalib.backtest import session as session_module
from alphalib.backtest import triggers
from alphalib.backtest.costs import Costs, Tariff
from alphalib.backtest.minutes import Minutes, no_minutes
from alphalib.backtest.result import Backtest, Days, Logs, left_of
from alphalib.backtest.session import FILL, PAYMENT, Log, Patience, Tape, append, trade_session, with_room
from alphalib.backtest.triggers import Protection, protection
from alphalib.compiled import Records, entry_point, frozen, plain, stamp
from alphalib.decision import core
from alphalib.decision.core import SOURCES as DECISION_SOURCES
from alphalib.decision.core import decide_day
from alphalib.decision.decide import require_windows
from alphalib.decision.history import History
from alphalib.decision.limits import Numbers, numbers
from alphalib.decision.shapes import (
    HELD,
    ORDER,
    REFUSED,
    Moments,
    Orders,
    account_after,
    empty_orders,
    first_verdict,
    moment_at,
    writing_refused,
)
from alphalib.decision.strategies.params import Strategy
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from alphalib.risk.drawdown import Tiers

__all__ = ["Backtest", "simulate"]


def simulate(
    history: History,
    params: ExecutorParams | Strategy,
    *,
    costs: Costs | None = None,
    cash: float = 1_000_000.0,
    minutes: Minutes | None = None,
) -> Backtest:
    """Run the book over a whole history.

    Parameters
    ----------
    history : History
        Made once; may serve hundreds of settings, as long as their windows are its own.
    params : ExecutorParams or Strategy
        The rules' numbers, or another strategy's (docs/strategies.md).
    costs : Costs, optional
        The usual ones without it.
    cash : float
        To start with. [currency]
    minutes : Minutes, optional
        Minute bars of this history, in which entries fill and what is held is guarded where there are any; daily bars
        elsewhere.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        Without cash, with another history's minutes, or when the history was made for other windows.
    """
    if isinstance(params, Strategy):
        from alphalib.backtest.targets import simulate_strategy  # it needs this module's parts

        if minutes is not None:
            raise InputError(f"{type(params).__name__} trades at the open; minute bars are for ExecutorParams")
        return simulate_strategy(history, params, costs=costs, cash=cash)
    if not 0 < cash < np.inf:
        raise InputError(f"cash must be above 0 and finite, got {cash}")
    require_windows(history.atr_window, history.correlation_window, params)
    costs, minutes = costs or Costs(), minutes or no_minutes(history)
    if not (minutes.sessions.equals(history.sessions) and minutes.tickers.equals(history.tickers)):
        raise InputError("the minute bars were laid beside another history; make them again with `minutes_of`")
    tickers = len(history.tickers)
    held = np.zeros(tickers, HELD)
    most = len(history.moments.wanted)  # never more are refused, so this log need not grow
    logs = tuple(np.zeros(rows, kind) for rows, kind in ((256, ORDER), (most, REFUSED), (256, FILL), (256, PAYMENT)))
    days, *happened = run(
        frozen(history.names),
        frozen(history.bars),
        frozen(history.moments),
        plain(numbers(params)),
        plain(costs.tariff),
        float(cash),
        held,
        plain(empty_orders(tickers, window=history.correlation_window)),
        logs,
        frozen((minutes.start, minutes.end, minutes.bars, minutes.lengths)),
        tuple(getattr(params, field) for field in Patience._fields),
        plain(protection(params)),
    )
    return Backtest(history.sessions, history.tickers, days, Logs(*happened), params, costs, left_of(history, held))


@entry_point
def run(
    names: Records,
    bars: Records,
    known: tuple[Any, ...],
    limits: tuple[Any, ...],
    costs: tuple[float, ...],
    cash: float,
    held: Records,
    lists: tuple[Any, ...],
    logs: tuple[Records, ...],
    minutes: tuple[Any, ...],
    waiting: tuple[Any, ...],
    guarding: tuple[Any, ...],
    sources: int = stamp(core, session_module, costs_module, triggers) + DECISION_SOURCES,
) -> tuple[Days, Records, Records, Records, Records]:
    """The loop: a session, then the decision at its close. The first session only decides."""
    moments, orders, tariff = Moments(*known), Orders(*lists), Tariff(*costs)
    patience, guards, (start, end, tape, lengths) = Patience(*waiting), Protection(*guarding), minutes
    rules = Numbers(Tiers(*limits[0]), *limits[1:])
    sessions, tickers = names.shape
    days = Days(
        np.empty(sessions),
        np.empty(sessions),
        np.empty(sessions),
        np.empty(sessions, np.int64),
        np.empty(sessions, np.bool_),
    )
    ordered, refused, fills, payments = logs
    used, n_ordered, n_refused = np.zeros(2, np.int64), 0, 0
    verdict = first_verdict(cash)
    for t in range(sessions):
        if t > 0:
            fills = with_room(fills, used[0], 3 * tickers)
            payments = with_room(payments, used[1], 2 * tickers)
            log = Log(fills, payments, used)
            row = min(t, len(start) - 1)  # without minutes one row of none serves all sessions
            of_day = Tape(start[row], end[row], tape, lengths[row])
            cash = trade_session(
                moments.session[t],
                bars[t],
                names[t - 1],
                held,
                cash,
                orders,
                verdict,
                of_day,
                patience,
                guards,
                tariff,
                log,
            )
        moment = moment_at(moments, t)
        refused = with_room(refused, n_refused, len(moment.wanted))
        today = writing_refused(orders, refused[n_refused:])
        verdict = decide_day(names[t], moment, held, account_after(verdict, cash), rules, today)
        n_refused += verdict.refused
        ordered = with_room(ordered, n_ordered, verdict.exits + verdict.entries)
        n_ordered = append(ordered, n_ordered, orders.exits, verdict.exits)
        n_ordered = append(ordered, n_ordered, orders.entries, verdict.entries)
        days.nav[t], days.cash[t], days.multiplier[t] = verdict.nav, cash, verdict.multiplier
        days.positions[t], days.halted[t] = verdict.kept, verdict.halted > 0
    return days, ordered[:n_ordered], refused[:n_refused], fills[: used[0]], payments[: used[1]]
