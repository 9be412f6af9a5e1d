"""Splits and dividends decided by boards once a quarter, and the raw price that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphalib.sources.sample.lives import LISTED_ON, Lives
from alphalib.sources.sample.roster import Roster
from alphalib.sources.sample.streams import Floats

QUARTER = 63  # sessions between board meetings
EX_AFTER, SPLIT_AFTER = 10, 15  # sessions from the meeting to the ex-date and to the split
DEAR, CHEAP, WANTED = 260.0, 5.0, 70.0  # closes that make a board split, and what it aims at [currency]
REVERSE = 0.1
CUT = 0.45  # wealth over its peak below which dividends are omitted


@dataclass(frozen=True, eq=False)
class Decided:
    """Raw price over wealth, shares over those at the listing, and the actions as (session, company, kind, value)."""

    price_factor: Floats  # sessions × companies
    share_factor: Floats
    events: list[tuple[int, int, str, float]]


def decided(roster: Roster, life: Lives) -> Decided:
    """Board decisions of every company, each known from the close of its meeting."""
    price_factor = np.ones(life.wealth.shape) * roster.price
    share_factor = np.ones(life.wealth.shape)
    events: list[tuple[int, int, str, float]] = []
    for number in range(roster.count):
        events += _company(roster, life, number, price_factor[:, number], share_factor[:, number])
    return Decided(price_factor, share_factor, events)


def _company(
    roster: Roster, life: Lives, number: int, price_factor: Floats, share_factor: Floats
) -> list[tuple[int, int, str, float]]:
    """Actions of one company; its columns of the factors are changed in place."""
    wealth, peak = life.wealth[:, number], life.peak[:, number]
    end = len(wealth) if life.last[number] == LISTED_ON else int(life.last[number]) + 1
    events: list[tuple[int, int, str, float]] = []
    for meeting in range(int(roster.board[number]), end, QUARTER):
        if meeting <= roster.listing[number]:
            continue
        close = price_factor[meeting] * wealth[meeting]
        ex, split = meeting + EX_AFTER, meeting + SPLIT_AFTER
        amount = round(float(roster.dividend_yield[number] / 4.0 * close), 2)
        if amount > 0.0 and wealth[meeting] > CUT * peak[meeting] and ex < end:
            price_factor[ex:] -= amount / wealth[ex]
            events.append((ex, number, "dividend", amount))
        ratio = _ratio(close)
        if ratio != 1.0 and split < end:
            price_factor[split:] /= ratio
            share_factor[split:] *= ratio
            events.append((split, number, "split", ratio))
    return events


def _ratio(close: float) -> float:
    """New shares for one old that a board decides on."""
    if close < CHEAP:
        return REVERSE
    return float(min(round(close / WANTED), 10)) if close > DEAR else 1.0
