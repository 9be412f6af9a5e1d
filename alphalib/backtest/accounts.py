"""Several strategies lived through in one account: docs/strategies.md, "Several strategies, one account"."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from alphalib.backtest import costs as costs_module
from alphalib.backtest import session as session_module
from alphalib.backtest import triggers
from alphalib.backtest.costs import Costs, Tariff
from alphalib.backtest.minutes import no_minutes
from alphalib.backtest.result import Backtest
from alphalib.backtest.session import FILL, PAYMENT, Log, Patience, Tape, trade_session
from alphalib.backtest.targets import DailyBook, TargetBook
from alphalib.backtest.triggers import Protection, protection
from alphalib.compiled import Floats, Ints, Records, entry_point, frozen, plain, stamp
from alphalib.decision.core import decide_once
from alphalib.decision.decide import require_windows
from alphalib.decision.history import History
from alphalib.decision.limits import numbers
from alphalib.decision.shapes import REFUSED, Orders, Verdict, empty_orders
from alphalib.decision.strategies.account import Account, limit_of, share_allowed, whole_part
from alphalib.decision.strategies.params import Strategy
from alphalib.decision.strategies.rebalance import Ordered
from alphalib.errors import InputError
from alphalib.params import ExecutorParams
from alphalib.risk.drawdown import Drawdown


@dataclass(frozen=True, eq=False)
class AccountBacktest:
    """What the sleeves of an account did.

    Parameters
    ----------
    sleeves : dict
        A `Backtest` each, by name; every figure of one is of its own cash and positions.
    aside : float
        Cash that no sleeve was given. [currency]
    """

    sleeves: dict[str, Backtest]
    aside: float

    @cached_property
    def nav(self) -> pd.Series:
        """Net asset value of all sleeves and of what is aside, at each close. [currency]"""
        return (pd.DataFrame({name: book.nav for name, book in self.sleeves.items()}).sum(axis=1) + self.aside).rename(
            "nav"
        )

    @cached_property
    def cash(self) -> pd.Series:
        """Cash of all sleeves and what is aside, at each close. [currency]"""
        table = pd.DataFrame({name: book.cash for name, book in self.sleeves.items()})
        return (table.sum(axis=1) + self.aside).rename("cash")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Fills of all sleeves, in the order of sessions: as `Backtest.trades`, and the `sleeve`."""
        parts = [book.trades.assign(sleeve=name) for name, book in self.sleeves.items()]
        return pd.concat(parts, ignore_index=True).sort_values("date", kind="stable", ignore_index=True)

    @property
    def table(self) -> pd.DataFrame:
        """The first figures of each sleeve, side by side."""
        return pd.DataFrame({name: book.headline for name, book in self.sleeves.items()})

    def __repr__(self) -> str:
        return f"AccountBacktest, value {self.nav.iloc[0]:,.0f} → {self.nav.iloc[-1]:,.0f}\n{self.table.to_string()}"

    def _repr_html_(self) -> str:
        html: str = self.table.to_html()
        return html


def simulate_account(
    history: History, account: Account, *, costs: Costs | None = None, cash: float = 1_000_000.0
) -> AccountBacktest:
    """Run every sleeve over a whole history, under the caps of the account.

    Parameters
    ----------
    history : History
        Made once; a sleeve of rules needs its own windows to be the history's.
    account : Account
        Sleeves, allocations, caps.
    costs : Costs, optional
        The usual ones without it.
    cash : float
        To start with. [currency]

    Returns
    -------
    AccountBacktest
        With one sleeve and caps that do not bind, what `simulate` gives.
    """
    if not 0 < cash < np.inf:
        raise InputError(f"cash must be above 0 and finite, got {cash}")
    costs = costs or Costs()
    books = {
        name: _book(history, sleeve.params, cash * sleeve.allocation)
        for name, sleeve in sorted(account.sleeves.items())
    }
    for t in range(len(history.sessions)):
        for book in books.values():
            book.live(t, costs.tariff)
        wanted = {name: book.decide(t) for name, book in books.items()}
        for name, orders in _within_caps(t, history, account, books, wanted).items():
            books[name].order(t, orders)
    results = {name: book.backtest(account.sleeves[name].params, costs) for name, book in books.items()}
    return AccountBacktest(results, cash * (1 - sum(sleeve.allocation for sleeve in account.sleeves.values())))


class RulesBook(DailyBook):
    """The book of the rules, a session at a time through the compiled decision and session of `simulate`."""

    def __init__(self, history: History, cash: float, params: ExecutorParams) -> None:
        super().__init__(history, cash)
        require_windows(history.atr_window, history.correlation_window, params)
        self._numbers = plain(numbers(params))
        self._patience = tuple(getattr(params, field) for field in Patience._fields)
        self._protection = plain(protection(params))
        self._lists = empty_orders(len(history.tickers), window=history.correlation_window)
        self._verdict: tuple[Any, ...] = ()
        minutes = no_minutes(history)
        self._tape = frozen((minutes.start[0], minutes.end[0], minutes.bars, int(minutes.lengths[0])))

    def decide(self, t: int) -> Ordered:
        """What the rules want after the close of row `t`."""
        day, lists = self.history.day(t), self._lists
        done = decide_once(
            frozen(day.names), frozen(day.moment), self.held, plain(self.account), self._numbers, plain(lists)
        )
        self._verdict = tuple(done)
        step = Drawdown(done.peak, done.drawdown, done.multiplier, done.halted, done.fired, done.under, 0)
        return Ordered(
            done.nav,
            step,
            lists.exits[: done.exits].copy(),
            lists.entries[: done.entries].copy(),
            lists.refused[: done.refused].copy(),
        )

    def order(self, t: int, orders: Ordered) -> None:
        """Order it for the next session."""
        self._lists.entries[: len(orders.entries)] = orders.entries
        self._verdict = tuple(Verdict(*self._verdict)._replace(entries=len(orders.entries)))
        self.ordered(t, orders)

    def live(self, t: int, tariff: Tariff) -> None:
        """The session in row `t`, in which the last orders fill; the first one has none."""
        if t == 0:
            return
        fills, payments = np.zeros(3 * len(self.held), FILL), np.zeros(2 * len(self.held), PAYMENT)
        cash, n_fills, n_payments = trade_once(
            int(self.history.moments.session[t]),
            frozen(self.history.bars[t]),
            frozen(self.history.names[t - 1]),
            self.held,
            float(self.account.cash),
            plain(self._lists),
            self._verdict,
            self._tape,
            self._patience,
            self._protection,
            plain(tariff),
            fills,
            payments,
        )
        self.account = self.account._replace(cash=cash)
        self._logs[2].append(fills[:n_fills])
        self._logs[3].append(payments[:n_payments])


@entry_point
def trade_once(
    session: int,
    bars: Records,
    names: Records,
    held: Records,
    cash: float,
    lists: tuple[Any, ...],
    verdict: tuple[Any, ...],
    tape: tuple[Any, ...],
    waiting: tuple[Any, ...],
    guarding: tuple[Any, ...],
    costs: tuple[float, ...],
    fills: Records,
    payments: Records,
    sources: int = stamp(session_module, costs_module, triggers),
) -> tuple[float, int, int]:
    """`trade_session` for Python: cash after the session [currency], fills and payments noted."""
    log = Log(fills, payments, np.zeros(2, np.int64))
    after = trade_session(
        session,
        bars,
        names,
        held,
        cash,
        Orders(*lists),
        Verdict(*verdict),
        Tape(*tape),
        Patience(*waiting),
        Protection(*guarding),
        Tariff(*costs),
        log,
    )
    return after, log.used[0], log.used[1]


def _book(history: History, params: ExecutorParams | Strategy, cash: float) -> RulesBook | TargetBook:
    if isinstance(params, Strategy):
        return TargetBook(history, cash, params)
    return RulesBook(history, cash, params)


def _within_caps(
    t: int, history: History, account: Account, books: dict[str, RulesBook | TargetBook], wanted: dict[str, Ordered]
) -> dict[str, Ordered]:
    """Orders of all sleeves, entries as far as the account's caps let them; see `decide_account`."""
    names = history.names[t]
    gross = np.zeros(len(history.tickers))
    for name, orders in wanted.items():
        shares = np.abs(books[name].held["shares"])
        shares[orders.exits["name"]] -= np.abs(orders.exits["shares"])
        gross += np.where(shares > 0, shares * names["mark"], 0.0)
    entries = np.concatenate([orders.entries for orders in wanted.values()])
    nav = sum(orders.nav for orders in wanted.values())
    worth = np.abs(entries["shares"]) * names["close"][entries["name"]]
    part, bound = share_allowed(entries["name"], worth, gross, names["sector"], nav=nav, account=account)
    starts = np.cumsum([0, *(len(orders.entries) for orders in wanted.values())])
    return {
        name: _cut(orders, part[start:end], bound[start:end], worth[start:end], nav, account, name)
        for (name, orders), start, end in zip(wanted.items(), starts[:-1], starts[1:], strict=True)
    }


def _cut(orders: Ordered, part: Floats, bound: Ints, worth: Floats, nav: float, account: Account, name: str) -> Ordered:
    """One sleeve's orders with its entries cut; what falls below its smallest order is refused."""
    if (part == 1).all():
        return orders
    entries, refused, kept = orders.entries.copy(), [], []
    for place, (entry, share, rule, value) in enumerate(zip(entries, part, bound, worth, strict=True)):
        asked = int(entry["shares"])
        left = whole_part(asked, share)
        if left == 0 or value / abs(asked) * abs(left) < account.sleeves[name].params.min_order:
            refused.append((entry["session"], entry["name"], rule, value / nav, limit_of(account, rule)))
            continue
        if share < 1:
            entry["shares"], entry["bound"] = left, rule
        kept.append(place)
    more = np.array(refused, dtype=REFUSED) if refused else np.zeros(0, REFUSED)
    return orders._replace(entries=entries[kept], refused=np.concatenate([orders.refused, more]))
