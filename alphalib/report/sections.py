"""The sections of the weekly page: what the template fills in, one function a section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from alphalib.contracts import BacktestSummary, Blocked, Entry, OrderBook, PredictorMetrics
from alphalib.report import words
from alphalib.report.inputs import WeeklyInputs
from alphalib.report.summary import language_model, last_sessions, model_in_use, refusals, survivors_only
from alphalib.sessions import next_session
from alphalib.sources.quality import KINDS

View = dict[str, Any]

_ROWS = 12  # of a long table; the rest is counted
_WHOLE = 0.99  # share of the members with prices from which a universe counts as whole


def book(inputs: WeeklyInputs) -> View:
    """The performance table's sentences: trials, deflated Sharpe, cost, halts, and who checked the arithmetic."""
    summary = inputs.backtest
    if summary is None:
        return {"summary": None, "picture": ""}
    shaded = "Shaded: no new entries after a drawdown. " if summary.halted_sessions else ""
    return {
        "summary": summary,
        "level": words.percent(summary.level, digits=0),
        "picture": f"{shaded}SPY and equal weight pay no costs.",
        "sentences": _trial_sentences(summary) + _running_sentences(summary),
        "notes": [_full(f"intervals: {summary.interval_method}")] * bool(summary.interval_method)
        + [_full(note) for note in summary.notes],
    }


def model(inputs: WeeklyInputs) -> View | None:
    """The gate's verdict with its reasons, and the folds behind it."""
    metrics = inputs.predictor
    if metrics is None:
        return None
    ends = words.interval(metrics.ic.low, metrics.ic.high, digits=3)
    sentences = [
        f"Mean rank IC {words.number(metrics.ic.value, digits=3)}{f' ({ends})' if ends else ''}; the smallest that "
        f"these dates could tell from zero is {words.number(metrics.minimum_detectable_ic, digits=3)}.",
        f"ICIR {words.number(metrics.icir)} a date: the mean over its spread.",
        f"N = {metrics.trials}: {words.count(metrics.trials, 'model')} tried in this lineage"
        f"{_independent(metrics.effective_trials, metrics.trials)}.",
    ]
    gains = list(metrics.importances.values()) or [1.0]
    if metrics.promoted:
        verdict = f"The gate let the candidate pass. {model_in_use(inputs)}."
    elif metrics.model_version == "none":
        verdict = "No model is in use. The gate refused:"
    else:
        verdict = f"{metrics.model_version} stays in use. The gate refused the candidate:"
    return {
        "promoted": metrics.promoted,
        "verdict": verdict,
        "reasons": [] if metrics.promoted else refusals(metrics),
        "sentences": sentences + [_full(reason) for reason in metrics.reasons if not _is_check(reason, metrics)],
        "picture": "Bars: mean of a month. Line: mean of the year before. Dashed: smallest detectable mean. "
        "Right: mean over all dates, with its interval.",
        "checks": [
            {
                "rule": words.rule(check.rule),
                "note": check.note,
                "value": _plain(check.value),
                "limit": _plain(check.limit),
                "passed": check.passed,
            }
            for check in metrics.checks
        ],
        "features": [
            {"name": name.replace("_", " "), "share": words.percent(share, digits=0), "width": share / max(gains)}
            for name, share in sorted(metrics.importances.items(), key=lambda item: -item[1])[:10]
        ],
        **_folds(metrics.folds),
    }


def orders(inputs: WeeklyInputs) -> View:
    """What is to be done in the next session, and why the rest is not."""
    plan = inputs.order_book
    if plan is None:
        morning = words.day(next_session(inputs.asof), weekday=True)
        absent = f"The orders for {morning} are planned by the weekday pipeline; {inputs.why('order_book')}."
        return {"title": "What was bought, and what was blocked", "book": None, "absent": absent}
    return {
        "title": f"To do on {words.day(plan.date, weekday=True)}",
        "book": plan,
        "sentence": _plan_sentence(plan),
        "entries": [_entry(row) for row in plan.approved_entries],
        "exits": [
            {
                "ticker": row.ticker,
                "why": _sentence(words.rule(row.reason), row.detail),
                "order": "sell all" if row.signal == "EXIT" else "sell a part",
                "shares": words.number(row.shares, digits=0),
            }
            for row in plan.urgent_exits
        ],
        "blocked": _blocked_by_rule(plan.blocked),
    }


def week(inputs: WeeklyInputs) -> View:
    """What the simulated book traded in the last five sessions, and what blocked it."""
    return {"blocked": _blocked_rows(inputs), **_traded(inputs)}


def research(inputs: WeeklyInputs) -> View | None:
    """Who scored the names, the market's regime, the best names, the view of each sector."""
    signals = inputs.signals
    if signals is None:
        return None
    scored = sorted((row for row in signals.universe if row.score is not None), key=lambda row: -(row.score or 0.0))
    per_sector = Counter(row.sector for row in signals.universe)
    followed = f"; {words.count(len(signals.population), 'name')} followed" if signals.population else ""
    absent = [f"{name.replace('_', ' ')} ({reason})" for name, reason in signals.absent.items()]
    return {
        "sentences": [
            f"{language_model(inputs)}.",
            f"Signals of {words.day(signals.date)}: regime {signals.market_regime}, "
            f"{words.count(len(signals.buy_candidates), 'buy candidate')}{followed}."
            + (f" Not available: {words.listed(absent)}." if absent else ""),
        ],
        "best": scored[:8],
        "sectors": [
            {"name": name, "view": view.rating.replace("_", " "), "names": per_sector[name]}
            for name, view in signals.sector_ratings.items()
        ],
    }


def data(inputs: WeeklyInputs) -> View:
    """Where prices come from, what may be concluded from them, and what is doubtful in them."""
    quality = inputs.quality
    if quality is None:
        return {"sentences": _source_sentences(inputs), "kinds": None, "rows": []}
    shown = quality.findings[:_ROWS]
    doubtful = sum(quality.quarantined.values())
    return {
        "sentences": [
            *_source_sentences(inputs),
            *(f"{line.rstrip('.').replace('_', ' ')}." for line in quality.lines()),
        ],
        "kinds": [
            {"kind": kind.replace("_", " "), "meaning": KINDS.get(kind, ""), "found": words.number(found, digits=0)}
            for kind, found in quality.quarantined.items()
        ],
        "rows": [
            {"date": words.short_day(row.date), "ticker": row.ticker, "what": _what(row.kind, row.detail)}
            for row in shown
        ],
        "rows_title": f"In quarantine: {words.count(doubtful, 'row')}"
        + (f", {len(shown)} shown, the rare kinds first" if doubtful > len(shown) else ""),
    }


def provenance(inputs: WeeklyInputs) -> View:
    """Version of the code, hash of the data, parameters, and how long each step took."""
    run = inputs.run or {}
    parameters = [f"{path.removeprefix('config/')} ({changed})" for path, changed in inputs.parameters.items()]
    steps = list(run.get("steps") or [])
    facts = [
        ("As of", words.day(inputs.asof, weekday=True)),
        ("Code", run.get("code")),
        ("Data", run.get("data") or next((step.get("data_after") for step in reversed(steps)), None)),
        ("Run", run.get("id") or run.get("pipeline")),
        ("Parameter files", ", ".join(parameters) or "none stored: the defaults of the code"),
        ("Decision", inputs.order_book.decision_hash if inputs.order_book else None),
        ("Model", model_in_use(inputs).removeprefix("Model in use: ")),
        ("Language model", language_model(inputs)),
    ]
    return {
        "facts": [(name, fact) for name, fact in facts if fact],
        "steps": [
            {
                "step": step.get("step") or step.get("name"),
                "status": step.get("status", words.NONE),
                "time": words.duration(step.get("seconds")),
                "memory": f"{words.number(step['peak_mb'], digits=0)} MB" if step.get("peak_mb") else words.NONE,
            }
            for step in steps
        ],
    }


def _trial_sentences(summary: BacktestSummary) -> list[str]:
    effective = _independent(summary.effective_trials, summary.trials)
    tried = f"N = {summary.trials}: {words.count(summary.trials, 'book')} tried in this lineage{effective}."
    if summary.deflated_sharpe is None:
        return [f"{tried} The deflated Sharpe could not be computed."]
    return [
        f"{tried} Deflated Sharpe {words.percent(summary.deflated_sharpe, digits=0)}: the probability that the Sharpe "
        "is above what the best of them would have shown without skill."
    ]


def _independent(effective: float | None, trials: int) -> str:
    worth = effective is not None and trials > 1
    return f", worth {words.number(effective, digits=1)} independent ones" if worth else ""


def _running_sentences(summary: BacktestSummary) -> list[str]:
    found = []
    if summary.costs is not None:
        found.append(f"Commission and slippage took {words.money(summary.costs)}.")
    if summary.halted_sessions:
        share = words.percent(summary.halted_sessions / summary.sessions)
        halted = words.count(summary.halted_sessions, "session")
        found.append(f"Halted by its drawdown on {halted} of {words.number(summary.sessions, digits=0)} ({share}).")
    else:
        found.append("It was never halted by its drawdown.")
    for check in summary.cross_checks:
        apart = f"${check.largest_difference:,.2f}"
        within = "to the cent" if check.largest_difference < 0.005 else f"within {apart}"
        verdict = f"agrees {within}" if check.agrees else f"does NOT agree: {apart} apart"
        found.append(f"{check.by} rebuilt the book from its fills and {verdict}.")
    return found


def _is_check(reason: str, metrics: PredictorMetrics) -> bool:
    return not metrics.checks or any(check.rule in reason for check in metrics.checks)


def _full(sentence: str) -> str:
    """With a capital and a full stop."""
    return f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}."


def _folds(folds: Any) -> View:
    """Folds as rows: span, IC with interval, then whatever numbers the table has beside them."""
    shown = [fold.model_dump() for fold in folds]
    known = {"start", "end", "ic", "fold", "name"}
    columns = [name for name in (shown[0] if shown else {}) if name not in known]
    return {
        "fold_columns": [name.replace("_", " ") for name in columns],
        "folds": [
            {
                "name": f"{words.short_day(fold['start'])} to {words.short_day(fold['end'])}",
                "ic": words.number(fold["ic"]["value"], digits=3),
                "interval": words.interval(fold["ic"]["low"], fold["ic"]["high"], digits=3),
                "more": [_plain(fold[name]) for name in columns],
            }
            for fold in shown
        ],
    }


def _plain(value: Any) -> str:
    return words.plain(value) if value is None or isinstance(value, int | float) else str(value)


def _plan_sentence(plan: OrderBook) -> str:
    drawdown = f"{words.percent(-plan.drawdown)} below its highest value" if plan.drawdown else "at its highest value"
    size = f"new entries are {words.percent(plan.drawdown_multiplier, digits=0)} of their size"
    state = "halted: nothing new is bought" if plan.halted else size
    parts = [
        f"Decided from the close of {words.day(plan.decided_on)}.",
        f"The book is worth {words.money(plan.nav)}, {drawdown}; {state}.",
        f"{words.count(len(plan.active_stops), 'stop').capitalize()} in the market.",
        *(_full(note) for note in plan.notes),
    ]
    return " ".join(parts)


def entry_words(book: OrderBook) -> pd.DataFrame:
    """The entries of an order book as a reader sees them, with how each size came about."""
    columns = {
        "ticker": "name", "sector": "sector", "score": "score", "shares": "shares", "value": "value",
        "weight": "of book", "why": "why",
    }  # fmt: skip
    rows = [_entry(row) for row in book.approved_entries]
    return pd.DataFrame(rows, columns=list(columns)).rename(columns=columns).set_index("name")


def _entry(row: Entry) -> View:
    predicted = "" if row.predicted_direction == "FLAT" else f"predicted {row.predicted_direction.lower()}"
    bound = f"size bound by: {words.rule(row.bound_by)}" if row.bound_by else ""
    return {
        "ticker": row.ticker,
        "sector": row.sector,
        "why": "; ".join(
            part for part in (f"conviction {row.research_conviction}", predicted, _size(row), bound) if part
        ),
        "score": words.number(row.research_score, digits=0),
        "shares": words.number(row.shares, digits=0),
        "value": words.money(row.dollar_size),
        "weight": words.percent(row.position_pct),
    }


def _size(row: Entry) -> str:
    """How a size came about: `size: base 5.0% × confidence 1.15, at most 2.5%`; factors of one are left out."""
    factors = dict(row.sizing_factors)
    base, cap = factors.pop("base", None), factors.pop("position_cap", None)
    steps = [f"base {words.percent(base)}"] if base is not None else []
    for name, factor in factors.items():
        if factor != 1:
            steps.append(f"{name.removesuffix('_tilt').removesuffix('_scaler')} {words.number(factor)}")
    most = f", at most {words.percent(cap)}" if cap is not None else ""
    return f"size: {' × '.join(steps)}{most}" if steps else ""


def _blocked_by_rule(blocked: list[Blocked]) -> list[View]:
    """Rules by how often they blocked, each with its names and the value that the rule saw."""
    counts = Counter(row.rule for row in blocked)
    most = max(counts.values(), default=1)
    found = []
    for rule, count in counts.most_common():
        rows = [row for row in blocked if row.rule == rule]
        seen = [f"{row.ticker} {words.against(rule, row.value, row.limit)}".strip() for row in rows[:6]]
        more = f", and {len(rows) - 6} more" if len(rows) > 6 else ""
        found.append({"rule": words.rule(rule), "who": ", ".join(seen) + more, "count": count, "share": count / most})
    return found


def _blocked_rows(inputs: WeeklyInputs) -> list[View] | None:
    """Blocks of the whole simulation by rule, with what they were in the last five sessions."""
    if inputs.blocked is None:
        return None
    counts = inputs.blocked["rule"].value_counts()
    recent = last_sessions(inputs.blocked, inputs.asof)["rule"].value_counts()
    return [
        {
            "rule": words.rule(str(rule)),
            "who": f"{recent.get(rule, 'none')} in the last five sessions",
            "count": words.number(int(count), digits=0),
            "share": count / counts.max(),
        }
        for rule, count in counts.items()
    ]


def _traded(inputs: WeeklyInputs) -> View:
    if inputs.trades is None:
        return {"trades": None}
    recent = last_sessions(inputs.trades, inputs.asof)
    shown = recent.iloc[::-1].head(_ROWS)
    more = f" The latest {len(shown)} of {len(recent)} are shown." if len(recent) > len(shown) else ""
    value = (recent["shares"] * recent["price"]).sum()
    return {
        "sentence": f"{words.count(len(recent), 'trade').capitalize()} worth {words.money(value)}.{more}",
        "trades": [_trade(row) for row in shown.to_dict("records")],
    }


def _trade(row: Mapping[Any, Any]) -> View:
    bound = row.get("bound_by")
    return {
        "ticker": row["ticker"],
        "why": _sentence(
            words.rule(str(row.get("reason") or "")),
            f"size bound by: {words.rule(str(bound))}" if _there(bound) else "",
        ),
        "date": words.week_day(row["date"]),
        "order": str(row["side"]).lower(),
        "shares": words.number(row["shares"], digits=0),
        "value": words.money(row["shares"] * row["price"]),
    }


def _source_sentences(inputs: WeeklyInputs) -> list[str]:
    source = inputs.source
    if source is None:
        return [f"Source {inputs.why('source')}."]
    dollars = {
        "raw": "Prices are those printed on the day: rules in dollars and shares are on.",
        "split-adjusted": "Prices are split-adjusted, so their level knows later splits: rules in dollars and shares "
        "(lowest price, traded volume) are off.",
    }
    return [f"Source: {source.name}. {dollars[source.prices]} {_members(inputs)}"]


def _members(inputs: WeeklyInputs) -> str:
    """Whether names that failed are in the universe: members without prices are mostly those."""
    if survivors_only(inputs):
        return "Survivors only: not evidence. The universe is today's, looked at backwards."
    by_date = "The universe of each date is the one of that date"
    share = pd.Series(dtype=float) if inputs.coverage is None else inputs.coverage["share"].dropna()
    if share.empty:
        return f"{by_date}; how much of it has prices is not known."
    if share.mean() >= _WHOLE:
        return f"{by_date}; names that failed are in it."
    return (
        f"{by_date}, but {words.percent(1 - share.mean())} of it has no prices, mostly names that failed or were "
        "bought: book, equal weight and rank IC are those of the rest, and flattered."
    )


def _what(kind: str, detail: str) -> str:
    return ": ".join(part for part in (kind.replace("_", " "), detail) if part)


def _there(value: Any) -> bool:
    return value is not None and not pd.isna(value) and str(value) != ""


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
