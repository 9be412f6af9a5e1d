"""Who is listed when, and what each company is like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphalib.market import SECTORS
from alphalib.sessions import SESSIONS_PER_YEAR
from alphalib.sources.sample.streams import Floats, by_name, stream, uniform

ARRIVALS_A_YEAR = 0.033  # as a share of the names at the start
RECLASSIFIED_A_YEAR = 0.004
RENAMED_A_YEAR = 0.012

# Market beta, idiosyncratic daily volatility, share of companies that pay dividends; in the order of SECTORS.
_BETA = np.array([0.95, 1.10, 0.65, 1.20, 1.10, 0.85, 1.05, 1.20, 1.10, 0.85, 0.60])
_VOLATILITY = np.array([0.0178, 0.0195, 0.0135, 0.0210, 0.0158, 0.0182, 0.0155, 0.0195, 0.0168, 0.0145, 0.0125])
_PAYS = np.array([0.3, 0.4, 0.8, 0.6, 0.8, 0.4, 0.6, 0.3, 0.6, 0.9, 0.95])

_LETTERS = "BCDGHLMNPRSTVZ"  # without vowels no symbol is a word
_SYMBOLS = len(_LETTERS) ** 4
SYMBOLS_A_COMPANY = 3


@dataclass(frozen=True, eq=False)
class Roster:
    """Companies in the order of their listing, one entry each; whatever changes with time is sessions × companies."""

    listing: NDArray[np.int64]  # position of the first session
    beta: Floats
    volatility: Floats  # idiosyncratic, daily
    styles: Floats  # companies × (size, value, low volatility)
    capitalisation: Floats  # at listing [currency]
    price: Floats  # at listing [currency]
    dividend_yield: Floats  # a year; 0 for those that pay none
    turnover: Floats  # traded shares a session over shares outstanding
    board: NDArray[np.int64]  # session of the quarter at which the board meets
    report_lag: Floats  # from quarter end to report [days]
    sector: NDArray[np.int8]  # sessions × companies
    renamed: NDArray[np.bool_]  # sessions × companies: a new symbol from this session on

    @property
    def count(self) -> int:
        """Companies ever listed."""
        return len(self.listing)


def companies(seed: int, *, sessions: int, names: int) -> Roster:
    """Roster of a world: `names` companies at its first session, then arrivals for as long as it runs."""
    listing = np.concatenate([np.zeros(names, dtype=np.int64), _arrivals(seed, sessions=sessions, names=names)])
    count = len(listing)
    traits = np.stack([stream(seed, "traits", number).standard_normal(8) for number in range(count)])
    chances = np.stack([stream(seed, "chances", number).random(6) for number in range(count)])
    home = np.arange(count) % len(SECTORS)
    fresh = listing > 0
    shape = (sessions, count)
    return Roster(
        listing=listing,
        beta=np.clip(_BETA[home] + 0.25 * traits[:, 0], 0.2, 2.2),
        volatility=_VOLATILITY[home] * np.exp(0.30 * traits[:, 1]) * np.where(fresh, 1.2, 1.0),
        styles=np.stack([-traits[:, 2], traits[:, 3], -traits[:, 1]], axis=1),
        capitalisation=np.where(fresh, 5e9, 12e9) * np.exp(0.7 * traits[:, 2]),
        price=np.clip(55.0 * np.exp(0.5 * traits[:, 4]), 12.0, 250.0),
        dividend_yield=np.where((chances[:, 0] < _PAYS[home]) & ~fresh, 0.008 + 0.03 * chances[:, 1], 0.0),
        turnover=0.006 * np.exp(0.35 * traits[:, 5]),
        board=(63 * chances[:, 2]).astype(np.int64),
        report_lag=16.0 + 26.0 * chances[:, 3],
        sector=_sectors(seed, home, shape),
        renamed=by_name(seed, "rename", shape, uniform) < RENAMED_A_YEAR / SESSIONS_PER_YEAR,
    )


def _arrivals(seed: int, *, sessions: int, names: int) -> NDArray[np.int64]:
    """Sessions of later listings, one a company, ascending."""
    rng = stream(seed, "arrivals")
    mean_gap = SESSIONS_PER_YEAR / (ARRIVALS_A_YEAR * names)
    found: list[int] = []
    position = 0
    while True:
        position += 1 + int(rng.exponential(mean_gap))
        if position >= sessions:
            return np.array(found, dtype=np.int64)
        found.append(position)


def _sectors(seed: int, home: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.int8]:
    """Sector codes; now and then a company is moved to the next sector of the list."""
    moved = by_name(seed, "reclassified", shape, uniform) < RECLASSIFIED_A_YEAR / SESSIONS_PER_YEAR
    moved[0] = False
    return ((home + np.cumsum(moved, axis=0)) % len(SECTORS)).astype(np.int8)


def symbol(seed: int, company: int, *, generation: int = 0) -> str:
    """Four consonants; no two companies and generations share a symbol."""
    first = int(stream(seed, "symbols").integers(_SYMBOLS))
    # A step that has no divisor in common with the count visits every symbol once.
    place = (first + 24593 * (SYMBOLS_A_COMPANY * company + generation)) % _SYMBOLS
    letters = [_LETTERS[place // len(_LETTERS) ** power % len(_LETTERS)] for power in range(4)]
    return "".join(letters)
