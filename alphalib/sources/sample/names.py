"""Symbols: what a company is called for good, and what the exchange calls it when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalib.sources.sample.lives import LISTED_ON, Lives
from alphalib.sources.sample.roster import SYMBOLS_A_COMPANY, Roster, symbol

REUSED_AFTER = 250  # sessions that a symbol rests before another company may take it
REUSED_BY_ONE_IN = 12  # later listings


@dataclass(frozen=True, eq=False)
class Names:
    """Permanent tickers in the order of listing, and each company's symbols as (first session, symbol)."""

    tickers: pd.Index
    symbols: list[list[tuple[int, str]]]

    def at(self, company: int, session: int) -> str:
        """Symbol of a company at a session."""
        return [name for start, name in self.symbols[company] if start <= session][-1]


def named(seed: int, roster: Roster, life: Lives, sessions: pd.DatetimeIndex) -> Names:
    """Name every company in the order of listing; some take the symbol of one that is gone."""
    symbols: list[list[tuple[int, str]]] = []
    tickers: list[str] = []
    taken: set[int] = set()
    rested = REUSED_BY_ONE_IN
    for company, listing in enumerate(roster.listing):
        listed = int(listing)
        name = ticker = symbol(seed, company)
        rested += listed > 0
        if rested > REUSED_BY_ONE_IN:
            free = [c for c in range(company) if _free(life, c, listed) and c not in taken]
            if free:
                former = min(free, key=lambda c: (life.last[c], c))
                taken.add(former)
                rested = 0
                name = symbols[former][-1][1]
                ticker = f"{name}-{sessions[listed]:%Y%m}"
        symbols.append([(listed, name), *_later_names(seed, roster, life, company)])
        tickers.append(ticker)
    return Names(pd.Index(tickers, name="ticker", dtype="str"), symbols)


def alias_table(names: Names, life: Lives, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """`ticker, symbol, start, end`: every symbol that a company has had; no end while it has it."""
    rows = []
    for company, spells in enumerate(names.symbols):
        last = int(life.last[company])
        final = None if last in (LISTED_ON, len(sessions) - 1) else sessions[last]
        ends = [sessions[start - 1] for start, _ in spells[1:]] + [final]
        rows += [
            (names.tickers[company], name, sessions[start], end)
            for (start, name), end in zip(spells, ends, strict=True)
        ]
    table = pd.DataFrame(rows, columns=["ticker", "symbol", "start", "end"])
    return table.astype({"ticker": "str", "symbol": "str", "start": "datetime64[us]", "end": "datetime64[us]"})


def _free(life: Lives, company: int, session: int) -> bool:
    last = int(life.last[company])
    return last != LISTED_ON and last <= session - REUSED_AFTER


def _later_names(seed: int, roster: Roster, life: Lives, company: int) -> list[tuple[int, str]]:
    trading = life.trading[:, company]
    changes = np.flatnonzero(roster.renamed[:, company] & trading)
    changes = changes[changes > roster.listing[company]][: SYMBOLS_A_COMPANY - 1]
    return [(int(at), symbol(seed, company, generation=n)) for n, at in enumerate(changes, start=1)]
