"""Many factors ranked by what they knew, each a trial in the ledger, with the false discoveries counted."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pandas as pd

from alphalib.errors import InputError
from alphalib.evidence.factor_measure import MINIMUM, Measured, Outcomes, measured, outcomes
from alphalib.evidence.factor_report import COST_BPS, half_life, mean_row, net_of_costs
from alphalib.evidence.ledger import Ledger
from alphalib.evidence.significance import false_discovery
from alphalib.features.catalog import CATALOG, Entry, entry_at
from alphalib.features.compute import Expression, FactorWarning, factors, readable
from alphalib.features.language.parser import parse
from alphalib.features.language.tree import Node
from alphalib.market import Market, Panel

Progress: TypeAlias = Callable[..., Iterable[Any]]

AT_ONCE = 16
"""Factors computed together: what they share is computed once, what they need is held at once. [panels]"""

SUSPICIOUS = 0.10
"""A daily rank IC beyond this is more often a leak than a discovery. [correlation]"""


@dataclass(frozen=True)
class FactorTable:
    """Factors ranked by how far their rank IC is from zero in standard errors; from `rank_factors`.

    Parameters
    ----------
    rows : DataFrame
        Factors down: `rank_ic` with its Newey–West interval `low`, `high`; `t`, `p` (two-sided); `q`
        (Benjamini–Hochberg) and `q_any` (Benjamini–Yekutieli, right under any dependence); `spread`, `turnover`,
        `cost`, `net`, `net_annual`, `break_even_bps` as in `FactorReport.horizons`; `coverage` [fraction];
        `decay_half` [sessions]; `note`; `expression`; `trial`, its id in the ledger.
    lineage : str
        What the trials are counted under.
    horizon : int
        [sessions]
    cost_bps : float
        Of a trade, each way. [bps]
    trials : int
        Different trials the lineage has ever had, this table's among them.
    effective : float
        How many independent ones these amount to. [trials]
    duplicates : dict of str to str
        Names whose expression is another's, which is the one in the table.
    failed : dict of str to str
        Names that could not be computed or measured, each with the reason.
    """

    rows: pd.DataFrame
    lineage: str
    horizon: int
    cost_bps: float
    trials: int
    effective: float
    duplicates: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def found(self, *, q: float = 0.05) -> pd.DataFrame:
        """Rows of which an expected share `q` at most knew nothing, under any dependence between factors."""
        return self.rows[self.rows["q_any"] <= q]

    def __str__(self) -> str:
        columns = ["rank_ic", "low", "high", "t", "q", "q_any", "net_annual", "turnover", "decay_half"]
        shown = self.rows.reindex(columns=columns).head(20)
        return (
            f"{shown.to_string(float_format='{:.3f}'.format)}\n{len(self.rows)} factors over {self.horizon} sessions; "
            f"{self.trials} trials in {self.lineage!r}, worth {self.effective:.0f} independent ones; "
            f"{len(self.duplicates)} duplicates, {len(self.failed)} failed"
        )


def catalogue(names: str) -> dict[str, Entry]:
    """Factors of one or several catalogues.

    Parameters
    ----------
    names : str
        `alpha158`, several as `alpha158, technical`, or `all`; with several, names become `alpha158/KMID`.
    """
    wanted = list(CATALOG) if names.strip() == "all" else [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in CATALOG]
    if unknown:
        raise InputError(f"no catalogue is called {', '.join(map(repr, unknown))}; take {', '.join(CATALOG)}, or all")
    if len(wanted) == 1:
        return dict(CATALOG[wanted[0]])
    return {f"{name}/{key}": entry for name in wanted for key, entry in CATALOG[name].items()}


def named(text: str) -> tuple[str, Node]:
    """A factor by its name in a catalogue, `alpha158/KMID`, or by its expression; with what to call it."""
    entry = entry_at(text)
    return text.strip(), parse(text) if entry is None else entry.node


def panels(nodes: Mapping[str, Node], market: Market, *, at_once: int = AT_ONCE) -> Iterator[tuple[str, Panel]]:
    """Factors of a market one after the other, computed `at_once` together; as many are in memory."""
    names = list(nodes)
    for start in range(0, len(names), at_once):
        found = factors({name: nodes[name] for name in names[start : start + at_once]}, market)
        while found:
            yield found.popitem()


def others(node: Node, known: Mapping[str, Expression], market: Market) -> Iterator[tuple[str, Panel]]:
    """Known factors that this market can give, but `node` itself however it is called: to compare it with."""
    able, _ = _able(known, market)
    yield from panels({name: other for name, other in able.items() if other != node}, market)


def open_factor_trial(
    ledger: Ledger, node: Node, market: Market, *, lineage: str, horizon: int, code_version: str
) -> str:
    """Write down that a factor is about to be measured; returns the id of the trial.

    The same factor, however it is spelled, over the same horizon is the same configuration: a report by hand and a row
    of a table count once.
    """
    return ledger.open_trial(
        lineage=lineage,
        kind="factor",
        params={"factor": str(node), "hash": node.hash, "horizon": horizon},
        data_hash=market.data_hash,
        code_version=code_version,
        asof=market.last,
    )


def rank_factors(
    expressions: Mapping[str, Expression],
    market: Market,
    ledger: Ledger,
    *,
    lineage: str = "factors",
    code_version: str,
    horizon: int = 5,
    quantiles: int = 5,
    cost_bps: float = COST_BPS,
    progress: Progress = lambda found, total: found,
) -> FactorTable:
    """Measure many factors against the same outcomes and rank them.

    Every factor is in the ledger before any is computed, and is closed with its per-date rank ICs.

    Parameters
    ----------
    expressions : mapping of str to str, Node or Entry
        Factors by name: of one's own, or `catalogue("alpha158")`.
    market : Market
        What they are computed from and measured against.
    ledger : Ledger
        Where the trials are written down.
    lineage : str
        What the trials are counted under.
    code_version : str
        Of the code that runs them.
    horizon : int
        Length of the holding. [sessions]
    quantiles : int
        Groups of equally many names. [groups]
    cost_bps : float
        Of a trade, each way. [bps]
    progress : callable
        Goes around the factors and is told their number: `functools.partial(tqdm, desc="factors")`.
    """
    nodes, failed = _able(expressions, market)
    first: dict[Node, str] = {}
    for name, node in nodes.items():
        first.setdefault(node, name)
    trials = {
        name: open_factor_trial(ledger, node, market, lineage=lineage, horizon=horizon, code_version=code_version)
        for node, name in first.items()
    }
    after = outcomes(market, horizons=[horizon])
    rows: dict[str, dict[str, Any]] = {}
    for name, panel in progress(panels({name: node for node, name in first.items()}, market), total=len(first)):
        result = measured(panel, after, quantiles=quantiles)
        row = _row(result, after, horizon=horizon, cost_bps=cost_bps)
        metrics = {"rank_ic": row["rank_ic"], "t": row["t"]}
        ledger.close_trial(trials[name], metrics=metrics, returns=result.rank_ic[horizon])
        if row["sessions"]:
            rows[name] = {**row, "expression": str(nodes[name]), "trial": trials[name]}
        else:
            failed[name] = f"no session has {MINIMUM} members with different values and with returns"
    return FactorTable(
        _ranked(rows),
        lineage=lineage,
        horizon=horizon,
        cost_bps=cost_bps,
        trials=ledger.count(lineage),
        effective=ledger.effective_count(lineage),
        duplicates={name: first[node] for name, node in nodes.items() if first[node] != name},
        failed=failed,
    )


def _able(expressions: Mapping[str, Expression], market: Market) -> tuple[dict[str, Node], dict[str, str]]:
    """Factors that the market can give, and reasons for the others, which `FactorTable.failed` tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FactorWarning)
        return readable(expressions, market)


def _row(result: Measured, after: Outcomes, *, horizon: int, cost_bps: float) -> dict[str, Any]:
    mean = mean_row(result.rank_ic[horizon], horizon)
    direction = -1.0 if mean["rank_ic"] < 0 else 1.0
    coverage = float(result.coverage.mean())
    notes = ["too good: look for a leak"] if abs(mean["rank_ic"]) > SUSPICIOUS else []
    notes += ["few names"] if coverage < 0.5 else []
    return {
        **mean,
        **net_of_costs(result, horizon, direction=direction, cost_bps=cost_bps),
        "coverage": coverage,
        "decay_half": half_life(result, after, horizon=horizon),
        "note": "; ".join(notes),
    }


def _ranked(rows: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """With q-values, the smallest p first; a factor without one comes last."""
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("factor")
    if table.empty:
        return table
    table.insert(table.columns.get_loc("p") + 1, "q", false_discovery(table["p"]))
    table.insert(table.columns.get_loc("q") + 1, "q_any", false_discovery(table["p"], method="by"))
    order = table["t"].abs().fillna(-math.inf).sort_values(ascending=False, kind="stable").index
    return table.loc[order]
