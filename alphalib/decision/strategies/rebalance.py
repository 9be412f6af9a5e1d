"""From what a strategy wants to orders in whole shares: the guards and caps that hold for every strategy."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from alphalib.compiled import Floats, Ints, Records, frozen, plain
from alphalib.decision.history import Day
from alphalib.decision.limits import tiers
from alphalib.decision.outcome import Decision, Purchase, Refusal, Sale
from alphalib.decision.portfolio import Portfolio, require_possible
from alphalib.decision.shapes import ORDER, REFUSED, Account, Rule
from alphalib.decision.strategies.params import LongShort, MeanVariance, Strategy
from alphalib.decision.strategies.plans import Book, Plan, plan
from alphalib.decision.strategies.standing import standing
from alphalib.decision.strategies.weights import UNRANKED
from alphalib.market import SECTORS
from alphalib.risk.drawdown import Drawdown


class Ordered(NamedTuple):
    """Orders of a day. Their shares are signed as they are traded: bought above 0, sold below.

    Parameters
    ----------
    nav : float
        At the close. [currency]
    step : Drawdown
        Response to the drawdown.
    exits : records of Order
        What makes a position smaller, by ticker.
    entries : records of Order
        What makes one larger, in the order in which rooms were given out.
    refused : records of Refused
        New positions that are not opened.
    """

    nav: float
    step: Drawdown
    exits: Records
    entries: Records
    refused: Records


def decide_strategy(portfolio: Portfolio, day: Day, params: Strategy) -> Decision:
    """Decide by a strategy; see `decision.decide.decide`, which calls this.

    In the decision, shares carry the sign of the position they open or close, so that a purchase of −50 sells 50
    short and a sale of −50 buys them back (`cover`).
    """
    held = portfolio.held(day.tickers)
    require_possible(held, day)
    done = strategy_orders(day, held, portfolio.account(), params)
    return Decision(
        date=day.date,
        nav=done.nav,
        nav_peak=done.step.peak,
        drawdown=done.step.drawdown,
        multiplier=done.step.multiplier,
        halted=done.step.halted,
        tiers_fired=done.step.fired,
        under_tier=done.step.under,
        exits=tuple(_sale(order, held, day.tickers) for order in done.exits),
        entries=tuple(_purchase(order, done.step.multiplier, day.tickers) for order in done.entries),
        stops=(),
        blocked=tuple(_refusal(refused, day.tickers) for refused in done.refused),
    )


def strategy_orders(day: Day, held: Records, account: Account, params: Strategy) -> Ordered:
    """What `decide_strategy` decides, on records: the backtester calls it once a session.

    Parameters
    ----------
    day : Day
        What was known at the close.
    held : records of shapes.Held, shape (n,)
        Positions over the day's names, shorts negative.
    account : shapes.Account
        Cash and memory.
    params : Strategy
        Any of them.
    """
    names, shares = day.names, held["shares"]
    value = np.where(shares != 0, shares * names["mark"], 0.0)
    nav, step = standing(
        frozen(names),
        held,
        account.cash,
        (account.peak, account.halted, account.fired, account.under, account.rearmed),
        plain(tiers(params)),
    )
    scale = 0.0 if account.killed or nav <= 0 else step.multiplier
    wanted, rules = _wanted(
        day, Book(shares, value / nav if nav > 0 else value, _age(day, held), nav), step, scale, params
    )
    target = _whole(wanted.weight * nav, names["close"], shares)
    closing = _closing(target, shares, names["mark"], params.min_order)
    exits = _exits(day, shares, closing, rules, wanted, value / nav if nav > 0 else value, step)
    opening = target - shares + closing
    new = np.flatnonzero((opening != 0) & (shares == 0))
    refused = [(place, Rule.INFEASIBLE, math.nan, math.nan) for place in wanted.refused]
    entries: list[tuple[int, int, Rule]] = []
    if scale == 0.0:
        why = (Rule.KILL_SWITCH, math.nan) if account.killed else (Rule.HALTED, float(step.halted))
        refused += [(place, *why, math.nan) for place in new]
    else:
        if not isinstance(params, LongShort):  # theirs is in the weights, or the sides would no longer match
            opening = np.floor(opening * scale).astype(np.int64)
        after, cash = value - closing * names["mark"], account.cash + float((closing * names["mark"]).sum())
        entries, more = _within_rooms(day, opening, wanted, after, cash, nav, params)
        refused += more
    return Ordered(
        nav, step, exits, _records_of_entries(day, entries, wanted.weight), _records_of_refused(day, refused)
    )


def _wanted(day: Day, book: Book, step: Drawdown, scale: float, params: Strategy) -> tuple[Plan, Ints]:
    """The plan under the drawdown's orders, and the rule of each whole sale.

    A neutral book is scaled as a whole, and closed at once when nothing may be opened: only so it stays neutral. A
    long book sells the lowest ranked that the drawdown forces out. A day that predicts nothing says nothing.
    """
    due = day.moment.session % params.rebalance_sessions == 0 and book.nav > 0
    due = due and not np.isnan(day.names["percentile"][day.names["tradable"]]).all()
    names = len(book.shares)
    if isinstance(params, LongShort) and scale == 0.0:
        wanted = Plan(np.zeros(names), np.full(names, UNRANKED), Rule.DRAWDOWN_EXIT, np.nan, _places([]))
    elif due:
        wanted = plan(day, book, params)
    else:
        wanted = Plan(np.full(names, np.nan), np.full(names, UNRANKED), Rule.DROPPED, np.nan, _places([]))
    rules = np.full(names, wanted.rule)
    if isinstance(params, LongShort):
        return wanted._replace(weight=_banded(wanted.weight * scale, book, params.band)), rules
    held = np.flatnonzero(book.shares != 0)
    percentile = np.nan_to_num(day.names["percentile"][held], nan=-1.0)
    forced = held[np.argsort(percentile, kind="stable")][: step.forced_exits]
    weight = _banded(wanted.weight, book, params.band if isinstance(params, MeanVariance) else 0.0)
    weight[forced], rules[forced] = 0.0, Rule.DRAWDOWN_EXIT
    return wanted._replace(weight=weight), rules


def _banded(weight: Floats, book: Book, band: float) -> Floats:
    """Targets, but what is near enough to its target, and not to be closed, stays as it is."""
    near = (np.abs(weight - book.weight) < band) & (book.shares != 0) & (weight != 0)
    return np.where(near, np.nan, weight)


def _whole(value: Floats, close: Floats, shares: Ints) -> Ints:
    """Shares aimed at, towards 0; what has no target, or no close to count it by, stays unless it is to be closed."""
    counted = np.trunc(np.where(close > 0, value / np.where(close > 0, close, 1.0), np.nan))
    stays = np.where(np.isnan(counted), shares, counted)
    return np.where(value == 0.0, 0, stays).astype(np.int64)


def _closing(target: Ints, shares: Ints, mark: Floats, min_order: float) -> Ints:
    """Shares of each position that are closed, with its sign; a small part is left alone, a whole position never."""
    toward = np.where(np.sign(target) == np.sign(shares), np.minimum(np.abs(target), np.abs(shares)), 0)
    closing = np.sign(shares) * (np.abs(shares) - toward)
    small = (np.abs(closing) * np.nan_to_num(mark) < min_order) & (toward > 0)
    return np.where(small, 0, closing).astype(np.int64)


def _exits(day: Day, shares: Ints, closing: Ints, rules: Ints, wanted: Plan, weight: Floats, step: Drawdown) -> Records:
    places = np.flatnonzero(closing)
    result = np.zeros(len(places), ORDER)
    whole = closing[places] == shares[places]
    result["session"], result["name"], result["shares"] = day.moment.session, places, -closing[places]
    result["rule"] = np.where(shares[places] < 0, Rule.COVER, np.where(whole, rules[places], Rule.REBALANCE))
    result["value"] = weight[places]
    result["limit"] = wanted.weight[places]
    forced = result["rule"] == Rule.DRAWDOWN_EXIT
    result["value"][forced], result["limit"][forced] = step.drawdown, np.nan
    ranked = (result["rule"] == Rule.DROPPED) & ~np.isnan(wanted.limit)
    rank = np.where(wanted.rank[places] < UNRANKED, wanted.rank[places].astype(float), np.nan)
    result["value"] = np.where(ranked, rank, result["value"])
    result["limit"] = np.where(ranked, wanted.limit, result["limit"])
    return result


def _within_rooms(
    day: Day, opening: Ints, wanted: Plan, after: Floats, cash: float, nav: float, params: Strategy
) -> tuple[list[tuple[int, int, Rule]], list[tuple[int, Rule, float, float]]]:
    """Entries as far as the rooms go, and what is refused for them.

    Room is counted after today's sales, whose proceeds are spent at the same open; shorts come first, then the best
    rank, ticker breaking ties.
    """
    close = day.names["close"]
    sector = np.where(day.names["sector"] < 0, len(SECTORS), day.names["sector"]).astype(np.int64)
    gross = np.abs(after)
    in_sector, in_equity = np.bincount(sector, gross, minlength=len(SECTORS) + 1), float(gross.sum())
    places = np.flatnonzero(opening)
    entries, refused = [], []
    for place in places[np.lexsort((places, wanted.rank[places], opening[places] > 0))]:
        short, price = opening[place] < 0, float(close[place])
        asked = abs(int(opening[place])) * price
        adv = float(day.names["adv"][place]) or math.nan
        room, bound, value, limit = min(
            (params.max_position_pct * nav - gross[place], Rule.POSITION_CAP, math.nan, math.nan),
            (params.max_adv_pct * adv if adv > 0 else math.inf, Rule.ADV_CAP, asked / adv, params.max_adv_pct),
            (
                params.max_sector_pct * nav - in_sector[sector[place]],
                Rule.SECTOR_CAP,
                (in_sector[sector[place]] + asked) / nav,
                params.max_sector_pct,
            ),
            (
                params.max_equity_pct * nav - in_equity,
                Rule.EQUITY_CAP,
                (in_equity + asked) / nav,
                params.max_equity_pct,
            ),
            (math.inf if short else cash, Rule.CASH, asked, cash),
            key=lambda cap: cap[0],
        )
        cut = room < asked
        count = math.floor(max(room, 0.0) / price) if cut else abs(int(opening[place]))
        worth = count * price
        if count == 0 or worth < params.min_order:
            if not cut or bound == Rule.POSITION_CAP:
                bound, value, limit = Rule.BELOW_MINIMUM, worth, params.min_order
            if after[place] == 0.0:
                refused.append((int(place), bound, value, limit))
            continue
        entries.append((int(place), -count if short else count, bound if cut else Rule.NONE))
        in_sector[sector[place]] += worth
        in_equity += worth
        cash += worth if short else -worth
    return entries, refused


def _records_of_entries(day: Day, entries: list[tuple[int, int, Rule]], weight: Floats) -> Records:
    result = np.zeros(len(entries), ORDER)
    result["session"], result["value"], result["limit"] = day.moment.session, np.nan, np.nan
    for row, (place, shares, bound) in zip(result, entries, strict=True):
        row["name"], row["shares"], row["bound"], row["weight"] = place, shares, bound, weight[place]
        row["rule"] = Rule.ENTRY if shares > 0 else Rule.SHORT
    return result


def _records_of_refused(day: Day, refused: list[tuple[int, Rule, float, float]]) -> Records:
    result = np.zeros(len(refused), REFUSED)
    for row, (place, rule, value, limit) in zip(result, refused, strict=True):
        row["session"], row["name"], row["rule"] = day.moment.session, place, rule
        row["value"], row["limit"] = value, limit
    return result


def _age(day: Day, held: Records) -> Ints:
    return np.where(held["shares"] != 0, day.moment.session - held["entered"], 0)


def _places(places: list[int]) -> Ints:
    return np.array(places, dtype=np.int64)


def _sale(order: Any, held: Records, tickers: pd.Index) -> Sale:
    whole = order["shares"] == -held["shares"][order["name"]]
    return Sale(
        ticker=str(tickers[order["name"]]),
        shares=-int(order["shares"]),
        rule=Rule(order["rule"]).label,
        signal="EXIT" if whole else "REDUCE",
        value=_known(order["value"]),
        limit=_known(order["limit"]),
    )


def _purchase(order: Any, multiplier: float, tickers: pd.Index) -> Purchase:
    return Purchase(
        ticker=str(tickers[order["name"]]),
        shares=int(order["shares"]),
        weight=float(order["weight"]),
        bound_by=Rule(order["bound"]).label,
        factors=(("target", float(order["weight"])), ("drawdown_scaler", multiplier)),
    )


def _refusal(refused: Any, tickers: pd.Index) -> Refusal:
    return Refusal(
        ticker=str(tickers[refused["name"]]),
        rule=Rule(refused["rule"]).label,
        value=_known(refused["value"]),
        limit=_known(refused["limit"]),
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
