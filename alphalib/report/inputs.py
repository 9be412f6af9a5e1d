"""What the weekly page is made from: artefacts on the bus, each of which may be missing and then says so."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pandas as pd

from alphalib.contracts import (
    BacktestSummary,
    CalibrationReport,
    CanaryReport,
    OrderBook,
    PredictorMetrics,
    Signals,
    TuneReport,
)
from alphalib.contracts.account import AccountDay, TradeRow
from alphalib.contracts.base import Row
from alphalib.errors import AlphalibError, ContractError
from alphalib.market import Source
from alphalib.sessions import next_session, sessions_from
from alphalib.sources.quality import QualityReport
from alphalib.store import Store, checked

PAPER_ACCOUNT, PAPER_TRADES = "trades/eod_pnl.csv", "trades/trades_full.csv"

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class WeeklyInputs:
    """Everything the weekly page shows; a part that is None has its reason in `missing`.

    Parameters
    ----------
    asof : Timestamp
        Last session known.
    source : Source or None
        Where the prices come from.
    quality : QualityReport or None
        What the gate on daily bars found.
    coverage : DataFrame or None
        `date, members, priced, share`.
    signals : Signals or None
        At most five sessions old.
    predictor : PredictorMetrics or None
        What the gate said, and why.
    ic : DataFrame or None
        `date, rank_ic`, out of sample.
    backtest : BacktestSummary or None
        Performance with intervals.
    nav, trades, blocked : DataFrame or None
        The simulated book by session, its fills, and the entries it refused.
    order_book : OrderBook or None
        For the session after `asof`.
    tune : TuneReport or None
        What the tuner would change, and what it watches.
    counterfactual : DataFrame or None
        `date, never_tuned, tuned` and maybe `previous`. [currency]
    calibration : CalibrationReport or None
        False promotions and power, measured; of whatever date.
    canaries : CanaryReport or None
        Which monitors caught the fault planted for them.
    promises : DataFrame or None
        By lineage: how many were made, are over, were kept.
    account, paper : DataFrame or None
        The paper account by session up to `asof`, and its orders; in the columns of `AccountDay` and `TradeRow`.
    run : mapping or None
        The pipeline's `run.json`: `code`, `steps` of `step, status, seconds, peak_mb`.
    parameters : mapping
        Path of each parameter file on the bus to when it was last changed.
    missing : mapping
        Part to the sentence that says why it is not there.
    """

    asof: pd.Timestamp
    source: Source | None = None
    quality: QualityReport | None = None
    coverage: pd.DataFrame | None = None
    signals: Signals | None = None
    predictor: PredictorMetrics | None = None
    ic: pd.DataFrame | None = None
    backtest: BacktestSummary | None = None
    nav: pd.DataFrame | None = None
    trades: pd.DataFrame | None = None
    blocked: pd.DataFrame | None = None
    order_book: OrderBook | None = None
    tune: TuneReport | None = None
    counterfactual: pd.DataFrame | None = None
    calibration: CalibrationReport | None = None
    canaries: CanaryReport | None = None
    promises: pd.DataFrame | None = None
    account: pd.DataFrame | None = None
    paper: pd.DataFrame | None = None
    run: Mapping[str, Any] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def why(self, part: str) -> str:
        """The sentence that stands where a part would have."""
        return self.missing.get(part, "not run: nothing was handed to this page")


def read_inputs(store: Store, asof: pd.Timestamp, run: Mapping[str, Any] | None = None) -> WeeklyInputs:
    """Read what the weekly page shows, as of a session; nothing missing or unreadable stops it.

    Parameters
    ----------
    store : Store
        The bus.
    asof : Timestamp
        Last session known.
    run : mapping, optional
        Content of the pipeline's `run.json`.
    """
    date, missing = f"{asof:%Y-%m-%d}", {}

    def part(name: str, path: str, read: Callable[[str], T]) -> T | None:
        try:
            if store.exists(path):
                return read(path)
            missing[name] = f"not run: there is no {path}"
        except AlphalibError as error:
            fault = error.faults[0] if isinstance(error, ContractError) else str(error).splitlines()[0]
            # The page may travel: it names the artefact, not the folder of the machine that it lay in.
            missing[name] = f"not readable: {path}: {fault.replace(f'the store {store.url}', 'the store')}"
        return None

    def table(*columns: str) -> Callable[[str], pd.DataFrame]:
        return lambda path: _table(store, path, columns)

    planned = OrderBook.path.format(date=f"{next_session(asof):%Y-%m-%d}")
    signals_path = store.latest(Signals.path, asof=asof)
    if run is None:
        missing["run"] = "not run by the pipeline: times and memory of the steps are not known"
    return WeeklyInputs(
        asof=asof,
        source=part("source", "prices/source.json", lambda path: _source(store, path)),
        quality=part("quality", QualityReport.path, lambda path: store.read(path, QualityReport)),
        coverage=part("coverage", "universe/priced.parquet", table("date", "share")),
        signals=part(
            "signals",
            signals_path[0] if signals_path else Signals.path.format(date=date),
            lambda path: _fresh(store.read(path, Signals), asof, within=5),
        ),
        predictor=part(
            "predictor",
            PredictorMetrics.path,
            lambda path: _fresh(store.read(path, PredictorMetrics), asof, within=None),
        ),
        ic=part("ic", "predictor/oos/ic.parquet", table("date", "rank_ic")),
        backtest=part("backtest", f"backtest/{date}/metrics.json", lambda path: store.read(path, BacktestSummary)),
        nav=part("nav", f"backtest/{date}/nav.parquet", table("date", "nav")),
        trades=part("trades", f"backtest/{date}/trades.parquet", table("date", "ticker", "side", "shares", "price")),
        blocked=part("blocked", f"backtest/{date}/blocked.parquet", table("date", "ticker", "rule")),
        order_book=part("order_book", planned, lambda path: store.read(path, OrderBook)),
        tune=part("tune", TuneReport.path.format(date=date), lambda path: store.read(path, TuneReport)),
        counterfactual=part(
            "counterfactual", f"backtest/{date}/counterfactual.parquet", table("date", "never_tuned", "tuned")
        ),
        calibration=_calibration(store, missing),
        canaries=part("canaries", CanaryReport.path, lambda path: store.read(path, CanaryReport)),
        promises=part("promises", f"backtest/{date}/promises.parquet", store.read_table),
        account=part("account", PAPER_ACCOUNT, lambda path: _record(store, path, AccountDay, asof)),
        paper=part("paper", PAPER_TRADES, lambda path: _record(store, path, TradeRow, asof)),
        run=run,
        parameters=_parameters(store),
        missing=missing,
    )


def _table(store: Store, path: str, columns: tuple[str, ...]) -> pd.DataFrame:
    table = store.read_table(path)
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise ContractError(path, [f"it lacks {', '.join(lacking)}; it has {', '.join(map(str, table.columns))}"])
    if table.empty and path.endswith("nav.parquet"):
        raise ContractError(path, ["it has no rows"])
    return table.assign(date=pd.to_datetime(table["date"])).sort_values("date", kind="stable")


def _record(store: Store, path: str, kind: type[Row], asof: pd.Timestamp) -> pd.DataFrame:
    """A table of the record of paper trading up to a session, each row by its contract."""
    rows = []
    try:
        written = list(csv.DictReader(io.StringIO(store.read_bytes(path).decode(), newline="")))
    except (ValueError, csv.Error) as error:
        raise ContractError(path, [f"not readable as a table: {error}"]) from error
    for cells in written:
        known: dict[str, Any] = {name: value for name, value in cells.items() if value}
        if "positions_snapshot" in known:
            known["positions_snapshot"] = _snapshot(known["positions_snapshot"], path)
        rows.append(checked(known, kind, name=path).model_dump())
    table = pd.DataFrame(rows, columns=list(kind.model_fields))
    return table[table["date"] <= f"{asof:%Y-%m-%d}"]


def _snapshot(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ContractError(path, [f"positions_snapshot is not readable as JSON: {error}"]) from error


def _calibration(store: Store, missing: dict[str, str]) -> CalibrationReport | None:
    """The store's own, or the one that came with the library."""
    from alphalib.proof.calibration import known_calibration  # which imports most of the library

    try:
        found = known_calibration(store)
    except AlphalibError as error:
        missing["calibration"] = f"not readable: {CalibrationReport.path}: {str(error).splitlines()[0]}"
        return None
    if found is None:
        missing["calibration"] = (
            "not run: the limits in use are not those that were measured; `python -m alphalib calibrate`"
        )
    return found


def _mapping(store: Store, path: str) -> dict[str, Any]:
    try:
        content = json.loads(store.read_bytes(path))
    except ValueError as error:
        raise ContractError(path, [f"not readable as JSON: {error}"]) from error
    if not isinstance(content, dict):
        raise ContractError(path, [f"expected an object, got {type(content).__name__}"])
    return content


def _source(store: Store, path: str) -> Source:
    try:
        return Source(**_mapping(store, path))
    except TypeError as error:
        raise ContractError(path, [str(error)]) from error


def _fresh(artefact: Any, asof: pd.Timestamp, *, within: int | None) -> Any:
    age = sessions_from(artefact.date, asof)
    if age < 0:
        raise ContractError(artefact.at(), [f"dated {artefact.date}, after {asof:%Y-%m-%d}"])
    if within is not None and age > within:
        raise ContractError(artefact.at(), [f"dated {artefact.date}, {age} sessions old; at most {within} are shown"])
    return artefact


def _parameters(store: Store) -> dict[str, str]:
    found = {}
    for path in store.paths("config/*.json"):
        try:
            found[path] = str(_mapping(store, path).get("updated_at") or "as delivered")
        except AlphalibError:
            found[path] = "not readable"
    return found
