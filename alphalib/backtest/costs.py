"""What trading costs."""

from pydantic import BaseModel, ConfigDict, Field


class Costs(BaseModel):
    """Costs of a trade, paid both ways; cash earns nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    slippage_bps: float = Field(5.0, ge=0, le=1000, description="Of the price, against the trader. [bps]")
    commission_bps: float = Field(1.0, ge=0, le=1000, description="Of the value traded. [bps]")

    @property
    def slippage(self) -> float:
        """Of the price. [fraction]"""
        return self.slippage_bps / 1e4

    @property
    def commission(self) -> float:
        """Of the value traded. [fraction]"""
        return self.commission_bps / 1e4
