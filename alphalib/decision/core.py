"""The decision for one day, compiled: docs/rules.md, steps 0 to 4, on records and codes.

`decide` calls `decide_day` once, `backtest.simulate` once a session; there is no second one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alphalib import scores
from alphalib.compiled import Floats, Records, compiled, entry_point, stamp
from alphalib.decision import limits, shapes
from alphalib.decision.limits import Numbers
from alphalib.decision.shapes import Account, Held, Moment, Name, Orders, Rule, Verdict
from alphalib.market import SECTORS
from alphalib.risk import correlation, drawdown, stops
from alphalib.risk.correlation import add_up, highest_correlation, mean_correlation
from alphalib.risk.drawdown import Tiers, drawdown_step
from alphalib.risk.stops import sector_veto, trailing_stop
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode
from alphalib.sizing import base, scalers, tilts
from alphalib.sizing.base import equal_weight, kelly_weight
from alphalib.sizing.scalers import earnings_scaler, staleness_scaler
from alphalib.sizing.tilts import atr_tilt, confidence_tilt, sector_tilt, upside_tilt

HOLD, ENTER = int(SignalCode.HOLD), int(SignalCode.ENTER)
REDUCE, EXIT = int(SignalCode.REDUCE), int(SignalCode.EXIT)
DECLINING, BEAR = int(ConvictionCode.DECLINING), int(RegimeCode.BEAR)
GROUPS = len(SECTORS) + 1  # the last one holds the names of unknown sector
SOURCES = stamp(shapes, limits, scores, drawdown, correlation, stops, base, tilts, scalers)


@entry_point
def decide_once(
    names: Records,
    moment: tuple[Any, ...],
    held: Records,
    account: tuple[Any, ...],
    numbers: tuple[Any, ...],
    orders: tuple[Any, ...],
    sources: int = SOURCES,
) -> Verdict:
    """`decide_day` for Python; tuples as `compiled.plain` makes them."""
    limits = Numbers(Tiers(*numbers[0]), *numbers[1:])
    return decide_day(names, Moment(*moment), held, Account(*account), limits, Orders(*orders))


@compiled
def decide_day(
    names: Records, moment: Moment, held: Records, account: Account, numbers: Numbers, orders: Orders
) -> Verdict:
    """Decide one day; writes the lists into `orders`, and the stops into `held`."""
    kept, wanted = look_up(moment, held, orders)
    nav = account.cash
    for place in orders.kept[:kept]:
        nav += held[place].shares * names[place].mark
    step = drawdown_step(
        nav, account.peak, account.halted, account.fired, account.under, account.rearmed, numbers.tiers
    )
    force_exits(names, held, orders, kept, step.forced_exits)
    exits = decide_exits(names, moment, held, numbers, orders, kept, step.drawdown)
    closed = closed_by(nav, step.halted, account, numbers)
    passed, refused = guard(names, moment, held, numbers, orders, kept, wanted, closed)
    entries, refused = size_entries(
        names, moment, held, numbers, orders, kept, passed, refused, account.cash, nav, step.multiplier
    )
    return Verdict(
        nav,
        step.peak,
        step.drawdown,
        step.multiplier,
        step.halted,
        step.fired,
        step.under,
        kept,
        exits,
        entries,
        refused,
    )


@compiled
def look_up(moment: Moment, held: Records, orders: Orders) -> tuple[int, int]:
    """List the names held, and the others that research wants entered; returns how many there are of each."""
    kept, wanted = 0, 0
    for place in range(len(held)):
        if held[place].shares > 0:
            orders.kept[kept] = place
            kept += 1
    for place in moment.wanted:
        if held[place].shares == 0:
            orders.wanted[wanted] = place
            wanted += 1
    return kept, wanted


@compiled
def force_exits(names: Records, held: Records, orders: Orders, kept: int, count: int) -> None:
    """Mark the `count` held names with the lowest score, unscored first, then by ticker."""
    for place in orders.kept[:kept]:
        held[place].forced = False
    for _ in range(min(count, kept)):
        lowest, lowest_score = -1, math.inf
        for place in orders.kept[:kept]:
            score = -1.0 if math.isnan(names[place].score) else names[place].score
            if score < lowest_score and not held[place].forced:
                lowest, lowest_score = place, score
        held[lowest].forced = True


@compiled
def decide_exits(
    names: Records, moment: Moment, held: Records, numbers: Numbers, orders: Orders, kept: int, drawdown: float
) -> int:
    """Exits and reductions of every held name, and the stops of those that stay; returns how many are sold."""
    count = 0
    for place in orders.kept[:kept]:
        name, position = names[place], held[place]
        waited = moment.session - position.entered
        shares = position.shares
        position.stop, stopped = stop_of(name, position, numbers)
        rule, value, limit = exit_rule(name, position, stopped, waited, drawdown, numbers)
        if rule == 0:
            rule, value, limit = reduction_rule(name, position, moment.age, waited, numbers)
            shares = max(1, math.floor(shares * numbers.reduce_fraction))
        if rule:
            order = orders.exits[count]
            order.session, order.name, order.rule, order.shares = moment.session, place, rule, shares
            order.bound, order.weight, order.value, order.limit = 0, math.nan, value, limit
            if shares == position.shares:
                position.stop = math.nan
            count += 1
    return count


@compiled
def stop_of(name: Name, position: Held, numbers: Numbers) -> tuple[float, bool]:
    """The stop for the next session, and whether the close has reached it without a sector veto."""
    stop = trailing_stop(
        position.high_water, name.atr, numbers.atr_multiplier, position.cost, numbers.fallback_stop_pct
    )
    if not name.close <= stop:
        return stop, False
    if not sector_veto(name.momentum, name.sector_momentum, numbers.sector_veto_pct):
        return stop, True
    return trailing_stop(name.close, name.atr, numbers.atr_multiplier, name.close, numbers.fallback_stop_pct), False


@compiled
def exit_rule(
    name: Name, position: Held, stopped: bool, waited: int, drawdown: float, numbers: Numbers
) -> tuple[int, float, float]:
    """First reason to sell a whole position, with its value and limit; rule 0 when there is none."""
    floor = position.cost * (1.0 - numbers.loss_floor_pct)
    weak = name.momentum < numbers.momentum_exit_threshold and name.rsi < numbers.momentum_exit_rsi
    if name.signal == EXIT:
        return Rule.RESEARCH_EXIT.value, name.score, math.nan
    if stopped:
        return Rule.STOP.value, name.close, position.stop
    if name.close <= floor:
        return Rule.LOSS_FLOOR.value, name.close, floor
    if waited > 0 and name.gap <= -numbers.gap_exit_pct:
        return Rule.GAP_EXIT.value, name.gap, -numbers.gap_exit_pct
    if weak and not math.isnan(name.close):
        return Rule.MOMENTUM_EXIT.value, name.momentum, numbers.momentum_exit_threshold
    if name.signal <= HOLD and waited >= numbers.time_decay_exit_days:
        return Rule.TIME_EXIT.value, float(waited), numbers.time_decay_exit_days
    if position.forced:
        return Rule.DRAWDOWN_EXIT.value, drawdown, math.nan
    return 0, math.nan, math.nan


@compiled
def reduction_rule(name: Name, position: Held, age: int, waited: int, numbers: Numbers) -> tuple[int, float, float]:
    """First reason to sell a part of a position, with its value and limit; rule 0 when there is none."""
    target = position.cost * (1.0 + numbers.profit_take_pct)
    idle = name.signal <= HOLD and waited >= numbers.time_decay_reduce_days
    if name.signal == REDUCE and age == 0:
        return Rule.RESEARCH_REDUCE.value, name.score, math.nan
    if name.close >= target and not position.profit_taken:
        return Rule.PROFIT_TAKE.value, name.close, target
    if idle and not position.time_reduced:
        return Rule.TIME_REDUCE.value, float(waited), numbers.time_decay_reduce_days
    return 0, math.nan, math.nan


@compiled
def closed_by(nav: float, halted: int, account: Account, numbers: Numbers) -> tuple[int, float, float]:
    """What keeps the whole book from entering anything, with its value and limit; rule 0 when nothing does."""
    if account.killed:
        return Rule.KILL_SWITCH.value, math.nan, math.nan
    if halted > 0:
        return Rule.HALTED.value, float(halted), math.nan
    change = nav / account.nav_before - 1.0 if account.nav_before > 0.0 else 0.0
    if change <= -numbers.daily_loss_limit:
        return Rule.DAILY_LOSS.value, -change, numbers.daily_loss_limit
    return 0, math.nan, math.nan


@compiled
def guard(
    names: Records,
    moment: Moment,
    held: Records,
    numbers: Numbers,
    orders: Orders,
    kept: int,
    wanted: int,
    closed: tuple[int, float, float],
) -> tuple[int, int]:
    """Ask the guards about every name to enter; returns how many passed and how many were refused."""
    passed, refused = 0, 0
    window, threshold, highest = numbers.correlation_window, numbers.correlation_block_threshold, orders.highest
    if wanted > 0 and closed[0] == 0:
        add_up_peers(names, moment, window, orders, kept)
    for place in orders.wanted[:wanted]:
        name = names[place]
        rested = moment.session - held[place].stopped
        rule, value, limit = failed_guard(name, moment.regime, rested, closed, numbers)
        if rule == 0 and name.sector >= 0 and (highest[name.sector] > threshold or name.unbroken < window):
            alike = likeness(place, name.sector, moment, window, orders)
            if alike > threshold:
                rule, value, limit = Rule.CORRELATION.value, alike, threshold
        if rule:
            refuse(orders.refused[refused], moment.session, place, rule, value, limit)
            refused += 1
        else:
            orders.wanted[passed] = place
            passed += 1
    return passed, refused


@compiled
def failed_guard(
    name: Name, regime: int, rested: int, closed: tuple[int, float, float], numbers: Numbers
) -> tuple[int, float, float]:
    """First guard that blocks a name, correlation aside, with its value and limit; rule 0 when all let it pass."""
    if not name.tradable:
        return Rule.NOT_TRADABLE.value, math.nan, math.nan
    if closed[0] > 0:
        return closed
    if rested < numbers.cooldown_sessions:
        return Rule.COOLDOWN.value, float(rested), float(numbers.cooldown_sessions)
    if not name.score >= numbers.min_score:
        return Rule.MIN_SCORE.value, name.score, numbers.min_score
    if numbers.blocks_declining and name.conviction == DECLINING:
        return Rule.CONVICTION.value, math.nan, math.nan
    if name.momentum < numbers.momentum_gate_threshold:
        return Rule.MOMENTUM_GATE.value, name.momentum, numbers.momentum_gate_threshold
    if name.veto:
        return Rule.VETO.value, name.percentile, math.nan
    if numbers.bear_blocks_underweight and regime == BEAR and name.rating < 0:
        return Rule.BEAR_SECTOR.value, math.nan, math.nan
    return 0, math.nan, math.nan


@compiled
def add_up_peers(names: Records, moment: Moment, window: int, orders: Orders, kept: int) -> None:
    """List the held names sector by sector, and add up their windows; those of unknown sector are no one's peers."""
    first, whole = orders.first, orders.whole
    first[:], whole[:] = 0, 0
    for place in orders.kept[:kept]:
        if names[place].sector >= 0:
            first[names[place].sector + 1] += 1
    for sector in range(len(whole)):
        first[sector + 1] += first[sector]
    for place in orders.kept[:kept]:
        sector = names[place].sector
        if sector >= 0:
            orders.peers[first[sector] + whole[sector]] = place
            whole[sector] += 1
    for sector in range(len(whole)):
        peers, together = orders.peers[first[sector] : first[sector + 1]], orders.together[sector]
        whole[sector] = add_up(moment.returns, moment.end, window, peers, together)
        orders.highest[sector] = highest_correlation(together, whole[sector], len(peers))


@compiled
def likeness(place: int, sector: int, moment: Moment, window: int, orders: Orders) -> float:
    """Mean correlation of a name with what is held in its sector; NaN when nothing is. [correlation]"""
    peers = orders.peers[orders.first[sector] : orders.first[sector + 1]]
    whole, together = orders.whole[sector], orders.together[sector]
    return mean_correlation(moment.returns, moment.end, window, place, peers, whole, together)


@compiled
def refuse(refused: shapes.Refused, session: int, place: int, rule: int, value: float, limit: float) -> None:
    """Note an entry that is not made."""
    refused.session, refused.name, refused.rule = session, place, rule
    refused.value, refused.limit = value, limit


@compiled
def size_entries(
    names: Records,
    moment: Moment,
    held: Records,
    numbers: Numbers,
    orders: Orders,
    kept: int,
    passed: int,
    refused: int,
    cash: float,
    nav: float,
    multiplier: float,
) -> tuple[int, int]:
    """Whole shares for every name that passed, in turn; returns the lengths of entries and of refused.

    Room is counted from the portfolio without today's sales, plus the batch so far.
    """
    if nav <= 0.0:
        return 0, refused
    in_sector = np.zeros(GROUPS)
    for place in orders.kept[:kept]:
        in_sector[names[place].sector] += held[place].shares * names[place].mark  # unknown is −1, the last group
    in_equity = in_sector.sum()
    entries = 0
    for place in orders.wanted[:passed]:
        if kept + entries >= numbers.max_positions:
            rule, value, limit = Rule.MAX_POSITIONS.value, kept + entries + 1.0, float(numbers.max_positions)
            refuse(orders.refused[refused], moment.session, place, rule, value, limit)
            refused += 1
            continue
        name, order = names[place], orders.entries[entries]
        weight, capped = weigh(name, moment, passed, multiplier, numbers, orders.factors[entries])
        wanted = weight * nav
        room, cap, value, limit = tightest_room(name.adv, in_sector[name.sector], in_equity, cash, wanted, nav, numbers)
        cut = room < wanted
        shares = math.floor(max(min(wanted, room), 0.0) / name.close)
        cost = shares * name.close
        if shares == 0 or cost < numbers.min_order:
            if not cut:
                cap, value, limit = Rule.BELOW_MINIMUM.value, cost, numbers.min_order
            refuse(orders.refused[refused], moment.session, place, cap, value, limit)
            refused += 1
            continue
        order.session, order.name, order.rule, order.shares = moment.session, place, Rule.ENTRY.value, shares
        order.bound = cap if cut else Rule.POSITION_CAP.value if capped else 0
        order.weight, order.value, order.limit = weight, math.nan, math.nan
        entries += 1
        in_sector[name.sector] += cost
        in_equity += cost
        cash -= cost
    return entries, refused


@compiled
def weigh(
    name: Name, moment: Moment, count: int, multiplier: float, numbers: Numbers, factors: Floats
) -> tuple[float, bool]:
    """Weight over NAV before the rooms, and whether the position cap cut it; writes every factor, in order."""
    declining = name.conviction == DECLINING
    cap = numbers.max_position_pct
    if moment.regime == BEAR:
        cap = min(cap, numbers.bear_max_position_pct)
    factors[0] = base_weight(count, numbers)
    factors[1] = sector_tilt(name.rating, numbers.sector_overweight, numbers.sector_underweight)
    factors[2] = numbers.conviction_reduction if declining and numbers.reduces_declining else 1.0
    factors[3] = upside_tilt(name.upside, numbers.upside_minimum, numbers.upside_reduction)
    factors[4] = confidence_tilt(name.percentile, numbers.confidence_sizing_min, numbers.confidence_sizing_range)
    factors[5] = atr_tilt(
        name.atr, name.close, numbers.atr_sizing_target_risk, numbers.atr_sizing_min, numbers.atr_sizing_max
    )
    factors[6] = cap
    factors[7] = multiplier
    factors[8] = staleness_scaler(
        moment.age, numbers.staleness_grace, numbers.staleness_decay_per_day, numbers.staleness_floor
    )
    factors[9] = earnings_scaler(name.report_in, numbers.earnings_proximity_days, numbers.earnings_sizing_reduction)
    tilted, scaled = 1.0, 1.0
    for tilt in factors[:6]:
        tilted *= tilt
    for scaler in factors[7:]:
        scaled *= scaler
    return min(tilted, cap) * scaled, tilted > cap


@compiled
def base_weight(count: int, numbers: Numbers) -> float:
    """Weight before the tilts of one of `count` entries. [fraction]"""
    if numbers.kelly:
        return kelly_weight(numbers.kelly_win_rate, numbers.kelly_payoff, numbers.kelly_fraction, numbers.kelly_cap)
    return equal_weight(count, numbers.target_positions)


@compiled
def tightest_room(
    adv: float, in_sector: float, in_equity: float, cash: float, wanted: float, nav: float, numbers: Numbers
) -> tuple[float, int, float, float]:
    """Smallest room left [currency], the cap it belongs to, and that cap's value and limit if all were bought."""
    room, cap, value, limit = math.inf, 0, math.nan, math.nan
    if adv > 0.0:
        room, cap, value, limit = numbers.max_adv_pct * adv, Rule.ADV_CAP.value, wanted / adv, numbers.max_adv_pct
    sector_room = numbers.max_sector_pct * nav - in_sector
    if sector_room < room:
        room, cap = sector_room, Rule.SECTOR_CAP.value
        value, limit = (in_sector + wanted) / nav, numbers.max_sector_pct
    equity_room = numbers.max_equity_pct * nav - in_equity
    if equity_room < room:
        room, cap = equity_room, Rule.EQUITY_CAP.value
        value, limit = (in_equity + wanted) / nav, numbers.max_equity_pct
    if cash < room:
        room, cap, value, limit = cash, Rule.CASH.value, wanted, cash
    return room, cap, value, limit
