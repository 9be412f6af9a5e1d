"""Where a result comes from: version of the code, hash of the data, parameters, trials."""

from __future__ import annotations

import html
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alphalib import __version__
from alphalib.store import Store, content_hash

MIME = "application/vnd.alphalib.provenance+json"
PRICE_FILES = ("prices/daily/*.parquet", "prices/*.parquet", "prices/source.json", "actions/*", "universe/*", "macro/*")


@cache
def code_version() -> str:
    """Version of alphalib with a hash of its source, so that an edited file is another version."""
    package = Path(__file__).parents[1]
    sources = sorted(path for path in package.rglob("*.py"))
    return f"{__version__}+{content_hash(b''.join(path.read_bytes() for path in sources))[:8]}"


def stored_data_hash(store: Store) -> str:
    """Hash of everything under prices, actions, universe and macro on the bus; 16 hexadecimal digits."""
    paths = sorted({path for pattern in PRICE_FILES for path in store.paths(pattern)})
    return content_hash("".join(f"{path}:{content_hash(store.read_bytes(path))}" for path in paths).encode())


@dataclass(frozen=True)
class Provenance:
    """The footer of a notebook."""

    code: str
    data: str
    parameters: Mapping[str, Any]
    trials: Sequence[str]
    peak_memory: float

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        machine = {"peak_memory_mb": self.peak_memory, "trials": list(self.trials)}
        return {"text/html": self._html(), "text/plain": repr(self), MIME: machine}

    def _html(self) -> str:
        parameters = ", ".join(f"{name} = {value!r}" for name, value in self.parameters.items())
        rows = {
            "code": self.code,
            "data": self.data,
            "parameters": parameters,
            "trials": ", ".join(self.trials) or "none",
            "peak memory": f"{self.peak_memory:,.0f} MB",
            "cost of language models": "$0 (none used)",
        }
        cells = "".join(f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in rows.items())
        return f"<table class='provenance'>{cells}</table>"


def provenance(data_hash: str, parameters: Mapping[str, Any], *, trials: Sequence[str] = ()) -> Provenance:
    """Footer for a notebook: pass `market.data_hash` and the values of its parameters cell."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
    return Provenance(code_version(), data_hash, dict(parameters), tuple(trials), peak)
