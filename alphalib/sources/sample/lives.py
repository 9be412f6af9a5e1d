"""What a share becomes: wealth, distress, takeovers, the end of a listing.

The chance of either end is paid for in the return of those who go on, so that holding a share through its delisting
earns what the market factor earns and no more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphalib.sessions import SESSIONS_PER_YEAR
from alphalib.sources.sample.returns import Flow
from alphalib.sources.sample.roster import Roster
from alphalib.sources.sample.streams import Floats, by_name, stream, uniform

DISTRESS = 0.26  # of the highest wealth: below it a company may fail
FAILURE_CHANCE = 0.005  # a session in distress
LOSS = (0.30, 1.00)  # of a failure
TAKEOVER_CHANCE = 0.022 / SESSIONS_PER_YEAR
PREMIUM = (0.12, 0.45)  # of a takeover
YOUNG = 60  # sessions in which neither happens

LISTED_ON = -1


@dataclass(frozen=True, eq=False)
class Lives:
    """Wealth of one share, dividends reinvested, and how listings end; sessions × companies."""

    returns: Floats  # close to close, 0 before the listing
    wealth: Floats  # 1 before the listing
    opening: Floats  # wealth at the open
    peak: Floats  # highest wealth so far
    trading: NDArray[np.bool_]  # between listing and delisting
    last: NDArray[np.int64]  # position of the last session; LISTED_ON while it runs
    failed: NDArray[np.bool_]  # by company
    proceeds: Floats  # return from the last close to what holders received, by company


def lives(seed: int, roster: Roster, moves: Flow) -> Lives:
    """Follow every company from its listing, session by session."""
    sessions, count = moves.total.shape
    fate = by_name(seed, "fate", (sessions, count), uniform)
    extent = np.array([stream(seed, "proceeds", number).random(2) for number in range(count)])
    loss = -(LOSS[0] + (LOSS[1] - LOSS[0]) * extent[:, 0])
    premium = PREMIUM[0] + (PREMIUM[1] - PREMIUM[0]) * extent[:, 1]
    fair = {
        True: FAILURE_CHANCE * np.mean(LOSS) / (1.0 - FAILURE_CHANCE),
        False: -TAKEOVER_CHANCE * np.mean(PREMIUM) / (1.0 - TAKEOVER_CHANCE),
    }
    wealth, opening, peak = np.ones((sessions, count)), np.ones((sessions, count)), np.ones((sessions, count))
    returns, trading = np.zeros((sessions, count)), np.zeros((sessions, count), dtype=bool)
    last, failed = np.full(count, LISTED_ON), np.zeros(count, dtype=bool)
    level, highest = np.ones(count), np.ones(count)
    distressed, at_risk = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for now in range(sessions):
        alive = (roster.listing <= now) & (last == LISTED_ON)
        paid = np.where(at_risk, np.where(distressed, fair[True], fair[False]), 0.0)
        returns[now] = np.where(alive, moves.total[now] + paid, 0.0)
        opening[now] = np.where(alive, level * (1.0 + moves.overnight[now]), level)
        level = level * (1.0 + returns[now])
        highest = np.maximum(highest, level)
        wealth[now], peak[now], trading[now] = level, highest, alive
        distressed = level < DISTRESS * highest
        at_risk = alive & (now >= roster.listing + YOUNG)
        ends = at_risk & (fate[now] < np.where(distressed, FAILURE_CHANCE, TAKEOVER_CHANCE))
        last[ends] = now
        failed[ends] = distressed[ends]
    return Lives(
        returns=returns,
        wealth=wealth,
        opening=opening,
        peak=peak,
        trading=trading,
        last=last,
        failed=failed,
        proceeds=np.where(failed, loss, premium),
    )
