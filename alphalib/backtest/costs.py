"""What trading costs: half a spread, impact, commission; and what a borrowed share costs."""

from __future__ import annotations

import math
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from alphalib.compiled import compiled

MINIMUM_SHARE = 0.01
"""A minimum commission is never more of the value than this, as in the broker's own tariff. [fraction]"""


class Costs(BaseModel):
    """Costs of a trade, paid both ways; cash earns nothing.

    Notes
    -----
    Commission: 0.005 a share, at least 1.00 an order and at most 1 % of its value, is the fixed tariff that Interactive
    Brokers publishes for shares of the United States; of a share of 50 that is 1 bp. It is in bps by default, because
    on split-adjusted prices the number of shares is not the one traded. Half a spread of 5 bps is meant for middling
    companies and more than large ones cost. Impact grows with the square root of the order's share of a day's volume,
    times volatility, with a prefactor of the order of one (Tóth et al. 2011, doi:10.1103/PhysRevX.1.021006); ½ to 1
    is usual, and small orders have less (Bucci et al. 2019, doi:10.1103/PhysRevLett.122.108302). Borrowing: the usual
    share costs tens of bps a year, a hard one percents (D'Avolio 2002, doi:10.1016/S0304-405X(02)00206-4).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    slippage_bps: float = Field(5.0, ge=0, le=1000, description="Half the spread, of the price. [bps]")
    commission_bps: float = Field(1.0, ge=0, le=1000, description="Of the value traded. [bps]")
    commission_per_share: float = Field(0.0, ge=0, le=1, description="And of each share. [currency]")
    minimum_commission: float = Field(
        1.0, ge=0, le=100, description="At least this an order, but no more than 1 % of its value. [currency]"
    )
    impact: float = Field(
        0.5, ge=0, le=5, description="Of the price: × daily volatility × √(value / mean daily value). [ratio]"
    )
    borrow_bps: float = Field(50.0, ge=0, le=10_000, description="Of the value of shares sold short, a year. [bps]")

    @staticmethod
    def none() -> Costs:
        """Trading for nothing."""
        return Costs(
            slippage_bps=0.0, commission_bps=0.0, commission_per_share=0.0, minimum_commission=0.0, impact=0.0,
            borrow_bps=0.0,
        )  # fmt: skip

    @property
    def tariff(self) -> Tariff:
        """As the compiled session takes them."""
        return Tariff(
            self.slippage_bps / 1e4,
            self.commission_bps / 1e4,
            self.commission_per_share,
            self.minimum_commission,
            self.impact,
            self.borrow_bps / 1e4,
        )


class Tariff(NamedTuple):
    """`Costs` with fractions for bps."""

    slippage: float
    commission: float
    per_share: float
    minimum: float
    impact: float
    borrow: float


FREE = Tariff(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@compiled
def slippage(value: float, adv: float, volatility: float, tariff: Tariff) -> float:
    """What a trade moves the price against the trader; impact only where both measures are known. [fraction]

    Parameters
    ----------
    value : float
        Of the trade at the price before costs. [currency]
    adv : float
        Mean value traded a day, as known before. [currency]
    volatility : float
        Of daily returns, as known before. [fraction]
    """
    moved = tariff.slippage
    if adv > 0.0 and volatility > 0.0:
        moved += tariff.impact * volatility * math.sqrt(value / adv)
    return min(moved, 1.0)


@compiled
def commission(shares: int, value: float, tariff: Tariff) -> float:
    """What the broker takes of a trade, never more than its value. [currency]"""
    asked = tariff.commission * value + tariff.per_share * shares
    return min(max(asked, min(tariff.minimum, MINIMUM_SHARE * value)), value)


@compiled
def affordable(shares: int, cash: float, price: float, adv: float, volatility: float, tariff: Tariff) -> int:
    """As many of `shares` as the cash pays for at a price before costs, commission included. [shares]"""
    low, high = 0, shares
    while low < high:
        middle = (low + high + 1) // 2
        if outlay(middle, price, adv, volatility, tariff) <= cash:
            low = middle
        else:
            high = middle - 1
    return low


@compiled
def outlay(shares: int, price: float, adv: float, volatility: float, tariff: Tariff) -> float:
    """What buying costs at a price before costs. [currency]"""
    value = shares * price * (1.0 + slippage(shares * price, adv, volatility, tariff))
    return value + commission(shares, value, tariff)
