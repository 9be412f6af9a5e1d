"""A session written into a journal by hand: orders, their fills, and an account that books them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from alphalib.execute.broker import Charge, Fill, Kind, Side, State, Ticket
from alphalib.execute.journal.journal import Intent, Journal, Kept, Standing, Statement
from alphalib.execute.refs import Role, parts_of, ref_of
from alphalib.execute.tape import Bar, Hours

ACCOUNT = "DU1234567"
COMMISSION = 1.0


class Hand:
    """Trades and books one session; the numbers are the test's own.

    Parameters
    ----------
    journal : Journal
        Written to.
    session : Timestamp
        Which.
    cash : float
        Before it. [currency]
    shares : dict
        Held before it, by ticker. [shares]
    """

    def __init__(self, journal: Journal, session: pd.Timestamp, *, cash: float, shares: dict[str, int]) -> None:
        self.journal, self.session, self.date = journal, session, f"{session:%Y-%m-%d}"
        self.hours, self.cash, self.shares = Hours.of(session), cash, dict(shares)
        self._next = 0

    def at(self, minute: float) -> datetime:
        """An instant of the session, minutes from the open."""
        return (self.hours.opened + timedelta(minutes=minute)).astimezone(UTC)

    def intend(
        self, ticker: str, role: Role, shares: int, *, rule: str, minute: float = 0.0, number: int = 1, **told: object
    ) -> str:
        """Write an order down; `stop=` makes it a stop, `parent=` the child of a bracket."""
        ref = ref_of(self.session, ticker, role, number)
        stop, parent = told.pop("stop", None), told.pop("parent", "")
        side = Side.BUY if role is Role.ENTRY else Side.SELL
        ticket = Ticket(ref, ticker, side, shares, Kind.STOP if stop else Kind.MARKET, stop, parent)
        self.journal.intend([Intent(self.date, self.at(minute), ticket, rule, **told)])
        return ref

    def fill(
        self, ref: str, shares: int, price: float, *, minute: float, commission: float | None = COMMISSION
    ) -> None:
        """Fill an order, or a part, and book it."""
        parts = parts_of(ref)
        side = Side.BUY if parts.role is Role.ENTRY else Side.SELL
        self._next += 1
        root = f"{parts.day}.{self._next:04d}"
        done = Fill(f"{root}.01", ref, 7, parts.ticker, side, shares, price, self.at(minute), ACCOUNT)
        self.journal.fill([done], session=self.date)
        if commission is not None:
            self.journal.charge([Charge(done.exec_id, commission, None)])
        sign = 1 if side is Side.BUY else -1
        self.cash -= sign * shares * price + (commission or 0.0)
        self.shares[parts.ticker] = self.shares.get(parts.ticker, 0) + sign * shares

    def correct(self, ref: str, shares: int, price: float, *, was: tuple[int, float], minute: float) -> None:
        """The broker corrects the last fill: its revision, at the same commission."""
        parts = parts_of(ref)
        side = Side.BUY if parts.role is Role.ENTRY else Side.SELL
        exec_id = f"{parts.day}.{self._next:04d}.02"
        done = Fill(exec_id, ref, 7, parts.ticker, side, shares, price, self.at(minute), ACCOUNT)
        self.journal.fill([done], session=self.date)
        sign = 1 if side is Side.BUY else -1
        self.cash -= sign * (shares * price - was[0] * was[1])
        self.shares[parts.ticker] += sign * (shares - was[0])

    def stand(self, ref: str, state: State, shares: float, filled: float) -> None:
        """What the broker says of an order."""
        self.journal.stand([Standing(ref, state, self.at(0), shares, filled, perm_id=900)])

    def minutes(self, ticker: str, *bars: tuple[int, float, float, float, float]) -> None:
        """Bars of some minutes: number, open, high, low, close."""
        for minute, opened, high, low, close in bars:
            self.journal.minutes(self.date, {ticker: Bar(minute, opened, high, low, close, 1000.0)})

    def close(
        self,
        prices: dict[str, float],
        *,
        spy: tuple[float | None, float | None] = (None, None),
        nav: float | None = None,
        accrued: float = 0.0,
    ) -> Statement:
        """State the account."""
        held = {ticker: count for ticker, count in self.shares.items() if count}
        value = self.cash + accrued + sum(count * prices[ticker] for ticker, count in held.items())
        kept = tuple(Kept(ticker, count, prices[ticker], prices[ticker]) for ticker, count in held.items())
        said = Statement(
            self.date, self.at(391), ACCOUNT, value if nav is None else nav, self.cash, accrued, kept, *spy
        )
        self.journal.state(said)
        return said
