"""The graduated response to drawdown: tiers, halts and what ends them."""

from __future__ import annotations

from typing import NamedTuple

from alphalib.compiled import Floats, Ints, compiled

SESSIONS, RECOVERY, PERSON = range(3)
"""Codes of `ExecutorParams.rearm_rule`."""


class Tiers(NamedTuple):
    """`ExecutorParams.drawdown_tiers` as arrays, shallowest first, and the rule that ends a halt or a tier."""

    drawdown: Floats
    multiplier: Floats
    forced_exits: Ints
    rearm_rule: int
    rearm_sessions: int
    tier_rearm_sessions: int


class Drawdown(NamedTuple):
    """What the drawdown does today, and what of it must be remembered.

    Parameters
    ----------
    peak : float
        Highest end-of-day NAV since the last re-arm. [currency]
    drawdown : float
        NAV over peak − 1. [fraction]
    multiplier : float
        Share of their size that new entries get; 0 in a halt. [fraction]
    halted : int
        Decisions in the present halt, this one included; 0 when not halted. [decisions]
    fired : int
        Deepest tier whose exits were forced since the drawdown was last above the first; 0 none. [tiers]
    under : int
        Decisions in a row under a tier and not halted, this one included. [decisions]
    forced_exits : int
        Held names to be sold today. [names]
    """

    peak: float
    drawdown: float
    multiplier: float
    halted: int
    fired: int
    under: int
    forced_exits: int


@compiled
def drawdown_step(
    nav: float, peak: float, halted: int, fired: int, under: int, rearmed: bool, tiers: Tiers
) -> Drawdown:
    """One decision's response to the drawdown (docs/rules.md, step 0).

    Parameters
    ----------
    nav, peak : float
        NAV at the close, and the highest one before it. [currency]
    halted, fired, under : int
        As the decision before left them, see `Drawdown`.
    rearmed : bool
        A person has re-armed since.
    tiers : Tiers
        The rules.
    """
    peak = max(peak, nav)
    first = tiers.drawdown[0] if len(tiers.drawdown) else -2.0
    if halted > 0 and nav > 0.0:  # a book that lost everything stays halted
        waited = tiers.rearm_rule == SESSIONS and halted >= tiers.rearm_sessions
        if waited or (tiers.rearm_rule == PERSON and rearmed):
            halted, peak = 0, nav
        elif tiers.rearm_rule == RECOVERY and nav / peak - 1.0 > first:
            halted = 0
    elif tiers.rearm_rule == SESSIONS and under >= tiers.tier_rearm_sessions and nav > 0.0:
        peak = nav
    drawdown = nav / peak - 1.0
    if drawdown > first:
        fired = 0
    reached = 0
    for limit in tiers.drawdown:
        reached += drawdown <= limit
    forced_exits = 0
    for tier in range(fired, reached):
        forced_exits = max(forced_exits, tiers.forced_exits[tier])
    multiplier = tiers.multiplier[reached - 1] if reached > 0 else 1.0
    if halted > 0 or multiplier == 0.0:
        halted, multiplier = halted + 1, 0.0
    under = under + 1 if reached > 0 and halted == 0 else 0
    return Drawdown(peak, drawdown, multiplier, halted, max(fired, reached), under, forced_exits)
