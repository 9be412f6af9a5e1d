"""What was decided: sales, purchases, refusals, and everything beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cached_property

import pandas as pd

from alphalib.decision.portfolio import Portfolio


@dataclass(frozen=True)
class Sale:
    """A sale at the next open: the whole position (`signal` EXIT) or a part (REDUCE), and what asked for it.

    Shares below 0 buy a short position back.
    """

    ticker: str
    shares: int
    rule: str
    signal: str
    value: float | None
    limit: float | None


@dataclass(frozen=True)
class Purchase:
    """An entry in the next session.

    Parameters
    ----------
    ticker : str
        The market's column.
    shares : int
        Whole; below 0 they are sold short. [shares]
    weight : float
        Wanted, over NAV, before the rooms left by the caps. [fraction]
    bound_by : str
        The cap that bound the size, empty when none did.
    factors : tuple of (str, float)
        Every factor of the weight by name: min(base × tilts, position cap) × scalers.
    """

    ticker: str
    shares: int
    weight: float
    bound_by: str
    factors: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Refusal:
    """An entry that is not made: the rule, and its value against its limit (None where a rule has none)."""

    ticker: str
    rule: str
    value: float | None
    limit: float | None


@dataclass(frozen=True)
class Decision:
    """Everything decided after one close.

    Parameters
    ----------
    date : Timestamp
        The session whose close was known.
    nav, nav_peak : float
        At that close, and the peak from which the drawdown counts. [currency]
    drawdown : float
        [fraction]
    multiplier : float
        Of new entries; 0 in a halt. [fraction]
    halted : int
        Decisions in the present halt, this one included. [decisions]
    tiers_fired, under_tier : int
        See `Portfolio`. [tiers], [decisions]
    exits : tuple of Sale
        By ticker.
    entries : tuple of Purchase
        Best score first.
    stops : tuple of (str, float)
        Resting in the next session, for every position that is not sold whole, by ticker. [currency]
    blocked : tuple of Refusal
        By guards, then by caps; each best score first.
    """

    date: pd.Timestamp
    nav: float
    nav_peak: float
    drawdown: float
    multiplier: float
    halted: int
    tiers_fired: int
    under_tier: int
    exits: tuple[Sale, ...]
    entries: tuple[Purchase, ...]
    stops: tuple[tuple[str, float], ...]
    blocked: tuple[Refusal, ...]

    @cached_property
    def hash(self) -> str:
        """Content hash of the decision, every bit of it: 16 hexadecimal digits."""
        content = repr([getattr(self, field.name) for field in fields(self)])
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()

    def remembered(self, portfolio: Portfolio) -> Portfolio:
        """The portfolio with what this decision changes in its memory; cash and positions wait for the fills."""
        return replace(
            portfolio,
            nav_peak=self.nav_peak,
            halted=self.halted,
            tiers_fired=self.tiers_fired,
            under_tier=self.under_tier,
            rearmed=False,
            nav_before=self.nav,
        )
