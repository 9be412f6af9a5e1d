"""The decision for one day, compiled: docs/rules.md, steps 0 to 4, on arrays and codes.

`decide` calls it once, `backtest.simulate` once a session; there is no second one.
"""

from __future__ import annotations

import math

import numpy as np

from alphalib.compiled import Floats, compiled, entry_point, stamp
from alphalib.decision import shapes
from alphalib.decision.shapes import Account, Held, Numbers, Orders, Rows, Rule, Verdict
from alphalib.market import SECTORS
from alphalib.risk import correlation, drawdown, stops
from alphalib.risk.correlation import mean_correlation
from alphalib.risk.drawdown import drawdown_step
from alphalib.risk.stops import sector_veto, trailing_stop
from alphalib.scores import ConvictionCode, RegimeCode, SignalCode
from alphalib.sizing import scalers, tilts
from alphalib.sizing.scalers import earnings_scaler, staleness_scaler
from alphalib.sizing.tilts import atr_tilt, confidence_tilt, sector_tilt, upside_tilt

HOLD, ENTER = int(SignalCode.HOLD), int(SignalCode.ENTER)
REDUCE, EXIT = int(SignalCode.REDUCE), int(SignalCode.EXIT)
DECLINING, BEAR = int(ConvictionCode.DECLINING), int(RegimeCode.BEAR)
GROUPS = len(SECTORS) + 1  # the last one holds the names of unknown sector
SOURCES = stamp(shapes, drawdown, correlation, stops, tilts, scalers)


@entry_point
def decide_day(
    rows: Rows[int], held: Held, account: Account, numbers: Numbers, orders: Orders, sources: int = SOURCES
) -> Verdict:
    """Decide one day and write the result into `orders`."""
    nav = account.cash + invested(rows, held)
    step = drawdown_step(nav, account.peak, account.halted, account.fired, account.rearmed, numbers.tiers)
    force_exits(rows, held, step.forced_exits, orders)
    exits = decide_exits(rows, held, step.drawdown, numbers, orders)
    passed, blocked = guard(rows, held, step.halted, numbers, orders)
    entries, blocked = size_entries(rows, held, account.cash, nav, step.multiplier, passed, blocked, numbers, orders)
    return Verdict(nav, step.peak, step.drawdown, step.multiplier, step.halted, step.fired, exits, entries, blocked)


@compiled
def invested(rows: Rows[int], held: Held) -> float:
    """Value of all positions. [currency]"""
    value = 0.0
    for name in range(len(held.shares)):
        if held.shares[name] > 0:
            value += held.shares[name] * rows.mark[name]
    return value


@compiled
def force_exits(rows: Rows[int], held: Held, count: int, orders: Orders) -> None:
    """Mark the `count` held names with the lowest score, unscored first, then by ticker."""
    orders.forced[:] = False
    for _ in range(count):
        lowest, lowest_score = -1, math.inf
        for name in range(len(held.shares)):
            if held.shares[name] > 0 and not orders.forced[name]:
                score = -1.0 if math.isnan(rows.score[name]) else rows.score[name]
                if score < lowest_score:
                    lowest, lowest_score = name, score
        if lowest >= 0:
            orders.forced[lowest] = True


@compiled
def decide_exits(rows: Rows[int], held: Held, drawdown: float, numbers: Numbers, orders: Orders) -> int:
    """Exits and reductions of every held name, and the stops of those that stay; returns how many are sold."""
    count = 0
    for name in range(len(held.shares)):
        shares = held.shares[name]
        if shares == 0:
            continue
        orders.stop[name], stopped = stop_of(rows, held, name, numbers)
        rule, value, limit = exit_rule(rows, held, name, stopped, orders, drawdown, numbers)
        if rule == 0:
            rule, value, limit = reduction_rule(rows, held, name, numbers)
            shares = max(1, math.floor(shares * numbers.reduce_fraction))
        if rule:
            orders.exit_name[count] = name
            orders.exit_rule[count] = rule
            orders.exit_shares[count] = shares
            orders.exit_value[count] = value
            orders.exit_limit[count] = limit
            if shares == held.shares[name]:
                orders.stop[name] = math.nan
            count += 1
    return count


@compiled
def stop_of(rows: Rows[int], held: Held, name: int, numbers: Numbers) -> tuple[float, bool]:
    """The stop for the next session, and whether the close has reached it without a sector veto."""
    close, atr, cost = rows.close[name], rows.atr[name], held.cost[name]
    stop = trailing_stop(held.high_water[name], atr, numbers.atr_multiplier, cost, numbers.fallback_stop_pct)
    if not close <= stop:
        return stop, False
    if not sector_veto(rows.momentum[name], rows.sector_momentum[name], numbers.sector_veto_pct):
        return stop, True
    return trailing_stop(close, atr, numbers.atr_multiplier, close, numbers.fallback_stop_pct), False


@compiled
def exit_rule(
    rows: Rows[int], held: Held, name: int, stopped: bool, orders: Orders, drawdown: float, numbers: Numbers
) -> tuple[int, float, float]:
    """First reason to sell a whole position, with its value and limit; rule 0 when there is none."""
    waited = rows.session - held.entered[name]
    weak = rows.momentum[name] < numbers.momentum_exit_threshold and rows.rsi[name] < numbers.momentum_exit_rsi
    if rows.signal[name] == EXIT:
        return Rule.RESEARCH_EXIT.value, rows.score[name], math.nan
    if stopped:
        return Rule.STOP.value, rows.close[name], orders.stop[name]
    if weak and not math.isnan(rows.close[name]):
        return Rule.MOMENTUM_EXIT.value, rows.momentum[name], numbers.momentum_exit_threshold
    if rows.signal[name] <= HOLD and waited >= numbers.time_decay_exit_days:
        return Rule.TIME_EXIT.value, float(waited), numbers.time_decay_exit_days
    if orders.forced[name]:
        return Rule.DRAWDOWN_EXIT.value, drawdown, math.nan
    return 0, math.nan, math.nan


@compiled
def reduction_rule(rows: Rows[int], held: Held, name: int, numbers: Numbers) -> tuple[int, float, float]:
    """First reason to sell a part of a position, with its value and limit; rule 0 when there is none."""
    waited = rows.session - held.entered[name]
    target = held.cost[name] * (1.0 + numbers.profit_take_pct)
    if rows.signal[name] == REDUCE and rows.age == 0:
        return Rule.RESEARCH_REDUCE.value, rows.score[name], math.nan
    if rows.close[name] >= target and not held.profit_taken[name]:
        return Rule.PROFIT_TAKE.value, rows.close[name], target
    idle = rows.signal[name] <= HOLD and waited >= numbers.time_decay_reduce_days
    if idle and not held.time_reduced[name]:
        return Rule.TIME_REDUCE.value, float(waited), numbers.time_decay_reduce_days
    return 0, math.nan, math.nan


@compiled
def guard(rows: Rows[int], held: Held, halted: int, numbers: Numbers, orders: Orders) -> tuple[int, int]:
    """Ask the guards about every name to enter; returns how many passed and how many were blocked."""
    passed, blocked = 0, 0
    for name in range(len(rows.signal)):
        if rows.signal[name] != ENTER or held.shares[name] > 0:
            continue
        rule, value, limit = failed_guard(rows, held, name, halted, numbers)
        if rule:
            blocked = block(orders, blocked, name, rule, value, limit)
        else:
            orders.passed[passed] = name
            passed += 1
    return passed, blocked


@compiled
def failed_guard(rows: Rows[int], held: Held, name: int, halted: int, numbers: Numbers) -> tuple[int, float, float]:
    """First guard that blocks a name, with its value and limit; rule 0 when all let it pass."""
    if not rows.tradable[name]:
        return Rule.NOT_TRADABLE.value, math.nan, math.nan
    if halted > 0:
        return Rule.HALTED.value, float(halted), math.nan
    if not rows.score[name] >= numbers.min_score:
        return Rule.MIN_SCORE.value, rows.score[name], numbers.min_score
    if numbers.blocks_declining and rows.conviction[name] == DECLINING:
        return Rule.CONVICTION.value, math.nan, math.nan
    if rows.momentum[name] < numbers.momentum_gate_threshold:
        return Rule.MOMENTUM_GATE.value, rows.momentum[name], numbers.momentum_gate_threshold
    if rows.veto[name]:
        return Rule.VETO.value, rows.percentile[name], math.nan
    if numbers.bear_blocks_underweight and rows.regime == BEAR and rows.rating[name] < 0:
        return Rule.BEAR_SECTOR.value, math.nan, math.nan
    alike = sector_correlation(rows, held, name, numbers)
    if alike > numbers.correlation_block_threshold:
        return Rule.CORRELATION.value, alike, numbers.correlation_block_threshold
    return 0, math.nan, math.nan


@compiled
def sector_correlation(rows: Rows[int], held: Held, name: int, numbers: Numbers) -> float:
    """Mean correlation with the held names of the same known sector; NaN when there is no pair. [correlation]"""
    sector = rows.sector[name]
    if sector < 0:
        return math.nan
    peers = np.flatnonzero((held.shares > 0) & (rows.sector == sector))
    return mean_correlation(rows.returns, rows.end, numbers.correlation_window, name, peers)


@compiled
def block(orders: Orders, count: int, name: int, rule: int, value: float, limit: float) -> int:
    """Record an entry that is not made; returns the new length of the list."""
    orders.block_name[count] = name
    orders.block_rule[count] = rule
    orders.block_value[count] = value
    orders.block_limit[count] = limit
    return count + 1


@compiled
def size_entries(
    rows: Rows[int],
    held: Held,
    cash: float,
    nav: float,
    multiplier: float,
    passed: int,
    blocked: int,
    numbers: Numbers,
    orders: Orders,
) -> tuple[int, int]:
    """Whole shares for every name that passed, best score first; returns the lengths of entries and of blocked.

    Room is counted from the portfolio without today's sales, plus the batch so far.
    """
    names = orders.passed[:passed]
    in_sector = sector_values(rows, held)
    in_equity = in_sector.sum()
    entries = 0
    for place in np.argsort(-rows.score[names], kind="mergesort"):  # stable: the ticker breaks ties
        name = names[place]
        weight, capped = weigh(rows, name, passed, multiplier, numbers, orders.entry_factors[entries])
        wanted, close, sector = weight * nav, rows.close[name], rows.sector[name]
        room, cap, value, limit = tightest_room(in_sector[sector], in_equity, cash, wanted, nav, numbers)
        cut = room < wanted
        shares = math.floor(max(min(wanted, room), 0.0) / close)
        cost = shares * close
        if shares == 0 or cost < numbers.min_order:
            if not cut:
                cap, value, limit = Rule.BELOW_MINIMUM.value, cost, numbers.min_order
            blocked = block(orders, blocked, name, cap, value, limit)
            continue
        orders.entry_name[entries] = name
        orders.entry_shares[entries] = shares
        orders.entry_weight[entries] = weight
        orders.entry_bound[entries] = cap if cut else Rule.POSITION_CAP.value if capped else 0
        entries += 1
        in_sector[sector] += cost
        in_equity += cost
        cash -= cost
    return entries, blocked


@compiled
def sector_values(rows: Rows[int], held: Held) -> Floats:
    """Value held by sector; unknown sectors, code −1, share the last place. [currency]"""
    values = np.zeros(GROUPS)
    for name in range(len(held.shares)):
        if held.shares[name] > 0:
            values[rows.sector[name]] += held.shares[name] * rows.mark[name]
    return values


@compiled
def weigh(
    rows: Rows[int], name: int, count: int, multiplier: float, numbers: Numbers, factors: Floats
) -> tuple[float, bool]:
    """Weight over NAV before the rooms, and whether the position cap cut it; writes every factor, in order."""
    declining = rows.conviction[name] == DECLINING
    cap = numbers.max_position_pct
    if rows.regime == BEAR:
        cap = min(cap, numbers.bear_max_position_pct)
    factors[0] = 1.0 / max(float(count), numbers.target_positions)
    factors[1] = sector_tilt(rows.rating[name], numbers.sector_overweight, numbers.sector_underweight)
    factors[2] = numbers.conviction_reduction if declining and numbers.reduces_declining else 1.0
    factors[3] = upside_tilt(rows.upside[name], numbers.upside_minimum, numbers.upside_reduction)
    factors[4] = confidence_tilt(rows.percentile[name], numbers.confidence_sizing_min, numbers.confidence_sizing_range)
    factors[5] = atr_tilt(
        rows.atr[name],
        rows.close[name],
        numbers.atr_sizing_target_risk,
        numbers.atr_sizing_min,
        numbers.atr_sizing_max,
    )
    factors[6] = cap
    factors[7] = multiplier
    factors[8] = staleness_scaler(
        rows.age, numbers.staleness_grace, numbers.staleness_decay_per_day, numbers.staleness_floor
    )
    factors[9] = earnings_scaler(
        rows.report_in[name], numbers.earnings_proximity_days, numbers.earnings_sizing_reduction
    )
    tilted = factors[:6].prod()
    return min(tilted, cap) * factors[7:].prod(), tilted > cap


@compiled
def tightest_room(
    in_sector: float, in_equity: float, cash: float, wanted: float, nav: float, numbers: Numbers
) -> tuple[float, int, float, float]:
    """Smallest room left [currency], the cap it belongs to, and that cap's value and limit if all were bought."""
    room = numbers.max_sector_pct * nav - in_sector
    cap, value, limit = Rule.SECTOR_CAP.value, (in_sector + wanted) / nav, numbers.max_sector_pct
    equity_room = numbers.max_equity_pct * nav - in_equity
    if equity_room < room:
        room, cap = equity_room, Rule.EQUITY_CAP.value
        value, limit = (in_equity + wanted) / nav, numbers.max_equity_pct
    if cash < room:
        room, cap, value, limit = cash, Rule.CASH.value, wanted, cash
    return room, cap, value, limit
