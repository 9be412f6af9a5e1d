"""How often gate and tuner promote what is nothing, and find what is something: many worlds, a year of looks at each.

Every market is a job of its own whose result is one file on the store: a run that was stopped goes on where it was, and
a longer one adds to a shorter one.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.resources import files
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from alphalib.backtest.tune import Guardrails
from alphalib.backtest.tune.questions import BOOSTS, VETO
from alphalib.contracts import CalibrationReport, FalseRate, PowerFound
from alphalib.errors import InputError
from alphalib.market import Panel
from alphalib.models.gate import GateParams
from alphalib.proof.lineage_year import (
    EXECUTOR,
    LOOKS,
    SETTINGS,
    Books,
    Change,
    TunerYear,
    books,
    executor_year,
    gate_year,
    looks,
    number_year,
    questions,
    settings_of,
    tuning_outcomes,
)
from alphalib.proof.null_worlds import SHIFTS, Kind, Size, World, shifted_worlds, simulated_world
from alphalib.proof.planted_worlds import handicapped, reach
from alphalib.sessions import sessions_between
from alphalib.store import Store, checked

MEASURED = "measured.json"  # in this folder: the last long run of the library's own defaults
LIMIT = 0.10  # false promotions per lineage-year, at the upper 95 % bound
FEWEST = 29  # lineage-years without any false one that bring the bound below the limit: 1 − .05^(1/29) = 9.8 %
SUBJECTS = {"gate": "gate", "tuner": EXECUTOR, "tuner, boosts": BOOSTS, "tuner, veto": VETO}
FIRST_SEED: Mapping[Kind, int] = {"simulated": 100_000, "shifted": 200_000, "planted": 300_000}

Step = Callable[[str], None]
Record = dict[str, Any]


@dataclass(frozen=True)
class Design:
    """What is measured, and on what.

    Parameters
    ----------
    size : Size
        Of each world.
    gate : GateParams
        Limits of the gate.
    guard : Guardrails
        Limits of the tuner.
    settings : int
        Executor settings that the tuner compares. [settings]
    looks : int
        Weekly looks.
    shifts : int
        Shifted worlds made of one market. [worlds]
    alphas : tuple of float
        What is planted for the gate, in turn; 1 is the embedded market's.
    handicaps : tuple of float
        What the setting in use is made worse by, for the tuner to find. [Sharpe per √year]
    """

    size: Size = field(default_factory=Size)
    gate: GateParams = field(default_factory=GateParams)
    guard: Guardrails = field(default_factory=Guardrails)
    settings: int = SETTINGS
    looks: int = LOOKS
    shifts: int = SHIFTS
    alphas: tuple[float, ...] = (0.5, 1.0, 1.5)
    handicaps: tuple[float, ...] = (0.5, 1.0, 1.5)

    @property
    def fingerprint(self) -> str:
        """Hash of everything that makes results comparable."""
        content = json.dumps(asdict(self), sort_keys=True)
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Job:
    """One market, and the worlds that are made of it."""

    kind: Kind
    seed: int
    alpha: float = 0.0

    def path(self, design: Design) -> str:
        """Of its result on the store."""
        return f"calibration/{design.fingerprint}/{self.kind}-{self.seed}.json"


def jobs(design: Design, *, worlds: int, planted: int) -> list[Job]:
    """Markets for `worlds` null worlds, half simulated and half shifted, and for `planted` ones, kinds in turn."""
    simulated = -(-worlds // 2)
    markets: dict[Kind, int] = {
        "simulated": simulated,
        "shifted": -(-(worlds - simulated) // design.shifts),
        "planted": planted,
    }
    strength: dict[Kind, Sequence[float]] = {"simulated": (0.0,), "shifted": (1.0,), "planted": design.alphas}
    ranked = [
        ((number + 0.5) / count, Job(kind, FIRST_SEED[kind] + number, strength[kind][number % len(strength[kind])]))
        for kind, count in markets.items()
        for number in range(count)
    ]
    return [job for _, job in sorted(ranked, key=lambda pair: pair[0])]


def calibrate(
    store: Store,
    *,
    worlds: int = 200,
    planted: int = 30,
    design: Design | None = None,
    n_jobs: int = -1,
    step: Step = lambda _: None,
) -> Calibration:
    """Run gate and tuner through many worlds; what an earlier run has done is not done again.

    Parameters
    ----------
    store : Store
        Results go to `calibration/`, a file a market.
    worlds : int
        Without alpha, half simulated and half shifted. [lineage-years]
    planted : int
        With alpha, its strengths in turn. [lineage-years]
    design : Design, optional
        What is measured; what is in use without it.
    n_jobs : int
        Processes; −1 for one a core. An outer `joblib.parallel_config` may name a cluster.
    step : callable
        Is told after each market how far it is.

    Returns
    -------
    Calibration
    """
    import joblib

    if worlds < 1 or planted < 0:
        raise InputError(
            f"a calibration needs at least 1 world and no negative number planted, got {worlds}, {planted}"
        )
    design = design or Design()
    asked = jobs(design, worlds=worlds, planted=planted)
    missing = [job for job in asked if not store.exists(job.path(design))]
    step(f"{len(asked) - len(missing)} of {len(asked)} markets")
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    done = len(asked) - len(missing)
    for job, records in parallel(joblib.delayed(run_job)(job, design) for job in missing):
        store.write_json(job.path(design), records)
        done += 1
        step(f"{done} of {len(asked)} markets")
    return read_calibration(store, design=design)


def read_calibration(store: Store, *, design: Design | None = None) -> Calibration:
    """What is there of a calibration so far, whether or not it is still running.

    Raises
    ------
    InputError
        When there is nothing of this design.
    """
    design = design or Design()
    paths = store.paths(f"calibration/{design.fingerprint}/*.json")
    records = [record for path in paths for record in store.read_json(path)]
    if not records:
        raise InputError(f"no world of this design was measured yet ({store!r}); run python -m alphalib calibrate")
    return Calibration(design, tuple(records))


def run_job(job: Job, design: Design) -> tuple[Job, list[Record]]:
    """Gate and tuner through the worlds of one market; a record each."""
    return job, [_record(job, world, design) for world in _worlds(job, design)]


def clopper_pearson(found: int, years: int, *, level: float = 0.95) -> float:
    """Exact one-sided upper bound of a rate; 1 when nothing was measured.

    Clopper and Pearson (1934), https://doi.org/10.1093/biomet/26.4.404.
    """
    return float(stats.beta.ppf(level, found + 1, years - found)) if found < years else 1.0


def known_calibration(store: Store) -> CalibrationReport | None:
    """The calibration on the store, or the one that came with the library if it measured what is in use."""
    if store.exists(CalibrationReport.path):
        return store.read(CalibrationReport.path, CalibrationReport)
    text = files("alphalib.proof").joinpath(MEASURED).read_text(encoding="utf-8")
    report = checked(json.loads(text), CalibrationReport, name=MEASURED)
    return report if report.design == json.loads(json.dumps(asdict(Design()))) else None


def promotion_allowed(store: Store, subject: str) -> str | None:
    """Why nothing may be promoted on this store, or None.

    Parameters
    ----------
    store : Store
        The bus; where nothing was measured nothing is held against anybody.
    subject : {"gate", "tuner"}
        Who wants to promote; the tuner with any of its lineages.
    """
    report = known_calibration(store)
    rate = report.above(subject) if report else None
    if report is None or rate is None:
        return None
    advice = f"measure at least {FEWEST} worlds" if rate.years < FEWEST else "nothing is promoted until that is mended"
    return (
        f"the {subject} made a false promotion in {rate.false} of {rate.years} lineage-years without alpha, at most "
        f"{rate.upper:.0%} of them: above the {report.limit:.0%} that are allowed; {advice}"
    )


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was measured.

    Parameters
    ----------
    design : Design
        Of what.
    records : tuple of dict
        One a world, as on the store.
    """

    design: Design
    records: tuple[Record, ...]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a world: what the gate saw and did, what the tuner did, and which changes were false."""
        rows = [self._row(record) for record in self.records]
        measured = ["rank_ic", "detectable", "z", "oracle_ic", "reached_ic", "net_ic"]
        table = pd.DataFrame(rows).astype(dict.fromkeys(measured, float))
        return table.sort_values(["kind", "seed", "shift"], ignore_index=True)

    @cached_property
    def rates(self) -> list[FalseRate]:
        """False promotions per lineage-year, by kind of world and over all of them."""
        null = self.table[self.table["kind"] != "planted"]
        groups = [(str(kind), group) for kind, group in null.groupby("kind")] + [("all", null)]
        return [
            FalseRate(
                subject=subject,
                worlds=kind,
                years=len(group),
                false=int(group[f"{lineage} false"].sum()),
                upper=clopper_pearson(int(group[f"{lineage} false"].sum()), len(group)),
                asked=int(group[f"{lineage} asked"].sum()),
            )
            for subject, lineage in SUBJECTS.items()
            for kind, group in groups
        ]

    @cached_property
    def power(self) -> list[PowerFound]:
        """How often what was planted was found."""
        planted = self.table[self.table["kind"] == "planted"]
        found = [
            PowerFound(
                subject="gate",
                planted=f"alpha {alpha:g}",
                years=len(group),
                found=int(group["gate false"].sum()),
                **{name: _mean(group[name]) for name in ("oracle_ic", "reached_ic", "net_ic")},
            )
            for alpha, group in planted.groupby("alpha")
        ]
        for handicap in self.design.handicaps:
            better = [self._better(record, handicap) for record in self.records]
            found.append(
                PowerFound(subject="tuner", planted=f"Sharpe {handicap:g}", years=len(better), found=sum(better))
            )
        return found

    def truth(self, record: Record, lineage: str, change: Change) -> float:
        """True improvement of a change: its mean in the other markets of the kind; NaN when there is none.

        Difference of Sharpe ratios for the executor, of what a number is judged by for the others.
        """
        kind = record["kind"], record["alpha"]
        others = [
            other["merit"][lineage]
            for other in self.records
            if (other["kind"], other["alpha"]) == kind and other["seed"] != record["seed"]
        ]
        gains = [_merit(merit, change.after) - _merit(merit, change.before) for merit in others]
        return float(np.nanmean(gains)) if gains and not np.isnan(gains).all() else float("nan")

    def lines(self) -> list[str]:
        """What was found, a line each."""
        told = []
        for rate in self.rates:
            verb = "promoted" if rate.subject == "gate" else "changed for the worse"
            told.append(
                f"{_whose(rate.subject)}, {rate.worlds} worlds without alpha: {verb} in {rate.false} of {rate.years} "
                f"lineage-years, at most {rate.upper:.1%} (95 % bound); a grant was asked for in {rate.asked}"
            )
        for row in self.power:
            ics = "" if row.oracle_ic is None else f"; IC {_ics(row)}"
            planted = row.planted if row.subject == "gate" else f"{row.planted} better than what is in use"
            told.append(
                f"{_whose(row.subject)}, planted {planted}: found in {row.found} of {row.years} lineage-years{ics}"
            )
        return told

    def report(self) -> CalibrationReport:
        """The artefact that the weekly page and `promotion_allowed` read."""
        size = self.design.size
        last = sessions_between(size.start, pd.Timestamp(size.start) + pd.Timedelta(days=2 * size.sessions))
        return CalibrationReport(
            date=f"{last[size.sessions - 1]:%Y-%m-%d}",
            design=asdict(self.design),
            limit=LIMIT,
            rates=self.rates,
            power=self.power,
        )

    def _repr_html_(self) -> str:
        rates = pd.DataFrame([rate.model_dump() for rate in self.rates])
        power = pd.DataFrame([row.model_dump() for row in self.power])
        verdict = "; ".join(
            f"{rate.subject}: at most {rate.upper:.1%} false, {LIMIT:.0%} allowed"
            for rate in self.rates
            if rate.worlds == "all"
        )
        return (
            f"<p>{html.escape(verdict)}</p>{rates.to_html(index=False, float_format='{:.3f}'.format)}"
            f"{power.to_html(index=False, float_format='{:.3f}'.format, na_rep='')}"
        )

    def _row(self, record: Record) -> dict[str, Any]:
        row = {
            **{name: record[name] for name in ("kind", "seed", "shift", "alpha", "seconds")},
            **{name: record["gate"][name] for name in ("rank_ic", "detectable", "z")},
            **{f"{name}_ic": record["reach"][name] for name in ("oracle", "reached", "net")},
            "gate asked": bool(record["gate"]["asked"]),
            "gate false": record["gate"]["promoted"] is not None,
        }
        for lineage, year in record["tuner"].items():
            gain = None if year["change"] is None else self.truth(record, lineage, Change(**year["change"]))
            row[f"{lineage} asked"] = bool(year["asked"])
            row[f"{lineage} gain"] = gain
            # What cannot be said to be an improvement is none.
            row[f"{lineage} false"] = gain is not None and not gain > 0
        return row

    def _better(self, record: Record, handicap: float) -> bool:
        """Whether the change away from a handicapped setting was to one that is truly better."""
        change = record["handicaps"][f"{handicap:g}"]
        return change is not None and self.truth(record, EXECUTOR, Change(**change)) + handicap > 0


def _worlds(job: Job, design: Design) -> Iterable[World]:
    if job.kind == "shifted":
        return shifted_worlds(job.seed, size=design.size, alpha=job.alpha, count=design.shifts)
    return [simulated_world(job.seed, size=design.size, alpha=job.alpha)]


def _record(job: Job, world: World, design: Design) -> Record:
    began = process_time()
    found, predicted = gate_year(world, params=design.gate, count=design.looks)
    tuner, merit, handicaps = _tuner(world, predicted, design)
    return {
        **{name: getattr(job, name) for name in ("kind", "seed", "alpha")},
        "shift": world.shift,
        "gate": {name: _known(value) for name, value in asdict(found).items()},
        "tuner": {lineage: asdict(year) for lineage, year in tuner.items()},
        "merit": {lineage: {name: _known(value) for name, value in of.items()} for lineage, of in merit.items()},
        "handicaps": handicaps,
        "reach": {name: _known(value) for name, value in asdict(reach(world, predicted)).items()},
        "seconds": round(process_time() - began, 2),
    }


def _tuner(world: World, predicted: Panel, design: Design) -> tuple[dict[str, TunerYear], dict[str, Any], Record]:
    """The year of every lineage, the merit of every setting in this world, and changes away from handicapped ones."""
    year, outcomes = looks(world.market.sessions, count=design.looks), tuning_outcomes(world)
    settings = settings_of(year, count=design.settings)
    kept = books(world, {name: params for cells in settings.values() for name, params in cells.items()})
    names, current = {quarter: list(cells) for quarter, cells in settings.items()}, str(kept.returns.columns[0])
    found = {EXECUTOR: executor_year(kept, year, names, guard=design.guard)}
    merit: dict[str, Any] = {EXECUTOR: kept.sharpe.round(6).to_dict()}
    for asked in questions(world, predicted):
        found[asked.lineage] = number_year(asked, outcomes, year, guard=design.guard)
        tried = sorted({asked.current, *asked.values})
        merit[asked.lineage] = {f"{value:g}": float(asked.quality(value, outcomes).mean()) for value in tried}
    worse = {}
    for handicap in design.handicaps:
        returns = handicapped(kept.returns, current, sharpe=handicap)
        changed = executor_year(Books(returns, kept.trades, kept.market), year, names, guard=design.guard).change
        worse[f"{handicap:g}"] = None if changed is None else asdict(changed)
    return found, merit, worse


def _merit(merit: Mapping[str, float | None], name: str) -> float:
    """Of a setting; a number between those that were tried has what lies between theirs."""
    if name in merit:
        value = merit[name]
        return float("nan") if value is None else value
    tried = {float(text): value for text, value in merit.items() if value is not None}
    return float(np.interp(float(name), list(tried), list(tried.values()))) if tried else float("nan")


def _known(value: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _mean(values: pd.Series) -> float | None:
    mean = float(values.mean())
    return None if np.isnan(mean) else mean


def _whose(subject: str) -> str:
    return f"tuner, {EXECUTOR}" if subject == "tuner" else subject


def _ics(row: PowerFound) -> str:
    shown = {"oracle": row.oracle_ic, "reached": row.reached_ic, "net of costs": row.net_ic}
    return ", ".join(f"{name} {value:.3f}" for name, value in shown.items() if value is not None)
