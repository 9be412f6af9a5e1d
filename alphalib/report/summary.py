"""What the week found, in sentences: headline, bands, the five lines, the four figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from alphalib.contracts import Measured, Performance, PredictorMetrics
from alphalib.report import words
from alphalib.report.inputs import WeeklyInputs
from alphalib.sessions import previous_session


@dataclass(frozen=True)
class Band:
    """A line across the top of the page that no reader can miss."""

    title: str
    text: str
    stop: bool = False


@dataclass(frozen=True)
class KeyFigure:
    """A number with its interval, and what it stands beside."""

    name: str
    value: str
    interval: str
    beside: str


def bands(inputs: WeeklyInputs) -> list[Band]:
    """What the reader must know before anything else: simulated prices, survivors only."""
    found = []
    if inputs.source is None:
        found.append(Band("Source unknown.", "Nothing on this page may be taken as evidence.", stop=True))
        return found
    if inputs.source.simulated:
        text = (
            "Every name, price and headline here was made by a program. "
            "Nothing on this page says anything about a real market."
        )
        found.append(Band("Simulated market.", text))
    if survivors_only(inputs):
        text = "The names are those of today, looked at backwards; those that failed are not in it."
        found.append(Band("Survivors only: not evidence.", text, stop=True))
    return found


def survivors_only(inputs: WeeklyInputs) -> bool:
    """Whether the universe is today's names looked at backwards, in the prices or in the backtest that was run."""
    return "survivors only" in (part.members for part in (inputs.source, inputs.backtest) if part is not None)


def headline(inputs: WeeklyInputs) -> str:
    """The result of the backtest in one sentence, with what may be concluded from it."""
    annual = measure(inputs, "Annual return")
    if annual is None or annual.book.value is None:
        return "No backtest this week"
    said = f"The simulated book made {words.percent(annual.book.value)} a year"
    if annual.spy is None or annual.spy.value is None:
        return f"{said}; there is no benchmark to hold it against"
    said = f"{said}, SPY {words.percent(annual.spy.value)}"
    alpha = measure(inputs, "Alpha a year")
    verdict = beyond_chance(alpha.book) if alpha else None
    tails = {
        None: "",
        0: "; what it earned beside the market cannot be told from chance",
        1: "; beside the market it earned more than chance explains",
        -1: "; beside the market it lost more than chance explains",
    }
    return said + tails[verdict]


def standfirst(inputs: WeeklyInputs) -> str:
    """Where the prices come from, and what period was simulated."""
    source = inputs.source
    parts = [f"Prices: {source.name}, up to the close of {words.day(inputs.asof)}." if source else ""]
    if inputs.backtest:
        start, count = words.day(inputs.backtest.start), words.count(inputs.backtest.sessions, "session")
        parts.append(f"The simulation runs over {count} from {start}, after costs.")
    return " ".join(part for part in parts if part) or "Nothing has been run on this store."


def five_lines(inputs: WeeklyInputs) -> list[str]:
    """What the weekly run found: data, research, model, book, and what is next."""
    return [_data_line(inputs), _research_line(inputs), _model_line(inputs), _book_line(inputs), _orders_line(inputs)]


def key_figures(inputs: WeeklyInputs) -> list[KeyFigure]:
    """Annual return, Sharpe, IC and the share of members priced, each with an interval or a range."""
    return [_annual_figure(inputs), _sharpe_figure(inputs), _ic_figure(inputs), _priced_figure(inputs)]


def measure(inputs: WeeklyInputs, name: str) -> Performance | None:
    """A row of the performance table by its name."""
    rows = inputs.backtest.performance if inputs.backtest else []
    return next((row for row in rows if row.measure == name), None)


def beyond_chance(part: Measured | None) -> int | None:
    """1 or −1 when the interval lies wholly above or below zero, 0 when it holds zero, None without an interval."""
    if part is None or part.low is None or part.high is None:
        return None
    return 1 if part.low > 0 else -1 if part.high < 0 else 0


def with_interval(part: Measured | None, unit: str) -> str:
    """A value and its interval: `6.1% (−2.1 to 14.2%)`."""
    if part is None or part.value is None:
        return words.NONE
    ends = words.interval(part.low, part.high, unit)
    return words.measured(part.value, unit) + (f" ({ends})" if ends else " (no interval)")


def model_in_use(inputs: WeeklyInputs) -> str:
    """Which model predicts, or why none does."""
    metrics = inputs.predictor
    if metrics is None:
        return f"No model is in use: {inputs.why('predictor')}"
    reasons = words.listed(refusals(metrics)) if refusals(metrics) else "no reason was recorded"
    if metrics.model_version == "none":
        return f"No model is in use; the gate refused: {reasons}"
    refused = "" if metrics.promoted else f"; the gate refused this week's candidate: {reasons}"
    return f"Model in use: {metrics.model_version}{refused}"


def refusals(metrics: PredictorMetrics) -> list[str]:
    """Why the gate refused: the checks that failed, or the recorded reasons where there are no checks."""
    failed = [
        f"{words.rule(check.rule)} {words.plain(check.value)} (asked: {words.plain(check.limit)})"
        for check in metrics.checks
        if not check.passed
    ]
    return failed if metrics.checks else metrics.reasons


def language_model(inputs: WeeklyInputs) -> str:
    """Who scored the names, and whether a language model had a part in it."""
    if inputs.signals is None:
        return inputs.why("signals")
    analyst = inputs.signals.analyst
    if "rule" in analyst.lower():
        return f"No language model was used: the {analyst.split(',')[0]} scored every name from its features"
    return f"Scored by {analyst}"


def _data_line(inputs: WeeklyInputs) -> str:
    if inputs.source is None:
        return f"Data: {inputs.why('source')}."
    told = "simulated" in inputs.source.name
    parts = [inputs.source.name + (" (simulated)" if inputs.source.simulated and not told else "")]
    if survivors_only(inputs):
        parts.append("survivors only: not evidence")
    if inputs.coverage is not None and len(inputs.coverage):
        parts.append(
            f"{words.percent(inputs.coverage['share'].mean())} of the members priced, on average over the dates"
        )
    if inputs.quality is not None:
        doubtful = sum(inputs.quality.quarantined.values())
        parts.append(f"{words.count(doubtful, 'row')} of {words.number(inputs.quality.rows, digits=0)} in quarantine")
    return f"Data: {', '.join(parts)}."


def _research_line(inputs: WeeklyInputs) -> str:
    signals = inputs.signals
    if signals is None:
        return f"Research: {inputs.why('signals')}."
    entering = sum(entry.signal == "ENTER" for entry in signals.universe)
    scored = words.count(len(signals.universe), "name")
    return f"Research: {scored} scored, {entering} to enter, regime {signals.market_regime}. {language_model(inputs)}."


def _model_line(inputs: WeeklyInputs) -> str:
    metrics = inputs.predictor
    if metrics is None:
        return f"Model: {inputs.why('predictor')}."
    ic = f"rank IC {_ic(inputs)}, smallest detectable {words.number(metrics.minimum_detectable_ic, digits=3)}"
    return f"Model: {ic}, {words.count(metrics.trials, 'trial')}. {model_in_use(inputs)}."


def _book_line(inputs: WeeklyInputs) -> str:
    annual, sharpe, summary = measure(inputs, "Annual return"), measure(inputs, "Sharpe ratio"), inputs.backtest
    if summary is None or annual is None or sharpe is None:
        return f"Book: {inputs.why('backtest')}."
    earned = (
        f"{with_interval(annual.book, annual.unit)} a year against {with_interval(annual.spy, annual.unit)} for SPY"
    )
    deflated = f"deflated {words.percent(summary.deflated_sharpe, digits=0)}, N\u00a0=\u00a0{summary.trials}"
    return f"Book: {earned}; Sharpe {with_interval(sharpe.book, sharpe.unit)}, {deflated}."


def _orders_line(inputs: WeeklyInputs) -> str:
    book = inputs.order_book
    if book is not None:
        counts = f"{len(book.approved_entries)} to buy, {len(book.urgent_exits)} to sell, {len(book.blocked)} blocked"
        most = Counter(row.rule for row in book.blocked).most_common(1)
        often = f", most often because: {words.rule(most[0][0])}" if most else ""
        return f"Next, {words.day(book.date, weekday=True)}: {counts}{often}."
    if inputs.trades is None:
        return f"Trades: {inputs.why('trades')}."
    week = last_sessions(inputs.trades, inputs.asof)
    bought = int((week["side"].str.lower() == "buy").sum())
    refused = 0 if inputs.blocked is None else len(last_sessions(inputs.blocked, inputs.asof))
    blocked = words.count(refused, "entry", "entries")
    return f"Last five sessions of the simulated book: {bought} bought, {len(week) - bought} sold, {blocked} blocked."


def last_sessions(table: pd.DataFrame, asof: pd.Timestamp, *, count: int = 5) -> pd.DataFrame:
    """Rows of a table with `date` in the last `count` sessions up to `asof`."""
    return table[(table["date"] > previous_session(asof, count=count)) & (table["date"] <= asof)]


def _annual_figure(inputs: WeeklyInputs) -> KeyFigure:
    row = measure(inputs, "Annual return")
    if row is None:
        return KeyFigure("Return a year", words.NONE, "", inputs.why("backtest"))
    ends = words.interval(row.book.low, row.book.high, row.unit)
    spy = f"SPY {with_interval(row.spy, row.unit)}" if row.spy else "no benchmark"
    return KeyFigure("Return a year", words.measured(row.book.value, row.unit), ends, spy)


def _sharpe_figure(inputs: WeeklyInputs) -> KeyFigure:
    row, summary = measure(inputs, "Sharpe ratio"), inputs.backtest
    if row is None or summary is None:
        return KeyFigure("Sharpe ratio", words.NONE, "", inputs.why("backtest"))
    ends = words.interval(row.book.low, row.book.high, row.unit)
    spy = f"SPY {words.measured(row.spy.value, row.unit)}; " if row.spy else ""
    deflated = f"deflated {words.percent(summary.deflated_sharpe, digits=0)}, N\u00a0=\u00a0{summary.trials}"
    return KeyFigure("Sharpe ratio", words.measured(row.book.value, row.unit), ends, spy + deflated)


def _ic_figure(inputs: WeeklyInputs) -> KeyFigure:
    metrics = inputs.predictor
    if metrics is None:
        return KeyFigure("Rank IC, out of sample", words.NONE, "", inputs.why("predictor"))
    value, low, high = metrics.ic.value, metrics.ic.low, metrics.ic.high
    beside = (
        f"smallest detectable {words.number(metrics.minimum_detectable_ic, digits=3)}, N\u00a0=\u00a0{metrics.trials}"
    )
    return KeyFigure(
        "Rank IC, out of sample", words.number(value, digits=3), words.interval(low, high, digits=3), beside
    )


def _priced_figure(inputs: WeeklyInputs) -> KeyFigure:
    if inputs.coverage is None or inputs.coverage["share"].isna().all():
        return KeyFigure("Members priced", words.NONE, "", inputs.why("coverage"))
    share = inputs.coverage.dropna(subset="share").set_index("date")["share"]
    worst = f"lowest {words.percent(share.min())}, on {words.short_day(share.idxmin())}"
    return KeyFigure("Members priced", words.percent(share.mean()), "mean over the dates", worst)


def _ic(inputs: WeeklyInputs) -> str:
    metrics = inputs.predictor
    if metrics is None or metrics.ic.value is None:
        return words.NONE
    ends = words.interval(metrics.ic.low, metrics.ic.high, digits=3)
    return words.number(metrics.ic.value, digits=3) + (f" ({ends})" if ends else " (no interval)")
