"""Cash, positions and commissions of the venue's accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Tariff:
    """Commission of an order.

    Parameters
    ----------
    per_share : float
        [currency]
    minimum : float
        Of an order, all its fills together. [currency]
    most : float
        Of its value; bounds the minimum too. [fraction]
    """

    per_share: float = 0.005
    minimum: float = 1.00
    most: float = 0.01

    def of(self, shares: float, value: float) -> float:
        """Commission of an order as far as it is filled. [currency]"""
        return min(max(shares * self.per_share, self.minimum), value * self.most) if shares > 0 else 0.0


FREE = Tariff(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Position:
    """Shares, short ones negative, and what one has cost with its commission. [shares], [currency]"""

    shares: float
    cost: float = 0.0


NOTHING = Position(0.0)


@dataclass
class Account:
    """One account: cash, and positions by symbol; those sold out are left out. [currency]"""

    cash: float
    positions: dict[str, Position] = field(default_factory=dict)

    def trade(self, symbol: str, shares: float, price: float, commission: float) -> float | None:
        """Book a trade, sales negative; returns what it realised after commission, None when nothing was closed."""
        before = self.positions.get(symbol, NOTHING)
        after, realised = traded(before, shares, price, commission)
        self.cash -= shares * price + commission
        self._keep(symbol, after)
        return realised

    def amend(self, symbol: str, shares: float, value: float, *, closing: bool) -> float:
        """Book what the correction of a trade makes different: shares, and what was paid, sales negative.

        Returns what a closing trade realised more; the correction of an opening one changes what a share has cost.
        """
        before = self.positions.get(symbol, NOTHING)
        after = before.shares + shares
        cost = before.cost
        if not closing and after:
            cost = (before.shares * cost + value) / after
        self.cash -= value
        self._keep(symbol, Position(after, cost))
        return shares * cost - value if closing else 0.0

    def worth(self, prices: Mapping[str, float]) -> float:
        """Net liquidation: cash and positions at last prices, at cost where there is none. [currency]"""
        return self.cash + sum(held.shares * prices.get(symbol, held.cost) for symbol, held in self.positions.items())

    def _keep(self, symbol: str, position: Position) -> None:
        if position.shares:
            self.positions[symbol] = position
        else:
            self.positions.pop(symbol, None)


def traded(before: Position, shares: float, price: float, commission: float) -> tuple[Position, float | None]:
    """A position after a trade, and what was realised. The commission is shared out between what closed and opened."""
    closing = min(abs(before.shares), abs(shares)) if before.shares * shares < 0 else 0.0
    opening = abs(shares) - closing
    part = commission * closing / abs(shares)
    sign = 1.0 if shares > 0 else -1.0
    left = before.shares + sign * closing
    realised = -sign * closing * (price - before.cost) - part if closing else None
    if not opening:
        return replace(before, shares=left), realised
    paid = left * before.cost + sign * opening * price + (commission - part)
    return Position(left + sign * opening, paid / (left + sign * opening)), realised
