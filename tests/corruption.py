"""Markets whose future is nonsense: whatever is known at t must not notice."""

from alphalib.market import Market
from alphalib.proof import CORRUPTIONS as EVERY_CORRUPTION
from alphalib.proof import Received
from alphalib.proof import corrupted as corrupted_rows

PANELS = ("open", "high", "low", "close", "volume", "vwap", "member", "sector", "benchmarks", "macro")
CORRUPTIONS = tuple(how for how in EVERY_CORRUPTION if how != "cut")  # the others keep the labels of the panels


def corrupted(market: Market, row: int, how: str) -> Market:
    """The market with everything after a row made nonsense."""
    return corrupted_rows(Received.from_market(market), market.sessions[row], how).market()
