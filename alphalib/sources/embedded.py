"""The embedded market on the bus: made when the store is empty, carried on when a later session is asked for."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from alphalib.errors import InputError
from alphalib.sessions import require_session, sessions_between
from alphalib.sources.quality import QualityReport, gate
from alphalib.sources.sample import Recipe, World, sample_files, simulate_market
from alphalib.sources.stored import stored_span
from alphalib.store import Store, json_bytes, parquet_bytes

FIRST_SESSION = pd.Timestamp("2016-01-04")
LAST_SESSION = pd.Timestamp("2023-12-29")
"""Where the embedded market ends unless a later session is asked for."""

RECIPE = "prices/sample.json"


def ensure_prices(store: Store, *, asof: pd.Timestamp, seed: int = 7, names: int = 150, alpha: float = 1.0) -> str:
    """See to it that the store has prices up to `asof`; returns what was done, in a sentence.

    A store with prices of one's own is left as it is. An empty one gets the embedded market; one that holds it, but
    ends earlier, gets the same market with more sessions. Bars go through the quality gate as an import's do.

    Parameters
    ----------
    store : Store
        The bus.
    asof : Timestamp
        Session whose close must be stored.
    seed, names, alpha
        Of a new embedded market, see `simulate_market`; one that is carried on keeps its own.

    Raises
    ------
    InputError
        When the store's own prices end before `asof`.
    """
    day, span = require_session(asof), stored_span(store)
    if span is not None and span.last >= day:
        return f"the store has {span.source.name} up to {span.last:%Y-%m-%d}"
    if span is not None and not span.source.simulated:
        raise InputError(f"{span.source.name} ends on {span.last:%Y-%m-%d}, before {day:%Y-%m-%d}; import newer prices")
    sessions = len(sessions_between(FIRST_SESSION, day))
    recipe = Recipe(seed, f"{FIRST_SESSION:%Y-%m-%d}", sessions, names, alpha)
    if span is not None:
        recipe = Recipe(**{**store.read_json(RECIPE), "sessions": sessions})
    _write_market(store, recipe)
    return f"the embedded market, simulated with seed {recipe.seed}, {recipe.names} names, {sessions} sessions"


def world_of(store: Store, *, asof: pd.Timestamp) -> World:
    """The embedded market that the store holds, made again with its sessions up to `asof`, the next ones too.

    Raises
    ------
    InputError
        When the store holds another market, or `asof` lies before this one begins.
    """
    if not store.exists(RECIPE):
        raise InputError(f"the store {store.url} does not hold the embedded market")
    recipe = Recipe(**store.read_json(RECIPE))
    sessions = len(sessions_between(recipe.start, require_session(asof)))
    return simulate_market(**{**asdict(recipe), "sessions": sessions})


def _write_market(store: Store, recipe: Recipe) -> None:
    world = simulate_market(**asdict(recipe))
    gated = gate(world.bars, world.actions)
    files = {
        **sample_files(world, gated.bars),
        "prices/quarantine.parquet": parquet_bytes(gated.quarantined),
        QualityReport.path: json_bytes(gated.report.model_dump(mode="json"), name=QualityReport.path),
        RECIPE: json_bytes(asdict(recipe), name=RECIPE),
    }
    store.write_together(files, instead_of=store.paths("prices/daily/*.parquet"))
