"""Factors with names, by catalogue."""

from __future__ import annotations

import re
from difflib import get_close_matches

import pandas as pd

from alphalib.errors import InputError
from alphalib.features.catalog.alpha101 import ALPHA101
from alphalib.features.catalog.alpha158 import ALPHA158
from alphalib.features.catalog.cross_section import CROSS_SECTION
from alphalib.features.catalog.entry import Entry
from alphalib.features.catalog.microstructure import MICROSTRUCTURE
from alphalib.features.catalog.predictor import PREDICTOR
from alphalib.features.catalog.technical import TECHNICAL
from alphalib.features.fields import FIELDS

CATALOG: dict[str, dict[str, Entry]] = {
    "alpha158": ALPHA158,
    "alpha101": ALPHA101,
    "technical": TECHNICAL,
    "microstructure": MICROSTRUCTURE,
    "predictor": PREDICTOR,
    "cross_section": CROSS_SECTION,
}
"""Every catalogue by its name, every factor by its name in it."""


_PLACE = re.compile(r"(\w+)/(\w+)")


def entry_at(place: str) -> Entry | None:
    """The factor at a place, `technical/rsi_14`; None when the text is not one, but an expression.

    Raises
    ------
    InputError
        When there is no such factor in the catalogue, or the text is a catalogue, or a factor's name without one.
    """
    place = place.strip()
    if (parts := _PLACE.fullmatch(place)) and parts[1] in CATALOG:
        entries, name = CATALOG[parts[1]], parts[2]
        if name in entries:
            return entries[name]
        known = {other.casefold(): other for other in entries}
        near = get_close_matches(name.casefold(), known, n=1)
        nearest = f"; the nearest is {known[near[0]]!r}" if near else ""
        raise InputError(f"{parts[1]} has no factor {name!r}{nearest}")
    if place in CATALOG:
        raise InputError(f"{place} is a catalogue; one of its factors is {place}/{next(iter(CATALOG[place]))}")
    if place not in FIELDS and (places := _places(place)):
        raise InputError(f"{place} is a factor of a catalogue; write {' or '.join(places)}")
    return None


def find_factors(text: str = "") -> pd.DataFrame:
    """Factors in whose place, expression, note or source a text occurs, whatever its case.

    Parameters
    ----------
    text : str
        A word such as "rsi", "amihud" or "$vix"; all factors without it.

    Returns
    -------
    DataFrame
        Indexed by place, `technical/rsi_14`: `expression`, `unit`, `lookback` [sessions], `note`, `source`.
    """
    wanted = text.casefold()
    rows = {
        f"{catalogue}/{name}": (entry.expression, entry.unit, entry.node.lookback, entry.note, entry.source)
        for catalogue, entries in CATALOG.items()
        for name, entry in entries.items()
        if wanted in f"{catalogue}/{name} {entry.expression} {entry.note} {entry.source}".casefold()
    }
    columns = ["expression", "unit", "lookback", "note", "source"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("factor")


def duplicates() -> dict[str, list[str]]:
    """Factors that are the same in several places: canonical text to `catalogue/name`, of two or more."""
    places: dict[str, list[str]] = {}
    for catalogue, entries in CATALOG.items():
        for name, entry in entries.items():
            places.setdefault(str(entry.node), []).append(f"{catalogue}/{name}")
    return {text: names for text, names in places.items() if len(names) > 1}


def _places(name: str) -> list[str]:
    """Where factors of a name stand, whatever its case."""
    wanted = name.casefold()
    return [f"{place}/{other}" for place, entries in CATALOG.items() for other in entries if other.casefold() == wanted]


__all__ = ["CATALOG", "Entry", "duplicates", "entry_at", "find_factors"]
