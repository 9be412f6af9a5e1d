"""Where a signed book stands at a close: what it is worth, and what its drawdown asks for. Compiled."""

from __future__ import annotations

from typing import Any

from alphalib.compiled import Records, compiled, entry_point, stamp
from alphalib.risk import drawdown
from alphalib.risk.drawdown import Drawdown, Tiers, drawdown_step


@compiled
def net_value(names: Records, held: Records, cash: float) -> float:
    """Cash and positions, shorts counting against it. [currency]"""
    nav = cash
    for place in range(len(held)):
        if held[place].shares != 0:
            nav += held[place].shares * names[place].mark
    return nav


@entry_point
def standing(
    names: Records,
    held: Records,
    cash: float,
    memory: tuple[float, int, int, int, bool],
    limits: tuple[Any, ...],
    sources: int = stamp(drawdown),
) -> tuple[float, Drawdown]:
    """NAV [currency], and the response to the drawdown.

    Parameters
    ----------
    names, held : records of Name, of Held
        Of the close.
    cash : float
        [currency]
    memory : tuple
        NAV peak, decisions halted, tiers fired, decisions under a tier, re-armed: as `shapes.Account` has them.
    limits : tuple
        `Tiers`.
    """
    nav = net_value(names, held, cash)
    peak, halted, fired, under, rearmed = memory
    return nav, drawdown_step(nav, peak, halted, fired, under, rearmed, Tiers(*limits))
