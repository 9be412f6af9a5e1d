"""Factors with names, by catalogue."""

from __future__ import annotations

from alphalib.features.catalog.alpha101 import ALPHA101
from alphalib.features.catalog.alpha158 import ALPHA158
from alphalib.features.catalog.cross_section import CROSS_SECTION
from alphalib.features.catalog.entry import Entry
from alphalib.features.catalog.microstructure import MICROSTRUCTURE
from alphalib.features.catalog.predictor import PREDICTOR
from alphalib.features.catalog.technical import TECHNICAL

CATALOG: dict[str, dict[str, Entry]] = {
    "alpha158": ALPHA158,
    "alpha101": ALPHA101,
    "technical": TECHNICAL,
    "microstructure": MICROSTRUCTURE,
    "predictor": PREDICTOR,
    "cross_section": CROSS_SECTION,
}
"""Every catalogue by its name, every factor by its name in it."""


def duplicates() -> dict[str, list[str]]:
    """Factors that are the same in several places: canonical text to `catalogue/name`, of two or more."""
    places: dict[str, list[str]] = {}
    for catalogue, entries in CATALOG.items():
        for name, entry in entries.items():
            places.setdefault(str(entry.node), []).append(f"{catalogue}/{name}")
    return {text: names for text, names in places.items() if len(names) > 1}


__all__ = ["CATALOG", "Entry", "duplicates"]
