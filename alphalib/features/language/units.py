"""What a number is measured in, as exponents of price, shares and currency."""

from __future__ import annotations

from dataclasses import dataclass

BASES = ("price", "shares", "currency")


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of powers of price, shares and currency; all zero is a ratio.

    Parameters
    ----------
    price : float
        Exponent of the adjusted price, whose level means nothing: only ratios of it do.
    shares : float
        Exponent of shares.
    currency : float
        Exponent of money as it was paid on the day.
    kind : str
        "quantity"; "number" for a literal, which takes the unit of what it is added to; "none" when the unit is lost,
        as that of the logarithm of a price; "group" for codes, which only a group argument takes.
    """

    price: float = 0.0
    shares: float = 0.0
    currency: float = 0.0
    kind: str = "quantity"

    def __str__(self) -> str:
        if self.kind != "quantity":
            return "ratio" if self.kind == "number" else self.kind
        powers = [(base, getattr(self, base)) for base in BASES]
        above = [_power(base, exponent) for base, exponent in powers if exponent > 0]
        below = [_power(base, -exponent) for base, exponent in powers if exponent < 0]
        if not above and not below:
            return "ratio"
        return "·".join(above or ["1"]) + ("/" + "/".join(below) if below else "")

    def __mul__(self, other: Unit) -> Unit:
        return self._combined(other, 1.0)

    def __truediv__(self, other: Unit) -> Unit:
        return self._combined(other, -1.0)

    def __pow__(self, exponent: float) -> Unit:
        if self.kind != "quantity":
            return self
        return Unit(
            round(self.price * exponent, 9), round(self.shares * exponent, 9), round(self.currency * exponent, 9)
        )

    @property
    def is_ratio(self) -> bool:
        """Whether it has no dimension."""
        return self.kind in ("quantity", "number") and self.price == self.shares == self.currency == 0.0

    def _combined(self, other: Unit, sign: float) -> Unit:
        if "none" in (self.kind, other.kind):
            return NONE
        if self.kind == other.kind == "number":
            return NUMBER
        return Unit(
            round(self.price + sign * other.price, 9),  # so that x^0.1 · x^0.2 is x^0.3
            round(self.shares + sign * other.shares, 9),
            round(self.currency + sign * other.currency, 9),
        )


RATIO = Unit()
PRICE = Unit(price=1.0)
SHARES = Unit(shares=1.0)
CURRENCY = Unit(currency=1.0)
NUMBER = Unit(kind="number")
NONE = Unit(kind="none")
GROUP = Unit(kind="group")


def common(first: Unit, second: Unit) -> Unit | None:
    """The unit of a sum, a comparison or a choice of the two; None where there is none."""
    if first == second:
        return first
    if first.kind == "number":
        return second
    if second.kind == "number":
        return first
    return NONE if "none" in (first.kind, second.kind) else None


def _power(base: str, exponent: float) -> str:
    return base if exponent == 1.0 else f"{base}^{exponent:g}"
