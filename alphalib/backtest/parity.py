"""Parity: the same order book again, stage by stage, and how far paper trading drifts from the simulation.

A decision is laid out as facts, flat mappings from what is meant to its value, one mapping a stage. Two decisions are
compared fact by fact, so that a difference is named where it begins and not where it ends.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from alphalib.contracts import OrderBook, ParityStage
from alphalib.decision import Day, History, Portfolio
from alphalib.decision.history import wanted_by_score
from alphalib.errors import InputError
from alphalib.params import Params
from alphalib.scores import SignalCode
from alphalib.sessions import all_sessions

Facts: TypeAlias = Mapping[str, Any]

STAGES = ("parameters", "prices", "signals", "vetoes", "portfolio", "rules", "sizes", "orders")
"""In the order in which one follows from the other: the first that differs is where to look."""

SHOWN = 10  # examples of differences a stage

_OPINIONS = frozenset({"signal", "conviction", "score", "upside", "rating"})
_PLACES = frozenset({"percentile", "veto"})
_OF_RESEARCH = frozenset({"regime", "age"})
_SIZES = ("dollar_size", "position_pct", "current_price", "atr_value", "bound_by")
_GUARD = ("trail_atr", "entry_price", "entry_date", "intraday_profit_taken")
_STOPS = ("current_stop", "trail_atr", "atr_multiple", "high_water", "entry_price")


@dataclass(frozen=True, eq=False)
class Decided:
    """Everything that went into an order book, and the book.

    Parameters
    ----------
    params : Params
        The rules' numbers.
    day : Day
        What was known.
    portfolio : Portfolio
        As it stood.
    book : OrderBook
        What came out.
    """

    params: Params
    day: Day
    portfolio: Portfolio
    book: OrderBook


def parity(archived: Decided, derived: Decided) -> tuple[ParityStage, ...]:
    """Compare two decisions, one `ParityStage` a stage.

    Parameters
    ----------
    archived : Decided
        What was decided.
    derived : Decided
        The same, derived again.
    """
    if archived.book.intraday is None:  # a book made before there were any
        derived = replace(derived, book=derived.book.model_copy(update={"intraday": None}))
    was, becomes = facts(archived), facts(derived)
    return tuple(compared(stage, was[stage], becomes[stage]) for stage in STAGES)


def compared(stage: str, was: Facts, becomes: Facts) -> ParityStage:
    """One stage of two decisions, from its facts."""
    known = [*was, *(name for name in becomes if name not in was)]
    differing = [name for name in known if name not in was or name not in becomes or was[name] != becomes[name]]
    examples = [f"{name}: {_shown(was, name)} → {_shown(becomes, name)}" for name in differing[:SHOWN]]
    return ParityStage(
        stage=stage, archived=_hash(was), derived=_hash(becomes), differences=len(differing), examples=examples
    )


def underivable(stage: str, was: Facts, why: str) -> ParityStage:
    """A stage that cannot be derived again, and why; that is a difference."""
    return ParityStage(stage=stage, archived=_hash(was), derived="none", differences=max(len(was), 1), examples=[why])


def facts(decided: Decided) -> dict[str, Facts]:
    """All facts of a decision by stage; a number that is missing is None, so that it equals itself."""
    prices, signals, vetoes = _of_day(decided.day)
    return {
        "parameters": _of_params(decided.params),
        "prices": prices,
        "signals": signals,
        "vetoes": vetoes,
        "portfolio": _of_portfolio(decided.portfolio),
        "rules": _rules(decided.book),
        "sizes": _sizes(decided.book),
        "orders": orders(decided.book),
    }


def orders(book: OrderBook) -> Facts:
    """What the daemon will do, without what it notes in the book while it does it."""
    told: dict[str, Any] = {"decision": book.decision_hash}
    for entry in book.approved_entries:
        told |= {f"{entry.ticker} entry": entry.shares, f"{entry.ticker} guard trail_atr": entry.atr_value}
        told |= {f"{entry.ticker} trigger {name}": value for name, value in entry.triggers.model_dump().items()}
    told |= {f"{sale.ticker} {sale.signal}": sale.shares for sale in book.urgent_exits}
    for stop in book.active_stops:
        told[f"{stop.ticker} stop"] = (stop.shares, stop.current_stop)
        told |= {f"{stop.ticker} guard {name}": getattr(stop, name) for name in _GUARD}
    if book.intraday is not None:
        told |= {f"intraday {name}": value for name, value in book.intraday.model_dump().items()}
    return told


def _of_params(params: Params) -> Facts:
    values = params.model_dump(mode="json", exclude={"updated_at", "schema_version"})
    return {"strategy": type(params).__name__, **values}


def _of_day(day: Day) -> tuple[Facts, Facts, Facts]:
    """Prices and what is made of them; signals; vetoes. Every field of the day is in one of the three."""
    prices: dict[str, Any] = {"session": f"{day.date:%Y-%m-%d}", "names": len(day.tickers)}
    signals: dict[str, Any] = {}
    vetoes: dict[str, Any] = {}
    tickers = [str(ticker) for ticker in day.tickers]
    for field in day.names.dtype.names or ():
        home = signals if field in _OPINIONS else vetoes if field in _PLACES else prices
        home.update(_by_name(tickers, field, day.names[field]))
    for name, value in day.moment._asdict().items():
        if not isinstance(value, np.ndarray):
            (signals if name in _OF_RESEARCH else prices)[name] = value
        elif value.ndim == 1:  # places of names
            signals[name] = tuple(tickers[place] for place in value)
        else:
            last = day.moment.session  # number of sessions up to and including the day
            for session, values in zip(all_sessions()[last - len(value) : last], value, strict=True):
                prices.update(_by_name(tickers, f"{name} of {session:%Y-%m-%d}", values))
    return prices, signals, vetoes


def _by_name(tickers: list[str], what: str, values: Any) -> Facts:
    return {f"{ticker} {what}": _known(value) for ticker, value in zip(tickers, values.tolist(), strict=True)}


def _of_portfolio(portfolio: Portfolio) -> Facts:
    told: dict[str, Any] = {}
    for field in fields(portfolio):
        value = getattr(portfolio, field.name)
        if field.name != "positions":
            told[field.name] = value
            continue
        for position in value:
            told |= {f"{position.ticker} {part.name}": getattr(position, part.name) for part in fields(position)}
    return told


def _rules(book: OrderBook) -> Facts:
    told: dict[str, Any] = {
        name: getattr(book, name) for name in ("nav", "drawdown", "drawdown_multiplier", "halted", "decided_on")
    }
    told |= {f"{entry.ticker} entry": "approved" for entry in book.approved_entries}
    told |= {f"{sale.ticker} {sale.signal}": (sale.reason, sale.detail) for sale in book.urgent_exits}
    return told | {f"{row.ticker} blocked": (row.rule, row.value, row.limit) for row in book.blocked}


def _sizes(book: OrderBook) -> Facts:
    told: dict[str, Any] = {}
    for entry in book.approved_entries:
        told |= {f"{entry.ticker} {name}": getattr(entry, name) for name in _SIZES}
        told |= {f"{entry.ticker} {name}": value for name, value in entry.sizing_factors.items()}
    for stop in book.active_stops:
        told |= {f"{stop.ticker} stop {name}": getattr(stop, name) for name in _STOPS}
    return told


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _shown(facts: Facts, name: str) -> str:
    if name not in facts:
        return "not there"
    value = facts[name]
    return "missing" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


def _hash(facts: Facts) -> str:
    """Content hash of facts in any order: 16 hexadecimal digits."""
    return hashlib.blake2b(repr(sorted(facts.items(), key=lambda fact: fact[0])).encode(), digest_size=8).hexdigest()


def starting(history: History, day: pd.Timestamp) -> History:
    """The history for a book that starts on `day`: no name has a signal before, so nothing is bought.

    Indicators remember what they remember: it is the same history, unlike that of a market cut at its start.
    """
    row = int(history.sessions.searchsorted(day))
    if row == len(history.sessions):
        raise InputError(f"the history ends on {history.sessions[-1]:%Y-%m-%d}, before {day:%Y-%m-%d}")
    names = history.names.copy()
    names["signal"][:row] = SignalCode.NONE
    first, wanted = wanted_by_score(names)
    names.setflags(write=False)
    return replace(history, names=names, moments=history.moments._replace(first=first, wanted=wanted))


def drift_of_fills(paper: pd.DataFrame, simulated: pd.DataFrame) -> pd.DataFrame:
    """Fills of paper trading beside those of the simulation, by session, ticker and side.

    Parameters
    ----------
    paper : DataFrame
        `trades_full.csv`: `date, ticker, action` (ENTER, EXIT, REDUCE) `, filled_shares, fill_price, signal_price`.
        Rows without a fill count as none.
    simulated : DataFrame
        `Backtest.trades`: `date, ticker, side, shares, price`.

    Returns
    -------
    DataFrame
        Index `date, ticker, side`; `paper_shares, simulated_shares` (0 where the other side alone traded) [shares]
        `, paper_price, simulated_price` [currency] `, price_drift_bps` (above 0: paper paid more or got less)
        `, slippage_bps` (fill against the price that was decided on, above 0 against the book) [bps]. NaN where
        a price is missing.
    """
    done = paper[(paper["filled_shares"].fillna(0) > 0) & paper["fill_price"].notna()]
    action = done["action"].str.upper()
    if not action.isin(["ENTER", "EXIT", "REDUCE"]).all():
        raise InputError(f"an action is ENTER, EXIT or REDUCE, got {sorted(set(action))}")
    ours = _fills(done, np.where(action == "ENTER", "buy", "sell"), "filled_shares", "fill_price", "paper")
    asked = _fills(done, np.where(action == "ENTER", "buy", "sell"), "filled_shares", "signal_price", "asked")
    theirs = _fills(simulated, simulated["side"].to_numpy(), "shares", "price", "simulated")
    table = ours.join(theirs, how="outer").sort_index()
    adverse = np.where(table.index.get_level_values("side") == "buy", 1e4, -1e4)
    table["price_drift_bps"] = adverse * (table["paper_price"] / table["simulated_price"] - 1.0)
    table["slippage_bps"] = adverse * (table["paper_price"] / asked["asked_price"].reindex(table.index) - 1.0)
    shares = ["paper_shares", "simulated_shares"]
    return table.fillna(dict.fromkeys(shares, 0)).astype(dict.fromkeys(shares, "int64"))


def drift_of_nav(paper: pd.DataFrame, simulated: pd.Series, *, unattributed: float = 0.01) -> pd.DataFrame:
    """Daily returns of paper trading beside those of the simulation.

    Parameters
    ----------
    paper : DataFrame
        `eod_pnl.csv`: `date, portfolio_nav, unattributed_usd`; flows of money are not told apart from returns.
    simulated : Series
        NAV by session of a book that started when paper trading did. [currency]
    unattributed : float
        Part of the NAV that may stay unexplained in a day. [fraction]

    Returns
    -------
    DataFrame
        Sessions that both have, from the second on: `paper, simulated, difference` (returns) `, cumulative` (of the
        differences) [fraction] `, flagged` (more of the day is unexplained than may be). [bool]
    """
    days = pd.DatetimeIndex(paper["date"]).rename("date")
    if not days.is_unique:
        raise InputError(f"eod_pnl has {days[days.duplicated()][0]:%Y-%m-%d} more than once")
    nav = pd.Series(paper["portfolio_nav"].to_numpy(dtype=float), index=days).sort_index()
    both = pd.DataFrame({"paper": nav, "simulated": simulated}).dropna()
    returns = both.pct_change().iloc[1:]
    difference = returns["paper"] - returns["simulated"]
    unexplained = pd.Series(paper["unattributed_usd"].to_numpy(dtype=float), index=days).reindex(returns.index).abs()
    return returns.assign(
        difference=difference,
        cumulative=difference.cumsum(),
        flagged=unexplained > unattributed * both["paper"].reindex(returns.index),
    )


def _fills(table: pd.DataFrame, side: Any, shares: str, price: str, whose: str) -> pd.DataFrame:
    """Shares by date, ticker and side, and the mean price of those that have one."""
    count = table[shares].to_numpy(dtype=float)
    keyed = pd.DataFrame(
        {
            "date": pd.DatetimeIndex(table["date"]).as_unit("us"),
            "ticker": table["ticker"].to_numpy(dtype=object),
            "side": side,
            "shares": count,
            "value": count * table[price].to_numpy(dtype=float),
        }
    )
    keyed["priced"] = keyed["shares"].where(keyed["value"].notna())
    total = keyed.groupby(["date", "ticker", "side"]).sum(min_count=1)
    return pd.DataFrame({f"{whose}_shares": total["shares"], f"{whose}_price": total["value"] / total["priced"]})
