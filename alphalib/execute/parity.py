"""Nightly: is the order book what the rules make of its inputs? Reads the archive and the store, writes a report."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pandas as pd

from alphalib.backtest.parity import Decided, compared, facts, orders, parity, underivable
from alphalib.contracts import Acknowledgement, OrderBook, ParityReport, ParityStage, PlanRecord
from alphalib.decision import day_of
from alphalib.errors import AlphalibError, InputError
from alphalib.execute.archive import Archive, read_files
from alphalib.execute.plan import Inputs, decided, read_portfolio, read_predictions, read_signals
from alphalib.params import ExecutorParams
from alphalib.sources.stored import read_market
from alphalib.store import Store, content_hash, parameters

Found = TypeVar("Found")

CHANGED = "the stored market is another than the one planned on: {0} was its hash, {1} is"


def check_parity(store: Store, date: pd.Timestamp) -> ParityReport:
    """Derive the order book of a session again, from its archive and from the store as it is now; writes the report.

    Parameters
    ----------
    store : Store
        The bus.
    date : Timestamp
        The session that the order book is for.

    Returns
    -------
    ParityReport
        An acknowledgement of the very same differences stays.

    Raises
    ------
    InputError
        When that session has no archived plan.
    """
    record = read_record(store, date)
    files = read_files(store, record)
    changed = _changed(record, files)
    stored: list[ParityStage] = []
    try:
        archive = Archive.of(files)
    except AlphalibError as error:
        stages = [changed, underivable("inputs", {}, str(error))]
        notes = ["nothing was derived again"]
    else:
        was = Decided(archive.params, archive.day, archive.portfolio, archive.book)
        stages = [changed, _on_the_bus(store, archive.book), *_again(was, archive, record)]
        stored, notes = _from_store(store, was, archive, record)
    report = ParityReport(date=record.date, decided_on=record.decided_on, archived=stages, stored=stored, notes=notes)
    if store.exists(report.at()):
        before = store.read(report.at(), ParityReport)
        if (before.archived, before.stored) == (report.archived, report.stored):
            report = report.model_copy(update={"acknowledged": before.acknowledged})
    store.write(report.at(), report)
    return report


def acknowledge(store: Store, date: pd.Timestamp, *, by: str, reason: str, on: pd.Timestamp) -> ParityReport:
    """A person has looked at the differences of a session's order book: entries may go on.

    Parameters
    ----------
    store : Store
        The bus.
    date : Timestamp
        The session of the order book.
    by, reason : str
        Who, and why it is all right.
    on : Timestamp
        When.

    Raises
    ------
    InputError
        When there is no report, nothing in it differs, or who and why are not said.
    """
    path = ParityReport.path.format(date=f"{date:%Y-%m-%d}")
    if not store.exists(path):
        raise InputError(f"{path} is not there; run `python -m alphalib parity --date {date:%Y-%m-%d}` first")
    if not (by.strip() and reason.strip()):
        raise InputError("an acknowledgement says who looked and why entries may go on")
    report = store.read(path, ParityReport)
    if not report.differing:
        raise InputError(f"nothing differs in {path}, so there is nothing to acknowledge")
    said = Acknowledgement(by=by.strip(), reason=reason.strip(), on=f"{on:%Y-%m-%d}")
    report = report.model_copy(update={"acknowledged": said})
    store.write(path, report)
    return report


def read_record(store: Store, date: pd.Timestamp) -> PlanRecord:
    """The record of an archived plan."""
    path = PlanRecord.path.format(date=f"{date:%Y-%m-%d}")
    if store.exists(path):
        return store.read(path, PlanRecord)
    newest = latest_plan(store, asof=date)
    hint = f"the latest before is of {newest:%Y-%m-%d}" if newest is not None else "none was ever archived"
    raise InputError(f"no plan was archived for {date:%Y-%m-%d}; {hint}")


def latest_plan(store: Store, *, asof: pd.Timestamp) -> pd.Timestamp | None:
    """Session of the newest archived plan up to `asof`; None without one."""
    found = store.latest(PlanRecord.path, asof=asof)
    return None if found is None else found[1]


def report_lines(report: ParityReport) -> list[str]:
    """A report in sentences, the verdict last."""
    told = []
    for what, stages in (("archived inputs", report.archived), ("store as it is", report.stored)):
        for stage in stages:
            if stage.differences:
                examples = "; ".join(stage.examples[:3]) + ("; …" if stage.differences > 3 else "")
                told.append(f"{what}, {stage.stage}: {stage.differences:,} differ: {examples}")
    said = report.acknowledged
    verdict = (
        "the same from the archived inputs and from the store"
        if not report.differing
        else f"differs, acknowledged by {said.by} on {said.on}: {said.reason}"
        if said
        else f"differs; no entries until `python -m alphalib acknowledge --date {report.date} --by … --reason …`"
    )
    return [*told, *report.notes, f"order book of {report.date}: {verdict}"]


def stage_table(report: ParityReport) -> pd.DataFrame:
    """Every stage of a report: `from` which inputs, `stage`, both hashes, `differences`, the first `example`."""
    rows = [
        (what, stage.stage, stage.archived, stage.derived, stage.differences, next(iter(stage.examples), ""))
        for what, stages in (("archive", report.archived), ("store", report.stored))
        for stage in stages
    ]
    return pd.DataFrame(rows, columns=["from", "stage", "archived", "derived", "differences", "example"])


def parity_history(store: Store, *, until: pd.Timestamp) -> pd.DataFrame:
    """Every report up to a session: order books down, stages across, number of differences. [facts]"""
    before, after = ParityReport.path.split("{date}")
    paths = store.paths(ParityReport.path.format(date="*"))
    dates = {path: pd.Timestamp(path.removeprefix(before).removesuffix(after)) for path in paths}
    tables = {date: stage_table(store.read(path, ParityReport)) for path, date in dates.items() if date <= until}
    rows = {date: table.set_index(["from", "stage"])["differences"] for date, table in tables.items()}
    return pd.DataFrame(rows).T.rename_axis("date").fillna(0).astype(int)


def paper_tables(store: Store) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Trades and the daily account of paper trading, in the columns of `trades_full.csv` and `eod_pnl.csv`.

    None until paper trading has written both.
    """
    paths = "trades/trades_full.csv", "trades/eod_pnl.csv"
    if not all(store.exists(path) for path in paths):
        return None
    trades, account = (pd.read_csv(io.BytesIO(store.read_bytes(path)), parse_dates=["date"]) for path in paths)
    return trades, account


def _changed(record: PlanRecord, files: dict[str, bytes]) -> ParityStage:
    """Whether the files of the archive are those that were written."""
    return compared("archive", record.files, {name: content_hash(content) for name, content in files.items()})


def _on_the_bus(store: Store, planned: OrderBook) -> ParityStage:
    """Whether the order book that is traded is the one that was planned."""
    try:
        book = store.read(planned.at(), OrderBook)
    except AlphalibError as error:
        return underivable("book", orders(planned), str(error))
    return compared("book", orders(planned), orders(book))


def _again(was: Decided, archive: Archive, record: PlanRecord) -> tuple[ParityStage, ...]:
    inputs = Inputs(archive.signals, archive.predictions, archive.portfolio, {}, withheld=tuple(record.withheld))
    book = decided(archive.day, inputs, archive.params).book
    return parity(was, replace(was, book=book))


def _from_store(
    store: Store, was: Decided, archive: Archive, record: PlanRecord
) -> tuple[list[ParityStage], list[str]]:
    """The stages with everything read anew; while one part cannot be read, nothing is decided from the others."""
    asof, survivors = pd.Timestamp(record.decided_on), record.members == "survivors only"
    broken: dict[str, str] = {}
    params = _read(lambda: parameters(store, ExecutorParams), "parameters", broken)
    market = _read(lambda: read_market(store, asof=asof, survivors=survivors), "prices", broken)
    signals = _read(lambda: read_signals(store, asof=asof)[0], "signals", broken)
    predictions = _read(lambda: read_predictions(store, asof=asof)[0], "vetoes", broken)
    portfolio = _read(lambda: read_portfolio(store, asof=asof)[0] or archive.portfolio, "portfolio", broken)
    if params is None or market is None or signals is None or portfolio is None or broken:
        known = facts(was)
        return [underivable(stage, known[stage], why) for stage, why in broken.items()], []
    notes = [] if market.data_hash == record.data_hash else [CHANGED.format(record.data_hash, market.data_hash)]
    inputs = Inputs(signals, predictions, portfolio, {}, withheld=tuple(record.withheld))
    try:
        day = day_of(market, signals, predictions, params=params)
        book = decided(day, inputs, params).book
    except AlphalibError as error:
        return [underivable("rules", facts(was)["rules"], str(error))], notes
    return list(parity(was, Decided(params, day, portfolio, book))), notes


def _read(reader: Callable[[], Found], stage: str, broken: dict[str, str]) -> Found | None:
    """What is read; None, and why under its stage, when it cannot be."""
    try:
        return reader()
    except AlphalibError as error:
        broken[stage] = str(error)
        return None
