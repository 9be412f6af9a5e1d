"""The embedded market: simulated, deterministic by seed, and honest about what was planted in it.

What is in it and what was measured: `docs/sample_market.md`.
"""

from alphalib.sources.sample.world import (
    SOURCE,
    Recipe,
    World,
    minute_bars,
    sample_files,
    simulate_market,
    write_sample,
)

__all__ = ["SOURCE", "Recipe", "World", "minute_bars", "sample_files", "simulate_market", "write_sample"]
