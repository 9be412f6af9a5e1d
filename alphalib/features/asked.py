"""Factors as they are asked for on the command line, and what is told about them there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from alphalib.errors import InputError
from alphalib.features.catalog import CATALOG, Entry, entry_at
from alphalib.features.compute import Expression, FactorPanels, Written
from alphalib.features.language.parser import Dialect
from alphalib.features.language.tree import Node
from alphalib.market import Panel

_NAMED = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)\s*(.+)", re.DOTALL)


def asked_for(texts: Sequence[str], dialect: Dialect = "qlib") -> dict[str, Expression]:
    """Factors by name from words on the command line.

    Parameters
    ----------
    texts : sequence of str
        Each a catalogue (`alpha158`), `all` of them, a factor of one (`alpha158/KMID`), `NAME=EXPRESSION`, or an
        expression, which is its own name. A factor that stands in two catalogues is one.
    dialect : {"qlib", "quant-stream"}
        Spelling of the expressions.

    Raises
    ------
    InputError
        When a catalogue is unknown, or two factors have one name.
    """
    found: dict[str, Expression] = {}
    for text in texts:
        for name, expression in _factors(text.strip(), dialect).items():
            if name in found and not _same(found[name], expression):
                raise InputError(f"two factors are called {name!r}; give one another name: NAME=EXPRESSION")
            found[name] = expression
    return found


def failed_line(name: str, expression: Expression, reason: str) -> str:
    """Why a factor cannot be computed; one that is its own name stands in the reason."""
    return f"failed: {reason}" if name == expression else f"failed: {name}: {reason}"


def lines_of(nodes: Mapping[str, Node], coverage: Mapping[str, float]) -> list[str]:
    """A line a factor: name, unit, look-back, share of the closes at which it has a value."""
    width = max(map(len, nodes), default=0)
    return [
        f"{name:<{width}}  {node.unit!s:<14} looks back {node.lookback:>4} sessions  "
        f"covers {coverage[name]:6.1%} of the closes"
        for name, node in nodes.items()
    ]


def written_line(written: Written) -> str:
    """What became of the file or folder."""
    return f"{written.path}: {written.done}" + (f", {written.rows:,} rows" if written.rows else "")


def extremes(name: str, panel: Panel, *, count: int = 10) -> list[str]:
    """The names with the highest and the lowest values of the last session."""
    last = panel.iloc[-1].dropna().sort_values(kind="stable")
    if last.empty:
        return [f"{name}: no value on {panel.index[-1]:%Y-%m-%d}"]
    highest, lowest = last.iloc[::-1].head(count), last.head(count)
    return [
        f"{name} on {panel.index[-1]:%Y-%m-%d}",
        *(
            f"  {what:<8}" + "  ".join(f"{ticker} {value:.4g}" for ticker, value in values.items())
            for what, values in (("highest", highest), ("lowest", lowest))
        ),
    ]


def coverage_of(panels: FactorPanels, close: Panel) -> dict[str, float]:
    """Share of the closes at which each factor has a value."""
    traded = close.notna().to_numpy()
    return {n: float((panel.notna().to_numpy() & traded).sum() / max(traded.sum(), 1)) for n, panel in panels.items()}


def _same(one: Expression, other: Expression) -> bool:
    return isinstance(one, Entry) and isinstance(other, Entry) and one.node == other.node


def _factors(text: str, dialect: Dialect) -> Mapping[str, Expression]:
    if text in CATALOG:
        return CATALOG[text]
    if text == "all":
        return {name: entry for entries in CATALOG.values() for name, entry in entries.items()}
    if entry := entry_at(text):
        return {entry.name: entry}
    if named := _NAMED.fullmatch(text):
        return {named[1]: named[2]}
    if re.fullmatch(r"\w+", text) and dialect == "qlib":
        near = get_close_matches(text, CATALOG, n=1)
        nearest = f"; the nearest is {near[0]!r}" if near else ""
        raise InputError(
            f"there is no catalogue {text!r}{nearest}; there are {', '.join(CATALOG)}. "
            "An expression has fields in it, such as $close"
        )
    return {text: text}
