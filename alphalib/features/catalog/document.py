"""The catalogues as a page: docs/catalogue.md."""

from __future__ import annotations

from collections.abc import Mapping

from alphalib.features.catalog.entry import Entry

_HEAD = """# The catalogues

Written by `alphalib.features.catalog.document.page` from the catalogues, and held to them by a test. Look-back
is the number of earlier sessions a name needs before its values are shown. Units are those of the result; a factor in
a unit other than a ratio compares one name with itself, not with others. Operators and fields:
[factor_language.md](factor_language.md); to search: `alphalib.features.find_factors("rsi")`.
"""


def page(catalogues: Mapping[str, Mapping[str, Entry]], same: Mapping[str, list[str]]) -> str:
    """Markdown with one table a catalogue, and the factors that several of them share.

    Parameters
    ----------
    catalogues : mapping
        Entries by name by catalogue, as `CATALOG`.
    same : mapping
        Canonical text to the places it stands in, as `duplicates()` gives it.
    """
    parts = [_HEAD, _contents(catalogues)]
    parts += [_section(name, list(entries.values())) for name, entries in catalogues.items()]
    parts.append(_shared(same))
    return "\n".join(parts)


def _contents(catalogues: Mapping[str, Mapping[str, Entry]]) -> str:
    lines = [f"- [{name}](#{name}): {len(entries)} factors" for name, entries in catalogues.items()]
    return "\n".join([*lines, f"\n{sum(map(len, catalogues.values()))} in all.\n"])


def _section(name: str, entries: list[Entry]) -> str:
    sources = {entry.source for entry in entries}
    columns = ["factor", "expression", "unit", "look-back", "note"] + (["source"] if len(sources) > 1 else [])
    lines = [f"## {name}\n"]
    if len(sources) == 1:
        lines.append(f"Source: {min(sources)}.\n")
    lines += [_row(columns), _row(["---"] * len(columns))]
    lines += [_row(_cells(entry)[: len(columns)]) for entry in entries]
    return "\n".join([*lines, ""])


def _cells(entry: Entry) -> list[str]:
    # An `|` would end the cell, in code too.
    expression = f"`{entry.expression}`".replace("|", "\\|")
    return [entry.name, expression, entry.unit, str(entry.node.lookback), entry.note, entry.source]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shared(same: Mapping[str, list[str]]) -> str:
    lines = [f"- {', '.join(places)}: `{text}`" for text, places in same.items()]
    return "\n".join(["## The same in several catalogues\n", *(lines or ["None."]), ""])
