"""The session's minutes of every name, and what they make of entries and guards; read again from the journal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alphalib.backtest.triggers import Trigger, protection
from alphalib.contracts import Intraday, OrderBook
from alphalib.execute.desk.watching import EntryWatch, HeldWatch, levels_of, part_of, watch_bought, watch_held
from alphalib.execute.tape import Bar, Hours
from alphalib.params import ExecutorParams


@dataclass(frozen=True)
class Bought:
    """A purchase of this session: average cost, its first stop, and the minute of its first fill. [currency]"""

    cost: float
    stop: float
    minute: int


class Minutes:
    """What has been seen of the session, a name.

    Parameters
    ----------
    book : OrderBook
        Entries and stops of the session.
    hours : Hours
        Of it.
    bars : mapping of str to sequence of Bar
        Those seen already.
    """

    def __init__(self, book: OrderBook, hours: Hours, bars: Mapping[str, Sequence[Bar]]) -> None:
        # An older book has none: then those of today's defaults.
        self.numbers = book.intraday or Intraday(**ExecutorParams().model_dump(include=set(Intraday.model_fields)))
        self._protection = protection(self.numbers)
        self._entries = {
            entry.ticker: EntryWatch(entry, levels_of(entry, hours.minutes)) for entry in book.approved_entries
        }
        self._held = {stop.ticker: watch_held(stop, book.date, self._protection) for stop in book.active_stops}
        self._bought: dict[str, tuple[Bought, HeldWatch]] = {}
        self._bars: dict[str, list[Bar]] = {}
        for ticker, seen in bars.items():
            for bar in seen:
                self.see({ticker: bar})

    def see(self, bars: Mapping[str, Bar]) -> None:
        """A minute, by ticker; one that was seen already changes nothing."""
        for ticker, bar in bars.items():
            seen = self._bars.setdefault(ticker, [])
            if seen and bar.minute <= seen[-1].minute:
                continue
            seen.append(bar)
            if ticker in self._entries:
                self._entries[ticker].see(bar)
            if ticker in self._held:
                self._held[ticker].see([bar])

    def trigger(self, ticker: str, minute: int) -> Trigger:
        """Trigger by which an entry acts in a minute."""
        return self._entries[ticker].due(minute)

    def waits_for(self, ticker: str) -> str:
        """The closes that would make an entry act, in words."""
        return self._entries[ticker].waits_for()

    def first_stop(self, ticker: str, price: float) -> float:
        """Stop of an entry that is sent now, at a last price. [currency]"""
        return self._entries[ticker].stop(price, self._protection)

    def fired_at(self, ticker: str) -> float:
        """Close at which an entry's trigger fired, NaN for none. [currency]"""
        return self._entries[ticker].fired_at

    def held(self, ticker: str, bought: Bought | None) -> HeldWatch | None:
        """Guard of what is held; of what was bought today from its first fill on. None for a name of neither kind."""
        if ticker in self._held:
            return self._held[ticker]
        entry = self._entries.get(ticker)
        if bought is None or entry is None:
            return None
        known = self._bought.get(ticker)
        if known is None or known[0] != bought:
            watch = watch_bought(
                entry.entry, cost=bought.cost, stop=bought.stop, minute=bought.minute, protection=self._protection
            )
            known = self._bought[ticker] = bought, watch
        known[1].see(self._bars.get(ticker, ()))
        return known[1]

    def part(self, shares: int) -> int:
        """What is sold of a position that has gained. [shares]"""
        return part_of(shares, self.numbers.intraday_profit_fraction)

    def fallback(self, cost: float) -> float:
        """Stop of what the order book has none for, NaN without a cost. [currency]"""
        return cost * (1.0 - self.numbers.fallback_stop_pct) if cost > 0 else math.nan
