"""The section of the weekly page that judges the machinery: what it would change, and whether it can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from alphalib.contracts import CalibrationReport, TuneProposal, TuneReport, TuneWatch
from alphalib.report import words
from alphalib.report.inputs import WeeklyInputs

View = dict[str, Any]

OUTCOMES = {
    "too few": "too little to judge by",
    "keep": "keep what is in use",
    "propose": "proposed; waits for a grant",
    "confirmed": "confirmed by the holdout",
    "refused": "refused by the holdout",
}
"""What the tuner says of a file, in words."""

BOOKS = {"never_tuned": "never tuned", "tuned": "as tuned", "previous": "before the last change"}
"""The counterfactual books, in words."""


def evidence(inputs: WeeklyInputs) -> View:
    """Proposals of the tuner, the books that would have been, promises, calibration, and which monitors are alive."""
    return {
        "proposals": None if inputs.tune is None else [_proposal(row) for row in inputs.tune.proposals],
        "watches": [] if inputs.tune is None else [watch_words(row) for row in inputs.tune.watches],
        "notes": [] if inputs.tune is None else inputs.tune.notes,
        "books": None if inputs.counterfactual is None else _books(inputs.counterfactual),
        "calibration": None if inputs.calibration is None else _calibration(inputs.calibration),
        "promises": None if inputs.promises is None else _promises(inputs.promises),
        "canaries": None
        if inputs.canaries is None
        else [
            {
                "monitor": row.monitor,
                "fault": row.fault,
                "fired": "caught" if row.fired else "MISSED",
                "last": words.short_day(row.last_fired),
                "alive": row.fired,
            }
            for row in inputs.canaries.canaries
        ],
    }


def applied(report: TuneReport) -> list[str]:
    """Files that a week's run changed, or changed back."""
    changed = [row.file for row in report.proposals if row.applied]
    return [*changed, *(f"{row.file}, taken back" for row in report.watches if row.rolled_back)]


def proposal_words(rows: Sequence[TuneProposal]) -> pd.DataFrame:
    """What the tuner's week says, a lineage a row: verdict, what was looked at, why not, trials, note."""
    return pd.DataFrame(
        [
            {
                "lineage": row.lineage,
                "verdict": view["said"],
                "looked at": view["looked_at"],
                "what failed": _failed(row),
                "trials, as independent ones": view["trials"],
                "note": row.note,
            }
            for row, view in zip(rows, map(_proposal, rows), strict=True)
        ],
        columns=["lineage", "verdict", "looked at", "what failed", "trials, as independent ones", "note"],
    ).set_index("lineage")


def check_words(rows: Sequence[TuneProposal]) -> pd.DataFrame:
    """Every check of the tuner's week in words, what was found against what was asked."""
    return pd.DataFrame(
        [
            {
                "lineage": row.lineage,
                "check": words.rule(check.rule),
                "found": words.plain(check.value),
                "asked": words.plain(check.limit),
                "passed": "yes" if check.passed else "no",
                "note": check.note,
            }
            for row in rows
            for check in row.checks
        ],
        columns=["lineage", "check", "found", "asked", "passed", "note"],
    ).set_index(["lineage", "check"])


def _failed(row: TuneProposal) -> str:
    return "; ".join(
        f"{words.rule(check.rule)} {words.plain(check.value)} against {words.plain(check.limit)}"
        for check in row.checks
        if not check.passed
    )


def _proposal(row: TuneProposal) -> View:
    changes = [f"{name.replace('_', ' ')} {_value(now)} → {_value(then)}" for name, (now, then) in row.changes.items()]
    return {
        "lineage": row.lineage,
        "said": "applied" if row.applied else OUTCOMES[row.outcome],
        "looked_at": "; ".join(changes) or "nothing beside what is in use",
        "why": _failed(row) or row.note,
        "trials": words.number(row.trials, digits=1),
        "passed": row.outcome in ("propose", "confirmed"),
    }


def watch_words(row: TuneWatch) -> str:
    """How a change does beside the setting before it, in a sentence."""
    state = (
        f"alarm on {words.short_day(row.alarm)}{', taken back' if row.rolled_back else ''}" if row.alarm else "no alarm"
    )
    return (
        f"{row.file}, changed on {words.short_day(row.adopted)}, {words.count(row.sessions, 'session')} ago: Sharpe "
        f"{words.number(row.difference, signed=True)} against the setting before it, evidence that it is worse "
        f"{words.number(row.evidence)} of {words.number(1 / row.false_alarm_rate, digits=0)}, {state}; a change "
        f"that is no worse is ever taken back with probability {words.percent(row.false_alarm_rate, digits=0)}."
    )


def _books(table: pd.DataFrame) -> list[View]:
    nav = table.set_index("date")
    return [
        {
            "name": title,
            "total": words.percent(nav[name].iloc[-1] / nav[name].iloc[0] - 1),
            "fall": words.percent((nav[name] / nav[name].cummax()).min() - 1),
        }
        for name, title in BOOKS.items()
        if name in nav
    ]


def _calibration(report: CalibrationReport) -> View:
    rates = [
        {
            "subject": rate.subject,
            "worlds": rate.worlds,
            "years": words.number(rate.years, digits=0),
            "false": words.number(rate.false, digits=0),
            "upper": words.percent(rate.upper),
            "within": rate.upper <= report.limit,
        }
        for rate in report.rates
    ]
    power = [
        f"{row.subject}, {row.planted}: found in {row.found} of {words.count(row.years, 'year')}"
        + (
            f"; IC planted {words.number(row.oracle_ic, digits=3)}, reached {words.number(row.reached_ic, digits=3)}, "
            f"after costs {words.number(row.net_ic, digits=3)}"
            if row.oracle_ic is not None
            else ""
        )
        for row in report.power
    ]
    return {
        "date": words.day(report.date),
        "limit": words.percent(report.limit, digits=0),
        "rates": rates,
        "power": power,
        "notes": report.notes,
    }


def _promises(scored: pd.DataFrame) -> list[View]:
    return [
        {
            "lineage": row.lineage,
            "made": words.number(row.made, digits=0),
            "over": words.number(row.over, digits=0),
            "kept": words.number(row.kept, digits=0),
            "share": words.percent(row.share, digits=0),
            "interval": words.interval(row.low, row.high, "fraction", digits=0) if row.over else "",
            "promised": words.percent(row.promised, digits=0),
        }
        for row in scored.itertuples()
    ]


def _value(value: Any) -> str:
    return words.plain(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
